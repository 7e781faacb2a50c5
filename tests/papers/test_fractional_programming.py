"""Sum-rate maximisation: its equations, another implementation, closed forms, adversarial data."""

# mypy: disable-error-code="attr-defined, no-untyped-call"

from dataclasses import fields
from typing import Any, NamedTuple

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.papers.he2020.algorithms.fractional_programming import (
    SumRateSolution,
    maximise_sum_rate,
    power_step,
    quadratic_auxiliary,
    sinr_from_amplitudes,
)
from irsrepro.papers.he2020.reference.fractional_programming import (
    maximise_sum_rate as maximise_sum_rate_reference,
)
from pair_networks import Problem, network, sum_rate

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
PHASE_STEPS: Any = ("exact", "sweep", "unit_modulus")  # the ellipsoid method takes too long
HALVES = [(True, True), (True, False), (False, True)]


def rise(solution: SumRateSolution) -> float:
    """Largest fall from one iteration to the next, relative and negative; zero without a fall."""
    scale = np.maximum(solution.trace[:, 1:], np.finfo(float).tiny)
    return float((np.diff(solution.trace, axis=1) / scale).min())


class State(NamedTuple):
    """A random point of the alternation: h, p, a, noise, mu and beta."""

    channel: Complex
    powers: Real
    amplitudes: Complex
    noise: Real
    mu: Real
    beta: Complex


def state(seed: int) -> State:
    pairs = 4
    rng = np.random.default_rng(seed)
    channel, powers = gaussian(rng, pairs, pairs), rng.uniform(0.1, 2, pairs)
    amplitudes, noise = np.sqrt(powers)[:, None] * channel, rng.uniform(0.1, 1, pairs)
    point = State(channel, powers, amplitudes, noise, np.empty(pairs), np.empty(pairs, complex))
    sinr_from_amplitudes(amplitudes, noise, point.mu)
    quadratic_auxiliary(amplitudes, noise, point.mu, 0.5, point.beta)
    return point


def f1(point: State, mu: Real) -> float:
    """Lagrangian dual transform, he2020, eq. (10), with the natural logarithm."""
    received = (np.abs(point.amplitudes) ** 2).sum(axis=0) + point.noise
    signal = np.abs(np.diagonal(point.amplitudes)) ** 2
    return float((0.5 * np.log1p(mu) - 0.5 * mu + (1 + mu) * signal / (2 * received)).sum())


def surrogate(point: State, beta: Complex) -> float:
    """Quadratic transform, he2020, eq. (20)."""
    received = (np.abs(point.amplitudes) ** 2).sum(axis=0) + point.noise
    numerator = (beta.conj() * np.diagonal(point.amplitudes)).real
    terms = np.sqrt(2 * (1 + point.mu)) * numerator - np.abs(beta) ** 2 * received
    return float(terms.sum() + (0.5 * np.log1p(point.mu) - 0.5 * point.mu).sum())


@pytest.mark.parametrize("seed", range(3))
def test_mu_and_beta_maximise_the_transforms_and_reach_the_sum_rate(seed: int) -> None:
    """By central differences: the slope vanishes and either side is lower."""
    point = state(seed)
    rate = 0.5 * np.log1p(point.mu).sum()
    assert f1(point, point.mu) == pytest.approx(rate, rel=1e-12)
    assert surrogate(point, point.beta) == pytest.approx(rate, rel=1e-12)
    for step in 1e-4 * np.eye(4):
        moved = [[f1(point, point.mu + s * step) for s in (1, -1)]]
        moved += [[surrogate(point, point.beta + s * c * step) for s in (1, -1)] for c in (1, 1j)]
        assert max(abs(up - down) / 2e-4 for up, down in moved) < 1e-7
        assert max(map(max, moved)) < rate


