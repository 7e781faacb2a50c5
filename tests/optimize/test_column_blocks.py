"""Columns in blocks are the columns they stand for; the curvature of the soft minimum is right."""

from typing import Any

import numpy as np
import pytest

from draws import gaussian
from irsrepro.optimize.rounding import gaussian_randomisation, polish
from irsrepro.optimize.sdp.columns import (
    combine_columns,
    dense_columns,
    forms,
    gram_matrix,
    weighted_energies,
)
from irsrepro.optimize.sdp.curvature import apply_curvature, find_tilts
from irsrepro.optimize.sdp.instance import soft_minimum
from irsrepro.optimize.sdp.problem import MaxMinProblem, column_norms, scale_instance
from irsrepro.optimize.sdp.slack import invert_slack, new_slack_inverse
from irsrepro.optimize.sdp.solver import Method, solve_diagonal_sdp


def blocks(seed: int, sizes: tuple[int, ...] = (9, 4, 11, 1), count: int = 2) -> MaxMinProblem:
    """Three users with the gains of three columns each, three inner columns per block."""
    rng = np.random.default_rng(seed)
    return MaxMinProblem(
        1e-5 * gaussian(rng, count, sum(sizes), 3),
        np.broadcast_to(np.repeat(np.eye(3), 3, axis=1), (count, 3, 9)),
        1e-10 * rng.uniform(0.0, 1.0, (count, 3)),
        mixing=1e2 * gaussian(rng, count, 3 * len(sizes), 9),
        sizes=sizes,
    )


def test_products_are_those_of_all_columns() -> None:
    rng = np.random.default_rng(0)
    problem = blocks(0)
    F = problem.dense().columns[1]
    scaled = scale_instance(problem, 1).instance.columns
    unit = dense_columns(scaled)
    ratio = F / unit
    np.testing.assert_allclose(ratio, ratio[0, 0])
    assert np.log2(ratio[0, 0].real) == pytest.approx(round(np.log2(ratio[0, 0].real)))
    Y, P = gaussian(rng, 25, 4), gaussian(rng, 9, 4)
    scale, weights = rng.uniform(0.5, 2.0, 25), rng.standard_normal(9)
    np.testing.assert_allclose(forms(scaled, Y), unit.conj().T @ Y)
    np.testing.assert_allclose(combine_columns(scaled, P), unit @ P)
    gram = gram_matrix(scaled, scale)
    np.testing.assert_allclose(gram, unit.conj().T @ (scale[:, None] * unit), atol=1e-12)
    np.testing.assert_allclose(
        weighted_energies(scaled, weights), (np.abs(unit) ** 2) @ weights, atol=1e-12
    )
    np.testing.assert_allclose(column_norms(scaled), (np.abs(unit) ** 2).sum(axis=0))
    whole = problem.dense()
    np.testing.assert_allclose(problem.values(np.stack([Y, Y])), whole.values(np.stack([Y, Y])))
    part = problem.of([1])
    np.testing.assert_array_equal(part.dense().columns[0], F)


@pytest.mark.parametrize("method", ["low rank", "interior"])
def test_blocks_are_solved_rounded_and_polished_like_all_columns(method: Method) -> None:
    rng = np.random.default_rng(1)
    problem = blocks(1)
    whole = problem.dense()
    ours, theirs = (solve_diagonal_sdp(each, method=method) for each in (problem, whole))
    assert ours.converged.all()
    np.testing.assert_allclose(ours.value, theirs.value, rtol=2e-4)
    np.testing.assert_allclose(ours.value, whole.values(ours.factor).min(axis=1), rtol=1e-12)
    draws = gaussian(rng, 2, 300, ours.factor.shape[2])
    one, other = (gaussian_randomisation(p, ours.factor, draws) for p in (problem, whole))
    np.testing.assert_allclose(one.value, other.value, rtol=1e-12)  # perhaps of equal samples
    better = polish(problem, one.vector)
    assert (better.value >= one.value * (1.0 - 1e-12)).all()
    assert (better.value <= ours.upper_bound).all()


def test_the_certificate_of_blocks_holds_for_all_columns() -> None:
    problem = blocks(2, sizes=(60, 60, 60, 1))
    solution = solve_diagonal_sdp(problem, method="low rank")
    assert solution.converged.all()
    for r, F in enumerate(problem.dense().columns):
        w, y = solution.multipliers[r], solution.diagonal[r]
        Z = np.diag(y) - (F * (w @ problem.weights[r])) @ F.conj().T
        assert np.linalg.eigvalsh(Z)[0] > -1e-12 * np.abs(y).max()
        bound = y.sum() + w @ problem.constants[r]
        assert bound <= solution.upper_bound[r] * (1.0 + 1e-12)
        assert bound - solution.value[r] <= 1.0001e-4 * solution.value[r]


def test_the_preconditioner_is_the_curvature_of_the_soft_minimum() -> None:
    """Second differences along tangents, at a point where no gradient bends them."""
    rng = np.random.default_rng(3)
    scaled = scale_instance(blocks(3, sizes=(20, 20, 1), count=1), 0)
    problem, lam, mu = scaled.instance, np.array([0.2, 0.5, 0.3]), 0.7
    F, weights = dense_columns(problem.columns), lam @ problem.numerator
    Y = gaussian(rng, 41, 2)
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    image = F.conj().T @ Y
    centred = problem.numerator - weights
    G = np.stack([2.0 * F @ (row[:, None] * image) for row in centred])
    G -= (G * Y.conj()).sum(axis=2, keepdims=True).real * Y
    metric, diagonal = np.ones(41), np.full(41, 1.5 * np.linalg.norm(F * np.sqrt(weights), 2) ** 2)
    inverse = new_slack_inverse(41, 9)
    assert invert_slack(problem, diagonal, weights, True, inverse)
    Z = np.diag(diagonal) - (F * weights) @ F.conj().T
    tilts = find_tilts(problem, inverse, Y, lam, mu)
    E = gaussian(rng, 41, 2)
    inner = (G.conj() * E).sum(axis=(1, 2)).real
    image_of_E = Z @ E + np.tensordot(lam / (2.0 * mu) * inner, G, 1)
    np.testing.assert_allclose(
        apply_curvature(problem, inverse, tilts, image_of_E), E, atol=1e-9 * metric.sum()
    )

    def value(point: Any) -> float:
        powers = (np.abs(F.conj().T @ point) ** 2).sum(axis=1)
        found = problem.numerator @ powers
        base = problem.numerator @ (np.abs(image) ** 2).sum(axis=1)
        return soft_minimum(found - base, lam, mu, np.empty(3))

    E -= (E * Y.conj()).sum(axis=1, keepdims=True).real * Y
    inner = (G.conj() * E).sum(axis=(1, 2)).real
    step = 1e-4
    bend = (value(Y + step * E) - 2.0 * value(Y) + value(Y - step * E)) / step**2
    total = (np.abs(F.conj().T @ E) ** 2).sum(axis=1) @ weights
    assert bend / 2.0 == pytest.approx(total - (lam * inner**2).sum() / (2.0 * mu), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (9, 4, 12, 1)}, "sizes"),
        ({"sizes": (9, 4, 12)}, "mixing"),
        ({"mixing": np.full((2, 12, 9), np.nan)}, "mixing"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    good = vars(blocks(4))
    with pytest.raises(ValueError, match=message):
        MaxMinProblem(**(good | change))
