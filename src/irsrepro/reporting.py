"""Report notebooks: what their cells call, and how a template becomes a report.

A cell is one call that returns something to display. Every number in a report comes from the data.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import xarray as xr
import yaml
from IPython.display import HTML, Image, Markdown
from nbconvert import HTMLExporter

from irsrepro.claims import to_table
from irsrepro.errors import IrsreproError
from irsrepro.experiments import read_experiment
from irsrepro.pages import address, part
from irsrepro.storage import read_dataset

CELL_KEYS = ("papermill", "execution", "tags")


@dataclass(frozen=True)
class Report:
    """A document with the results of a build.

    Attributes:
        key: citation key.
        source: its configuration.
        claims: rows of its claims, see ``claims.to_table``.
        figures_dir: folder of its pictures.
        results_dir: folder of its data under the default reading.
        engine: the engine whose results are shown.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Mapping[str, Any]]
    figures_dir: Path
    results_dir: Path
    engine: str

    def heading(self) -> Markdown:
        """Return title, authors, venue and identifiers."""
        source = self.source
        links = [
            f"[{kind}: {name}]({address(kind, name)})" if address(kind, name) else f"{kind}: {name}"
            for kind, name in source["identifiers"].items()
        ]
        authors, year = ", ".join(source["authors"]), source["year"]
        return Markdown(
            f"# Replication of {self.key}\n\n**{source['title']}**, {authors}, {source['venue']}, "
            f"{year}. {', '.join(links)}.\n\n{source['summary']}"
        )

    def parameter_table(self) -> HTML:
        """Return every parameter with value, unit, origin and reason."""
        return HTML(part("parameters.html.j2", parameters=self.source["parameters"]))

    def alternatives(self) -> Markdown:
        """Return the other plausible readings of the paper."""
        entries = self.source["alternatives"].items()
        return Markdown("\n".join(f"* `{name}`: {entry['about']}" for name, entry in entries))

    def figure(self, name: str) -> Image:
        """Return a figure, large."""
        return Image(data=(self.figures_dir / f"{name}.png").read_bytes(), format="png", width=760)

    def caption(self, name: str) -> HTML:
        """Return the caption of a figure and the claims about it."""
        rows = [row for row in self.claims if row["figure"] == name]
        return HTML(part("caption.html.j2", figure=self.source["figures"][name], rows=rows))

    def claims_table(self) -> HTML:
        """Return every claim with its verdict."""
        return HTML(part("claims.html.j2", rows=self.claims))

    def errata(self) -> Markdown:
        """Return what is wrong or ambiguous in the paper as printed, and how it is read."""
        return Markdown("\n".join(f"1. {erratum}" for erratum in self.source["errata"]))

    def experiment(self, name: str) -> xr.Dataset:
        """Return the solutions of an experiment's schemes side by side."""
        plan = self.source["experiments"][name]
        folder = self.results_dir / self.engine / name
        paths = [path for each in plan["schemes"] for path in sorted(folder.glob(f"{each}/*.nc"))]
        return read_experiment([str(path) for path in paths], plan["schemes"], plan["metric"])

    def channels(self, ensemble: str) -> xr.Dataset:
        """Return the first chunk of an ensemble."""
        return read_dataset(min((self.results_dir / "channels" / ensemble).glob("*.nc")))

    def cost_table(self) -> HTML:
        """Return, per experiment and scheme, how many realisations converged and how fast."""
        rows = []
        for name in self.source["experiments"]:
            table = self.experiment(name)
            for scheme in table["scheme"].values:
                one = table.sel(scheme=scheme)
                counted = "iterations" in one and bool(one["iterations"].notnull().any())
                rows.append(
                    {
                        "experiment": name,
                        "scheme": self.source["schemes"][str(scheme)]["title"],
                        "realisations": one.sizes["realisation"],
                        "failures": int(one["metric"].isnull().sum()),
                        "converged": float((one["status"] == 0).mean()) if counted else None,
                        "iterations": float(one["iterations"].median()) if counted else None,
                    }
                )
        return HTML(part("cost.html.j2", rows=rows))

    def rebuild_instructions(self) -> Markdown:
        """Return what to type to build this report, or one figure of it, again."""
        figure = next(reversed(self.source["figures"]))
        return Markdown(
            "```sh\n"
            f"snakemake figures/{self.key}/all    # this paper\n"
            f"snakemake figures/{self.key}/{figure}.pdf    # one figure\n"
            f"snakemake figures/{self.key}/{figure}.pdf"
            " --config engine=reference fidelity=preview    # by public solvers\n"
            "snakemake scorecard/all    # every claim under every alternative reading\n"
            "```"
        )


def load(
    document: str,
    config_path: str,
    figures_dir: str,
    claims_path: str,
    results_dir: str,
    engine: str = "fast",
) -> Report:
    """Read what a report shows; called from ``notebooks/`` it looks one folder up.

    Raises:
        StorageError: the document has not been built yet.
    """
    root = Path() if Path(config_path).is_file() else Path("..")
    return Report(
        key=document,
        source=yaml.safe_load((root / config_path).read_text(encoding="utf-8")),
        claims=to_table(read_dataset(root / claims_path, document=document)),
        figures_dir=root / figures_dir,
        results_dir=root / results_dir,
        engine=engine,
    )


def execute(template: Path, parameters: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Run a report template and convert it.

    Args:
        template: notebook with a cell tagged ``parameters``.
        parameters: values for it.

    Returns:
        The executed notebook, and a self-contained page without code cells. Neither holds times,
        paths or the machine's name, so that equal data gives equal bytes.

    Raises:
        IrsreproError: a cell failed; one line names it.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = papermill.execute_notebook(
                str(template),
                str(Path(folder, "report.ipynb")),
                parameters=dict(parameters),
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                extra_arguments=["--log-level=ERROR"],
            )
        except papermill.PapermillExecutionError as error:
            raise IrsreproError(
                f"{template}: cell {error.exec_count} failed: {error.ename}: {error.evalue}"
            ) from error
    notebook.metadata.pop("papermill", None)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
        cell["metadata"] = {}
    exporter = HTMLExporter(
        exclude_input=True, exclude_output_prompt=True, mathjax_url="", require_js_url=""
    )
    exporter.embed_images = True
    page, _ = exporter.from_notebook_node(notebook)
    text = io.StringIO()
    nbformat.write(notebook, text)
    return text.getvalue().encode(), page.encode()
