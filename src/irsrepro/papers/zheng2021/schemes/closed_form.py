"""Single-user alternation in closed form (III-A), from either start; without iterations, the start.

The single-IRS based start turns the phases of the single-IRS solution so that the path over both
surfaces adds in phase, eq. (30); the other start is the best pair of DFT codewords.
"""

from dataclasses import replace

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.result import CONVERGED, FAILURE
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.double_reflection import (
    alternate_double_reflection,
    combine_single_surface,
)
from irsrepro.papers.zheng2021.algorithms.links import Links, joint_cascade
from irsrepro.papers.zheng2021.schemes.single_surface import solve_single
from irsrepro.papers.zheng2021.system import double_reflection, double_variables, gain_progress


def start(problem: Problem, links: Links) -> tuple[Complex, Complex, Complex | None]:
    """Return both reflections to start from, and the receiver where the start brings its own."""
    if problem.parameters["start"] == "dft":
        words = problem.solver(search_codebooks)(links)
        return words.reflection1, words.reflection2, None
    # The single-IRS solution is complete, whatever number of iterations follows the start.
    single = solve_single(problem, joint_cascade(links))
    first, second, _ = combine_single_surface(links, single.reflection1, single.receiver)
    return first, second, single.receiver


def design(problem: Problem) -> xr.Dataset:
    """Alternate over theta_2, theta_1 and the receiver, eqs. (23), (25) and (26).

    Returns:
        ``reflection1``, ``reflection2`` and ``receiver``; status, iterations, residual and trace of
        the gain.
    """
    links = double_reflection(problem)
    solution = problem.solver(alternate_double_reflection)(
        links,
        *start(problem, links),
        max_iterations=problem.parameters["ao_iterations"] if problem.parameters["optimise"] else 0,
        tolerance=problem.parameters["ao_tolerance"],
    )
    if not problem.parameters["optimise"]:  # a start that nothing is done to is at no limit
        solution = replace(
            solution,
            status=np.where(solution.status == FAILURE, FAILURE, CONVERGED).astype(np.int8),
        )
    variables = double_variables(solution.reflection1, solution.reflection2, solution.receiver)
    return variables.assign(gain_progress(solution))