@pytest.mark.parametrize("limit", [0.5, 5.0, 1e3])
def test_the_power_step_solves_its_concave_problem(limit: float) -> None:
    """he2020, eq. (16), at fixed alpha and mu, handed to a cone solver."""
    for seed in range(4):
        point = state(seed)
        gains, alpha, p = np.abs(point.channel) ** 2, np.abs(point.beta), cp.Variable(4)
        slope = np.sqrt(2 * (1 + point.mu) * np.diagonal(gains)) * alpha
        price = gains @ alpha**2
        problem = cp.Problem(cp.Maximize(slope @ cp.sqrt(p) - price @ p), [p <= limit])
        problem.solve(solver=cp.CLARABEL)
        power_step(point.channel, point.beta, point.mu, 0.5, limit, point.powers)
        np.testing.assert_allclose(point.powers, np.array(p.value), rtol=1e-3, atol=1e-5)
        ours = slope @ np.sqrt(point.powers) - price @ point.powers
        assert ours == pytest.approx(problem.value, rel=1e-7)


def test_a_source_that_nobody_hears_keeps_its_power() -> None:
    point = state(2)
    point.channel[1], before = 0, point.powers[1]
    power_step(point.channel, point.beta, point.mu, 0.5, 10.0, point.powers)
    assert point.powers[1] == before


@pytest.mark.parametrize(("pairs", "elements", "snr"), [(6, 16, 35), (3, 8, 20), (1, 4, 10)])
def test_the_trace_is_that_of_the_reference_with_a_cone_solver(
    pairs: int, elements: int, snr: float
) -> None:
    """The cone solver ends up to 1e-9 short at 35 dB; the trace shows that by its square root."""
    problem = network(3, 2, pairs, elements, snr)
    fast = maximise_sum_rate(*problem, tolerance=0, max_iterations=10)
    slow = maximise_sum_rate_reference(*problem, tolerance=0, max_iterations=10)
    np.testing.assert_allclose(fast.trace, slow.trace, rtol=3e-5 if snr == 35 else 1e-6)


def test_the_ellipsoid_method_takes_the_exact_steps_to_its_accuracy() -> None:
    problem = network(3, 2, 3, 4, 20)
    steps: dict[str, Any] = {"tolerance": 0, "max_iterations": 8}
    exact = maximise_sum_rate(*problem, **steps)
    fast = maximise_sum_rate(*problem, phase_step="ellipsoid", **steps)
    slow = maximise_sum_rate_reference(*problem, phase_step="ellipsoid", **steps)
    np.testing.assert_allclose(fast.trace, exact.trace, rtol=1e-3)
    np.testing.assert_allclose(slow.trace, exact.trace, rtol=1e-3)
    assert rise(fast) >= -1e-12


@pytest.mark.parametrize(("update_powers", "update_reflection"), HALVES)
@pytest.mark.parametrize("phase_step", ["sweep", "unit_modulus"])
@pytest.mark.parametrize("tolerance", [0, 1e-3])
def test_everything_is_that_of_the_reference_with_sweeps(
    update_powers: bool, update_reflection: bool, phase_step: Any, tolerance: float
) -> None:
    problem = network(4, 3, 4, 9)
    options: dict[str, Any] = {"phase_step": phase_step, "max_iterations": 40, "rate_factor": 0.7}
    options |= {"update_powers": update_powers, "update_reflection": update_reflection}
    options["tolerance"] = tolerance
    fast = maximise_sum_rate(*problem, **options)
    slow = maximise_sum_rate_reference(*problem, **options)
    for field in fields(SumRateSolution):
        ours, theirs = getattr(fast, field.name), getattr(slow, field.name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9, err_msg=field.name)
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("phase_step", PHASE_STEPS)
@pytest.mark.parametrize(("update_powers", "update_reflection"), HALVES)
def test_the_result_is_evaluated_at_feasible_variables_and_never_falls(
    phase_step: Any, update_powers: bool, update_reflection: bool
) -> None:
    problem = network(5, 30, 6, 16)
    start = [np.copy(array) for array in problem]
    steps: Any = {"update_powers": update_powers, "update_reflection": update_reflection}
    solution = maximise_sum_rate(*problem, phase_step=phase_step, max_iterations=150, **steps)
    for array, before in zip(problem, start, strict=True):
        np.testing.assert_array_equal(array, before)
    assert (np.abs(solution.reflection) <= 1 + 1e-15).all()
    assert ((solution.powers >= 0) & (solution.powers <= problem.power_limit)).all()
    recomputed = sum_rate(problem, solution.powers, solution.reflection)
    np.testing.assert_allclose(solution.sum_rate, recomputed, rtol=1e-11)
    first = sum_rate(problem, problem.powers, problem.reflection)
    np.testing.assert_allclose(solution.trace[:, 0], first, rtol=1e-11)
    assert rise(solution) >= -1e-12
    if not update_powers:
        np.testing.assert_array_equal(solution.powers, problem.powers)
    if not update_reflection:
        np.testing.assert_array_equal(solution.reflection, problem.reflection)
    if phase_step == "unit_modulus":
        np.testing.assert_allclose(np.abs(solution.reflection), 1, atol=1e-15)


