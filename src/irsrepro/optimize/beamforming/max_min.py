"""Beams that make the smallest SINR as large as possible under a power limit, by duality.

User k hears e_k w_j, noise has power one and all beams together have power one:

    maximise min_k omega_k |e_k w_k|^2 / (sum_{j != k} |e_k w_j|^2 + 1),   sum_k ||w_k||^2 <= 1.

At the optimum all weighted SINRs are equal, and the best common level is that of an uplink with
the same total power and the best receivers. With h_k = e_k^H, uplink powers q and the SINR
gamma_k(q) of MMSE receivers, I_k(q) = q_k / gamma_k(q), the power that user k needs per unit of
SINR, is an interference function: it rises with q, and less than in proportion. So the map q <- c
I(q) / omega, c keeping the sum at one, tends to the optimum, and for every q of sum one the best
level lies between the smallest and the largest of omega_k gamma_k(q), which certifies it. All of
this needs the K x K Gram matrix only. The normed receivers are the directions of the downlink
beams, and their powers solve a linear system. A bisection over second-order cone programs, as
papers prescribe, finds the same beams (`reference.max_min`).
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.beamforming.receivers import MMSE, Workspace, combiner_from_gram, workspace
from irsrepro.optimize.linear_algebra import solve_system, squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, Solution

_TINY = 1e-150


@dataclass(frozen=True)
class MaxMinBeams(Solution):
    """Beams of R realisations; nan where a user has no channel.

    Iterations are steps of the uplink; the residual is the upper bound over the smallest weighted
    uplink SINR, less one.

    Attributes:
        beams: w, (realisation, user, antenna), of total power one; e_k w_k is real and positive.
        level: (realisation,) smallest weighted SINR, reached by all users.
        upper_bound: (realisation,) certified: no beams reach more.
        uplink_power: q, (realisation, user), of sum one.
    """

    beams: Complex
    level: Real
    upper_bound: Real
    uplink_power: Real


@kernel
def _uplink(
    gram: Complex,
    weights: Real,
    power: Real,
    tolerance: float,
    max_iterations: int,
    scratch: Workspace,
) -> tuple[float, float, int]:
    """Renew the uplink powers until the levels of all users agree; bounds of the level, steps."""
    users = power.size
    combiner = scratch.combiner
    level = np.empty(users)
    upper, steps = inf, 0
    while True:
        combiner_from_gram(MMSE, gram, power, 1.0, scratch)
        low, high = inf, 0.0
        for k in range(users):
            # h_k^H S^-1 h_k of the whole covariance S = I + H Q H^H is (G C)_kk, C of H C = S^-1 H;
            # without the own signal it is x / (1 - q x).
            gain = 0.0
            for j in range(users):
                gain += (gram[k, j] * combiner[j, k]).real
            level[k] = weights[k] * gain / max(1.0 - power[k] * gain, 1e-300)
            low, high = min(low, power[k] * level[k]), max(high, power[k] * level[k])
        upper = min(upper, high)
        if high <= low * (1.0 + tolerance) or steps >= max_iterations:
            return low, upper, steps
        steps += 1
        total = 0.0
        for k in range(users):
            power[k] = 1.0 / level[k]
            total += power[k]
        for k in range(users):
            power[k] /= total


@kernel
def _downlink(
    channel: Complex, weights: Real, scratch: Workspace, beams: Complex, level: float
) -> bool:
    """Set beams of total power one that give every user the same weighted SINR."""
    users, antennas = channel.shape
    combiner = scratch.combiner
    direction = np.dot(np.ascontiguousarray(combiner.T), channel.conj())
    system = np.empty((users, users))
    for j in range(users):
        norm, turn = 0.0, 0j
        for m in range(antennas):
            norm += squared_modulus(direction[j, m])
            turn += channel[j, m] * direction[j, m]
        scale = turn.conjugate() / (abs(turn) * sqrt(norm))
        for m in range(antennas):
            direction[j, m] *= scale
    amplitudes = np.dot(channel, np.ascontiguousarray(direction.T))
    # p_k |s_kk|^2 omega_k / t = sum_{j != k} p_j |s_kj|^2 + 1 with the p of sum one: t is the
    # level of the uplink, and a last scaling takes up what rounding leaves.
    for k in range(users):
        for j in range(users):
            square = squared_modulus(amplitudes[k, j])
            system[k, j] = square * weights[k] / level if j == k else -square
    power = solve_system(system, np.ones(users))
    total = 0.0
    for k in range(users):
        if not power[k] > 0.0:
            return False
        total += power[k]
    for k in range(users):
        for m in range(antennas):
            beams[k, m] = sqrt(power[k] / total) * direction[k, m]
    return True


@kernel
def _solve(
    channel: Complex,
    weights: Real,
    tolerance: float,
    max_iterations: int,
    beams: Complex,
    uplink: Real,
) -> tuple[float, float, float, int, int]:
    """One realisation: level reached, upper bound, residual, steps, status."""
    users = channel.shape[0]
    gram = np.dot(channel, np.ascontiguousarray(channel.conj().T))
    for k in range(users):
        if not (gram[k, k].real > _TINY and gram[k, k].real < inf):
            return np.nan, np.nan, np.nan, 0, FAILURE
        uplink[k] = 1.0 / (users * 1.0)
    scratch = workspace(users)
    low, upper, steps = _uplink(gram, weights, uplink, tolerance, max_iterations, scratch)
    if not _downlink(channel, weights, scratch, beams, low):
        return np.nan, np.nan, np.nan, steps, FAILURE
    amplitudes = np.dot(channel, np.ascontiguousarray(beams.T))
    level = inf
    for k in range(users):
        denominator = 1.0
        for j in range(users):
            if j != k:
                denominator += squared_modulus(amplitudes[k, j])
        signal = squared_modulus(amplitudes[k, k])
        level = min(level, weights[k] * signal / denominator)
    residual = upper / low - 1.0
    return level, upper, residual, steps, CONVERGED if steps < max_iterations else ITERATION_LIMIT


def max_min_beams(
    channel: Complex,
    weights: ArrayLike = 1.0,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 5000,
) -> MaxMinBeams:
    """Maximise the smallest weighted SINR over beams of total power one.

    The result of a realisation does not depend on the others.

    Args:
        channel: e, (realisation, user, antenna), relative to the root of noise over power.
        weights: omega, (user,) or one for all, positive.
        tolerance: relative spread of the users' levels in the uplink at which to stop.
        max_iterations: largest number of steps.

    Raises:
        ValueError: shapes that do not fit, or weights that are not positive.

    Example:
        Of a power of one, the weaker of two separate users gets four fifths:

        >>> found = max_min_beams(np.array([[[1.0, 0.0], [0.0, 2.0]]]))
        >>> found.level.round(6), (np.abs(found.beams[0]) ** 2).sum(axis=1).round(6)
        (array([0.8]), array([0.8, 0.2]))
    """
    e = np.ascontiguousarray(channel, np.complex128)
    if e.ndim != 3 or 0 in e.shape[1:]:
        raise ValueError(f"channel {e.shape} must be (R, K, M) with K, M >= 1")
    count, users, _ = e.shape
    omega = np.broadcast_to(np.asarray(weights, float), (users,)).copy()
    if not (omega > 0.0).all():
        raise ValueError("weights must be positive")
    beams = np.full(e.shape, np.nan, np.complex128)
    uplink = np.full((count, users), np.nan)
    level, upper, residual = np.empty((3, count))
    iterations, status = np.empty(count, np.int64), np.empty(count, np.int8)
    for r in range(count):
        level[r], upper[r], residual[r], iterations[r], status[r] = _solve(
            e[r], omega, tolerance, max_iterations, beams[r], uplink[r]
        )
    return MaxMinBeams(
        beams, level, upper, uplink, iterations=iterations, residual=residual, status=status
    )
