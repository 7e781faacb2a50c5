"""Check every claim of a document under one reading."""

from irsrepro.claims import evaluate, to_dataset
from irsrepro.experiments import read_experiment
from irsrepro.jobs import job, stamp
from irsrepro.storage import write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    plans = snakemake.params.experiments
    experiments = {
        name: read_experiment(snakemake.input[name], plan["schemes"], plan["metric"])
        for name, plan in plans.items()
        if snakemake.input.get(name)
    }
    parameters = snakemake.params.parameters
    origins = {name: entry["origin"] for name, entry in parameters.items()}
    results = [
        evaluate(claim | {"id": name}, experiments, origins)
        for name, claim in snakemake.params.claims.items()
    ]
    values = {name: entry["value"] for name, entry in parameters.items()}
    write_dataset(
        snakemake.output[0],
        stamp(to_dataset(results), snakemake.params.identity, values, snakemake.input.library),
    )
