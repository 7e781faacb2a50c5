"""What lies in the cache, and removing what no configuration reaches any more.

Reached is whatever the configuration files, or the present command line, can ask for at any
fidelity and by any engine. What-ifs are made on the command line and are in no file; a reading
that no configuration knows is therefore kept as one, until it is said that what-ifs go.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from irsrepro.build.paths import benchmark_of, data_files
from irsrepro.build.targets import MULTIVERSE
from irsrepro.config.loading import Project
from irsrepro.config.models import Engine, Fidelity
from irsrepro.config.readings import reading_names
from irsrepro.errors import IrsreproError
from irsrepro.report.listing import aligned_table

RESULTS = "results"
KERNELS = ".numba"
LOCKS = ".snakemake/locks"
WHAT_IF = "a what-if"
MOST_SAMPLES = 1000
HEADS = ("fidelity", "paper", "reading", "engine")
ALL_REACHED = "Nothing is out of reach of the configuration."


@dataclass(frozen=True)
class CachedFile:
    """A file of the cache.

    Attributes:
        path: relative to the checkout; for compiled kernels their folder.
        size: in bytes.
        reason: why no configuration reaches it; empty if one does.
    """

    path: Path
    size: int
    reason: str

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Fidelity, paper, reading and engine, or ``channels``; blank beyond the folders.

        A multiverse has too many readings to tell them apart.
        """
        if self.path.parts[0] == KERNELS:
            return KERNELS, "", "", ""
        parts = [part for part in self.path.parts[1:-1] if part != "benchmarks"]
        fidelity, paper, reading, engine = [*parts, "", "", "", ""][:4]
        if fidelity == MULTIVERSE:
            return fidelity, paper, "", ""
        return fidelity, paper, reading, engine


def reachable_files(projects: Iterable[Project]) -> set[Path]:
    """Return every file that configurations can ask for, at any fidelity and by any engine.

    Args:
        projects: the configuration of the files, and what a command line makes of it.
    """
    paths: set[str] = set()
    for project in projects:
        for fidelity in get_args(Fidelity):
            for engine in get_args(Engine):
                variant = replace(project, fidelity=fidelity, engine=engine)
                for key, paper in variant.papers.items():
                    for reading in paper.readings:
                        files = data_files(variant, key, reading)
                        paths |= files | {benchmark_of(path) for path in files}
    return set(map(Path, paths))


