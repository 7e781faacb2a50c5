"""Sum-rate of a downlink over surfaces by closed forms in turn, phases projected (AIF).

The benchmark that zhang2022 takes from its reference [7]. With s_kj = e_k w_j of
`surface_downlink`, noise and power of one, the transforms of fractional programming give

    alpha_k = SINR_k,   beta_k = sqrt(1 + alpha_k) s_kk / (sum_j |s_kj|^2 + 1),
    W = E^H D (nu I + D^H E E^H D)^-1 diag(sqrt(1 + alpha_k) beta_k / |beta_k|),  D = diag|beta_k|,

nu such that all power is used, by bisection; then rho, beta's closed form at the new beams, alpha
kept; and the reflection as the minimiser over the unit disc of ||B^T x - v||^2, B and v made with
rho, projected to unit modulus. The projection may lower the sum-rate, and nothing is held against
it. Where elements outnumber the square of the number of users the minimiser may be one of many,
which lead to different rates. The authors take that of an interior-point solver, from the dual
semidefinite program; it ends near the middle, where `central_minimiser` does.
"""

from math import sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.fractional import quadratic_auxiliary
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, NO_CHANNEL
from irsrepro.optimize.unit_disc.centre import central_minimiser
from irsrepro.papers.zhang2022.algorithms.linear_beams import MMSE_BEAMS, ZF_BEAMS, linear_beams
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import Alternation
from irsrepro.papers.zhang2022.algorithms.rates import SUM_RATE, ratios, weighted_rate
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    BOTH,
    Responses,
    SurfaceLinks,
    affine_responses,
    checked_links,
    effective_channel,
)

LEAST_ITERATIONS = 3


@kernel
def fractional_beams(
    channel: Complex, sinr: Real, auxiliary: Complex, accuracy: float, beams: Complex
) -> None:
    """Set the beams of total power one that maximise the transformed sum-rate.

    Args:
        channel: e, (user, antenna).
        sinr: alpha, (user,).
        auxiliary: beta, (user,).
        accuracy: of the power, relative.
        beams: w, (user, antenna), overwritten; kept where they would vanish.
    """
    users, antennas = channel.shape
    scaled = np.empty((users, antennas), np.complex128)
    targets = np.zeros((users, users), np.complex128)
    for k in range(users):
        size = abs(auxiliary[k])
        for m in range(antennas):
            scaled[k, m] = size * channel[k, m]
        if size > 0.0:
            targets[k, k] = sqrt(1.0 + sinr[k]) * auxiliary[k] / size
    gram = np.dot(scaled, np.ascontiguousarray(scaled.conj().T))
    values, vectors = np.linalg.eigh(gram)
    parts = np.dot(np.ascontiguousarray(vectors.conj().T), targets)
    weight = np.zeros(users)
    for i in range(users):
        values[i] = max(values[i], 0.0)
        for j in range(users):
            weight[i] += values[i] * squared_modulus(parts[i, j])
    # The power falls with nu: sum_i weight_i / (nu + value_i)^2 = 1 below the root of their sum.
    low, high = 0.0, sqrt(weight.sum())
    if not high > 0.0:
        return
    while high - low > accuracy * high and high > 1e-14 * (values[users - 1] + 1e-300):
        nu = 0.5 * (low + high)
        power = 0.0
        for i in range(users):
            power += weight[i] / (nu + values[i]) ** 2
        if power > 1.0:
            low = nu
        else:
            high = nu
    total = 0.0
    for i in range(users):
        for j in range(users):
            parts[i, j] /= high + values[i]
    unscaled_beams = np.dot(np.ascontiguousarray(np.dot(vectors, parts).T), scaled.conj())
    for j in range(users):
        for m in range(antennas):
            total += squared_modulus(unscaled_beams[j, m])
    for j in range(users):
        for m in range(antennas):
            beams[j, m] = unscaled_beams[j, m] / sqrt(total)


@kernel
def phase_problem(
    responses: Responses, sinr: Real, auxiliary: Complex, forms: Complex, target: Complex
) -> None:
    """Set the phase step's B and v.

    Args:
        responses: a and b of `surface_downlink`.
        sinr: alpha, (user,).
        auxiliary: rho, (user,).
        forms: B, (element, beam x user), overwritten.
        target: v, (beam x user,), overwritten.
    """
    users = sinr.size
    for j in range(users):
        for k in range(users):
            size, form = abs(auxiliary[k]), j * users + k
            target[form] = -size * responses.rest[j, k]
            if j == k and size > 0.0:
                target[form] += sqrt(1.0 + sinr[k]) * auxiliary[k] / size
            for n in range(forms.shape[0]):
                forms[n, form] = size * responses.forward[n, form]


