"""Single-IRS baseline of one user: reflection and receiver in turn, from several starts."""

import xarray as xr

from irsrepro.array_types import Complex
from irsrepro.build.sweeps import Problem
from irsrepro.papers.zheng2021.algorithms.double_reflection import (
    Alternation,
    alternate_single_reflection,
)
from irsrepro.papers.zheng2021.system import gain_progress, single_reflection, single_variables


def solve_single(problem: Problem, cascade: Complex) -> Alternation:
    """Maximise the gain of a single surface; see ``alternate_single_reflection``.

    Args:
        problem: what the scheme was given.
        cascade: (realisation, antenna, element), of both surfaces side by side.
    """
    return problem.solver(alternate_single_reflection)(
        cascade,
        max_iterations=problem.parameters["ao_iterations"],
        tolerance=problem.parameters["ao_tolerance"],
    )


def design(problem: Problem) -> xr.Dataset:
    """Design reflection and receiver of the single surface.

    Returns:
        ``reflection`` and ``receiver``; status, iterations, residual and trace of the gain.
    """
    solution = solve_single(problem, single_reflection(problem).second_to_receiver)
    variables = single_variables(solution.reflection1, solution.receiver)
    return variables.assign(gain_progress(solution))
