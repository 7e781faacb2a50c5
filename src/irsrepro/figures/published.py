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

from irsrepro.config.loading import Project
from irsrepro.config.paper import Paper
from irsrepro.config.problems import config_error, one_of, raise_config_error
from irsrepro.config.strict_yaml import read_text

FOLDER = "published"
REQUIRED = ("curve", "x", "y")
COLUMNS = (*REQUIRED, "experiment")
COLUMNS_ARE = "the columns curve, x, y, and experiment where a figure draws several"
SLACK = 0.01  # of an axis, by which a point taken off by hand may miss its end


@dataclass(frozen=True)
class Point:
    """A point of a printed figure.

    Attributes:
        curve: the name of a curve of the figure, see ``Paper.curves``.
        x: in the unit of the figure's axis.
        y: likewise.
        line: of the file.
    """

    curve: str
    x: float
    y: float
    line: int


def published_files(key: str, figures: Iterable[str], root: Path) -> list[str]:
    """Return the files there are for figures of a paper, as seen from the working folder."""
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
        if key not in project.papers or len(names) != 1:
            allowed_keys = one_of(project.papers)
            raise config_error(f"{name}: expected {FOLDER}/KEY/FIGURE.csv, KEY {allowed_keys}")
        _check_file(project.papers[key], str(name), path)


def _check_file(paper: Paper, name: str, path: Path) -> None:
    figures = [
        figure
        for figure, plan in paper.figures.items()
        if "experiments" in plan and "against" not in plan  # measured times are no one else's
    ]
    if path.stem not in figures or path.suffix != ".csv":
        raise config_error(f"{name}: expected NAME.csv with NAME {one_of(figures)}")
    ranges = curve_ranges(paper, path.stem)
    scale = paper.figures[path.stem]["x"].get("scale", "linear")
    for point in read_published(path, name):
        if point.curve not in ranges:
            raise_config_error(name, f"line {point.line}: curve", point.curve, one_of(ranges))
        low, high = ranges[point.curve]
        if not _within(point.x, low, high, scale):
            requirement = f"a point of {point.curve}, which goes from {low:g} to {high:g}"
            raise_config_error(name, f"line {point.line}: x", point.x, requirement)


def curve_ranges(paper: Paper, figure: str) -> dict[str, tuple[float, float]]:
    """Return from where to where every curve of a figure goes, by the name of the curve.

    Distributions have no end: beyond their values the share is zero or one.
    """
    section = paper.figures[figure]
    ranges = {}
    for curve in paper.curves(figure):
        values = paper.experiments[curve["experiment"]]["sweep"]["values"]
        match section["kind"]:
            case "curves":
                ranges[curve["name"]] = (float(min(values)), float(max(values)))
            case "trace":
                ranges[curve["name"]] = (0.0, float(section["iterations"]))
            case "distributions":
                ends = (-math.inf, math.inf)
                ranges |= {f"{curve['name']}@{point:g}": ends for point in section["points"]}
    return ranges


def _within(x: float, low: float, high: float, scale: str) -> bool:
    if math.isinf(high):
        return True
    if scale != "linear":
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
    reader = csv.reader(read_text(path, name).splitlines(), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise config_error(
            f"{name}: line {reader.line_num}: cannot be read as CSV: {error}"
        ) from None
    line, heads = rows[0] if rows else (1, [])
    for head in heads:
        if head not in COLUMNS or heads.count(head) > 1:
            raise_config_error(name, f"line {line}: column", head, COLUMNS_ARE)
    for column in REQUIRED:
        if column not in heads:
            raise config_error(f"{name}: line {line}: no column {column}; expected {COLUMNS_ARE}")
    points = []
    for line, row in rows[1:]:
        if len(row) != len(heads):
            requirement = f"{len(heads)} cells, numbers with a point, not a comma"
            raise_config_error(name, f"line {line}", ",".join(row), requirement)
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
        raise_config_error(name, f"line {line}: {column}", text, "a finite number")
    return value