@kernel
def _alternate(
    links: SurfaceLinks,
    beams: Complex,
    reflection: Complex,
    trace: Real,
    tolerance: float,
    phase_accuracy: float,
) -> tuple[int, float, int]:
    users, elements = links.outgoing.shape
    ones, sinr = np.ones(users), np.empty(users)
    auxiliary = np.empty(users, np.complex128)
    responses = np.empty((users, users), np.complex128)
    forms = np.empty((elements, users * users), np.complex128)
    target = np.empty(users * users, np.complex128)
    relaxed = np.empty(elements, np.complex128)
    channel = effective_channel(links, reflection)
    trace[:] = 0.0
    beams[:] = 0.0
    beams_exist = linear_beams(ZF_BEAMS, channel, beams)
    if not beams_exist and not linear_beams(MMSE_BEAMS, channel, beams):
        return 0, 0.0, NO_CHANNEL
    np.dot(beams, np.ascontiguousarray(channel.T), responses)
    ratios(responses, sinr)
    rate = weighted_rate(SUM_RATE, sinr, ones)
    trace[0] = rate
    change = 0.0
    for iteration in range(1, trace.size):
        quadratic_auxiliary(responses, ones, sinr, 1.0, auxiliary)
        fractional_beams(channel, sinr, auxiliary, 1e-10, beams)
        np.dot(beams, np.ascontiguousarray(channel.T), responses)
        quadratic_auxiliary(responses, ones, sinr, 1.0, auxiliary)
        block_responses = affine_responses(BOTH, links, reflection, beams)
        phase_problem(block_responses, sinr, auxiliary, forms, target)
        gap, _ = central_minimiser(forms, target, relaxed, phase_accuracy)
        for n in range(elements):
            size = abs(relaxed[n])
            if size > 0.0:
                reflection[n] = relaxed[n] / size
        channel = effective_channel(links, reflection)
        np.dot(beams, np.ascontiguousarray(channel.T), responses)
        ratios(responses, sinr)
        previous_rate, rate = rate, weighted_rate(SUM_RATE, sinr, ones)
        trace[iteration] = rate
        change = (rate - previous_rate) / rate if rate > 0.0 else 0.0
        if not np.isfinite(rate) or not np.isfinite(gap):
            trace[:] = np.nan
            return iteration, np.nan, FAILURE
        if iteration >= LEAST_ITERATIONS and abs(change) <= tolerance:
            trace[iteration:] = rate
            return iteration, change, CONVERGED
    return trace.size - 1, change, ITERATION_LIMIT


def alternate_fractional(
    links: SurfaceLinks,
    reflection: Complex,
    *,
    max_iterations: int,
    tolerance: float = 1e-2,
    phase_accuracy: float = 1e-6,
) -> Alternation:
    """Alternate between beams and projected reflections; a realisation depends on no other.

    Starts from zero-forcing beams, or those of MMSE where there is no inverse.

    Args:
        links: channels relative to the root of noise over transmit power, without a path between
            the surfaces.
        reflection: start of x, (realisation, element), unit modulus.
        max_iterations: largest number of iterations.
        tolerance: relative change of the sum-rate at which to stop, after three iterations.
        phase_accuracy: relative duality gap of a phase step, see `central_minimiser`.

    Raises:
        ValueError: shapes that do not fit; a path between the surfaces.
    """
    links = checked_links(links)
    if links.irs1_to_irs2.size or links.irs2_to_irs1.size:
        raise ValueError("a path between the surfaces is not part of this algorithm")
    count, users, elements = links.outgoing.shape
    x = np.array(reflection, np.complex128, order="C")
    if x.shape != (count, elements):
        raise ValueError(f"reflection {x.shape} must be {(count, elements)}")
    w = np.zeros((count, users, links.incoming.shape[2]), np.complex128)
    trace = np.empty((count, max_iterations + 1))
    iterations, residual = np.empty(count, np.int64), np.empty(count)
    status = np.empty(count, np.int8)
    for r in range(count):
        iterations[r], residual[r], status[r] = _alternate(
            links.of(r), w[r], x[r], trace[r], tolerance, phase_accuracy
        )
    return Alternation(w, x, trace=trace, iterations=iterations, residual=residual, status=status)
