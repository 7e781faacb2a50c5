"""Linear algebra that compiled kernels share, where the public routines raise or allocate."""

from math import sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel

_BLOCK = 16  # rows factorised before the rest is updated by one matrix product


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
