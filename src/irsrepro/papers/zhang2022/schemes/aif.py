"""AIF: closed forms in turn, phases projected to unit modulus; the sum-rate benchmark of [7]."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.zhang2022.algorithms.alternating_fractional import alternate_fractional
from irsrepro.papers.zhang2022.system import (
    WITHOUT,
    design_variables,
    progress,
    random_reflection,
    surface_links,
)


def design(problem: Problem) -> xr.Dataset:
    """Alternate from random phases and zero-forcing beams until the sum-rate settles.

    Returns:
        ``beams`` and ``reflection``; status, iterations, residual and trace of the sum-rate.
    """
    parameters = problem.parameters
    links = surface_links(problem, WITHOUT)
    start = random_reflection(problem)
    solution = problem.solver(alternate_fractional)(
        links,
        start,
        max_iterations=parameters["aif_iterations"],
        tolerance=parameters["aif_tolerance"],
        phase_accuracy=parameters["phase_accuracy"],
    )
    return design_variables(solution.beams, solution.reflection).assign(
        progress(solution, "sum-rate")
    )
