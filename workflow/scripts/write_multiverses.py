"""Show how many claims of each paper are robust, with links to the page of each."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically
from irsrepro.config.loading import load_paper
from irsrepro.multiverse.tables import from_csv
from irsrepro.report.multiverse import index, survey_multiverse

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    surveys = []
    for path in map(Path, snakemake.input.tables):
        source = load_paper(Path(snakemake.params.root), path.stem).source
        surveys.append(survey_multiverse(from_csv(path.read_text(encoding="utf-8")), source))
    write_atomically(snakemake.output[0], index(surveys).encode())
