"""Report notebooks: what their cells call, and how a template becomes a report.

A cell is one call that returns something to display. Every number in a report comes from the data.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
import xarray as xr
import yaml
from IPython.display import HTML, Image, Markdown
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from irsrepro.claims import to_table
from irsrepro.configuration import chunks_asked
from irsrepro.deviations import with_published
from irsrepro.errors import IrsreproError, StorageError
from irsrepro.experiments import gather, read_experiment
from irsrepro.pages import TEMPLATES, address, number, part, warnings_of
from irsrepro.published import FOLDER, read_published
from irsrepro.storage import read_dataset

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_FILE = re.compile(r"\S*/ipykernel_\d+/\d+\.py")  # where a kernel keeps the text of a cell


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
        fidelity: ``paper`` or ``preview``.
        chunks: names FIRST-LAST of the files that make up each ensemble of the build; without
            any, those that are there.
        published_dir: folder of points that a reader took off the printed figures.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Mapping[str, Any]]
    figures_dir: Path
    results_dir: Path
    engine: str
    fidelity: str = "paper"
    chunks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    published_dir: Path = Path(FOLDER)

    def heading(self) -> Markdown:
        """Return title, authors, venue and identifiers, and what must not be overlooked."""
        source = self.source
        links = [
            f"[{kind}: {name}]({address(kind, name)})" if address(kind, name) else f"{kind}: {name}"
            for kind, name in source["identifiers"].items()
        ]
        authors, year = ", ".join(source["authors"]), source["year"]
        alarms = "".join(
            f'\n\n<strong style="color: #d33">{warning}</strong>'
            for warning in warnings_of(self.fidelity, self.engine)
        )
        return Markdown(
            f"# Replication of {self.key}\n\n**{source['title']}**, {authors}, {source['venue']}, "
            f"{year}. {', '.join(links)}.\n\n{source['summary']}{alarms}"
        )

    def parameter_table(self) -> HTML:
        """Return every parameter and sweep with values, unit, origin and reason."""
        return HTML(part("parameters.html.j2", source=self.source))

    def alternatives(self) -> Markdown:
        """Return the other plausible readings of the paper."""
        entries = self.source["alternatives"].items()
        return Markdown("\n".join(f"* `{name}`: {entry['about']}" for name, entry in entries))

    def figure(self, name: str) -> Image:
        """Return a figure, large.

        Raises:
            StorageError: it has not been drawn yet.
        """
        path = self.figures_dir / f"{name}.png"
        if not path.is_file():
            raise StorageError(f"{path}: no such file; snakemake {path} draws it")
        title = self.source["figures"][name]["title"]
        return Image(data=path.read_bytes(), format="png", width=760, alt=title)

    def caption(self, name: str) -> HTML:
        """Return the caption of a figure, the claims about it, and how far published points are."""
        rows = [row for row in self.claims if row["figure"] == name]
        caption = part("caption.html.j2", figure=self.source["figures"][name], rows=rows)
        path = self.published_dir / f"{name}.csv"
        return HTML(caption + (self._deviations(name, path) if path.is_file() else ""))

    def _deviations(self, name: str, path: Path) -> str:
        """Return the points of a printed figure with ours beside them, as a part of a page."""
        data = read_dataset(self.results_dir / self.engine / "figures" / f"{name}.nc")
        scale = self.source["figures"][name]["x"].get("scale", "linear")
        data = with_published(data, read_published(path), scale)
        columns = ("published_x", "published", "ours", "deviation", "percent")
        heads = ["x", "published", "ours", "ours − published", "deviation"]
        units = [str(data[column].attrs["units"]) for column in columns]
        rows = [
            [str(one["published_curve"].item()), *(number(float(one[each]), 4) for each in columns)]
            for one in (data.isel(mark=mark) for mark in range(data.sizes["mark"]))
        ]
        named = [f"{h} ({u})" if u != "1" else h for h, u in zip(heads, units, strict=True)]
        about = f"Points taken off the printed figure, {len(rows)} in all:"
        return f"<p>{about}</p>\n" + part("table.html.j2", heads=["curve", *named], rows=rows)

    def claims_table(self) -> HTML:
        """Return every claim with its verdict."""
        return HTML(part("claims.html.j2", rows=self.claims))

    def errata(self) -> Markdown:
        """Return what is wrong or ambiguous in the paper as printed, and how it is read."""
        return Markdown("\n".join(f"1. {erratum}" for erratum in self.source["errata"]))

    def experiment(self, name: str) -> xr.Dataset:
        """Return the solutions of an experiment's schemes side by side."""
        plan = self.source["experiments"][name]
        paths = [path for each in plan["schemes"] for path in self._solution_files(name, each)]
        return read_experiment(paths, plan["schemes"], plan["metric"])

    def solution(self, experiment: str, scheme: str) -> xr.Dataset:
        """Return everything that one scheme returned in an experiment."""
        return gather(self._solution_files(experiment, scheme), scheme=scheme)

    def channels(self, ensemble: str) -> xr.Dataset:
        """Return the first chunk of an ensemble."""
        return read_dataset(self._files(self.results_dir / "channels" / ensemble, ensemble)[0])

    def cost_table(self) -> HTML:
        """Return, per experiment and scheme, how many realisations converged and how fast."""
        rows = []
        for name in self.source["experiments"]:
            table = self.experiment(name)
            for scheme in table["scheme"].values:
                one = table.sel(scheme=scheme)
                one = one.isel(realisation=one["asked"].values)
                ends = ["–", "–"]
                if "iterations" in one and one["iterations"].notnull().any():
                    ends = [
                        f"{100 * float((one['status'] == 0).mean()):.0f} %",
                        f"{float(one['iterations'].median()):.0f}",
                    ]
                failures = int(one["metric"].isnull().sum())
                rows.append([name, self.title(scheme), one.sizes["realisation"], failures, *ends])
        return self.table(
            ["experiment", "scheme", "realisations", "failures", "converged", "median iterations"],
            rows,
        )

    def title(self, scheme: object) -> str:
        """Return a scheme as the legends name it."""
        return str(self.source["schemes"][str(scheme)]["title"])

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> HTML:
        """Return a table of anything."""
        return HTML(part("table.html.j2", heads=heads, rows=rows))

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

    def _solution_files(self, experiment: str, scheme: str) -> list[str]:
        """Return the chunks that a scheme ran on in an experiment, in order."""
        plan = self.source["experiments"][experiment]
        paths = self._files(self.results_dir / self.engine / experiment / scheme, plan["ensemble"])
        asked = chunks_asked([path.stem for path in paths], plan, scheme)
        return [str(path) for path in paths if path.stem in asked]

    def _files(self, folder: Path, ensemble: str) -> list[Path]:
        """Return the chunks of an ensemble in a folder, in order.

        Builds of other sizes may have left chunks that overlap with these. Where it is not known
        which ones belong to the build, the longest that follow one another are taken.
        """
        if self.chunks:
            return [folder / f"{chunk}.nc" for chunk in self.chunks[ensemble]]
        last = {path: int(path.stem.partition("-")[2]) for path in folder.glob("*-*.nc")}
        found: list[Path] = []
        following = 0
        while starting := [path for path in last if int(path.stem.partition("-")[0]) == following]:
            found.append(max(starting, key=last.__getitem__))
            following = last[found[-1]] + 1
        if not found:
            raise StorageError(f"{folder}: no data; snakemake figures/{self.key}/all computes it")
        return found


