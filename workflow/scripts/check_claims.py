"""Check every claim of a document under one reading."""

from irsrepro.claims import evaluate, to_dataset
from irsrepro.errors import ConfigurationError
from irsrepro.experiments import read_changes, read_experiment
from irsrepro.jobs import job, stamp
from irsrepro.sensitivity import roundings
from irsrepro.storage import write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    experiments = {
        name: read_experiment(paths, plan["schemes"], plan["metric"])
        for name, plan in snakemake.params.experiments.items()
        if (paths := snakemake.input.get(f"data_{name}"))
    }
    others = roundings(experiments, read_changes(snakemake.input.rounding))
    results = []
    for name, claim in snakemake.params.claims.items():
        try:
            claim = claim | {"id": name}
            results.append(evaluate(claim, experiments, snakemake.params.origins, others))
        except ValueError as error:
            key = snakemake.wildcards.document
            raise ConfigurationError(f"config/{key}.yaml: claims.{error}") from error
    write_dataset(
        snakemake.output[0],
        stamp(
            to_dataset(results),
            snakemake.params.identity,
            snakemake.params.parameters,
            snakemake.input.library,
        ),
    )
