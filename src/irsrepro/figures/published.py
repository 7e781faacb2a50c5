"""Points that a reader took off a printed figure: ``published/KEY/FIGURE.csv``.

Read and checked while the workflow is parsed, so it stays light. What is wrong with a file ends in
one line that names the file, the line of it, the value and what is allowed.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from irsrepro.config.loading import Document, Project
from irsrepro.config.schema import refuse
from irsrepro.errors import ConfigurationError

FOLDER = "published"
REQUIRED = ("curve", "x", "y")
COLUMNS = (*REQUIRED, "experiment")
COLUMNS_ARE = "the columns are curve, x, y, and experiment where a figure draws several"
SLACK = 0.01  # of an axis, by which a point taken off by hand may miss its end


@dataclass(frozen=True)
class Point:
    """A point of a printed figure.

    Attributes:
        curve: the name of a curve of the figure, see ``Document.curves``.
        x: in the unit of the figure's axis.
        y: likewise.
        line: of the file.
    """

    curve: str
    x: float
    y: float
    line: int


def published_files(key: str, figures: Iterable[str], root: Path) -> list[str]:
    """Return the files there are for figures of a document, as seen from the working folder."""
    folder = Path(os.path.relpath(root), FOLDER, key)
    paths = [folder / f"{figure}.csv" for figure in figures]
    return [str(path) for path in paths if path.is_file()]


def check_published(project: Project) -> None:
    """Check every file below ``published``; hidden ones are left alone.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    for path in sorted((project.root / FOLDER).rglob("*")):
        name = path.relative_to(project.root)
        if path.is_dir() or any(part.startswith(".") for part in name.parts):
            continue
        key, *names = name.parts[1:]
        if key not in project.documents or len(names) != 1:
            raise ConfigurationError(
                f"{name}: no such place; {FOLDER}/KEY/FIGURE.csv is, KEY one of "
                f"{', '.join(project.documents)}"
            )
        _check_file(project.documents[key], str(name), path)


def _check_file(document: Document, name: str, path: Path) -> None:
    drawn = [each for each, plan in document.figures.items() if "experiments" in plan]
    if path.stem not in drawn or path.suffix != ".csv":
        raise ConfigurationError(
            f"{name}: no such figure; those with curves are {', '.join(drawn)}, each with .csv"
        )
    ranges = curve_ranges(document, path.stem)
    scale = document.figures[path.stem]["x"].get("scale", "linear")
    for point in read_published(path, name):
        if point.curve not in ranges:
            refuse(name, f"line {point.line}: curve", point.curve,
                   f"allowed are {', '.join(ranges)}")  # fmt: skip
        low, high = ranges[point.curve]
        if not _within(point.x, low, high, scale):
            refuse(name, f"line {point.line}: x", point.x,
                   f"{point.curve} goes from {low:g} to {high:g}")  # fmt: skip


def curve_ranges(document: Document, figure: str) -> dict[str, tuple[float, float]]:
    """Return from where to where every curve of a figure goes, by the name of the curve.

    Distributions have no end: beyond their values the share is zero or one.
    """
    section = document.figures[figure]
    found = {}
    for curve in document.curves(figure):
        values = document.experiments[curve["experiment"]]["sweep"]["values"]
        match section["kind"]:
            case "curves":
                found[curve["name"]] = (float(min(values)), float(max(values)))
            case "trace":
                found[curve["name"]] = (0.0, float(section["iterations"]))
            case "distributions":
                ends = (-math.inf, math.inf)
                found |= {f"{curve['name']}@{point:g}": ends for point in section["points"]}
    return found


def _within(x: float, low: float, high: float, scale: str) -> bool:
    if math.isinf(high):
        return True
    if scale == "log":
        if x <= 0:
            return False
        x, low, high = math.log(x), math.log(low), math.log(high)
    slack = SLACK * (high - low)
    return low - slack <= x <= high + slack


def read_published(path: Path, name: str | None = None) -> list[Point]:
    """Read a file of points.

    Args:
        path: CSV with the columns ``curve``, ``x`` and ``y``, and perhaps ``experiment``.
        name: of the file in messages, its path if not given.

    Raises:
        ConfigurationError: it is no such table, or a coordinate is no finite number.
    """
    name = name or str(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        reader = csv.reader(lines, strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{name}: cannot be read as CSV in UTF-8: {error}") from error
    line, heads = rows[0] if rows else (1, [])
    for head in heads:
        if head not in COLUMNS or heads.count(head) > 1:
            refuse(name, f"line {line}: column", head, COLUMNS_ARE)
    for column in REQUIRED:
        if column not in heads:
            raise ConfigurationError(f"{name}: line {line}: no column {column}; {COLUMNS_ARE}")
    points = []
    for line, row in rows[1:]:
        if len(row) != len(heads):
            refuse(name, f"line {line}", ",".join(row),
                   f"{len(heads)} cells are, numbers with a point, not a comma")  # fmt: skip
        cells = dict(zip(heads, row, strict=True))
        curve = "/".join(filter(None, [cells.get("experiment"), cells["curve"]]))
        x, y = (_number(name, line, axis, cells[axis]) for axis in ("x", "y"))
        points.append(Point(curve, x, y, line))
    return points


def _number(name: str, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        refuse(name, f"line {line}: {column}", text, "a finite number is expected")
    return value
