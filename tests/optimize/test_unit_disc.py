"""Quadratic forms over the unit disc: certificates, closed forms, other solvers, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.reference.unit_disc import (
    solve_unit_disc_cvxpy,
    solve_unit_disc_ellipsoid,
    solve_unit_disc_projected,
)
from irsrepro.optimize.result import SolverError
from irsrepro.optimize.unit_disc.circle import circle_sweep
from irsrepro.optimize.unit_disc.dense import (
    coordinate_sweep,
    dual_newton,
    solve_unit_disc,
    workspace,
)
from irsrepro.optimize.unit_disc.ellipsoid import dual_ellipsoid

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def random_form(rng: np.random.Generator, size: int) -> tuple[Complex, Complex]:
    root = gaussian(rng, size, size)
    return root.conj().T @ root + 0.01 * np.eye(size), gaussian(rng, size) * np.sqrt(size)


def pairs_form(rng: np.random.Generator, size: int) -> tuple[Complex, Complex]:
    """A and u of he2020, eq. (25), for pairs at 35 dB of which some drown in interference."""
    pairs = 6
    incoming, outgoing = gaussian(rng, pairs, size), gaussian(rng, pairs, size)
    responses = incoming[:, None, :] * outgoing.conj()
    direct = gaussian(rng, pairs) * size
    sinr = 10 ** rng.uniform(-3, 3, pairs)
    beta = np.sqrt((1 + sinr) / 2) / (direct.conj() * (1 + 1 / sinr))
    matrix = np.einsum("k,ikm,ikn->mn", np.abs(beta) ** 2, responses, responses.conj())
    matrix += 10**-3.5 * np.diag(np.abs(beta) ** 2 @ np.abs(outgoing) ** 2)
    linear = np.einsum("k,kkn->n", np.sqrt((1 + sinr) / 2) * beta.conj(), responses)
    return matrix, linear


def objective(matrix: Complex, linear: Complex, vector: Complex) -> float:
    return float(np.vdot(vector, 2 * linear - matrix @ vector).real)


def dual(matrix: Complex, linear: Complex, multipliers: Real) -> float:
    point = np.linalg.solve(matrix + np.diag(multipliers), linear)
    return float(np.vdot(linear, point).real + multipliers.sum())


FORMS = [(random_form, size) for size in (2, 5, 16, 64)] + [
    (pairs_form, size) for size in (8, 16, 32)
]


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0].__name__}-{form[1]}")
def form(request: pytest.FixtureRequest) -> tuple[Complex, Complex]:
    make, size = request.param
    problem: tuple[Complex, Complex] = make(np.random.default_rng(1), size)
    return problem


def test_one_element_has_a_closed_form() -> None:
    rng = np.random.default_rng(0)
    curvature, linear = rng.exponential(size=50), gaussian(rng, 50)
    solution = solve_unit_disc(curvature[:, None, None].astype(complex), linear[:, None])
    expected = linear / np.maximum(curvature, np.abs(linear))
    np.testing.assert_allclose(solution.vector[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(
        solution.multipliers[:, 0], np.maximum(0, np.abs(linear) - curvature), atol=1e-9
    )


def test_a_diagonal_form_separates() -> None:
    rng = np.random.default_rng(1)
    diagonal = 10 ** rng.uniform(-6, 3, (20, 16))
    linear = gaussian(rng, 20, 16) * (rng.random((20, 16)) < 0.8)
    solution = solve_unit_disc((diagonal[:, :, None] * np.eye(16)).astype(complex), linear)
    expected = linear / np.maximum(diagonal, np.abs(linear))
    np.testing.assert_allclose(solution.vector, expected, atol=1e-7)
    assert solution.converged.all()


def test_two_elements_match_an_exhaustive_search() -> None:
    """The second element has a closed form given the first, which a fine grid covers."""
    rng = np.random.default_rng(2)
    radii, angles = np.linspace(0, 1, 301), np.linspace(0, 2 * np.pi, 720, endpoint=False)
    first = (radii[:, None] * np.exp(1j * angles)).ravel()
    for _ in range(8):
        matrix, linear = random_form(rng, 2)
        rest = linear[1] - matrix[1, 0] * first
        second = rest / np.maximum(matrix[1, 1].real, np.abs(rest))
        grid = np.stack([first, second])
        values = (grid.conj() * (2 * linear[:, None] - matrix @ grid)).real.sum(axis=0)
        value = solve_unit_disc(matrix[None], linear[None]).value[0]
        assert values.max() - 1e-9 <= value <= values.max() + 1e-3 * abs(value)


def test_an_optimum_inside_needs_no_multipliers() -> None:
    rng = np.random.default_rng(3)
    matrix, _ = random_form(rng, 8)
    inside = 0.5 * gaussian(rng, 8) / 3
    solution = solve_unit_disc(matrix[None], (matrix @ inside)[None])
    np.testing.assert_allclose(solution.vector[0], inside, atol=1e-4)
    assert not solution.multipliers.any()


def test_kkt_conditions_and_certificate_hold(form: tuple[Complex, Complex]) -> None:
    matrix, linear = form
    solution = solve_unit_disc(matrix[None], linear[None], tolerance=1e-13)
    x, multipliers = solution.vector[0], solution.multipliers[0]
    assert solution.converged.all()
    assert (np.abs(x) <= 1 + 1e-15).all()
    assert (multipliers >= 0).all()
    size = np.abs(linear).max() + np.abs(matrix).max()
    np.testing.assert_allclose((matrix @ x) + multipliers * x, linear, atol=1e-6 * size)
    np.testing.assert_allclose(multipliers * (1 - np.abs(x)), 0, atol=1e-9 * size)
    value, bound = objective(matrix, linear, x), dual(matrix, linear, multipliers)
    assert solution.value[0] == pytest.approx(value, rel=1e-11)
    assert (bound - value) / bound == pytest.approx(solution.residual[0], abs=1e-11)


def test_a_cone_solver_agrees(form: tuple[Complex, Complex]) -> None:
    matrix, linear = form
    other = objective(matrix, linear, solve_unit_disc_cvxpy(matrix, linear))
    ours = solve_unit_disc(matrix[None], linear[None]).value[0]
    assert other == pytest.approx(ours, rel=1e-8)


def test_projected_gradients_agree(form: tuple[Complex, Complex]) -> None:
    matrix, linear = form
    other = objective(matrix, linear, solve_unit_disc_projected(matrix, linear))
    ours = solve_unit_disc(matrix[None], linear[None]).value[0]
    assert other == pytest.approx(ours, rel=1e-5)


def test_projected_gradients_that_do_not_arrive_say_so() -> None:
    matrix, linear = random_form(np.random.default_rng(8), 16)
    with pytest.raises(SolverError, match="gap"):
        solve_unit_disc_projected(matrix, linear, max_iterations=2)


@pytest.mark.parametrize(
    ("make", "size"), [(random_form, 1), (random_form, 4), (pairs_form, 4), (pairs_form, 10)]
)
def test_the_ellipsoid_method_agrees_to_its_accuracy(make: type, size: int) -> None:
    matrix, linear = make(np.random.default_rng(7), size)
    exact = solve_unit_disc(matrix[None], linear[None]).value[0]
    vector, multipliers, steps = solve_unit_disc_ellipsoid(matrix, linear, accuracy=1e-6)
    assert steps < 200_000
    assert objective(matrix, linear, vector) == pytest.approx(exact, rel=1e-6)
    assert dual(matrix, linear, multipliers) == pytest.approx(exact, rel=1e-6)
    assert (np.abs(vector) <= 1 + 1e-15).all()
    assert (multipliers >= 0).all()
    compiled = np.zeros(size, complex)
    gap, cuts = dual_ellipsoid(matrix, linear, compiled, 1e-6, 200_000, workspace(size))
    assert gap <= 1e-6 and cuts <= 2 + 1.05 * steps
    assert objective(matrix, linear, compiled) == pytest.approx(exact, rel=1e-6)
    assert (np.abs(compiled) <= 1 + 1e-15).all()


def test_the_first_ball_of_the_ellipsoid_method_contains_the_optimum(
    form: tuple[Complex, Complex],
) -> None:
    matrix, linear = form
    multipliers = solve_unit_disc(matrix[None], linear[None]).multipliers[0]
    assert multipliers.sum() <= np.abs(linear).sum() * (1 + 1e-9)


def batch() -> tuple[Complex, Complex]:
    rng = np.random.default_rng(11)
    forms = [(pairs_form if r % 2 else random_form)(rng, 9) for r in range(12)]
    return np.array([matrix for matrix, _ in forms]), np.array([linear for _, linear in forms])


def test_a_realisation_does_not_depend_on_its_batch() -> None:
    matrix, linear = batch()
    whole = solve_unit_disc(matrix, linear)
    order = np.random.default_rng(0).permutation(len(matrix))
    shuffled = solve_unit_disc(matrix[order], linear[order])
    for name in ("vector", "multipliers", "value", "residual", "iterations"):
        np.testing.assert_array_equal(getattr(shuffled, name), getattr(whole, name)[order])
        for r in range(len(matrix)):
            single = solve_unit_disc(matrix[r : r + 1], linear[r : r + 1])
            np.testing.assert_array_equal(getattr(single, name)[0], getattr(whole, name)[r])


@pytest.mark.parametrize("unit", [1e-24, 1e-12, 1e12])
def test_the_unit_of_the_data_does_not_matter(unit: float) -> None:
    matrix, linear = batch()
    plain, scaled = solve_unit_disc(matrix, linear), solve_unit_disc(unit * matrix, unit * linear)
    np.testing.assert_allclose(scaled.vector, plain.vector, atol=1e-4)
    np.testing.assert_allclose(scaled.value, unit * plain.value, rtol=1e-9)
    np.testing.assert_allclose(scaled.multipliers, unit * plain.multipliers, rtol=1e-3)


def test_nothing_to_maximise_gives_nothing() -> None:
    solution = solve_unit_disc(np.eye(3, dtype=complex)[None], np.zeros((1, 3), complex))
    assert not solution.vector.any()
    assert solution.converged.all()


def test_a_max_iterations_is_reported() -> None:
    matrix, linear = pairs_form(np.random.default_rng(1), 16)
    solution = solve_unit_disc(matrix[None], linear[None], max_iterations=1)
    exact = solve_unit_disc(matrix[None], linear[None])
    assert not solution.converged[0]
    assert solution.iterations[0] == 1
    bound = dual(matrix, linear, solution.multipliers[0])
    assert solution.value[0] < exact.value[0] < bound
    assert solution.residual[0] == pytest.approx((bound - solution.value[0]) / bound, rel=1e-6)


def test_a_step_is_the_newton_step_of_the_dual() -> None:
    """Against the explicit Hessian 2 Re(conj(x_m) G_mn x_n), all multipliers staying positive."""
    rng = np.random.default_rng(5)
    matrix, _ = random_form(rng, 6)
    optimum = np.exp(2j * np.pi * rng.random(6))
    multipliers = rng.uniform(1, 2, 6)
    linear = matrix @ optimum + multipliers * optimum
    start = multipliers * rng.uniform(0.9, 1.1, 6)
    inverse = np.linalg.inv(matrix + np.diag(start))
    point = inverse @ linear
    hessian = 2 * (point.conj()[:, None] * inverse * point).real
    expected = start - np.linalg.solve(hessian, 1 - np.abs(point) ** 2)
    after = start.copy()
    dual_newton(matrix, linear, np.zeros(6, complex), after, 0.0, 1, workspace(6))
    np.testing.assert_allclose(after, expected, rtol=1e-10)


def test_a_warm_start_at_the_solution_takes_no_step() -> None:
    matrix, linear = pairs_form(np.random.default_rng(6), 16)
    solution = solve_unit_disc(matrix[None], linear[None])
    vector, multipliers = np.zeros(16, complex), solution.multipliers[0].copy()
    _, gap, steps = dual_newton(matrix, linear, vector, multipliers, 1e-9, 50, workspace(16))
    assert steps == 0
    assert gap <= 1e-9
    np.testing.assert_allclose(vector, solution.vector[0], atol=1e-9)


def test_a_bad_warm_start_is_overcome() -> None:
    """Multipliers of another problem, also on elements that this one leaves at zero."""
    rng = np.random.default_rng(8)
    for _ in range(50):
        matrix, linear = pairs_form(rng, 12)
        matrix[:4, 4:] = matrix[4:, :4] = linear[:4] = 0
        multipliers = 10 ** rng.uniform(-6, 6, 12)
        vector = np.zeros(12, complex)
        dual_value, gap, _ = dual_newton(
            matrix, linear, vector, multipliers, 1e-10, 200, workspace(12)
        )
        assert gap <= 1e-10
        assert objective(matrix, linear, vector) == pytest.approx(dual_value, rel=1e-9)


def test_a_form_that_is_not_definite_leaves_the_vector() -> None:
    vector, multipliers = np.full(2, 0.5 + 0j), np.zeros(2)
    matrix = -np.eye(2, dtype=complex)
    _, gap, _ = dual_newton(
        matrix, np.ones(2, complex), vector, multipliers, 1e-10, 9, workspace(2)
    )
    assert np.isinf(gap)
    np.testing.assert_array_equal(vector, 0.5)


def test_a_sweep_maximises_one_element_after_the_other() -> None:
    matrix, linear = pairs_form(np.random.default_rng(9), 10)
    vector = np.exp(2j * np.pi * np.random.default_rng(10).random(10))
    expected = vector.copy()
    for n in range(10):
        others = np.delete(matrix[n], n) @ np.delete(expected, n)
        z = linear[n] - others
        expected[n] = z / max(matrix[n, n].real, abs(z))
    coordinate_sweep(matrix, linear, vector)
    np.testing.assert_allclose(vector, expected, rtol=1e-10)


def test_sweeps_rise_to_the_optimum_and_stay_there() -> None:
    matrix, linear = random_form(np.random.default_rng(12), 6)
    vector = np.zeros(6, complex)
    values = [0.0]
    for _ in range(3000):
        coordinate_sweep(matrix, linear, vector)
        values.append(objective(matrix, linear, vector))
    assert np.diff(values).min() >= -1e-13 * values[-1]
    assert values[-1] == pytest.approx(solve_unit_disc(matrix[None], linear[None]).value[0], 1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_sweeps_of_the_circle_rise_to_the_best_of_an_exhaustive_search(seed: int) -> None:
    """Two elements have several local maxima: from a grid of starts one meets the best."""
    matrix, linear = random_form(np.random.default_rng(seed), 2)
    phases = 2 * np.pi * np.arange(720) / 720
    grid = np.exp(1j * np.stack(np.meshgrid(phases, phases), axis=-1).reshape(-1, 2))
    best = (2 * grid.conj() @ linear - (grid.conj() @ matrix * grid).sum(axis=1)).real.max()
    reached = []
    for start in np.exp(2j * np.pi * np.arange(8) / 8):
        vector = np.array([1.0, start])
        values = [objective(matrix, linear, vector)]
        for _ in range(500):
            circle_sweep(matrix, linear, vector)
            values.append(objective(matrix, linear, vector))
        assert np.diff(values).min() >= -1e-13 * max(map(abs, values))
        np.testing.assert_allclose(np.abs(vector), 1, atol=1e-15)
        torque = (vector.conj() * (linear - matrix @ vector)).imag
        assert np.abs(torque).max() <= 1e-6 * np.abs(linear).sum()
        reached.append(values[-1])
    assert max(reached) == pytest.approx(best, abs=1e-3 * np.abs(linear).sum())
    assert max(reached) <= solve_unit_disc(matrix[None], linear[None]).value[0]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 24),
    decades=st.floats(0, 12),
    strength=st.floats(-4, 4),
    spread=st.floats(0, 3),
    silent=st.booleans(),
)
def test_any_conditioning_is_solved(
    seed: int, size: int, decades: float, strength: float, spread: float, silent: bool
) -> None:
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(gaussian(rng, size, size))[0]
    matrix = (basis * 10 ** rng.uniform(-decades, 0, size)) @ basis.conj().T
    matrix = (matrix + matrix.conj().T) / 2 + 1e-13 * np.eye(size)
    linear = gaussian(rng, size) * 10 ** (strength + rng.uniform(-spread, spread, size))
    if silent:
        linear[rng.integers(size)] = 0
    solution = solve_unit_disc(matrix[None], linear[None])
    assert solution.converged.all()
    assert (np.abs(solution.vector) <= 1 + 1e-15).all()
    bound = dual(matrix, linear, solution.multipliers[0])
    assert bound >= solution.value[0] - 1e-6 * bound
    assert solution.value[0] >= bound * (1 - 1e-6)


EYE, ONE = np.eye(3, dtype=complex)[None], np.ones((1, 3), complex)


@pytest.mark.parametrize(
    ("matrix", "linear", "message"),
    [
        (EYE, np.ones((1, 4), complex), r"must be \(R, N, N\) and \(R, N\)"),
        (EYE[0], ONE[0], r"must be \(R, N, N\) and \(R, N\)"),
        (np.zeros((2, 0, 0)), np.zeros((2, 0)), "N >= 1"),
        (EYE * np.nan, ONE, "must be finite"),
        (EYE, np.full((1, 3), np.inf + 0j), "must be finite"),
        (EYE + np.triu(np.ones((3, 3)), 1), ONE, "realisation 0 is not Hermitian"),
        (np.concatenate([EYE, -EYE]), np.tile(ONE, (2, 1)), "realisation 1 is not positive"),
        (np.ones((1, 3, 3)) + 0j, ONE, "realisation 0 is not positive definite"),
        (0 * EYE, ONE, "not positive definite"),
    ],
)
def test_bad_arguments_raise_one_clear_line(matrix: Complex, linear: Complex, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        solve_unit_disc(matrix, linear)
    assert "\n" not in str(caught.value)
