"""Least transmit power over the phases by pymanopt.

A second implementation of `algorithms.minimum_power_phases`, which shares nothing with it
but the type of the result.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.minimum_power import downlink_beams, uplink_fixed_point
from irsrepro.optimize.reference.public_solvers import search_manifold
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, SolverError
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import MinimumPowerPhases

pymanopt = lazily("pymanopt")


def minimum_power_over_phases(
    channels: Complex,
    targets: ArrayLike,
    starts: Complex,
    noise: float = 1.0,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 2000,
) -> MinimumPowerPhases:
    """Minimise the power over beamformers and phases with pymanopt.

    Args:
        channels: H, (realisation, user, element + 1, antenna).
        targets: gamma, (realisation, user), or one for all.
        starts: x, (realisation, start, element); the best end is kept.
        noise: noise power of a user.
        tolerance: norm of the Riemannian gradient of ln P at which to stop.
        max_iterations: largest number of iterations from a start.

    Raises:
        SolverError: pymanopt fails from a start.
    """
    count, users, size, antennas = channels.shape
    scaled = channels / np.sqrt(noise)
    gamma = np.broadcast_to(np.asarray(targets, float), (count, users))
    reflection = np.full((count, size - 1), np.nan, np.complex128)
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    power, uplink = np.full(count, np.nan), np.full((count, users), np.nan)
    residual, start_indices = np.full(count, np.nan), np.zeros(count, np.int64)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    for r in range(count):
        problem, value = _statement(scaled[r], gamma[r])
        for s, start in enumerate(starts[r]):
            first = np.append(start, 1.0)
            if not np.isfinite(value(first)):
                continue
            result = search_manifold(
                problem,
                first,
                max_iterations=max_iterations,
                min_gradient_norm=tolerance,
                min_step_size=1e-14,
                max_time=float("inf"),
            )
            u = result.point * result.point[-1].conj()
            e = np.einsum("n,kna->ka", u, scaled[r])
            uplink_powers = uplink_fixed_point(e, gamma[r])
            if uplink_powers is None or uplink_powers.sum() >= power[r]:
                continue
            reflection[r], beams[r] = (
                u[:-1] / np.abs(u[:-1]),
                downlink_beams(e, gamma[r], uplink_powers),
            )
            uplink[r], power[r], start_indices[r] = uplink_powers / noise, uplink_powers.sum(), s
            residual[r], iterations[r] = result.gradient_norm, result.iterations
            converged = residual[r] <= 100.0 * tolerance
            status[r] = CONVERGED if converged else ITERATION_LIMIT
    return MinimumPowerPhases(
        reflection,
        beams,
        power,
        uplink,
        start_indices,
        iterations=iterations,
        residual=residual,
        status=status,
    )


def _statement(H: Complex, gamma: Real) -> tuple[Any, Callable[[Complex], float]]:
    """Return ln P over the phases of one realisation as a pymanopt problem, and as a function."""
    manifold = pymanopt.manifolds.ComplexCircle(H.shape[1])

    def value(u: Complex) -> float:
        powers = uplink_fixed_point(np.einsum("n,kna->ka", u, H), gamma)
        return float("inf") if powers is None else float(np.log(powers.sum()))

    @pymanopt.function.numpy(manifold)
    def cost(u: Complex) -> float:
        return value(u)

    @pymanopt.function.numpy(manifold)
    def gradient(u: Complex) -> Complex:
        e = np.einsum("n,kna->ka", u, H)
        powers = uplink_fixed_point(e, gamma)
        if powers is None:
            raise SolverError("the gradient is asked for where no power meets the targets")
        w = downlink_beams(e, gamma, powers)
        weights = powers[:, None] * (1.0 - np.diag(1.0 + 1.0 / gamma))
        amplitudes = weights * (e @ w.T)
        slope = np.einsum("ki,kna,ia->n", amplitudes, H.conj(), w.conj())
        return np.asarray(2.0 * slope / powers.sum())

    return pymanopt.Problem(manifold, cost, euclidean_gradient=gradient), value
