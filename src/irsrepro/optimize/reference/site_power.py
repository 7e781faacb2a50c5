"""Beamformers under one power limit per site by public means: cvxpy with a cone solver."""

# mypy: disable-error-code="attr-defined"

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.public_solvers import (
    FIRST_ORDER,
    optimise_program,
    real_form,
    stacked,
    unstacked,
)

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
    # In units of the root of the largest limit, and divided by the size of the matrix.
    root = float(np.sqrt(limits.max()))
    scale = max(float(np.abs(matrix).max()) * root**2, float(np.abs(linear).max()) * root) or 1.0
    values, vectors = np.linalg.eigh(matrix * root**2 / scale)
    program = _program(antennas, users, limits.size)
    program.factor.value = real_form(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.conj().T)
    program.slope.value = stacked(linear) * root / scale
    program.limits.value = limits / root**2
    optimise_program(program.statement, (("CLARABEL", {}), FIRST_ORDER))
    solution = root * unstacked(program.beams.value)
    sites = solution.reshape(limits.size, -1, users)
    powers = (np.abs(sites) ** 2).sum(axis=(1, 2))
    shares = np.sqrt(np.minimum(1.0, limits / np.maximum(powers, 1e-300)))
    return np.asarray((shares[:, None, None] * sites).reshape(antennas, users))


class _Program(NamedTuple):
    """The program of a size, with parameters: cvxpy takes longer to read than to solve it.

    Attributes:
        statement: what is solved.
        beams: real parts over imaginary parts of W, (2 antenna, user).
        factor: `real_form` of a root of B, (2 antenna, 2 antenna).
        slope: real parts over imaginary parts of V, (2 antenna, user).
        limits: P, (site,).
    """

    statement: Any
    beams: Any
    factor: Any
    slope: Any
    limits: Any


@cache
def _program(antennas: int, users: int, sites: int) -> _Program:
    W = cp.Variable((2 * antennas, users))
    factor, slope = cp.Parameter((2 * antennas, 2 * antennas)), cp.Parameter(W.shape)
    limits = cp.Parameter(sites)
    group = antennas // sites
    powers = [
        cp.sum_squares(W[first : first + group]) + cp.sum_squares(W[antennas + first :][:group])
        for first in range(0, antennas, group)
    ]
    gain = 2.0 * cp.sum(cp.multiply(slope, W)) - cp.sum_squares(factor @ W)
    statement = cp.Problem(cp.Maximize(gain), [cp.hstack(powers) <= limits])
    return _Program(statement, W, factor, slope, limits)
