"""Design a sample of an experiment again, on channels disturbed in their last digits."""

from typing import TYPE_CHECKING

from irsrepro.build.designs import Chunk
from irsrepro.build.experiments import gather, read_solutions
from irsrepro.build.jobs import job, keep_compiled_kernels, stamp
from irsrepro.build.sensitivity import DISTURBANCE, differences, disturb
from irsrepro.build.storage import write_dataset
from irsrepro.channels.streams import RandomStream, realisation_streams

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, params = snakemake.params.identity, snakemake.params
    seed, sample = identity["seed"], params.sample
    channels = gather(snakemake.input.channels, seed=seed).isel(realisation=slice(0, sample))
    root = RandomStream(seed).child(identity["paper"], params.ensemble)
    streams = realisation_streams(root, channels["realisation"].values.tolist())
    disturbed = disturb(channels, streams)
    plain = read_solutions(snakemake.input.solutions, params.schemes, seed=seed)
    numbers = {name: solution["realisation"].values[:sample] for name, solution in plain.items()}
    part = Chunk(identity, params.ensemble, disturbed, params.system, params.sweep)
    other = dict(part.designs(params.schemes, numbers))
    changes = differences(plain, other, params.metric)
    sections = {scheme: entry["section"] for scheme, entry in params.schemes.items()}
    facts = {"disturbance": DISTURBANCE, "schemes": sections}
    write_dataset(snakemake.output[0], stamp(changes, identity, facts, params.library))
