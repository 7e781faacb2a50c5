"""Intervals: their coverage, their exact cases, and agreement with independent formulas."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, binomtest
from scipy.stats import t as student

from irsrepro import resampling
from irsrepro.resampling import RESAMPLES, bootstrap_weights, means_without_one, weight_blocks
from irsrepro.statistics import (
    binomial_quantile,
    clopper_pearson,
    mean_interval,
    median_interval,
    simultaneous_interval,
)

Array = NDArray[np.float64]


def value(averages: Array) -> Array:
    return averages[..., 0]


def difference(averages: Array) -> Array:
    return averages[..., 0] - averages[..., 1]


def steps(curve: Array) -> Array:
    return np.diff(curve, axis=-1)


def test_weights_are_multinomial_counts_that_never_change() -> None:
    weights = bootstrap_weights(20)
    assert weights.shape == (RESAMPLES, 20)
    assert np.array_equal(weights.sum(axis=1), np.full(RESAMPLES, 20.0))
    # The counts of n draws among n have mean 1 and variance 1 - 1/n.
    assert weights.mean(axis=0) == pytest.approx(np.ones(20), abs=5 / np.sqrt(RESAMPLES))
    assert weights.var() == pytest.approx(1 - 1 / 20, rel=0.02)
    bootstrap_weights.cache_clear()
    assert np.array_equal(bootstrap_weights(20), weights)
    assert not np.array_equal(bootstrap_weights(20, seed=1), weights)
    with pytest.raises(ValueError, match="at least 1"):
        bootstrap_weights(0)


def test_weights_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = weight_blocks(50)
    samples = np.random.default_rng(2).normal(size=(50, 3))
    one_block = simultaneous_interval(samples, steps), mean_interval(samples)
    monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", 50 * 7)
    blocks = list(weight_blocks(50))
    assert len(blocks) == -(-RESAMPLES // 7) and np.array_equal(np.concatenate(blocks), whole)
    blockwise = simultaneous_interval(samples, steps), mean_interval(samples)
    assert np.array_equal(blockwise[0].lower, one_block[0].lower)
    assert np.array_equal(blockwise[1], one_block[1])


@pytest.mark.parametrize("n", [2, 3, 4, 8, 16])
def test_no_interval_is_narrower_than_students(n: int) -> None:
    samples = 100.0 + np.random.default_rng(n).normal(size=(n, 1, 1))
    half_width = student.ppf(0.975, n - 1) * samples.std(ddof=1) / np.sqrt(n)
    found = simultaneous_interval(samples, value)
    assert samples.mean() - found.lower_alone[0] >= half_width * (1 - 1e-9)
    assert found.upper_alone[0] - samples.mean() >= half_width * (1 - 1e-9)


@pytest.mark.parametrize("missing", [0, 3])
def test_means_without_one_are_those_of_the_others(missing: int) -> None:
    columns = np.random.default_rng(3).normal(size=(9, 2))
    columns[:missing, 1] = np.nan
    left = [np.nanmean(np.delete(columns, row, axis=0), axis=0) for row in range(9)]
    found = means_without_one(columns, np.isfinite(columns))
    np.testing.assert_allclose(found, left, rtol=1e-12)


@pytest.mark.parametrize("n", [5, 30, 100])
def test_one_contrast_has_nearly_the_width_of_students_interval(n: int) -> None:
    samples = np.random.default_rng(0).normal(size=(n, 1))
    interval = simultaneous_interval(samples, lambda a: a)
    half_width = student.ppf(0.975, n - 1) * samples.std(ddof=1) / np.sqrt(n)
    assert interval.estimate == pytest.approx(samples.mean(axis=0))
    assert interval.upper - interval.estimate == pytest.approx(half_width, rel=0.05)
    assert interval.estimate - interval.lower == pytest.approx(half_width, rel=0.05)


def test_more_contrasts_and_a_higher_level_need_wider_intervals() -> None:
    samples = np.random.default_rng(1).normal(size=(50, 12, 1))
    one = simultaneous_interval(samples[:, :1], value)
    many = simultaneous_interval(samples, value)
    strict = simultaneous_interval(samples, value, level=0.99)
    assert many.upper[0] > one.upper[0]
    assert np.all(strict.upper > many.upper)


def test_paired_differences_are_tighter_than_unpaired_ones() -> None:
    rng = np.random.default_rng(2)
    channel = 5 * rng.normal(size=60)
    first, second = channel + 1 + rng.normal(size=60), channel + rng.normal(size=60)
    paired = simultaneous_interval(np.stack([first, second], axis=1)[:, None], difference)
    shuffled = np.stack([first, rng.permutation(second)], axis=1)[:, None]
    unpaired = simultaneous_interval(shuffled, difference)
    assert paired.estimate == pytest.approx(unpaired.estimate)
    width = paired.upper - paired.lower
    assert width < (unpaired.upper - unpaired.lower) / 3
    # Against the paired formula, not only against the wrong one.
    spread = (first - second).std(ddof=1) / np.sqrt(60)
    assert width == pytest.approx(2 * student.ppf(0.975, 59) * spread, rel=0.05)


def test_a_contrast_without_variance_is_exact() -> None:
    rng = np.random.default_rng(3)
    noisy = rng.normal(size=40)
    constant = np.full(40, 0.1)
    samples = np.stack(
        [np.stack(pair, axis=-1) for pair in [(noisy, noisy), (constant, 3 * constant)]], axis=1
    )
    interval = simultaneous_interval(samples, difference)
    assert interval.estimate[0] == interval.lower[0] == interval.upper[0] == 0.0
    assert interval.lower[1] == interval.upper[1] == pytest.approx(-0.2)
    beside = np.concatenate([samples, rng.normal(size=(40, 1, 2))], axis=1)
    alone = simultaneous_interval(beside[:, 2:], difference)
    assert simultaneous_interval(beside, difference).lower[2] == pytest.approx(alone.lower[0])


def test_failed_realisations_are_left_out_of_their_contrast_only() -> None:
    samples = np.random.default_rng(4).normal(size=(30, 2, 2))
    samples[:4, 1, 0] = np.nan
    samples[3:6, 1, 1] = np.nan
    interval = simultaneous_interval(samples, difference)
    assert interval.realisations.tolist() == [30, 24]
    assert interval.left_out.tolist() == [0, 6]
    expected = (samples[6:, 1, 0] - samples[6:, 1, 1]).mean()
    assert interval.estimate[1] == pytest.approx(expected)
    together = simultaneous_interval(samples.reshape(30, 4), lambda a: a[..., [0]] - a[..., [3]])
    assert together.realisations.tolist() == [24]
    assert together.estimate[0] == pytest.approx((samples[6:, 0, 0] - samples[6:, 1, 1]).mean())


def test_too_few_realisations_leave_everything_open() -> None:
    single = simultaneous_interval(np.ones((1, 2, 1)), value)
    assert np.isneginf(single.lower).all() and np.isposinf(single.upper).all()
    samples = np.random.default_rng(5).normal(size=(20, 2, 1))
    samples[1:, 1] = np.nan
    mixed = simultaneous_interval(samples, value)
    assert mixed.upper[1] == np.inf and np.isfinite(mixed.upper[0])
    undefined = simultaneous_interval(np.zeros((20, 1, 2)), lambda a: a[..., 0] / a[..., 1])
    assert np.isneginf(undefined.lower).all()
    mean, lower, upper = mean_interval(samples[:, 1, 0])
    assert mean == samples[0, 1, 0] and np.isnan(lower) and np.isnan(upper)


def test_a_contrast_that_hangs_on_a_single_realisation_has_no_interval() -> None:
    """Without the only one of its denominators that is not zero a ratio has no value."""
    samples = np.ones((20, 2, 2))
    samples[:, 0, 1] = 0.0
    samples[3, 0, 1] = 1.0
    samples[:, 1] += np.random.default_rng(7).random((20, 2))
    interval = simultaneous_interval(samples, lambda a: a[..., 0] / a[..., 1])
    assert np.isinf([interval.lower[0], interval.upper_alone[0]]).all()
    assert np.isfinite([interval.lower[1], interval.upper_alone[1]]).all()


def test_intervals_of_each_contrast_are_within_the_joint_ones() -> None:
    samples = np.random.default_rng(8).exponential(size=(20, 6, 1))
    for quantile in (None, 0.5):
        found = simultaneous_interval(samples, value, quantile=quantile)
        one = simultaneous_interval(samples[:, 2:3], value, quantile=quantile)
        assert np.all(found.lower < found.lower_alone) and np.all(found.upper_alone < found.upper)
        assert found.lower_alone[2] == pytest.approx(one.lower[0])
        stricter = simultaneous_interval(samples, value, quantile=quantile, joint_level=0.99)
        assert np.all(stricter.lower <= found.lower) and np.all(stricter.upper > found.upper)
        assert np.array_equal(stricter.upper_alone, found.upper_alone)


def test_samples_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        simultaneous_interval(np.zeros(3), value)


def test_quantiles_of_resamples_are_those_of_numpy() -> None:
    samples = np.random.default_rng(6).normal(size=(13, 1)).round(1)
    weights = bootstrap_weights(13).astype(int)
    expected = [np.quantile(np.repeat(samples[:, 0], row), 0.3) for row in weights]
    seen: list[Array] = []

    def spy(averages: Array) -> Array:
        seen.append(averages[..., 0])
        return averages

    simultaneous_interval(samples, spy, quantile=0.3)
    assert seen[0] == pytest.approx(np.quantile(samples, 0.3))
    assert seen[1] == pytest.approx(np.array(expected))


def test_every_contrast_may_have_its_own_quantile() -> None:
    samples = np.random.default_rng(7).normal(size=(41, 1, 1)).repeat(3, axis=1)
    interval = simultaneous_interval(samples, value, quantile=[0.1, 0.5, 0.9])
    assert interval.estimate == pytest.approx(np.quantile(samples[:, 0, 0], [0.1, 0.5, 0.9]))


def test_point_interval_skips_failures_and_keeps_axes() -> None:
    samples = np.random.default_rng(9).normal(size=(2, 25, 3))
    samples[1, :5, 2] = np.nan
    mean, lower, upper = mean_interval(samples, axis=1)
    assert mean.shape == (2, 3)
    assert mean == pytest.approx(np.nanmean(samples, axis=1))
    alone = mean_interval(samples[0, :, 1])
    assert np.array([lower[0, 1], upper[0, 1]]) == pytest.approx(np.array(alone[1:]))
    assert median_interval(samples, axis=1)[0] == pytest.approx(np.nanmedian(samples, axis=1))


@pytest.mark.parametrize("trials", [0, 1, 7, 100, 1000])
def test_binomial_quantiles_are_those_of_scipy(trials: int) -> None:
    probability = np.concatenate([[1e-12], np.arange(1, 301) / 300])
    for share in (0.025, 0.5, 0.975):
        ours = binomial_quantile(share, trials, probability)
        np.testing.assert_array_equal(ours, binom.ppf(share, trials, probability))


def test_clopper_pearson_is_that_of_scipy() -> None:
    for trials in (1, 7, 100):
        for successes in range(trials + 1):
            ours = clopper_pearson(successes, trials, 0.9)
            theirs = binomtest(successes, trials).proportion_ci(0.9, method="exact")
            assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="0 to 3"):
        clopper_pearson(4, 3)
