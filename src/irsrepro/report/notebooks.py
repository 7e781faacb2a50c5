"""Report notebooks: what their cells call.

A cell is one call that returns something to display. Every number in a report comes from the data.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import PIL.Image
import yaml
from IPython.display import HTML, Image, Markdown
from numpy.typing import NDArray

from irsrepro.build.jobs import keep_compiled_kernels
from irsrepro.claims import read_verdicts
from irsrepro.config.loading import load_paper
from irsrepro.config.models import Origin
from irsrepro.config.modules import LIBRARY
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import StorageError
from irsrepro.figures.deviations import with_published
from irsrepro.figures.published import FOLDER, read_published
from irsrepro.multiverse.tables import from_csv
from irsrepro.report import multiverse_gallery
from irsrepro.report.built import Build
from irsrepro.report.citation import bibtex, plain, software
from irsrepro.report.multiverse import EXPLAINED, survey_multiverse
from irsrepro.report.pages import address, counts, number, others, part, warnings_of

CITATION = "CITATION.cff"
ORIGINS = get_args(Origin)
SETTLED = ORIGINS[:2]  # leave nothing open


@dataclass(frozen=True)
class Report(Build):
    """A paper with the results of a build, in what cells display."""

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

    def summary(self) -> HTML:
        """Return how many claims replicate, and which do not, with links to where they are."""
        return HTML(
            part(
                "summary.html.j2",
                counts=counts(self.claims),
                others=others(self.claims),
                rows=self.open_claims(),
            )
        )

    def open_claims(self) -> list[dict[str, Any]]:
        """Return the claims that are not replicated, then the undecided ones.

        Each row has also the ``note`` of the configuration, empty without one, and what the claim
        ``rests_on`` that the paper does not settle, with its origin.
        """
        rows = []
        for verdict in ("not replicated", "undecided"):
            for row in self.claims:
                if row["verdict"] == verdict:
                    entry = self.source["claims"][row["claim"]]
                    guesses = [
                        f"{name} ({origin})"
                        for name in entry.get("rests_on", [])
                        if (origin := self.source["parameters"][name]["origin"]) not in SETTLED
                    ]
                    note = entry.get("note", "")
                    rows.append({**row, "note": note, "rests_on": ", ".join(guesses)})
        return rows

    def origins(self) -> dict[str, list[str]]:
        """Return parameters, sweeps and numbers of realisations by where their values come from."""
        source = self.source
        entries = {name: entry["origin"] for name, entry in source["parameters"].items()} | {
            f"{plan['sweep']['parameter']} in {name}": plan["sweep"]["origin"]
            for name, plan in source["experiments"].items()
        }
        numbers = {"realisations": source.get("realisations")} | {
            f"realisations of {name}": ensemble.get("realisations")
            for name, ensemble in source["ensembles"].items()
        }
        entries |= {name: entry["paper"]["origin"] for name, entry in numbers.items() if entry}
        names_by_origin: dict[str, list[str]] = {origin: [] for origin in ORIGINS}
        for name, origin in entries.items():
            names_by_origin[origin].append(name)
        return names_by_origin

    def limits(self) -> HTML:
        """Return what the results rest on besides the paper, and what was run in part only."""
        origins = self.origins()
        partial = [
            f"{self.title(scheme)} in {name}: the first {count}"
            for name, plan in self.source["experiments"].items()
            for scheme, count in plan.get("first", {}).items()
        ]
        failed = [
            f"{self.title(scheme)} in {name}: {failures} of {designs}"
            for name, scheme, designs, failures in self._designs()
            if failures
        ]
        return HTML(
            part(
                "limits.html.j2",
                total=sum(map(len, origins.values())),
                settled=sum(len(origins[origin]) for origin in SETTLED),
                open={name: items for name, items in origins.items() if name not in SETTLED},
                partial=partial,
                failed=failed,
                warnings=warnings_of(self.fidelity, self.engine),
            )
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
        figure = self.source["figures"][name]
        readings = " ".join(self.source.get("alternatives", ()))
        caption = part(
            "caption.html.j2", key=self.key, name=name, figure=figure, readings=readings, rows=rows
        )
        path = self.published_dir / f"{name}.csv"
        return HTML(caption + (self._deviations(name, path) if path.is_file() else ""))

    def _deviations(self, name: str, path: Path) -> str:
        """Return the points of a printed figure with ours beside them, as a part of a page."""
        data = self.figure_data(name)
        scale = self.source["figures"][name]["x"].get("scale", "linear")
        data = with_published(data, read_published(path), scale)
        columns = ("published_x", "published", "ours", "deviation", "percent")
        heads = ["x", "published", "ours", "ours − published", "deviation"]
        units = [str(data[column].attrs["units"]) for column in columns]
        rows = [
            [
                str(point["published_curve"].item()),
                *(number(float(point[column]), 4) for column in columns),
            ]
            for point in (data.isel(mark=mark) for mark in range(data.sizes["mark"]))
        ]
        labels = [f"{h} ({u})" if u != "1" else h for h, u in zip(heads, units, strict=True)]
        about = f"Points taken off the printed figure, {len(rows)} in all:"
        return f"<p>{about}</p>\n" + part("table.html.j2", heads=["curve", *labels], rows=rows)

    def claims_table(self) -> HTML:
        """Return every claim with its verdict."""
        return HTML(part("claims.html.j2", rows=self.claims))

    def multiverse(self) -> HTML | Markdown:
        """Return of every claim in how many readings it holds and what that hinges on."""
        if not self.multiverse_file.is_file():
            return Markdown(
                "None has been committed for this paper: "
                f"`snakemake multiverse/{self.key}` and `irsrepro multiverse` do so."
            )
        table = from_csv(self.multiverse_file.read_text(encoding="utf-8"))
        rows = survey_multiverse(table, self.source).rows()
        return HTML(part("readings.html.j2", rows=rows, explained=EXPLAINED))

    def errata(self) -> Markdown:
        """Return what is wrong or ambiguous in the paper as printed, and how it is read."""
        return Markdown("\n".join(f"1. {erratum}" for erratum in self.source["errata"]))

    def cost_table(self) -> HTML:
        """Return, per experiment and scheme, how many realisations converged and how fast."""
        rows = []
        for name in self.source["experiments"]:
            table = self.without_traces(name)
            for scheme in table["scheme"].values:
                runs = table.sel(scheme=scheme)
                runs = runs.isel(realisation=runs["asked"].values)
                ends = ["–", "–"]
                if "iterations" in runs and runs["iterations"].notnull().any():
                    ends = [
                        f"{100 * float((runs['status'] == 0).mean()):.0f} %",
                        f"{float(runs['iterations'].median()):.0f}",
                    ]
                failures = int(runs["metric"].isnull().sum())
                rows.append([name, self.title(scheme), runs.sizes["realisation"], failures, *ends])
        return self.table(
            ["experiment", "scheme", "realisations", "failures", "converged", "median iterations"],
            rows,
        )

    def spread(self) -> HTML:
        """Return how the metric varies over realisations, per experiment, scheme and point.

        Mean, standard deviation (n - 1) and the quantiles of 10 and 90 %.
        """
        groups = []
        for name, plan in self.source["experiments"].items():
            metric = self.without_traces(name)["metric"]
            points = metric["point"].values
            rows = [
                [self.title(scheme), *(_spread(metric.sel(scheme=scheme, point=point).values)
                                       for point in points)]
                for scheme in plan["schemes"]
            ]  # fmt: skip
            about = f"{metric.attrs['long_name']} ({metric.attrs['units']})"
            heads = [about, *(f"{plan['sweep']['parameter']} = {point:g}" for point in points)]
            groups.append((f"{name}: {plan.get('about', '')}", heads, rows))
        return HTML(part("spread.html.j2", groups=groups))

    def rounding_table(self) -> HTML | Markdown:
        """Return how far rounding alone moves the curves of every figure, where that was measured.

        Per curve the half-width within which another rounding leaves its most sensitive point.
        """
        rows = []
        for name, figure in self.source["figures"].items():
            data = self.figure_data(name)
            if "rounding" not in data:
                continue
            several = len(figure["experiments"]) > 1
            for curve in data["curve"].values:
                curve_data = data.sel(curve=curve)
                along = str(curve_data["rounding"].dims[0])
                share = curve_data["rounding"] / ((curve_data["upper"] - curve_data["lower"]) / 2.0)
                share = share.where(np.isfinite(share)).fillna(0.0)
                worst = curve_data.isel({along: int(share.values.argmax())})
                title = self.title(worst["scheme"].item())
                half_width, value = float(worst["rounding"]), abs(float(worst["value"]))
                of_value, of_interval = half_width / value, float(share.max())
                rows.append(
                    [name, f"{title}, {worst['experiment'].item()}" if several else title,
                     number(half_width, 2), number(100.0 * of_value, 2),
                     number(100.0 * of_interval, 2)]
                )  # fmt: skip
        if not rows:
            return Markdown("Not measured in this build: it is at paper fidelity, by our engine.")
        heads = ["figure", "curve", "rounding (unit of the figure)", "of the value (%)",
                 "of the interval (%)"]  # fmt: skip
        return self.table(heads, rows)

    def cite(self) -> Markdown:
        """Return how to cite the paper and this replication of it, also as BibTeX."""
        papers = plain(self.source), software(self.citation)
        entries = bibtex(self.key, self.source, self.citation)
        return Markdown("\n\n".join([*papers, f"```bibtex\n{entries}\n```"]))

    @staticmethod
    def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> HTML:
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


def load(
    paper: str,
    fidelity: str | None = None,
    engine: str | None = None,
    chunks: Mapping[str, Sequence[str]] | None = None,
    **expected: object,
) -> Report:
    """Read what a report shows; called from ``notebooks/`` it looks one folder up.

    Args:
        paper: citation key.
        fidelity: of the build to show; of its figures as they are now without it.
        engine: likewise.
        chunks: names FIRST-LAST of the files that make up each ensemble of the build; without
            any, those that are there.
        expected: what every file must say of itself beyond its place, for example the seed.

    Raises:
        StorageError: the paper has not been built yet.
        ConfigurationError: its configuration is wrong.
    """
    root, sources = places()
    keep_compiled_kernels(root)  # for cells that solve something
    source = load_paper(sources, paper).source
    figures_dir = root / "figures" / paper
    if fidelity is None or engine is None:
        fidelity, engine = _build_of(figures_dir / f"{next(iter(source['figures']))}.png")
    results_dir = root / "results" / fidelity / paper / DEFAULT
    verdicts = read_verdicts(results_dir / engine / "claims.json", **expected)
    return Report(
        key=paper,
        source=source,
        claims=verdicts.rows(),
        figures_dir=figures_dir,
        results_dir=results_dir,
        engine=engine,
        fidelity=fidelity,
        citation=yaml.safe_load((sources / CITATION).read_text(encoding="utf-8")),
        chunks=chunks or {},
        published_dir=sources / FOLDER / paper,
        multiverse_file=sources / multiverse_gallery.FOLDER / f"{paper}.csv",
        expected=expected,
    )


def places() -> tuple[Path, Path]:
    """Return the folder of the build and the checkout, as seen by a notebook.

    Mostly one and the same: the working folder, or seen from ``notebooks/`` the one above. A build
    in another folder is one of the checkout that this library is of.
    """
    for root in (Path(), Path("..")):
        if (root / "config").is_dir() and (root / CITATION).is_file():
            return root, root
    return Path(), LIBRARY.parents[1]


def _build_of(picture: Path) -> tuple[str, str]:
    """Return fidelity and engine of a figure, read off the picture itself."""
    if not picture.is_file():
        raise StorageError(
            f"{picture}: no such file; snakemake figures/{picture.parent.name}/all draws it"
        )
    with PIL.Image.open(picture) as image:
        facts = dict(re.findall(r"(\w+)=([^,]*)", str(image.info.get("Comment", ""))))
    if not {"fidelity", "engine"} <= set(facts):
        raise StorageError(f"{picture}: does not say what it shows; it is not of this project")
    return facts["fidelity"], facts["engine"]


def _spread(values: NDArray[np.float64]) -> str:
    """Return mean, standard deviation and quantiles of one curve at one point."""
    valid = values[np.isfinite(values)]
    if valid.size < 2:
        return number(float(valid[0]), 4) if valid.size else "–"
    low, high = np.quantile(valid, [0.1, 0.9])
    return (
        f"{number(float(valid.mean()), 4)} ± {number(float(valid.std(ddof=1)), 2)} "
        f"({number(float(low))} to {number(float(high))})"
    )
