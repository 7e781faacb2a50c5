"""Run one scheme over the sweep of an experiment, on one chunk of its ensemble."""

from irsrepro.channels.streams import RandomStream
from irsrepro.jobs import job, keep_compiled_kernels, stamp
from irsrepro.storage import read_dataset, write_dataset
from irsrepro.sweeps import solve

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, params = snakemake.params.identity, snakemake.params
    key, ensemble = identity["document"], params.ensemble
    solution = solve(
        read_dataset(snakemake.input.channels, document=key, ensemble=ensemble),
        RandomStream(identity["seed"]).child(key, ensemble, "scheme", identity["scheme"]),
        params.module,
        params.system,
        params.section,
        identity["engine"],
        params.sweep,
    )
    parameters = params.section | {params.sweep["parameter"]: params.sweep["values"]}
    write_dataset(
        snakemake.output[0], stamp(solution, identity, parameters, snakemake.input.library)
    )
