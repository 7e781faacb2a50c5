"""Max-min beams as papers prescribe: bisection over second-order cone programs, with cvxpy."""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.beamforming.max_min import MaxMinBeams
from irsrepro.optimize.reference.public_solvers import (
    FIRST_ORDER,
    optimise_program,
    real_form,
    unstacked,
)
from irsrepro.optimize.result import CONVERGED, FAILURE

cp = lazily("cvxpy")


def max_min_beams(
    channel: Complex,
    weights: ArrayLike = 1.0,
    *,
    tolerance: float = 1e-4,
    max_iterations: int = 5000,
) -> MaxMinBeams:
    """Maximise the smallest weighted SINR over beams of total power one (zhang2022, [47]).

    A level t is feasible if sqrt(1 + omega_k / t) Re(e_k w_k) >= ||[e_k W, 1]|| for all users and
    ||W|| <= 1. What is solved for is the largest margin by which all of these inequalities hold,
    which every level has, and what counts is what the beams then reach.

    Args:
        channel: e, (realisation, user, antenna), relative to the root of noise over power.
        weights: omega, (user,) or one for all.
        tolerance: relative width of the bracket at which to stop.
        max_iterations: largest number of cone programs.

    Returns:
        As `max_min_beams`, without uplink powers (nan).

    Raises:
        SolverError: no solver answers at a level.
    """
    count, users, _ = channel.shape
    omega = np.broadcast_to(np.asarray(weights, float), (users,))
    beams = np.full(channel.shape, np.nan, np.complex128)
    level, upper = np.full(count, np.nan), np.full(count, np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    for r in range(count):
        if not (np.abs(channel[r]).max(axis=1) > 0.0).all():
            continue
        # No user can have more than a beam of its own at full power.
        low, high = 0.0, float((omega * (np.abs(channel[r]) ** 2).sum(axis=1)).min())
        upper[r] = high
        while high - low > tolerance * high and iterations[r] < max_iterations:
            t = 0.5 * (low + high)
            iterations[r] += 1
            found = _largest_margin(channel[r], omega, t)
            reached = float((omega * _sinr(channel[r] @ found.T)).min())
            if reached < t:
                high = t
            else:
                low, beams[r], status[r] = reached, found, CONVERGED
        level[r], upper[r] = low, high
    residual = upper / level - 1.0
    uplink = np.full((count, users), np.nan)
    return MaxMinBeams(
        beams, level, upper, uplink, iterations=iterations, residual=residual, status=status
    )


class _Program(NamedTuple):
    """The cone program of a size, with parameters: cvxpy takes longer to read than to solve it.

    Attributes:
        statement: maximise the margin.
        beams: real parts over imaginary parts of W, (2 antenna, user).
        channel: `real_form` of e_k over their size, (2 user, 2 antenna).
        own: sqrt(1 + omega_k / t) times its rows for real parts, (user, 2 antenna).
        noise: one over the size, (user, 1).
    """

    statement: Any
    beams: Any
    channel: Any
    own: Any
    noise: Any


@cache
def _program(users: int, antennas: int) -> _Program:
    margin, W = cp.Variable(), cp.Variable((2 * antennas, users))
    channel, own = cp.Parameter((2 * users, 2 * antennas)), cp.Parameter((users, 2 * antennas))
    noise = cp.Parameter((users, 1))
    received = channel @ W
    heard = cp.hstack([received[:users], received[users:], noise])
    amplitudes = cp.sum(cp.multiply(own, W.T), axis=1)
    limits = [cp.norm(W, "fro") <= 1.0, cp.SOC(amplitudes - margin, heard, axis=1)]
    return _Program(cp.Problem(cp.Maximize(margin), limits), W, channel, own, noise)


def _largest_margin(e: Complex, omega: Real, level: float) -> Complex:
    """Beams (user, antenna) of power one that exceed a level, or miss it, by the most."""
    program = _program(*e.shape)
    # Rows of unit size, or the solver stops at its own tolerances.
    size = np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1.0)
    program.channel.value = real_form(e / size)
    program.own.value = np.sqrt(1.0 + omega / level)[:, None] * program.channel.value[: len(e)]
    program.noise.value = 1.0 / size
    optimise_program(program.statement, (("CLARABEL", {}), FIRST_ORDER))
    beams = unstacked(program.beams.value).T
    return beams / np.linalg.norm(beams)


def _sinr(amplitudes: Complex) -> Real:
    """SINR from what users hear of beams, (user, beam)."""
    powers = np.abs(amplitudes) ** 2
    own = np.diag(powers)
    return np.asarray(own / (powers.sum(axis=1) - own + 1.0))
