"""Average what a figure draws."""

from typing import TYPE_CHECKING

from irsrepro.build.experiments import gather, read_changes, read_experiment
from irsrepro.build.jobs import job, stamp
from irsrepro.build.storage import write_dataset
from irsrepro.figures.data import make, traces_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    section, plans = snakemake.params.section, snakemake.params.plans
    seed = snakemake.params.identity["seed"]
    if section["kind"] == "layout":
        name = section["ensemble"]
        data = {name: gather(snakemake.input[f"data_{name}"], seed=seed)}
    else:
        traces = traces_of(section["kind"], snakemake.params.curves)
        data = {
            name: read_experiment(
                snakemake.input[f"data_{name}"], plan["schemes"], plan["metric"], traces, seed=seed
            )
            for name, plan in plans.items()
        }
    changes = read_changes(snakemake.input.rounding, seed=seed)
    dataset = make(section["kind"], data, section, snakemake.params.curves, changes)
    write_dataset(
        snakemake.output[0],
        stamp(
            dataset,
            snakemake.params.identity,
            snakemake.params.parameters,
            snakemake.params.library,
        ),
    )
