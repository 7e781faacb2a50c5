"""Put the verdicts of all documents into one table, for people and for machines."""

from pathlib import Path

from irsrepro.claims import readings
from irsrepro.configuration import DEFAULT
from irsrepro.jobs import job
from irsrepro.pages import scorecard
from irsrepro.storage import read_dataset, write_atomically, write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    page, table, data = snakemake.output
    paths = iter(snakemake.input.claims)
    verdicts = {
        key: {reading: read_dataset(next(paths), document=key) for reading in [DEFAULT, *names]}
        for key, names in snakemake.params.readings.items()
    }
    rows = readings.rows(verdicts)
    pictures = {
        tuple(names): Path(path).read_bytes()
        for names, path in zip(snakemake.params.pictures, snakemake.input.pictures, strict=True)
    }
    params = snakemake.params
    text = scorecard(rows, pictures, params.readings, params.fidelity, params.engine)
    write_atomically(page, text.encode())
    write_atomically(table, readings.as_csv(rows).encode())
    write_dataset(data, readings.as_dataset(rows))
