"""DOMALO, S-DOMALO and the benchmarks of the same frame: closed-form beams, random reflection.

Variants are parameters of the schemes: the objective, how beams are made, whether the reflection is
optimised, which channels the design knows, and how phases are quantised.
"""

import numpy as np
import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import alternate
from irsrepro.papers.zhang2022.system import (
    design_variables,
    progress,
    random_reflection,
    surface_links,
    user_weights,
)


def design(problem: Problem) -> xr.Dataset:
    """Alternate from phases of zero, or random ones, and the MRT beams that go with them.

    Returns:
        ``beams`` and ``reflection``; status, iterations, residual and trace of the rate, on the
        channels the design knows.
    """
    parameters = problem.parameters
    links = surface_links(problem, parameters["designed_with"])
    start = random_reflection(problem)
    if parameters["reflection"] == "optimised" and parameters["start"] == "zero":
        start = np.ones_like(start)
    objective = parameters["objective"]
    solution = problem.solver(alternate)(
        links,
        start,
        user_weights(parameters),
        objective=objective,
        beams=parameters["beams"],
        update_reflection=parameters["reflection"] == "optimised",
        max_iterations=parameters["outer_iterations"],
        beam_steps=parameters["beam_steps"],
        reflection_steps=parameters["reflection_steps"],
        tolerance=parameters["step_tolerance"],
        smoothing=parameters["smoothing"],
        shrink=parameters["smoothing_shrink"],
        floor=parameters["smoothing_floor"],
        share_smoothing=parameters["share_smoothing"],
        auxiliary_updates=parameters["auxiliary_updates"],
        levels=parameters["levels"],
        quantisation=parameters["quantisation"],
    )
    of = "sum-rate" if objective == "sum-rate" else "smallest rate"
    return design_variables(solution.beams, solution.reflection).assign(progress(solution, of))