def test_modulus_one_ends_where_no_phase_or_power_nearby_is_better() -> None:
    problem = network(15, 4, 3, 6, snr=20)
    solution = maximise_sum_rate(
        *problem, phase_step="unit_modulus", tolerance=1e-12, max_iterations=50_000
    )
    assert solution.converged.all()
    for r in range(4):
        one = problem._replace(
            responses=problem.responses[[r]], noise_gains=problem.noise_gains[[r]]
        )
        rng, count = np.random.default_rng(r), 20_000
        turned = solution.reflection[r] * np.exp(1e-3j * rng.standard_normal((count, 6)))
        around = 1e-3 * problem.power_limit * rng.uniform(-1, 1, (count, 3))
        powers = np.clip(solution.powers[r] + around, 0, problem.power_limit)
        assert sum_rate(one, powers, turned).max() <= solution.sum_rate[r] + 1e-6


def test_designing_on_the_circle_loses_less_than_projecting_what_the_disc_gave() -> None:
    problem = network(12, 20, 6, 16)
    disc = maximise_sum_rate(*problem, max_iterations=3000)
    circle = maximise_sum_rate(*problem, phase_step="unit_modulus", max_iterations=3000)
    projected = sum_rate(problem, disc.powers, np.exp(1j * np.angle(disc.reflection)))
    assert disc.sum_rate.mean() > circle.sum_rate.mean() > 1.1 * projected.mean()


def test_stop_and_trace_tell_the_same_story() -> None:
    solution = maximise_sum_rate(*network(6, 20, 3, 6), tolerance=1e-3, max_iterations=60)
    assert solution.trace.shape == (20, 61)
    assert solution.status.dtype == np.int8
    assert set(solution.status) == {CONVERGED, ITERATION_LIMIT}
    for r, last in enumerate(solution.iterations):
        trace = solution.trace[r]
        assert (trace[last:] == solution.sum_rate[r]).all()
        assert solution.residual[r] == trace[last] - trace[last - 1]
        assert (np.diff(trace[:last]) > 1e-3).all()
        assert solution.converged[r] == (solution.residual[r] <= 1e-3)
        assert (solution.status[r] == CONVERGED) == solution.converged[r]
        assert solution.converged[r] or last == 60


def test_the_number_of_iterations_can_be_fixed() -> None:
    problem = network(7, 3, 2, 4)
    solution = maximise_sum_rate(*problem, tolerance=0, max_iterations=25)
    assert (solution.iterations == 25).all()
    assert not solution.converged.any()
    start = maximise_sum_rate(*problem, max_iterations=0)
    np.testing.assert_array_equal(start.trace, solution.trace[:, :1])


@pytest.mark.parametrize("phase_step", PHASE_STEPS)
def test_a_realisation_does_not_depend_on_its_batch(phase_step: Any) -> None:
    problem = network(8, 6, 4, 10)

    def solve(chosen: Any) -> SumRateSolution:
        part: Any = [a[chosen] if isinstance(a, np.ndarray) else a for a in problem]
        return maximise_sum_rate(*part, phase_step=phase_step, max_iterations=60)

    whole, order = solve(slice(None)), np.array([3, 0, 5, 1, 4, 2])
    shuffled, singles = solve(order), [solve([r]) for r in range(6)]
    for field in fields(SumRateSolution):
        expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(shuffled, field.name), expected[order])
        joined = np.concatenate([getattr(single, field.name) for single in singles])
        np.testing.assert_array_equal(joined, expected)


