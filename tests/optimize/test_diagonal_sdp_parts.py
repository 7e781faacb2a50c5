"""Parts of the unit-diagonal semidefinite programs: slack matrices, ranks, factors, bad input."""

from typing import Any

import numpy as np
import pytest

from draws import gaussian
from irsrepro.array_types import Complex, Real
from irsrepro.optimize.linear_algebra import factorise_hermitian
from irsrepro.optimize.reference.sdp import solve_diagonal_sdp_cvxpy
from irsrepro.optimize.sdp.columns import Columns
from irsrepro.optimize.sdp.instance import Instance
from irsrepro.optimize.sdp.low_rank import low_rank
from irsrepro.optimize.sdp.problem import (
    MaxMinProblem,
    factor_matrices,
    scale_instance,
)
from irsrepro.optimize.sdp.slack import (
    apply_inverse,
    dense_inverse,
    invert_slack,
    lowest_vector,
    new_slack_inverse,
)
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp


def test_the_rank_grows_where_the_certificate_asks_for_it() -> None:
    """Three users on two elements: no V of rank 1 serves them, and the search starts at rank 1."""
    turns = np.exp(2j * np.pi * np.arange(3) / 3)
    C = np.array([[[[0.0, t], [np.conj(t), 0.0]] for t in turns]])
    problem = MaxMinProblem(*factor_matrices(C), np.ones((1, 3)))
    scaled = scale_instance(problem, 0)
    start = np.array([[1.0], [1.0]], dtype=complex)
    factor, *_, status = low_rank(
        scaled.instance, True, start, np.ones(3), 1e-5, scaled.floor, 400, 2, True, np.inf
    )
    assert status == 0
    assert factor.shape == (2, 2)
    alone, *_ = low_rank(
        scaled.instance, True, start, np.ones(3), 1e-5, scaled.floor, 100, 1, True, np.inf
    )
    assert alone.shape == (2, 1)
    best = problem.values(factor[None]).min()
    assert best == pytest.approx(1.0, abs=1e-4)
    assert problem.values(alone[None]).min() < best - 0.5


def one_value(columns: Complex, weights: Real) -> Instance:
    """The instance whose only value is linear, with columns (element, column) and their weights."""
    none = np.empty((0, 0), complex)
    return Instance(
        Columns(columns, columns.conj(), np.array([0, len(columns)]), none, none),
        weights[None],
        np.zeros(1),
        np.zeros((1, weights.size)),
        np.ones(1),
    )


@pytest.mark.parametrize(("size", "width"), [(12, 4), (12, 9), (40, 5)])
def test_slack_matrices_thin_and_dense(size: int, width: int) -> None:
    rng = np.random.default_rng(size + width)
    columns, weights = gaussian(rng, size, width), rng.standard_normal(width)
    instance = one_value(columns, weights)
    inverse = new_slack_inverse(size, width)
    assert (inverse.dense.shape[0] == 0) == (2 * width <= size)
    product = (columns * weights) @ columns.conj().T
    largest, definite = np.linalg.eigvalsh(product)[-1], 0
    for _ in range(40):
        diagonal = rng.uniform(0.5, 1.5, size) * rng.uniform(0.0, 2.0) * largest
        Z = np.diag(diagonal) - product
        expected = np.linalg.eigvalsh(Z)[0] > 0.0
        assert invert_slack(instance, diagonal, weights, True, inverse) == expected
        assert factorise_hermitian(Z.copy()) == expected
        if expected:
            definite += 1
            vectors = gaussian(rng, size, 2)
            np.testing.assert_allclose(
                Z @ apply_inverse(instance, inverse, vectors), vectors, atol=1e-9 * np.abs(Z).max()
            )
            np.testing.assert_allclose(
                Z @ dense_inverse(instance, inverse), np.eye(size), atol=1e-9 * np.abs(Z).max()
            )
    assert 10 < definite < 30
    diagonal = np.abs(product).sum(axis=1)
    metric = rng.uniform(0.5, 2.0, size)
    assert invert_slack(instance, diagonal + 0.01 * metric, weights, True, inverse)
    value, vector = lowest_vector(
        instance, diagonal, weights, metric, inverse, gaussian(rng, size, 6)
    )
    Z = np.diag(diagonal) - product
    root = np.sqrt(metric)
    assert value == pytest.approx(np.linalg.eigvalsh(Z / np.outer(root, root))[0], rel=0.05)
    assert np.vdot(vector, Z @ vector).real == pytest.approx(value, rel=1e-6)
    assert np.vdot(vector, metric * vector).real == pytest.approx(1.0)


