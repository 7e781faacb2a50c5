"""One convex subproblem of the inner approximation: its data, and the products it is made of.

User k hears v^H H_k w_i; V stands for v v^H, W_i for w_i w_i^H, B_ki = H_k W_i H_k^H, noise 1. The
targets are bilinear in V and W. With any c_ki > 0 yu2020's expansion (11) and the bounds (12) turn
them into convex constraints (13), which, collected, are the bilinear ones plus proximal terms about
the last iterate (V', W'):

    g_k = 1 + sum_i [m_ki tr(V B_ki) + |m_ki| (c_ki^2 / 2 ||V - V'||^2
                                               + 1 / (2 c_ki^2) ||B_ki - B'_ki||^2)] <= 0,
    m_ki = 1 for i != k and -1 / gamma_k for i = k.

They are used times the user's share of the uplink power, which brings their multipliers near 1: the
gains of users differ by many orders. The subproblem (17), with l the top eigenvector of V' and
chi >= 0, e >= 0, is

    minimise   sum_i tr W_i + chi (M + 1 - l^H V l)
    subject to g_k <= 0,   M + 1 - l^H V l <= e,   diag V = 1,   V, W_i psd.

`subproblem_solver` solves it.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus

_SMALLEST = 1e-12  # power at a user over noise that is taken for the size of B


class Subproblem(NamedTuple):
    """Data of one subproblem; powers in units of the first power, noise 1.

    Attributes:
        channels: H, (user, element + 1, antenna).
        adjoint: H^H, (user, antenna, element + 1).
        gram: Q_k = H_k^H H_k, (user, antenna, antenna).
        scale: (user,) factor of the constraint, contained in the next three.
        signs: m, (user, user).
        matrix_weight: sum_i |m_ki| c_ki^2, (user,).
        beam_weight: |m_ki| / c_ki^2, (user, user).
        factor: Y', (element + 1, rank).
        beams: w', (user, stream, antenna).
        top: l, (element + 1,).
        penalty: chi.
        slack: e, or infinity without the constraint.
    """

    channels: Complex
    adjoint: Complex
    gram: Complex
    scale: Real
    signs: Real
    matrix_weight: Real
    beam_weight: Real
    factor: Complex
    beams: Complex
    top: Complex
    penalty: float
    slack: float


# Products as functions of their own: inlined in many places they take minutes to compile.


@kernel
def adjoint_of(matrix: Complex) -> Complex:
    """Return A^H of a matrix, contiguous."""
    rows, columns = matrix.shape
    result = np.empty((columns, rows), np.complex128)
    for i in range(rows):
        for j in range(columns):
            result[j, i] = matrix[i, j].conjugate()
    return result


@kernel
def times(left: Complex, right: Complex) -> Complex:
    """Return A B of two matrices."""
    product: Complex = np.dot(left, right)
    return product


@kernel
def apply_matrix(matrix: Complex, vector: Complex, result: Complex) -> None:
    """Write A v into ``result``."""
    for i in range(matrix.shape[0]):
        total = 0j
        for j in range(matrix.shape[1]):
            total += matrix[i, j] * vector[j]
        result[i] = total


@kernel
def inner_product(left: Complex, right: Complex) -> complex:
    """Return v^H w of two vectors."""
    total = 0j
    for i in range(left.size):
        total += left[i].conjugate() * right[i]
    return total


@kernel
def squared_norm(matrix: Complex) -> float:
    """Return the squared Frobenius norm ||A||^2."""
    total = 0.0
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            total += squared_modulus(matrix[i, j])
    return total


@kernel
def eigen(matrix: Complex) -> tuple[Real, Complex]:
    """Return the rising eigenvalues of a Hermitian matrix and its eigenvectors as columns."""
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors


@kernel
def lowest_eigenvalue(matrix: Complex) -> float:
    """Return the lowest eigenvalue of a Hermitian matrix, without the vectors, which cost more."""
    return float(np.linalg.eigvalsh(matrix)[0])


@kernel
def make_subproblem(
    channels: Complex,
    adjoint: Complex,
    gram: Complex,
    targets: Real,
    scale: Real,
    factor: Complex,
    beams: Complex,
    balance: float,
    penalty: float,
    slack: float,
) -> Subproblem:
    """Subproblem about an iterate, with c_ki^2 = balance^2 ||B'_ki|| / ||V'|| for every pair.

    Args:
        channels: H, (user, element + 1, antenna).
        adjoint: H^H.
        gram: H_k^H H_k.
        targets: gamma, (user,).
        scale: (user,) positive, about the multiplier of the unscaled constraint.
        factor: Y', (element + 1, rank), rows of unit norm.
        beams: w', (user, stream, antenna).
        balance: rho.
        penalty: chi, in units of the power.
        slack: e, or infinity.
    """
    users = targets.size
    square = times(adjoint_of(factor), factor)
    norm = sqrt(squared_norm(square))
    values, vectors = eigen(square)
    coefficients, top = (
        np.empty(values.size, np.complex128),
        np.empty(factor.shape[0], np.complex128),
    )
    for c in range(values.size):
        coefficients[c] = vectors[c, values.size - 1] / sqrt(values[-1])
    apply_matrix(factor, coefficients, top)
    signs, beam_weight = np.empty((users, users)), np.empty((users, users))
    matrix_weight = np.zeros(users)
    gram_beam = np.empty(gram.shape[1], np.complex128)
    for k in range(users):
        for i in range(users):
            form = 0.0
            for q in range(beams.shape[1]):
                apply_matrix(gram[k], beams[i, q], gram_beam)
                for t in range(beams.shape[1]):
                    form += abs(inner_product(gram_beam, beams[i, t])) ** 2
            signs[k, i] = -scale[k] / targets[k] if i == k else scale[k]
            size = sqrt(form)
            ratio = balance**2 * max(size, _SMALLEST) / norm
            matrix_weight[k] += abs(signs[k, i]) * ratio
            beam_weight[k, i] = abs(signs[k, i]) / ratio
    return Subproblem(
        channels,
        adjoint,
        gram,
        scale,
        signs,
        matrix_weight,
        beam_weight,
        factor,
        beams,
        top,
        penalty,
        slack,
    )
