"""Unit-diagonal semidefinite programs: closed forms, cvxpy, dual certificates checked afresh."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.reference import sdp as reference_sdp
from irsrepro.optimize.reference.low_rank import relax_low_rank
from irsrepro.optimize.reference.sdp import (
    bisect_ratio_cvxpy,
    feasible_at_cvxpy,
    solve_diagonal_sdp_cvxpy,
)
from irsrepro.optimize.sdp import solver
from irsrepro.optimize.sdp.problem import (
    MaxMinProblem,
    factor_matrices,
    norm_problem,
    scale_instance,
)
from irsrepro.optimize.sdp.problem import sinr_problem as of_sinrs
from irsrepro.optimize.sdp.solver import DiagonalSdpSolution, Method, solve_diagonal_sdp

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

METHODS: list[Method] = ["interior", "low rank"]


def linear_problem(
    rng: np.random.Generator, size: int, users: int, width: int, count: int = 1, psd: bool = False
) -> MaxMinProblem:
    weights = rng.standard_normal((count, users, width))
    return MaxMinProblem(
        gaussian(rng, count, size, width),
        np.abs(weights) if psd else weights,
        rng.standard_normal((count, users)),
    )


def sinr_problem(
    rng: np.random.Generator, size: int, users: int, count: int = 1, snr: float = 1.0
) -> MaxMinProblem:
    """Every user has one column of its own signal and one for each interferer."""
    own = np.eye(users)
    signal = np.zeros((users, users, users))
    signal[np.arange(users), np.arange(users)] = own
    other = np.zeros((users, users, users))
    other[np.arange(users), np.arange(users)] = 1.0 - own
    gain = snr / size
    return MaxMinProblem(
        gaussian(rng, count, size, users * users),
        np.tile(gain * signal.reshape(users, -1), (count, 1, 1)),
        np.zeros((count, users)),
        np.tile(gain * other.reshape(users, -1), (count, 1, 1)),
        np.ones((count, users)),
    )


def certify(problem: MaxMinProblem, solution: DiagonalSdpSolution, tolerance: float) -> None:
    """Check everything a solution claims, by NumPy and the formulas of its documentation alone."""
    factor = solution.factor
    np.testing.assert_allclose(np.linalg.norm(factor, axis=2), 1.0, rtol=1e-14)
    matrix = solution.matrix
    assert np.linalg.eigvalsh(matrix).min() > -1e-12 * matrix.shape[1]
    for r in range(len(matrix)):
        F, SN, n, SD, d = problem.parts(r)
        N = np.einsum("ia,ka,ja->kij", F, SN, F.conj())
        D = np.einsum("ia,ka,ja->kij", F, SD, F.conj())
        ratios = (np.einsum("kij,ji->k", N, matrix[r]).real + n) / (
            np.einsum("kij,ji->k", D, matrix[r]).real + d
        )
        size = np.abs(np.einsum("kij,ji->k", N, matrix[r])).max() + np.abs(n).max()
        assert solution.value[r] == pytest.approx(ratios.min(), rel=1e-9, abs=1e-9 * size)
        u, w, y = solution.upper_bound[r], solution.multipliers[r], solution.diagonal[r]
        assert solution.value[r] <= u
        assert (w >= 0.0).all()
        assert w.sum() == pytest.approx(1.0)
        Z = np.diag(y) - np.einsum("k,kij->ij", w, N - u * D)
        assert np.linalg.eigvalsh(Z).min() > -1e-11 * np.abs(Z).max()
        terms = np.concatenate([y, w * n, -u * w * d])
        assert terms.sum() <= 1e-10 * np.abs(terms).sum()
        if solution.converged[r]:
            scale = np.abs(SN) @ (np.abs(F) ** 2).sum(axis=0) / (SD @ (np.abs(F) ** 2).sum(0) + d)
            assert u - solution.value[r] <= tolerance * 1.001 * max(
                abs(solution.value[r]), 1e-2 * scale.max()
            )


@pytest.mark.parametrize("method", METHODS)
def test_one_user_with_one_column_aligns_all_phases(method: Method) -> None:
    rng = np.random.default_rng(0)
    columns = gaussian(rng, 4, 9, 1)
    problem = MaxMinProblem(columns, np.ones((4, 1, 1)), np.zeros((4, 1)))
    solution = solve_diagonal_sdp(problem, method=method, tolerance=1e-6)
    expected = np.abs(columns[..., 0]).sum(axis=1) ** 2
    assert solution.converged.all()
    np.testing.assert_allclose(solution.value, expected, rtol=1e-6)
    np.testing.assert_allclose(solution.upper_bound, expected, rtol=1e-6)
    phases = columns[..., 0] / np.abs(columns[..., 0])
    matrix = phases[:, :, None] * phases[:, None].conj()
    np.testing.assert_allclose(solution.matrix, matrix, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_two_elements_and_one_user_have_a_closed_form(method: Method) -> None:
    """tr(C V) = C_11 + C_22 + 2 Re(C_21 V_12) is largest at |V_12| = 1."""
    rng = np.random.default_rng(1)
    C = gaussian(rng, 20, 1, 2, 2)
    C = C + C.conj().swapaxes(2, 3)
    constants = rng.standard_normal((20, 1))
    solution = solve_diagonal_sdp(
        MaxMinProblem(*factor_matrices(C), constants), method=method, tolerance=1e-7
    )
    expected = np.trace(C[:, 0], axis1=1, axis2=2).real + 2 * np.abs(C[:, 0, 0, 1])
    np.testing.assert_allclose(solution.value, expected + constants[:, 0], atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_two_elements_and_two_users_with_opposite_wishes_share(method: Method) -> None:
    """Users that want V_12 = 1 and -1: the real part of V_12 vanishes."""
    C = np.array([[[[0.0, 1.0], [1.0, 0.0]], [[0.0, -1.0], [-1.0, 0.0]]]])
    problem = MaxMinProblem(*factor_matrices(C), np.array([[3.0, 3.0]]))
    solution = solve_diagonal_sdp(problem, method=method, tolerance=1e-6)
    assert solution.value[0] == pytest.approx(3.0, rel=1e-6)
    np.testing.assert_allclose(solution.matrix[0].real, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(solution.multipliers[0], 0.5, atol=1e-3)
    certify(problem, solution, 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_ratio_without_interference_is_a_linear_problem(method: Method) -> None:
    rng = np.random.default_rng(2)
    problem = linear_problem(rng, 8, 3, 6, count=3, psd=True)
    noise = rng.uniform(0.5, 2.0, (3, 3))
    ratio = MaxMinProblem(
        problem.columns,
        problem.weights,
        np.zeros((3, 3)),
        np.zeros_like(problem.weights),
        noise,
    )
    line = MaxMinProblem(problem.columns, problem.weights / noise[:, :, None], np.zeros((3, 3)))
    a, b = (solve_diagonal_sdp(p, method=method, tolerance=1e-5) for p in (ratio, line))
    np.testing.assert_allclose(a.value, b.value, rtol=2e-5)
    certify(ratio, a, 1e-5)


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 10),
    users=st.integers(1, 5),
    width=st.integers(1, 12),
    ratio=st.booleans(),
    psd=st.booleans(),
    share=st.sampled_from([0.3, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_both_methods_certify_and_agree_on_any_ranks_and_signs(
    seed: int, size: int, users: int, width: int, ratio: bool, psd: bool, share: float
) -> None:
    """Also where users have a weight for a share of the columns only."""
    rng = np.random.default_rng(seed)
    problem = linear_problem(rng, size, users, width, psd=psd or ratio)
    used = rng.uniform(size=problem.weights.shape) <= share
    problem = replace(problem, weights=problem.weights * used)
    if ratio:
        problem = MaxMinProblem(
            problem.columns,
            problem.weights,
            np.abs(problem.constants),
            rng.uniform(0.0, 1.0, problem.weights.shape) * used,
            rng.uniform(0.5, 5.0, problem.constants.shape),
        )
    inner, low = (solve_diagonal_sdp(problem, method=method) for method in METHODS)
    assert inner.converged.all()
    for solution in (inner, low):
        certify(problem, solution, 1e-4)
    # A bound of one method holds for the matrix of the other.
    slack = 1e-9 * (abs(inner.upper_bound[0]) + 1.0)
    assert inner.value[0] <= low.upper_bound[0] + slack
    assert low.value[0] <= inner.upper_bound[0] + slack


@pytest.mark.parametrize("snr", [1.0, 100.0, 1e4])
def test_sinr_problems_of_any_snr_converge_and_agree_with_automatic_choice(snr: float) -> None:
    problem = sinr_problem(np.random.default_rng(3), 20, 4, count=4, snr=snr)
    inner = solve_diagonal_sdp(problem, method="interior")
    auto = solve_diagonal_sdp(problem, start=np.ones((4, 20, 2), complex))
    for solution in (inner, auto):
        assert solution.converged.all()
        certify(problem, solution, 1e-4)
    np.testing.assert_allclose(inner.value, auto.value, rtol=2e-4)


@pytest.mark.parametrize("rounds", [0, 5])
@pytest.mark.parametrize("snr", [1.0, 100.0, 1e4])
@pytest.mark.parametrize("size", [20, 48])  # 16 columns: dense and thin slacks
def test_dual_scaling_proves_what_low_rank_has_begun(
    monkeypatch: pytest.MonkeyPatch, size: int, snr: float, rounds: int
) -> None:
    monkeypatch.setattr(solver, "EARLY_ROUNDS", rounds)
    problem = sinr_problem(np.random.default_rng(6), size, 4, count=3, snr=snr)
    helped = solve_diagonal_sdp(problem, method="low rank", tolerance=1e-3)
    assert helped.converged.all()
    certify(problem, helped, 1e-3)
    inner = solve_diagonal_sdp(problem, method="interior", tolerance=1e-5)
    assert (inner.value <= helped.upper_bound * (1 + 1e-9)).all()
    np.testing.assert_allclose(helped.value, inner.value, rtol=1.1e-3)
    assert (np.abs(helped.factor).max(axis=1) > 0.0).sum(axis=1).max() <= 12


@pytest.mark.parametrize("snr", [1.0, 100.0, 1e4])
def test_what_the_interior_method_finds_is_brought_to_few_columns(
    monkeypatch: pytest.MonkeyPatch, snr: float
) -> None:
    """With the same certificate, and no less than the tolerance below the point of full rank."""
    problem = sinr_problem(np.random.default_rng(8), 60, 4, count=2, snr=snr)
    few = solve_diagonal_sdp(problem, method="interior", tolerance=1e-3)
    assert few.converged.all()
    certify(problem, few, 1e-3)
    assert (np.abs(few.factor).max(axis=1) > 0.0).sum(axis=1).max() <= 12
    monkeypatch.setattr(solver, "SMALL", 60)
    whole = solve_diagonal_sdp(problem, method="interior", tolerance=1e-3)
    assert (np.abs(whole.factor).max(axis=1) > 0.0).sum(axis=1).min() > 12
    np.testing.assert_allclose(few.value, whole.value, rtol=1e-3)
    assert (few.upper_bound <= whole.upper_bound).all()
    monkeypatch.setattr(solver, "SMALL", 48)
    monkeypatch.setattr(solver, "_LARGEST_RANK", 1)  # which does not get there
    again = solve_diagonal_sdp(problem, method="interior", tolerance=1e-3)
    assert np.array_equal(again.factor, whole.factor) and again.converged.all()


@pytest.mark.parametrize("seed", range(3))
def test_dual_scaling_gives_nothing_away_where_few_columns_are_allowed(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """One column holds less than what the low-rank method had reached, which then stays."""
    problem = sinr_problem(np.random.default_rng(seed), 20, 4, snr=100.0)
    scaled, start = scale_instance(problem, 0), np.ones((20, 4), complex)
    low_rank = solver._low_rank(scaled, start, 1e-3, 12, 20)
    monkeypatch.setattr(solver, "_LARGEST_RANK", 1)
    outcome = solver._run_dual_scaling(scaled, low_rank, 1e-3, 5, 20)[0]
    assert outcome.value >= low_rank.value


def test_both_methods_agree_with_cvxpy_on_linear_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, size in enumerate((4, 7, 10)):
        problem = linear_problem(np.random.default_rng(seed), size, 3, 5)
        reference = solve_diagonal_sdp_cvxpy(problem)
        for method in METHODS:
            solution = solve_diagonal_sdp(problem, method=method, tolerance=1e-5)
            assert solution.value[0] == pytest.approx(reference.value, rel=2e-5)
            assert reference.value <= solution.upper_bound[0] * (1 + 1e-9)
        data = problem.columns[0], problem.weights[0], problem.constants[0]
        _, reported = reference_sdp._maximise_smallest(*data)
        assert reported == pytest.approx(reference.value, rel=1e-6)
        assert reference.bound == pytest.approx(reference.value, rel=1e-6)
    monkeypatch.setattr(reference_sdp, "_ATTEMPTS", reference_sdp._ATTEMPTS[1:])
    first_order = solve_diagonal_sdp_cvxpy(problem)
    assert first_order.value == pytest.approx(reference.value, rel=1e-4)


def test_ratios_agree_with_bisection_in_cvxpy() -> None:
    problem = sinr_problem(np.random.default_rng(4), 6, 3)
    solution = solve_diagonal_sdp(problem, tolerance=1e-6)
    reference = bisect_ratio_cvxpy(problem)
    assert reference.value == pytest.approx(solution.value[0], rel=2e-3)
    assert reference.value <= solution.upper_bound[0]
    assert reference.value <= reference.bound <= reference.value * (1 + 1.1e-3)
    assert reference.solves > 5


def test_feasibility_is_a_value_of_one_and_targets_out_of_reach_are_never_met() -> None:
    """yu2020, eq. (6): every target gamma_k goes into its user's denominator."""
    problem = sinr_problem(np.random.default_rng(5), 6, 3)
    assert problem.denominator_weights is not None
    assert problem.denominator_constants is not None
    reach = solve_diagonal_sdp(problem, tolerance=1e-6)
    for share, possible in ((0.99, True), (1.01, False), (10.0, False)):
        target = share * reach.value[0]
        scaled = MaxMinProblem(
            problem.columns,
            problem.weights,
            problem.constants,
            target * problem.denominator_weights,
            target * problem.denominator_constants,
        )
        for method in METHODS:
            solution = solve_diagonal_sdp(scaled, method=method)
            assert (solution.value[0] >= 1.0) == possible
            assert (solution.upper_bound[0] < 1.0) == (not possible)
            met = (scaled.values(solution.factor) >= 1.0).all()
            assert met == possible
        found = feasible_at_cvxpy(problem, target)
        assert (found is not None) == possible
        assert found is None or found.value >= target * (1 - 1e-5)


