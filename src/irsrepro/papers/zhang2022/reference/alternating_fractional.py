"""AIF the obvious way: bisection with M x M inverses, the phase step as a cone program."""

from __future__ import annotations

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.reference.unit_disc import solve_forms_cvxpy
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT, NO_CHANNEL
from irsrepro.papers.zhang2022.algorithms.alternating_fractional import LEAST_ITERATIONS
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import Alternation
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    SurfaceLinks,
    checked_links,
    composite_channel,
)
from irsrepro.papers.zhang2022.reference.manifold_alternation import linear_beams_reference


def alternate_fractional(
    links: SurfaceLinks,
    reflection: Complex,
    *,
    max_iterations: int,
    tolerance: float = 1e-2,
    phase_accuracy: float = 1e-6,
) -> Alternation:
    """Alternate between beams and projected reflections as `alternate_fractional` does.

    Args:
        links: channels relative to the root of noise over transmit power, without a path between
            the surfaces.
        reflection: start of x, (realisation, element), unit modulus.
        max_iterations: largest number of iterations.
        tolerance: relative change of the sum-rate at which to stop, after three iterations.
        phase_accuracy: of the other implementation; a cone solver has its own.

    Raises:
        SolverError: no solver answers a phase step.
    """
    links = checked_links(links)
    o, g = links.outgoing, links.incoming
    count, users, _ = o.shape
    x = np.array(reflection, np.complex128)
    w = np.zeros((count, users, g.shape[2]), np.complex128)
    traces = np.zeros((count, max_iterations + 1))
    iterations, residual = np.zeros(count, np.int64), np.zeros(count)
    status = np.full(count, ITERATION_LIMIT, np.int8)
    for r in range(count):
        channel = composite_channel(links.of(slice(r, r + 1)), x[r : r + 1])[0]
        first = linear_beams_reference("zf", channel)
        if first is None:
            first = linear_beams_reference("mmse", channel)
        if first is None:
            status[r] = NO_CHANNEL
            continue
        w[r] = first
        alpha, beta, rate = _auxiliaries(channel @ w[r].T)
        traces[r] = rate
        for iteration in range(1, max_iterations + 1):
            w[r] = beams_reference(channel, alpha, beta)
            rho = _auxiliary(channel @ w[r].T, alpha)
            forms = (o[r][:, None] * (g[r] @ w[r].T).T[None]).reshape(users, users, -1)
            weighted = (np.abs(rho)[:, None, None] * forms).reshape(users**2, -1)
            signal = forms[range(users), range(users)]
            u = ((np.sqrt(1.0 + alpha) * rho)[:, None] * signal.conj()).sum(axis=0)
            if links.direct.size:
                rest = np.abs(rho)[:, None] * (links.direct[r] @ w[r].T)
                u -= weighted.conj().T @ rest.ravel()
            x[r] = np.exp(1j * np.angle(solve_forms_cvxpy(weighted, u)))
            channel = composite_channel(links.of(slice(r, r + 1)), x[r : r + 1])[0]
            previous_rate = rate
            alpha, beta, rate = _auxiliaries(channel @ w[r].T)
            traces[r, iteration:] = rate
            iterations[r], residual[r] = iteration, (rate - previous_rate) / rate
            if iteration >= LEAST_ITERATIONS and abs(residual[r]) <= tolerance:
                status[r] = CONVERGED
                break
    return Alternation(w, x, trace=traces, iterations=iterations, residual=residual, status=status)


def beams_reference(channel: Complex, alpha: Real, beta: Complex) -> Complex:
    """Beams (user, antenna) of total power one that maximise the transformed sum-rate.

    Args:
        channel: e, (user, antenna).
        alpha: (user,).
        beta: (user,).
    """
    antennas = channel.shape[1]
    matrix = (channel.conj().T * np.abs(beta) ** 2) @ channel
    target = channel.conj().T * (np.sqrt(1.0 + alpha) * beta)

    def at(nu: float) -> Complex:
        return np.asarray(np.linalg.solve(matrix + nu * np.eye(antennas), target).T)

    # The power falls with nu, and is below one where nu is the size of the targets.
    low, high = 0.0, float(np.linalg.norm(target))
    for _ in range(100):
        nu = 0.5 * (low + high)
        low, high = (nu, high) if np.linalg.norm(at(nu)) > 1.0 else (low, nu)
    beams = at(high)
    return np.asarray(beams / np.linalg.norm(beams))


def _auxiliaries(responses: Complex) -> tuple[Real, Complex, float]:
    """SINR alpha, beta and the sum-rate in bit/s/Hz, from responses (user, beam)."""
    received = np.abs(responses) ** 2
    signal = received.diagonal()
    alpha = signal / (received.sum(axis=1) - signal + 1.0)
    return alpha, _auxiliary(responses, alpha), float(np.log2(1.0 + alpha).sum())


def _auxiliary(responses: Complex, alpha: Real) -> Complex:
    """Auxiliary beta, or rho, from responses (user, beam) and alpha."""
    total_power = (np.abs(responses) ** 2).sum(axis=1) + 1.0
    return np.asarray(np.sqrt(1.0 + alpha) * responses.diagonal() / total_power)
