"""Algorithm 1 and its two halves: fractional programming over powers and reflection vector."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.array_types import Complex
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.result import status_legend
from irsrepro.papers.he2020.algorithms.fractional_programming import (
    SumRateSolution,
    maximise_sum_rate,
)
from irsrepro.papers.he2020.system import HALF_DUPLEX, Network, network


def alternate(problem: Problem, *, update_powers: bool, update_reflection: bool) -> xr.Dataset:
    """Run Algorithm 1 from full power and the starting phases of the ensemble.

    Args:
        problem: what the scheme is given.
        update_powers: take steps (17) and (18).
        update_reflection: take steps (21) and (25).

    Returns:
        See `solution_variables`.
    """
    system = network(problem.channels, problem.parameters)
    solution = run(
        problem, system, update_powers=update_powers, update_reflection=update_reflection
    )
    return solution_variables(problem, system, solution)


def run(
    problem: Problem,
    system: Network,
    *,
    update_powers: bool,
    update_reflection: bool,
    reflection: Complex | None = None,
) -> SumRateSolution:
    """Run Algorithm 1 from full power.

    Args:
        problem: what the scheme is given.
        system: the network of the problem.
        update_powers: take steps (17) and (18).
        update_reflection: take steps (21) and (25).
        reflection: (realisation, element) where to start; the starting phases without it.
    """
    return problem.solver(maximise_sum_rate)(
        system.responses,
        system.noise_gains,
        system.noise_power,
        system.power_limit,
        system.full_power(),
        system.starting_reflection if reflection is None else reflection,
        update_powers=update_powers,
        update_reflection=update_reflection,
        phase_step=problem.parameters["phase_step"] if update_reflection else "exact",
        tolerance=problem.parameters["tolerance"],
        max_iterations=problem.parameters["max_iterations"],
        rate_factor=HALF_DUPLEX,
    )


def best_per_realisation(first: SumRateSolution, second: SumRateSolution) -> SumRateSolution:
    """Take of every realisation the solution of the higher sum-rate, the first where they tie."""
    second_is_better = second.sum_rate > first.sum_rate

    def pick(name: str) -> NDArray[Any]:
        first_values, second_values = getattr(first, name), getattr(second, name)
        return np.asarray(
            np.where(
                second_is_better.reshape(-1, *[1] * (first_values.ndim - 1)),
                second_values,
                first_values,
            )
        )

    return SumRateSolution(**{field.name: pick(field.name) for field in fields(first)})


def solution_variables(problem: Problem, system: Network, solution: SumRateSolution) -> xr.Dataset:
    """Lay out a solution as a scheme returns it.

    Returns:
        ``power`` (realisation, source) in W and ``reflection`` (realisation, irs, element);
        status, iterations, residual and ``smallest_rise`` (realisation), the smallest relative
        increase of the sum-rate in any iteration. Without a stopping rule also the trace
        (realisation, iteration) in bit/s/Hz: with one, most of its length is held values.
    """
    dims, trace = ("realisation",), solution.trace
    rises = np.diff(trace, axis=1) / np.maximum(trace[:, 1:], np.finfo(float).tiny)
    smallest = rises.min(axis=1, initial=np.inf)
    variables = system.variables(solution.powers, solution.reflection).assign(
        status=variable(dims, solution.status, status_legend(), "1"),
        iterations=variable(dims, solution.iterations, "iterations", "1"),
        residual=variable(dims, solution.residual, "last increase of the sum-rate", "bit/s/Hz"),
        smallest_rise=variable(dims, smallest, "smallest relative rise of an iteration", "1"),
    )
    if problem.parameters["tolerance"] == 0:
        description = "sum-rate per iteration"
        variables["trace"] = variable((*dims, "iteration"), trace, description, "bit/s/Hz")
    return variables
