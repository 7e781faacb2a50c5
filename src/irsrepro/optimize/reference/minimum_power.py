"""Least transmit power by public means: a second-order cone program.

A second implementation of `beamforming.minimum_power`, which shares nothing with it but the
type of the result.
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.beamforming.minimum_power import MinimumPowerSolution
from irsrepro.optimize.reference.public_solvers import (
    FIRST_ORDER,
    real_form,
    solve_program,
    unstacked,
)
from irsrepro.optimize.result import CONVERGED, FAILURE

cp = lazily("cvxpy")


_FIXED_POINT_STEPS = 20_000
_ACCURACY = 1e-12


def minimum_power_beamforming(
    channel: Complex,
    targets: ArrayLike,
    noise: float = 1.0,
) -> MinimumPowerSolution:
    """Minimise the transmit power for SINR targets with cvxpy and Clarabel (yu2020, eq. (4)).

    Args:
        channel: e, (realisation, user, antenna): user k hears e_k w.
        targets: gamma, (realisation, user), or one for all, linear.
        noise: noise power of a user.

    Returns:
        As `minimum_power_beamforming`, the uplink powers from the multipliers of the cones.

    Raises:
        SolverError: no solver answers.
    """
    count, users, antennas = channel.shape
    gamma = np.broadcast_to(np.asarray(targets, float), (count, users))
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    power, uplink = np.full(count, np.nan), np.full((count, users), np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    for r in range(count):
        # Unit gains: without, the solver stops at powers of the size of its tolerances.
        size = np.linalg.norm(channel[r], axis=1).min() / np.sqrt(noise)
        e, roots = channel[r] / np.sqrt(noise) / size, np.sqrt(gamma[r])
        program = _program(users, antennas)
        program.channel.value = real_form(e)
        program.own.value = program.channel.value[:users] / roots[:, None]
        program_status = solve_program(program.statement, (("CLARABEL", {}), FIRST_ORDER))
        if program_status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            continue
        W = unstacked(program.beams.value)
        beams[r] = W.T / size
        power[r] = (np.abs(beams[r]) ** 2).sum()
        # The multiplier t of amplitude >= norm is that of the roots; squares double it.
        amplitudes = np.abs(np.einsum("ka,ak->k", e, W)) / roots
        uplink[r] = np.ravel(program.cones.dual_value[0]) / (2.0 * amplitudes) / size**2
        iterations[r] = program.statement.solver_stats.num_iters
        status[r] = CONVERGED
    residual = np.abs(uplink.sum(axis=1) / power - 1.0)
    return MinimumPowerSolution(
        beams, power, uplink / noise, iterations=iterations, residual=residual, status=status
    )


class _Program(NamedTuple):
    """The cone program of a size, with parameters: cvxpy takes longer to read than to solve it.

    Attributes:
        statement: minimise the power.
        beams: real parts over imaginary parts of W, (2 antenna, user).
        channel: `real_form` of e, (2 user, 2 antenna).
        own: its rows for real parts over the roots of the targets, (user, 2 antenna).
        cones: Re(e_k w_k) / sqrt(gamma_k) is no less than the norm of interference and noise.
    """

    statement: Any
    beams: Any
    channel: Any
    own: Any
    cones: Any


@cache
def _program(users: int, antennas: int) -> _Program:
    W = cp.Variable((2 * antennas, users))
    channel, own = cp.Parameter((2 * users, 2 * antennas)), cp.Parameter((users, 2 * antennas))
    received, others = channel @ W, 1.0 - np.eye(users)
    parts = [cp.multiply(others, received[:users]), cp.multiply(others, received[users:])]
    heard = cp.hstack([*parts, np.ones((users, 1))])
    cones = cp.SOC(cp.sum(cp.multiply(own, W.T), axis=1), heard, axis=1)
    return _Program(cp.Problem(cp.Minimize(cp.sum_squares(W)), [cones]), W, channel, own, cones)


def uplink_fixed_point(channel: Complex, targets: Real) -> Real | None:
    """Uplink powers of one instance, noise 1, as the fixed point F(lam) = lam; None without one.

    F increases and is concave. Where its Jacobian is a contraction, Newton's step from below ends
    above the fixed point, from where the steps fall towards it; elsewhere lam becomes F(lam).

    Args:
        channel: e, (user, antenna).
        targets: gamma, (user,).
    """
    powers, share = np.zeros(len(targets)), 1.0 + 1.0 / targets
    for _ in range(_FIXED_POINT_STEPS):
        covariance = np.eye(channel.shape[1]) + (channel.conj().T * powers) @ channel
        products = channel @ np.linalg.solve(covariance, channel.conj().T)
        new = 1.0 / (share * products.diagonal().real)
        if np.abs(new - powers).max() <= _ACCURACY * new.max():
            return np.asarray(new)
        if not new.max() < 1e100:
            break
        slopes = (new**2 * share)[:, None] * np.abs(products) ** 2
        if np.abs(np.linalg.eigvals(slopes)).max() < 1.0:
            new = powers + np.linalg.solve(np.eye(len(targets)) - slopes, new - powers)
        powers = new
    return None


def downlink_beams(channel: Complex, targets: Real, uplink: Real) -> Complex:
    """Beamformers (user, antenna) of one instance from the uplink powers, noise 1.

    Args:
        channel: (user, antenna).
        targets: gamma, (user,).
        uplink: lam, (user,).
    """
    covariance = np.eye(channel.shape[1]) + (channel.conj().T * uplink) @ channel
    directions = np.linalg.solve(covariance, channel.conj().T)
    directions = directions / np.linalg.norm(directions, axis=0)
    received = np.abs(channel @ directions) ** 2
    matrix = -received
    np.fill_diagonal(matrix, received.diagonal() / targets)
    beams: Complex = (directions * np.sqrt(np.linalg.solve(matrix, np.ones(len(targets))))).T
    return beams
