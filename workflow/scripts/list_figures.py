"""Print every figure with its paper and the computing time of its last build."""

from pathlib import Path

from irsrepro.configuration import load_project
from irsrepro.jobs import job
from irsrepro.listing import figures_table

with job("list", snakemake.log[0]):
    root = Path.cwd()
    print(figures_table(load_project(root, snakemake.params.overrides), root))
