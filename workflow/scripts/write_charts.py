"""Write the script that draws charts in pages, once for all of them."""

from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically
from irsrepro.report.pages import charts_script

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    write_atomically(snakemake.output[0], charts_script().encode())
