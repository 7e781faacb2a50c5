"""Inner approximation: its subproblem against formulas and a cone solver, its loop and modes."""

from typing import Any

import numpy as np
import pytest
import test_yu2020 as yu2020
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.beamforming.minimum_power import minimum_power_beamforming
from irsrepro.optimize.result import CONVERGED, FAILURE, SolverError
from irsrepro.papers.yu2020.algorithms import lagrangian
from irsrepro.papers.yu2020.algorithms import subproblem_solver as step
from irsrepro.papers.yu2020.algorithms.inner_approximation import inner_approximation
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import optimality_residual
from irsrepro.papers.yu2020.algorithms.subproblem import Subproblem, make_subproblem
from irsrepro.papers.yu2020.reference.inner_approximation import ReferenceSubproblem
from irsrepro.papers.yu2020.reference.inner_approximation import (
    inner_approximation as inner_approximation_cvxpy,
)
from irsrepro.papers.yu2020.reference.minimum_power_phases import (
    minimum_power_over_phases as minimum_power_over_phases_pymanopt,
)
from irsrepro.papers.yu2020.system import evaluate

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

BALANCE, PENALTY = 0.35, 0.03


def with_unit_rows(matrix: Complex) -> Complex:
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


def squares(beams: Complex) -> Complex:
    """W_i from beams (user, stream, antenna)."""
    return np.asarray(np.einsum("isa,isb->iab", beams, beams.conj()))


def instance(
    seed: int, users: int, elements: int, antennas: int, count: int = 1
) -> tuple[Complex, Complex, Real]:
    """Channels with a reflected part that matters, starting phases, targets of 10 dB."""
    rng = np.random.default_rng(seed)
    channels = gaussian(rng, count, users, elements + 1, antennas)
    channels[:, :, :-1] *= 0.3
    x = np.exp(2j * np.pi * rng.random((count, elements)))
    return channels, x, np.full((count, users), 10.0)


def first_subproblem(
    channels: Complex, x: Complex, targets: Real, slack: float = np.inf
) -> tuple[Subproblem, Complex]:
    """The subproblem at the start, in units of the first power, and the scaled channels."""
    vector = np.append(x, 1.0)
    start = minimum_power_beamforming(np.einsum("n,kna->ka", vector, channels)[None], targets)
    power = start.power[0]
    scaled = np.ascontiguousarray(channels * np.sqrt(power))
    adjoint = np.ascontiguousarray(scaled.conj().mT)
    problem = make_subproblem(
        scaled,
        adjoint,
        adjoint @ scaled,
        targets,
        start.uplink_power[0] / power,
        np.ascontiguousarray(vector.conj()[:, None]),
        np.ascontiguousarray(start.beamformer[0][:, None] / np.sqrt(power)),
        BALANCE,
        0.0 if slack < np.inf else PENALTY,
        slack,
    )
    return problem, scaled


def printed_constraints(
    channels: Complex, targets: Real, old_v: Complex, old_w: Complex, v: Complex, w: Complex
) -> Real:
    """Left sides of (13) over the targets, term by term as printed."""
    values = np.empty(len(targets))
    for k in range(len(targets)):
        H = channels[k]
        values[k] = targets[k]
        for i in range(len(targets)):
            B, old = H @ w[i] @ H.conj().T, H @ old_w[i] @ H.conj().T
            c2 = BALANCE**2 * np.linalg.norm(old) / np.linalg.norm(old_v)
            sign, weight = (-1.0, 1.0) if i == k else (1.0, targets[k])
            square = np.linalg.norm(np.sqrt(c2) * v + sign * B / np.sqrt(c2)) ** 2
            line_v = c2 * (np.vdot(old_v, v).real - 0.5 * np.linalg.norm(old_v) ** 2)
            line_b = (np.vdot(old, B).real - 0.5 * np.linalg.norm(old) ** 2) / c2
            values[k] += weight * (0.5 * square - line_v - line_b)
    return values / targets


def bilinear_constraints(channels: Complex, targets: Real, v: Complex, w: Complex) -> Real:
    """Left sides of C1 of (10) over the targets."""
    received = np.einsum("kna,iab,kmb,mn->ki", channels, w, channels.conj(), v).real
    own = np.diag(received)
    return np.asarray(received.sum(axis=1) - own + 1.0 - own / targets)


