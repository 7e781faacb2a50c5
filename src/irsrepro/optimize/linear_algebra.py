"""Linear algebra that compiled kernels share, where the public routines raise or allocate."""

from math import sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel

_BLOCK = 16  # rows factorised before the rest is updated by one matrix product
_PANEL = 4  # rows eliminated before the rest is updated
_PIVOT = 1e-14  # of a diagonal entry, that elimination must leave of it


@kernel(allocates=False)
def squared_modulus(number: complex) -> float:
    """|z|^2 without the root that abs(z)^2 takes."""
    return number.real**2 + number.imag**2


@kernel
def factorise_hermitian(matrix: Complex) -> bool:
    """Cholesky factor R of a Hermitian matrix = R^H R, in place in its upper triangle.

    Only the upper triangle is read. Failing is not an exception: step lengths are found that way.

    Args:
        matrix: (row, column), overwritten.

    Returns:
        Whether the matrix is positive definite to working precision.

    """
    size = matrix.shape[0]
    for first in range(0, size, _BLOCK):
        last = min(size, first + _BLOCK)
        for k in range(first, last):
            pivot = matrix[k, k].real
            if not pivot > 0.0:
                return False
            scale = 1.0 / sqrt(pivot)
            for j in range(k, size):
                matrix[k, j] *= scale
            for i in range(k + 1, last):
                weight = matrix[k, i].conjugate()
                for j in range(i, size):
                    matrix[i, j] -= weight * matrix[k, j]
        if last < size:
            panel = matrix[first:last, last:].copy()
            update = np.dot(panel.conj().T.copy(), panel)
            for i in range(last, size):
                for j in range(i, size):
                    matrix[i, j] -= update[i - last, j - last]
    return True


@kernel
def factorise_signed(matrix: Complex, negative: int) -> bool:
    """Factor R of a Hermitian matrix = R^H S R, as `factorise_hermitian`, with signs S on the way.

    Args:
        matrix: (row, column), overwritten.
        negative: number of entries of S that are -1, the first ones; the others are 1.

    Returns:
        Whether the matrix has such a factor to working precision.

    """
    size = matrix.shape[0]
    for k in range(size):
        sign = -1.0 if k < negative else 1.0
        pivot = sign * matrix[k, k].real
        if not pivot > 0.0:
            return False
        scale = sign / sqrt(pivot)
        for j in range(k, size):
            matrix[k, j] *= scale
        for i in range(k + 1, size):
            weight = sign * matrix[k, i].conjugate()
            for j in range(i, size):
                matrix[i, j] -= weight * matrix[k, j]
    return True


@kernel
def factorise_symmetric(matrix: Real) -> bool:
    """Cholesky factor R of a real symmetric matrix = R^T R, as `factorise_hermitian`."""
    size = matrix.shape[0]
    for k in range(size):
        pivot = matrix[k, k]
        if not pivot > 0.0:
            return False
        scale = 1.0 / sqrt(pivot)
        for j in range(k, size):
            matrix[k, j] *= scale
        for i in range(k + 1, size):
            weight = matrix[k, i]
            for j in range(i, size):
                matrix[i, j] -= weight * matrix[k, j]
    return True


@kernel
def invert_factor(factor: Complex, inverse: Complex) -> None:
    """Write the inverse of R of `factorise_hermitian` over an array; both are upper triangular."""
    size = factor.shape[0]
    for i in range(size):
        for j in range(size):
            inverse[i, j] = 0.0
        inverse[i, i] = 1.0
        for k in range(i, size):
            inverse[i, k] /= factor[k, k]
            for j in range(k + 1, size):
                inverse[i, j] -= inverse[i, k] * factor[k, j]


@kernel
def invert_matrix(matrix: Complex, inverse: Complex) -> None:
    """Write the inverse of a square matrix over an array, which may be the matrix itself.

    Raises:
        numpy.linalg.LinAlgError: the matrix is singular.

    """
    found = np.linalg.inv(matrix)
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            inverse[i, j] = found[i, j]


@kernel
def solve_system(matrix: Real, sides: Real) -> Real:
    """Solve linear equations for one or several right-hand sides, as `numpy.linalg.solve`.

    A kernel, so that it is translated once for all schemes: that takes Numba three seconds, most of
    it for the text of an error.

    Raises:
        numpy.linalg.LinAlgError: the matrix is singular, or something is not finite.

    """
    return np.linalg.solve(matrix, sides)  # type: ignore[return-value]


@kernel
def eliminate(matrix: Real, count: int, shift: float) -> bool:
    """Eliminate the first rows of a symmetric matrix, in place in its upper triangle.

    With matrix + shift = [M B; B^T C], M of `count` rows and shifted alone, R of M = R^T R and
    R^-T B take the places of M and B, the Schur complement C - B^T M^-1 B that of C. Four rows
    after four are taken off what remains, so that what remains is read once for all four.

    Args:
        matrix: (row, column), overwritten.
        count: rows to eliminate.
        shift: added to their diagonal.

    Returns:
        Whether the shifted M is positive definite to working precision.

    """
    order = matrix.shape[0]
    for first in range(0, count, _PANEL):
        end = min(first + _PANEL, count)
        for t in range(first, end):
            row = matrix[t]
            diagonal = abs(row[t]) + shift
            for u in range(first, t):
                pivot_row = matrix[u]
                weight = pivot_row[t]
                for q in range(t, order):
                    row[q] -= weight * pivot_row[q]
            row[t] += shift
            if not row[t] > _PIVOT * diagonal:
                return False
            scale = 1.0 / sqrt(row[t])
            for q in range(t, order):
                row[q] *= scale
        if end - first < _PANEL:
            for u in range(first, end):
                pivot_row = matrix[u]
                for p in range(end, order):
                    row, weight = matrix[p], pivot_row[p]
                    for q in range(p, order):
                        row[q] -= weight * pivot_row[q]
            break
        a, b, c, d = matrix[first], matrix[first + 1], matrix[first + 2], matrix[first + 3]
        for p in range(end, order):
            row = matrix[p]
            s, t, u, v = a[p], b[p], c[p], d[p]
            for q in range(p, order):
                row[q] = row[q] - s * a[q] - t * b[q] - u * c[q] - v * d[q]
    return True


@kernel
def solve_factored(factor: Real, vector: Real) -> None:
    """Solve R^T R x = vector in place, R of `factorise_symmetric`."""
    size = vector.size
    for k in range(size):
        vector[k] /= factor[k, k]
        for j in range(k + 1, size):
            vector[j] -= factor[k, j] * vector[k]
    for k in range(size - 1, -1, -1):
        total = vector[k]
        for j in range(k + 1, size):
            total -= factor[k, j] * vector[j]
        vector[k] = total / factor[k, k]
