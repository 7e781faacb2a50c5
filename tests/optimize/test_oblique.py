"""The oblique manifold, its conjugate gradients: derivatives, other solvers, exhaustive search."""

# mypy: disable-error-code="untyped-decorator"

import itertools

import numpy as np
import pymanopt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.manifold.geometry import project, retract
from irsrepro.optimize.manifold.oblique import (
    EVALUATIONS,
    ITERATIONS,
    STATUS,
    STEP,
    VALUE,
    accept,
    advance,
    begin,
    descend,
    minimise,
    new_search,
    resume,
    riemannian,
    try_step,
    turn,
)
from irsrepro.optimize.result import CONVERGED, RUNNING, Ending

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def hermitian(rng: np.random.Generator, size: int) -> Complex:
    root = gaussian(rng, size, size)
    return root + root.conj().T


def on_manifold(rng: np.random.Generator, rows: int, rank: int) -> Complex:
    point = gaussian(rng, rows, rank)
    return np.asarray(point / np.linalg.norm(point, axis=1, keepdims=True))


def projected(point: Complex, vector: Complex) -> Complex:
    out = vector.copy()
    project(point.view(float), out.view(float))
    return out


def retracted(point: Complex, tangent: Complex, step: float = 1.0) -> Complex:
    out = np.empty_like(point)
    retract(point.view(float), tangent.view(float), step, out.view(float))
    return out


SHAPES = [(1, 5), (7, 1), (6, 3)]


@pytest.mark.parametrize(("rows", "rank"), SHAPES)
def test_projection_is_tangent_idempotent_and_self_adjoint(rows: int, rank: int) -> None:
    rng = np.random.default_rng(1)
    point, a, b = on_manifold(rng, rows, rank), gaussian(rng, rows, rank), gaussian(rng, rows, rank)
    p = projected(point, a)
    np.testing.assert_allclose((point.conj() * p).sum(axis=1).real, 0.0, atol=1e-15)
    np.testing.assert_allclose(projected(point, p), p, atol=1e-15)
    assert np.vdot(b, p).real == pytest.approx(np.vdot(projected(point, b), a).real)


@pytest.mark.parametrize(("rows", "rank"), SHAPES)
def test_retraction_stays_on_the_manifold_and_agrees_with_the_geodesic_to_second_order(
    rows: int, rank: int
) -> None:
    rng = np.random.default_rng(2)
    point = on_manifold(rng, rows, rank)
    tangent = projected(point, gaussian(rng, rows, rank))
    speed = np.linalg.norm(tangent, axis=1, keepdims=True)
    errors = []
    for step in (1e-1, 1e-2):
        moved = retracted(point, tangent, step)
        np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1.0, rtol=1e-15)
        angle = step * speed
        geodesic = np.cos(angle) * point + np.sin(angle) * tangent / speed
        errors.append(np.abs(moved - geodesic).max())
    assert np.log10(errors[0] / errors[1]) == pytest.approx(3.0, abs=0.1)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 6), rank=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_gradient_of_a_quadratic_form_has_a_remainder_of_second_order(
    seed: int, rows: int, rank: int
) -> None:
    rng = np.random.default_rng(seed)
    A, point = hermitian(rng, rows * rank), on_manifold(rng, rows, rank)

    def cost(x: Complex) -> float:
        return float(np.vdot(x, (A @ x.ravel()).reshape(x.shape)).real)

    gradient = projected(point, 2.0 * (A @ point.ravel()).reshape(point.shape))
    tangent = projected(point, gaussian(rng, rows, rank))
    slope = np.vdot(gradient, tangent).real

    def remainder(step: float) -> float:
        return float(cost(retracted(point, tangent, step)) - cost(point) - step * slope)

    # A remainder c step^2 + O(step^3): Richardson's combination removes the first term.
    size = float(np.linalg.norm(A)) * max(1.0, float(np.linalg.norm(tangent))) ** 3
    assert abs(remainder(1e-3) / 1e-6 - remainder(5e-4) / 2.5e-7) < 1e-2 * size


