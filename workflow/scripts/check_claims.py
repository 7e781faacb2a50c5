"""Check every claim of a paper under one reading."""

from typing import TYPE_CHECKING

from irsrepro.build.experiments import read_changes, read_experiment
from irsrepro.build.jobs import facts, job
from irsrepro.build.sensitivity import roundings
from irsrepro.claims import Verdicts, evaluate, traces_of, write_verdicts
from irsrepro.errors import ConfigurationError

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    params, seed = snakemake.params, snakemake.params.identity["seed"]
    traces = traces_of(params.claims.values())
    experiments = {
        name: read_experiment(paths, plan["schemes"], plan["metric"], traces[name], seed=seed)
        for name, plan in params.experiments.items()
        if name in traces and (paths := snakemake.input.get(f"data_{name}"))
    }
    changes = read_changes(snakemake.input.rounding, seed=seed)
    others = roundings(experiments, changes)
    results = []
    for name, claim in params.claims.items():
        try:
            results.append(evaluate(claim | {"id": name}, experiments, params.origins, others))
        except ValueError as error:
            key = snakemake.wildcards.paper
            raise ConfigurationError(f"config/{key}.yaml: claims.{error}") from error
    made_by = facts(params.identity, params.parameters, snakemake.params.library)
    write_verdicts(snakemake.output[0], Verdicts(made_by, results))
