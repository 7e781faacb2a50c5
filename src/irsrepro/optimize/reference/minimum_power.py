"""Least transmit power by public means: a second-order cone program.

A second implementation of `beamforming.minimum_power`, which shares nothing with it but the
type of the result.
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.beamforming.minimum_power import MinimumPowerSolution
from irsrepro.optimize.reference.public_solvers import FIRST_ORDER, solve_program
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
        e = channel[r] / np.sqrt(noise) / size
        W: Any = cp.Variable((antennas, users), complex=True)
        amplitudes = e @ W
        cones: list[Any] = []
        for k in range(users):
            # Real parts by hand: cvxpy returns no multipliers of complex cones.
            parts = (cp.real, cp.imag)
            interference = [
                part(amplitudes[k, i]) for i in range(users) if i != k for part in parts
            ]
            amplitude = cp.real(amplitudes[k, k]) / np.sqrt(gamma[r, k])
            cones.append(cp.SOC(amplitude, cp.hstack([*interference, 1.0])))
        program: Any = cp.Problem(cp.Minimize(cp.sum_squares(W)), cones)
        program_status = solve_program(program, (("CLARABEL", {}), FIRST_ORDER))
        if program_status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            continue
        beams[r] = W.value.T / size
        power[r] = (np.abs(beams[r]) ** 2).sum()
        # The multiplier t of amplitude >= norm is that of the roots; squares double it.
        for k in range(users):
            amplitude = abs(e[k] @ W.value[:, k]) / np.sqrt(gamma[r, k])
            dual = float(np.ravel(cones[k].dual_value[0])[0])
            uplink[r, k] = dual / (2.0 * amplitude) / size**2
        iterations[r] = program.solver_stats.num_iters
        status[r] = CONVERGED
    residual = np.abs(uplink.sum(axis=1) / power - 1.0)
    return MinimumPowerSolution(
        beams, power, uplink / noise, iterations=iterations, residual=residual, status=status
    )


def uplink_fixed_point(channel: Complex, targets: Real) -> Real | None:
    """Uplink powers of one instance by the plain fixed point, noise 1; None where it diverges.

    Args:
        channel: e, (user, antenna).
        targets: gamma, (user,).
    """
    powers = np.zeros(len(targets))
    for _ in range(_FIXED_POINT_STEPS):
        covariance = np.eye(channel.shape[1]) + (channel.conj().T * powers) @ channel
        gains = np.einsum("ka,ab,kb->k", channel, np.linalg.inv(covariance), channel.conj()).real
        new = 1.0 / ((1.0 + 1.0 / targets) * gains)
        if np.abs(new - powers).max() <= _ACCURACY * new.max():
            return np.asarray(new)
        if not new.max() < 1e100:
            break
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
