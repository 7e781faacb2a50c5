"""What there is to make: every figure with its target, paper and the time that it took to compute.

Times are those of the last build on this machine, as Snakemake's benchmark files tell them.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from irsrepro.build.paths import benchmark_of, channel_files, claim_sources, computed_files
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import StorageError

NOT_BUILT = "not built"


def figure_times(project: Project, root: Path) -> dict[tuple[str, str], float | None]:
    """Return the seconds of computing that every figure took in the last build.

    The sum over the channel and solution files that the figure needs at the fidelity and engine of
    the project; a file that several figures share counts for each of them. Drawing is not counted.

    Args:
        project: the configuration.
        root: folder that holds ``results``.

    Returns:
        Seconds by (paper, figure), None where a file has not been computed.
    """
    return {
        (key, figure): _seconds(_needed_files(project, key, figure), root)
        for key, paper in project.papers.items()
        for figure in paper.figures
    }


def paper_time(project: Project, root: Path, key: str) -> float | None:
    """Return the seconds of computing of a paper's figures and claims, shared files once.

    Args:
        project: the configuration.
        root: folder that holds ``results``.
        key: citation key.
    """
    files = {path for figure in project.papers[key].figures
             for path in _needed_files(project, key, figure)}  # fmt: skip
    for experiment in claim_sources(project, key, DEFAULT):
        files |= computed_files(project, key, DEFAULT, experiment)
    return _seconds(files, root)


def computing_times(project: Project, root: Path) -> list[dict[str, str]]:
    """Return paper, figure and seconds of every figure, and of all of a paper together.

    Args:
        project: the configuration.
        root: folder that holds ``results``.

    Raises:
        StorageError: something has not been computed yet.
    """
    times = figure_times(project, root)
    times |= {(key, "all"): paper_time(project, root, key) for key in project.papers}
    rows = []
    for (key, figure), seconds in sorted(times.items()):
        if seconds is None:
            raise StorageError(f"figures/{key}/{figure}: not built, or its benchmarks are gone")
        rows.append({"paper": key, "figure": figure, "seconds": f"{seconds:.1f}"})
    return rows


def _needed_files(project: Project, key: str, figure: str) -> set[str]:
    """Return the channel and solution files that a figure rests on under the default reading."""
    paper = project.papers[key]
    files: set[str] = set()
    for section in (paper.figures[panel] for panel in paper.panels(figure)):
        if "ensemble" in section:
            files |= set(channel_files(project, key, DEFAULT, section["ensemble"]))
        for experiment in section.get("experiments", []):
            files |= computed_files(project, key, DEFAULT, experiment)
    return files


def _seconds(files: Iterable[str], root: Path) -> float | None:
    return total_seconds(root / benchmark_of(path) for path in files)


def total_seconds(benchmarks: Iterable[Path]) -> float | None:
    """Return the sum of what benchmark files tell, None if one is missing or broken."""
    times = [_seconds_of(path) for path in benchmarks]
    valid = [time for time in times if time is not None]
    return sum(valid) if len(valid) == len(times) else None


def _seconds_of(path: Path) -> float | None:
    """Return the seconds that a benchmark file tells, None if there is none or it is broken."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return float(next(csv.DictReader(stream, delimiter="\t"))["s"])
    except (OSError, StopIteration, KeyError, ValueError):
        return None


def duration(seconds: float | None) -> str:
    """Return a time for people: two digits of seconds, minutes or hours, or that there is none."""
    if seconds is None:
        return NOT_BUILT
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def doi(identifiers: Mapping[str, str]) -> str:
    """Return the DOI of a paper: its own, else that of its arXiv entry, else nothing."""
    if "DOI" in identifiers:
        return identifiers["DOI"]
    return f"10.48550/arXiv.{identifiers['arXiv']}" if "arXiv" in identifiers else ""


def figures_table(project: Project, root: Path) -> str:
    """Return every figure as a line of text: target, title, paper, DOI, time of the last build.

    Args:
        project: the configuration.
        root: folder that holds ``results``.
    """
    times = figure_times(project, root)
    rows = []
    for key, paper in project.papers.items():
        rows += [
            [f"figures/{key}/{name}.pdf", section["title"], key, doi(paper.identifiers),
             duration(times[key, name])]
            for name, section in paper.figures.items()
        ]  # fmt: skip
        whole = duration(paper_time(project, root, key))
        rows.append([f"figures/{key}/all", "all of these and the claims", key,
                     doi(paper.identifiers), whole])  # fmt: skip
    heads = ["target", "title", "paper", "DOI", "computing time"]
    about = (
        f"{project.fidelity} fidelity, {project.engine} engine; computing time of the last build"
    )
    return f"{aligned_table(heads, rows, right=heads[-1:])}\n\n{about}"


def aligned_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> str:
    """Return a table as text, columns set off by two spaces, those named in ``right`` to the right.

    Args:
        heads: names of the columns.
        rows: cells.
        right: heads of columns of numbers.
    """
    lines = [list(heads), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if head in right else cell.ljust(width)
            for head, cell, width in zip(heads, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
