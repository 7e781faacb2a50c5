"""Phases of a large sum-rate with the precoders eliminated, by duality of downlink and uplink.

For given channels the precoders of the largest sum-rate are those of a dual uplink, in which the
users send with powers q_k and site a hears noise of power mu_a. With H (all antennas, users),
M = Diag(mu) over the antennas of the sites, T = M^-1 H and

    C = (I + Q^1/2 H^H T Q^1/2)^-1,     J(x, q; mu) = -sum_k ln C_kk,

user k has the SINR 1 / C_kk - 1 there. The downlink has the same SINRs with the precoders
T Q^1/2 C e_k, powers that follow from K linear equations, and the same total power weighted by mu,
sum_k q_k = sum_a mu_a ||W_a||^2. So J needs no precoders, and its derivatives cost as much as one
set of channels,

    dJ = 2 Re tr(X T^H dH),   X = Q^1/2 C Diag(1 / C_kk) C Q^1/2,
    dJ / d ln q_k = 1 - [C Diag(1 / C_jj) C]_kk,

and phases are no longer tied to the precoders that fitted the ones before, which is why alternation
between the two takes hundreds of rounds at high SNR. Where the sum-rate under one power limit per
site is stationary, J is stationary in x and q (with sum_k q_k = sum_a mu_a P_a) and every site
with mu_a > 0 uses all of P_a. Rounds of quasi-Newton steps in x and q (L-BFGS) and of fixed-point
steps in mu, mu_a <- mu_a (||W_a||^2 / P_a)^1/2, lead there; what counts is the sum-rate of the
precoders scaled into all limits, of which the best is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, log, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import invert_matrix, solve_system, squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    amplitudes_of,
    composite,
    ratios,
)

_MEMORY = 8  # pairs that the quasi-Newton model remembers
_STEPS = 10  # quasi-Newton steps of a round
_PHASES_FIRST = 3  # rounds with equal q: which users are worth serving shows with fair phases
_PRICE_STEPS, _PRICE_ACCURACY = 20, 1e-4  # of the fixed point in mu
_LEAST_PRICE = 1e-3  # of the mean: a site that needs no price still has a metric
_LONGEST = 1.0  # rad, largest turn of an element in one step
_SUFFICIENT, _SHRINK, _TRIALS = 1e-4, 0.3, 20  # line search
_QUIET = 2  # rounds without a rise after which to stop


@dataclass(frozen=True)
class DualUplinkSolution:
    """Precoders and phases of T channels.

    Attributes:
        precoder: W, (channel, site, antenna, user) in the root of W, within the power limits.
        reflection: x, (channel, surface, element) of modulus one.
        sum_rate: (channel,) in bit/s/Hz.
        iterations: (channel,) quasi-Newton steps.
        status: (channel,) int8, an `Ending`.
    """

    precoder: Complex
    reflection: Complex
    sum_rate: Real
    iterations: NDArray[np.int64]
    status: NDArray[np.int8]


def maximise_over_phases(
    fading: Fading,
    reflection: Complex,
    power_limit: float,
    *,
    tolerance: float = 1e-4,
    max_rounds: int = 100,
) -> DualUplinkSolution:
    """Raise the sum-rate over phases with the precoders as a function of them.

    A start for `maximise_downlink_sum_rate`. The result of a channel does not depend on the others.

    Args:
        fading: T channels, relative to the noise.
        reflection: x at the start, (channel, surface, element) of modulus one.
        power_limit: largest power of a site in W.
        tolerance: relative increase of the sum-rate in a round that counts as one.
        max_rounds: largest number of rounds of ten steps each.

    Raises:
        ValueError: shapes that do not fit, a start off the unit circle, options out of range.
    """
    count, sites, users, antennas = fading.direct.shape
    surfaces, elements = fading.surface_to_user.shape[1], fading.surface_to_user.shape[3]
    if reflection.shape != (count, surfaces, elements):
        raise ValueError(f"reflection {reflection.shape} must be {(count, surfaces, elements)}")
    if not power_limit > 0.0 or tolerance < 0.0 or max_rounds < 0:
        raise ValueError("power_limit must be positive, tolerance and max_rounds not negative")
    if (np.abs(np.abs(reflection) - 1.0) > 1e-9).any():
        raise ValueError("reflection must have modulus one")
    x = reflection.astype(np.complex128).reshape(count, surfaces * elements)
    W = np.empty((count, sites * antennas, users), np.complex128)
    rate, iterations = np.empty(count), np.empty(count, np.int64)
    status = np.empty(count, np.int8)
    direct, incoming, outgoing = fading.stacked()
    limits = np.full(sites, float(power_limit))
    for t in range(count):
        rate[t], iterations[t], status[t] = _rounds(
            direct[t], incoming[t], outgoing[t], limits, W[t], x[t], tolerance, max_rounds
        )
    return DualUplinkSolution(
        W.reshape(count, sites, antennas, users),
        x.reshape(reflection.shape),
        rate,
        iterations,
        status,
    )


@kernel
def _dual_terms(channels: Complex, price: Real, user: Real, T: Complex, C: Complex) -> float:
    """J in nats, with T and C of the module in place."""
    antennas, users = channels.shape
    group = antennas // price.size
    for i in range(antennas):
        for k in range(users):
            T[i, k] = channels[i, k] / price[i // group]
    gram = np.dot(channels.conj().T.copy(), T)
    for k in range(users):
        for j in range(users):
            gram[k, j] *= sqrt(user[k] * user[j])
        gram[k, k] += 1.0
    invert_matrix(gram, C)
    value = 0.0
    for k in range(users):
        value -= log(C[k, k].real)
    return value


@kernel
def downlink_precoder(
    channels: Complex, price: Real, user: Real, precoder: Complex, site_powers: Real
) -> None:
    """Precoders with the SINRs of the dual uplink, and the powers of the sites, in place.

    Args:
        channels: H, (antenna of any site, user).
        price: mu, (site,), positive.
        user: q, (user,).
        precoder: W, (antenna of any site, user), overwritten.
        site_powers: ||W_a||^2, (site,), overwritten.
    """
    antennas, users = channels.shape
    group = antennas // price.size
    T = np.empty((antennas, users), np.complex128)
    C = np.empty((users, users), np.complex128)
    _dual_terms(channels, price, user, T, C)
    # Of beam k = T Q^1/2 C e_k user j hears (delta_jk - C_jk) / sqrt(q_j).
    system = np.empty((users, users))
    for k in range(users):
        for j in range(users):
            system[k, j] = -squared_modulus(C[k, j])
        system[k, k] = (1.0 - C[k, k].real) * C[k, k].real
    power = solve_system(system, user)
    for k in range(users):
        for j in range(users):
            C[j, k] *= sqrt(user[j] * max(power[k], 0.0))
    assign(np.dot(T, C), precoder)
    site_powers[:] = 0.0
    for i in range(antennas):
        for k in range(users):
            site_powers[i // group] += squared_modulus(precoder[i, k])


@kernel
def _shares(point: Real, elements: int, total: float) -> Real:
    """Powers q of the last entries of a point: their exponentials, scaled to the total."""
    user: Real = np.exp(point[elements:] - point[elements:].max())
    user *= total / user.sum()
    return user


@kernel
def dual_objective(
    direct: Complex,
    adjoint: Complex,
    incoming: Complex,
    outgoing: Complex,
    price: Real,
    total: float,
    point: Real,
    slope: Real,
) -> float:
    """J and its derivatives.

    Args:
        direct: (antenna, user).
        adjoint: G^H, (antenna, element).
        incoming: G, (element, antenna).
        outgoing: (element, user).
        price: mu, (site,).
        total: sum of q.
        point: phases in rad, then ln q up to a constant, (element + user,).
        slope: derivatives, overwritten.
    """
    elements, users = outgoing.shape
    vector = np.empty(elements, np.complex128)
    for n in range(elements):
        vector[n] = complex(cos(point[n]), sin(point[n]))
    channels = composite(direct, adjoint, outgoing, vector)
    user = _shares(point, elements, total)
    T = np.empty(channels.shape, np.complex128)
    C = np.empty((users, users), np.complex128)
    X = np.empty((users, users), np.complex128)
    value = _dual_terms(channels, price, user, T, C)
    slope_sum = 0.0
    for k in range(users):
        for j in range(users):
            entry = 0j
            for i in range(users):
                entry += C[k, i] * C[i, j] / C[i, i].real
            X[k, j] = entry
        slope[elements + k] = 1.0 - X[k, k].real
        slope_sum += slope[elements + k]
    for k in range(users):
        slope[elements + k] -= slope_sum * user[k] / total
        for j in range(users):
            X[k, j] *= sqrt(user[k] * user[j])
    incident = np.dot(incoming, np.dot(T, X))
    for n in range(elements):
        entry = 0j
        for k in range(users):
            entry += outgoing[n, k].conjugate() * incident[n, k]
        slope[n] = -2.0 * (vector[n] * entry).imag
    return value


@kernel
def _quasi_newton(
    slope: Real,
    moves: Real,
    falls: Real,
    inverses: Real,
    pair_count: int,
    head: int,
    direction: Real,
) -> None:
    """Direction of L-BFGS for a maximum, by its two loops over the pairs stored (Nocedal 1980)."""
    weights = np.empty(_MEMORY)
    assign(slope, direction)
    for m in range(pair_count):
        i = (head - 1 - m) % _MEMORY
        weights[i] = inverses[i] * np.dot(moves[i], direction)
        direction -= weights[i] * falls[i]
    if pair_count > 0:
        i = (head - 1) % _MEMORY
        direction *= 1.0 / (inverses[i] * np.dot(falls[i], falls[i]))
    else:
        direction *= 0.5 * _LONGEST / max(np.abs(direction).max(), 1e-300)
    for m in range(pair_count):
        i = (head - pair_count + m) % _MEMORY
        direction += (weights[i] - inverses[i] * np.dot(falls[i], direction)) * moves[i]


@kernel
def _climb(
    direct: Complex,
    adjoint: Complex,
    incoming: Complex,
    outgoing: Complex,
    price: Real,
    total: float,
    point: Real,
    phases_only: bool,
    accuracy: float,
) -> int:
    """Raise J over phases and user powers, in place; return the steps taken."""
    size = point.size
    slope, trial_slope, direction = np.empty(size), np.empty(size), np.empty(size)
    moves, falls = np.empty((_MEMORY, size)), np.empty((_MEMORY, size))
    inverses = np.empty(_MEMORY)
    pair_count, head = 0, 0
    value = dual_objective(direct, adjoint, incoming, outgoing, price, total, point, slope)
    if phases_only:
        slope[outgoing.shape[0] :] = 0.0
    for step in range(_STEPS):
        _quasi_newton(slope, moves, falls, inverses, pair_count, head, direction)
        rise = np.dot(direction, slope)
        length = min(1.0, _LONGEST / max(np.abs(direction).max(), 1e-300))
        trials = 0
        while True:
            trial = point + length * direction
            trial_value = dual_objective(
                direct, adjoint, incoming, outgoing, price, total, trial, trial_slope
            )
            if phases_only:
                trial_slope[outgoing.shape[0] :] = 0.0
            if trial_value >= value + _SUFFICIENT * length * rise:
                break
            trials += 1
            if trials == _TRIALS:
                return step
            length *= _SHRINK
        for i in range(size):
            moves[head, i] = trial[i] - point[i]
            falls[head, i] = slope[i] - trial_slope[i]
        curvature = np.dot(moves[head], falls[head])
        change = trial_value - value
        assign(trial, point)
        assign(trial_slope, slope)
        value = trial_value
        if curvature > 0.0:
            inverses[head] = 1.0 / curvature
            head = (head + 1) % _MEMORY
            pair_count = min(pair_count + 1, _MEMORY)
        if change < accuracy * value:
            return step + 1
    return _STEPS


@kernel
def _rounds(
    direct: Complex,
    incoming: Complex,
    outgoing: Complex,
    limits: Real,
    precoder: Complex,
    vector: Complex,
    tolerance: float,
    max_rounds: int,
) -> tuple[float, int, int]:
    """One channel; precoder and vector are overwritten."""
    elements, users = outgoing.shape
    sites = limits.size
    adjoint = incoming.conj().T.copy()
    total = limits.sum()
    price, site_powers = np.ones(sites), np.empty(sites)
    point = np.zeros(elements + users)
    assign(np.angle(vector), point[:elements])
    trial, sinr = np.empty_like(precoder), np.empty(users)
    best, stalled_rounds, steps = -1.0, 0, 0
    for number in range(max_rounds + 1):
        phasors = np.exp(1j * point[:elements])
        channels = composite(direct, adjoint, outgoing, phasors)
        user = _shares(point, elements, total)
        for _ in range(_PRICE_STEPS):
            downlink_precoder(channels, price, user, trial, site_powers)
            if (site_powers / limits).max() < 1.0 + _PRICE_ACCURACY:
                break
            price = np.maximum(price * np.sqrt(site_powers / limits), _LEAST_PRICE)
            price *= total / np.dot(price, limits)
        downlink_precoder(channels, price, user, trial, site_powers)
        trial /= sqrt((site_powers / limits).max())
        rate = ratios(amplitudes_of(channels, trial), sinr)
        if not np.isfinite(rate):
            return best, steps, FAILURE
        stalled_rounds = 0 if rate > best * (1.0 + tolerance) else stalled_rounds + 1
        if rate > best:
            best = rate
            assign(phasors, vector)
            assign(trial, precoder)
        if stalled_rounds == _QUIET:
            return best, steps, CONVERGED
        if number < max_rounds:
            steps += _climb(
                direct,
                adjoint,
                incoming,
                outgoing,
                price,
                total,
                point,
                number < _PHASES_FIRST,
                0.1 * tolerance,
            )
    return best, steps, ITERATION_LIMIT
