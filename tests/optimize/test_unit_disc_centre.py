"""The phase step of few forms: its value by a cone solver, and the middle of its solutions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.reference.unit_disc import solve_forms_cvxpy
from irsrepro.optimize.unit_disc.centre import central_minimiser

Complex = NDArray[np.complex128]


def solved(forms: Complex, target: Complex, accuracy: float = 1e-8) -> tuple[Complex, float]:
    vector = np.empty(len(forms), complex)
    gap, steps = central_minimiser(forms, target, vector, accuracy)
    assert steps < 60
    return vector, gap


def missing(forms: Complex, target: Complex, vector: Complex) -> float:
    """What concavity leaves between the value at a point of the disc and the best one."""
    slope = forms.conj() @ (target - forms.T @ vector)
    return float(2.0 * (np.abs(slope) - (vector.conj() * slope).real).sum())


def largest_product(forms: Complex, image: Complex, rim: Complex) -> Complex:
    """The point with B^T x given, and x given where `rim` is not NaN, of largest prod 1 - |x|^2."""
    import cvxpy

    cp: Any = cvxpy
    free = np.isnan(rim)
    point = cp.Variable(int(free.sum()), complex=True)
    rest = image - forms[~free].T @ rim[~free]
    slack = 1 - cp.square(cp.real(point)) - cp.square(cp.imag(point))
    program = cp.Problem(cp.Maximize(cp.sum(cp.log(slack))), [forms[free].T @ point == rest])
    program.solve(solver="CLARABEL")
    found = rim.copy()
    found[free] = point.value
    return found


@pytest.mark.parametrize(("size", "count"), [(6, 3), (20, 9), (12, 16), (30, 4)])
def test_its_value_is_that_of_a_cone_solver(size: int, count: int) -> None:
    rng = np.random.default_rng(size)
    forms, target = gaussian(rng, size, count) / 3, 3.0 * gaussian(rng, count)
    vector, gap = solved(forms, target)
    reference = solve_forms_cvxpy(forms.T, forms.conj() @ target)
    assert gap <= 1.001e-8
    assert (np.abs(vector) < 1.0).all()
    ours, theirs = (((np.abs(forms.T @ x - target)) ** 2).sum() for x in (vector, reference))
    assert ours == pytest.approx(theirs, abs=1e-6 * float((np.abs(target) ** 2).sum()))
    assert missing(forms, target, vector) <= 1e-7 * np.abs(forms.conj() @ target).sum()


@pytest.mark.parametrize(("size", "count"), [(6, 9), (20, 30), (1, 1)])
def test_a_single_solution_is_found_to_the_digit(size: int, count: int) -> None:
    rng = np.random.default_rng(size)
    forms, target = gaussian(rng, size, count), 4.0 * gaussian(rng, count)
    vector, _ = solved(forms, target)
    reference = solve_forms_cvxpy(forms.T, forms.conj() @ target)
    np.testing.assert_allclose(vector, reference, atol=1e-5)


@pytest.mark.parametrize("strength", [1e-3, 0.5, 1.0, 2.0, 3.0])
def test_of_many_solutions_it_is_the_middle_one(strength: float) -> None:
    rng = np.random.default_rng(5)
    size, count = 14, 3
    forms = gaussian(rng, size, count) * 10.0 ** rng.uniform(-1, 0, (size, 1))
    target = strength * gaussian(rng, count)
    vector, _ = solved(forms, target, 1e-9)
    assert np.abs(vector).max() < 0.9
    expected = largest_product(forms, target, np.full(size, np.nan, complex))
    np.testing.assert_allclose(vector / strength, expected / strength, atol=3e-4)


def test_elements_at_the_rim_of_every_solution_leave_the_middle_of_the_others() -> None:
    """Only four elements reach the first form, whose target is beyond them."""
    rng = np.random.default_rng(5)
    forms = gaussian(rng, 14, 3) * 10.0 ** rng.uniform(-1, 0, (14, 1))
    forms[4:, 0] = 0.0
    vector, _ = solved(forms, gaussian(rng, 3) * (5.0, 1.0, 1.0), 1e-9)
    at_the_rim = np.abs(vector) > 1 - 1e-5
    assert at_the_rim.tolist() == [True] * 4 + [False] * 10
    expected = largest_product(forms, forms.T @ vector, np.where(at_the_rim, vector, np.nan))
    np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_a_target_out_of_reach_leaves_one() -> None:
    rng = np.random.default_rng(6)
    forms = gaussian(rng, 14, 3)
    near, far = (np.abs(solved(forms, k * gaussian(rng, 3))[0]) for k in (1, 100))
    assert near.max() < 0.9
    assert far.min() == pytest.approx(1.0, abs=1e-6)


def test_nothing_to_reach_and_numbers_that_are_none() -> None:
    forms, target = np.ones((3, 2), complex), np.ones(2, complex)
    vector = np.ones(3, complex)
    assert central_minimiser(forms, 0 * target, vector, 1e-6) == (0.0, 0)
    assert not vector.any()
    assert central_minimiser(0 * forms, target, vector, 1e-6) == (0.0, 0)
    assert central_minimiser(np.full_like(forms, np.nan), target, vector, 1e-6)[0] == np.inf
    assert central_minimiser(forms, np.full_like(target, np.nan), vector, 1e-6)[0] == np.inf


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 30),
    count=st.integers(1, 16),
    strength=st.floats(-2, 4),
    spread=st.floats(0, 3),
    rank=st.integers(0, 16),
)
@settings(max_examples=80, deadline=None)
def test_the_end_is_reached_whatever_the_forms(
    seed: int, size: int, count: int, strength: float, spread: float, rank: int
) -> None:
    rng = np.random.default_rng(seed)
    forms = gaussian(rng, size, min(rank, count)) @ gaussian(rng, min(rank, count), count)
    forms = np.ascontiguousarray(forms * 10.0 ** rng.uniform(-spread, 0.0, (size, 1)))
    target = 10.0**strength * gaussian(rng, count)
    vector, gap = solved(forms, target, 1e-6)
    assert 0.0 <= gap <= 1.001e-6
    assert (np.abs(vector) < 1.0).all()
    largest = float(np.abs(forms.conj() @ target).sum())
    assert missing(forms, target, vector) <= 1e-4 * largest
