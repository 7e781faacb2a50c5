"""Several users over two surfaces: reflection steps, alternation, and both engines of a step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from draws import phases
from irsrepro.optimize.beamforming.receivers import linear_receivers, receive_sinr
from irsrepro.optimize.reference import sdp as plain
from irsrepro.optimize.reference.rounding import polish as polish_pymanopt
from irsrepro.optimize.rounding import polish
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.zheng2021.algorithms.double_reflection import alternate_double_reflection
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel, product_factors
from irsrepro.papers.zheng2021.algorithms.max_min_reflection import (
    alternate_max_min,
    reflection_step,
)

Complex = NDArray[np.complex128]


def gaussian(rng: np.random.Generator, *shape: int) -> Complex:
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape))


def draw_links(seed: int, count: int, users: int, size1: int, size2: int) -> Links:
    rng = np.random.default_rng(seed)
    return Links(
        gaussian(rng, count, users, size1),
        gaussian(rng, count, users, size2),
        gaussian(rng, count, size2, size1),
        gaussian(rng, count, 4, size1),
        gaussian(rng, count, 4, size2),
    )


def climb(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
    return polish(step, incumbent).vector


@pytest.mark.parametrize("surface", [1, 2])
@pytest.mark.parametrize("users", [1, 3])
def test_a_step_states_the_smallest_sinr(surface: int, users: int) -> None:
    """At any reflection the problem has the SINRs of eq. (9), receivers of any norm."""
    links, rng = draw_links(1, 5, users, 3, 4), np.random.default_rng(2)
    held, free = [phases(rng, 5, 3), phases(rng, 5, 4)], phases(rng, 5, (3, 4)[surface - 1])
    receivers = gaussian(rng, 5, 4, users)
    step = reflection_step(links, held[0], held[1], receivers, 0.7, surface)
    held[surface - 1] = free
    expected = receive_sinr(effective_channel(links, *held), receivers, 0.7, 1.0)
    vector = np.concatenate([free, np.ones((5, 1))], axis=1)
    np.testing.assert_allclose(step.values(vector), expected, rtol=1e-9)


def test_steps_that_climb_never_fall_and_end_where_they_say() -> None:
    links, rng = draw_links(3, 6, 3, 4, 5), np.random.default_rng(4)
    found = alternate_max_min(
        links, phases(rng, 6, 4), phases(rng, 6, 5), climb,
        receiver="mmse", power=2.0, max_iterations=8, tolerance=1e-3,
    )  # fmt: skip
    assert (np.diff(found.trace, axis=1) >= -1e-9 * found.trace[:, 1:]).all()
    channel = effective_channel(links, found.reflection1, found.reflection2)
    reached = receive_sinr(channel, found.receivers, 2.0, 1.0).min(axis=1)
    np.testing.assert_allclose(reached, found.trace[:, -1], rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.reflection1), 1.0)
    settled = found.residual <= 1e-3
    np.testing.assert_array_equal(found.status == 0, settled)
    assert (found.iterations == 8).all() and (found.trace[:, -1] > 1.05 * found.trace[:, 0]).all()


def test_one_user_takes_the_closed_form() -> None:
    """With a single user every step has a closed form, and the same order gives the same gains."""
    links, rng = draw_links(5, 6, 1, 4, 5), np.random.default_rng(6)
    theta1, theta2 = phases(rng, 6, 4), phases(rng, 6, 5)
    found = alternate_max_min(
        links, theta1, theta2, climb, receiver="mmse", power=2.0, max_iterations=6, tolerance=1e-3
    )
    lone = Links(links.first[:, 0], links.second[:, 0], *links[2:])
    exact = alternate_double_reflection(lone, theta1, theta2, max_iterations=6)
    np.testing.assert_allclose(found.trace, 2.0 * exact.trace, rtol=2e-3)


def test_no_pair_on_a_grid_is_missed_by_much() -> None:
    """Two users, two surfaces of one element: no better than a fine grid, not far below it.

    Turns over one reflection at a time may stop short of the best pair, where the smallest SINR
    has a kink.
    """
    links = draw_links(5, 4, 2, 1, 1)
    turns = np.exp(2j * np.pi * np.arange(96) / 96)
    best = np.zeros(4)
    for first in turns:
        for second in turns:
            pair = np.full((4, 1), first), np.full((4, 1), second)
            channel = effective_channel(links, *pair)
            receivers = linear_receivers(channel, "mmse", 1.0)[0]
            best = np.maximum(best, receive_sinr(channel, receivers, 1.0, 1.0).min(axis=1))
    reached = np.zeros(4)
    for start in turns[::16]:
        found = alternate_max_min(
            links, np.full((4, 1), start), np.ones((4, 1), complex), climb,
            receiver="mmse", power=1.0, max_iterations=60, tolerance=1e-6,
        )  # fmt: skip
        reached = np.maximum(reached, found.trace[:, -1])
    assert (reached <= 1.01 * best).all() and (reached >= 0.7 * best).all()


def test_an_empty_surface_is_left_out() -> None:
    links, rng = draw_links(6, 3, 2, 0, 5), np.random.default_rng(7)
    asked = []

    def step(problem: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        asked.append((iteration, surface))
        return incumbent

    none = np.ones((3, 0), complex)
    found = alternate_max_min(
        links, none, phases(rng, 3, 5), step,
        receiver="zf", power=1.0, max_iterations=2, tolerance=1e-3,
    )  # fmt: skip
    assert asked == [(1, 2), (2, 2)] and found.reflection1.shape == (3, 0)
    np.testing.assert_allclose(np.diff(found.trace, axis=1), 0.0, atol=1e-12)


def step_problem() -> tuple[MaxMinProblem, Complex]:
    links, rng = draw_links(8, 2, 2, 4, 5), np.random.default_rng(9)
    theta1, theta2 = phases(rng, 2, 4), phases(rng, 2, 5)
    receivers = linear_receivers(effective_channel(links, theta1, theta2), "mmse", 0.5)[0]
    start = np.concatenate([theta2, np.ones((2, 1))], axis=1)
    return reflection_step(links, theta1, theta2, receivers, 0.5, 2), start


def test_bisection_by_a_public_solver_finds_the_certified_value() -> None:
    step, _ = step_problem()
    ours = solve_diagonal_sdp(step, tolerance=1e-5)
    theirs = plain.solve_diagonal_sdp(step, tolerance=1e-3)
    np.testing.assert_allclose(theirs.value, ours.value, rtol=3e-3)
    assert (theirs.value <= ours.upper_bound * (1 + 1e-9)).all()
    assert (theirs.upper_bound >= ours.value * (1 - 1e-6)).all()
    # A level counts as feasible if its matrix misses it by no more than 1 %.
    assert (theirs.residual <= 1.2e-2).all()
    np.testing.assert_allclose(step.values(theirs.factor).min(axis=1), theirs.value, rtol=1e-6)


def test_a_public_climb_ends_as_high_as_ours() -> None:
    step, start = step_problem()
    public, ours = polish_pymanopt(step, start), polish(step, start)
    before = step.values(start).min(axis=1)
    np.testing.assert_allclose(step.values(public.vector).min(axis=1), public.value)
    assert (public.value >= before).all()
    np.testing.assert_allclose(public.value, ours.value, rtol=2e-2)
    np.testing.assert_allclose(public.vector[:, -1], 1.0)


def test_the_joint_bound_holds_and_is_that_of_a_public_solver() -> None:
    """No pair of reflections on a grid exceeds it, and two formulations agree on it."""
    lone = draw_links(10, 2, 1, 2, 2)
    links = Links(lone.first[:, 0], lone.second[:, 0], *lone[2:])
    factor = product_factors(links)
    relaxed = solve_diagonal_sdp(
        MaxMinProblem(factor.mT.conj(), np.ones((2, 1, 4)), np.zeros((2, 1))), tolerance=1e-6
    )
    np.testing.assert_allclose(
        plain.largest_norm_bound(factor).bound, relaxed.upper_bound, rtol=1e-5
    )
    turns = np.exp(2j * np.pi * np.arange(16) / 16)
    best = np.zeros(2)
    for a in turns:
        for b in turns:
            for c in turns:
                for d in turns:
                    pair = np.tile([a, b], (2, 1)), np.tile([c, d], (2, 1))
                    gain = (np.abs(effective_channel(links, *pair)) ** 2).sum(axis=1)
                    best = np.maximum(best, gain)
    assert (relaxed.upper_bound >= best).all() and (best >= 0.7 * relaxed.upper_bound).all()
