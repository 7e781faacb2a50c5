"""Run the schemes of an experiment over its sweep, on one chunk of its ensemble."""

from functools import partial
from typing import TYPE_CHECKING

from irsrepro.build.external import rejections, solve
from irsrepro.build.jobs import content_hash, job, keep_compiled_kernels, stamp, still_valid, tell
from irsrepro.build.storage import read_dataset, write_groups
from irsrepro.build.sweeps import solve_each
from irsrepro.channels.streams import RandomStream

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    keep_compiled_kernels()
    identity, params = snakemake.params.identity, snakemake.params
    key, ensemble, sweep = identity["paper"], params.ensemble, params.sweep
    channels = read_dataset(snakemake.input.channels, seed=identity["seed"])
    stream = RandomStream(identity["seed"]).child(key, ensemble, "scheme")
    hashes = {
        scheme: content_hash(identity, params.system, sweep, channels.attrs, scheme, plan)
        for scheme, plan in params.schemes.items()
    }
    solutions = still_valid(snakemake.output[0], hashes)
    missing = [scheme for scheme in params.schemes if scheme not in solutions]
    missing.sort(key=lambda scheme: "external" not in params.schemes[scheme])  # may end in an error
    calls = [
        partial(
            solve,
            channels,
            stream.child(scheme),
            params.schemes[scheme],
            params.system,
            identity["engine"],
            sweep,
        )
        for scheme in missing
    ]
    for scheme, solution in zip(missing, solve_each(calls), strict=True):
        plan = params.schemes[scheme]
        about = identity | {"scheme": scheme, "inputs_hash": hashes[scheme]}
        parameters = plan["section"] | {sweep["parameter"]: sweep["values"]}
        solutions[scheme] = stamp(solution, about, parameters, plan["library"])
        if "external" in plan and (told := rejections(solution)):
            tell(f"{plan['external']['place']}: {told}")
    write_groups(snakemake.output[0], {scheme: solutions[scheme] for scheme in params.schemes})