def test_a_failure_stays_with_its_realisation() -> None:
    problem = network(9, 7, 3, 6)
    healthy = maximise_sum_rate(*problem)
    broken: Any = [np.copy(array) for array in problem]
    broken[0][0, 1, 2, 3] = np.nan
    broken[0][1] *= 1e200  # overflows
    broken[1][2, 0, 0] = np.inf
    broken[4][3, 0] = np.nan
    broken[5][4, 0] = np.nan
    solution = maximise_sum_rate(*broken)
    for field in fields(SumRateSolution):
        ours = getattr(solution, field.name)
        np.testing.assert_array_equal(ours[5:], getattr(healthy, field.name)[5:])
        if field.name in ("powers", "reflection", "sum_rate", "residual", "trace"):
            assert np.isnan(ours[:5]).all()
    assert (solution.status[:5] == FAILURE).all()
    assert not solution.converged[:5].any()


@pytest.mark.parametrize("unit", [1e-9, 1e6])
def test_the_unit_of_the_amplitudes_does_not_matter(unit: float) -> None:
    problem = network(10, 4, 3, 8)
    scaled = problem._replace(
        responses=unit * problem.responses,
        noise_gains=unit**2 * problem.noise_gains,
        noise_power=unit**2 * problem.noise_power,
    )
    plain = maximise_sum_rate(*problem, tolerance=0, max_iterations=20)
    other = maximise_sum_rate(*scaled, tolerance=0, max_iterations=20)
    np.testing.assert_allclose(other.trace, plain.trace, rtol=1e-6)


def test_one_pair_without_surface_noise_aligns_all_phases_at_full_power() -> None:
    problem = network(11, 5, 1, 6)
    amplitude = np.abs(problem.responses[:, 0, 0]).sum(axis=1)
    limit = 2 * 0.01 / amplitude.max() ** 2  # SNR 2 at the optimum: there the steps are long
    problem = problem._replace(
        noise_gains=0 * problem.noise_gains, power_limit=limit, powers=np.full((5, 1), limit / 9)
    )
    for phase_step in PHASE_STEPS:
        solution = maximise_sum_rate(*problem, phase_step=phase_step, tolerance=1e-13)
        assert solution.converged.all()
        np.testing.assert_allclose(solution.powers, limit, rtol=1e-12)
        np.testing.assert_allclose(np.abs(solution.reflection), 1, atol=1e-5)
        expected = 0.5 * np.log2(1 + limit * amplitude**2 / 0.01)
        np.testing.assert_allclose(solution.sum_rate, expected, rtol=1e-9)


def nearby_rates(problem: Problem, solution: SumRateSolution) -> Real:
    """Sum-rates at random feasible points within about 1e-3 of a solution."""
    rng, count, limit = np.random.default_rng(0), 20_000, problem.power_limit
    around = 1e-3 * limit * rng.uniform(-1, 1, (count, solution.powers.shape[1]))
    moved = solution.reflection + 1e-3 * gaussian(rng, count, solution.reflection.shape[1])
    reflection = moved / np.maximum(1, np.abs(moved))
    return sum_rate(problem, np.clip(solution.powers + around, 0, limit), reflection)


def rescaled(problem: Problem, noise_gains: Real, noise_power: float) -> Problem:
    """Responses of the order of one, with the given noise."""
    responses = problem.responses / np.abs(problem.responses).mean()
    return problem._replace(responses=responses, noise_gains=noise_gains, noise_power=noise_power)


