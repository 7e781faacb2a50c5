"""Comparing a build with the committed one, figure by figure and claim by claim.

What is committed under ``docs/gallery`` are the tables behind the figures and the verdicts, of a
full build at paper fidelity and, under ``preview``, of one at preview fidelity. A difference gets a
name where it has one: another version of a library, other kernels, another processor.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from irsrepro.arithmetic import machine_facts
from irsrepro.build.paths import claims_file, panel_files
from irsrepro.build.storage import read_dataset
from irsrepro.claims import read_verdicts
from irsrepro.claims.scorecard import as_csv, rows
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import StorageError
from irsrepro.figures.tables import read_tables, table
from irsrepro.report.listing import aligned_table
from irsrepro.report.pages import part

GALLERY = Path("docs/gallery")
MANIFEST = "manifest.json"
ROUNDING = 1e-9
OUTCOMES = {
    "identical": "every number to the last digit",
    "rounding": f"equal to rounding: to {ROUNDING:g} of the largest number of a curve",
    "interval": "every number within the half-width of its committed interval",
    "timing": "seconds, which depend on the machine: not compared",
    "different": "a number outside its interval, or another verdict",
    "missing": "not built, or not committed",
}
BAD = ("different", "missing")
SECONDS = "seconds"  # what checks and tables call measured times


@dataclass(frozen=True)
class Comparison:
    """One figure or claim of a build beside the committed one.

    Attributes:
        name: ``KEY/figNN`` or the id of a claim.
        outcome: one of ``OUTCOMES``.
        share: largest deviation of a number, relative to the half-width of its interval; NaN where
            there is none.
        detail: what differs most, empty where nothing does.
    """

    name: str
    outcome: str
    share: float = math.nan
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """A whole build beside the committed one.

    Attributes:
        fidelity: of both.
        figures: the figures.
        claims: the claims.
        machine: differences between the machines and the libraries, a sentence each.
    """

    fidelity: str
    figures: Sequence[Comparison]
    claims: Sequence[Comparison]
    machine: Sequence[str]

    @property
    def bad(self) -> list[Comparison]:
        """What is different or missing."""
        return [result for result in [*self.figures, *self.claims] if result.outcome in BAD]

    @property
    def summary(self) -> str:
        """One line about everything."""
        parts = []
        for kind, results in (("figures", self.figures), ("claims", self.claims)):
            counts = Counter(result.outcome for result in results)
            outcomes = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
            parts.append(f"{len(results)} {kind}: {outcomes}")
        return f"{self.fidelity} fidelity, {'; '.join(parts)}"


def committed_folder(root: Path, fidelity: str) -> Path:
    """Return where the committed tables of a fidelity lie."""
    return root / GALLERY if fidelity == "paper" else root / GALLERY / fidelity


def verify(project: Project) -> Verification:
    """Compare the data of the last build at the fidelity of a project with what is committed.

    Raises:
        StorageError: nothing of that fidelity is committed, or a file of the build is broken.
    """
    folder = committed_folder(project.root, project.fidelity)
    if not (folder / MANIFEST).is_file():
        raise StorageError(f"{folder}: nothing is committed of fidelity={project.fidelity}")
    figures = [
        compare_tables(
            f"{key}/{figure}",
            built_table(project, key, figure),
            _text(folder / key / f"{figure}.csv"),
        )
        for key, paper in project.papers.items()
        for figure in paper.figures
    ]
    with (folder / "scorecard.csv").open(newline="", encoding="utf-8") as stream:
        theirs = {row["claim"]: row for row in csv.DictReader(stream)}
    timed, claims = timed_claims(project), []
    built = {row["claim"]: row for row in built_claims(project)}
    for name in dict.fromkeys([*theirs, *built]):
        result = compare_claims(name, built.get(name), theirs.get(name))
        if name in timed and result.outcome != "missing":
            result = Comparison(name, "timing")
        claims.append(result)
    return Verification(project.fidelity, figures, claims, _machine(project.root, folder))


def built_table(project: Project, key: str, figure: str) -> str | None:
    """Return the numbers of a figure as CSV, None if its data is not there."""
    paths = [project.root / path for path in panel_files(project, key, DEFAULT, figure)]
    if not all(path.is_file() for path in paths):
        return None
    return "\n".join(table(read_dataset(path)) for path in paths)


def built_claims(project: Project) -> list[dict[str, str]]:
    """Return the verdicts of a build as rows of the scorecard, every value as text."""
    paths = {key: project.root / claims_file(project, key, DEFAULT) for key in project.papers}
    verdicts = {
        key: {DEFAULT: read_verdicts(path, paper=key)}
        for key, path in paths.items()
        if path.is_file()
    }
    return list(csv.DictReader(io.StringIO(as_csv(rows(verdicts))))) if verdicts else []


def timed_claims(project: Project) -> set[str]:
    """Return the claims that rest on measured times."""
    return {
        name
        for paper in project.papers.values()
        for name, claim in paper.claims.items()
        if any(check.get("quantity") == SECONDS for check in claim["checks"])
    }


def compare_tables(name: str, ours: str | None, theirs: str | None) -> Comparison:
    """Compare two tables of a figure.

    Points that a reader took off the printed one do not count, nor do measured times.

    Args:
        name: of the figure.
        ours: the table of the build, None if there is none.
        theirs: the committed one, likewise.
    """
    if ours is None or theirs is None:
        return Comparison(name, "missing", detail=_missing(ours is None))
    if ours == theirs:
        return Comparison(name, "identical")
    our_cells, their_cells = _cells(ours), _cells(theirs)
    if set(our_cells) != set(their_cells):
        other = sorted(set(our_cells) ^ set(their_cells))[0]
        return Comparison(name, "different", detail=f"{' '.join(other[1:])}: in one of them only")
    sizes: dict[str, float] = {}
    for place, cells in their_cells.items():
        numbers = [abs(value) for value in _numbers(cells).values() if math.isfinite(value)]
        sizes[place[1]] = max([sizes.get(place[1], 0.0), *numbers])
    results = [
        _compare(" ".join(place[1:]), our_cells[place], their_cells[place], sizes[place[1]])
        for place in their_cells
    ]
    return _worst(name, results)


def compare_claims(
    name: str, ours: Mapping[str, str] | None, theirs: Mapping[str, str] | None
) -> Comparison:
    """Compare two rows of the scorecard, see ``compare_tables``."""
    if ours is None or theirs is None:
        return Comparison(name, "missing", detail=_missing(ours is None))
    if ours["verdict"] != theirs["verdict"]:
        detail = f"{ours['verdict']}, committed is {theirs['verdict']}"
        return Comparison(name, "different", detail=detail)
    columns = ("estimate", "lower", "upper", "n", "left_out")
    our_row, their_row = ({key: row[key] for key in columns} for row in (ours, theirs))
    result = _compare("", our_row | {"value": our_row.pop("estimate")},
                      their_row | {"value": their_row.pop("estimate")}, 0.0)  # fmt: skip
    return _worst(name, [result])


def _missing(ours: bool) -> str:
    return "not built" if ours else "not committed"


def _compare(
    place: str, ours: Mapping[str, str], theirs: Mapping[str, str], size: float
) -> Comparison:
    """Compare one row of numbers; ``size`` is what rounding is relative to, at least."""
    if dict(ours) == dict(theirs):
        return Comparison(place, "identical")
    our_numbers, their_numbers = _numbers(ours), _numbers(theirs)
    if set(our_numbers) != set(their_numbers):
        return Comparison(place, "different", detail=f"{place}: other columns")
    for count in ("realisations", "failures", "n", "left_out"):
        if our_numbers.get(count) != their_numbers.get(count):
            detail = (
                f"{place}: {count} {our_numbers[count]:g}, committed are {their_numbers[count]:g}"
            )
            return Comparison(place, "different", detail=detail)
    scale = max([size, *(abs(value) for value in their_numbers.values() if math.isfinite(value))])
    if all(_close(our_numbers[key], their_numbers[key], ROUNDING * scale) for key in their_numbers):
        return Comparison(place, "rounding")
    value, lower, upper = (
        next((column for column in their_numbers if column.startswith(name)), "")
        for name in ("value", "lower", "upper")
    )
    if not (lower and upper) or not math.isfinite(their_numbers[upper] - their_numbers[lower]):
        detail = f"{place}: {_first_difference(ours, theirs)}"
        return Comparison(place, "different", detail=detail)
    half_width = (their_numbers[upper] - their_numbers[lower]) / 2.0
    deviation = abs(our_numbers[value] - their_numbers[value])
    share = deviation / half_width if half_width > 0.0 else math.inf
    detail = f"{place}: {our_numbers[value]:.6g}, committed is {their_numbers[value]:.6g}"
    outcome = "interval" if share <= 1.0 else "different"
    return Comparison(place, outcome, share, detail.removeprefix(": "))


def _worst(name: str, results: Iterable[Comparison]) -> Comparison:
    order = list(OUTCOMES)

    def rank(result: Comparison) -> tuple[int, float]:
        return order.index(result.outcome), 0.0 if math.isnan(result.share) else result.share

    worst = max(results, key=rank)
    return Comparison(name, worst.outcome, worst.share, worst.detail)


def _first_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    column = next(key for key in theirs if ours[key] != theirs[key])
    return f"{column} {ours[column]}, committed is {theirs[column]}"


def _close(ours: float, theirs: float, tolerance: float) -> bool:
    same = ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return same or abs(ours - theirs) <= tolerance


def _cells(text: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Rows of the tables of a figure by number of the table, curve and place along it."""
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for number, (heads, lines) in enumerate(read_tables(text), 1):
        keys = 3 if heads[0] == "class" else 2
        for row in () if heads[1].startswith("published_x") else lines:
            named = zip(heads[keys:], row[keys:], strict=True)
            cells[(str(number), *row[:keys])] = {
                head: cell for head, cell in named if not head.startswith(SECONDS)
            }
    return cells


