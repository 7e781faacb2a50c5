"""Run the schemes of an experiment over its sweep, on one chunk of its ensemble."""

from typing import TYPE_CHECKING

from irsrepro.build.designs import Chunk
from irsrepro.build.external import rejections
from irsrepro.build.jobs import content_hash, job, keep_compiled_kernels, notify, still_valid
from irsrepro.build.storage import read_dataset, write_groups

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, params = snakemake.params.identity, snakemake.params
    sweep = params.sweep
    channels = read_dataset(snakemake.input.channels, seed=identity["seed"])
    hashes = {
        scheme: content_hash(identity, params.system, sweep, channels.attrs, scheme, plan)
        for scheme, plan in params.schemes.items()
    }
    solutions = still_valid(snakemake.output[0], hashes)
    missing = [scheme for scheme in params.schemes if scheme not in solutions]
    missing.sort(key=lambda scheme: "external" not in params.schemes[scheme])  # may end in an error
    plans = {scheme: params.schemes[scheme] for scheme in missing}
    chunk = Chunk(identity, params.ensemble, channels, params.system, sweep)
    for scheme, solution in chunk.solutions(plans, hashes):
        solutions[scheme], plan = solution, plans[scheme]
        if "external" in plan and (message := rejections(solution)):
            notify(f"{plan['external']['place']}: {message}")
    write_groups(snakemake.output[0], {scheme: solutions[scheme] for scheme in params.schemes})