@pytest.mark.parametrize("size", [2, 5, 20])
def test_the_sphere_yields_the_top_eigenvector(size: int) -> None:
    rng = np.random.default_rng(size)
    A = hermitian(rng, size)
    found = minimise(
        lambda x: -float(np.vdot(x[0], A @ x[0]).real),
        lambda x: -2.0 * (A @ x[0])[None],
        gaussian(rng, 1, size),
        tolerance=1e-6,
    )
    values, vectors = np.linalg.eigh(A)
    assert found.status == Ending.CONVERGED
    assert found.gradient_norm <= 1e-6
    assert -found.value == pytest.approx(values[-1], rel=1e-12)
    assert abs(np.vdot(vectors[:, -1], found.point[0])) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_circle_reaches_the_best_of_all_phases(size: int) -> None:
    rng = np.random.default_rng(10 + size)
    A = hermitian(rng, size)
    grid = np.exp(2j * np.pi * np.arange(48) / 48)
    points = np.array([(1.0, *x) for x in itertools.product(grid, repeat=size - 1)])
    best = np.einsum("pi,ij,pj->p", points.conj(), A, points).real.max()
    found = [
        minimise(
            lambda x: -float(np.vdot(x, A @ x).real),
            lambda x: -2.0 * A @ x,
            gaussian(rng, size, 1),
            tolerance=1e-6,
        )
        for _ in range(5)
    ]
    value = max(-f.value for f in found)
    assert value >= best
    assert value <= best + np.linalg.norm(A) * size * (np.pi / 48) ** 2
    np.testing.assert_allclose(np.abs(found[0].point), 1.0, rtol=1e-15)


@pytest.mark.filterwarnings("ignore")
def test_pymanopt_finds_the_same_minimum() -> None:
    rng = np.random.default_rng(4)
    root = gaussian(rng, 12, 12)
    A = root @ root.conj().T  # with rank 4 the semidefinite problem has no spurious minima
    start = on_manifold(rng, 12, 4)
    ours = minimise(
        lambda x: -float(np.vdot(x, A @ x).real), lambda x: -2.0 * A @ x, start, tolerance=1e-5
    )
    # pymanopt has no complex oblique manifold: its real one has unit columns, of length 2 r here.
    manifold = pymanopt.manifolds.Oblique(8, 12)

    def complexed(x: Real) -> Complex:
        return np.ascontiguousarray(x.T).view(complex)

    @pymanopt.function.numpy(manifold)
    def cost(x: Real) -> float:
        return -float(np.vdot(complexed(x), A @ complexed(x)).real)

    @pymanopt.function.numpy(manifold)
    def gradient(x: Real) -> Real:
        return np.ascontiguousarray(-2.0 * A @ complexed(x)).view(float).T

    problem = pymanopt.Problem(manifold, cost, euclidean_gradient=gradient)
    optimizer = pymanopt.optimizers.ConjugateGradient(verbosity=0, max_iterations=500)
    theirs = optimizer.run(problem, initial_point=start.view(float).T)
    assert ours.value == pytest.approx(theirs.cost, rel=1e-8)
    np.testing.assert_allclose(
        ours.point @ ours.point.conj().T,
        complexed(theirs.point) @ complexed(theirs.point).conj().T,
        atol=1e-3,
    )


def driven(A: Complex, start: Complex, divisor: Real) -> tuple[list[float], int, Complex]:
    """Minimise x^H A x with the reverse-communication functions, noting the accepted costs."""
    search = new_search(start.shape[0], 2 * start.shape[1])
    begin(search, np.ascontiguousarray(start).view(float), 1e-3, 2000)
    trial, point = search.trial.view(complex), search.point.view(complex)
    costs = []
    while search.counters[STATUS] == RUNNING:
        if accept(search, float(np.vdot(trial, A @ trial).real)):
            costs.append(search.scalars[VALUE])
            gradient = np.ascontiguousarray(2.0 * A @ point).view(float)
            if riemannian(search, gradient):
                descend(search, gradient / divisor[:, None])
    assert search.counters[STATUS] == CONVERGED
    return costs, int(search.counters[EVALUATIONS]), point.copy()


def test_the_cost_never_rises_and_a_preconditioner_saves_evaluations() -> None:
    rng = np.random.default_rng(5)
    size = np.exp(np.linspace(0.0, 4.0, 30))
    root = gaussian(rng, 30, 60)
    A = -np.sqrt(np.outer(size, size)) * (root @ root.conj().T) / 60
    start = on_manifold(rng, 30, 5)
    plain, plain_evaluations, _ = driven(A, start, np.ones(30))
    scaled, scaled_evaluations, point = driven(A, start, size)
    for costs in (plain, scaled):
        assert (np.diff(costs) <= 0.0).all()
    assert scaled[-1] == pytest.approx(plain[-1], rel=1e-6)
    assert scaled_evaluations < plain_evaluations
    np.testing.assert_allclose(np.linalg.norm(point, axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0, -1.0])
def test_a_broken_preconditioner_leaves_the_plain_gradient(broken: float) -> None:
    rng = np.random.default_rng(9)
    A, start = hermitian(rng, 9), on_manifold(rng, 9, 2)
    plain, _, _ = driven(A, start, np.ones(9))
    rescued, _, _ = driven(A, start, np.full(9, 1.0 / broken if broken else np.inf))
    assert (np.diff(rescued) <= 0.0).all()
    np.testing.assert_allclose(rescued[:5], plain[:5], rtol=1e-9)
    assert rescued[-1] == pytest.approx(plain[-1], rel=1e-6)


