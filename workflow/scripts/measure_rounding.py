"""Design a sample of an experiment again, on channels disturbed in their last digits."""

from functools import partial
from typing import TYPE_CHECKING

from irsrepro.build.experiments import gather, read_solutions
from irsrepro.build.external import solve
from irsrepro.build.jobs import job, keep_compiled_kernels, stamp
from irsrepro.build.sensitivity import DISTURBANCE, differences, disturb
from irsrepro.build.storage import write_dataset
from irsrepro.build.sweeps import solve_each
from irsrepro.channels.streams import RandomStream, realisation_streams

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, params = snakemake.params.identity, snakemake.params
    key, ensemble = identity["paper"], params.ensemble
    seed = identity["seed"]
    channels = gather(snakemake.input.channels, seed=seed)
    channels = channels.isel(realisation=slice(0, params.sample))
    root = RandomStream(seed).child(key, ensemble)
    streams = realisation_streams(root, channels["realisation"].values.tolist())
    channels = disturb(channels, streams)
    plain = read_solutions(snakemake.input.solutions, params.schemes, seed=seed)
    calls = [
        partial(
            solve,
            channels.sel(realisation=plain[scheme]["realisation"].values[: params.sample]),
            root.child("scheme", scheme),
            entry,
            params.system,
            identity["engine"],
            params.sweep,
        )
        for scheme, entry in params.schemes.items()
    ]
    other = dict(zip(params.schemes, solve_each(calls), strict=True))
    changes = differences(plain, other, params.metric)
    sections = {scheme: entry["section"] for scheme, entry in params.schemes.items()}
    facts = {"disturbance": DISTURBANCE, "schemes": sections}
    write_dataset(snakemake.output[0], stamp(changes, identity, facts, snakemake.params.library))