@pytest.mark.parametrize("seed", range(5))
def test_one_pair_two_elements_end_at_the_best_of_an_exhaustive_search(seed: int) -> None:
    """With noise of the surfaces one element may be better turned down."""
    gains = 10 ** np.random.default_rng(seed).uniform(-2, 1, (1, 1, 2))
    problem = rescaled(network(seed, 1, 1, 2, snr=0), gains, 1.0)
    solution = maximise_sum_rate(*problem, tolerance=1e-12, max_iterations=5000)
    radii = np.stack(np.meshgrid(*[np.linspace(0, 1, 401)] * 2), axis=-1).reshape(-1, 2)
    aligned = radii * np.exp(-1j * np.angle(problem.responses[0, 0]))
    best = sum_rate(problem, np.ones((len(aligned), 1)), aligned).max()
    assert solution.sum_rate[0] == pytest.approx(best, rel=1e-4)
    assert nearby_rates(problem, solution).max() <= solution.sum_rate[0] + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_two_pairs_one_element_end_at_a_stationary_point(seed: int) -> None:
    """There is no better point nearby; the best of an exhaustive search bounds it."""
    problem = rescaled(network(seed, 1, 2, 1, snr=0), np.full((1, 2, 1), 0.1), 0.1)
    solution = maximise_sum_rate(*problem, tolerance=1e-11, max_iterations=20_000)
    assert solution.converged.all()
    assert nearby_rates(problem, solution).max() <= solution.sum_rate[0] + 1e-5
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 3), axis=-1).reshape(-1, 3)
    rates = sum_rate(problem, grid[:, :2], grid[:, 2:].astype(complex))
    assert solution.trace[0, 0] <= solution.sum_rate[0] <= rates.max() + 1e-3


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 5), st.integers(1, 8)),
    decades=st.floats(0, 8),
    snr=st.floats(-80, 80),
    silent=st.sampled_from(["nothing", "source", "destination", "direct", "surface noise"]),
    phase_step=st.sampled_from(PHASE_STEPS),
    powers=st.sampled_from([0.0, 1e-6, 1.0]),
)
def test_the_sum_rate_never_falls(
    seed: int, size: Any, decades: float, snr: float, silent: str, phase_step: Any, powers: float
) -> None:
    rng = np.random.default_rng(seed)
    spread = 10 ** rng.uniform(-decades / 2, decades / 2, (2, *size))
    incoming, outgoing = spread * gaussian(rng, 2, *size)
    responses = (incoming[:, None] * outgoing.conj())[None]
    noise_gains = np.abs(outgoing[None]) ** 2 * (silent != "surface noise")
    if silent in ("source", "direct"):
        responses[:, 0, : 1 if silent == "direct" else None] = 0
    elif silent == "destination":
        responses[:, :, 0] = 0
    limit = 10 ** (snr / 10)
    start = limit * np.maximum(powers, rng.random((1, size[0])) < 0.5)
    angles = 2 * np.pi * rng.random((1, size[1]))
    radii = 1 if phase_step == "unit_modulus" else np.sqrt(rng.random(angles.shape))
    reflection = radii * np.exp(1j * angles)
    problem = Problem(responses, noise_gains, 1.0, limit, start, reflection)
    solution = maximise_sum_rate(*problem, phase_step=phase_step, tolerance=0, max_iterations=60)
    assert solution.status[0] == ITERATION_LIMIT
    assert rise(solution) >= -1e-12
    assert (np.abs(solution.reflection) <= 1 + 1e-15).all()
    assert ((solution.powers >= 0) & (solution.powers <= limit)).all()
    recomputed = sum_rate(problem, solution.powers, solution.reflection)
    np.testing.assert_allclose(solution.sum_rate, recomputed, rtol=1e-9, atol=1e-300)


SMALL = network(0, 2, 3, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"responses": SMALL.responses[0]}, r"responses .* must be \(R, K, K, N\)"),
        ({"responses": SMALL.responses[:, :2]}, r"responses .* must be \(R, K, K, N\)"),
        ({"noise_gains": SMALL.noise_gains[:, :2]}, "noise_gains .* must be"),
        ({"powers": SMALL.powers[:1]}, "powers .* must be"),
        ({"reflection": SMALL.reflection[:, :3]}, "reflection .* must be"),
        ({"noise_gains": -SMALL.noise_gains}, "noise_gains must be >= 0"),
        ({"powers": 1.1 * SMALL.powers}, "powers in"),
        ({"powers": -SMALL.powers}, "powers in"),
        ({"reflection": 1.1 * SMALL.reflection}, "unit disc"),
        ({"noise_power": 0.0}, "noise_power and power_limit must be positive"),
        ({"power_limit": np.inf}, "noise_power and power_limit must be positive"),
        ({"tolerance": -1e-4}, "tolerance and max_iterations"),
        ({"max_iterations": -1}, "tolerance and max_iterations"),
        ({"rate_factor": 0.0}, "rate_factor > 0"),
        ({"phase_step": "newton"}, "phase_step 'newton' must be one of exact, ellipsoid"),
        (
            {"phase_step": "unit_modulus", "reflection": 0.9 * SMALL.reflection},
            "must start at modulus one",
        ),
    ],
)
def test_bad_arguments_raise_one_clear_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        maximise_sum_rate(**(SMALL._asdict() | change))
    assert "\n" not in str(caught.value)
