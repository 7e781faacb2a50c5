"""A solver that fails on one realisation is counted on the figure, and costs no other realisation.

Every scheme of every paper runs as configured, on few realisations and small sizes; one realisation
is made to fail, in the solver of either engine or behind the border to a public solver.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from irsrepro.build.experiments import compare
from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.loading import load_project
from irsrepro.config.paper import DEFAULT
from irsrepro.figures.annotation import annotate
from irsrepro.figures.data import make
from irsrepro.optimize.result import FAILURE, SolverError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = load_project(ROOT, {})
COUNT, FAILING = 3, 1
# Sizes and budgets small enough for public solvers.
SMALL: dict[str, dict[str, Any]] = {
    "he2020": {"irss": 2, "max_iterations": 3},
    "noh2022": {"elements": 4, "surfaces": 1, "instantaneous_channels": 2,
                "sum_rate_max_iterations": 2, "direct_channels": 4, "direct_max_iterations": 3,
                "hardening_channels": 20, "randomisation_draws": 20},
    "yu2020": {"elements": 4, "users": 2, "max_iterations": 2, "alternation_max_iterations": 2,
               "randomisations": 20, "starts": 1},
    "zhang2022": {"antennas": 4, "elements": 4, "total_elements": 8, "elements1": 4, "users": 2,
                  "outer_iterations": 2, "aif_iterations": 2, "sdr_iterations": 1, "levels": 4,
                  "randomisations": 20, "transmit_power": 30, "sdr_tolerance": 0.3},
    "zheng2021": {"subsurfaces": 6, "subsurfaces1": 3, "users": 2, "ao_iterations": 3,
                  "sdr_iterations": 1, "iterations": 1, "randomisations": 20, "sdr_tolerance": 0.3},
}  # fmt: skip


def schemes() -> list[tuple[str, str, str]]:
    """Every scheme with the first experiment that has it."""
    found: dict[tuple[str, str], str] = {}
    for key, paper in PROJECT.papers.items():
        for experiment, plan in paper.experiments.items():
            for scheme in plan["schemes"]:
                found.setdefault((key, scheme), experiment)
    return [(key, scheme, experiment) for (key, scheme), experiment in found.items()]


SCHEMES = schemes()
ids = [f"{key}-{scheme}" for key, scheme, _ in SCHEMES]


@lru_cache
def drawn(key: str, ensemble: str) -> xr.Dataset:
    channels = import_module(f"irsrepro.papers.{key}.ensemble").draw(
        PROJECT.papers[key].channel_parameters(DEFAULT, ensemble), streams(key, ensemble)
    )
    numbers = ("realisation", np.arange(COUNT), {"long_name": "realisation", "units": "1"})
    made: xr.Dataset = channels.assign_coords(realisation=numbers)
    return made


def streams(key: str, ensemble: str) -> list[RandomStream]:
    return realisation_streams(RandomStream(5, (key, ensemble)), range(COUNT))


def solve(key: str, scheme: str, experiment: str, engine: str) -> xr.Dataset:
    """Run a scheme on its experiment's first point."""
    paper = PROJECT.papers[key]
    plan = paper.experiments[experiment]
    small = SMALL[key]
    given = paper.solution_parameters(DEFAULT, experiment, scheme)
    parameters = {name: small.get(name, value) for name, value in given.items()}
    swept = plan["sweep"]["parameter"]
    sweep = {"parameter": swept, "unit": "1",
             "values": [small.get(swept, plan["sweep"]["values"][0])]}  # fmt: skip
    problem = Problem(
        drawn(key, plan["ensemble"]), parameters, engine, streams(key, plan["ensemble"])
    )
    module = import_module(paper.module(scheme))
    system = import_module(f"irsrepro.papers.{key}.system")
    return run(module.design, system.evaluate, problem, sweep)


def small_print(key: str, scheme: str, experiment: str, solution: xr.Dataset) -> str:
    """What the figure of a solution says below it."""
    paper = PROJECT.papers[key]
    metric = paper.experiments[experiment]["metric"]
    data = {experiment: compare({scheme: solution}, metric)}
    section = {"kind": "curves", "title": "t", "caption": "c", "experiments": [experiment],
               "x": {"label": "x"}, "y": {"label": "y"}}  # fmt: skip
    curve = {"name": scheme, "experiment": experiment, "scheme": scheme}
    made = make("curves", data, section, [curve])
    attributes = dict.fromkeys(("changes", "engine", "fidelity", "parameters_hash"), "")
    made = made.assign_attrs(paper=key, figure="f", reading="default", **attributes)
    picture = Figure()
    annotate(picture, [made], paper.schemes)
    return " ".join(picture.get_supxlabel().split())


