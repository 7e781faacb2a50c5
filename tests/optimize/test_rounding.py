"""From relaxed matrices to vectors: bounds, exhaustive search, the plain loop, monotonicity."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian, phases
from irsrepro.optimize.rounding import (
    NOT_A_SAMPLE,
    UnitModulusVectors,
    gaussian_randomisation,
    polish,
)
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def problem_of(
    rng: np.random.Generator, size: int, users: int, count: int = 1, ratio: bool = True
) -> MaxMinProblem:
    """SINRs of users with random forms, or sums of their gains and losses."""
    columns = gaussian(rng, count, size, users * users)
    own = np.repeat(np.eye(users), users, axis=1)[None] * np.tile(np.eye(users), users)[None]
    own = np.broadcast_to(own.reshape(users, -1), (count, users, users * users))
    rest = np.repeat(np.eye(users), users, axis=1) - own
    if ratio:
        return MaxMinProblem(
            columns, own, np.zeros((count, users)), rest, np.full((count, users), 0.1 * size)
        )
    return MaxMinProblem(columns, own - 0.5 * rest, rng.standard_normal((count, users)))


def best_on_grid(problem: MaxMinProblem, points: int) -> float:
    """Largest smallest value over all phases on a grid, the last phase fixed."""
    size = problem.columns.shape[1]
    grid = np.exp(2j * np.pi * np.arange(points) / points)
    best = -np.inf
    for first in grid:
        rest = np.array(list(itertools.product(grid, repeat=size - 2)))
        ends = np.ones((len(rest), 1))
        vectors = np.hstack([first * ends, rest, ends])
        powers = np.abs(vectors.conj() @ problem.columns[0]) ** 2
        _, top, constant, bottom, noise = problem.parts(0)
        values = (powers @ top.T + constant) / (powers @ bottom.T + noise)
        best = max(best, values.min(axis=1).max())
    return best


@pytest.mark.parametrize("ratio", [True, False])
@pytest.mark.parametrize(("size", "points"), [(3, 180), (4, 60)])
def test_rounded_and_polished_vectors_reach_the_best_of_all_phases(
    ratio: bool, size: int, points: int
) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem = problem_of(rng, size, 2, ratio=ratio)
        relaxed = solve_diagonal_sdp(problem, tolerance=1e-6)
        rounded = gaussian_randomisation(problem, relaxed.factor, gaussian(rng, 1, 200, size))
        polished = polish(problem, rounded.vector)
        grid = best_on_grid(problem, points)
        assert grid <= relaxed.upper_bound[0]
        assert polished.value[0] <= relaxed.upper_bound[0]
        assert polished.value[0] >= grid - 2e-3 * abs(grid)


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 12),
    users=st.integers(1, 4),
    ratio=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_vector_exceeds_the_bound_and_none_is_worse_than_its_start(
    seed: int, size: int, users: int, ratio: bool
) -> None:
    rng = np.random.default_rng(seed)
    problem = problem_of(rng, size, users, ratio=ratio)
    relaxed = solve_diagonal_sdp(problem)
    start = phases(rng, 1, size)
    before = problem.values(start).min()
    rounded = gaussian_randomisation(
        problem, relaxed.factor, gaussian(rng, 1, 20, size), incumbent=start
    )
    polished = polish(problem, start)
    slack = 1e-9 * (1.0 + abs(relaxed.upper_bound[0]))
    for result in (rounded, polished):
        np.testing.assert_allclose(np.abs(result.vector), 1.0, rtol=1e-15)
        np.testing.assert_allclose(result.vector[:, -1], 1.0, rtol=1e-15)
        assert result.value[0] == problem.values(result.vector).min()
        assert before - slack <= result.value[0] <= relaxed.upper_bound[0] + slack
    assert (rounded.sample[0] == NOT_A_SAMPLE) == (rounded.value[0] < before + slack)


def test_the_best_sample_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    problem = problem_of(rng, 9, 3, count=3)
    factor = solve_diagonal_sdp(problem).factor[..., :3]
    draws = gaussian(rng, 3, 1500, 3)
    found = gaussian_randomisation(problem, factor, draws)
    for r in range(3):
        values = []
        for z in draws[r]:
            x = factor[r] @ z
            x = np.exp(1j * np.angle(x / x[-1]))
            values.append(problem.values(np.stack([x] * 3))[r].min())
        assert found.sample[r] == np.argmax(values)
        assert found.value[r] == pytest.approx(max(values), rel=1e-12)


def test_a_matrix_of_rank_one_is_recovered_by_any_sample() -> None:
    rng = np.random.default_rng(2)
    vector = phases(rng, 1, 15)
    problem = problem_of(rng, 15, 3)
    factor = np.concatenate([vector[..., None], np.zeros((1, 15, 4))], axis=2)
    found = gaussian_randomisation(problem, factor, gaussian(rng, 1, 3, 1))
    np.testing.assert_allclose(found.vector, vector / vector[:, -1:], atol=1e-14)


def test_samples_have_the_covariance_of_the_matrix() -> None:
    """With one user the mean phase correlation of the samples is known (van Vleck's law)."""
    rng = np.random.default_rng(3)
    factor = gaussian(rng, 1, 2, 2)
    factor /= np.linalg.norm(factor, axis=2, keepdims=True)
    correlation = factor[0, 0] @ factor[0, 1].conj()
    draws = gaussian(rng, 400, 1, 2)
    columns = np.tile(np.eye(2, dtype=complex), (400, 1, 1))
    problem = MaxMinProblem(columns, np.ones((400, 1, 2)), np.zeros((400, 1)))
    found = gaussian_randomisation(problem, np.repeat(factor, 400, axis=0), draws)
    mean = found.vector[:, 0].mean()
    assert np.angle(mean / correlation) == pytest.approx(0.0, abs=0.2)
    assert abs(mean) < abs(correlation)


@pytest.mark.parametrize("ratio", [True, False])
def test_a_realisation_does_not_depend_on_its_batch(ratio: bool) -> None:
    rng = np.random.default_rng(4)
    problem = problem_of(rng, 21, 3, count=4, ratio=ratio)
    factor = solve_diagonal_sdp(problem).factor
    draws, start = gaussian(rng, 4, 300, 21), phases(rng, 4, 21)

    def run(order: list[int]) -> tuple[UnitModulusVectors, UnitModulusVectors]:
        share = problem.of(order)
        rounded = gaussian_randomisation(share, factor[order], draws[order])
        return rounded, polish(share, start[order])

    whole = run([0, 1, 2, 3])
    shuffled = run([2, 0, 3, 1])
    for all_together, mixed, kind in zip(whole, shuffled, (0, 1), strict=True):
        for r, place in ((2, 0), (0, 1), (3, 2), (1, 3)):
            alone = run([r])[kind]
            for one, other, single in zip(
                vars(all_together).values(),
                vars(mixed).values(),
                vars(alone).values(),
                strict=True,
            ):
                assert one[r].tobytes() == other[place].tobytes() == single[0].tobytes()


def test_polishing_beats_many_samples_where_interference_must_be_nulled() -> None:
    rng = np.random.default_rng(5)
    problem = problem_of(rng, 24, 4, count=4)
    assert problem.denominator_weights is not None
    strong = MaxMinProblem(
        problem.columns,
        problem.weights,
        problem.constants,
        problem.denominator_weights,
        np.full((4, 4), 1e-3),
    )
    factor = solve_diagonal_sdp(strong).factor
    many = gaussian_randomisation(strong, factor, gaussian(rng, 4, 5000, 24))
    few = gaussian_randomisation(strong, factor, gaussian(rng, 4, 200, 24))
    polished = polish(strong, few.vector)
    assert (polished.value > many.value).all()


def test_an_incumbent_alone_is_kept() -> None:
    rng = np.random.default_rng(6)
    problem, start = problem_of(rng, 5, 2), phases(rng, 1, 5)
    factor = solve_diagonal_sdp(problem).factor
    kept = gaussian_randomisation(problem, factor, np.empty((1, 0, 5), complex), incumbent=start)
    assert kept.sample[0] == NOT_A_SAMPLE
    np.testing.assert_allclose(kept.vector, start / start[:, -1:], atol=1e-15)


def test_bad_arguments_are_refused() -> None:
    rng = np.random.default_rng(7)
    problem, start = problem_of(rng, 5, 2), phases(rng, 1, 5)
    factor = phases(rng, 1, 5, 1)
    draws = gaussian(rng, 1, 3, 1)
    for arguments, message in (
        ((factor[:, :4], draws), "factor"),
        ((factor, draws[0]), "draws"),
        ((phases(rng, 1, 5, 3), draws), "rank"),
        ((factor, draws[:, :0]), "samples"),
    ):
        with pytest.raises(ValueError, match=message):
            gaussian_randomisation(problem, *arguments)
    with pytest.raises(ValueError, match="incumbent"):
        gaussian_randomisation(problem, factor, draws, incumbent=start[:, :2])
    for vector in (start[0], start * 0.0, start * np.nan):
        with pytest.raises(ValueError, match="vector"):
            polish(problem, vector)


def test_all_samples_of_one_column_are_one_vector() -> None:
    rng = np.random.default_rng(12)
    problem = problem_of(rng, 6, 2)
    factor = phases(rng, 1, 6, 1)
    draws = gaussian(rng, 1, 40, 1)
    each = [gaussian_randomisation(problem, factor, draws[:, [s]]) for s in range(40)]
    found = gaussian_randomisation(problem, factor, draws)
    assert found.sample[0] == 0
    for one in each:
        np.testing.assert_allclose(one.vector, found.vector, atol=1e-14)


@pytest.mark.parametrize("shared", [False, True])
def test_the_best_of_many_blocks_is_that_of_a_plain_loop(shared: bool) -> None:
    rng = np.random.default_rng(13)
    problem = problem_of(rng, 5, 3)
    if shared:  # a column that two users hear
        weights = np.array(problem.denominator_weights)
        weights[:, 0, -1] = 0.5
        problem = dataclasses.replace(problem, denominator_weights=weights)
    factor, draws = gaussian(rng, 1, 5, 3), gaussian(rng, 1, 1000, 3)
    vectors = np.exp(1j * np.angle(draws[0] @ factor[0].T))
    values = [problem.values(x[None]).min() for x in vectors]
    found = gaussian_randomisation(problem, factor, draws)
    assert found.sample[0] == np.argmax(values)
    assert found.value[0] == pytest.approx(max(values), rel=1e-12)
    ranks = np.argsort(values)[::-1]
    for better in (500, 5, 1):
        incumbent = vectors[ranks[better]][None]
        assert (
            gaussian_randomisation(problem, factor, draws, incumbent=incumbent).sample == ranks[0]
        )
    climbed = polish(problem, found.vector)
    kept = gaussian_randomisation(problem, factor, draws, incumbent=climbed.vector)
    assert climbed.value > found.value and kept.sample == NOT_A_SAMPLE
