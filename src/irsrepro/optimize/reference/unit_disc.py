"""The phase step by public means: a cone solver, and the ellipsoid method that he2020 names.

One instance of: maximise q(x) = 2 Re(x^H u) - x^H A x subject to |x_n| <= 1, with A Hermitian
positive semidefinite.
"""

# mypy: disable-error-code="attr-defined"

from functools import cache
from typing import Any

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
from irsrepro.optimize.result import SolverError

cp = lazily("cvxpy")


CONE_LIMIT = 64
"""Elements up to which a phase step is handed to a cone solver, which then takes seconds."""

_CHECKED_EVERY = 50
_GAP = 1e-7  # at which projected gradients stop
_LARGEST_CUTS = 200_000  # of the ellipsoid method
_LEAST = 1e-12  # of the largest eigenvalue, for a multiplier
_ACCURACY = {
    "tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11,
    "reduced_tol_gap_abs": 1e-8, "reduced_tol_gap_rel": 1e-8, "reduced_tol_feas": 1e-8,
}  # fmt: skip


@cache
def _cone_program(count: int, size: int) -> tuple[Any, Any, Any, Any]:
    """Return the problem in real coordinates with its parameters: canonicalised once per size."""
    factor = cp.Parameter((2 * count, 2 * size))
    linear = cp.Parameter(2 * size)
    point = cp.Variable(2 * size)
    objective = cp.Minimize(cp.sum_squares(factor @ point) - 2 * linear @ point)
    modulus = cp.norm(cp.vstack([point[:size], point[size:]]), 2, axis=0)
    return cp.Problem(objective, [modulus <= 1]), factor, linear, point


def solve_unit_disc_cvxpy(matrix: Complex, linear: Complex) -> Complex:
    """Solve one phase step (he2020, eqs. (19), (20) and (22)) with cvxpy and Clarabel.

    Args:
        matrix: A, (element, element) complex, Hermitian positive semidefinite; any unit.
        linear: u, (element,) complex, in the unit of `matrix`.

    Returns:
        x, (element,), in the unit disc.

    Raises:
        SolverError: no solver reports an optimum.
    """
    eigenvalues, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(np.maximum(eigenvalues, 0.0))[:, None] * vectors.conj().T
    # Ill-conditioned forms then have values of the order of one.
    return _solve_cone_program(root, linear, 1e4)


def solve_forms_cvxpy(forms: Complex, linear: Complex) -> Complex:
    """Solve one phase step of few forms, A = F^H F, with cvxpy and Clarabel.

    Args:
        forms: F, (form, element) complex; its square in any unit.
        linear: u, (element,) complex, in that unit.

    Returns:
        x, (element,), in the unit disc; where there are many, one near the middle.

    Raises:
        SolverError: no solver reports an optimum.
    """
    return _solve_cone_program(forms, linear, 1.0)


def _solve_cone_program(forms: Complex, linear: Complex, largest: float) -> Complex:
    """Solve one phase step of A = F^H F, its largest entry, or that of u, scaled to `largest`."""
    diagonal = (np.abs(forms) ** 2).sum(axis=0)
    scale = max(diagonal.max(), np.abs(linear).max()) / largest or 1.0
    problem, factor, slope, point = _cone_program(*forms.shape)
    factor.value = real_form(forms) / np.sqrt(scale)
    slope.value = stacked(linear) / scale
    # "Inaccurate" is a gap above 1e-11 but below 1e-8.
    optimise_program(problem, (("CLARABEL", _ACCURACY), ("CLARABEL", {}), FIRST_ORDER))
    x = unstacked(point.value)
    return x / np.maximum(1.0, np.abs(x))


def solve_unit_disc(matrix: Complex, linear: Complex) -> Complex:
    """Solve one phase step by the method for its size: a cone solver or projected gradients.

    Args:
        matrix: A, (element, element).
        linear: u, (element,).

    Raises:
        SolverError: no solver reports an optimum.
    """
    small = linear.size <= CONE_LIMIT
    return (solve_unit_disc_cvxpy if small else solve_unit_disc_projected)(matrix, linear)


