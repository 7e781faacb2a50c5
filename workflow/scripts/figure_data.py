"""Average what a figure draws."""

from irsrepro.experiments import gather, read_experiment
from irsrepro.figure_data import make
from irsrepro.jobs import job, stamp
from irsrepro.storage import write_dataset

with job(snakemake.output[0], snakemake.log[0]):
    section = snakemake.params.section
    if section["kind"] == "layout":
        data = gather(snakemake.input.data)
    else:
        data = read_experiment(
            snakemake.input.data, snakemake.params.schemes, snakemake.params.metric
        )
    made = make(section["kind"], data, section)
    write_dataset(
        snakemake.output[0],
        stamp(
            made,
            snakemake.params.identity,
            snakemake.params.parameters,
            snakemake.input.library,
        ),
    )
