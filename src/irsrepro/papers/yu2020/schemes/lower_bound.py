"""Not in the paper: a certified lower bound on the power of problem (3).

A user alone, with all phases aligned for it, needs gamma over max_x ||[x; 1]^T H_k||^2; the
semidefinite relaxation bounds that gain from above, and its dual multipliers prove it.
"""

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.sdp.problem import norm_problem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.yu2020.system import downlink, progress

_LEAST = 1e-9  # of the mean of a certificate, to which a smaller or negative entry is raised


def design(problem: Problem) -> xr.Dataset:
    """Bound every realisation.

    Returns:
        ``certificate`` y (realisation, user, path), path being the elements and the direct link:
        Diag(y_k) dominates H_k H_k^H up to the factor that the evaluation finds.
    """
    system = downlink(problem.channels, problem.parameters)
    responses = system.responses
    count, users, size, antennas = responses.shape
    gains = norm_problem(responses.reshape(count * users, size, antennas))
    solution = solve_diagonal_sdp(gains, tolerance=problem.parameters["bound_tolerance"])
    diagonal = solution.diagonal.reshape(count, users, size)
    floor = _LEAST * np.abs(diagonal).mean(axis=2, keepdims=True)
    worst = solution.status.reshape(count, users).max(axis=1)
    return xr.Dataset(
        {
            "certificate": variable(
                ("realisation", "user", "path"),
                np.maximum(diagonal, floor),
                "diagonal that dominates the gains of a user over the noise",
                "1/W",
            ),
            **progress(
                worst,
                solution.iterations.reshape(count, users).sum(axis=1),
                solution.residual.reshape(count, users).max(axis=1),
                "largest relative gap of a gain",
            ),
        }
    )
