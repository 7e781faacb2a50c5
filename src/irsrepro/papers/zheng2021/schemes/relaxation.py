"""Single-user alternation by semidefinite relaxation and Gaussian randomisation, one surface each.

With the matched receiver the gain ||h||^2 is a Hermitian form in [theta; 1] of either surface. The
relaxation of each step is certified; the reflection in use is kept where no sample beats it.
"""

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.result import converged_or_limited
from irsrepro.optimize.sdp.problem import norm_problem
from irsrepro.papers.zheng2021.algorithms.double_reflection import Alternation
from irsrepro.papers.zheng2021.algorithms.links import block_factors, effective_channel
from irsrepro.papers.zheng2021.randomisation import relax_and_round
from irsrepro.papers.zheng2021.schemes.closed_form import start
from irsrepro.papers.zheng2021.system import (
    double_reflection,
    double_variables,
    gain_progress,
)


def design(problem: Problem) -> xr.Dataset:
    """Alternate over theta_2 and theta_1 by relaxation and randomisation, from the DFT start.

    Returns:
        As the closed form, and ``step_gap``: the largest relative amount by which a certified bound
        exceeds the gain after the step, over the last iteration; ``rounding_loss`` is the same as a
        share of the bound.
    """
    links, parameters = double_reflection(problem), problem.parameters
    first, second, _ = start(problem, links)
    theta = [first, second]
    ones = np.ones((len(first), 1))
    gains = [(np.abs(effective_channel(links, *theta)) ** 2).sum(axis=1)]
    gap = np.zeros(len(first))
    for iteration in range(1, parameters["sdr_iterations"] + 1):
        gap[:] = 0.0
        for surface in (2, 1):
            step = norm_problem(block_factors(links, *theta)[surface - 1].mT.conj())
            incumbent = np.concatenate([theta[surface - 1], ones], axis=1)
            vector, bound = relax_and_round(problem, step, incumbent, iteration, surface)
            theta[surface - 1] = vector[:, :-1]
            gap = np.maximum(gap, bound / step.values(vector)[:, 0] - 1.0)
        gains.append((np.abs(effective_channel(links, *theta)) ** 2).sum(axis=1))
    channel = effective_channel(links, *theta)
    residual = (gains[-1] - gains[-2]) / gains[-1]
    converged = residual <= parameters["sdr_tolerance"]
    solution = Alternation(
        reflection1=theta[0],
        reflection2=theta[1],
        receiver=channel / np.linalg.norm(channel, axis=1, keepdims=True),
        gain=gains[-1],
        trace=np.stack(gains, axis=1),
        iterations=np.full(len(channel), len(gains) - 1),
        residual=residual,
        status=converged_or_limited(converged),
    )
    variables = double_variables(solution.reflection1, solution.reflection2, solution.receiver)
    description = "bound of a step over the gain after it, less one"
    return variables.assign(
        gain_progress(solution)
        | {
            "step_gap": variable(("realisation",), gap, description, "1"),
            "rounding_loss": variable(
                ("realisation",), gap / (1.0 + gap), "share of its bound a step falls short of", "1"
            ),
        }
    )
