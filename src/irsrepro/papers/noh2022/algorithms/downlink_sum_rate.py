"""Fractional programming for the sum-rate of a downlink from several sites through surfaces.

User k hears h_k^H w_j of the beam of user j, with the composite channel of all sites

    h_k = d_k + G^H Diag(x)^* f_k,   SINR_k = |h_k^H w_k|^2 / (sum_{j != k} |h_k^H w_j|^2 + 1),

G from all antennas to all elements, f_k from the elements to user k, x the reflection coefficients
and powers relative to the noise. The transforms are those of `fractional_programming`, with
a_kj = h_k^H w_j: with alpha_k = SINR_k and beta_k = sqrt(1 + alpha_k) a_kk / (sum_j |a_kj|^2 + 1)

    g = sum_k [2 sqrt(1 + alpha_k) Re(conj(beta_k) a_kk) - |beta_k|^2 (sum_j |a_kj|^2 + 1)]

is concave in W, under a power limit per site (`site_power`), and in x, over the unit disc or by
coordinates of modulus one (`unit_disc.thin`). With beta renewed between the two, no step lowers the
sum-rate. At high SNR precoder and reflection fit one another so tightly that hundreds of rounds
move neither far: `dual_uplink` finds a start at which few are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.beamforming.site_power import dual_step
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, TracedSolution
from irsrepro.optimize.unit_disc.thin import circle_sweeps, thin_sweeps

_POWER_ACCURACY, _POWER_STEPS = 1e-8, 50


@dataclass(frozen=True)
class DownlinkSolution(TracedSolution):
    """Variables and sum-rates of T channels.

    Realisations are channels here; the residual is the relative increase of the sum-rate.

    Attributes:
        precoder: W, (channel, site, antenna, user) in the root of W, within the power limits.
        reflection: x, (channel, surface, element), in the unit disc.
        sum_rate: (channel,) in bit/s/Hz.
    """

    precoder: Complex
    reflection: Complex
    sum_rate: Real


def equal_precoder(shape: tuple[int, ...], power_limit: float) -> Complex:
    """Return a start of rank one: all entries equal, every site at full power.

    That of a public code derived from the source of the baseline. All users have one beam, so that
    the rate rises slowly and a coarse stop ends the alternation at once.

    Args:
        shape: (channel, site, antenna, user).
        power_limit: of a site, in W.
    """
    return np.full(shape, (1.0 + 1.0j) * np.sqrt(power_limit / (2.0 * shape[2] * shape[3])))


def maximise_downlink_sum_rate(
    fading: Fading,
    precoder: Complex,
    reflection: Complex,
    power_limit: float,
    *,
    on_circle: bool = False,
    tolerance: float = 1e-4,
    max_iterations: int = 300,
    phase_accuracy: float = 1e-3,
    max_sweeps: int = 100,
) -> DownlinkSolution:
    """Alternate between precoders and reflection coefficients, for every channel by itself.

    The sum-rate baseline of noh2022 (Sec. IV), narrowband and with single-antenna users. The result
    of a channel does not depend on the others.

    Args:
        fading: T channels, relative to the noise.
        precoder: W at the start, (channel, site, antenna, user) in the root of W.
        reflection: x at the start, (channel, surface, element), in the unit disc.
        power_limit: largest power of a site in W.
        on_circle: keep reflection coefficients at modulus one, instead of in the unit disc.
        tolerance: relative increase of the sum-rate at which to stop; 0 runs every iteration.
        max_iterations: largest number of iterations.
        phase_accuracy: what a phase step may leave of g, in nats.
        max_sweeps: largest number of sweeps of a phase step.

    Raises:
        ValueError: shapes that do not fit, a start outside the limits, options out of range.
    """
    count, sites, users, antennas = fading.direct.shape
    surfaces, elements = fading.surface_to_user.shape[1], fading.surface_to_user.shape[3]
    if precoder.shape != (count, sites, antennas, users):
        raise ValueError(f"precoder {precoder.shape} must be {(count, sites, antennas, users)}")
    if reflection.shape != (count, surfaces, elements):
        raise ValueError(f"reflection {reflection.shape} must be {(count, surfaces, elements)}")
    if not power_limit > 0.0 or tolerance < 0.0 or max_iterations < 0 or phase_accuracy < 0.0:
        raise ValueError("power_limit must be positive, tolerances and limits not negative")
    if (np.abs(reflection) > 1.0 + 1e-12).any():
        raise ValueError("reflection must lie in the unit disc")
    if ((np.abs(precoder) ** 2).sum(axis=(2, 3)) > power_limit * (1.0 + 1e-12)).any():
        raise ValueError(f"precoder exceeds power_limit = {power_limit}")
    if on_circle and (np.abs(np.abs(reflection) - 1.0) > 1e-9).any():
        raise ValueError("reflection must have modulus one")
    W = precoder.astype(np.complex128).reshape(count, sites * antennas, users)
    x = reflection.astype(np.complex128).reshape(count, surfaces * elements)
    iterations, status = np.empty(count, np.int64), np.empty(count, np.int8)
    residual, trace = np.empty(count), np.empty((count, max_iterations + 1))
    direct, incoming, outgoing = fading.stacked()
    limits = np.full(sites, float(power_limit))
    for t in range(count):
        iterations[t], residual[t], status[t] = _alternate(
            direct[t],
            incoming[t],
            outgoing[t],
            limits,
            W[t],
            x[t],
            on_circle,
            tolerance,
            phase_accuracy,
            max_sweeps,
            trace[t],
        )
    return DownlinkSolution(
        W.reshape(precoder.shape),
        x.reshape(reflection.shape),
        trace[:, -1].copy(),
        iterations=iterations,
        residual=residual,
        status=status,
        trace=trace,
    )


@kernel
def composite(direct: Complex, adjoint: Complex, outgoing: Complex, vector: Complex) -> Complex:
    """Channels h of all users, (antenna, user)."""
    incident = np.empty_like(outgoing)
    for n in range(outgoing.shape[0]):
        for k in range(outgoing.shape[1]):
            incident[n, k] = vector[n].conjugate() * outgoing[n, k]
    channels: Complex = direct + np.dot(adjoint, incident)
    return channels


@kernel
def amplitudes_of(channels: Complex, precoder: Complex) -> Complex:
    """Amplitudes a_kj = h_k^H w_j, (user, beam)."""
    product: Complex = np.dot(channels.conj().T.copy(), precoder)
    return product


@kernel
def ratios(amplitudes: Complex, sinr: Real) -> float:
    """SINR of every user, and the sum-rate in bit/s/Hz."""
    total = 0.0
    for k in range(sinr.size):
        denominator = 1.0
        for j in range(sinr.size):
            if j != k:
                denominator += squared_modulus(amplitudes[k, j])
        sinr[k] = squared_modulus(amplitudes[k, k]) / denominator
        total += np.log1p(sinr[k])
    return float(total / log(2.0))


@kernel
def _auxiliaries(amplitudes: Complex, sinr: Real, auxiliary: Complex) -> None:
    """beta_k = sqrt(1 + alpha_k) a_kk / (sum_j |a_kj|^2 + 1)."""
    for k in range(sinr.size):
        received = 1.0
        for j in range(sinr.size):
            received += squared_modulus(amplitudes[k, j])
        auxiliary[k] = sqrt(1.0 + sinr[k]) * amplitudes[k, k] / received


@kernel
def _alternate(
    direct: Complex,
    incoming: Complex,
    outgoing: Complex,
    limits: Real,
    precoder: Complex,
    vector: Complex,
    on_circle: bool,
    tolerance: float,
    phase_accuracy: float,
    max_sweeps: int,
    trace: Real,
) -> tuple[int, float, int]:
    """One channel; precoder, vector and trace are overwritten."""
    antennas, users = direct.shape
    elements = vector.size
    adjoint = incoming.conj().T.copy()
    sinr, auxiliary = np.empty(users), np.empty(users, np.complex128)
    multipliers = np.zeros(limits.size)
    linear = np.empty((antennas, users), np.complex128)
    candidate = np.empty((antennas, users), np.complex128)
    scaled = np.empty((antennas, users), np.complex128)
    forms = np.empty((elements, users * users), np.complex128)
    slope, candidate_vector = np.empty(elements, np.complex128), np.empty(elements, np.complex128)
    channels = composite(direct, adjoint, outgoing, vector)
    amplitudes = amplitudes_of(channels, precoder)
    rate = ratios(amplitudes, sinr)
    trace[:] = rate
    change = 0.0
    for iteration in range(1, trace.size):
        previous_rate = rate
        _auxiliaries(amplitudes, sinr, auxiliary)
        for k in range(users):
            for i in range(antennas):
                scaled[i, k] = abs(auxiliary[k]) * channels[i, k]
                linear[i, k] = sqrt(1.0 + sinr[k]) * auxiliary[k] * channels[i, k]
        matrix = np.dot(scaled, scaled.conj().T.copy())
        dual_step(matrix, linear, limits, multipliers, candidate, _POWER_ACCURACY, _POWER_STEPS)
        amplitudes = amplitudes_of(channels, candidate)
        # A step solved to finite accuracy must not lower the rate; the old precoder stays then.
        candidate_rate = ratios(amplitudes, sinr)
        if candidate_rate >= rate:
            assign(candidate, precoder)
            rate = candidate_rate
        else:
            amplitudes = amplitudes_of(channels, precoder)
            rate = ratios(amplitudes, sinr)
        if elements > 0:
            _auxiliaries(amplitudes, sinr, auxiliary)
            illuminated = np.dot(incoming, precoder)
            direct_amplitudes = np.dot(direct.conj().T.copy(), precoder)
            for n in range(elements):
                slope[n] = 0.0
                for k in range(users):
                    weight = auxiliary[k].conjugate() * outgoing[n, k].conjugate()
                    for j in range(users):
                        form = weight * illuminated[n, j]
                        forms[n, k * users + j] = form
                        slope[n] -= (
                            form.conjugate() * auxiliary[k].conjugate() * direct_amplitudes[k, j]
                        )
                    slope[n] += sqrt(1.0 + sinr[k]) * forms[n, k * users + k].conjugate()
            assign(vector, candidate_vector)
            if on_circle:
                circle_sweeps(forms, slope, candidate_vector, phase_accuracy, max_sweeps)
            else:
                thin_sweeps(forms, slope, candidate_vector, phase_accuracy, max_sweeps)
            candidate_channels = composite(direct, adjoint, outgoing, candidate_vector)
            amplitudes = amplitudes_of(candidate_channels, precoder)
            candidate_rate = ratios(amplitudes, sinr)
            if candidate_rate >= rate:
                assign(candidate_vector, vector)
                channels, rate = candidate_channels, candidate_rate
            else:
                amplitudes = amplitudes_of(channels, precoder)
                rate = ratios(amplitudes, sinr)
        trace[iteration:] = rate
        change = (rate - previous_rate) / previous_rate if previous_rate > 0.0 else rate
        if not np.isfinite(rate):
            return iteration, change, FAILURE
        if change < tolerance:
            return iteration, change, CONVERGED
    return trace.size - 1, change, ITERATION_LIMIT
