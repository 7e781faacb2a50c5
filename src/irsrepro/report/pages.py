"""Pages for people: the gallery of figures and the scorecard, each one self-contained HTML text.

Pure functions from data to text; pictures are embedded, nothing is fetched from a network. What
draws charts is there once, beside the pages; a page does without where it is missing.
"""

from __future__ import annotations

import base64
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import PIL.Image
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from irsrepro.claims import SOURCES
from irsrepro.config.paper import DEFAULT, Paper

Row = Mapping[str, Any]
TEMPLATES = Path(__file__).parent / "templates"
VERDICTS = ("replicated", "undecided", "not replicated")
BADGES = {"replicated": "🟢", "undecided": "🟡", "not replicated": "🔴"}
OWN = "paper"  # the source of a claim that is a sentence of the paper
LINKS = {"arXiv": "https://arxiv.org/abs/", "DOI": "https://doi.org/"}
SCREEN = (1600, 128)  # largest width in pixels, colours
THUMBNAIL = (240, 64)


@dataclass(frozen=True)
class Picture:
    """A picture inside a page: its address holds it whole. Width and height are in pixels."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Setting:
    """A parameter behind a figure.

    Attributes:
        name: of the parameter.
        value: what it is; of a swept parameter every value.
        unit: unit of the value.
        origin: where the value comes from.
        why: the reason for it.
        places: experiments (of a layout: ensembles) with this value.
    """

    name: str
    value: Any
    unit: str
    origin: str
    why: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """One paper of the gallery.

    Attributes:
        paper: its configuration.
        claims: rows of its claims, see ``Verdicts.rows``.
        pictures: PNG of every figure by name.
        data: folder of its data under the default reading, relative to the checkout.
    """

    paper: Paper
    claims: Sequence[Row]
    pictures: Mapping[str, bytes]
    data: str

    @property
    def key(self) -> str:
        """Citation key."""
        return self.paper.key

    @property
    def source(self) -> Mapping[str, Any]:
        """Title, authors, parameters, figures, errata and all else that its file says."""
        return self.paper.source

    @property
    def readings(self) -> str:
        """Names of its alternative readings, with spaces between."""
        return " ".join(name for name in self.paper.readings if name != DEFAULT)

    def claims_of(self, figure: str) -> list[Row]:
        """Return the claims about a figure."""
        return [row for row in self.claims if row["figure"] == figure]

    def picture(self, figure: str) -> Picture:
        """Return a figure, large."""
        return embed(self.pictures[figure], *SCREEN)

    def thumbnail(self, figure: str) -> Picture:
        """Return a figure, small."""
        return embed(self.pictures[figure], *THUMBNAIL)

    def experiments(self, figure: str) -> dict[str, Mapping[str, Any]]:
        """Return the experiments that a figure, or the panels of a sheet, draw."""
        names = [
            name
            for panel in self.paper.panels(figure)
            for name in self.source["figures"][panel].get("experiments", [])
        ]
        return {name: self.source["experiments"][name] for name in names}

    def ensembles(self, figure: str) -> dict[str, Mapping[str, Any]]:
        """Return the ensembles that a figure rests on."""
        panels = [self.source["figures"][panel] for panel in self.paper.panels(figure)]
        names = [plan["ensemble"] for plan in self.experiments(figure).values()]
        names += [panel["ensemble"] for panel in panels if "ensemble" in panel]
        return {name: self.source["ensembles"][name] for name in names}

    def schemes(self, experiment: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Return the schemes of an experiment."""
        return {name: self.source["schemes"][name] for name in experiment["schemes"]}

    def settings(self, figure: str) -> list[Setting]:
        """Return every parameter that a figure rests on: swept ones, then set ones, then others.

        One with several values, in several experiments, appears with each of them.
        """
        settings: dict[tuple[int, int, str], list[Setting]] = {}
        order = list(self.source["parameters"])
        for panel in self.paper.panels(figure):
            layout = "ensemble" in self.source["figures"][panel]
            for place, values in self.paper.figure_parameters(DEFAULT, panel).items():
                plan = {"ensemble": place} if layout else self.source["experiments"][place]
                for name, value in values.items():
                    rank, setting = self._setting(name, value, place, plan)
                    key = (rank, order.index(name), str(value))
                    settings.setdefault(key, []).append(setting)
        return [
            replace(same[0], places=tuple(dict.fromkeys(setting.places[0] for setting in same)))
            for _, same in sorted(settings.items())
        ]

    def _setting(
        self, name: str, value: Any, place: str, plan: Mapping[str, Any]
    ) -> tuple[int, Setting]:
        """Return a parameter of an experiment or ensemble, behind its rank in the table."""
        entry, sweep = self.source["parameters"][name], plan.get("sweep", {})
        unit, origin, why = entry["unit"], entry["origin"], entry["why"]
        if sweep.get("parameter") == name:
            why = f"swept: {sweep['why']}"
            return 0, Setting(name, value, unit, sweep["origin"], why, (place,))
        if value == entry["value"]:
            return 2, Setting(name, value, unit, origin, why, (place,))
        setter = "experiment" if name in plan.get("set", {}) else "ensemble"
        why = f"otherwise {entry['value']}, {origin}: {why}"
        return 1, Setting(name, value, unit, f"set in the {setter}", why, (place,))


