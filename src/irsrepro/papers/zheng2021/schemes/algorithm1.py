"""Algorithm 1 (several users) and its variants; without iterations, the DFT codebook search.

Variants are parameters of the schemes: the double system or the single-IRS baseline, zero forcing
or MMSE, and how a reflection step is taken: by relaxation and randomisation as in the paper, or by
Riemannian conjugate gradients from where the alternation stands.
"""

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.rounding import polish
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.max_min_reflection import alternate_max_min
from irsrepro.papers.zheng2021.randomisation import relax_and_round
from irsrepro.papers.zheng2021.system import (
    double_reflection,
    double_variables,
    reported,
    single_reflection,
    single_variables,
    transmit_power,
)


def design(problem: Problem) -> xr.Dataset:
    """Alternate over theta_2, theta_1 and the receivers from the DFT codebook search.

    Returns:
        ``reflection1`` and ``reflection2``, or ``reflection`` of the single surface, and
        ``receiver``; status, iterations, residual and trace of the smallest rate; and from relaxed
        steps ``step_bound`` and ``step_rate`` (realisation, iteration), the certified bound of the
        last step of each iteration and what rounding reached of it, in bit/s/Hz.
    """
    parameters = problem.parameters
    single = parameters["system"] == "single"
    links = single_reflection(problem) if single else double_reflection(problem)
    power, receiver = transmit_power(parameters), parameters["receiver"]
    words = problem.solver(search_codebooks)(links, receiver=receiver, powers=power)
    bounds: list[Real] = []
    reached: list[Real] = []

    def relaxed(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        vector, bound = relax_and_round(problem, step, incumbent, iteration, surface)
        bounds.append(bound)
        reached.append(step.values(vector).min(axis=1))
        return vector

    def climbed(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        return problem.solver(polish)(step, incumbent).vector

    found = alternate_max_min(
        links,
        words.reflection1,
        words.reflection2,
        relaxed if parameters["reflection_step"] == "relaxation" else climbed,
        receiver=receiver,
        power=power,
        iterations=parameters["iterations"] if parameters["optimise"] else 0,
        tolerance=parameters["tolerance"],
    )
    if single:
        variables = single_variables(found.reflection2, found.receivers)
    else:
        variables = double_variables(found.reflection1, found.reflection2, found.receivers)
    trace = np.log2(1.0 + found.trace)
    variables = variables.assign(reported(found.status, found.iterations, found.residual, trace))
    steps = 1 if single else 2
    for name, values, about in (
        ("step_bound", bounds, "certified bound of the last reflection step of an iteration"),
        ("step_rate", reached, "smallest rate after the last reflection step of an iteration"),
    ):
        if values:
            rates = np.log2(1.0 + np.stack(values[steps - 1 :: steps], axis=1))
            variables[name] = variable(("realisation", "step"), rates, about, "bit/s/Hz")
    return variables
