"""Least transmit power over beamformers and phases together: Riemannian search with duality inside.

User k hears u^T H_k w, u = [x; 1] with the reflection vector x and the direct path in the last row
of H_k (yu2020, eq. (9), v = conj(u)); noise 1, targets gamma_k. For given phases
`minimum_power.meet_targets` finds the least power P(u) and the dual variables lam. The gradient of
P follows from the Lagrangian at the optimal beamformers, whose own change does not count (envelope
theorem):

    2 dP/dconj(u) = 2 sum_k lam_k conj(H_k) sum_i m_ki (u^T H_k w_i) conj(w_i),
    m_ki = 1 for i != k and -1 / gamma_k for i = k.

Conjugate gradients on the circle manifold (`oblique`) minimise ln P. A point where its Riemannian
gradient vanishes satisfies, with the beamformers and lam of the duality, every KKT condition of
yu2020's problem (3); multiplying u by a phase changes nothing, so all M + 1 entries are free and
the last is made 1 in the end.
"""

from dataclasses import dataclass
from math import inf, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.metrics import received_sinr
from irsrepro.optimize.beamforming.minimum_power import (
    Duality,
    checked_targets,
    form_beams,
    meet_targets,
    new_duality,
)
from irsrepro.optimize.manifold.oblique import (
    GRADIENT_NORM,
    ITERATIONS,
    STATUS,
    accept,
    advance,
    begin,
    new_search,
)
from irsrepro.optimize.result import (
    CONVERGED,
    FAILURE,
    ITERATION_LIMIT,
    NO_DECREASE,
    RUNNING,
    Solution,
)

_ACCURACY = 1e-12  # of the uplink powers, so that noise in ln P does not stop the search
_STEPS = 500


class Response(NamedTuple):
    """Channels of one realisation, arranged for products with the BLAS.

    Attributes:
        forward: (element, user x antenna), H_k side by side.
        backward: (element, user x antenna), its conjugate.
    """

    forward: Complex
    backward: Complex


@dataclass(frozen=True)
class MinimumPowerPhases(Solution):
    """Designs for R realisations; nan where no start meets the targets.

    Iterations are search directions over all starts, the residual is the Frobenius norm of the
    Riemannian gradient of ln P, the status is that of the best start.

    Attributes:
        reflection: x, (realisation, element) of unit modulus, without the direct path.
        beamformer: w, (realisation, user, antenna), in the root of the unit of the noise.
        power: (realisation,) sum of the squared norms.
        uplink_power: lam, (realisation, user), as in `MinimumPowerSolution`.
        start: (realisation,) index of the best start.
    """

    reflection: Complex
    beamformer: Complex
    power: Real
    uplink_power: Real
    start: NDArray[np.int64]


@kernel
def arrange(channels: Complex) -> Response:
    """Arrange channels for the products with a vector of elements.

    Args:
        channels: H, (user, element, antenna).
    """
    users, elements, antennas = channels.shape
    forward = np.empty((elements, users * antennas), np.complex128)
    for k in range(users):
        for n in range(elements):
            for a in range(antennas):
                forward[n, k * antennas + a] = channels[k, n, a]
    return Response(forward, forward.conj())


@kernel
def effective_channel(vector: Complex, response: Response, channel: Complex, gram: Complex) -> None:
    """Set e_k = u^T H_k and its Gram matrix.

    Args:
        vector: u, (element,).
        response: from `arrange`.
        channel: e, (user, antenna), overwritten.
        gram: (user, user), overwritten.
    """
    users, antennas = channel.shape
    np.dot(vector, response.forward, channel.reshape(users * antennas))
    for k in range(users):
        for j in range(k + 1):
            total = 0j
            for a in range(antennas):
                total += channel[k, a] * channel[j, a].conjugate()
            gram[k, j], gram[j, k] = total, total.conjugate()


@kernel
def relative_gradient(
    response: Response,
    targets: Real,
    channel: Complex,
    work: Duality,
    power: float,
    beams: Complex,
    gradient: Complex,
) -> None:
    """Euclidean gradient of ln P, 2 d ln P / dconj(u), by the envelope theorem.

    Args:
        response: from `arrange`.
        targets: gamma, (user,).
        channel: e, (user, antenna), at u.
        work: after `meet_targets` at u.
        power: P(u).
        beams: (user, antenna), overwritten by the beamformers.
        gradient: (element,), overwritten.
    """
    users, antennas = channel.shape
    form_beams(channel, work, beams)
    shares = np.zeros((users, antennas), np.complex128)
    for k in range(users):
        for i in range(users):
            # e_k w_i = sqrt(p_i) S_ki.
            weight = 2.0 * work.uplink[k] / power * sqrt(work.power[i])
            if i == k:
                weight /= -targets[k]
            amplitude = weight * work.received[k, i]
            for a in range(antennas):
                shares[k, a] += amplitude * beams[i, a].conjugate()
    np.dot(response.backward, shares.reshape(users * antennas), gradient)


