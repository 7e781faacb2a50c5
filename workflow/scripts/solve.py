"""Run one scheme over the sweep of an experiment, on one chunk of its ensemble."""

from importlib import import_module

from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.jobs import job, keep_compiled_kernels, stamp
from irsrepro.storage import read_dataset, write_dataset
from irsrepro.sweeps import Problem, run

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, section, sweep = (snakemake.params[key] for key in ("identity", "section", "sweep"))
    key, scheme = identity["document"], identity["scheme"]
    channels = read_dataset(
        snakemake.input.channels, document=key, ensemble=snakemake.params.ensemble
    )
    stream = RandomStream(identity["seed"]).child(key, snakemake.params.ensemble, "scheme", scheme)
    streams = realisation_streams(stream, channels["realisation"].values)
    solution = run(
        import_module(snakemake.params.module).design,
        import_module(snakemake.params.system).evaluate,
        Problem(channels, section, identity["engine"], streams),
        sweep,
    )
    parameters = section | {sweep["parameter"]: sweep["values"]}
    write_dataset(
        snakemake.output[0], stamp(solution, identity, parameters, snakemake.input.library)
    )