def test_thin_slack_matrices_with_negative_entries_of_the_diagonal() -> None:
    rng = np.random.default_rng(3)
    columns, weights = gaussian(rng, 12, 4), np.array([0.02, -1.0, -2.0, -0.5])
    instance = one_value(columns, weights)
    inverse, definite = new_slack_inverse(12, 4), 0
    product = (columns * weights) @ columns.conj().T
    for _ in range(60):
        diagonal = rng.uniform(0.1, 1.0, 12)
        diagonal[:2] = -rng.uniform(0.0, 0.2, 2)
        Z = np.diag(diagonal) - product
        expected = np.linalg.eigvalsh(Z)[0] > 0.0
        assert invert_slack(instance, diagonal, weights, True, inverse) == expected
        if expected:
            definite += 1
            np.testing.assert_allclose(
                Z @ dense_inverse(instance, inverse), np.eye(12), atol=1e-9 * np.abs(Z).max()
            )
    assert 15 < definite < 45


def test_dense_matrices_are_factored() -> None:
    rng = np.random.default_rng(12)
    C = gaussian(rng, 3, 2, 4, 4)
    C = C + C.conj().swapaxes(2, 3)
    C[:, 1] = 0.0
    columns, weights = factor_matrices(C)
    assert columns.shape[2] == 4
    rebuilt = np.einsum("ria,rka,rja->rkij", columns, weights, columns.conj())
    np.testing.assert_allclose(rebuilt, C, atol=1e-14)
    assert factor_matrices(np.zeros((1, 1, 2, 2), complex))[0].shape == (1, 2, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": np.ones((2, 3))}, "columns"),
        ({"columns": np.full((1, 3, 2), np.nan)}, "columns"),
        ({"constants": np.ones((2, 2))}, "constants"),
        ({"weights": np.ones((1, 2, 3))}, "weights"),
        ({"weights": np.full((1, 2, 2), np.inf)}, "weights"),
        ({"denominator_weights": None}, "together"),
        ({"denominator_weights": -np.ones((1, 2, 2))}, "negative"),
        ({"denominator_constants": np.zeros((1, 2))}, "positive"),
    ],
)
def test_bad_problems_are_refused(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "columns": np.ones((1, 3, 2)),
        "weights": np.ones((1, 2, 2)),
        "constants": np.ones((1, 2)),
        "denominator_weights": np.ones((1, 2, 2)),
        "denominator_constants": np.ones((1, 2)),
    }
    MaxMinProblem(**good)
    with pytest.raises(ValueError, match=message):
        MaxMinProblem(**(good | change))


def test_bad_options_are_refused() -> None:
    problem = MaxMinProblem(np.ones((1, 3, 2)), np.ones((1, 2, 2)), np.ones((1, 2)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="method"):
        solve_diagonal_sdp(problem, method="simplex")  # type: ignore[arg-type]
    bad: list[Any] = [np.ones((1, 2, 1)), np.zeros((1, 3, 1)), np.full((1, 3, 1), np.nan)]
    for start in bad:
        with pytest.raises(ValueError, match="start"):
            solve_diagonal_sdp(problem, start=start)
    bad = [np.ones((1, 3)), *(np.full((1, 2), value) for value in (-1.0, 0.0, np.inf, np.nan))]
    for multipliers in bad:
        with pytest.raises(ValueError, match="multipliers"):
            solve_diagonal_sdp(problem, multipliers=multipliers)
    with pytest.raises(ValueError, match="Hermitian"):
        factor_matrices(np.array([[[[0.0, 1.0], [0.0, 0.0]]]]))
    with pytest.raises(ValueError, match="bisect"):
        ones = np.ones((1, 2, 2))
        solve_diagonal_sdp_cvxpy(MaxMinProblem(problem.columns, ones, ones[:, 0], ones, ones[:, 0]))
