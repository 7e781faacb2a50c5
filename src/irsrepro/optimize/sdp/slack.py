"""The dual slack Z = Diag(y) - F diag(s) F^H: is it definite, its inverse, its lowest eigenvector.

Two ways to the same answers. Dense: factorise and invert the matrix of order n. Thin, for few
columns (m <= n / 2): with J = diag(sign s), T = F |s|^(1/2), D = Diag(y) and H = J - T^H D^-1 T,

    inertia   neg(Z) = neg(D) + neg(H) - neg(J)                       (Haynsworth, twice)
    inverse   Z^-1 = D^-1 + D^-1 F M F^H D^-1,  M = |s|^(1/2) H^-1 |s|^(1/2)    (Woodbury)

so matrices of order m suffice, for weights s and even diagonals y of any sign. Where no weight is
negative J = I, and definite D and H are what makes Z definite. Where D is definite, the part of H
for negative weights is negative definite, and Z is definite if elimination of that part leaves a
definite matrix of the others. Only where neither holds eigenvalues of H are needed.
"""

from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    factorise_signed,
    invert_matrix,
)
from irsrepro.optimize.sdp.columns import (
    combine_columns,
    dense_columns,
    forms,
    gram_matrix,
)
from irsrepro.optimize.sdp.instance import Instance, slack

_SMALLEST_PIVOT = 0.01  # of the lift: how close to 0 the thin formulas let an entry of y come
_ROUNDS = 4


class SlackInverse(NamedTuple):
    """Inverse of a slack matrix, applied by `apply_inverse`.

    Attributes:
        dense: Z^-1, (element, element), or empty if thin.
        reciprocal: 1 / y, (element,), if thin.
        core: M, (column, column), if thin.

    """

    dense: Complex
    reciprocal: Real
    core: Complex


@kernel
def new_slack_inverse(size: int, width: int) -> SlackInverse:
    """Arrays for `invert_slack` with `size` elements and `width` columns."""
    order = size if 2 * width > size else 0
    return SlackInverse(
        np.empty((order, order), np.complex128),
        np.empty(size),
        np.empty((width, width), np.complex128),
    )


@kernel
def lift_diagonal(diagonal: Real, metric: Real, lift: float, result: Real) -> float:
    """Lift y to y + e w; moves entries too close to 0 for the thin formulas up, which is valid too.

    Args:
        diagonal: y, (element,).
        metric: w, (element,), positive.
        lift: e, positive.
        result: (element,), overwritten.

    Returns:
        The sum of the result: at most 1^T (y + 1.01 e w), give or take the rounding.

    """
    total = 0.0
    for i in range(diagonal.size):
        floor = _SMALLEST_PIVOT * lift * metric[i]
        result[i] = diagonal[i] + lift * metric[i]
        if abs(result[i]) < floor:
            result[i] = floor
        total += result[i]
    return total


@kernel
def invert_slack(
    instance: Instance,
    diagonal: Real,
    weights: Real,
    invert: bool,
    result: SlackInverse,
) -> bool:
    """Whether Z = Diag(y) - F diag(s) F^H is positive definite, and its inverse.

    Args:
        instance: F.
        diagonal: y, (element,), from `lift_diagonal`.
        weights: s, (column,).
        invert: whether the inverse is wanted too.
        result: overwritten; holds the inverse if that is wanted and Z is positive definite.

    """
    size, width = result.reciprocal.size, weights.size
    if result.dense.shape[0] > 0:
        matrix = slack(instance, diagonal, weights)
        if not factorise_hermitian(matrix.copy()):
            return False
        if invert:
            invert_matrix(matrix, result.dense)
        return True
    surplus = 0  # neg(D) + neg(H) - neg(J)
    for i in range(size):
        result.reciprocal[i] = 1.0 / diagonal[i]
        if diagonal[i] < 0.0:
            surplus += 1
    roots = np.sqrt(np.abs(weights))
    core = gram_matrix(instance.columns, result.reciprocal)
    for a in range(width):
        for b in range(width):
            core[a, b] *= -roots[a] * roots[b]
        if weights[a] < 0.0:
            core[a, a] -= 1.0
        else:
            core[a, a] += 1.0
    if weights.min() >= 0.0:
        if surplus > 0 or not factorise_hermitian(core.copy()):
            return False
        if invert:
            invert_matrix(core, core)
    elif surplus == 0:
        negative = np.flatnonzero(weights < 0.0)
        order = np.concatenate((negative, np.flatnonzero(weights >= 0.0)))
        ordered = np.empty_like(core)
        for a in range(width):
            for b in range(width):
                ordered[a, b] = core[order[a], order[b]]
        if not factorise_signed(ordered, negative.size):
            return False
        if invert:
            invert_matrix(core, core)
    else:
        values, vectors = np.linalg.eigh(core)
        for a in range(width):
            if not abs(values[a]) > 0.0:
                return False
            surplus += int(values[a] < 0.0) - int(weights[a] < 0.0)
        if surplus != 0:
            return False
        if invert:
            adjoint = vectors.conj().T.copy()
            for a in range(width):
                for b in range(width):
                    vectors[a, b] /= values[b]
            core = np.dot(vectors, adjoint)
    if invert:
        for a in range(width):
            for b in range(width):
                result.core[a, b] = roots[a] * core[a, b] * roots[b]
    return True


