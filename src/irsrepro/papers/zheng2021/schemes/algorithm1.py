"""Algorithm 1 (several users) and its variants; without iterations, where it starts.

Variants are parameters of the schemes: the double system or the single-IRS baseline, zero forcing
or MMSE, a start from the DFT codebook search or from random phases, and how a reflection step is
taken: by relaxation and randomisation as in the paper, or by Riemannian conjugate gradients from
where the alternation stands. One user is a case of several.

Relaxation and rounding lose so much at high power that a design made there from the codebooks can
be worse than one made at a lower power. A sweep that goes on from point to point starts from the
better of both at every point, and never ends below what it started from.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import uniform_phases
from irsrepro.channels.streams import children
from irsrepro.optimize.result import CONVERGED
from irsrepro.optimize.rounding import polish
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.links import Links
from irsrepro.papers.zheng2021.algorithms.max_min_reflection import (
    MaxMinAlternation,
    alternate_max_min,
    receive,
)
from irsrepro.papers.zheng2021.randomisation import relax_and_round
from irsrepro.papers.zheng2021.system import (
    double_reflection,
    double_variables,
    progress,
    single_reflection,
    single_variables,
    transmit_power,
    with_user_axis,
)

Pair = tuple[Complex, Complex]


def design(problem: Problem) -> xr.Dataset:
    """Alternate over theta_2, theta_1 and the receivers.

    Returns:
        ``reflection1`` and ``reflection2``, or ``reflection`` of the single surface, and
        ``receiver``; status, iterations, residual and trace of the smallest rate; and from relaxed
        steps ``step_bound`` and ``step_rate`` (realisation, iteration), the certified bound of the
        last step of each iteration and what rounding reached of it, in bit/s/Hz, and
        ``rounding_loss`` (realisation,), the largest share of such a bound that a step of the last
        iteration fell short of.
    """
    parameters = problem.parameters
    single = parameters["system"] == "single"
    links = with_user_axis(single_reflection(problem) if single else double_reflection(problem))
    bounds: list[Real] = []
    step_rates: list[Real] = []

    def relax(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        vector, bound = relax_and_round(problem, step, incumbent, iteration, surface)
        bounds.append(np.log2(1.0 + bound))
        step_rates.append(np.log2(1.0 + step.values(vector).min(axis=1)))
        return vector

    def climb(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        return problem.solver(polish)(step, incumbent).vector

    start = _start(problem, links)
    solution = alternate_max_min(
        links,
        *start,
        relax if parameters["reflection_step"] == "relaxation" else climb,
        receiver=parameters["receiver"],
        power=transmit_power(parameters),
        max_iterations=parameters["iterations"] if parameters["optimise"] else 0,
        tolerance=parameters["tolerance"],
    )
    if problem.before is not None:
        solution = _restore_start(start, solution, links, parameters)
    receivers = solution.receivers
    if parameters["fading"] == "rician":  # one user, without an axis of its own
        receivers = receivers[..., 0]
    if single:
        variables = single_variables(solution.reflection2, receivers)
    else:
        variables = double_variables(solution.reflection1, solution.reflection2, receivers)
    trace = np.log2(1.0 + solution.trace)
    # A start that nothing is done to is at no limit.
    status = solution.status if parameters["optimise"] else np.full_like(solution.status, CONVERGED)
    variables = variables.assign(progress(status, solution.iterations, solution.residual, trace))
    if not bounds:
        return variables
    steps = 1 if single else 2
    for name, values, description in (
        ("step_bound", bounds, "certified bound of the last reflection step of an iteration"),
        ("step_rate", step_rates, "smallest rate after the last reflection step of an iteration"),
    ):
        rates = np.stack(values[steps - 1 :: steps], axis=1)
        variables[name] = variable(("realisation", "step"), rates, description, "bit/s/Hz")
    loss = np.max([1.0 - step_rates[i] / bounds[i] for i in range(-steps, 0)], axis=0)
    description = "largest share of its bound that a step of the last iteration falls short of"
    variables["rounding_loss"] = variable(("realisation",), loss, description, "1")
    return variables


def _start(problem: Problem, links: Links) -> Pair:
    """Return both reflections to start from: the better of a new start and the design before."""
    parameters = problem.parameters
    power, receiver = transmit_power(parameters), parameters["receiver"]
    new: Pair
    if parameters["start"] == "random":
        sizes = links.first.shape[2], links.second.shape[2]
        first, second = (
            np.exp(1j * uniform_phases(children(problem.streams, f"start of IRS {irs}"), size))
            for irs, size in enumerate(sizes, 1)
        )
        new = first, second
    else:
        words = problem.solver(search_codebooks)(links, receiver=receiver, powers=power)
        new = words.reflection1, words.reflection2
    if problem.before is None:
        return new
    if parameters["system"] == "single":
        old = new[0], problem.before["reflection"].values
    else:
        old = problem.before["reflection1"].values, problem.before["reflection2"].values
    finite = np.isfinite(old[0]).all(axis=1) & np.isfinite(old[1]).all(axis=1)
    old = _select(finite, old, new)
    smallest_sinr = [
        receive(links, first, second, receiver, power)[1] for first, second in (old, new)
    ]
    return _select(smallest_sinr[0] > smallest_sinr[1], old, new)


def _restore_start(
    start: Pair, solution: MaxMinAlternation, links: Links, parameters: Mapping[str, Any]
) -> MaxMinAlternation:
    """Return the start where the alternation ends below it, as zero forcing may."""
    decreased = solution.trace[:, -1] < solution.trace[:, 0]
    first, second = _select(decreased, start, (solution.reflection1, solution.reflection2))
    kind, power = parameters["receiver"], transmit_power(parameters)
    receivers, smallest_sinr = receive(links, first, second, kind, power)
    trace = np.concatenate([solution.trace[:, :-1], smallest_sinr[:, None]], axis=1)
    return replace(
        solution, reflection1=first, reflection2=second, receivers=receivers, trace=trace
    )


def _select(mask: NDArray[np.bool_], first_pair: Pair, second_pair: Pair) -> Pair:
    """Return reflections of one pair where it is chosen, of the other elsewhere."""
    first, second = (
        np.where(mask[:, None], a, b) for a, b in zip(first_pair, second_pair, strict=True)
    )
    return first, second
