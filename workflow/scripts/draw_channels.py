"""Draw one chunk of an ensemble."""

from importlib import import_module
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job, stamp
from irsrepro.build.storage import write_dataset
from irsrepro.channels.ensembles import draw_realisations
from irsrepro.channels.streams import RandomStream

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    identity = snakemake.params.identity
    first, last = map(int, snakemake.wildcards.chunk.split("-"))
    stream = RandomStream(identity["seed"]).child(identity["paper"], snakemake.params.draws)
    draw = import_module(snakemake.params.module).draw
    section, numbers = snakemake.params.section, range(first, last + 1)
    channels = draw_realisations(draw, section, stream, numbers)
    attributes = identity | {"draws": snakemake.params.draws}
    channels = stamp(channels, attributes, section, snakemake.params.library)
    write_dataset(snakemake.output[0], channels)
