"""How long the reference engine takes for every figure, and how far its curves lie from ours.

After ``snakemake figures/all --config engine=reference fidelity=preview`` in the same folder:

    python benchmarks/reference_engine.py

puts what the files under ``results`` hold beside the committed preview, into
``benchmarks/results/reference_engine.json``, and writes ``docs/reference_engine.md``. With the
environment variable of `arithmetic.STAND_IN`, for both commands, the machine stands in for one of
another core type. Figures that were not built keep what is known of them.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from irsrepro import arithmetic
from irsrepro.build.experiments import read_solutions
from irsrepro.build.paths import solution_files
from irsrepro.config.loading import Project, load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.optimize.result import FAILURE
from irsrepro.report.listing import aligned_table, figure_times
from irsrepro.report.verification import verify
from timing import ROOT, read_results, write_results

NAME = "reference_engine"
PAGE = ROOT / "docs" / "reference_engine.md"
HEAD = """\
# The reference engine beside ours

Figures at preview fidelity, built by public solvers (`snakemake figures/all --config
engine=reference fidelity=preview`) and held against the committed preview, which our kernels made:
once with the OpenBLAS kernels that are pinned ({pinned}), once with those of another core type
({others}). Seconds are wall times of the channels and solutions of a figure, on a machine that did
other work as well; panels of one figure share theirs. The distance is the largest one of any number
of a figure, in half-widths of its committed interval; below one, a curve of public solvers lies
inside the interval of ours everywhere. A distribution, a drop by itself and the level at the end of
a trace have no interval, so that any difference shows (*different*), and *rounding* is a relative
difference below 1e-9. The failures are designs that a public solver gave up and that a figure
counts. `python benchmarks/reference_engine.py` writes this page from
`benchmarks/results/reference_engine.json`.

A large distance is no error where a design has no single answer: random samples round a relaxed
solution whose factors differ (zheng2021 with several users, noh2022); alternations with MRT beams
amplify the last digits; and the phase step of AIF (zhang2022, Figs. 8 to 11 and those of seconds)
may have many maximisers, of which either engine takes one near the middle, not the same one. Cells
are empty where cone programs take too long: Clarabel needs 0.5 s for a subproblem of the inner
approximation of yu2020 with 20 elements, 3.4 s with 30 and 33 s with 50, of which a design takes
130 to 600 and the run to a KKT point 7750. In its Fig. 2 the inner approximation differs by no more
than 3e-4 dB, AltMin by 0.02 dB, and AltMin with a relaxation solved loosely, where a solver may
return what it likes, by 0.8 dB.

"""


def failures(project: Project, key: str, figure: str) -> int:
    """Return how many designs of a figure's experiments have failed."""
    found = 0
    for panel in project.papers[key].panels(figure):
        for experiment in project.papers[key].figures[panel].get("experiments", ()):
            paths = [str(ROOT / each) for each in solution_files(project, key, DEFAULT, experiment)]
            for solution in read_solutions(paths).values():
                if "status" in solution:
                    found += int((solution["status"] == FAILURE).sum())
    return found


def measure(project: Project) -> dict[str, dict[str, Any]]:
    """Return what is built under ``results``, by figure."""
    compared = {each.name: each for each in verify(project).figures}
    seconds, rows = figure_times(project, ROOT), {}
    for key, paper in project.papers.items():
        for figure in paper.figures:
            found = compared[f"{key}/{figure}"]
            if found.outcome != "missing":
                rows[found.name] = {
                    "seconds": round(seconds[key, figure] or 0.0),
                    "outcome": found.outcome,
                    "distance": None if math.isnan(found.share) else float(f"{found.share:.2g}"),
                    "failures": failures(project, key, figure),
                    "detail": found.detail,
                }
    return rows


def distance(row: Mapping[str, Any]) -> str:
    """Return how far a figure lies from ours."""
    if row["outcome"] in ("identical", "rounding") or row["distance"] is None:
        return str(row["outcome"])
    return f"{row['distance']:g}"


def table(figures: list[str], results: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return heads and rows: quantity by quantity, core types side by side."""
    quantities: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "seconds": lambda row: f"{row['seconds']}",
        "distance": distance,
        "failures": lambda row: f"{row['failures'] or ''}",
    }
    heads = [f"{name}, {core}" for name in quantities for core in results]
    lines = [["figure", *heads, "most different"]]
    for figure in figures:
        rows = [by_figure.get(figure) for by_figure in results.values()]
        cells = [show(row) if row else "" for show in quantities.values() for row in rows]
        lines.append([figure, *cells, rows[0]["detail"] if rows[0] else ""])
    return lines


def main() -> None:
    """Measure what was built, and write the page."""
    project = load_project(ROOT, {"engine": "reference", "fidelity": "preview"})
    results, core = dict(read_results(NAME)), arithmetic.choices()["OPENBLAS_CORETYPE"]
    results[core] = results.get(core, {}) | measure(project)
    write_results(NAME, results)
    papers = project.papers.items()
    lines = table([f"{key}/{name}" for key, paper in papers for name in paper.figures], results)
    pinned, *others = results
    text = HEAD.format(pinned=pinned, others=", ".join(others) or "not yet")
    lines.insert(1, ["---"] * len(lines[0]))
    PAGE.write_text(
        text + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n", encoding="utf-8"
    )
    print(aligned_table(lines[0], lines[2:]))


if __name__ == "__main__":
    main()
