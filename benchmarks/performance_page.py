"""Write ``docs/performance.md`` and its plots from what is committed in ``benchmarks/results``.

python benchmarks/performance_page.py
"""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from cost_against_size import LONGEST
from cost_of_plans import SKIPPED
from irsrepro.config.paper import Paper
from million import CORES, MILLION, NODES, Cost, cost, figures_by_experiments, growth
from schemes import project
from timing import ROOT, read_results
from workflow_times import table as workflow_table

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
ELEMENTS = {"elements", "subsurfaces", "total_elements"}
LEGEND = {"fontsize": 6, "labelspacing": 0.3}
USERS = {"users", "pairs"}
WORDS = dict.fromkeys(ELEMENTS, "elements") | {"irss": "surfaces"}

HEAD = """\
# Performance

Seconds are CPU seconds of one process with one BLAS thread, the least of several calls; kernels are
compiled and channels drawn before. `python benchmarks/performance_page.py` writes this page from
`benchmarks/results/`, which the commands named below write. Loads above the number of cores tell
that others used the machine, which lengthens CPU seconds a little and ratios hardly.
"""
RATIOS = """\
## Beside the obvious way

Both ways take turns in one process, and what counts is their ratio, which another machine changes
little. `pytest benchmarks` measures it again and fails where it has fallen by a third below the
committed one; `--record` writes new ones. Schemes run few iterations of small problems, since the
public solvers take up to seconds for these.
"""
SIZES = f"""\
## Cost against size

Seconds of one realisation as a power law, fitted by least squares in logarithms to sizes varied
one at a time about the defaults (`benchmarks/cost_against_size.py`): seconds at some sizes, in the
order of the columns, and exponents with intervals of 95 %. That of *realisations* is zero where
cost is in proportion to their number, and negative where a call as such costs something. Intervals
are wide where numbers of iterations differ, as there are few realisations behind a point. Sizes
predicted to take more than {LONGEST:.0f} s a call were left out.
"""
TITLE = "## 1 000 000 realisations\n"
PLAN = """\
Every scheme of every experiment was run over its whole sweep, on one realisation and on more where
that is quick (`benchmarks/cost_of_plans.py`). A million times that is an estimate, not a run: costs
of realisations differ, and there are few of them behind a number. By the fits above, cost per
realisation does not grow with their number (median exponent {exponent}); that of schemes of a
millisecond falls, so that these are overestimated. Twice a size is by the exponents of each scheme.
Schemes that the plan of a paper runs on its first realisations only (`first`) keep that number.
Hours are for {nodes} nodes of {cores} cores that are always busy. Starting jobs
([cluster.md](cluster.md)), rounding, figures and claims are not counted. Storage is before
compression, which gains little on random numbers.

A figure is charged for all of its experiments, a paper for each once, also for those that no figure
draws. Experiments about seconds are left out{skipped}.
"""