def _numbers(cells: Mapping[str, str]) -> dict[str, float]:
    return {name: float(cell) for name, cell in cells.items()}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _machine(root: Path, folder: Path) -> list[str]:
    """Differences between this machine and the one of the committed build, and from the lock."""
    lines = []
    for line in (root / "requirements.lock").read_text(encoding="utf-8").split():
        name, _, locked_version = line.partition("==")
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = "none"
        if version != locked_version:
            lines.append(f"{name}: {version} is installed, the lock has {locked_version}")
    made_on: Mapping[str, Any] = json.loads((folder / MANIFEST).read_text()).get("machine", {})
    for name, fact in machine_facts().items():
        if fact != made_on.get(name, fact):
            lines.append(f"{name}: {fact}; the committed build had {made_on[name]}")
    return lines


def as_text(verification: Verification) -> str:
    """Return a verification for a terminal: what is not identical, line by line, and a summary."""
    differences = [
        result
        for result in [*verification.figures, *verification.claims]
        if result.outcome != "identical"
    ]
    lines = [
        [result.name, result.outcome, "" if math.isnan(result.share) else f"{result.share:.2g}",
         result.detail]
        for result in differences
    ]  # fmt: skip
    heads = ["figure or claim", "outcome", "of half-width", "most different"]
    parts = [aligned_table(heads, lines, right=["of half-width"])] if lines else []
    return "\n\n".join(
        [
            *parts,
            *["\n".join(verification.machine)] * bool(verification.machine),
            verification.summary,
        ]
    )


def as_page(verification: Verification) -> str:
    """Return a verification as a page."""
    return part("verification.html.j2", verification=verification, outcomes=OUTCOMES)
