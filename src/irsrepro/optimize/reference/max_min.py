"""Max-min beams as papers prescribe: bisection over second-order cone programs, with cvxpy."""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex
from irsrepro.lazy_import import lazily
from irsrepro.optimize.beamforming.max_min import MaxMinBeams
from irsrepro.optimize.reference.public_solvers import FIRST_ORDER, solve_program
from irsrepro.optimize.result import CONVERGED, FAILURE

cp = lazily("cvxpy")


def max_min_beams(
    channel: Complex,
    weights: ArrayLike = 1.0,
    *,
    tolerance: float = 1e-4,
    max_iterations: int = 5000,
) -> MaxMinBeams:
    """Maximise the smallest weighted SINR over beams of total power one (zhang2022, [47]).

    A level t is feasible if sqrt(1 + omega_k / t) Re(e_k w_k) >= ||[e_k W, 1]|| for all users, e_k
    w_k real, and ||W|| <= 1.

    Args:
        channel: e, (realisation, user, antenna), relative to the root of noise over power.
        weights: omega, (user,) or one for all.
        tolerance: relative width of the bracket at which to stop.
        max_iterations: largest number of feasibility problems.

    Returns:
        As `max_min_beams`, without uplink powers (nan).

    Raises:
        SolverError: no solver answers a feasibility problem.
    """
    count, users, _ = channel.shape
    omega = np.broadcast_to(np.asarray(weights, float), (users,))
    beams = np.full(channel.shape, np.nan, np.complex128)
    level, upper = np.full(count, np.nan), np.full(count, np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    for r in range(count):
        if not (np.abs(channel[r]).max(axis=1) > 0.0).all():
            continue
        # No user can have more than a beam of its own at full power.
        low, high = 0.0, float((omega * (np.abs(channel[r]) ** 2).sum(axis=1)).min())
        upper[r] = high
        while high - low > tolerance * high and iterations[r] < max_iterations:
            t = 0.5 * (low + high)
            iterations[r] += 1
            solution = _feasible(channel[r], omega, t)
            if solution is None:
                high = t
            else:
                low, beams[r], status[r] = t, solution.T, CONVERGED
        level[r], upper[r] = low, high
    residual = upper / level - 1.0
    uplink = np.full((count, users), np.nan)
    return MaxMinBeams(
        beams, level, upper, uplink, iterations=iterations, residual=residual, status=status
    )


def _feasible(e: Complex, omega: NDArray[np.float64], level: float) -> Complex | None:
    """Beams (antenna, user) that reach a level with power at most one, None if none are found."""
    users, antennas = e.shape
    W: Any = cp.Variable((antennas, users), complex=True)
    # Rows of unit size, or the solver stops at its own tolerances.
    size = np.maximum(np.linalg.norm(e, axis=1), 1.0)
    amplitudes = (e / size[:, None]) @ W
    limits: list[Any] = [cp.norm(W, "fro") <= 1.0]
    for k in range(users):
        stacked = cp.hstack([amplitudes[k], np.array([1.0 / size[k]])])
        limits += [
            np.sqrt(1.0 + omega[k] / level) * cp.real(amplitudes[k, k]) >= cp.norm(stacked),
            cp.imag(amplitudes[k, k]) == 0.0,
        ]
    program = cp.Problem(cp.Minimize(0.0), limits)
    status = solve_program(program, (("CLARABEL", {}), FIRST_ORDER))
    if status != cp.OPTIMAL:
        return None
    return np.asarray(W.value)
