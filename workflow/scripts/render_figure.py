"""Draw a figure and write the table of its numbers beside it."""

from pathlib import Path

from irsrepro.jobs import job
from irsrepro.plotting import render, table
from irsrepro.provenance import code_version
from irsrepro.storage import read_dataset, write_atomically

with job(snakemake.output[0], snakemake.log[0]):
    data = read_dataset(snakemake.input.data).assign_attrs(code_version=code_version(Path.cwd()))
    drawn = render(
        data, snakemake.params.section, snakemake.params.schemes, snakemake.params.experiments
    )
    drawn["csv"] = table(data).encode()
    for path in snakemake.output:
        write_atomically(path, drawn[Path(path).suffix[1:]])
