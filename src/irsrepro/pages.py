"""Pages for people: the gallery of figures and the scorecard, each one self-contained HTML text.

Pure functions from data to text; pictures are embedded, nothing is fetched from a network.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

Row = Mapping[str, Any]
TEMPLATES = Path(__file__).parent / "templates"
VERDICTS = ("replicated", "undecided", "not replicated")
LINKS = {"arXiv": "https://arxiv.org/abs/", "DOI": "https://doi.org/"}


@dataclass(frozen=True)
class Chapter:
    """One document of the gallery.

    Attributes:
        key: citation key.
        source: its configuration: title, authors, parameters, figures, errata.
        claims: rows of its claims, see ``claims.to_table``.
        pictures: PNG of every figure by name.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Row]
    pictures: Mapping[str, bytes]

    def claims_of(self, figure: str) -> list[Row]:
        """Return the claims about a figure."""
        return [row for row in self.claims if row["figure"] == figure]

    def picture(self, figure: str) -> str:
        """Return a figure as the address of an embedded picture."""
        return "data:image/png;base64," + base64.b64encode(self.pictures[figure]).decode()


def gallery(chapters: Sequence[Chapter], warnings: Sequence[str]) -> str:
    """Return the gallery: every figure with its caption, its claims and where its numbers are.

    Args:
        chapters: the documents in order.
        warnings: what must not be overlooked, such as a preview or another engine.
    """
    rows = [row for chapter in chapters for row in chapter.claims]
    return part(
        "gallery.html.j2",
        chapters=chapters,
        warnings=warnings,
        counts=counts(rows),
        tallies={chapter.key: counts(chapter.claims) for chapter in chapters},
    )


def scorecard(rows: Sequence[Row], readings: Sequence[str], warnings: Sequence[str]) -> str:
    """Return the scorecard: every claim with its verdict and interval, sortable by column.

    Args:
        rows: one per claim, see ``claims.to_table``, with ``document``; under alternative readings
            also ``robustness`` and ``verdicts``, by reading.
        readings: the alternative readings in order, none for the plain scorecard.
        warnings: what must not be overlooked, such as a preview or another engine.
    """
    return part(
        "scorecard.html.j2", rows=rows, readings=readings, warnings=warnings, counts=counts(rows)
    )


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    found = Counter(row["verdict"] for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}


def warnings_of(fidelity: str, engine: str) -> list[str]:
    """Return what must not be overlooked about a build."""
    found = []
    if fidelity != "paper":
        found.append(f"{fidelity.capitalize()}: few realisations, wide intervals.")
    if engine != "fast":
        found.append(f"Made with the {engine} engine.")
    return found


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
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number}
    environment.globals |= {"address": address}
    return environment.get_template(template).render(**values)