@njit(cache=False)
def smallest_form(A: Complex, start: Real, limit: int) -> tuple[float, int]:
    """The use in compiled code that the module describes."""
    search = new_search(*start.shape)
    begin(search, start, 1e-8, limit)
    trial, point = search.trial.view(np.complex128), search.point.view(np.complex128)
    while search.counters[STATUS] == RUNNING:
        value = (trial.conj() * np.dot(A, trial)).real.sum()
        if accept(search, value):
            advance(search, (2.0 * np.dot(A, point)).view(np.float64))
    return search.scalars[VALUE], search.counters[ITERATIONS]


def test_compiled_and_called_from_python_take_the_same_steps() -> None:
    rng = np.random.default_rng(6)
    A, start = hermitian(rng, 9), on_manifold(rng, 9, 2)
    value, iterations = smallest_form(A, start.view(float), 25)
    python = minimise(
        lambda x: float((x.conj() * (A @ x)).real.sum()),
        lambda x: 2.0 * A @ x,
        start,
        max_iterations=25,
    )
    assert iterations == python.iterations == 25
    assert python.status == Ending.ITERATION_LIMIT
    assert value == pytest.approx(python.value, rel=1e-9)


@pytest.mark.parametrize(("rows", "rank"), SHAPES)
def test_a_caller_may_choose_its_own_step_along_the_direction(rows: int, rank: int) -> None:
    rng = np.random.default_rng(8)
    A, start = hermitian(rng, rows), on_manifold(rng, rows, rank)
    slope = np.ascontiguousarray(2.0 * A @ start)
    searches = [new_search(rows, 2 * rank) for _ in range(2)]
    for search in searches:
        begin(search, start.view(float), 0.0, 5)
        assert accept(search, float(np.vdot(start, A @ start).real))
    advance(searches[0], slope.copy().view(float))
    assert turn(searches[1], slope.copy().view(float))
    proposed, direction = searches[1].scalars[STEP], searches[1].direction.view(complex)
    np.testing.assert_allclose(direction, -projected(start, slope), rtol=1e-12, atol=1e-12)
    for step in (proposed, 0.3):
        try_step(searches[1], step)
        assert searches[1].scalars[STEP] == step
        np.testing.assert_allclose(
            searches[1].trial.view(complex), retracted(start, direction, step), rtol=1e-12
        )
        if step == proposed:
            np.testing.assert_array_equal(searches[0].trial, searches[1].trial)
    searches[1].counters[STATUS] = RUNNING
    assert not turn(searches[1], np.zeros((rows, 2 * rank)))
    assert searches[1].counters[STATUS] == CONVERGED


def test_a_search_can_be_resumed() -> None:
    rng = np.random.default_rng(7)
    A, start = hermitian(rng, 8), on_manifold(rng, 8, 2)
    search = new_search(8, 4)
    begin(search, start.view(float), 1e-6, 5)
    trial, point = search.trial.view(complex), search.point.view(complex)
    costs = []
    for _ in range(40):
        while search.counters[STATUS] == RUNNING:
            if accept(search, float(np.vdot(trial, A @ trial).real)):
                advance(search, np.ascontiguousarray(2.0 * A @ point).view(float))
        costs.append(search.scalars[VALUE])
        resume(search, 1e-6, 5)
    whole = minimise(
        lambda x: float(np.vdot(x, A @ x).real), lambda x: 2.0 * A @ x, start, tolerance=1e-6
    )
    assert (np.diff(costs) <= 1e-12).all()
    assert costs[-1] == pytest.approx(whole.value, rel=1e-6)


def test_what_stops_a_search_is_said() -> None:
    start = np.ones((2, 1), complex)
    nothing = minimise(lambda x: 0.0, lambda x: np.zeros_like(x), start)
    assert (nothing.status, nothing.iterations) == (Ending.CONVERGED, 0)
    assert minimise(lambda x: np.nan, lambda x: x, start).status == Ending.NOT_FINITE
    assert minimise(lambda x: 0.0, lambda x: np.nan * x, start).status == Ending.NOT_FINITE
    # A gradient of the wrong sign promises a decrease that does not come.
    wrong = minimise(lambda x: float(x.sum().real), lambda x: -np.ones_like(x), 1j * start)
    assert wrong.status == Ending.NO_DECREASE


@pytest.mark.parametrize("start", [np.ones(3), np.zeros((2, 2)), np.full((2, 2), np.nan)])
def test_bad_starts_are_refused(start: Complex) -> None:
    with pytest.raises(ValueError, match="start"):
        minimise(lambda x: 0.0, lambda x: x, start)
