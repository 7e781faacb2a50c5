"""Draw one chunk of an ensemble."""

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from irsrepro.build.jobs import job, stamp
from irsrepro.build.storage import variable, write_dataset
from irsrepro.channels.streams import RandomStream, realisation_streams

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    identity = snakemake.params.identity
    first, last = map(int, snakemake.wildcards.chunk.split("-"))
    realisations = range(first, last + 1)
    stream = RandomStream(identity["seed"]).child(identity["paper"], snakemake.params.draws)
    draw = import_module(snakemake.params.module).draw
    channels = draw(snakemake.params.section, realisation_streams(stream, realisations))
    numbers = variable(("realisation",), np.array(realisations), "number of the realisation", "1")
    channels = channels.assign_coords(realisation=numbers)
    drawn = identity | {"draws": snakemake.params.draws}
    channels = stamp(channels, drawn, snakemake.params.section, snakemake.params.library)
    write_dataset(snakemake.output[0], channels)