def gallery(chapters: Sequence[Chapter], fidelity: str, engine: str) -> str:
    """Return the gallery: every figure with its caption, claims, parameters and data.

    Args:
        chapters: the papers in order.
        fidelity: ``paper`` or ``preview``.
        engine: ``fast`` or ``reference``.
    """
    return part(
        "gallery.html.j2",
        chapters=chapters,
        fidelity=fidelity,
        engine=engine,
        tallies=with_total({chapter.key: chapter.claims for chapter in chapters}),
    )


def scorecard(
    rows: Sequence[Row],
    pictures: Mapping[tuple[str, str], bytes],
    readings: Mapping[str, Mapping[str, str]],
    fidelity: str,
    engine: str,
) -> str:
    """Return the scorecard: every claim with its verdict and interval, to sort and to filter.

    Args:
        rows: one per claim, see ``claims.scorecard.rows``.
        pictures: PNG of the figures that claims are about, by paper and figure.
        readings: what each alternative reading of a paper is about; none of any paper for
            the plain scorecard.
        fidelity: ``paper`` or ``preview``.
        engine: ``fast`` or ``reference``.
    """
    compared = any(readings.values())
    tallies = with_total(
        {
            key: [row for row in rows if row["paper"] == key]
            for key in dict.fromkeys(row["paper"] for row in rows)
        }
    )
    if compared:
        for key, columns in tallies.items():
            own = [row for row in rows if key in ("all", row["paper"])]
            columns["robust"] = sum(row["robustness"] == "robust" for row in own)
    return part(
        "scorecard.html.j2",
        rows=rows,
        thumbnails={name: embed(png, *THUMBNAIL) for name, png in pictures.items()},
        readings=readings,
        compared=compared,
        fidelity=fidelity,
        engine=engine,
        tallies=tallies,
    )


@cache
def embed(png: bytes, width: int, colours: int) -> Picture:
    """Return a PNG at screen resolution, for use in a page.

    Args:
        png: the picture.
        width: largest width in pixels, to which a wider one shrinks.
        colours: number of colours that are kept.
    """
    picture = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), PIL.Image.Resampling.LANCZOS)
    # An octree keeps the colours of thin lines, which the median cut merges into grey.
    reduced = picture.quantize(
        colours, method=PIL.Image.Quantize.FASTOCTREE, dither=PIL.Image.Dither.NONE
    )
    small = io.BytesIO()
    reduced.save(small, "PNG")  # the best compression takes seven times as long for 8 % less
    address = "data:image/png;base64," + base64.b64encode(small.getvalue()).decode()
    return Picture(address, picture.width, picture.height)


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many of the paper's own sentences have each verdict."""
    counter = Counter(row["verdict"] for row in rows if row["source"] == OWN)
    return {verdict: counter[verdict] for verdict in VERDICTS}


def others(rows: Iterable[Row]) -> dict[str, str]:
    """Return, for claims that are no sentence of the paper as printed, how many replicate.

    By source, for example ``3 of 5``; a dash where there are none.
    """
    verdicts: dict[str, list[str]] = {source: [] for source in SOURCES if source != OWN}
    for row in rows:
        if row["source"] != OWN:
            verdicts[row["source"]].append(row["verdict"])
    return {
        source: f"{outcomes.count(VERDICTS[0])} of {len(outcomes)}" if outcomes else "–"
        for source, outcomes in verdicts.items()
    }


def with_total(claims: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, int | str]]:
    """Return the tally of every paper, and of all of them under ``all``."""
    tallies = {key: tally(own) for key, own in claims.items()}
    return {**tallies, "all": tally([row for own in claims.values() for row in own])}


def tally(rows: Sequence[Row]) -> dict[str, int | str]:
    """Return the columns of a table of papers: ``counts``, then ``others``."""
    return {**counts(rows), **others(rows)}


def charts_script() -> str:
    """Return the script that draws charts in pages: BokehJS as it is installed, then our own."""
    folder = resources.files("bokeh") / "server" / "static" / "js"
    parts = [(folder / f"{name}.min.js").read_text("utf-8") for name in ("bokeh", "bokeh-api")]
    return "\n".join([*parts, part("charts.js.j2")])


def warnings_of(fidelity: str, engine: str) -> list[str]:
    """Return what must not be overlooked about a build."""
    messages = []
    if fidelity != "paper":
        messages.append(f"{fidelity.capitalize()}: few realisations, wide intervals.")
    if engine != "fast":
        messages.append(f"Made with the {engine} engine.")
    return messages


def number(value: float, digits: int = 3) -> str:
    """Return a number for people, of so many significant digits, with a true minus sign."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return f"{value:.{digits}g}".replace("-", "−")


def address(kind: str, identifier: str) -> str:
    """Return where an identifier of a paper leads, empty if it is of an unknown kind."""
    return LINKS[kind] + identifier if kind in LINKS else ""


def part(template: str, **values: Any) -> str:
    """Return a template of ``templates/`` filled in: a page, or a part of one."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    """Where templates are found and compiled, each once."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number}
    environment.globals |= {"address": address, "verdicts": VERDICTS, "warnings_of": warnings_of}
    return environment
