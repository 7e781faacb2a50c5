"""Algorithm 1 and its two halves: fractional programming over powers and reflection vector."""

from __future__ import annotations

import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.result import status_legend
from irsrepro.papers.he2020.algorithms.fractional_programming import maximise_sum_rate
from irsrepro.papers.he2020.system import HALF_DUPLEX, network


def alternate(problem: Problem, *, update_powers: bool, update_reflection: bool) -> xr.Dataset:
    """Run Algorithm 1 from full power and the starting phases of the ensemble.

    Args:
        problem: what the scheme is given.
        update_powers: take steps (17) and (18).
        update_reflection: take steps (21) and (25).

    Returns:
        ``power`` (realisation, source) in W and ``reflection`` (realisation, irs, element), with
        status, iterations, residual (realisation) and trace (realisation, iteration) in bit/s/Hz.
    """
    system = network(problem.channels, problem.parameters)
    result = problem.solver(maximise_sum_rate)(
        system.responses,
        system.noise_gains,
        system.noise_power,
        system.power_limit,
        system.full_power(),
        system.starting_reflection,
        update_powers=update_powers,
        update_reflection=update_reflection,
        phase_step=problem.parameters["phase_step"] if update_reflection else "exact",
        tolerance=problem.parameters["tolerance"],
        iteration_limit=problem.parameters["iteration_limit"],
        rate_factor=HALF_DUPLEX,
    )
    one = ("realisation",)
    return system.variables(result.powers, result.reflection).assign(
        status=variable(one, result.status, status_legend(), "1"),
        iterations=variable(one, result.iterations, "iterations", "1"),
        residual=variable(one, result.residual, "last increase of the sum-rate", "bit/s/Hz"),
        trace=variable((*one, "iteration"), result.trace, "sum-rate per iteration", "bit/s/Hz"),
    )
