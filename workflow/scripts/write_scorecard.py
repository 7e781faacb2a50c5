"""Put the verdicts of all documents into one table, for people and for machines."""

from irsrepro.claims import readings
from irsrepro.jobs import job
from irsrepro.pages import scorecard, warnings_of
from irsrepro.storage import read_dataset, write_atomically, write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    page, table, data = snakemake.output
    paths = iter(snakemake.input.claims)
    verdicts = {
        key: {reading: read_dataset(next(paths), document=key) for reading in names}
        for key, names in snakemake.params.readings.items()
    }
    rows = readings.rows(verdicts, snakemake.params.default)
    names = {name: None for row in rows for name in row.get("verdicts", {})}
    warnings = warnings_of(snakemake.params.fidelity, snakemake.params.engine)
    write_atomically(page, scorecard(rows, list(names), warnings).encode())
    write_atomically(table, readings.as_csv(rows).encode())
    write_dataset(data, readings.as_dataset(rows))
