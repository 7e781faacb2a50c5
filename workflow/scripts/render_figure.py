"""Draw a figure, or a sheet of several, and write its numbers beside it, for people and pages."""

from pathlib import Path
from typing import TYPE_CHECKING

from irsrepro.build.jobs import job
from irsrepro.build.provenance import code_version
from irsrepro.build.storage import read_dataset, write_atomically
from irsrepro.figures.charts import chart
from irsrepro.figures.deviations import with_published
from irsrepro.figures.plotting import render, render_sheet
from irsrepro.figures.published import read_published
from irsrepro.figures.tables import table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.output[0], snakemake.log[0]):
    section, titles = snakemake.params.section, snakemake.params.experiments
    version = code_version()
    data = [
        read_dataset(path, seed=snakemake.params.seed).assign_attrs(code_version=version)
        for path in snakemake.input.data
    ]
    for path in map(Path, snakemake.input.published):
        place = [dataset.attrs["figure"] for dataset in data].index(path.stem)
        scale = snakemake.params.panels[place]["x"].get("scale", "linear")
        data[place] = with_published(data[place], read_published(path), scale)
    panels = list(zip(data, snakemake.params.panels, strict=True))
    name = snakemake.wildcards.figure
    if section["kind"] == "sheet":
        files = render_sheet(panels, name, section, snakemake.params.schemes, titles)
    else:
        files = render(data[0], section, snakemake.params.schemes, titles)
    files["csv"] = "\n".join(table(dataset) for dataset in data).encode()
    files["js"] = chart(panels, name, section, snakemake.params.schemes, titles).encode()
    for path in snakemake.output:
        write_atomically(path, files[Path(path).suffix[1:]])