def load(
    document: str,
    config_path: str,
    figures_dir: str,
    claims_path: str,
    results_dir: str,
    engine: str = "fast",
    chunks: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """Read what a report shows; called from ``notebooks/`` it looks one folder up.

    Args:
        document: citation key.
        config_path: its configuration; this and all paths are relative to the checkout.
        figures_dir: folder of its pictures.
        claims_path: its checked claims.
        results_dir: folder of its data under the default reading.
        engine: the engine whose results are shown.
        chunks: names FIRST-LAST of the files that make up each ensemble of the build; without
            any, those that are there.

    Raises:
        StorageError: the document has not been built yet.
    """
    root = Path() if Path(config_path).is_file() else Path("..")
    claims = read_dataset(root / claims_path, document=document)
    return Report(
        key=document,
        source=yaml.safe_load((root / config_path).read_text(encoding="utf-8")),
        claims=to_table(claims),
        figures_dir=root / figures_dir,
        results_dir=root / results_dir,
        engine=engine,
        fidelity=claims.attrs["fidelity"],
        chunks=chunks or {},
        published_dir=root / FOLDER / document,
    )


def execute(template: Path, parameters: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Run a report template and convert it.

    Args:
        template: notebook with a cell tagged ``parameters``.
        parameters: values for it.

    Returns:
        The executed notebook, and a self-contained page with its code folded. Neither holds times,
        paths or the machine's name, so that equal data gives equal bytes.

    Raises:
        IrsreproError: a cell failed, or no kernel runs; one line tells which.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = papermill.execute_notebook(
                str(template),
                str(Path(folder, "report.ipynb")),
                parameters=dict(parameters),
                kernel_name=KERNEL["name"],
                language=KERNEL["language"],
                progress_bar=False,
                log_output=False,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError as error:
            reason = " ".join(f"{error.ename}: {error.evalue}".split())
            raise IrsreproError(f"{template}: cell {error.exec_count} failed: {reason}") from error
        except (CellTimeoutError, DeadKernelError, NoSuchKernel) as error:
            reason = " ".join(str(error).split())
            raise IrsreproError(f"{template}: its kernel failed: {reason}") from error
    _forget_the_run(notebook)
    text = io.StringIO()
    nbformat.write(notebook, text)
    return text.getvalue().encode(), _page(notebook, template.stem).encode()


def _forget_the_run(notebook: NotebookNode) -> None:
    """Remove what differs between equal runs: times, paths, random names, how output was cut."""
    notebook["metadata"] = {"kernelspec": dict(KERNEL)}
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
        cell["metadata"] = {}
        outputs: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = CELL_FILE.sub("cell", output["text"])
                if outputs and outputs[-1].get("name") == output["name"]:
                    outputs[-1]["text"] += output["text"]
                    continue
            outputs.append(output)
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs


def _page(notebook: NotebookNode, name: str) -> str:
    exporter = HTMLExporter(
        template_name="basic",
        template_file="report.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    page, _ = exporter.from_notebook_node(
        notebook, resources={"metadata": {"name": f"irsrepro: {name}"}}
    )
    return str(page)
