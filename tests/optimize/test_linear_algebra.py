"""Factorisations of `optimize.linear_algebra`, held against LAPACK's."""

import numpy as np
import pytest

from irsrepro.array_types import Complex
from irsrepro.optimize.linear_algebra import (
    eliminate,
    factorise_hermitian,
    factorise_signed,
    factorise_symmetric,
    solve_factored,
    squared_modulus,
)


def gram(seed: int, size: int, rank: int) -> Complex:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((size, rank)) + 1j * rng.standard_normal((size, rank))
    return root @ root.conj().T


def test_the_squared_modulus_needs_no_root() -> None:
    assert squared_modulus(3e-170 + 4j) == pytest.approx(16.0)
    assert squared_modulus(3.0 - 4.0j) == 25.0


def upper(matrix: Complex) -> Complex:
    """Nobody reads the lower triangle."""
    result = np.triu(matrix)
    result[np.tril_indices(len(matrix), -1)] = np.nan
    return result


@pytest.mark.parametrize("size", [1, 5, 16, 17, 40])
def test_factors_and_solutions_agree_with_lapack(size: int) -> None:
    matrix = gram(size, size, size + 3)
    factor, real = upper(matrix), upper(matrix).real.copy()
    assert factorise_hermitian(factor)
    assert factorise_symmetric(real)
    for ours, theirs in ((factor, matrix), (real, matrix.real)):
        expected = np.linalg.cholesky(theirs).conj().T
        np.testing.assert_allclose(np.triu(ours), expected, rtol=1e-9, atol=1e-9)
    vector = np.arange(1.0, size + 1.0)
    solution = vector.copy()
    solve_factored(real, solution)
    np.testing.assert_allclose(matrix.real @ solution, vector, rtol=1e-9)


@pytest.mark.parametrize(("size", "negative"), [(1, 0), (1, 1), (6, 2), (9, 9), (20, 7)])
def test_signs_of_a_factorisation_are_those_asked_for(size: int, negative: int) -> None:
    rng = np.random.default_rng(size)
    factor = np.triu(gram(size, size, size)) / (10.0 * size)
    factor[range(size), range(size)] = rng.uniform(0.5, 1.0, size)
    signs = np.where(np.arange(size) < negative, -1.0, 1.0)
    found = upper((factor.conj().T * signs) @ factor)
    assert factorise_signed(found, negative)
    np.testing.assert_allclose(np.triu(found), factor, rtol=1e-8, atol=1e-8)
    other = upper((factor.conj().T * signs) @ factor)
    assert not factorise_signed(other, negative - 1 if negative else 1)


@pytest.mark.parametrize("size", [2, 17, 40])
def test_an_indefinite_matrix_is_said_not_raised(size: int) -> None:
    indefinite = gram(size, size, size + 3)
    indefinite[-1, -1] = 0.0
    assert not factorise_hermitian(indefinite.copy())
    assert not factorise_symmetric(indefinite.real.copy())
    assert not factorise_symmetric(np.full((size, size), np.nan))


@pytest.mark.parametrize(("order", "count"), [(9, 9), (11, 7), (12, 8), (6, 1)])
def test_elimination_leaves_the_factor_and_the_schur_complement(order: int, count: int) -> None:
    matrix = gram(order, order, order + 2).real
    ours = np.triu(matrix)
    assert eliminate(ours, count, 0.5)
    head, side = matrix[:count, :count] + 0.5 * np.eye(count), matrix[:count, count:]
    factor = np.linalg.cholesky(head).T
    np.testing.assert_allclose(np.triu(ours[:count, :count]), factor, atol=1e-10)
    np.testing.assert_allclose(ours[:count, count:], np.linalg.solve(factor.T, side), atol=1e-10)
    schur = matrix[count:, count:] - side.T @ np.linalg.solve(head, side)
    np.testing.assert_allclose(np.triu(ours[count:, count:]), np.triu(schur), atol=1e-10)
    below = np.triu(matrix)
    below[count - 1, count - 1] = -1.0
    assert not eliminate(below, count, 0.5)
