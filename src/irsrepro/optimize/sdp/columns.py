"""Products with the columns F of a max-min problem, block by block where F has blocks.

    F = [B_1 0 ... 0; 0 B_2 ... 0; ...; 0 ... 0 B_L] W

Waves of many sites reach a user through several surfaces: an inner product of each surface with few
vectors (the columns of its block B_l), then a mixture W of these numbers for every antenna. That
takes several times fewer multiplications than the F of all elements and antennas, which is never
formed. A problem without blocks has one, F = B_1, and an empty W.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus


class Columns(NamedTuple):
    """F of one realisation, every array contiguous.

    Attributes:
        local: B_l under one another, (element, local column).
        conjugate: its conjugate.
        edges: first element of every block, and the number of elements, (block + 1,).
        mixing: W, (block times local column, column), or (0, 0) if F = B_1.
        adjoint: W^H.

    """

    local: Complex
    conjugate: Complex
    edges: NDArray[np.int64]
    mixing: Complex
    adjoint: Complex


@kernel
def forms(columns: Columns, vectors: Complex) -> Complex:
    """Return F^H Y, (column, any), of Y, (element, any), in the precision of both."""
    conjugate, edges = columns.conjugate, columns.edges
    count = conjugate.shape[1]
    inner = np.empty(((edges.size - 1) * count, vectors.shape[1]), vectors.dtype)
    for b in range(edges.size - 1):
        i, j = edges[b], edges[b + 1]
        np.dot(conjugate[i:j].T, vectors[i:j], inner[b * count : (b + 1) * count])
    return np.dot(columns.adjoint, inner) if columns.mixing.size > 0 else inner


@kernel
def combine_columns(columns: Columns, image: Complex) -> Complex:
    """Return F P, (element, any), of P, (column, any)."""
    local, edges = columns.local, columns.edges
    count = local.shape[1]
    inner = np.dot(columns.mixing, image) if columns.mixing.size > 0 else image
    result = np.empty((local.shape[0], image.shape[1]), np.complex128)
    for b in range(edges.size - 1):
        i, j = edges[b], edges[b + 1]
        np.dot(local[i:j], inner[b * count : (b + 1) * count], result[i:j])
    return result


@kernel
def gram_matrix(columns: Columns, scale: Real) -> Complex:
    """Return F^H Diag(scale) F, (column, column), for a scale (element,)."""
    local, conjugate, edges = columns.local, columns.conjugate, columns.edges
    rows, count = local.shape
    scaled = np.empty((rows, count), np.complex128)
    for i in range(rows):
        for a in range(count):
            scaled[i, a] = scale[i] * local[i, a]
    if columns.mixing.size == 0:
        dense_gram: Complex = np.dot(conjugate.T, scaled)
        return dense_gram
    inner = np.empty(columns.mixing.shape, np.complex128)
    for b in range(edges.size - 1):
        i, j, block = edges[b], edges[b + 1], slice(b * count, (b + 1) * count)
        np.dot(np.dot(conjugate[i:j].T, scaled[i:j]), columns.mixing[block], inner[block])
    mixed: Complex = np.dot(columns.adjoint, inner)
    return mixed


@kernel
def weighted_energies(columns: Columns, weights: Real) -> Real:
    """Return the diagonal of F Diag(s) F^H, (element,), for weights s (column,)."""
    local, edges, mixing = columns.local, columns.edges, columns.mixing
    rows, count = local.shape
    energies = np.zeros(rows)
    if mixing.size == 0:
        for i in range(rows):
            for a in range(count):
                energies[i] += weights[a] * squared_modulus(local[i, a])
        return energies
    for b in range(edges.size - 1):
        i, j, block = edges[b], edges[b + 1], slice(b * count, (b + 1) * count)
        core = np.dot(mixing[block] * weights, mixing[block].conj().T.copy())
        product = np.dot(local[i:j], core)
        for n in range(i, j):
            for a in range(count):
                p, f = product[n - i, a], local[n, a]
                energies[n] += p.real * f.real + p.imag * f.imag
    return energies


@kernel
def dense_columns(columns: Columns) -> Complex:
    """Return F, (element, column)."""
    if columns.mixing.size == 0:
        return columns.local
    return combine_columns(columns, np.eye(columns.mixing.shape[1]).astype(np.complex128))


def without_blocks(columns: Columns) -> Columns:
    """Return the same F as one block, for what needs all of it."""
    F = dense_columns(columns)
    empty = np.empty((0, 0), np.complex128)
    return Columns(F, F.conj(), np.array([0, len(F)]), empty, empty)