@kernel
def _search(
    channels: Complex,
    targets: Real,
    starts: Complex,
    tolerance: float,
    limit: int,
    best_vector: Complex,
    best_beams: Complex,
    best_uplink: Real,
) -> tuple[float, int, float, int, int]:
    """Search from every start; returns power, iterations, residual, status and best start."""
    users, elements, antennas = channels.shape
    response = arrange(channels)
    search = new_search(elements, 2)
    trial = search.trial.view(np.complex128).reshape(elements)
    gradient = np.empty((elements, 2))
    slope = gradient.view(np.complex128).reshape(elements)
    channel = np.empty((users, antennas), np.complex128)
    gram = np.empty((users, users), np.complex128)
    beams = np.empty((users, antennas), np.complex128)
    point_beams = beams.copy()
    work = new_duality(users)
    best_power, best_residual, best_status, best_start = inf, inf, FAILURE, 0
    iterations = 0
    for s in range(starts.shape[0]):
        begin(search, starts[s].copy().view(np.float64).reshape(elements, 2), tolerance, limit)
        work.uplink[:] = 0.0
        uplink = work.uplink.copy()
        power = inf
        while search.counters[STATUS] == RUNNING:
            effective_channel(trial, response, channel, gram)
            assign(uplink, work.uplink)
            value = meet_targets(gram, targets, _ACCURACY, _STEPS, work)[0]
            if accept(search, log(value)):
                power = value
                assign(work.uplink, uplink)
                relative_gradient(response, targets, channel, work, power, beams, slope)
                assign(beams, point_beams)
                advance(search, gradient)
        iterations += search.counters[ITERATIONS]
        if power < best_power:
            ending, residual = search.counters[STATUS], search.scalars[GRADIENT_NORM]
            best_power, best_residual, best_start = power, residual, s
            best_status = ITERATION_LIMIT
            if ending == CONVERGED or (ending == NO_DECREASE and residual <= 100.0 * tolerance):
                best_status = CONVERGED
            assign(search.point.view(np.complex128), best_vector)
            assign(point_beams, best_beams)
            assign(uplink, best_uplink)
    return best_power, iterations, best_residual, best_status, best_start


def minimum_power_over_phases(
    channels: Complex,
    targets: ArrayLike,
    starts: Complex,
    noise: float = 1.0,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 2000,
) -> MinimumPowerPhases:
    """Minimise the transmit power over beamformers and phases, yu2020, problem (3), locally.

    The result of a realisation does not depend on the others.

    Args:
        channels: H, (realisation, user, element + 1, antenna) complex amplitudes, the direct path
            in the last row.
        targets: gamma, linear SINR: one for all, (user,) or (realisation, user).
        starts: reflection vectors to start from, (realisation, start, element), of any positive
            modulus; the best end is kept.
        noise: noise power of a user; sets the unit of the powers.
        tolerance: norm of the Riemannian gradient of ln P at which to stop. Rounding allows about
            1e-7; a search that it stops above the tolerance but within a hundred times of it counts
            as converged.
        max_iterations: largest number of search directions from a start.

    Raises:
        ValueError: shapes that do not fit; channels or starts that are not finite, starts with
            zeros; targets or noise that are not positive.
    """
    channels, sinr_targets = checked_responses(channels, targets, noise)
    count, users, elements, antennas = channels.shape
    starts = np.asarray(starts, np.complex128)
    if starts.ndim != 3 or starts.shape[::2] != (count, elements - 1) or starts.shape[1] == 0:
        raise ValueError(f"starts {starts.shape} must be ({count}, starts, {elements - 1})")
    if not (np.isfinite(starts).all() and np.abs(starts).all()):
        raise ValueError("starts must be finite and without zeros")
    extended = np.concatenate([starts, np.ones((*starts.shape[:2], 1))], axis=2)
    vector = np.full((count, elements), np.nan, np.complex128)
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    uplink = np.full((count, users), np.nan)
    power, residual = np.empty(count), np.empty(count)
    iterations, start = np.empty(count, np.int64), np.empty(count, np.int64)
    status = np.empty(count, np.int8)
    scaled = channels / sqrt(noise)
    # A loop in Python: a compiled one takes longer to compile than it ever saves.
    for r in range(count):
        power[r], iterations[r], residual[r], status[r], start[r] = _search(
            scaled[r],
            sinr_targets[r],
            extended[r],
            tolerance,
            max_iterations,
            vector[r],
            beams[r],
            uplink[r],
        )
    power[status == FAILURE] = np.nan
    reference = vector[:, -1:].copy()
    relative_vectors = vector[:, :-1] * reference.conj()
    return MinimumPowerPhases(
        reflection=np.exp(1j * np.angle(relative_vectors)),
        beamformer=beams * reference[:, :, None],
        power=power,
        uplink_power=uplink / noise,
        iterations=iterations,
        residual=residual,
        status=status,
        start=start,
    )


