"""Subproblems of yu2020 with a bound on the rank gap: Newton's method on KKT against the others."""

import numpy as np
import pytest
from test_inner_approximation import BALANCE, first_subproblem, instance, squares

from draws import gaussian
from irsrepro.papers.yu2020.algorithms.prediction import extrapolate, turn_towards
from irsrepro.papers.yu2020.algorithms.primal_dual import solve_from_guess
from irsrepro.papers.yu2020.algorithms.subproblem_solver import solve_subproblem
from irsrepro.papers.yu2020.reference.inner_approximation import ReferenceSubproblem


def unitary(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.linalg.qr(gaussian(rng, size, size))[0]


@pytest.mark.parametrize("slack", [0.05, 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_a_near_guess_leads_to_the_solution_of_the_general_method_and_of_clarabel(
    seed: int, slack: float
) -> None:
    channels, x, targets = instance(30 + seed, 2, 10, 3)
    problem, scaled = first_subproblem(channels[0], x[0], targets[0], slack)
    start = np.array([1.0, 1.0, 0.0])
    factor, beams, z, objective, gap, _, _ = solve_subproblem(problem, start, 1e-8, 8)
    assert gap <= 1e-8
    assert z[-1] > 0.0
    rng = np.random.default_rng(seed)
    guess = factor @ unitary(rng, factor.shape[1]) + 1e-3 * gaussian(rng, *factor.shape)
    guess /= np.linalg.norm(guess, axis=1, keepdims=True)
    near = beams * np.exp(2j * np.pi * rng.random((2, 1, 1))) * (1.0 + 1e-3)
    Y, w, prices, proven, solved = solve_from_guess(problem, guess, near, 1.01 * z, 1e-8)
    assert solved
    assert proven <= 1e-8
    assert np.sum(np.abs(w) ** 2) == pytest.approx(objective, rel=2e-8)
    np.testing.assert_allclose(np.linalg.norm(Y, axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(Y @ Y.conj().T, factor @ factor.conj().T, atol=1e-4)
    np.testing.assert_allclose(squares(w), squares(beams), atol=1e-4)
    np.testing.assert_allclose(prices, z, rtol=1e-3, atol=1e-6)
    stated = ReferenceSubproblem(scaled, targets[0], scaling=BALANCE, penalty=0.0, slack=slack)
    theirs = stated.solve(problem.factor @ problem.factor.conj().T, squares(problem.beams))
    assert np.sum(np.abs(w) ** 2) == pytest.approx(theirs.objective, rel=5e-6)


def test_a_far_guess_is_given_up() -> None:
    channels, x, targets = instance(40, 2, 6, 3)
    problem, _ = first_subproblem(channels[0], x[0], targets[0], 0.2)
    rng = np.random.default_rng(5)
    far = gaussian(rng, 7, 2)
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    *_, gap, solved = solve_from_guess(problem, far, 30.0 * problem.beams, np.ones(3), 1e-5)
    assert not solved
    assert gap == np.inf


def test_a_factor_is_turned_to_another_with_the_same_square() -> None:
    rng = np.random.default_rng(1)
    factor = gaussian(rng, 6, 3)
    turned = turn_towards(factor @ unitary(rng, 3), factor)
    np.testing.assert_allclose(turned, factor, atol=1e-12)


def test_motion_is_continued_whatever_the_turns_of_the_factors() -> None:
    users, size, antennas = 2, 5, 3
    rng = np.random.default_rng(8)
    phases = rng.random((2, size, 2))
    shares = np.sqrt([0.9, 0.1])
    path = [shares * np.exp(1j * (phases[0] + t * phases[1])) for t in (0.0, 1e-3, 2e-3)]
    first = gaussian(rng, users, 1, antennas)
    beams = [first * (1.0 + t) for t in (0.0, 0.1, 0.2)]
    prices = [np.array([1.0, 2.0, 0.3]) * (1.0 + t) for t in (0.0, 0.1, 0.2)]
    scale = np.array([0.2, 0.5])
    shift = np.exp(2j * np.pi * rng.random((users, 1, 1)))
    previous = (path[0] @ unitary(rng, 2), beams[0] * shift, prices[0])
    z = prices[1] / np.append(scale, 1.0)
    Y, w, guess = extrapolate(previous, path[1], beams[1], z, scale)
    expected, old = path[2] @ path[2].conj().T, path[1] @ path[1].conj().T
    found = Y @ Y.conj().T
    assert np.linalg.norm(found - expected) < 5e-3 * np.linalg.norm(old - expected)
    np.testing.assert_allclose(w, beams[2], rtol=1e-12)
    np.testing.assert_allclose(guess * np.append(scale, 1.0), prices[2], rtol=1e-12)
    other = (gaussian(rng, size, 1), beams[0], prices[0])
    np.testing.assert_array_equal(extrapolate(other, path[1], beams[1], z, scale)[0], path[1])