def test_the_reference_sees_through_false_feasibility() -> None:
    """A matrix with a negative eigenvalue shows an SINR that its projection does not have."""
    # The user's interference f^H V f vanishes only beyond the semidefinite cone.
    columns = np.array([[[1.0, 1.0], [1.0, -1.0]]], dtype=complex)
    own, other = np.array([[[1.0, 0.0]]]), np.array([[[0.0, 1.0]]])
    problem = MaxMinProblem(columns, own, np.zeros((1, 1)), other, np.full((1, 1), 0.1))
    fake = np.array([[1.0, 1.02], [1.02, 1.0]], dtype=complex)
    signal, interference = (
        float((columns[0, :, a].conj() @ fake @ columns[0, :, a]).real) for a in (0, 1)
    )
    assert signal / (interference + 0.1) > 60.0
    solution = solve_diagonal_sdp(problem)
    assert solution.value[0] == pytest.approx(40.0, rel=1e-4)
    assert solution.upper_bound[0] < 40.1
    projected = reference_sdp.project_to_unit_diagonal(fake)
    assert np.linalg.eigvalsh(projected).min() > -1e-12
    np.testing.assert_allclose(np.diag(projected).real, 1.0)
    np.testing.assert_allclose(projected, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_gains_of_any_size_give_the_same_answer(method: Method) -> None:
    rng = np.random.default_rng(6)
    problem, sinr = linear_problem(rng, 12, 3, 6), sinr_problem(rng, 12, 3)
    assert sinr.denominator_weights is not None
    assert sinr.denominator_constants is not None
    plain = solve_diagonal_sdp(problem, method=method)
    ratio = solve_diagonal_sdp(sinr, method=method)
    for gain in (1e-12, 2.0**-40, 1e9):
        small = MaxMinProblem(problem.columns, gain * problem.weights, gain * problem.constants)
        scaled = solve_diagonal_sdp(small, method=method)
        assert scaled.converged.all()
        np.testing.assert_allclose(scaled.value, gain * plain.value, rtol=2e-4)
        certify(small, scaled, 1e-4)
        faint = MaxMinProblem(
            np.sqrt(gain) * sinr.columns,
            sinr.weights,
            sinr.constants,
            sinr.denominator_weights,
            gain * sinr.denominator_constants,
        )
        same = solve_diagonal_sdp(faint, method=method)
        np.testing.assert_allclose(same.value, ratio.value, rtol=2e-4)
        if gain == 2.0**-40:  # powers of two are divided out without rounding
            np.testing.assert_array_equal(scaled.factor, plain.factor)
            np.testing.assert_array_equal(same.factor, ratio.factor)


@pytest.mark.parametrize("method", METHODS)
def test_users_of_very_different_gain(method: Method) -> None:
    rng = np.random.default_rng(7)
    problem = linear_problem(rng, 10, 4, 8, psd=True)
    gains = np.array([1e-10, 1e-10, 1e-7, 1.0])
    uneven = MaxMinProblem(
        problem.columns, problem.weights * gains[:, None], np.zeros_like(problem.constants)
    )
    solution = solve_diagonal_sdp(uneven, method=method)
    assert solution.converged.all()
    certify(uneven, solution, 1e-4)


@pytest.mark.parametrize("method", ["interior", "low rank", "auto"])
@pytest.mark.parametrize("kind", ["linear", "ratio"])
def test_a_realisation_does_not_depend_on_its_batch(method: Method, kind: str) -> None:
    rng = np.random.default_rng(8)
    make = linear_problem(rng, 50, 3, 7, count=4) if kind == "linear" else None
    problem = make or sinr_problem(rng, 50, 3, count=4)

    def fields(solution: DiagonalSdpSolution, r: int) -> list[object]:
        return [np.asarray(value)[r].tobytes() for value in vars(solution).values()]

    whole = solve_diagonal_sdp(problem, method=method)
    shuffled = solve_diagonal_sdp(problem.of([2, 0, 3, 1]), method=method)
    for r, place in ((2, 0), (0, 1), (3, 2), (1, 3)):
        assert fields(whole, r) == fields(shuffled, place)
        assert fields(whole, r) == fields(solve_diagonal_sdp(problem.of([r]), method=method), 0)


def test_a_start_close_to_the_solution_saves_work() -> None:
    problem = sinr_problem(np.random.default_rng(9), 40, 3, count=20)
    cold = solve_diagonal_sdp(problem, method="low rank")
    warm = solve_diagonal_sdp(problem, method="low rank", start=cold.factor[..., :6])
    assert warm.converged.all()
    assert (warm.iterations < cold.iterations).all()
    np.testing.assert_allclose(warm.value, cold.value, rtol=2e-4)
    # Multipliers are in the data's own numbers: a user's may be in any unit.
    assert problem.denominator_weights is not None and problem.denominator_constants is not None
    unit = 2.0 ** np.array([-30, 0, 7])
    rescaled = MaxMinProblem(
        problem.columns,
        problem.weights * unit[:, None],
        problem.constants * unit,
        problem.denominator_weights * unit[:, None],
        problem.denominator_constants * unit,
    )
    for each in (problem, rescaled):
        multipliers = solve_diagonal_sdp(each, method="low rank").multipliers
        both = solve_diagonal_sdp(
            each, method="low rank", start=cold.factor[..., :6], multipliers=multipliers
        )
        assert both.converged.all()
        assert both.iterations.sum() < 0.8 * warm.iterations.sum()
        np.testing.assert_allclose(both.value, cold.value, rtol=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_problems_with_nothing_to_choose(method: Method) -> None:
    rng = np.random.default_rng(10)
    flat = MaxMinProblem(gaussian(rng, 1, 5, 2), np.zeros((1, 2, 2)), np.array([[3.0, 2.0]]))
    solution = solve_diagonal_sdp(flat, method=method)
    assert solution.converged.all()
    assert solution.value[0] == pytest.approx(2.0)
    single = MaxMinProblem(np.full((1, 1, 1), 2.0 + 0j), np.ones((1, 1, 1)), np.zeros((1, 1)))
    assert solve_diagonal_sdp(single, method=method).value[0] == pytest.approx(4.0)
    empty = linear_problem(rng, 5, 2, 3, count=0)
    assert solve_diagonal_sdp(empty, method=method).factor.shape[:2] == (0, 5)


def test_many_elements_are_certified_through_thin_matrices() -> None:
    """noh2022 at 401 elements: no matrix of that order is ever formed."""
    rng = np.random.default_rng(11)
    positions = np.arange(401)
    columns = np.exp(1j * np.pi * np.outer(positions, rng.uniform(-1, 1, 12)))[None]
    weights = np.zeros((1, 3, 12))
    for k in range(3):
        weights[0, k, 4 * k : 4 * k + 4] = rng.uniform(0.1, 1.0, 4)
    problem = MaxMinProblem(columns, weights, np.zeros((1, 3)))
    solution = solve_diagonal_sdp(problem, method="low rank")
    assert solution.converged.all()
    certify(problem, solution, 1e-4)


@pytest.mark.parametrize(("size", "users", "scale"), [(21, 4, 1.0), (41, 6, 1.0), (65, 4, 5.0)])
def test_pymanopt_finds_the_certified_value_of_many_elements(
    size: int, users: int, scale: float
) -> None:
    rng = np.random.default_rng(size)
    forms = scale * gaussian(rng, 1, users, users, size)
    ratios = of_sinrs(forms, np.ones((1, users)))
    for problem in (ratios, norm_problem(forms[:, 0].mT.conj())):
        ours = solve_diagonal_sdp(problem, tolerance=1e-5)
        theirs = relax_low_rank(problem, 0, 1e-3)
        assert ours.value[0] * (1 - 2e-2) <= theirs.value <= ours.upper_bound[0] * (1 + 1e-9)
        assert ours.value[0] * (1 - 1e-9) <= theirs.bound <= ours.upper_bound[0] * (1 + 3e-2)
        np.testing.assert_allclose(np.linalg.norm(theirs.factor, axis=1), 1.0)
        reached = problem.values(theirs.factor[None]).min()
        np.testing.assert_allclose(reached, theirs.value, rtol=1e-9)