@dataclass(frozen=True)
class OptimalityResidual:
    """How far designs are from the KKT conditions of yu2020's problem (3), dimensionless.

    Attributes:
        shortfall: (realisation,) largest 1 - SINR_k / gamma_k, 0 if all targets are met.
        excess_power: (realisation,) power over the least power at the same phases, minus 1; its
            absolute value. It is 0 exactly if the beamformers, with the dual variables of that
            least power, satisfy stationarity and complementary slackness.
        phase_gradient: (realisation,) Frobenius norm of the Riemannian gradient of ln P.
    """

    shortfall: Real
    excess_power: Real
    phase_gradient: Real

    @property
    def largest(self) -> Real:
        """(realisation,) the largest of the three."""
        return np.maximum(np.maximum(self.shortfall, self.excess_power), self.phase_gradient)


def power_and_gradient(
    channels: Complex, targets: ArrayLike, reflection: Complex, noise: float = 1.0
) -> tuple[Real, Complex]:
    """Least power for given phases and the Euclidean gradient of its logarithm.

    Args:
        channels: as in `minimum_power_over_phases`.
        targets: likewise.
        reflection: x, (realisation, element).
        noise: noise power of a user.

    Returns:
        P, (realisation,), nan where the targets cannot be met, and 2 d ln P / dconj(u),
        (realisation, element + 1), the last entry for the direct path.

    Raises:
        ValueError: as `minimum_power_over_phases`.
    """
    channels, sinr_targets = checked_responses(channels, targets, noise)
    count, _, elements, _ = channels.shape
    if np.shape(reflection) != (count, elements - 1):
        raise ValueError(f"reflection {np.shape(reflection)} must be {(count, elements - 1)}")
    vector = np.ones((count, elements), np.complex128)
    vector[:, :-1] = reflection
    power = np.empty(count)
    gradient = np.full((count, elements), np.nan, np.complex128)
    _differentiate(channels / sqrt(noise), sinr_targets, vector, power, gradient)
    return power, gradient


def _differentiate(
    channels: Complex, targets: Real, vector: Complex, power: Real, gradient: Complex
) -> None:
    users, antennas = channels.shape[1], channels.shape[3]
    channel = np.empty((users, antennas), np.complex128)
    beams = channel.copy()
    gram = np.empty((users, users), np.complex128)
    for r in range(channels.shape[0]):
        response = arrange(channels[r])
        work = new_duality(users)
        effective_channel(vector[r], response, channel, gram)
        value, _, _, status = meet_targets(gram, targets[r], _ACCURACY, _STEPS, work)
        power[r] = np.nan
        if status != FAILURE:
            power[r] = value
            relative_gradient(response, targets[r], channel, work, value, beams, gradient[r])


def optimality_residual(
    channels: Complex,
    targets: ArrayLike,
    reflection: Complex,
    beamformer: Complex,
    noise: float = 1.0,
) -> OptimalityResidual:
    """Evaluate the KKT conditions of yu2020's problem (3) at designs.

    Args:
        channels: as in `minimum_power_over_phases`.
        targets: likewise.
        reflection: x, (realisation, element), unit modulus.
        beamformer: w, (realisation, user, antenna).
        noise: noise power of a user.

    Raises:
        ValueError: as `minimum_power_over_phases`.
    """
    least_power, gradient = power_and_gradient(channels, targets, reflection, noise)
    count, users = channels.shape[:2]
    vector = np.concatenate([reflection, np.ones((count, 1))], axis=1)
    tangent = np.imag(gradient * vector.conj())
    amplitudes = np.einsum("rn,rkna,ria->rki", vector, channels, beamformer)
    relative_sinr = received_sinr(np.abs(amplitudes) ** 2, noise) / checked_targets(
        targets, count, users
    )
    power = (np.abs(beamformer) ** 2).sum(axis=(1, 2))
    return OptimalityResidual(
        shortfall=np.maximum(0.0, 1.0 - relative_sinr.min(axis=1)),
        excess_power=np.abs(power / least_power - 1.0),
        phase_gradient=np.sqrt((tangent**2).sum(axis=1)),
    )


def checked_responses(channels: Complex, targets: ArrayLike, noise: float) -> tuple[Complex, Real]:
    """Channels and targets (realisation, user) after a check; raises ValueError."""
    channels = np.ascontiguousarray(channels, np.complex128)
    shape = channels.shape
    if channels.ndim != 4 or 0 in shape[1:] or shape[2] < 2 or not np.isfinite(channels).all():
        raise ValueError(f"channels {shape} must be (R, K, M + 1, N), K, M, N >= 1, and finite")
    if not 0.0 < noise < np.inf:
        raise ValueError("noise must be positive and finite")
    return channels, checked_targets(targets, *shape[:2])