def random_point(seed: int, slack: float) -> tuple[Subproblem, Complex, Complex, Real]:
    rng = np.random.default_rng(seed)
    users, size, antennas = 2, 5, 3
    channels = gaussian(rng, users, size, antennas)
    adjoint = np.ascontiguousarray(channels.conj().mT)
    targets = np.array([2.0, 3.0])
    problem = make_subproblem(
        channels,
        adjoint,
        adjoint @ channels,
        targets,
        np.array([0.5, 1.7]),
        with_unit_rows(gaussian(rng, size, 2)),
        gaussian(rng, users, 2, antennas),
        BALANCE,
        0.3,
        slack,
    )
    factor = with_unit_rows(gaussian(rng, size, 2))
    return problem, factor, gaussian(rng, users, 2, antennas), targets


def test_the_constraints_are_the_printed_ones_and_bound_the_bilinear_ones() -> None:
    for seed in range(5):
        problem, factor, beams, targets = random_point(seed, 1.5)
        terms = lagrangian.evaluate_terms(problem, factor, beams)
        v, w = factor @ factor.conj().T, squares(beams)
        old_v, old_w = problem.factor @ problem.factor.conj().T, squares(problem.beams)
        printed = printed_constraints(problem.channels, targets, old_v, old_w, v, w)
        np.testing.assert_allclose(terms.values[:2], problem.scale * printed, rtol=1e-10)
        gap = len(v) - np.linalg.norm(np.linalg.eigh(old_v)[1][:, -1].conj() @ factor) ** 2
        assert terms.values[2] == pytest.approx(gap - 1.5)
        assert (printed >= bilinear_constraints(problem.channels, targets, v, w) - 1e-9).all()
        there = lagrangian.evaluate_terms(problem, problem.factor, problem.beams)
        touching = bilinear_constraints(problem.channels, targets, old_v, old_w)
        np.testing.assert_allclose(there.values[:2], problem.scale * touching, rtol=1e-9)


def test_gradient_and_hessian_agree_with_differences() -> None:
    problem, factor, beams, _ = random_point(7, 1.5)
    multipliers, weights = np.array([0.3, 0.7, 0.2]), np.array([5.0, 7.0, 3.0])

    def value(size: float, direction: Real) -> float:
        moved = step.move(factor, beams, direction, size)
        terms = lagrangian.evaluate_terms(problem, *moved)
        objective = lagrangian.power_and_penalty(problem, moved[1], terms)
        return float(lagrangian.augmented_lagrangian(objective, terms.values, multipliers, weights))

    terms = lagrangian.evaluate_terms(problem, factor, beams)
    active = np.maximum(0.0, multipliers + weights * terms.values)
    curved = np.where(active > 0.0, weights, 0.0)
    slopes = lagrangian.gradients(problem, factor, beams, terms)
    S, T, diagonal = lagrangian.derivative_matrices(problem, factor, beams, terms, active)
    hessian = lagrangian.riemannian_hessian(
        problem, factor, terms, slopes, active, curved, S, T, diagonal
    )
    hessian = np.tril(hessian) + np.tril(hessian, -1).T
    gradient = (slopes[-1] + active @ slopes[:-1]).view(float)
    rng = np.random.default_rng(8)
    for _ in range(4):
        direction = rng.standard_normal(gradient.size)
        turn = direction[: 2 * factor.size].view(complex).reshape(factor.shape)
        turn -= (turn.conj() * factor).sum(axis=1, keepdims=True).real * factor
        ends = [value(h, direction) for h in (1e-3, 5e-4, 0.0, -5e-4, -1e-3)]
        slope = (8.0 * (ends[1] - ends[3]) - (ends[0] - ends[4])) / 6e-3
        bend = (16.0 * (ends[1] + ends[3]) - (ends[0] + ends[4]) - 30.0 * ends[2]) / 3e-6
        assert slope == pytest.approx(gradient @ direction, rel=1e-6)
        assert bend == pytest.approx(direction @ hessian @ direction, rel=1e-4)


