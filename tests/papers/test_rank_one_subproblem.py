"""Subproblems of yu2020 at rank one: derivatives by differences, solutions by general solvers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from test_inner_approximation import BALANCE, first_subproblem, instance, squares

from draws import gaussian
from irsrepro.papers.yu2020.algorithms import rank_one
from irsrepro.papers.yu2020.algorithms.prediction import (
    forget,
    new_memory,
    predict_iterate,
    remember,
)
from irsrepro.papers.yu2020.algorithms.rank_one_derivatives import (
    Point,
    evaluate_point,
    lagrangian_gradient,
    lagrangian_hessian,
    old_images,
)
from irsrepro.papers.yu2020.algorithms.subproblem import Subproblem
from irsrepro.papers.yu2020.algorithms.subproblem_solver import solve_subproblem
from irsrepro.papers.yu2020.reference.inner_approximation import ReferenceSubproblem

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def given(seed: int, users: int = 2, elements: int = 5, antennas: int = 3) -> Subproblem:
    channels, x, targets = instance(seed, users, elements, antennas)
    return first_subproblem(channels[0], x[0], targets[0])[0]


def moved(problem: Subproblem, direction: Real, size: float) -> tuple[Complex, Complex, Point]:
    """The point that far from a fixed one, in the coordinates of `Point`."""
    users, width, antennas = problem.channels.shape
    first = 2 * users * antennas
    rng = np.random.default_rng(3)
    y = np.exp(2j * np.pi * rng.random(width) + 1j * size * direction[first:])
    turn = direction[:first].view(complex).reshape(users, antennas)
    beams = problem.beams[:, 0] + 0.3 * gaussian(rng, *turn.shape) + size * turn
    return y, beams, evaluate_point(problem, *old_images(problem), y, beams)


def test_gradient_and_hessian_agree_with_differences() -> None:
    problem, z = given(1), np.array([0.7, 1.3])
    users, width, antennas = problem.channels.shape
    order = width + 2 * users * antennas
    still = np.zeros(order)
    y, beams, point = moved(problem, still, 0.0)
    gradient = lagrangian_gradient(problem, point, beams, z)
    matrix = np.ones((order + 2, order + 2))
    lagrangian_hessian(problem, old_images(problem)[0], point, y, z, matrix)
    hessian = np.triu(matrix[:order, :order])
    hessian += np.triu(hessian, 1).T
    rng = np.random.default_rng(2)
    for _ in range(4):
        direction = rng.standard_normal(order)
        points = [moved(problem, direction, h)[2] for h in (1e-3, 5e-4, 0.0, -5e-4, -1e-3)]
        ends = [each.objective + z @ each.values for each in points]
        slope = (8.0 * (ends[1] - ends[3]) - (ends[0] - ends[4])) / 6e-3
        bend = (16.0 * (ends[1] + ends[3]) - (ends[0] + ends[4]) - 30.0 * ends[2]) / 3e-6
        assert slope == pytest.approx(gradient @ direction, rel=1e-6)
        assert bend == pytest.approx(direction @ hessian @ direction, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_solutions_are_those_of_the_general_method_and_of_clarabel(seed: int) -> None:
    channels, x, targets = instance(30 + seed, 2, 10, 3)
    problem, scaled = first_subproblem(channels[0], x[0], targets[0])
    factor, beams, z, objective, gap, _, _ = solve_subproblem(
        problem, np.array([1.0, 1.0, 0.0]), 1e-8, 8
    )
    assert gap <= 1e-8
    loose = solve_subproblem(problem, np.array([1.0, 1.0, 0.0]), 1e-2, 1)
    guess = (loose[0][:, 0].copy(), loose[1][:, 0].copy(), loose[2][:2].copy())
    y, w, prices, reached, proven, steps, solved = rank_one.solve_at_rank_one(problem, *guess, 1e-8)
    assert solved
    assert 0 < steps < 6
    assert proven <= 1e-8
    assert reached == pytest.approx(objective, rel=2e-8)
    np.testing.assert_allclose(np.outer(y, y.conj()), factor @ factor.conj().T, atol=1e-4)
    np.testing.assert_allclose(squares(w[:, None]), squares(beams), atol=1e-4)
    np.testing.assert_allclose(prices, z[:2], rtol=1e-3)
    assert np.vdot(y, problem.factor[:, 0]).imag == pytest.approx(0.0, abs=1e-10)
    stated = ReferenceSubproblem(
        scaled, targets[0], scaling=BALANCE, penalty=problem.penalty, slack=None
    )
    theirs = stated.solve(problem.factor @ problem.factor.conj().T, squares(problem.beams))
    assert reached == pytest.approx(theirs.objective, rel=5e-6)
    assert reached < theirs.objective + 1e-6


def test_no_certificate_is_given_to_what_is_not_the_solution() -> None:
    problem = given(40)
    y, w = problem.factor[:, 0].copy(), problem.beams[:, 0].copy()
    turned_old, form_old = old_images(problem)
    point = evaluate_point(problem, turned_old, form_old, y, w)
    gap = rank_one.certified_gap(problem, turned_old, point, y, w, np.ones(2), 1e-5)
    assert gap > 1e-2
    rng = np.random.default_rng(5)
    far = np.exp(2j * np.pi * rng.random(y.size))
    *_, solved = rank_one.solve_at_rank_one(problem, far, 30.0 * w, np.ones(2), 1e-5)
    assert not solved


def test_motion_of_the_second_order_is_foreseen() -> None:
    users, size, antennas = 2, 4, 3
    rng = np.random.default_rng(8)
    phases, beams = rng.random((3, size)), gaussian(rng, 3, users, antennas)
    prices = 1.0 + 0.1 * rng.random((3, users))
    powers = [np.array([1.0, t, t * t]) for t in (0.0, 0.1, 0.2, 0.3)]
    path = [(np.exp(1j * p @ phases), np.tensordot(p, beams, 1), 0.01 * p @ prices) for p in powers]
    memory, scale = new_memory(users, size, antennas), np.array([0.2, 0.5])
    last = path[0]
    for known, here in enumerate(path[:3], start=1):
        remember(memory, *here)
        last, start = here, here[2] / scale
        guess = predict_iterate(memory, last[0], last[1], start, scale)
        if known == 1:
            np.testing.assert_array_equal(guess[1], last[1])
        if known == 2:
            np.testing.assert_allclose(guess[1], 2.0 * path[1][1] - path[0][1])
    y, w, z = predict_iterate(memory, last[0], last[1], last[2] / scale, scale)
    np.testing.assert_allclose(y, path[3][0], rtol=1e-12)
    np.testing.assert_allclose(w, path[3][1], rtol=1e-12)
    np.testing.assert_allclose(z * scale, path[3][2], rtol=1e-12)
    forget(memory)
    np.testing.assert_array_equal(predict_iterate(memory, *last, scale)[0], last[0])
