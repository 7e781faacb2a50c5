"""Run one scheme over the sweep of an experiment, on one chunk of its ensemble."""

from importlib import import_module

from irsrepro.jobs import job, stamp
from irsrepro.storage import read_dataset, write_dataset
from irsrepro.sweeps import run

with job(snakemake.output[0], snakemake.log[0]):
    identity, section, sweep = (snakemake.params[key] for key in ("identity", "section", "sweep"))
    channels = read_dataset(
        snakemake.input.channels, document=identity["document"], ensemble=snakemake.params.ensemble
    )
    solution = run(
        import_module(snakemake.params.module).solve,
        channels,
        section,
        sweep["parameter"],
        sweep["unit"],
        sweep["values"],
        identity["engine"],
    )
    parameters = section | {sweep["parameter"]: sweep["values"]}
    write_dataset(
        snakemake.output[0], stamp(solution, identity, parameters, snakemake.input.library)
    )
