"""Sweeps: a scheme run at every value of one parameter, on the same channels.

A scheme is a module with ``design(problem)``, which returns optimisation variables, and the system
model of its paper has ``evaluate(problem, variables)``, which returns what they achieve. So no
scheme reports a value that its variables do not reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.channels.streams import RandomStream
from irsrepro.storage import variable

TIMED_BATCH = 8  # copies of a realisation designed at once, so that calls as such weigh little


@dataclass(frozen=True)
class Problem:
    """What a scheme is given.

    Attributes:
        channels: realisations of the ensemble.
        parameters: value of every parameter that the scheme knows.
        engine: ``fast`` (our kernels) or ``reference`` (public solvers).
        streams: one stream per realisation, for draws inside the algorithm.
    """

    channels: xr.Dataset
    parameters: Mapping[str, Any]
    engine: str
    streams: Sequence[RandomStream]


def run(
    design: Callable[[Problem], xr.Dataset],
    evaluate: Callable[[Problem, xr.Dataset], xr.Dataset],
    problem: Problem,
    sweep: Mapping[str, Any],
) -> xr.Dataset:
    """Run a scheme at every point of a sweep on the same channels.

    Args:
        design: the scheme.
        evaluate: the evaluation of the system model.
        problem: what the scheme is given, but for the swept parameter.
        sweep: ``parameter``, ``values`` and ``unit``; with ``design_once`` the variables do not
            depend on the parameter; with ``timed`` every design is timed.

    Returns:
        Variables and metrics (point, realisation, ...), with the swept values as coordinate
        ``point``, and ``seconds`` (point, realisation) of a timed sweep. Where a sweep changes the
        size of an array, entries beyond the size in use are NaN.
    """
    points = []
    variables = None
    for value in sweep["values"]:
        parameters = {**problem.parameters, sweep["parameter"]: value}
        here = replace(problem, parameters=parameters)
        if variables is None or not sweep.get("design_once"):
            variables = design(here)
            if sweep.get("timed"):
                variables["seconds"] = _seconds(design, here)
        points.append(_indexed(variables.assign(evaluate(here, variables).data_vars)))
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
    if "iteration" in joined.dims:
        count = np.arange(joined.sizes["iteration"])
        joined = joined.assign_coords(iteration=variable(("iteration",), count, "iteration", "1"))
    return joined.transpose("point", "realisation", ...)


def _seconds(design: Callable[[Problem], xr.Dataset], problem: Problem) -> Any:
    """Time the design of each realisation, as part of a batch; kernels are compiled by now."""
    seconds = []
    for number, stream in enumerate(problem.streams):
        channels = problem.channels.isel(realisation=[number] * TIMED_BATCH)
        batch = replace(problem, channels=channels, streams=[stream] * TIMED_BATCH)
        started = time.perf_counter()
        design(batch)
        seconds.append((time.perf_counter() - started) / TIMED_BATCH)
    return variable(("realisation",), seconds, "time of the design", "s")


def _indexed(dataset: xr.Dataset) -> xr.Dataset:
    """Number every dimension, so that arrays of several sizes line up at their beginnings."""
    return dataset.assign_coords({name: np.arange(size) for name, size in dataset.sizes.items()})
