"""How long the reference engine takes for every figure, and how far its curves lie from ours.

After ``snakemake figures/all --config engine=reference fidelity=preview`` in the same folder:

    python benchmarks/reference_engine.py

writes ``docs/reference_engine.md`` from the files under ``results`` and the committed preview.
Figures that were not built keep their lines, so that the page can be made in parts.
"""

import math
from pathlib import Path

from irsrepro.build.experiments import read_solutions
from irsrepro.build.paths import solution_files
from irsrepro.config.loading import Project, load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.optimize.result import FAILURE
from irsrepro.report.listing import aligned_table, figure_times
from irsrepro.report.verification import verify

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference_engine.md"
HEAD = """\
# The reference engine beside ours

Figures at preview fidelity, as far as they were built by public solvers (`--config
engine=reference fidelity=preview`), held against the committed preview, which our kernels made.
Seconds are those of the channels and solutions of a figure on one core, on a machine that was doing
other work as well; panels of one figure share theirs. The page is made in parts, and a line holds
against the preview that was committed when its figure was built. The distance is the largest one of
any number of the figure, in half-widths of its committed interval; below one, a curve of public
solvers lies inside the interval of ours everywhere. The failures are designs that a public solver
gave up; a distribution has no interval, so that any difference shows.
`python benchmarks/reference_engine.py` writes this page.

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


def read_lines() -> dict[str, list[str]]:
    """Return the cells of the page as it is, by figure."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.is_file() else []
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return {row[0].strip(): [cell.strip() for cell in row] for row in cells}


def main() -> None:
    project = load_project(ROOT, {"engine": "reference", "fidelity": "preview"})
    compared = {each.name: each for each in verify(project).figures}
    times, rows, absent, lines_before = figure_times(project, ROOT), [], [], read_lines()
    for key, paper in project.papers.items():
        for figure in paper.figures:
            found = compared[f"{key}/{figure}"]
            if found.outcome == "missing":
                if found.name in lines_before:
                    rows.append(lines_before[found.name])
                else:
                    absent.append(found.name)
                continue
            share = "" if math.isnan(found.share) else f"{found.share:.2g}"
            failed = str(failures(project, key, figure) or "")
            seconds = f"{times[key, figure] or math.nan:.0f}"
            rows.append([found.name, seconds, found.outcome, share, failed, found.detail])
    heads = ["figure", "seconds", "outcome", "half-widths", "failures", "most different"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [heads, ["---"] * len(heads), *rows]]
    rest = f"\nNot built here: {', '.join(absent)}.\n" if absent else ""
    PAGE.write_text(HEAD + "\n".join(lines) + "\n" + rest, encoding="utf-8")
    print(aligned_table(heads, rows, right=heads[1:2]))


if __name__ == "__main__":
    main()
