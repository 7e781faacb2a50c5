"""Run the report notebook of a paper and convert it to a page."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job, keep_compiled_kernels
from irsrepro.build.storage import write_atomically
from irsrepro.report.execution import execute

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    contents = execute(Path(snakemake.input.template), snakemake.params.parameters)
    for path, content in zip(snakemake.output, contents, strict=True):
        write_atomically(path, content)
