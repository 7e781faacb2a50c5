"""The downlink sum-rate alternation line by line in NumPy, both steps handed to a cone solver.

An independent second implementation of `algorithms.downlink_sum_rate`: it shares nothing
with it but the type of the result.
"""

import numpy as np
from scipy.optimize import minimize

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.optimize.reference.site_power import solve_group_power_cvxpy
from irsrepro.optimize.reference.unit_disc import solve_unit_disc
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import DownlinkSolution


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
    """Maximise the sum-rate as `maximise_downlink_sum_rate` does, with exact steps.

    Args:
        fading: T channels, relative to the noise.
        precoder: W at the start, (channel, site, antenna, user) in the root of W.
        reflection: x at the start, (channel, surface, element), in the unit disc.
        power_limit: largest power of a site in W.
        on_circle: keep reflection coefficients at modulus one, where a phase step is a local
            search over angles, from those before.
        tolerance: relative increase of the sum-rate at which to stop; 0 runs every iteration.
        max_iterations: largest number of iterations.
        phase_accuracy: of the other implementation; a cone solver takes exact phase steps.
        max_sweeps: likewise.

    Raises:
        SolverError: no solver answers a step.
    """
    precoder, reflection = precoder.astype(complex), reflection.astype(complex)
    count, sites, antennas, users = precoder.shape
    shape = reflection.shape[1:]
    iterations, status = np.zeros(count, np.int64), np.full(count, ITERATION_LIMIT, np.int8)
    residual, trace = np.zeros(count), np.zeros((count, max_iterations + 1))
    for t in range(count):
        direct = fading.direct[t].swapaxes(1, 2).reshape(sites * antennas, users)
        incoming = fading.site_to_surface[t].transpose(1, 2, 0, 3).reshape(-1, sites * antennas)
        outgoing = fading.surface_to_user[t].swapaxes(1, 2).reshape(-1, users)
        W, x = precoder[t].reshape(-1, users), reflection[t].ravel()
        h = _composite(direct, incoming, outgoing, x)
        trace[t] = _rate(h, W)
        for i in range(1, max_iterations + 1):
            alpha = _sinr(h, W)
            beta = _auxiliary(h, W, alpha)
            B = sum(abs(beta[k]) ** 2 * np.outer(h[:, k], h[:, k].conj()) for k in range(users))
            V = h * (np.sqrt(1.0 + alpha) * beta)
            W = solve_group_power_cvxpy(np.asarray(B), V, np.full(sites, power_limit))
            beta = _auxiliary(h, W, alpha := _sinr(h, W))
            A, u = np.zeros((x.size, x.size), complex), np.zeros(x.size, complex)
            for k in range(users):
                for j in range(users):
                    form = (outgoing[:, k].conj() * (incoming @ W[:, j])).conj()
                    A += abs(beta[k]) ** 2 * np.outer(form, form.conj())
                    u -= abs(beta[k]) ** 2 * form * np.vdot(direct[:, k], W[:, j])
                    u += np.sqrt(1.0 + alpha[k]) * beta[k] * form * (j == k)
            x = _maximise_over_angles(A, u, x) if on_circle else solve_unit_disc(A, u)
            h = _composite(direct, incoming, outgoing, x)
            trace[t, i:] = _rate(h, W)
            iterations[t], residual[t] = i, trace[t, i] / trace[t, i - 1] - 1.0
            if residual[t] < tolerance:
                status[t] = CONVERGED
                break
        precoder[t], reflection[t] = W.reshape(precoder.shape[1:]), x.reshape(shape)
    return DownlinkSolution(
        precoder,
        reflection,
        trace[:, -1].copy(),
        iterations=iterations,
        residual=residual,
        status=status,
        trace=trace,
    )


def _composite(direct: Complex, incoming: Complex, outgoing: Complex, x: Complex) -> Complex:
    channels: Complex = direct + incoming.conj().T @ (x.conj()[:, None] * outgoing)
    return channels


def _maximise_over_angles(A: Complex, u: Complex, x: Complex) -> Complex:
    """Raise 2 Re(x^H u) - x^H A x over |x_n| = 1 by L-BFGS in the angles."""

    def fall(angles: Real) -> tuple[float, Real]:
        point = np.exp(1j * angles)
        slope = u - A @ point
        value = np.vdot(point, u + slope).real
        return -float(value), -2.0 * (slope * (1j * point).conj()).real

    result = minimize(fall, np.angle(x), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    vector: Complex = np.exp(1j * result.x)
    return vector


def _sinr(h: Complex, W: Complex) -> Real:
    powers = np.abs(h.conj().T @ W) ** 2
    ratio: Real = np.diag(powers) / (powers.sum(axis=1) - np.diag(powers) + 1.0)
    return ratio


def _rate(h: Complex, W: Complex) -> float:
    return float(np.log2(1.0 + _sinr(h, W)).sum())


def _auxiliary(h: Complex, W: Complex, alpha: Real) -> Complex:
    amplitudes = h.conj().T @ W
    received = (np.abs(amplitudes) ** 2).sum(axis=1) + 1.0
    auxiliary: Complex = np.sqrt(1.0 + alpha) * np.diag(amplitudes) / received
    return auxiliary
