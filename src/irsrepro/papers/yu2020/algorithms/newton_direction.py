"""Newton's direction on a product of spheres and beams, by a shifted Cholesky factorisation."""

from math import sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel

_SHIFT = 1e-11  # of the largest diagonal entry of the Hessian, against its flat directions
_PANEL = 4  # columns of a Cholesky factor at a time
_POWERS = 23  # of ten by which the shift may be larger


@kernel
def _reflect_rows(factor: Complex, matrix: Real, gradient: Real, reflectors: Real) -> None:
    """Turn the coordinates of each row of Y so that the first one is along the row.

    Householder reflections, applied to both sides of the Hessian and to the gradient. Blocks above
    the diagonal, which nobody reads, are left as they are.
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
        component = 0.0
        for c in range(width):
            component += vector[c] * gradient[base + c]
        for c in range(width):
            gradient[base + c] -= component * vector[c]
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
def _cholesky(matrix: Real, shift: float, factor: Real) -> bool:
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
    if not _cholesky(matrix, shifts[power], factor):
        while power < _POWERS - 1:
            power += 1
            if _cholesky(matrix, shifts[power], factor):
                return power
        return -1
    if power > 0:
        while power > 0 and _cholesky(matrix, shifts[power - 1], factor):
            power -= 1
        if power > 0:
            _cholesky(matrix, shifts[power], factor)
    return power


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
    width, order = 2 * rank, gradient.size
    reflectors = np.empty((size, width))
    _reflect_rows(factor, matrix, gradient, reflectors)
    tangent_indices = np.empty(order, np.int64)
    count = 0
    for p in range(order):
        if p >= size * width or p % width != 0:
            tangent_indices[count] = p
            count += 1
    small = np.empty((count, count))
    right_side = np.empty(count)
    for p in range(count):
        right_side[p] = -gradient[tangent_indices[p]]
        for q in range(count):
            small[p, q] = matrix[tangent_indices[p], tangent_indices[q]]
    triangle = np.empty((count, count))
    power = _shifted_cholesky(small, power, triangle)
    if power < 0:
        direction[:] = 0.0
        return 0.0, 0
    slope = 0.0
    step = right_side.copy()
    for p in range(count):
        for t in range(p):
            step[p] -= triangle[p, t] * step[t]
        step[p] /= triangle[p, p]
    for p in range(count - 1, -1, -1):
        for t in range(p + 1, count):
            step[p] -= triangle[t, p] * step[t]
        step[p] /= triangle[p, p]
    direction[:] = 0.0
    for p in range(count):
        slope -= right_side[p] * step[p]
        direction[tangent_indices[p]] = step[p]
    for n in range(size):
        component = 0.0
        for c in range(width):
            component += reflectors[n, c] * direction[n * width + c]
        for c in range(width):
            direction[n * width + c] -= component * reflectors[n, c]
    return slope, power
