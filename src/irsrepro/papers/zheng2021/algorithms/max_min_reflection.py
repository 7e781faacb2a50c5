"""Several users received over two reflecting surfaces: the smallest SINR by alternation.

With the receivers and one of the two reflections held, every w_k^H h_j = a_kj^T theta + b_kj is
affine in the other reflection theta, and the smallest SINR is a max-min problem in ratios of
quadratic forms over [theta; 1] (zheng2021, eqs. (34) to (47)). How such a step is taken is left to
the caller: by a semidefinite relaxation and rounding, or by climbing from where one stands. A step
that keeps what it has where it finds nothing better makes the whole monotone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.beamforming.receivers import linear_receivers, receive_sinr
from irsrepro.optimize.result import TracedSolution, converged_or_limited
from irsrepro.optimize.sdp.problem import MaxMinProblem, sinr_problem
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel

Step = Callable[[MaxMinProblem, Complex, int, int], Complex]


@dataclass(frozen=True)
class MaxMinAlternation(TracedSolution):
    """Reflections and receivers of R realisations.

    The trace is of the smallest SINR; the residual is its last increase, relative to it.

    Attributes:
        reflection1: theta_1, (realisation, element of surface 1), unit modulus.
        reflection2: theta_2, (realisation, element of surface 2), unit modulus.
        receivers: W, (realisation, antenna, user), those of the last iteration.
    """

    reflection1: Complex
    reflection2: Complex
    receivers: Complex


def reflection_step(
    links: Links,
    reflection1: Complex,
    reflection2: Complex,
    receivers: Complex,
    power: float,
    surface: int,
) -> MaxMinProblem:
    """State the smallest SINR as a function of one reflection, all else held.

    Args:
        links: the channels of several users, divided by the noise amplitude of an antenna.
        reflection1: theta_1, (realisation, element of surface 1).
        reflection2: theta_2, (realisation, element of surface 2); of the two, the one of the free
            surface does not matter.
        receivers: W, (realisation, antenna, user), of any norm.
        power: transmit power of every user, in units of the noise.
        surface: the free one, 1 or 2.

    Returns:
        The problem in [theta; 1] (P3.1 and P3.4 of zheng2021): element M + 1 is the reference, and
        column k K + j is conj([a_kj; b_kj]).
    """
    u, v, d, g1, g2 = links
    combiners = receivers.mT.conj()
    radiated = reflection1[:, None] * u
    if surface == 2:
        incident = radiated @ d.mT + v
        outgoing = combiners @ g2
        fixed_responses = combiners @ (g1 @ radiated.mT)
    else:
        incident = u
        outgoing = (combiners @ (g2 * reflection2[:, None])) @ d + combiners @ g1
        fixed_responses = combiners @ (g2 @ (reflection2[:, None] * v).mT)
    forms = outgoing[:, :, None] * incident[:, None]
    forms = np.concatenate([forms, fixed_responses[..., None]], axis=3)
    noise = (np.abs(receivers) ** 2).sum(axis=1)
    return sinr_problem(forms, noise, own=power, others=power)


def receive(
    links: Links, reflection1: Complex, reflection2: Complex, receiver: str, power: float
) -> tuple[Complex, Real]:
    """Receivers of one kind for given reflections, and the smallest SINR with them.

    Args:
        links: the channels of several users, divided by the noise amplitude of an antenna.
        reflection1: theta_1, (realisation, element of surface 1).
        reflection2: theta_2, (realisation, element of surface 2).
        receiver: kind of receivers, see `receivers.linear_receivers`.
        power: transmit power of every user, in units of the noise.

    Returns:
        W (realisation, antenna, user) and the smallest SINR (realisation,).
    """
    channel = effective_channel(links, reflection1, reflection2)
    receivers = linear_receivers(channel, receiver, power)[0]
    return receivers, receive_sinr(channel, receivers, power, 1.0).min(axis=1)


def alternate_max_min(
    links: Links,
    reflection1: Complex,
    reflection2: Complex,
    step: Step,
    *,
    receiver: str,
    power: float,
    max_iterations: int,
    tolerance: float,
) -> MaxMinAlternation:
    """Raise the smallest SINR by turns over theta_2, theta_1 and the receivers.

    Algorithm 1 of zheng2021 with any kind of reflection step. All iterations are run. A surface
    without elements is left out, so that one surface is two of which the first is empty.

    Args:
        links: the channels of several users, divided by the noise amplitude of an antenna.
        reflection1: start of theta_1, (realisation, element of surface 1), unit modulus.
        reflection2: start of theta_2, (realisation, element of surface 2), unit modulus.
        step: from the problem, the vector [theta; 1] it starts from, the iteration (from 1 on) and
            the surface (1 or 2) to the vector to go on with, (realisation, element) of unit modulus
            whose last entry is 1.
        receiver: kind of receivers, see `receivers.linear_receivers`.
        power: transmit power of every user, in units of the noise.
        max_iterations: number of iterations, all of which are run.
        tolerance: relative increase in the last one below which a realisation has converged.

    Returns:
        The solution; the receivers are those of the last reflections.
    """
    theta = {1: np.array(reflection1), 2: np.array(reflection2)}
    ones = np.ones((len(reflection1), 1))
    receivers, smallest_sinr = receive(links, theta[1], theta[2], receiver, power)
    trace = [smallest_sinr]
    for iteration in range(1, max_iterations + 1):
        for surface in (2, 1):
            if theta[surface].shape[1]:
                problem = reflection_step(links, theta[1], theta[2], receivers, power, surface)
                incumbent = np.concatenate([theta[surface], ones], axis=1)
                theta[surface] = step(problem, incumbent, iteration, surface)[:, :-1]
        receivers, smallest_sinr = receive(links, theta[1], theta[2], receiver, power)
        trace.append(smallest_sinr)
    residual = (trace[-1] - trace[-2]) / trace[-1] if max_iterations else np.full(len(ones), np.nan)
    status = converged_or_limited(np.abs(residual) <= tolerance)
    return MaxMinAlternation(
        reflection1=theta[1],
        reflection2=theta[2],
        receivers=receivers,
        trace=np.stack(trace, axis=1),
        iterations=np.full(len(ones), max_iterations),
        residual=residual,
        status=status,
    )