def insist_that_one_failed(
    key: str, scheme: str, experiment: str, solution: xr.Dataset, whole: xr.Dataset
) -> None:
    assert (solution["status"].values[:, FAILING] == FAILURE).all()
    assert f"realisation {FAILING}: SolverError: on purpose" in solution.attrs["failures"]
    others = [number for number in range(COUNT) if number != FAILING]
    for name, values in whole.data_vars.items():
        if "realisation" in values.dims and name != "seconds":
            expected = values.isel(realisation=others).values
            found = solution[name].isel(realisation=others).values
            np.testing.assert_array_equal(found, expected, err_msg=str(name))
    metric = PROJECT.papers[key].experiments[experiment]["metric"]
    failed = np.isnan(solution[metric].values[0])
    assert failed[FAILING] and not failed.all()
    said = small_print(key, scheme, experiment, solution)
    assert f"{failed.sum()} of {COUNT} solutions failed" in said


@pytest.mark.parametrize(("key", "scheme", "experiment"), SCHEMES, ids=ids)
def test_a_kernel_that_fails_costs_one_realisation(
    key: str, scheme: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = solve(key, scheme, experiment, "fast")
    doomed = streams(key, PROJECT.papers[key].experiments[experiment]["ensemble"])[FAILING]
    asked: list[str] = []

    def solver(self: Problem, kernel: Callable[..., Any]) -> Callable[..., Any]:
        asked.append(kernel.__name__)
        if doomed in self.streams:
            raise SolverError("on purpose")
        return kernel

    monkeypatch.setattr(Problem, "solver", solver)
    solution = solve(key, scheme, experiment, "fast")
    if asked:
        insist_that_one_failed(key, scheme, experiment, solution, whole)
    else:  # nothing is optimised, or by a solver that both engines share
        assert "failures" not in solution.attrs


@pytest.mark.parametrize(("key", "scheme", "experiment"), SCHEMES, ids=ids)
def test_a_public_solver_that_fails_costs_one_realisation(
    key: str, scheme: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cvxpy as cp
    import pymanopt

    doomed = streams(key, PROJECT.papers[key].experiments[experiment]["ensemble"])[FAILING]
    at_hand: list[Problem] = []
    called: list[str] = []
    of = Problem.of

    def noted(self: Problem, realisations: Any) -> Problem:
        at_hand[:] = [of(self, realisations)]
        return at_hand[0]

    def failing(real: Callable[..., Any], error: type[Exception]) -> Callable[..., Any]:
        def call(self: Any, *given: Any, **options: Any) -> Any:
            called.append(type(self).__name__)
            if doomed in at_hand[0].streams and broken:
                raise error("on purpose")
            return real(self, *given, **options)

        return call

    monkeypatch.setattr(Problem, "of", noted)
    monkeypatch.setattr(cp.Problem, "solve", failing(cp.Problem.solve, cp.SolverError))
    for name in ("ConjugateGradient", "SteepestDescent"):
        kind = getattr(pymanopt.optimizers, name)
        monkeypatch.setattr(kind, "run", failing(kind.run, ZeroDivisionError))
    broken = False
    whole = solve(key, scheme, experiment, "reference")
    broken = True
    solution = solve(key, scheme, experiment, "reference")
    if called:
        reason = solution.attrs["failures"]
        assert f"realisation {FAILING}: SolverError: " in reason and "on purpose" in reason
        solution.attrs["failures"] = f"realisation {FAILING}: SolverError: on purpose"
        insist_that_one_failed(key, scheme, experiment, solution, whole)
    else:
        assert "failures" not in solution.attrs


def test_every_kernel_of_a_scheme_has_a_twin_with_the_same_arguments() -> None:
    import ast
    import inspect

    for path in sorted((ROOT / "src" / "irsrepro" / "papers").rglob("*.py")):
        tree = ast.parse(path.read_text())
        imported = {alias.name: node.module for node in tree.body
                    if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "solver":
                (argument,) = node.args
                assert isinstance(argument, ast.Name)
                module = str(imported[argument.id])
                kernel = getattr(import_module(module), argument.id)
                parts = module.split(".")
                package = ".".join(parts[: 2 if parts[1] == "optimize" else 3])
                reference_kernel = getattr(import_module(f"{package}.reference"), argument.id)
                ours, theirs = inspect.signature(kernel), inspect.signature(reference_kernel)
                assert list(ours.parameters) == list(theirs.parameters)[: len(ours.parameters)]
                ends = [str(getattr(each.return_annotation, "__name__", each.return_annotation))
                        for each in (ours, theirs)]  # fmt: skip
                assert ends[0] == ends[1]
