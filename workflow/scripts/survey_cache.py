"""Print what lies in the cache and what of it is out of reach, and perhaps delete that."""

import os
from pathlib import Path

from irsrepro import cache
from irsrepro.configuration import load_project
from irsrepro.jobs import job, keep_compiled_kernels

with job(snakemake.rule, snakemake.log[0]):
    keep_compiled_kernels()
    root, kernels = Path.cwd(), Path(os.environ["NUMBA_CACHE_DIR"])
    projects = [load_project(root, {}), load_project(root, snakemake.params.overrides)]
    files = cache.survey(root, projects, kernels, what_ifs=snakemake.params.what_ifs)
    print(cache.prune(root, files) if snakemake.params.delete else cache.listing(files))