@kernel
def apply_inverse(instance: Instance, inverse: SlackInverse, vectors: Complex) -> Complex:
    """Return Z^-1 times vectors.

    Args:
        instance: F.
        inverse: as `invert_slack` left it.
        vectors: (element, any), as columns.

    Returns:
        Array of the same shape.

    """
    if inverse.dense.shape[0] > 0:
        full: Complex = np.dot(inverse.dense, vectors)
        return full
    scaled = np.empty_like(vectors)
    for i in range(vectors.shape[0]):
        for c in range(vectors.shape[1]):
            scaled[i, c] = inverse.reciprocal[i] * vectors[i, c]
    image = np.dot(inverse.core, forms(instance.columns, scaled))
    result: Complex = combine_columns(instance.columns, image)
    for i in range(vectors.shape[0]):
        for c in range(vectors.shape[1]):
            result[i, c] = scaled[i, c] + inverse.reciprocal[i] * result[i, c]
    return result


@kernel
def dense_inverse(instance: Instance, inverse: SlackInverse) -> Complex:
    """Return Z^-1, (element, element), as `invert_slack` left it."""
    if inverse.dense.shape[0] > 0:
        return inverse.dense
    size, width = inverse.reciprocal.size, inverse.core.shape[0]
    scaled = dense_columns(instance.columns).copy()
    for i in range(size):
        for a in range(width):
            scaled[i, a] *= inverse.reciprocal[i]
    matrix: Complex = np.dot(np.dot(scaled, inverse.core), scaled.conj().T.copy())
    for i in range(size):
        matrix[i, i] += inverse.reciprocal[i]
    return matrix


@kernel
def lowest_vector(
    instance: Instance,
    diagonal: Real,
    weights: Real,
    metric: Real,
    inverse: SlackInverse,
    guess: Complex,
) -> tuple[float, Complex]:
    """Lowest eigenpair of Z v = e Diag(w) v, by subspace iteration with a shifted inverse.

    Args:
        instance: F.
        diagonal: y of Z, (element,).
        weights: s of Z, (column,).
        metric: w, (element,), positive.
        inverse: of about Z + shift Diag(w), positive definite.
        guess: (element, any) vectors near the lowest eigenvectors.

    Returns:
        e, an estimate from above of the lowest eigenvalue, and v, (element,), its vector.

    """
    size, width = guess.shape
    roots = np.sqrt(metric)
    block, vector = guess.copy(), guess[:, 0].copy()
    values = np.empty(width)
    for _ in range(_ROUNDS):
        for i in range(size):
            for c in range(width):
                block[i, c] *= metric[i]
        block = apply_inverse(instance, inverse, block)
        for i in range(size):
            for c in range(width):
                block[i, c] *= roots[i]
        block = np.linalg.qr(block)[0].copy()
        for i in range(size):
            for c in range(width):
                block[i, c] /= roots[i]
        image = forms(instance.columns, block)
        for a in range(weights.size):
            for c in range(width):
                image[a, c] *= -weights[a]
        image = combine_columns(instance.columns, image)
        for i in range(size):
            for c in range(width):
                image[i, c] += diagonal[i] * block[i, c]
        values, rotation = np.linalg.eigh(np.dot(block.conj().T.copy(), image))
        block = np.dot(block, rotation.copy())
        vector = block[:, 0].copy()
    return values[0], vector
