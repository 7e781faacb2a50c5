"""Least power for SINR targets: closed forms, a cone program, pymanopt, derivatives, KKT."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian, phases
from irsrepro.optimize.beamforming.minimum_power import (
    MinimumPowerSolution,
    minimum_power_beamforming,
)
from irsrepro.optimize.reference.minimum_power import (
    minimum_power_beamforming as minimum_power_beamforming_cvxpy,
)
from irsrepro.optimize.reference.minimum_power import (
    uplink_fixed_point,
)
from irsrepro.optimize.result import CONVERGED, FAILURE
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import (
    minimum_power_over_phases,
    optimality_residual,
    power_and_gradient,
)
from irsrepro.papers.yu2020.reference.minimum_power_phases import (
    minimum_power_over_phases as minimum_power_over_phases_pymanopt,
)

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def reached(channel: Complex, beams: Complex, noise: float) -> Real:
    """SINR of every user, one user after another."""
    sinr = np.empty(channel.shape[:2])
    for r, k in np.ndindex(*sinr.shape):
        powers = np.abs(beams[r] @ channel[r, k]) ** 2
        sinr[r, k] = powers[k] / (np.delete(powers, k).sum() + noise)
    return sinr


def check(channel: Complex, targets: Real, noise: float, solution: MinimumPowerSolution) -> None:
    """Check targets, power and dual variables; together they prove the optimum."""
    sinr = reached(channel, solution.beamformer, noise)
    np.testing.assert_allclose(sinr, np.broadcast_to(targets, sinr.shape), rtol=1e-8)
    spent = (np.abs(solution.beamformer) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(spent, solution.power, rtol=1e-10)
    # Weak duality: lam is feasible for the dual if I + sum lam_j h_j h_j^H (others) - lam_k h_k
    # h_k^H / gamma_k is psd, and its value noise * sum lam is then a lower bound.
    np.testing.assert_allclose(noise * solution.uplink_power.sum(axis=1), spent, rtol=1e-8)
    for r, k in np.ndindex(*sinr.shape):
        h, lam = channel[r].conj(), solution.uplink_power[r]
        weights = np.where(np.arange(len(lam)) == k, -lam / np.broadcast_to(targets, len(lam)), lam)
        dual = np.eye(h.shape[1]) + (h.T * weights) @ h.conj()
        assert np.linalg.eigvalsh(dual).min() > -1e-7


@given(
    seed=st.integers(0, 2**32 - 1),
    users=st.integers(1, 5),
    extra=st.integers(0, 4),
    decibel=st.floats(-10.0, 25.0),
    scale=st.floats(-12.0, 3.0),
)
@settings(max_examples=60, deadline=None)
def test_the_dual_variables_prove_the_optimum(
    seed: int, users: int, extra: int, decibel: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    channel = 10.0 ** (scale / 2) * gaussian(rng, 3, users, users + extra)
    target, noise = 10.0 ** (decibel / 10.0), 10.0**scale
    solution = minimum_power_beamforming(channel, target, noise)
    assert (solution.status == CONVERGED).all()
    assert (solution.residual <= 1e-10).all()
    check(channel, np.full(users, target), noise, solution)


def test_the_cone_program_finds_the_same() -> None:
    rng = np.random.default_rng(1)
    channel = 1e-5 * gaussian(rng, 6, 3, 4)
    targets = np.broadcast_to([3.0, 10.0, 20.0], (6, 3))
    ours = minimum_power_beamforming(channel, targets, 1e-12)
    theirs = minimum_power_beamforming_cvxpy(channel, targets, 1e-12)
    assert (theirs.status == CONVERGED).all()
    np.testing.assert_allclose(ours.power, theirs.power, rtol=1e-6)
    np.testing.assert_allclose(ours.uplink_power, theirs.uplink_power, rtol=1e-3)
    np.testing.assert_allclose(
        np.abs(ours.beamformer),
        np.abs(theirs.beamformer),
        atol=1e-3 * np.abs(ours.beamformer).max(),
    )


def test_a_single_user_and_orthogonal_users_are_matched_filters() -> None:
    rng = np.random.default_rng(2)
    channel = gaussian(rng, 4, 1, 5)
    alone = minimum_power_beamforming(channel, 7.0, 0.3)
    np.testing.assert_allclose(alone.power, 2.1 / (np.abs(channel) ** 2).sum(axis=(1, 2)))
    unitary = np.linalg.qr(gaussian(rng, 4, 4))[0][None, :3]
    apart = minimum_power_beamforming(unitary, [1.0, 2.0, 4.0])
    assert apart.power[0] == pytest.approx(7.0)
    np.testing.assert_allclose(
        apart.beamformer[0], np.sqrt([[1.0], [2.0], [4.0]]) * unitary[0].conj(), atol=1e-12
    )


def test_targets_that_cannot_be_met_fail_and_those_just_below_do_not() -> None:
    rng = np.random.default_rng(3)
    # Three users on two antennas: gamma / (1 + gamma) must stay below 2/3.
    channel = gaussian(rng, 5, 3, 2)
    below = minimum_power_beamforming(channel, 1.9)
    assert (below.status == CONVERGED).all()
    check(channel, np.full(3, 1.9), 1.0, below)
    for target in (2.0, 2.1, 100.0):
        above = minimum_power_beamforming(channel, target)
        assert (above.status == FAILURE).all()
        for values in (above.beamformer, above.power, above.uplink_power):
            assert np.isnan(values).all()
    # Two users with the same channel: the product of the targets must stay below 1.
    twins = gaussian(rng, 5, 3, 4)
    twins[:, 1] = 2.0 * twins[:, 0]
    assert (minimum_power_beamforming(twins, 0.99).status == CONVERGED).all()
    assert (minimum_power_beamforming(twins, 1.01).status == FAILURE).all()
    assert (minimum_power_beamforming(np.zeros((2, 2, 3), complex), 1.0).status == FAILURE).all()


def test_few_steps_lead_to_the_fixed_point() -> None:
    rng = np.random.default_rng(4)
    channel = gaussian(rng, 30, 4, 4)
    found = minimum_power_beamforming(channel, 10.0)
    assert found.iterations.max() <= 12
    fixed = uplink_fixed_point(channel[0], np.full(4, 10.0))
    assert fixed is not None
    np.testing.assert_allclose(found.uplink_power[0], fixed, rtol=1e-8)


def responses(
    rng: np.random.Generator, count: int, users: int, size: int, antennas: int
) -> Complex:
    channels = gaussian(rng, count, users, size, antennas)
    channels[:, :, :-1] *= 0.4
    return channels


def test_the_envelope_gradient_agrees_with_differences() -> None:
    rng = np.random.default_rng(5)
    channels, x = responses(rng, 8, 3, 9, 4), phases(rng, 8, 8)
    power, gradient = power_and_gradient(channels, 10.0, x, 0.1)
    turn = rng.standard_normal(x.shape)
    slope = (np.imag(gradient[:, :-1] * x.conj()) * turn).sum(axis=1)
    step = 1e-4
    ends = [
        np.log(power_and_gradient(channels, 10.0, x * np.exp(1j * h * turn), 0.1)[0])
        for h in (step, -step, 2 * step, -2 * step)
    ]
    difference = (8.0 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12.0 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7, atol=1e-9)
    direct = np.einsum("rn,rkna->rka", np.append(x, np.ones((8, 1)), axis=1), channels)
    np.testing.assert_allclose(power, minimum_power_beamforming(direct, 10.0, 0.1).power)


def test_designs_satisfy_the_optimality_conditions_and_the_start_does_not() -> None:
    rng = np.random.default_rng(6)
    channels, x = responses(rng, 10, 3, 21, 6), phases(rng, 10, 1, 20)
    found = minimum_power_over_phases(1e-6 * channels, 10.0, x, 1e-12)
    assert (found.status == CONVERGED).all()
    np.testing.assert_allclose(np.abs(found.reflection), 1.0, rtol=1e-14)
    residual = optimality_residual(1e-6 * channels, 10.0, found.reflection, found.beamformer, 1e-12)
    assert residual.largest.max() < 2e-6
    start = power_and_gradient(channels, 10.0, x[:, 0])[0]
    assert (found.power < 0.9 * start).all()
    effective = np.einsum("rn,rkna->rka", np.append(x[:, 0], np.ones((10, 1)), axis=1), channels)
    first = minimum_power_beamforming(effective, 10.0)
    before = optimality_residual(channels, 10.0, x[:, 0], first.beamformer)
    assert before.phase_gradient.min() > 1e-2
    assert max(before.shortfall.max(), before.excess_power.max()) < 1e-9
    doubled = optimality_residual(channels, 10.0, x[:, 0], np.sqrt(2.0) * first.beamformer)
    np.testing.assert_allclose(doubled.excess_power, 1.0)
    halved = optimality_residual(channels, 10.0, x[:, 0], np.sqrt(0.5) * first.beamformer)
    assert halved.shortfall.min() > 0.0


def test_one_user_and_one_antenna_align_all_paths() -> None:
    rng = np.random.default_rng(7)
    channels, x = gaussian(rng, 5, 1, 8, 1), phases(rng, 5, 1, 7)
    found = minimum_power_over_phases(channels, 3.0, x)
    np.testing.assert_allclose(found.power, 3.0 / np.abs(channels).sum(axis=(1, 2, 3)) ** 2)
    paths = np.append(found.reflection, np.ones((5, 1)), axis=1) * channels[:, 0, :, 0]
    np.testing.assert_allclose(np.abs(paths.sum(axis=1)), np.abs(paths).sum(axis=1), rtol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_pymanopt_reaches_the_same_power() -> None:
    rng = np.random.default_rng(8)
    channels, x = responses(rng, 2, 2, 6, 3), phases(rng, 2, 5)
    ours = minimum_power_over_phases(channels, 5.0, x[:, None])
    theirs = minimum_power_over_phases_pymanopt(
        channels, np.full((2, 2), 5.0), x[:, None], tolerance=1e-5
    )
    np.testing.assert_allclose(ours.power, theirs.power, rtol=1e-6)
    np.testing.assert_allclose(ours.reflection, theirs.reflection, atol=1e-3)


def test_more_starts_never_hurt_and_realisations_do_not_interact() -> None:
    rng = np.random.default_rng(9)
    channels, x = responses(rng, 6, 3, 13, 3), phases(rng, 6, 4, 12)
    together = minimum_power_over_phases(channels, 10.0, x)
    first = minimum_power_over_phases(channels, 10.0, x[:, :1])
    assert (together.power <= first.power).all()
    for r in range(6):
        alone = minimum_power_over_phases(channels[r : r + 1], 10.0, x[r : r + 1])
        np.testing.assert_array_equal(alone.reflection[0], together.reflection[r])
        np.testing.assert_array_equal(alone.beamformer[0], together.beamformer[r])
        assert alone.power[0] == together.power[r]
    beams = minimum_power_beamforming(channels[:, :, 0], 10.0)
    single = minimum_power_beamforming(channels[2:3, :, 0], 10.0)
    np.testing.assert_array_equal(single.beamformer[0], beams.beamformer[2])


def test_phases_cannot_repair_targets_that_need_more_antennas() -> None:
    rng = np.random.default_rng(10)
    channels, x = responses(rng, 2, 3, 6, 2), phases(rng, 2, 1, 5)
    found = minimum_power_over_phases(channels, 10.0, x)
    assert (found.status == FAILURE).all()
    assert np.isnan(found.power).all()
    assert np.isnan(found.reflection).all()


@pytest.mark.parametrize(
    ("channel", "targets", "noise", "word"),
    [
        (np.ones((2, 3)), 1.0, 1.0, "channel"),
        (np.full((1, 2, 3), np.nan), 1.0, 1.0, "channel"),
        (np.ones((1, 2, 3)), [1.0, -1.0], 1.0, "targets"),
        (np.ones((1, 2, 3)), [1.0, 1.0, 1.0], 1.0, "targets"),
        (np.ones((1, 2, 3)), 1.0, 0.0, "noise"),
    ],
)
def test_bad_data_are_refused(channel: Complex, targets: Real, noise: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        minimum_power_beamforming(channel, targets, noise)


def test_bad_starts_are_refused() -> None:
    channels = np.ones((1, 2, 4, 3), complex)
    for shape in ((1, 3), (1, 1, 4), (1, 0, 3)):
        with pytest.raises(ValueError, match="starts"):
            minimum_power_over_phases(channels, 1.0, np.ones(shape, complex))
    with pytest.raises(ValueError, match="zeros"):
        minimum_power_over_phases(channels, 1.0, np.zeros((1, 1, 3), complex))
