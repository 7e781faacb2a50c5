"""Beamformers under one power limit per site: certificates, cvxpy, closed forms, bad input."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.optimize.beamforming.site_power import RIDGE, GroupPowerSolution, solve_group_power
from irsrepro.optimize.reference.site_power import solve_group_power_cvxpy

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def precoder_step(
    rng: np.random.Generator, sites: int, group: int, users: int, snr: float, count: int = 1
) -> tuple[Complex, Complex]:
    """B and V of fractional programming: of the rank of the users, sites of unlike distance."""
    near = np.repeat(10 ** rng.uniform(-1, 1, (count, sites)), group, axis=1)
    channels = np.sqrt(snr) * near[..., None] * gaussian(rng, count, sites * group, users)
    beta = 0.3 / np.sqrt(snr) * gaussian(rng, count, users)
    alpha = 10 ** rng.uniform(-1, 3, (count, users))
    matrix = np.einsum("rk,rik,rjk->rij", np.abs(beta) ** 2, channels, channels.conj())
    return matrix, np.sqrt(1 + alpha)[:, None] * beta[:, None] * channels


def objective(matrix: Complex, linear: Complex, beamformer: Complex) -> float:
    return float(np.vdot(beamformer, 2 * linear - matrix @ beamformer).real)


def certify(matrix: Complex, linear: Complex, limits: Real, found: GroupPowerSolution) -> None:
    """Check everything a solution claims by the formulas of the documentation alone."""
    group = matrix.shape[1] // limits.size
    for r in range(len(matrix)):
        W, mu = found.beamformer[r], found.multipliers[r]
        definite = matrix[r] + RIDGE * np.trace(matrix[r]).real / len(W) * np.eye(len(W))
        used = (np.abs(W) ** 2).reshape(limits.size, -1).sum(axis=1)
        assert (used <= limits * (1 + 1e-12)).all()
        assert (mu >= 0.0).all()
        shifted = definite + np.diag(np.repeat(mu, group))
        dual = np.vdot(linear[r], np.linalg.solve(shifted, linear[r])).real + mu @ limits
        value = objective(definite, linear[r], W)
        assert found.value[r] == pytest.approx(value, rel=1e-9)
        assert (dual - value) / dual == pytest.approx(found.residual[r], abs=1e-10)


@given(
    seed=st.integers(0, 2**32 - 1),
    sites=st.integers(1, 5),
    group=st.integers(1, 4),
    users=st.integers(1, 6),
    snr=st.floats(-2, 5),
    spread=st.floats(0, 1),
)
# Multipliers of the size of the ridge, which alone keeps the matrix from being singular.
@example(seed=252, sites=5, group=4, users=2, snr=0.0, spread=0.75)
@example(seed=254, sites=5, group=4, users=2, snr=0.0, spread=0.75)
@settings(max_examples=60, deadline=None)
def test_every_problem_is_solved_to_a_certified_gap(
    seed: int, sites: int, group: int, users: int, snr: float, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    matrix, linear = precoder_step(rng, sites, group, users, 10**snr)
    limits = 10 ** rng.uniform(-spread, spread, sites)
    found = solve_group_power(matrix, linear, limits)
    assert found.converged.all() and found.residual[0] <= 1e-9
    certify(matrix, linear, limits, found)


@pytest.mark.parametrize(("sites", "group", "users"), [(4, 4, 4), (3, 1, 2), (1, 5, 3)])
def test_cvxpy_finds_the_same(sites: int, group: int, users: int) -> None:
    rng = np.random.default_rng(3)
    for snr in (0.1, 1e3):
        matrix, linear = precoder_step(rng, sites, group, users, snr, 3)
        limits = rng.uniform(0.3, 2.0, sites)
        found = solve_group_power(matrix, linear, limits)
        for r in range(3):
            reference = solve_group_power_cvxpy(matrix[r], linear[r], limits)
            value = objective(matrix[r], linear[r], reference)
            ours = objective(matrix[r], linear[r], found.beamformer[r])
            assert ours == pytest.approx(value, rel=1e-5)


def test_generous_limits_leave_the_unconstrained_optimum_and_no_multipliers() -> None:
    rng = np.random.default_rng(4)
    root = gaussian(rng, 6, 6)
    matrix, linear = (root @ root.conj().T + np.eye(6))[None], gaussian(rng, 1, 6, 2)
    best = np.linalg.solve(matrix[0], linear[0])
    used = (np.abs(best) ** 2).reshape(3, -1).sum(axis=1)
    found = solve_group_power(matrix, linear, 2.0 * used)
    np.testing.assert_allclose(found.beamformer[0], best, rtol=1e-5)
    assert found.multipliers.max() < 1e-6 * np.abs(matrix).max()
    tight = solve_group_power(matrix, linear, used * [2.0, 0.5, 2.0])
    assert tight.multipliers[0, 1] > 1e-3 > tight.multipliers[0, [0, 2]].max()
    assert (np.abs(tight.beamformer[0, 2:4]) ** 2).sum() == pytest.approx(0.5 * used[1], rel=1e-6)


def test_without_a_cost_every_site_matches_at_full_power() -> None:
    linear = gaussian(np.random.default_rng(5), 1, 6, 2)
    found = solve_group_power(np.zeros((1, 6, 6), complex), linear, np.array([1.0, 4.0]))
    for rows, limit in ((slice(0, 3), 1.0), (slice(3, 6), 4.0)):
        part = linear[0, rows]
        expected = part * np.sqrt(limit) / np.linalg.norm(part)
        np.testing.assert_allclose(found.beamformer[0, rows], expected, rtol=1e-9)


def test_a_realisation_does_not_depend_on_its_batch_and_scale_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    matrix, linear = precoder_step(rng, 4, 2, 3, 100.0, 4)
    limits = np.full(4, 0.5)
    whole = solve_group_power(matrix, linear, limits)
    alone = solve_group_power(matrix[2:3], linear[2:3], limits)
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(values[2], getattr(alone, name)[0], err_msg=name)
    tiny = solve_group_power(1e-12 * matrix, 1e-12 * linear, limits)
    np.testing.assert_allclose(tiny.beamformer, whole.beamformer, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "linear", "limits", "message"),
    [
        (np.eye(4)[None], np.ones((1, 3, 2)), np.ones(2), "must be"),
        (np.eye(4)[None], np.ones((1, 4, 2)), np.ones(3), "must divide 4 antennas"),
        (np.eye(4)[None], np.ones((1, 4, 2)), np.array([1.0, 0.0]), "limits must be positive"),
        (np.nan * np.eye(4)[None], np.ones((1, 4, 2)), np.ones(2), "finite"),
        (np.triu(np.ones((1, 4, 4))), np.ones((1, 4, 2)), np.ones(2), "Hermitian"),
    ],
)
def test_bad_arguments_raise_one_clear_line(
    matrix: Real, linear: Real, limits: Real, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        solve_group_power(matrix.astype(complex), linear.astype(complex), limits)
