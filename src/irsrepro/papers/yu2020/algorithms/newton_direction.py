"""Newton's direction on a product of spheres and beams, by a shifted Cholesky factorisation."""

from math import sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel

_SHIFT = 1e-11  # of the largest diagonal entry of the Hessian, against its flat directions
_PANEL = 4  # columns of a Cholesky factor at a time
_POWERS = 23  # of ten by which the shift may be larger


@kernel
def _reflect_rows(factor: Complex, matrix: Real, sides: Real, reflectors: Real) -> None:
    """Turn the coordinates of each row of Y so that the first one is along the row.

    Householder reflections, applied from left and right to the Hessian and to right-hand sides,
    (side, coordinate). Blocks above the diagonal, which nobody reads, are left as they are.
    """
    size, rank = factor.shape
    width = 2 * rank
    order = matrix.shape[0]
    for n in range(size):
        base = n * width
        vector = reflectors[n]
        for c in range(rank):
            vector[2 * c] = factor[n, c].real
            vector[2 * c + 1] = factor[n, c].imag
        vector[0] += 1.0 if vector[0] >= 0.0 else -1.0
        square = 0.0
        for c in range(width):
            square += vector[c] * vector[c]
        scale = sqrt(2.0 / square)
        for c in range(width):
            vector[c] *= scale
        for s in range(sides.shape[0]):
            component = 0.0
            for c in range(width):
                component += vector[c] * sides[s, base + c]
            for c in range(width):
                sides[s, base + c] -= component * vector[c]
    for p in range(order):
        for n in range(min(p // width, size)):
            base = n * width
            component = 0.0
            for c in range(width):
                component += reflectors[n, c] * matrix[p, base + c]
            for c in range(width):
                matrix[p, base + c] -= component * reflectors[n, c]
    products = np.empty(order)
    for n in range(size):
        base = n * width
        end = base + width
        products[:end] = 0.0
        for c in range(width):
            entry = reflectors[n, c]
            for q in range(end):
                products[q] += entry * matrix[base + c, q]
        for c in range(width):
            entry = reflectors[n, c]
            for q in range(end):
                matrix[base + c, q] -= products[q] * entry
        for p in range(base, end):
            component = 0.0
            for c in range(width):
                component += reflectors[n, c] * matrix[p, base + c]
            for c in range(width):
                matrix[p, base + c] -= component * reflectors[n, c]


@kernel
def shifted_factor(matrix: Real, shift: float, factor: Real) -> bool:
    """Lower factor of matrix + shift; False unless that is positive definite.

    Four columns after four are taken off what remains, so that the inner loop vectorises as it
    stands and reads what remains once for all four.
    """
    order = matrix.shape[0]
    columns = np.empty((_PANEL, order))
    for p in range(order):
        for q in range(p + 1):
            factor[p, q] = matrix[p, q]
    for first in range(0, order, _PANEL):
        end = min(first + _PANEL, order)
        for t in range(first, end):
            pivot = factor[t, t] + shift
            if not pivot > 1e-14 * (abs(matrix[t, t]) + shift):
                return False
            root = sqrt(pivot)
            factor[t, t] = root
            column = columns[t - first]
            for p in range(t + 1, order):
                factor[p, t] /= root
                column[p] = factor[p, t]
            for p in range(t + 1, order):
                weight = column[p]
                for q in range(t + 1, min(p + 1, end)):
                    factor[p, q] -= weight * column[q]
        if end - first < _PANEL:
            break
        a, b, c, d = columns[0], columns[1], columns[2], columns[3]
        for p in range(end, order):
            s, t, u, v = a[p], b[p], c[p], d[p]
            row = factor[p]
            for q in range(end, p + 1):
                row[q] = row[q] - s * a[q] - t * b[q] - u * c[q] - v * d[q]
    return True


@kernel
def _shifted_cholesky(matrix: Real, power: int, factor: Real) -> int:
    """Lower factor of matrix + shift for the least shift that makes it positive definite.

    A shift is nearly nothing times a power of ten. The search begins at the power before the one
    that the last Hessian needed: most are indefinite, by about as much as the one before.

    Args:
        matrix: (coordinate, coordinate).
        power: of the last Hessian.
        factor: overwritten.

    Returns:
        The power, or -1 if none up to the largest will do.
    """
    shifts = np.zeros(_POWERS)
    for p in range(matrix.shape[0]):
        shifts[0] = max(shifts[0], abs(matrix[p, p]))
    shifts[0] *= _SHIFT
    for p in range(1, _POWERS):
        shifts[p] = 10.0 * shifts[p - 1]
    power = max(power - 1, 0)
    if not shifted_factor(matrix, shifts[power], factor):
        while power < _POWERS - 1:
            power += 1
            if shifted_factor(matrix, shifts[power], factor):
                return power
        return -1
    if power > 0:
        while power > 0 and shifted_factor(matrix, shifts[power - 1], factor):
            power -= 1
        if power > 0:
            shifted_factor(matrix, shifts[power], factor)
    return power


@kernel
def tangent_system(
    factor: Complex, matrix: Real, sides: Real, reflectors: Real
) -> tuple[Real, Real]:
    """Hessian and right-hand sides in orthonormal coordinates of the tangent space.

    Args:
        factor: Y, (element + 1, rank).
        matrix: from `riemannian_hessian`; overwritten.
        sides: (side, coordinate); overwritten.
        reflectors: (element + 1, 2 rank), overwritten by what `leave_tangent` takes.

    Returns:
        The Hessian, (tangent coordinate, tangent coordinate), of which only the lower triangle
        counts, and the sides, (side, tangent coordinate).
    """
    size, rank = factor.shape
    width = 2 * rank
    _reflect_rows(factor, matrix, sides, reflectors)
    count = matrix.shape[0] - size
    indices = np.empty(count, np.int64)
    for p in range(size * width):
        if p % width != 0:
            indices[p - p // width - 1] = p
    for p in range(size * (width - 1), count):
        indices[p] = p + size
    small, right_sides = np.empty((count, count)), np.empty((sides.shape[0], count))
    for p in range(count):
        for s in range(sides.shape[0]):
            right_sides[s, p] = sides[s, indices[p]]
        for q in range(count):
            small[p, q] = matrix[indices[p], indices[q]]
    return small, right_sides


@kernel
def solve_triangles(triangle: Real, step: Real) -> None:
    """Solve L L^T x = b, in place of b."""
    count = step.size
    for p in range(count):
        for t in range(p):
            step[p] -= triangle[p, t] * step[t]
        step[p] /= triangle[p, p]
    for p in range(count - 1, -1, -1):
        for t in range(p + 1, count):
            step[p] -= triangle[t, p] * step[t]
        step[p] /= triangle[p, p]


@kernel
def leave_tangent(step: Real, reflectors: Real, direction: Real) -> None:
    """Write a step in the coordinates of `tangent_system` in those of Y by rows, then w."""
    size, width = reflectors.shape
    for n in range(size):
        base = n * width
        direction[base] = 0.0
        for c in range(1, width):
            direction[base + c] = step[base + c - n - 1]
        component = 0.0
        for c in range(width):
            component += reflectors[n, c] * direction[base + c]
        for c in range(width):
            direction[base + c] -= component * reflectors[n, c]
    for p in range(size * width, direction.size):
        direction[p] = step[p - size]


@kernel
def newton_direction(
    factor: Complex, matrix: Real, gradient: Real, direction: Real, power: int
) -> tuple[float, int]:
    """Direction -(Hessian + shift)^-1 gradient on the tangent space.

    Returns:
        The slope along it, 0 without a direction, and the power of the shift, see
        `_shifted_cholesky`.
    """
    size, rank = factor.shape
    reflectors = np.empty((size, 2 * rank))
    small, right_sides = tangent_system(
        factor, matrix, gradient.reshape((1, gradient.size)), reflectors
    )
    triangle = np.empty(small.shape)
    power = _shifted_cholesky(small, power, triangle)
    if power < 0:
        direction[:] = 0.0
        return 0.0, 0
    slope, step = 0.0, right_sides[0]
    for p in range(step.size):
        step[p] = -step[p]
    right_side = step.copy()
    solve_triangles(triangle, step)
    for p in range(step.size):
        slope -= right_side[p] * step[p]
    leave_tangent(step, reflectors, direction)
    return slope, power
