"""Copy the scorecard under alternative readings to where it is committed, and write its page."""

from pathlib import Path

from irsrepro.jobs import job
from irsrepro.showcase import pages
from irsrepro.storage import write_atomically

with job(snakemake.output.page, snakemake.log[0]):
    table = Path(snakemake.input.claims).read_bytes()
    write_atomically(snakemake.output.claims, table)
    for path, text in pages(Path.cwd()).items():
        write_atomically(path, text.encode())
