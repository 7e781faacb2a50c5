"""What solutions may hold, by paper: the page about it, and our own schemes held against it.

`python tests/unit/test_solution_formats.py` regenerates docs/solution_formats.md.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from conftest import ROOT
from irsrepro.build.exports import draw
from irsrepro.build.solution_format import SolutionFormat, solution_format
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.loading import Project, load_project
from irsrepro.config.modules import module_file
from irsrepro.config.paper import DEFAULT

PAGE = ROOT / "docs/solution_formats.md"
PREFACE = """\
# What solutions hold, paper by paper

Files of programs that are not ours, see [bring_your_own.md](bring_your_own.md). Dimensions are in
the order of the file, which MATLAB, Octave, Julia, R and Fortran list in reverse; complex variables
have a last dimension `part` of two, real and imaginary. This page is written from the declarations
in `src/irsrepro/papers/*/solution.py` and from channels that are drawn for it, by
`python tests/unit/test_solution_formats.py`, and a test compares.
"""


@cache
def project() -> Project:
    overrides = {"fidelity": "preview", "realisations": 1}
    return load_project(ROOT, overrides)


def page() -> str:
    parts = [PREFACE]
    for key, paper in project().papers.items():
        declared = solution_format(key)
        parts.append(f"## {key}\n\n{paper.title}.\n{declared.model}")
        heads = ["variable of the solution", "dimensions", "unit", "what it is", "limit"]
        parts.append(table(heads, solution_rows(declared)))
        parts.append(table(["dimension", "size"], [
            [f"`{axis}`", about] for axis, about in declared.axes.items()
        ]))  # fmt: skip
        if declared.targets:
            told = "; ".join(target.about for target in declared.targets.values())
            parts.append(f"Besides, {told}.\n")
        parts.append(table(["variable of the channels", "dimensions", "unit", "what it is"],
                           channel_rows(key)))  # fmt: skip
    return "\n".join(parts)


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def solution_rows(declared: SolutionFormat) -> list[list[str]]:
    rows = []
    for name, variable in declared.variables.items():
        dims = ("realisation", *variable.axes, *(("part",) if variable.complex else ()))
        limit = variable.limit.about if variable.limit else "finite"
        rows.append([f"`{name}`", ", ".join(dims), variable.unit, variable.about, limit])
    return rows


def channel_rows(key: str) -> list[list[str]]:
    """Variables of all ensembles; where not all have one, which do."""
    ensembles = project().papers[key].ensembles
    found: dict[tuple[str, ...], list[str]] = {}
    for ensemble in ensembles:
        for name, values in draw(project(), key, ensemble).data_vars.items():
            dims = (*map(str, values.dims), *(("part",) if values.dtype.kind == "c" else ()))
            about = (f"`{name}`", ", ".join(dims), values.attrs["units"], values.attrs["long_name"])
            found.setdefault(about, []).append(ensemble)
    return [
        [*about] if len(having) == len(ensembles)
        else [*about[:-1], f"{about[-1]} (only {', '.join(having)})"]
        for about, having in found.items()
    ]  # fmt: skip


def test_the_page_is_that_of_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run this file"


def test_every_axis_is_told_and_has_a_size() -> None:
    for key, paper in project().papers.items():
        declared = solution_format(key)
        axes = {axis for variable in declared.variables.values() for axis in variable.axes}
        assert axes == {*declared.axes}, key
        for experiment, plan in paper.experiments.items():
            swept = {plan["sweep"]["parameter"]: plan["sweep"]["values"][0]}
            given = paper.external_parameters(DEFAULT, experiment) | swept
            assert {*declared.sizes(given)} == axes, f"{key}, {experiment}"


# Cheap schemes whose designs a program from outside might have returned.
OURS = {
    "he2020": ("snr", ["random", "power"], {}),
    "noh2022": ("near", ["random"], {"channels_per_drop": 4}),
    "yu2020": ("target", ["random_phases"], {}),
    "zhang2022": ("sum_antennas", ["mmse", "aif"], {"outer_iterations": 2, "aif_iterations": 3}),
    "zheng2021": ("split", ["start_single"], {}),
}


def ours(key: str, scheme: str, **changed: Any) -> tuple[Problem, xr.Dataset]:
    """The problem at the first point of an experiment, and our design."""
    paper, experiment = project().papers[key], OURS[key][0]
    plan = paper.experiments[experiment]
    section = paper.solution_parameters(DEFAULT, experiment, scheme)
    section |= {name: value for name, value in changed.items() if name in section}
    section |= {plan["sweep"]["parameter"]: plan["sweep"]["values"][1]}
    streams = realisation_streams(RandomStream(1), range(1))
    problem = Problem(draw(project(), key, plan["ensemble"]), section, "fast", streams)
    module = __import__(paper.module(scheme), fromlist=["design"])
    return problem, module.design(problem)


@pytest.mark.parametrize("key", OURS)
def test_our_own_schemes_keep_to_it(key: str) -> None:
    declared = solution_format(key)
    for scheme in OURS[key][1]:
        problem, design = ours(key, scheme, **OURS[key][2])
        for name in declared.variables:
            expected = {"realisation": 1, **declared.shape(name, problem.parameters)}
            assert dict(design[name].sizes) == expected, f"{scheme}: {name}"
        assert declared.violations(problem, design) == {}, scheme


@pytest.mark.parametrize("key", OURS)
def test_a_limit_that_is_exceeded_is_seen_with_its_size(key: str) -> None:
    declared = solution_format(key)
    problem, design = ours(key, OURS[key][1][0], **OURS[key][2])
    for name, variable in declared.variables.items():
        if variable.limit is None:
            continue
        for factor, told in ((1.0 + 1e-4, True), (1.0 + 1e-8, False)):
            scaled = np.ones_like(design[name].values)
            scaled /= np.sqrt(scaled.size) if variable.axes[-1] == "antenna" else 1.0
            if variable.unit == "W":
                scaled *= variable.limit.most(problem.parameters)  # type: ignore[attr-defined]
            if "receiver" in name:
                scaled *= 0.0 if told else 1.0
            found = declared.violations(problem, design.assign({
                name: (design[name].dims, scaled * factor)
            }))  # fmt: skip
            assert ([*found] == [0]) == told, f"{key}, {name}: {found}"
        broken = design.assign({name: design[name] * np.nan})
        assert declared.violations(problem, broken) == {0: f"{name}: not a finite number"}


def test_every_paper_declares_one() -> None:
    for key in project().papers:
        assert module_file(f"irsrepro.papers.{key}.solution"), key


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
