"""How long the workflow takes: wall and CPU seconds of builds in an empty folder.

    python benchmarks/workflow_times.py                        # everything but the long ones
    python benchmarks/workflow_times.py figure-cold dry-run --runs 1
    python benchmarks/workflow_times.py everything tests       # hours

clones the checkout, as it is committed, into folders of its own, runs what is asked for three
times, prints a table in Markdown, and writes ``benchmarks/results/workflow_times.json``, where
rows that are not asked for stay. CPU seconds are those of a command and of all processes that have
ended before it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from timing import ROOT, machine, read_results, times, warn_unless_quiet, write_results

NAME = "workflow_times"
SNAKEMAKE = (sys.executable, "-m", "snakemake", "--quiet", "all")
PREVIEW = ("--config", "fidelity=preview")
COLD, WARM, AGAIN = "nothing compiled yet", "kernels compiled", "after the same build"


class Task(NamedTuple):
    """A command and the state of the checkout that it finds."""

    about: str
    command: Sequence[str]
    state: str
    long: bool = False


def _tasks(cores: int) -> dict[str, Task]:
    """Return what can be timed, by name."""
    make = (*SNAKEMAKE, "--cores", str(cores))
    preview, figure = (*make, "figures/all", *PREVIEW), (*make, "figures/he2020/fig04.pdf")
    plan = (*make, "--dry-run")
    tests = (sys.executable, "-m", "pytest", "-n", str(cores))
    return {
        "figure-cold": Task("one figure, he2020/fig04", figure, COLD),
        "figure-warm": Task("one figure, he2020/fig04", figure, WARM),
        "figure-again": Task("one figure, nothing to do", figure, AGAIN),
        "dry-run": Task("dry run of everything", (*plan, "figures/all"), COLD),
        "dry-run-readings": Task("dry run of every reading", (*plan, "scorecard/all"), COLD),
        "dry-run-multiverse": Task("dry run of the multiverse", (*plan, "multiverse/all"), COLD),
        "preview-cold": Task("preview of everything", preview, COLD, long=True),
        "preview-warm": Task("preview of everything", preview, WARM, long=True),
        "preview-again": Task("preview, nothing to do", preview, AGAIN, long=True),
        "everything": Task("everything at paper fidelity", (*make, "figures/all"), COLD, long=True),
        "tests": Task("the tests", tests, COLD, long=True),
    }


def seconds(task: Task, runs: int) -> Iterator[tuple[float, float]]:
    """Yield wall and CPU seconds of every run, each on the checkout that the task wants."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "checkout")
        for run in range(runs):
            if run == 0 or task.state == COLD:
                subprocess.run(["rm", "-rf", folder], check=True)
                subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
                if task.state != COLD:
                    _run(task.command, folder)
            if task.state == WARM:
                clean = ["git", "clean", "-xdfq", "--exclude", ".numba"]
                subprocess.run(clean, cwd=folder, check=True)
            yield _run(task.command, folder)


def _run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end and return wall and CPU seconds."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    started, before = perf_counter(), os.times()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall, after = perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
    spent = after.children_user + after.children_system
    return wall, spent - before.children_user - before.children_system


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [
        "| | checkout | wall (s), least | median | CPU (s), least | median | runs | cores | load |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows.values():
        figures = [f"{each:.1f}" for each in (*row["wall"], *row["cpu"])]
        cells = [row["about"], row["state"], *figures]
        lines.append(
            f"| {' | '.join([*cells, *(str(row[n]) for n in ('runs', 'cores', 'load'))])} |"
        )
    return lines


def main() -> None:
    """Time what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cores = os.cpu_count() or 1
    names = _tasks(cores)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(names)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", type=int, default=cores)
    given = parser.parse_args()
    if unknown := {*given.tasks} - {*names}:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(names)}")
    warn_unless_quiet(machine())
    rows = dict(read_results(NAME).get("times", {}))
    for name, task in _tasks(given.cores).items():
        if name not in given.tasks and (given.tasks or task.long):
            continue
        load = machine()["load"]
        wall, cpu = zip(*seconds(task, given.runs), strict=True)
        summary = {"wall": times(wall), "cpu": times(cpu)}
        rows[name] = (
            {"about": task.about, "state": task.state}
            | {what: [round(each, 1) for each in found] for what, found in summary.items()}
            | {"runs": given.runs, "cores": given.cores, "load": load}
        )
        print(name, rows[name], file=sys.stderr, flush=True)
        kept = {each: rows[each] for each in names if each in rows}
        write_results(NAME, {"machine": machine(), "times": kept})
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