@pytest.mark.parametrize(("elements", "slack"), [(4, np.inf), (10, np.inf), (6, 0.1)])
def test_clarabel_finds_no_better_point_of_a_subproblem(elements: int, slack: float) -> None:
    for seed in range(2):
        channels, x, targets = instance(20 + seed, 2, elements, 3)
        problem, scaled = first_subproblem(channels[0], x[0], targets[0], slack)
        factor, beams, _, objective, gap, _, status = step.solve_subproblem(
            problem, np.array([1.0, 1.0, 0.0]), 1e-6, 8
        )
        assert status == CONVERGED
        assert gap <= 1e-6
        v, w = factor @ factor.conj().T, squares(beams)
        old_v, old_w = problem.factor @ problem.factor.conj().T, squares(problem.beams)
        np.testing.assert_allclose(np.diag(v), 1.0, rtol=1e-13)
        printed = printed_constraints(scaled, targets[0], old_v, old_w, v, w)
        assert (problem.scale * printed).max() < 1e-6
        power = np.einsum("iaa->", w).real
        lost = elements + 1 - np.linalg.norm(problem.top.conj() @ factor) ** 2
        assert objective == pytest.approx(power + problem.penalty * lost, rel=1e-12)
        if slack < np.inf:
            assert lost < slack + 1e-6
        stated = ReferenceSubproblem(
            scaled,
            targets[0],
            scaling=BALANCE,
            penalty=problem.penalty,
            slack=slack if slack < np.inf else None,
        )
        theirs = stated.solve(old_v, old_w)
        assert objective == pytest.approx(theirs.objective, rel=5e-6)
        assert objective < theirs.objective + 1e-6  # the certificate says so too


