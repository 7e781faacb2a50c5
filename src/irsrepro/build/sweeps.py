"""Sweeps: a scheme run at every value of one parameter, on the same channels.

A scheme is a module with ``design(problem)``, which returns optimisation variables, and the system
model of its paper has ``evaluate(problem, variables)``, which returns what they achieve. So no
scheme reports a value that its variables do not reach.

A realisation on which a solver fails does not concern the others: it has the status of a failure,
NaN everywhere else, and a line in the attribute ``failures``. So has one on which a design is not a
number, or on which a design hangs or crashes: designs run in a process of their own, which is ended
when nothing is heard of it for long, and are then tried realisation by realisation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from math import ceil
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.isolation import alive, answers
from irsrepro.build.storage import variable
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.optimize.result import FAILURE, SolverError, status_legend

Solver = TypeVar("Solver", bound=Callable[..., Any])
Failures = dict[int, str]

FAILING = (SolverError, np.linalg.LinAlgError, ArithmeticError)
"""What may be raised about single realisations; anything else is an error of the program."""

CHUNK_LIMIT, REALISATION_LIMIT = 1200.0, 300.0
"""Seconds for the design of a chunk at a point, kernels compiled first, or of a realisation.

Both are far above what any takes; a chunk that needs more is designed one realisation at a time.
"""

TIMED_BATCH = 8  # copies of a realisation designed at once at most, so that the call weighs little
LONG_DESIGN = 0.25  # seconds; the call, of a few milliseconds, weighs little beside so many


@dataclass(frozen=True)
class Problem:
    """What a scheme is given.

    Attributes:
        channels: realisations of the ensemble.
        parameters: value of every parameter that the scheme knows.
        engine: ``fast`` (our kernels) or ``reference`` (public solvers).
        streams: one stream per realisation, for draws inside the algorithm.
        apart: whether every realisation is designed in a process of its own.
        before: what was designed at the point before, in a sweep that goes on from point to point.
    """

    channels: xr.Dataset
    parameters: Mapping[str, Any]
    engine: str
    streams: Sequence[RandomStream]
    apart: bool = False
    before: xr.Dataset | None = None

    def solver(self, kernel: Solver) -> Solver:
        """Return a kernel, or what the engine in use has for it.

        Kernels live in ``irsrepro.optimize`` and in ``irsrepro.papers.KEY``; either has a package
        ``reference`` with functions of the same names and arguments, imported only for that engine.
        """
        if self.engine == "fast":
            return kernel
        parts = kernel.__module__.split(".")
        package = ".".join(parts[: 2 if parts[1] == "optimize" else 3])
        reference_kernel: Solver = getattr(import_module(f"{package}.reference"), kernel.__name__)
        return reference_kernel

    def of(self, realisations: Sequence[int]) -> Problem:
        """Return the problem of some realisations, by their positions, in the order given."""
        positions = list(realisations)
        if positions == list(range(len(self.streams))):
            return self
        return replace(
            self,
            channels=self.channels.isel(realisation=positions),
            streams=[self.streams[r] for r in positions],
            before=None if self.before is None else self.before.isel(realisation=positions),
        )


def solve_each(calls: Sequence[partial[xr.Dataset]]) -> Iterator[xr.Dataset]:
    """Call `solve` for one scheme after the other, away from this process.

    Where a scheme hangs or crashes, it is tried again realisation by realisation.

    Args:
        calls: of `solve`, with all of its arguments.
    """
    for call, (solution, reason) in zip(calls, answers(calls, CHUNK_LIMIT), strict=True):
        yield solution if solution is not None and not reason else call(apart=True)


def solve(
    channels: xr.Dataset,
    stream: RandomStream,
    module: str,
    system: str,
    parameters: Mapping[str, Any],
    engine: str,
    sweep: Mapping[str, Any],
    *,
    apart: bool = False,
) -> xr.Dataset:
    """Run a scheme, named by its module, see `run`.

    Args:
        channels: realisations of the ensemble, numbered by the coordinate ``realisation``.
        stream: the scheme's, whose children are those of the realisations.
        module: dotted name of the module with ``design``.
        system: dotted name of the module with ``evaluate`` and perhaps ``statistics``.
        parameters: of the scheme, the swept one excepted.
        engine: ``fast`` or ``reference``.
        sweep: see `run`.
        apart: see `Problem`.
    """
    streams = realisation_streams(stream, channels["realisation"].values.tolist())
    model = import_module(system)
    return run(
        import_module(module).design,
        model.evaluate,
        Problem(channels, parameters, engine, streams, apart),
        sweep,
        getattr(model, "statistics", None),
    )


def run(
    design: Callable[[Problem], xr.Dataset],
    evaluate: Callable[[Problem, xr.Dataset], xr.Dataset],
    problem: Problem,
    sweep: Mapping[str, Any],
    statistics: Callable[[Problem, xr.Dataset], xr.Dataset] | None = None,
) -> xr.Dataset:
    """Run a scheme at every point of a sweep on the same channels.

    Args:
        design: the scheme.
        evaluate: the evaluation of the system model.
        problem: what the scheme is given, but for the swept parameter.
        sweep: ``parameter``, ``values`` and ``unit``; with ``design_once`` the variables do not
            depend on the parameter; with ``continued`` a scheme is given what it designed at the
            point before; with ``timed`` every design is timed.
        statistics: what a system model samples once per design, for its evaluation at every point
            that the design serves; most have none.

    Returns:
        Variables and metrics (point, realisation, ...), with the swept values as coordinate
        ``point``, and ``seconds`` (point, realisation) of a timed sweep. Where a sweep changes the
        size of an array, entries beyond the size in use are NaN.
    """
    points, numbers = [], problem.channels["realisation"].values
    variables: xr.Dataset | None = None
    failures: list[str] = []
    design_failures: Failures = {}
    for value in sweep["values"]:
        parameters = {**problem.parameters, sweep["parameter"]: value}
        before = variables if sweep.get("continued") else None
        point_problem = replace(problem, parameters=parameters, before=before)
        if variables is None or not sweep.get("design_once"):
            if sweep.get("timed"):
                variables, design_failures = _design_timed(design, point_problem)
            else:
                variables, design_failures = _design_all(design, point_problem)
            if statistics is not None:
                variables, new_failures = _add_metrics(
                    statistics, point_problem, variables, design_failures
                )
                design_failures = design_failures | new_failures
        solution, new_failures = _add_metrics(evaluate, point_problem, variables, design_failures)
        points.append(_with_indices(solution))
        failures += [
            f"{sweep['parameter']} {value}, realisation {numbers[position]}: {reason}"
            for position, reason in sorted((design_failures | new_failures).items())
        ]
    joined = xr.concat(points, dim="point", join="outer", combine_attrs="override")
    joined = joined.drop_vars(list(joined.coords))
    joined = joined.assign_coords(
        point=variable(
            ("point",),
            np.asarray(sweep["values"], dtype=float),
            sweep["parameter"],
            sweep["unit"],
        ),
        realisation=problem.channels["realisation"],
    )
    if failures:
        joined.attrs["failures"] = "; ".join(failures)
    if "iteration" in joined.dims:
        numbers = np.arange(joined.sizes["iteration"])
        joined = joined.assign_coords(iteration=variable(("iteration",), numbers, "iteration", "1"))
    return joined.transpose("point", "realisation", ...)


def _design_all(
    design: Callable[[Problem], xr.Dataset],
    problem: Problem,
    seconds: NDArray[np.float64] | None = None,
) -> tuple[xr.Dataset, Failures]:
    """Design every realisation; the reference engine takes one after the other anyway.

    Args:
        design: the scheme.
        problem: what it is given.
        seconds: (realisation,), filled with what each design takes, which is then made alone.
    """
    count = len(problem.streams)

    def design_subset(positions: Sequence[int]) -> xr.Dataset:
        subset, start = problem.of(positions), time.perf_counter()
        solution: Any
        if problem.apart:
            ((solution, reason),) = answers([partial(design, subset)], REALISATION_LIMIT)
            if reason:
                raise SolverError(reason)
        else:
            solution = design(subset)
        if seconds is not None:
            seconds[positions] = time.perf_counter() - start
        return _require_complete(solution, len(positions))

    at_once = problem.engine == "fast" and not problem.apart and seconds is None
    solution, failures = _call_with_fallback(design_subset, range(count), count, at_once=at_once)
    nan_failures = {r: reason for r, reason in _nan_failures(solution).items() if r not in failures}
    return _mark_failures(solution, nan_failures), failures | nan_failures


def _require_complete(design: Any, count: int) -> xr.Dataset:
    """Return a design as it is; one that is none, or not of all realisations, has failed."""
    if not isinstance(design, xr.Dataset) or design.sizes.get("realisation", 0) != count:
        raise SolverError(f"the design is no dataset of {count} realisations")
    return design


def _nan_failures(design: xr.Dataset) -> Failures:
    """Return on which realisations a design that does not count as failed has NaN in a variable."""
    reasons: Failures = {}
    status = (
        design["status"].values if "status" in design else np.zeros(design.sizes["realisation"])
    )
    for name, values in design.data_vars.items():
        plain = values.dims[:1] == ("realisation",) and values.ndim > 1
        if plain and values.dtype.kind in "fc" and "iteration" not in values.dims:
            is_nan = np.isnan(values.values).reshape(len(status), -1).any(axis=1)
            reasons |= {
                int(r): f"{name} is not a number"
                for r in np.flatnonzero(is_nan & (status < FAILURE))
            }
    return reasons


def _call_with_fallback(
    function: Callable[[Sequence[int]], xr.Dataset],
    positions: Sequence[int],
    count: int,
    *,
    at_once: bool,
) -> tuple[xr.Dataset, Failures]:
    """Call a function on realisations together, or on one after the other where that fails.

    Args:
        function: takes positions of realisations.
        positions: those to take.
        count: number of all realisations.
        at_once: try them together first.

    Returns:
        What it returns for all realisations, NaN and the status of a failure where it fails, NaN
        where it was not called; and the reasons of failures by position.
    """
    if at_once and len(positions) == count:
        try:
            result = function(positions)
            alive()
            return result, {}
        except FAILING:
            pass  # on which realisation, the loop tells
    datasets, failures = [], {}
    for number in positions:
        alive()
        try:
            dataset = function([number])
        except FAILING as error:
            failures[number] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        else:
            datasets.append(_with_indices(dataset).assign_coords(realisation=[number]))
    if datasets:
        joined = xr.concat(
            datasets,
            dim="realisation",
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="outer",
            combine_attrs="override",
        )
    else:
        joined = xr.Dataset(coords={"realisation": np.empty(0, int)})
    whole = joined.reindex(realisation=range(count))
    return _mark_failures(whole.drop_vars(list(whole.coords)), failures), failures


def _add_metrics(
    evaluate: Callable[[Problem, xr.Dataset], xr.Dataset],
    problem: Problem,
    variables: xr.Dataset,
    failures: Failures,
) -> tuple[xr.Dataset, Failures]:
    """Add metrics to designs; also why some of these have none."""
    count = len(problem.streams)
    metrics, metric_failures = _call_with_fallback(
        lambda positions: evaluate(
            problem.of(positions), variables.isel(realisation=list(positions))
        ),
        [number for number in range(count) if number not in failures],
        count,
        at_once=True,
    )
    metrics = metrics.drop_vars([*metrics.coords, "status"], errors="ignore")
    return _mark_failures(variables.assign(metrics.data_vars), metric_failures), metric_failures


def _mark_failures(dataset: xr.Dataset, failures: Failures) -> xr.Dataset:
    """Mark realisations as failed in the status, which a scheme may not have had before."""
    if not failures:
        return dataset
    dims, count = ("realisation",), dataset.sizes["realisation"]
    codes = dataset["status"].values if "status" in dataset else np.zeros(count)
    is_failed = np.isin(np.arange(count), list(failures))
    status = np.where(is_failed, FAILURE, codes).astype(np.int8)
    attrs = dataset["status"].attrs if "status" in dataset else {}
    about = attrs or {"long_name": status_legend(), "units": "1"}
    result = dataset.assign(status=(dims, status, about))
    for name, values in dataset.data_vars.items():
        is_count = name in ("status", "iterations")
        if values.dims[:1] == dims and values.dtype.kind in "fc" and not is_count:
            mask = is_failed.reshape(-1, *[1] * (values.ndim - 1))
            result[name] = values.copy(data=np.where(mask, np.nan, values.values))
    if "iterations" in dataset:
        steps = np.where(is_failed, 0, dataset["iterations"].values)
        result["iterations"] = (dims, steps, dataset["iterations"].attrs)
    return result


def _design_timed(
    design: Callable[[Problem], xr.Dataset], problem: Problem
) -> tuple[xr.Dataset, Failures]:
    """Design every realisation, and time it, a short design together with copies of itself."""

    def design_copies(number: int, copies: int) -> float:
        channels = problem.channels.isel(realisation=[number] * copies)
        batch = replace(problem, channels=channels, streams=[problem.streams[number]] * copies)
        start = time.perf_counter()
        design(batch)
        alive()
        return (time.perf_counter() - start) / copies

    if not problem.apart:
        with suppress(*FAILING):
            design_copies(0, 1)  # compiles or loads kernels
    seconds = np.full(len(problem.streams), np.nan)
    variables, failures = _design_all(design, problem, seconds)
    for number, alone in enumerate(seconds):
        if number in failures:
            seconds[number] = np.nan
        elif (copies := min(TIMED_BATCH, ceil(LONG_DESIGN / alone))) > 1:
            seconds[number] = design_copies(number, copies)
    variables["seconds"] = variable(("realisation",), seconds, "time of the design", "s")
    return variables, failures


def _with_indices(dataset: xr.Dataset) -> xr.Dataset:
    """Number every dimension, so that arrays of several sizes line up at their beginnings."""
    return dataset.assign_coords({name: np.arange(size) for name, size in dataset.sizes.items()})
