"""Beamformers under one power limit per site by public means: cvxpy with a cone solver."""

# mypy: disable-error-code="attr-defined"

from typing import Any

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.public_solvers import FIRST_ORDER, optimise_program

cp = lazily("cvxpy")


def solve_group_power_cvxpy(matrix: Complex, linear: Complex, limits: Real) -> Complex:
    """Maximise 2 Re tr(V^H W) - tr(W^H B W) subject to ||W_a||^2 <= P_a, one instance.

    Args:
        matrix: B, (antenna, antenna), Hermitian positive semidefinite.
        linear: V, (antenna, user).
        limits: P, (site,); the antennas of a site are side by side.

    Returns:
        W, (antenna, user), within the limits.

    Raises:
        SolverError: no solver reports an optimum.
    """
    antennas, users = linear.shape
    group = antennas // limits.size
    # In units of the root of the largest limit, and divided by the size of the matrix.
    root = float(np.sqrt(limits.max()))
    scale = max(float(np.abs(matrix).max()) * root**2, float(np.abs(linear).max()) * root) or 1.0
    values, vectors = np.linalg.eigh(matrix * root**2 / scale)
    factor = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.conj().T
    slope = linear * root / scale
    real: Any = cp.Variable((antennas, users))
    imag: Any = cp.Variable((antennas, users))
    gain = cp.sum(cp.multiply(slope.real, real) + cp.multiply(slope.imag, imag))
    cost = cp.sum_squares(factor.real @ real - factor.imag @ imag) + cp.sum_squares(
        factor.real @ imag + factor.imag @ real
    )
    within = [
        cp.sum_squares(real[rows]) + cp.sum_squares(imag[rows]) <= limit / root**2
        for rows, limit in (
            (slice(a * group, (a + 1) * group), limit) for a, limit in enumerate(limits)
        )
    ]
    problem: Any = cp.Problem(cp.Maximize(2 * gain - cost), within)
    optimise_program(problem, (("CLARABEL", {}), FIRST_ORDER))
    solution: Complex = root * (real.value + 1j * imag.value)
    parts = solution.reshape(limits.size, group, users)
    powers = (np.abs(parts) ** 2).sum(axis=(1, 2))
    shares = np.sqrt(np.minimum(1.0, limits / np.maximum(powers, 1e-300)))
    return np.asarray((shares[:, None, None] * parts).reshape(antennas, users))