def machine_line(name: str) -> str:
    """Return what was measured where."""
    facts = dict(read_results(name)["machine"])
    processor, cores, load = (facts.pop(each) for each in ("processor", "cores", "load"))
    versions = ", ".join(f"{library} {version}" for library, version in sorted(facts.items()))
    return f"*{processor}, {cores} cores, load {load}; {versions}.*"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown, numbers to the right."""
    ruler = ["---", *["--:"] * (len(heads) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (heads, ruler, *rows)]


def short(value: float) -> str:
    """Return a number of two digits, or all digits before the point."""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}".replace(",", " ")


def duration(seconds: float) -> str:
    """Return seconds in a unit that suits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def storage(size: float) -> str:
    """Return bytes in a unit that suits."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} B"


def ratios() -> list[str]:
    """Return the tables of kernels and schemes beside the obvious way."""
    lines = [RATIOS, machine_line("ratios")]
    for group, rows in read_results("ratios").items():
        if group == "machine":
            continue
        cells = [
            [
                name,
                duration(row["seconds"]),
                duration(row["obvious"]),
                short(row["ratio"]),
                row["way"],
            ]
            for name, row in rows.items()
        ]
        heads = [group.removesuffix("s"), "ours", "obvious", "times as fast", "the obvious way"]
        lines += ["", *table(heads, cells)]
    return lines


def sizes_of(schemes: Mapping[str, Any]) -> list[str]:
    """Return the names of all sizes that were varied in a paper, as people call them."""
    names = [name for found in schemes.values() for name in found["law"]]
    order = dict.fromkeys(WORDS.get(n, n) for n in names if n not in ("seconds", "spread"))
    return sorted(order, key=lambda name: (name == "realisations", list(order).index(name)))


def laws(key: str, schemes: Mapping[str, Any]) -> list[str]:
    """Return title, plot and table of the power laws of a paper."""
    sizes, rows, skipped = sizes_of(schemes), [], []
    for scheme, found in schemes.items():
        law = {WORDS.get(name, name): value for name, value in found["law"].items()}
        exponents = [
            f"{law[size][0]:.2f} ({law[size][1]:.2f} to {law[size][2]:.2f})" if size in law else ""
            for size in sizes
        ]
        centre = {WORDS.get(name, name): str(value) for name, value in found["centre"].items()}
        where = ", ".join(centre.get(size, "–") for size in sizes)
        rows.append([scheme, duration(law["seconds"]), where, *exponents])
        skipped += [f"{scheme} at {each}" for each in found["skipped"]]
    lines = [f"### {key}", "", f"![seconds against size]({PLOTS.name}/{key}.svg)", ""]
    lines += table(["scheme", "seconds", "at sizes", *sizes], rows)
    return [*lines, *(["", f"Left out: {'; '.join(skipped)}."] if skipped else []), ""]


def exponent_of(paper: Paper, schemes: Mapping[str, Any], sizes: set[str], scheme: str) -> Any:
    """Return the exponent of a scheme, or of one of the same module, in a size; None if unknown."""
    module = paper.module(scheme)
    alike = [scheme, *(each for each in schemes if paper.module(each) == module)]
    for each in alike:
        for name, value in schemes.get(each, {}).get("law", {}).items():
            if name in sizes:
                return value[0]
    return None


def million() -> list[str]:
    """Return the tables of a million realisations."""
    plans, fits = read_results("cost_of_plans"), read_results("cost_against_size")
    found = [
        scheme["law"]["realisations"][0]
        for key, schemes in fits.items()
        if key != "machine"
        for scheme in schemes.values()
        if "realisations" in scheme["law"]
    ]
    skipped = "".join(f", and so is {key}/{name} ({why})" for (key, name), why in SKIPPED.items())
    told = PLAN.format(
        exponent=f"{median(found):.2f}" if found else "unknown",
        nodes=NODES, cores=CORES, skipped=skipped,
    )  # fmt: skip
    lines = [TITLE, told, machine_line("cost_of_plans"), ""]
    papers, figures = [], []
    whole = Cost()
    for key, paper in project().papers.items():
        if key not in plans:
            continue
        spent = cost(paper, paper.experiments, plans[key])
        whole += spent
        grown = [
            growth(paper, plans[key], partial(exponent_of, paper, fits.get(key, {}), sizes))
            for sizes in (ELEMENTS, USERS)
        ]
        factors = ["" if factor is None else f"× {factor:.1f}" for factor in grown]
        papers.append([f"**{key}**", *_cells(spent), *factors])
        for drawn, names in figures_by_experiments(paper, plans[key]).items():
            figures.append([f"{key}: {names}", *_cells(cost(paper, drawn, plans[key]))])
    papers.append(["all", *_cells(whole), "", ""])
    heads = ["core-hours", f"hours on {NODES} × {CORES} cores", "storage", "bytes a realisation"]
    twice = ["with twice the elements", "with twice the users"]
    lines += table(["paper", *heads, *twice], papers)
    return [*lines, "", *table(["figures", *heads], figures), ""]


def _cells(spent: Cost) -> list[str]:
    hours = spent.seconds / 3600.0
    return [
        short(hours), short(hours / (CORES * NODES)), storage(spent.size),
        storage(spent.size / MILLION),
    ]  # fmt: skip


def workflow() -> list[str]:
    """Return the times of the workflow, where there are any."""
    lines = ["## The workflow", ""]
    lines += ["`python benchmarks/workflow_times.py` clones the checkout and times whole commands;"]
    lines += ["it says which there are, and warns where others use the machine.", ""]
    found = read_results("workflow_times")
    if not found:
        return [*lines[:-1], "No measurements are committed yet."]
    return [*lines, machine_line("workflow_times"), "", *workflow_table(found["times"])]


def page() -> str:
    """Return the text of the page."""
    fits = read_results("cost_against_size")
    lines = [
        HEAD,
        *ratios(),
        "",
        SIZES.format(longest=LONGEST),
        machine_line("cost_against_size"),
        "",
    ]
    for key in project().papers:
        if key in fits:
            lines += laws(key, fits[key])
    return "\n".join([*lines, *million(), *workflow()]) + "\n"


def plot(key: str, schemes: Mapping[str, Any]) -> None:
    """Draw seconds of a realisation against every size, one panel for each."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": key, "font.size": 8})
    import matplotlib.pyplot as plt

    sizes = sizes_of(schemes)
    figure, panels = plt.subplots(1, len(sizes), figsize=(9.0, 3.2), sharey=True)
    for number, (scheme, found) in enumerate(schemes.items()):
        style = {"color": f"C{number % 10}", "linestyle": "-" if number < 10 else "--"}
        for panel, size in zip(panels, sizes, strict=True):
            name = next((n for n in found["centre"] if WORDS.get(n, n) == size), None)
            rest = {n: v for n, v in found["centre"].items() if n != name}
            line = {
                point["sizes"][name]: point["minimum"]
                for point in found["points"]
                if name and {n: v for n, v in point["sizes"].items() if n != name} == rest
            }
            if line:
                places, seconds = zip(*sorted(line.items()), strict=True)
                panel.loglog(places, seconds, marker=".", ms=4, lw=0.8, label=scheme, **style)
    for panel, size in zip(panels, sizes, strict=True):
        panel.set_xlabel(size)
        low, high = panel.get_xlim()
        ticks = [each for each in (1, 2, 5, 10, 20, 50, 100, 200) if low <= each <= high]
        panel.set_xticks(ticks, [str(each) for each in ticks])
        panel.minorticks_off()
    panels[0].set_ylabel("CPU seconds a realisation")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center left", bbox_to_anchor=(0.87, 0.5), **LEGEND)
    figure.tight_layout(rect=(0.0, 0.0, 0.87, 1.0))
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{key}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Write the page and its plots."""
    PAGE.write_text(page(), encoding="utf-8")
    for key, schemes in read_results("cost_against_size").items():
        if key != "machine":
            plot(key, schemes)


if __name__ == "__main__":
    main()