def solve_unit_disc_projected(
    matrix: Complex, linear: Complex, *, max_iterations: int = 20_000
) -> Complex:
    """Solve one phase step by accelerated projected gradients with restarts.

    The gap that ends it, `_GAP`, is that to the dual value u^H (A + Diag lam)^-1 u + sum_n lam_n at
    lam_n = max(0, Re(conj(x_n) (u - A x)_n)), relative to that value.

    Args:
        matrix: A, (element, element) complex, Hermitian positive semidefinite.
        linear: u, (element,) complex.
        max_iterations: largest number of steps.

    Raises:
        SolverError: the gap stays above a hundred times `_GAP`.
    """
    slope = float(np.linalg.eigvalsh(matrix)[-1]) or 1.0
    x = extrapolation = linear / np.maximum(slope, np.abs(linear))
    momentum, gap = 1.0, np.inf
    for step in range(1, max_iterations + 1):
        ascent_point = extrapolation + (linear - matrix @ extrapolation) / slope
        new = ascent_point / np.maximum(1.0, np.abs(ascent_point))
        if np.vdot(extrapolation - new, new - x).real > 0.0:  # uphill no more: start again
            momentum = 1.0
        next_momentum = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        extrapolation = new + (momentum - 1.0) / next_momentum * (new - x)
        x, momentum = new, next_momentum
        if step % _CHECKED_EVERY == 0:
            residual = linear - matrix @ x
            multipliers = np.maximum((x.conj() * residual).real, _LEAST * slope)
            inverse = np.linalg.solve(matrix + np.diag(multipliers), linear)
            dual = np.vdot(linear, inverse).real + multipliers.sum()
            gap = 1.0 - np.vdot(x, linear + residual).real / dual
            if gap <= _GAP:
                return x
    if gap <= 100.0 * _GAP:
        return x
    raise SolverError(f"projected gradients: gap {gap:.1e} after {max_iterations} steps")


def solve_unit_disc_ellipsoid(
    matrix: Complex, linear: Complex, *, accuracy: float = 1e-6
) -> tuple[Complex, Real, int]:
    """Solve the dual (he2020, eq. (23)) with the ellipsoid method, as that paper prescribes.

    Minimises D(lam) = u^H (A + Diag lam)^-1 u + sum_n lam_n over lam >= 0 with central cuts: the
    constraint cut -e_n where lam_n < 0, else the gradient 1 - |x_n|^2.

    The first ball contains the optimum: there lam_n |x_n|^2 = lam_n = Re(conj(x_n) (u - A x)_n), so
    sum_n lam_n = Re(x^H u) - x^H A x <= sum_n |u_n| = S. The simplex {lam >= 0, sum lam <= S} lies
    in the ball about (S/N) 1 that reaches S e_1 (N > 1), or the interval about S/2 (N = 1).

    Args:
        matrix: A, (element, element) complex, Hermitian positive definite.
        linear: u, (element,) complex, in the unit of `matrix`.
        accuracy: gap, relative to the dual value, between the best dual value and the best clipped
            primal point at which to stop.

    Returns:
        x in the unit disc, (element,); lam, (element,); the number of cuts.
    """
    size = linear.size
    linear_norm = float(np.abs(linear).sum())
    centre = np.full(size, linear_norm / max(size, 2))
    radius = linear_norm * (np.sqrt(1.0 - 1.0 / size) if size > 1 else 0.5)
    ellipsoid = radius**2 * np.eye(size)
    upper, lower = np.inf, -np.inf
    vector, multipliers = np.zeros(size, np.complex128), centre
    for step in range(_LARGEST_CUTS):
        if (centre < 0.0).any():
            normal = np.where(np.arange(size) == centre.argmin(), -1.0, 0.0)
        else:
            point = np.linalg.solve(matrix + np.diag(centre), linear)
            dual = np.vdot(linear, point).real + centre.sum()
            if dual < upper:
                upper, multipliers = dual, centre
            projection = point / np.maximum(1.0, np.abs(point))
            primal = np.vdot(projection, 2.0 * linear - matrix @ projection).real
            if primal > lower:
                lower, vector = primal, projection
            if upper - lower <= accuracy * upper:
                return vector, multipliers, step
            normal = 1.0 - np.abs(point) ** 2
        image = ellipsoid @ normal
        image /= np.sqrt(normal @ image)
        if size == 1:  # the ellipsoid is an interval and the cut halves it
            centre, ellipsoid = centre - image / 2.0, ellipsoid / 4.0
            continue
        centre = centre - image / (size + 1)
        ellipsoid = (size**2 / (size**2 - 1.0)) * (
            ellipsoid - (2.0 / (size + 1)) * np.outer(image, image)
        )
    return vector, multipliers, _LARGEST_CUTS
