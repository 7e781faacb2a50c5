"""Proposed: the smallest mean gain maximised by semidefinite relaxation on statistical CSI.

Eqs. (11) to (14), once per drop, whatever the transmit power. The relaxed matrix is turned into
phases by Gaussian randomisation, as in the paper, and these may then be polished to a local
optimum; the values are reported beside the certified bound of the relaxation.
"""

from __future__ import annotations

import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import children
from irsrepro.optimize.result import status_legend
from irsrepro.optimize.rounding import polish, randomise
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.noh2022.system import (
    network,
    reflection_variable,
    smallest_gain_problem,
)


def design(problem: Problem) -> xr.Dataset:
    """Design the reflection vector of every drop.

    Args:
        problem: of the parameters, the sizes in use, Rician factors, ``noise_power``,
            ``sdp_tolerance`` (gap of the relaxation, gain at which polishing stops),
            ``randomisation_draws`` and ``rounding`` ("randomised" as the paper has it, or
            "polished").

    Returns:
        ``reflection`` (realisation, irs, element) of modulus one; (realisation,) the upper bound
        of the relaxation on the smallest mean gain, that gain after randomisation and of the
        design in 1/W, the share ``rounding_loss`` by which the design stays below the bound,
        status, iterations and residual (relative gap) of the relaxation.
    """
    parameters = problem.parameters
    links = network(problem.channels, parameters)
    count, surfaces, elements = links.arrival.shape[0], *links.arrival.shape[2:]
    relaxed = smallest_gain_problem(links)
    solution = problem.solver(solve_diagonal_sdp)(relaxed, tolerance=parameters["sdp_tolerance"])
    bound = solution.upper_bound
    keys = children(problem.streams, "randomisation")
    sampled = randomise(relaxed, solution.factor, keys, parameters["randomisation_draws"])
    result = sampled
    if parameters["rounding"] == "polished":
        result = problem.solver(polish)(
            relaxed, sampled.vector, tolerance=parameters["sdp_tolerance"]
        )
    reflection = result.vector[:, :-1].conj().reshape(count, surfaces, elements)
    dims = ("realisation",)
    return xr.Dataset(
        {
            "reflection": reflection_variable(reflection),
            "gain_bound": variable(
                dims, bound, "upper bound on the smallest mean gain over noise", "1/W"
            ),
            "randomised_gain": variable(
                dims, sampled.value, "smallest mean gain over noise after randomisation", "1/W"
            ),
            "design_gain": variable(
                dims, result.value, "smallest mean gain over noise of the design", "1/W"
            ),
            "rounding_loss": variable(
                dims, 1.0 - result.value / bound, "share that the design lacks to the bound", "1"
            ),
            "status": variable(dims, solution.status, status_legend(), "1"),
            "iterations": variable(dims, solution.iterations, "iterations of the relaxation", "1"),
            "residual": variable(dims, solution.residual, "relative gap of the relaxation", "1"),
        }
    )
