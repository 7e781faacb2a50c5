"""Concave quadratic forms over vectors in the unit disc: the phase step of fractional programming.

Problem, for a Hermitian positive definite A (N x N) and a complex u (N)::

    maximise  q(x) = 2 Re(x^H u) - x^H A x   subject to  |x_n| <= 1,  n = 1..N.        (P)

Its Lagrangian dual, with M(lam) = A + Diag(lam), is smooth and convex and has no gap::

    minimise  D(lam) = u^H M(lam)^-1 u + sum_n lam_n   subject to  lam >= 0,           (D)
    x(lam) = M(lam)^-1 u,   dD/dlam_n = 1 - |x_n|^2,
    d2D/dlam_m dlam_n = 2 Re(conj(x_m) [M^-1]_mn x_n).

For any lam >= 0 and any feasible v the duality gap is a sum of terms that cannot cancel::

    D(lam) - q(v) = sum_n lam_n (1 - |v_n|^2) + (x - v)^H M (x - v).                   (G)

`dual_newton` is projected Newton on (D), `coordinate_sweep` one pass of coordinate ascent on (P):
compiled for one instance, in place, for use in other compiled loops. `solve_unit_disc` is batched.
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import factorise_symmetric, solve_factored
from irsrepro.optimize.result import Solution, converged_or_limited

Workspace = tuple[Complex, Complex, Complex, Real, Real, Real, Real, NDArray[np.int64]]

_COLD_SWEEPS = 30
_SHORTEST_STEP = 1e-6  # of a Newton step: shorter ones only meet rounding
_DROPPED_RADIUS = 0.1  # an element this deep inside has no active constraint


@dataclass(frozen=True)
class UnitDiscSolution(Solution):
    """Solutions of (P) for R realisations, with a certificate for each.

    Iterations are Newton steps; the residual bounds what is missing: (D(lam) - q(x)) / D(lam), (G).

    Attributes:
        vector: (realisation, element) complex, |x_n| <= 1 up to one rounding.
        multipliers: (realisation, element), dual variables lam >= 0 in the unit of `matrix`.
        value: (realisation,) the objective q at `vector`.
    """

    vector: Complex
    multipliers: Real
    value: Real


@kernel
def workspace(size: int) -> Workspace:
    """Scratch arrays of `dual_newton` for vectors of `size` elements, reused between calls."""
    return (
        np.empty((size, size), np.complex128),
        np.empty(size, np.complex128),
        np.empty(size, np.complex128),
        np.empty((2 * size, 2 * size)),
        np.empty(2 * size),
        np.empty(size),
        np.empty(size),
        np.empty(size, np.int64),
    )


@kernel
def coordinate_sweep(matrix: Complex, linear: Complex, vector: Complex) -> None:
    """One cyclic coordinate ascent sweep on (P), in place: never decreases q.

    Each element moves to its maximiser with the others held,
    x_n <- z / max(A_nn, |z|) with z = u_n - sum_{m != n} A_nm x_m.

    Args:
        matrix: A, (element, element) Hermitian with non-negative diagonal.
        linear: u, (element,).
        vector: x, (element,), overwritten.
    """
    size = vector.size
    for n in range(size):
        curvature = matrix[n, n].real
        target = linear[n] + curvature * vector[n]
        for m in range(size):
            target -= matrix[n, m] * vector[m]
        divisor = max(curvature, abs(target))
        if divisor > 0.0:
            vector[n] = target / divisor


@kernel
def dual_value(
    matrix: Complex, linear: Complex, multipliers: Real, factor: Complex, point: Complex
) -> float:
    """Dual D(lam), with x(lam) left in `point`; infinite if M(lam) is not positive definite."""
    size = linear.size
    for m in range(size):
        for n in range(m, size):
            factor[m, n] = matrix[m, n]
        factor[m, m] += multipliers[m]
        point[m] = linear[m]
    # Right-looking, by rows: inner loops of unit stride without a reduction vectorise.
    for k in range(size):
        pivot = factor[k, k].real
        if not pivot > 0.0:
            return inf
        scale = 1.0 / sqrt(pivot)
        for n in range(k, size):
            factor[k, n] *= scale
        point[k] *= scale
        for m in range(k + 1, size):
            weight = factor[k, m].conjugate()
            point[m] -= weight * point[k]
            for n in range(m, size):
                factor[m, n] -= weight * factor[k, n]
    value = 0.0
    for k in range(size - 1, -1, -1):
        total = point[k]
        for n in range(k + 1, size):
            total -= factor[k, n] * point[n]
        point[k] = total / factor[k, k].real
        value += multipliers[k] + (linear[k].conjugate() * point[k]).real
    return value


@kernel
def starting_multipliers(
    matrix: Complex, linear: Complex, vector: Complex, multipliers: Real, scratch: Workspace
) -> bool:
    """Cold start for `dual_newton`: improve `vector` by sweeps, set `multipliers`; in place.

    On the rim of the disc stationarity of (P) reads lam_n x_n = u_n - (A x)_n, inside lam_n = 0.
    Where A is ill-conditioned the sweeps leave multipliers worse than none: the better dual wins.
    Returns whether A is positive definite.
    """
    factor, point = scratch[:2]
    size = vector.size
    multipliers[:] = 0.0
    reference = dual_value(matrix, linear, multipliers, factor, point)
    for _ in range(_COLD_SWEEPS):
        coordinate_sweep(matrix, linear, vector)
    for n in range(size):
        if abs(vector[n]) > 1.0 - 1e-9:
            slack = linear[n]
            for m in range(size):
                slack -= matrix[n, m] * vector[m]
            multipliers[n] = max(0.0, (vector[n].conjugate() * slack).real)
    if not dual_value(matrix, linear, multipliers, factor, point) < reference:
        multipliers[:] = 0.0
    return reference < inf


@kernel
def _newton_direction(matrix: Complex, multipliers: Real, scratch: Workspace) -> bool:
    """Newton direction of (D) over the active elements: lam_n > 0 or |x_n| > 1; the others rest.

    A multiplier whose element lies deep inside goes to zero instead: its Newton step grows without
    bound as x_n vanishes, and drags the others along.

    The Newton system over the active elements, Hessian times direction = |x|^2 - 1, is solved
    without the inverse in the Hessian, through the displacement dx it causes. Written along and
    across each x_n, dx_n = c_n (a_n + j b_n) with the unit number c_n along x_n,

        conj(c) o M dx = -|x| o direction (active),  0 (others),
        a_n = (1 - |x_n|^2) / (2 |x_n|) (active),

    so all b and the a of the others solve a real positive definite system, a principal part of the
    real form of conj(c_m) M_mn c_n, and the direction follows. That is a real factorisation of
    order N + (elements inside) instead of a complex inverse.
    """
    rotated, point, displacement, system, unknown, _, direction, inside = scratch
    size = point.size
    count = 0
    for n in range(size):
        radius = abs(point[n])
        if radius > 1.0 or (multipliers[n] > 0.0 and radius > _DROPPED_RADIUS):
            direction[n] = (1.0 - radius * radius) / (2.0 * radius)
            displacement[n] = point[n] / radius
        else:
            direction[n] = 0.0
            displacement[n] = 1.0
            inside[count] = n
            count += 1
    for m in range(size):
        turn = displacement[m].conjugate()
        for n in range(size):
            rotated[m, n] = turn * matrix[m, n] * displacement[n]
        rotated[m, m] += multipliers[m]

    for m in range(size):
        total = 0.0
        for n in range(size):
            total -= rotated[m, n].imag * direction[n]
        unknown[m] = total
        for n in range(m, size):
            system[m, n] = rotated[m, n].real
        for q in range(count):
            system[m, size + q] = rotated[m, inside[q]].imag
    for p in range(count):
        m = inside[p]
        total = 0.0
        for n in range(size):
            total -= rotated[m, n].real * direction[n]
        unknown[size + p] = total
        for q in range(p, count):
            system[size + p, size + q] = rotated[m, inside[q]].real
    order = size + count
    if not factorise_symmetric(system[:order, :order]):
        return False
    solve_factored(system[:order, :order], unknown[:order])

    for n in range(size):
        displacement[n] = complex(direction[n], unknown[n])
    for p in range(count):
        displacement[inside[p]] += unknown[size + p]
    for n in range(size):
        radius = abs(point[n])
        if radius > 1.0 or (multipliers[n] > 0.0 and radius > _DROPPED_RADIUS):
            total = 0.0
            for m in range(size):
                total -= (rotated[n, m] * displacement[m]).real
            direction[n] = total / radius
        else:
            direction[n] = -multipliers[n]
    return True


@kernel
def _feasible_point(matrix: Complex, multipliers: Real, point: Complex, vector: Complex) -> float:
    """Feasible vector near x(lam), and its duality gap by (G).

    Elements outside the disc are clipped. Elements inside whose constraint carries a multiplier
    are moved out to the rim where this costs less in (G) than their slack: the gap is then of
    second order in the error of lam, which saves a Newton step.
    """
    size = point.size
    gap = 0.0
    for n in range(size):
        radius = abs(point[n])
        vector[n] = point[n]
        curvature = matrix[n, n].real + multipliers[n]
        if radius > 1.0 or curvature * (1.0 - radius) < multipliers[n] * (1.0 + radius):
            vector[n] /= radius
        gap += multipliers[n] * (1.0 - vector[n].real ** 2 - vector[n].imag ** 2)
    for m in range(size):
        difference = point[m] - vector[m]
        if difference != 0.0:
            total = multipliers[m] * difference
            for n in range(size):
                total += matrix[m, n] * (point[n] - vector[n])
            gap += (difference.conjugate() * total).real
    return gap


@kernel
def dual_newton(
    matrix: Complex,
    linear: Complex,
    vector: Complex,
    multipliers: Real,
    tolerance: float,
    max_iterations: int,
    scratch: Workspace,
) -> tuple[float, float, int]:
    """Solve (P) for one instance by projected Newton on its dual (D).

    Warm-started in values and active set: after a small change of the problem one or two steps
    suffice. Scaling A and u by one factor scales `multipliers` and changes nothing else.

    Args:
        matrix: A, (element, element) Hermitian positive definite, contiguous.
        linear: u, (element,).
        vector: x, (element,), overwritten by the feasible solution.
        multipliers: lam, (element,), >= 0: the start, overwritten by the solution.
        tolerance: relative duality gap to reach.
        max_iterations: largest number of Newton steps.
        scratch: from `workspace`.

    Returns:
        The dual value D, the relative gap (D - q(x)) / D, the number of Newton steps. The gap is
        infinite, and `vector` untouched, where A + Diag(lam) is not positive definite.
    """
    factor, point, _, _, _, start, direction, _ = scratch
    size = linear.size
    best, gap, steps, length = inf, inf, 0, 1.0
    for n in range(size):
        start[n] = multipliers[n]
        direction[n] = 0.0
    while True:
        dual = dual_value(matrix, linear, multipliers, factor, point)
        if dual < best:
            best = dual
            gap = _feasible_point(matrix, multipliers, point, vector)
            for n in range(size):
                start[n] = multipliers[n]
            if gap <= tolerance * dual or steps >= max_iterations:
                break
            if not _newton_direction(matrix, multipliers, scratch):
                break
            steps += 1
            length = 1.0
        else:
            length *= 0.5
            if length < _SHORTEST_STEP or best == inf:
                break
        for n in range(size):
            multipliers[n] = max(0.0, start[n] + length * direction[n])
    for n in range(size):
        multipliers[n] = start[n]
    return best, (gap / best if 0.0 < best < inf else gap), steps


@kernel
def _solve_batch(
    matrix: Complex, linear: Complex, tolerance: float, max_iterations: int
) -> tuple[Complex, Real, Real, NDArray[np.int64]]:
    count, size = linear.shape
    vector, multipliers = np.zeros_like(linear), np.zeros(linear.shape)
    gap, steps, scratch = np.full(count, inf), np.zeros(count, np.int64), workspace(size)
    for r in range(count):
        if starting_multipliers(matrix[r], linear[r], vector[r], multipliers[r], scratch):
            _, gap[r], steps[r] = dual_newton(
                matrix[r], linear[r], vector[r], multipliers[r], tolerance, max_iterations, scratch
            )
    return vector, multipliers, gap, steps


def solve_unit_disc(
    matrix: Complex, linear: Complex, *, tolerance: float = 1e-10, max_iterations: int = 200
) -> UnitDiscSolution:
    """Maximise 2 Re(x^H u) - x^H A x over |x_n| <= 1 for R realisations, to a certified gap.

    The phase step of he2020, eqs. (22) to (25), whose theta is this x and whose linear term is
    twice this u. The result of a realisation does not depend on the others.

    Args:
        matrix: A, (realisation, element, element) complex, Hermitian positive definite; any unit.
        linear: u, (realisation, element) complex, in the unit of `matrix`.
        tolerance: relative duality gap to reach.
        max_iterations: largest number of Newton steps per realisation.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, a matrix that is not
            Hermitian or not positive definite.

    Example:
        >>> solve_unit_disc(np.eye(2)[None], np.array([[0.5j, 2.0]])).vector.round(6)
        array([[0.+0.5j, 1.+0.j ]])
    """
    matrix = np.ascontiguousarray(matrix, dtype=np.complex128)
    linear = np.ascontiguousarray(linear, dtype=np.complex128)
    if linear.ndim != 2 or linear.shape[1] == 0 or matrix.shape != (*linear.shape, linear.shape[1]):
        raise ValueError(
            f"matrix {matrix.shape} and linear {linear.shape} must be (R, N, N) and (R, N), N >= 1"
        )
    if not (np.isfinite(matrix).all() and np.isfinite(linear).all()):
        raise ValueError("matrix and linear must be finite")
    scale = np.abs(matrix).max(axis=(1, 2))
    non_hermitian = np.abs(matrix - matrix.conj().mT).max(axis=(1, 2)) > 1e-10 * scale
    if non_hermitian.any():
        raise ValueError(f"matrix of realisation {np.argmax(non_hermitian)} is not Hermitian")
    unit = np.where(scale > 0.0, scale, 1.0)
    matrix, linear = matrix / unit[:, None, None], linear / unit[:, None]
    vector, multipliers, gap, steps = _solve_batch(matrix, linear, tolerance, max_iterations)
    if np.isinf(gap).any():
        raise ValueError(f"matrix of realisation {gap.argmax()} is not positive definite")
    image = 2.0 * linear - (matrix @ vector[..., None])[..., 0]
    value = unit * (vector.conj() * image).real.sum(axis=1)
    return UnitDiscSolution(
        vector,
        unit[:, None] * multipliers,
        value,
        iterations=steps,
        residual=gap,
        status=converged_or_limited(gap <= tolerance),
    )