def survey(
    root: Path, projects: Sequence[Project], kernels: Path, *, what_ifs: bool = True
) -> list[CachedFile]:
    """Return every file under ``results`` and every folder of compiled kernels.

    Args:
        root: the checkout.
        projects: what may be asked for, see ``reachable_files``; the first is that of the files.
        kernels: the folder of compiled kernels in use.
        what_ifs: keep readings that no configuration knows.
    """
    reachable = reachable_files(projects)
    multiverse = {
        key: set(reading_names(paper, MOST_SAMPLES, True))  # more points go on from fewer
        for project in projects
        for key, paper in project.papers.items()
    }
    files = []
    for path in _files(root / RESULTS):
        short = path.relative_to(root)
        reason = "" if short in reachable else _reason(short, projects, multiverse)
        if reason == WHAT_IF and what_ifs:
            reason = ""
        files.append(CachedFile(short, path.lstat().st_size, reason))
    for folder in sorted((root / KERNELS).glob("*")):
        if re.fullmatch("[0-9a-f]{16}", folder.name) and folder.is_dir():
            size = sum(path.lstat().st_size for path in _files(folder))
            reason = "" if folder.name == kernels.name else "kernels of an older source"
            files.append(CachedFile(folder.relative_to(root), size, reason))
    return files


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder, in order; links to other places are not followed."""
    return sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names)


def _reason(
    path: Path, projects: Sequence[Project], multiverse: Mapping[str, Collection[str]]
) -> str:
    """Return why no configuration reaches a file under ``results``."""
    papers = {key: paper for project in projects[::-1] for key, paper in project.papers.items()}
    if path.name.startswith("."):
        return "left by a run that was killed"
    match [part for part in path.parts[1:] if part != "benchmarks"]:
        case [_, key, _, *_] if key not in papers:
            return f"no paper {key}"
        case [fidelity, key, reading, *_] if fidelity == MULTIVERSE:
            return "" if reading in multiverse[key] else "no such reading of the multiverse"
        case [_, key, reading, _, *_] if not any(
            reading in project.papers[key].readings for project in projects
        ):
            return WHAT_IF
        case [_, key, _, "channels", ensemble, _] if ensemble not in papers[key].ensembles:
            return f"no ensemble {ensemble}"
        case [_, key, reading, "channels", ensemble, _]:
            return _chunk(papers[key].channel_holder(reading, ensemble) == reading)
        case [_, _, _, _, "figures", _]:
            return f"no figure {path.stem}"
        case [_, key, _, _, experiment, _] if experiment not in papers[key].experiments:
            return f"no experiment {experiment}"
        case [_, key, reading, _, experiment, _]:
            paper = papers[key]
            schemes = paper.experiments[experiment]["schemes"]
            return _chunk(
                any(paper.holder(reading, experiment, scheme) == reading for scheme in schemes)
            )
    return "nothing that this project makes"


def _chunk(held: bool) -> str:
    return "chunks of another size" if held else "the default reading has the same"


def listing(files: Sequence[CachedFile]) -> str:
    """Return a survey as text: what lies where, and why some of it is out of reach."""
    places: dict[tuple[str, ...], list[CachedFile]] = defaultdict(list)
    for file in files:
        places[file.place].append(file)
    unreachable = [file for file in files if file.reason]
    rows = [
        [*place, *_count_and_size(group), *_count_and_size([file for file in group if file.reason])]
        for place, group in places.items()
    ]
    rows.append(["all", "", "", "", *_count_and_size(files), *_count_and_size(unreachable)])
    heads = [*HEADS, "files", "size", "out of reach", "its size"]
    end = f"{reasons(unreachable)}\n\nirsrepro prune deletes these." if unreachable else ALL_REACHED
    return f"{aligned_table(heads, rows, right=heads[4:])}\n\n{end}"


def reasons(files: Iterable[CachedFile]) -> str:
    """Return as text why files are out of reach."""
    groups: dict[tuple[str, ...], list[CachedFile]] = defaultdict(list)
    for file in files:
        groups[*file.place, file.reason].append(file)
    heads = [*HEADS, "files", "size", "out of reach because"]
    rows = [[*place[:4], *_count_and_size(group), place[4]] for place, group in groups.items()]
    return aligned_table(heads, rows, right=heads[4:6])


def _count_and_size(files: Sequence[CachedFile]) -> tuple[str, str]:
    return str(len(files)), size(sum(file.size for file in files)) if files else ""


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 9.95 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def prune(root: Path, files: Iterable[CachedFile]) -> str:
    """Delete what a survey found out of reach, and folders that this leaves empty.

    Args:
        root: the checkout.
        files: what ``survey`` returned.

    Returns:
        What was freed, for people.

    Raises:
        IrsreproError: a run is under way, which may just be making what it looks nobody wants.
    """
    if any((root / LOCKS).glob("*.lock")):
        raise IrsreproError(
            f"{LOCKS}: a run is under way in this checkout; wait for its end, or after a killed "
            "one use snakemake --unlock"
        )
    unreachable = [file for file in files if file.reason]
    for file in unreachable:
        path = root / file.path
        if file.path.parts[0] == KERNELS:
            shutil.rmtree(path)
            continue
        path.unlink(missing_ok=True)
        for folder in path.relative_to(root / RESULTS).parents:
            place = root / RESULTS / folder
            if folder == Path() or any(place.iterdir()):
                break
            place.rmdir()
    if not unreachable:
        return ALL_REACHED
    freed = size(sum(file.size for file in unreachable))
    return (
        f"{reasons(unreachable)}\n\nFreed {freed}: {len(unreachable)} files or folders of kernels."
    )
