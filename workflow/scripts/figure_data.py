"""Average what a figure draws."""

from irsrepro.experiments import gather, read_changes, read_experiment
from irsrepro.figure_data import make
from irsrepro.jobs import job, stamp
from irsrepro.storage import write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    section, plans = snakemake.params.section, snakemake.params.plans
    if section["kind"] == "layout":
        data = {section["ensemble"]: gather(snakemake.input[f"data_{section['ensemble']}"])}
    else:
        data = {
            name: read_experiment(snakemake.input[f"data_{name}"], plan["schemes"], plan["metric"])
            for name, plan in plans.items()
        }
    changes = read_changes(snakemake.input.rounding)
    made = make(section["kind"], data, section, snakemake.params.curves, changes)
    write_dataset(
        snakemake.output[0],
        stamp(
            made,
            snakemake.params.identity,
            snakemake.params.parameters,
            snakemake.input.library,
        ),
    )
