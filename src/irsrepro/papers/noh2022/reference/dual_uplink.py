"""Phases with the precoders eliminated, from the formulas of the dual uplink and scipy's L-BFGS-B.

A second implementation of `algorithms.dual_uplink`: it shares the type of the result only. SINRs
are those of MMSE receivers, written with the covariance of all antennas.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT
from irsrepro.papers.noh2022.algorithms.dual_uplink import DualUplinkSolution

_STEPS, _PRICE_STEPS = 10, 50


def maximise_over_phases(
    fading: Fading,
    reflection: Complex,
    power_limit: float,
    *,
    tolerance: float = 1e-4,
    max_rounds: int = 100,
) -> DualUplinkSolution:
    """Raise the sum-rate over phases as `maximise_over_phases` does.

    Args:
        fading: T channels, relative to the noise.
        reflection: x at the start, (channel, surface, element) of modulus one.
        power_limit: largest power of a site in W.
        tolerance: relative increase of the sum-rate in a round that counts as one.
        max_rounds: largest number of rounds.
    """
    count, sites, users, antennas = fading.direct.shape
    x = np.empty((count, reflection[0].size), complex)
    W = np.empty((count, sites * antennas, users), complex)
    rate, iterations = np.zeros(count), np.zeros(count, np.int64)
    status = np.full(count, ITERATION_LIMIT, np.int8)
    for t, links in enumerate(zip(*fading.stacked(), strict=True)):
        price, total = np.ones(sites), sites * power_limit
        point = np.concatenate([np.angle(reflection[t].ravel()), np.zeros(users)])
        stalled_rounds = 0
        for _ in range(max_rounds + 1):
            H, q = _channels(links, point), _powers(point, users, total)
            for _ in range(_PRICE_STEPS):
                precoder, site_powers = _downlink(H, q, price)
                price *= np.maximum(np.sqrt(site_powers / power_limit), 1e-3)
                price = np.maximum(price * sites / price.sum(), 1e-3)
            precoder, site_powers = _downlink(H, q, price)
            precoder *= np.sqrt(power_limit / site_powers.max())
            received = np.abs(H.conj().T @ precoder) ** 2
            signal = np.diag(received)
            sum_rate = np.log2(1.0 + signal / (received.sum(axis=1) - signal + 1.0)).sum()
            stalled_rounds = 0 if sum_rate > rate[t] * (1.0 + tolerance) else stalled_rounds + 1
            if sum_rate > rate[t]:
                rate[t], x[t], W[t] = sum_rate, np.exp(1j * point[:-users]), precoder
            if stalled_rounds == 2:
                status[t] = CONVERGED
                break
            result = minimize(
                lambda at, links=links, price=price, total=total: _fall(links, at, price, total),
                point,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": _STEPS},
            )
            point = result.x
            iterations[t] += result.nit
    return DualUplinkSolution(
        W.reshape(count, sites, antennas, users), x.reshape(reflection.shape), rate, iterations,
        status,
    )  # fmt: skip


def _channels(links: tuple[Complex, Complex, Complex], point: Real) -> Complex:
    direct, incoming, outgoing = links
    phasors = np.exp(-1j * point[: len(outgoing), None])
    channels: Complex = direct + incoming.conj().T @ (phasors * outgoing)
    return channels


def _powers(point: Real, users: int, total: float) -> Real:
    shares = np.exp(point[-users:] - point[-users:].max())
    powers: Real = total * shares / shares.sum()
    return powers


def _downlink(H: Complex, q: Real, price: Real) -> tuple[Complex, Real]:
    """Precoders along MMSE receivers, powers for the SINRs of the uplink, powers of the sites."""
    noise = np.diag(np.repeat(price, len(H) // len(price)))
    beams = np.linalg.solve(noise + (H * q) @ H.conj().T, H)
    beams /= np.linalg.norm(beams, axis=0)
    gains = np.abs(H.conj().T @ beams) ** 2  # user, beam
    signal_gains = np.diag(gains)
    noise_powers = (np.abs(beams) ** 2 * np.diag(noise)[:, None]).sum(axis=0)
    sinr = q * signal_gains / (q @ gains - q * signal_gains + noise_powers)
    power = np.linalg.solve(
        np.diag(signal_gains / sinr) - gains + np.diag(signal_gains), np.ones(len(q))
    )
    precoder = beams * np.sqrt(np.maximum(power, 0.0))
    site_powers: Real = (np.abs(precoder) ** 2).sum(axis=1).reshape(len(price), -1).sum(axis=1)
    return np.asarray(precoder, np.complex128), site_powers


def _fall(
    links: tuple[Complex, Complex, Complex], point: Real, price: Real, total: float
) -> tuple[float, Real]:
    """-sum_k ln(1 + SINR_k) = sum_k ln(1 - q_k h_k^H K^-1 h_k), K = M + H Q H^H, and its slope."""
    _, incoming, outgoing = links
    users = outgoing.shape[1]
    H, q = _channels(links, point), _powers(point, users, total)
    noise = np.diag(np.repeat(price, len(H) // len(price)))
    filters = np.linalg.solve(noise + (H * q) @ H.conj().T, H)
    cross = H.conj().T @ filters  # h_k^H K^-1 h_j
    errors = 1.0 - q * np.diag(cross).real
    # d (h_k^H K^-1 h_k) = 2 Re (K^-1 h_k)^H dh_k - (K^-1 h_k)^H dK (K^-1 h_k)
    weight = q / errors
    by_channel = filters * weight - (filters * weight) @ cross.conj().T * q
    phase_slopes = (outgoing.conj() * (incoming @ by_channel)).sum(axis=1)
    by_angle = 2.0 * (np.exp(1j * point[:-users]) * phase_slopes).imag
    cross_powers = np.abs(cross) ** 2  # of users k, j: |h_k^H K^-1 h_j|^2
    by_power = (np.diag(cross).real / errors - (cross_powers * weight[:, None]).sum(axis=0)) * q
    by_share = by_power - by_power.sum() * q / total
    return float(np.log(errors).sum()), np.concatenate([by_angle, -by_share])