@pytest.mark.parametrize("rank_mode", ["penalty", "slack"])
def test_the_objective_falls_in_every_iteration_and_targets_hold(rank_mode: str) -> None:
    channels, x, targets = instance(3, 3, 12, 4, count=4)
    result = inner_approximation(
        1e-6 * channels,
        targets,
        x,
        1e-12,
        rank_mode=rank_mode,  # type: ignore[arg-type]
        tolerance=1e-4,
        max_iterations=60,
    )
    assert (result.status != FAILURE).all()
    assert result.accuracy.max() <= 1e-5
    for r in range(4):
        used = result.objective[r, : result.iterations[r] + 1]
        assert (np.diff(used) < 0.0).all()
        assert used[-1] < 0.97 * used[0]
        assert (result.objective[r, result.iterations[r] :] == used[-1]).all()
    assert (result.residual[result.status == CONVERGED] <= 1e-4).all()
    assert (result.power <= result.projected_power.min(axis=1) * (1.0 + 1e-12)).all()
    residual = optimality_residual(
        1e-6 * channels, targets, result.reflection, result.beamformer, 1e-12
    )
    assert max(residual.shortfall.max(), residual.excess_power.max()) < 1e-9
    spent = (np.abs(result.beamformer) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(spent, result.power, rtol=1e-10)
    if rank_mode == "slack":
        np.testing.assert_array_equal(result.objective, result.lifted_power)
        assert result.rank_gap.max() < 0.005 * 13 + 1e-4


@pytest.mark.filterwarnings("ignore")
def test_an_optimum_is_a_fixed_point_with_rank_one_beams_and_others_are_not() -> None:
    channels, x, targets = instance(4, 2, 8, 3, count=3)
    best = minimum_power_over_phases_pymanopt(channels, targets, x[:, None])
    result = inner_approximation(channels, targets, best.reflection, max_iterations=5)
    assert (result.iterations == 1).all()
    np.testing.assert_allclose(result.power, best.power, rtol=1e-6)
    np.testing.assert_allclose(result.reflection, best.reflection, atol=1e-3)
    assert result.beam_rank[:, -1].max() < 1e-6
    long = inner_approximation(
        channels, targets, x, tolerance=1e-9, max_iterations=1500, accuracy=1e-7
    )
    np.testing.assert_allclose(long.power, best.power, rtol=2e-3)
    reached = optimality_residual(channels, targets, long.reflection, long.beamformer).largest
    first = inner_approximation(channels, targets, x, max_iterations=1)
    begun = optimality_residual(channels, targets, first.reflection, first.beamformer).largest
    assert (reached < 0.02 * begun).all()


@pytest.mark.filterwarnings("ignore")
def test_the_printed_rank_constraint_leaves_one_point() -> None:
    # The proof: tr V = M + 1 for every V with a unit diagonal, and l^H V l = M + 1 for V' alone.
    rng = np.random.default_rng(1)
    size = 6
    old = np.exp(2j * np.pi * rng.random(size))
    top = old / np.sqrt(size)
    for _ in range(20):
        factor = with_unit_rows(gaussian(rng, size, 3))
        assert np.linalg.norm(top.conj() @ factor) ** 2 < size * (1.0 - 1e-3)
    # Handed to the cone solver as printed, it fails or moves by what its tolerance allows.
    channels, x, targets = instance(5, 2, 4, 2, count=2)
    moving = inner_approximation(channels, targets, x, max_iterations=3, tolerance=0.0)
    usual = 1.0 - moving.power / moving.projected_power[:, 0]
    for r in range(2):
        one = slice(r, r + 1)
        try:
            solver = inner_approximation_cvxpy(
                channels[one], targets[one], x[one], rank_mode="slack", slack=0.0, tolerance=0.0,
                max_iterations=3,
            )  # fmt: skip
        except SolverError:
            continue
        assert 1.0 - solver.power[0] / solver.projected_power[0, 0] < 0.1 * usual[r]


def test_the_loop_with_clarabel_takes_the_same_path() -> None:
    channels, x, targets = instance(6, 2, 5, 2)
    ours = inner_approximation(channels, targets, x, tolerance=0.0, max_iterations=4)
    theirs = inner_approximation_cvxpy(channels, targets, x, tolerance=0.0, max_iterations=4)
    assert theirs.iterations[0] == 4
    np.testing.assert_allclose(ours.objective, theirs.objective, rtol=2e-4)
    np.testing.assert_allclose(ours.projected_power, theirs.projected_power, rtol=2e-3)
    assert ours.objective[0, -1] < 0.99 * ours.objective[0, 0]


def test_realisations_do_not_interact_and_failures_are_reported() -> None:
    channels, x, targets = instance(9, 3, 6, 4, count=3)
    channels[1, 2] = 2.0 * channels[1, 1]  # two users that no phases tell apart
    together = inner_approximation(channels, targets, x, max_iterations=10)
    assert together.status[1] == FAILURE
    assert np.isnan(together.power[1])
    assert np.isnan(together.objective[1]).all()
    for r in (0, 2):
        alone = inner_approximation(
            channels[r : r + 1], targets[r : r + 1], x[r : r + 1], max_iterations=10
        )
        np.testing.assert_array_equal(alone.objective[0], together.objective[r])
        np.testing.assert_array_equal(alone.beamformer[0], together.beamformer[r])


def test_bad_options_are_refused() -> None:
    channels, x, targets = instance(10, 2, 3, 2)
    for options, word in (
        ({"rank_mode": "none"}, "rank_mode"),
        ({"penalty": -1.0}, "penalty"),
        ({"scaling": 0.0}, "scaling"),
    ):
        with pytest.raises(ValueError, match=word):
            inner_approximation(channels, targets, x, **options)
    with pytest.raises(ValueError, match="starts"):
        inner_approximation(channels, targets, x[:, :2])


@pytest.mark.filterwarnings("ignore")
def test_the_schemes_of_yu2020_run_it_with_either_engine() -> None:
    given = yu2020.problem(max_iterations=100, tolerance=1e-4)
    variables = yu2020.design("inner_approximation", given)
    metrics = evaluate(given, variables)
    assert (metrics["targets_met"] == 1).all()
    power, projected = metrics["transmit_power"].values, variables["projected_power"].values
    np.testing.assert_allclose(power, projected.min(axis=1), rtol=1e-9)
    random = yu2020.powers("random_phases", given)
    np.testing.assert_allclose(projected[:, 0], random, rtol=1e-9)
    assert (power < 0.99 * random).all()
    np.testing.assert_allclose(variables["saved"], 10.0 * np.log10(random / power), rtol=1e-6)
    assert variables["saved"].values.min() > 0.05
    assert (variables["largest_beam_rank"] >= variables["last_beam_rank"]).all()
    printed = yu2020.design("printed", yu2020.problem(max_iterations=2, tolerance=0.0, count=1))
    assert printed["saved"].values.max() < 0.01
    short: dict[str, Any] = {"elements": 4, "max_iterations": 2, "tolerance": 0.0, "count": 2}
    ours, theirs = (
        yu2020.design("inner_approximation", yu2020.problem(engine, **short))
        for engine in ("fast", "reference")
    )
    # A subproblem that the cone solver gives up on ends the run of its realisation.
    for r, ran in enumerate(theirs["iterations"].values):
        assert ran >= 1
        mine, wanted = (each["projected_power"].values[r, : ran + 1] for each in (ours, theirs))
        np.testing.assert_allclose(mine, wanted, rtol=1e-3)
