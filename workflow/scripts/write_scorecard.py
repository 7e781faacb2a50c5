"""Put the verdicts of all papers into one table, for people and for machines."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically
from irsrepro.claims import read_verdicts, scorecard
from irsrepro.config.paper import DEFAULT
from irsrepro.report import pages

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    page, table = snakemake.output
    paths = iter(snakemake.input.claims)
    verdicts = {
        key: {
            reading: read_verdicts(next(paths), seed=snakemake.params.seed)
            for reading in [DEFAULT, *names]
        }
        for key, names in snakemake.params.readings.items()
    }
    rows = scorecard.rows(verdicts)
    pictures = {
        tuple(names): Path(path).read_bytes()
        for names, path in zip(snakemake.params.pictures, snakemake.input.pictures, strict=True)
    }
    params = snakemake.params
    text = pages.scorecard(rows, pictures, params.readings, params.fidelity, params.engine)
    write_atomically(page, text.encode())
    write_atomically(table, scorecard.as_csv(rows).encode())
