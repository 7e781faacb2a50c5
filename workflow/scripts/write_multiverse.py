"""Show every claim of a paper under every reading: a page, tables, and a curve per claim."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.storage import write_atomically, write_dataset
from irsrepro.config.loading import load_paper
from irsrepro.figures.specification import render_specification
from irsrepro.multiverse.explored import read_explored_reading
from irsrepro.multiverse.specifications import specification
from irsrepro.multiverse.tables import as_csv, as_dataset, gather_readings
from irsrepro.report.multiverse import page, survey_multiverse

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output.page, snakemake.log[0]):
    key, seed = snakemake.wildcards.paper, snakemake.params.seed
    source = load_paper(Path(snakemake.params.root), key).source
    readings = [
        read_explored_reading(path, paper=key, seed=seed) for path in snakemake.input.explored
    ]
    survey = survey_multiverse(gather_readings(readings, source), source)
    pictures = {}
    folder = Path(snakemake.output.curves)
    folder.mkdir(parents=True, exist_ok=True)
    for claim, finding in survey.findings.items():
        files = render_specification(specification(readings, finding, source))
        for ending, content in files.items():
            write_atomically(folder / f"{claim}.{ending}", content)
        pictures[claim] = files["png"]
    write_atomically(snakemake.output.page, page(survey, pictures).encode())
    write_atomically(snakemake.output.table, as_csv(survey.multiverse).encode())
    write_dataset(snakemake.output.data, as_dataset(survey.multiverse))
