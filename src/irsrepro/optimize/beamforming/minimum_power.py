"""Beamformers of least transmit power for SINR targets, by uplink-downlink duality.

With user k hearing e_k w_i of the beam for user i, noise of power 1 and targets gamma_k:

    minimise sum_k ||w_k||^2   subject to   |e_k w_k|^2 >= gamma_k (sum_{i != k} |e_k w_i|^2 + 1).

The least sum of the powers lam_k of an uplink with the same targets is the same number (yu2020,
eq. (4) without a cone program). With h_k = e_k^H, G = [h_k^H h_j] and fixed receivers u_k the
uplink powers obey the linear system A lam = b,

    A_kk = |u_k^H h_k|^2 / gamma_k,   A_kj = -|u_k^H h_j|^2,   b_k = ||u_k||^2,

and the best receivers for given powers are u_k = (I + sum_j lam_j h_j h_j^H)^-1 h_k. Taking turns
is Newton's method on the K x K problem lam = T(lam), T the interference function (concave): from
lam >= T(lam), such as the zero-forcing powers, the powers fall monotonically to the optimum, at a
quadratic rate. A has the sign pattern of an M-matrix: the targets can be met with receivers u_k
exactly if its elimination keeps positive pivots, so a step that cannot be met is noticed, and the
fixed point lam <- T(lam) takes over for a step. At the optimum u_k^H h_j is Hermitian, A symmetric,
and the downlink powers of the beams u_k solve A p = 1.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.beamforming.receivers import (
    MMSE,
    ZF,
    Workspace,
    combiner_from_gram,
    workspace,
)
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, Solution

_ACCURACY, _STEPS = 1e-10, 2000  # distance of the uplink powers from T(lam), and steps to there
_LARGEST = 1e200  # uplink power times channel gain of a target that cannot be met


class Duality(NamedTuple):
    """Scratch arrays for one instance and, after `meet_targets`, its solution.

    Attributes:
        uplink: lam, (user,) uplink powers; a start on entry if positive.
        power: (user,) power p_k by which the squared norm of the beam u_k is multiplied.
        norm: b, (user,) squared norms of the beams u_k.
        received: S, (user, user), S_kj = h_k^H u_j.
        matrix: (user, user) A, then its factors.
        receivers: scratch; `receivers.combiner` holds C with u_k = sum_j C_jk h_j.
    """

    uplink: Real
    power: Real
    norm: Real
    received: Complex
    matrix: Real
    receivers: Workspace


@dataclass(frozen=True)
class MinimumPowerSolution(Solution):
    """Beamformers for R realisations; nan where the targets cannot be met.

    Iterations are Newton and fixed-point steps, the residual is the largest relative distance of
    an uplink power from T(lam); targets that cannot be met are a failure.

    Attributes:
        beamformer: w, (realisation, user, antenna) complex, in the root of the unit of the noise;
            e_k w_k is real and positive.
        power: (realisation,) sum of the squared norms, the least possible.
        uplink_power: (realisation, user) dual variables: with the noise power n_k of a user, the
            derivative of `power` by n_k, so that sum_k uplink_power_k n_k = power.
    """

    beamformer: Complex
    power: Real
    uplink_power: Real


@kernel
def new_duality(users: int) -> Duality:
    """Scratch arrays for `users` users, with no start."""
    return Duality(
        np.zeros(users),
        np.zeros(users),
        np.zeros(users),
        np.zeros((users, users), np.complex128),
        np.zeros((users, users)),
        workspace(users),
    )


@kernel
def _best_receivers(gram: Complex, targets: Real, work: Duality) -> None:
    """Set S, b and A for the MMSE receivers at the uplink powers."""
    users = targets.size
    combiner_from_gram(MMSE, gram, work.uplink, 1.0, work.receivers)
    C, S = work.receivers.combiner, work.received
    for k in range(users):
        for j in range(users):
            total = 0j
            for t in range(users):
                total += gram[k, t] * C[t, j]
            S[k, j] = total
    for k in range(users):
        norm = 0.0
        for j in range(users):
            c, s = C[j, k], S[j, k]
            norm += c.real * s.real + c.imag * s.imag
            square = squared_modulus(S[k, j])
            work.matrix[k, j] = square / targets[k] if j == k else -square
        work.norm[k] = norm


@kernel
def _eliminate(matrix: Real) -> bool:
    """Factorise A = L U in place, unit L; False unless every pivot is positive."""
    users = matrix.shape[0]
    for p in range(users):
        if not matrix[p, p] > 0.0:
            return False
        for k in range(p + 1, users):
            matrix[k, p] /= matrix[p, p]
            for j in range(p + 1, users):
                matrix[k, j] -= matrix[k, p] * matrix[p, j]
    return True


@kernel
def _substitute(factors: Real, right_side: Real, solution: Real) -> None:
    """Solve L U x = right_side. The latter is positive, so no term of an M-matrix cancels."""
    users = right_side.size
    for k in range(users):
        solution[k] = right_side[k]
        for j in range(k):
            solution[k] -= factors[k, j] * solution[j]
    for k in range(users - 1, -1, -1):
        for j in range(k + 1, users):
            solution[k] -= factors[k, j] * solution[j]
        solution[k] /= factors[k, k]


@kernel
def _interference_function(targets: Real, work: Duality, result: Real) -> float:
    """T(lam), before A is factorised; returns the largest relative distance of lam from it."""
    distance = 0.0
    for k in range(targets.size):
        total = work.norm[k]
        for j in range(targets.size):
            if j != k:
                total -= work.matrix[k, j] * work.uplink[j]
        result[k] = total / work.matrix[k, k]
        distance = max(distance, abs(result[k] - work.uplink[k]) / result[k])
    return distance


@kernel
def meet_targets(
    gram: Complex, targets: Real, tolerance: float, max_iterations: int, work: Duality
) -> tuple[float, int, float, int]:
    """Least power for one instance, noise 1.

    Args:
        gram: G, (user, user), G_kj = e_k e_j^H.
        targets: gamma, (user,), positive.
        tolerance: relative distance of lam from T(lam) at which to stop.
        max_iterations: largest number of steps.
        work: from `new_duality`; its uplink powers are the start if they are positive. Overwritten
            by the solution.

    Returns:
        The least sum power (infinite on failure), steps, residual and status.
    """
    users = targets.size
    next_powers = work.power
    valid_start = True
    for k in range(users):
        if not (gram[k, k].real > 0.0 and np.isfinite(gram[k, k].real)):
            return inf, 0, inf, FAILURE
        valid_start = valid_start and 0.0 < work.uplink[k] < inf
    if not valid_start:
        rank = combiner_from_gram(ZF, gram, work.uplink, 1.0, work.receivers)
        required_rank = 0.0
        for k in range(users):
            inverse = work.receivers.combiner[k, k].real if rank == users else 0.0
            work.uplink[k] = targets[k] * max(inverse, 1.0 / gram[k, k].real)
            required_rank += targets[k] / (1.0 + targets[k])
        # sum_k lam_k h_k^H (I + H Lam H^H)^-1 h_k stays below the rank of H.
        if required_rank >= rank:
            return inf, 0, inf, FAILURE
    residual, steps = inf, 0
    while True:
        _best_receivers(gram, targets, work)
        residual = _interference_function(targets, work, next_powers)
        possible = _eliminate(work.matrix)
        if possible and (residual <= tolerance or steps >= max_iterations):
            break
        if steps >= max_iterations:
            return inf, steps, residual, FAILURE
        if possible:
            _substitute(work.matrix, work.norm, work.uplink)
        else:
            assign(next_powers, work.uplink)
        steps += 1
        for k in range(users):
            if not work.uplink[k] * gram[k, k].real < _LARGEST:
                return inf, steps, residual, FAILURE
    status = CONVERGED if residual <= tolerance else ITERATION_LIMIT
    _substitute(work.matrix, np.ones(users), work.power)
    total = 0.0
    for k in range(users):
        total += work.power[k] * work.norm[k]
    return total, steps, residual, status


@kernel
def form_beams(channel: Complex, work: Duality, beams: Complex) -> None:
    """Write the beamformers of a solution, w_k = sqrt(p_k) sum_j C_jk h_j.

    Args:
        channel: e, (user, antenna).
        work: after `meet_targets`.
        beams: (user, antenna), overwritten.
    """
    users, antennas = channel.shape
    for k in range(users):
        scale = sqrt(work.power[k])
        for a in range(antennas):
            beams[k, a] = 0.0
        for j in range(users):
            weight = scale * work.receivers.combiner[j, k]
            for a in range(antennas):
                beams[k, a] += weight * channel[j, a].conjugate()


@kernel
def _design(
    channel: Complex,
    gram: Complex,
    targets: Real,
    uplink: Real,
    tolerance: float,
    max_iterations: int,
    beams: Complex,
    power: Real,
    iterations: NDArray[np.int64],
    residual: Real,
    status: NDArray[np.int8],
) -> None:
    work = new_duality(targets.shape[1])
    for r in range(channel.shape[0]):
        assign(uplink[r], work.uplink)
        power[r], iterations[r], residual[r], status[r] = meet_targets(
            gram[r], targets[r], tolerance, max_iterations, work
        )
        if status[r] == FAILURE:
            power[r] = np.nan
            beams[r] = np.nan
            uplink[r] = np.nan
        else:
            assign(work.uplink, uplink[r])
            form_beams(channel[r], work, beams[r])


def checked_targets(targets: ArrayLike, count: int, users: int) -> Real:
    """Targets (realisation, user); raises ValueError unless they are positive and finite."""
    values = np.asarray(targets, np.float64)
    if values.shape not in ((), (users,), (count, users)):
        raise ValueError(f"targets {values.shape} must be one, {(users,)} or {(count, users)}")
    if not ((values > 0.0).all() and np.isfinite(values).all()):
        raise ValueError("targets must be positive and finite")
    return np.ascontiguousarray(np.broadcast_to(values, (count, users)))


def minimum_power_beamforming(
    channel: Complex,
    targets: ArrayLike,
    noise: float = 1.0,
) -> MinimumPowerSolution:
    """Minimise the transmit power for SINR targets (yu2020, eq. (4)), for all realisations.

    The result of a realisation does not depend on the others.

    Args:
        channel: e, (realisation, user, antenna) complex amplitudes: user k hears e_k w.
        targets: gamma, linear SINR: one for all, (user,) or (realisation, user).
        noise: noise power of a user; sets the unit of the powers.

    Raises:
        ValueError: shapes that do not fit; a channel that is not finite; targets or noise that are
            not positive.

    Example:
        Two users that do not hear each other's beams, of amplitudes 1 and 2:

        >>> channel = np.array([[[1.0, 0.0], [0.0, 2.0]]])
        >>> minimum_power_beamforming(channel, targets=4.0).power.round(6)  # 4 / 1 + 4 / 4
        array([5.])
    """
    channel = np.ascontiguousarray(channel, np.complex128)
    if channel.ndim != 3 or 0 in channel.shape[1:] or not np.isfinite(channel).all():
        raise ValueError(f"channel {channel.shape} must be (R, K, N), K and N >= 1, and finite")
    if not 0.0 < noise < np.inf:
        raise ValueError("noise must be positive and finite")
    count, users, antennas = channel.shape
    targets = checked_targets(targets, count, users)
    uplink = np.zeros((count, users))
    scaled = channel / sqrt(noise)
    gram = np.ascontiguousarray(scaled @ scaled.conj().mT)
    beams = np.empty((count, users, antennas), np.complex128)
    power, residual = np.empty(count), np.empty(count)
    iterations, status = np.empty(count, np.int64), np.empty(count, np.int8)
    _design(
        scaled,
        gram,
        targets,
        uplink,
        _ACCURACY,
        _STEPS,
        beams,
        power,
        iterations,
        residual,
        status,
    )
    return MinimumPowerSolution(
        beams, power, uplink / noise, iterations=iterations, residual=residual, status=status
    )
