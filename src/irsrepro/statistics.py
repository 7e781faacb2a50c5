"""Intervals: for a point of a curve, for many paired contrasts at once, and for a share.

Whole realisations are resampled, so everything computed from one realisation stays together:
contrasts between curves are paired and neighbouring points keep their correlation. Every interval
is deterministic: the resampling weights come from a fixed seed.

A failed realisation is NaN and is left out where it would be used, and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, bdtrik, betaincinv, ndtr, ndtri, stdtrit

from irsrepro.array_types import Integers, Real
from irsrepro.resampling import aggregate, means_without_one, weight_blocks, weighted_sums

Statistic = Callable[[Real], Real]

LEVEL = 0.95
"""Coverage of an interval unless another is asked for."""

_EXACT = 1e-13  # standard error, relative to a contrast, below which it does not vary
_SMALLEST_ERROR = 1e-3  # of the standard error, below which that of a resample tells nothing
_COLUMNS_AT_ONCE = 128  # bounds the memory of resampled curves to about 4 MB a block


@dataclass(frozen=True)
class Interval:
    """Contrasts with their intervals, all arrays of shape (contrast,).

    Attributes:
        estimate: value at the sample itself.
        lower: lower end of intervals that hold together, infinite where there are too few
            realisations.
        upper: upper end of these.
        lower_alone: lower end of the interval of each contrast by itself.
        upper_alone: upper end of it.
        realisations: number of realisations used.
        left_out: number of realisations left out because a value is NaN.
    """

    estimate: Real
    lower: Real
    upper: Real
    lower_alone: Real
    upper_alone: Real
    realisations: NDArray[np.int64]
    left_out: NDArray[np.int64]


def mean_interval(samples: ArrayLike, axis: int = 0) -> tuple[Real, Real, Real]:
    """Return the mean over realisations and its interval of ``LEVEL``, for each point on its own.

    The expanded percentile bootstrap (Hesterberg 2015, "What teachers should know about the
    bootstrap"): percentiles moved outwards so that for normal data the interval has the width of
    Student's, sqrt(n / (n - 1)) t / z times the plain one.

    Args:
        samples: values, NaN where a realisation failed.
        axis: the axis of realisations.

    Returns:
        Mean, lower and upper end, each of the shape of ``samples`` without ``axis``. With fewer
        than two valid realisations the ends are NaN.
    """
    return _point_interval(samples, axis, None)


def median_interval(samples: ArrayLike, axis: int = 0) -> tuple[Real, Real, Real]:
    """Return the median over realisations and its interval; otherwise as ``mean_interval``."""
    return _point_interval(samples, axis, 0.5)


def simultaneous_interval(
    samples: ArrayLike,
    statistic: Statistic,
    level: float = LEVEL,
    quantile: ArrayLike | None = None,
    joint_level: float | None = None,
) -> Interval:
    """Return intervals for several contrasts, of each by itself and for all of them at once.

    For means the bootstrap-t (Hall 1988): each contrast's deviation from its estimate is divided by
    the standard error in the same resample, from the jackknife, which makes the interval follow the
    skewness of the data. The largest of all contrasts gives one critical value for the lower ends,
    the largest of the negative ones that for the upper ends; alone, a contrast has its own. For
    quantiles the max-|t| bootstrap, divided by one standard error, widened by sqrt(n / (n - 1)) and
    from the normal quantile to Student's of the same tail. No critical value falls below Student's
    for a single contrast, which few distinct resamples could undercut. A contrast that does not
    vary between realisations is exact: its interval is a point.

    Args:
        samples: values aggregated over realisations before contrasts are formed, NaN where a
            realisation failed. Shape (realisation, contrast, term): a contrast uses the
            realisations in which all its terms are valid. Or (realisation, term): all contrasts use
            the realisations in which all terms are valid.
        statistic: maps aggregated values (..., contrast, term), or (..., term), to contrasts
            (..., contrast).
        level: coverage of the interval of a contrast alone.
        quantile: None aggregates by the mean; a number in [0, 1], or one per contrast, by that
            quantile (0.5 for the median).
        joint_level: coverage of all intervals together; without it, ``level``.

    Returns:
        The contrasts. With fewer than two valid realisations, or an estimate that is not finite or
        would not be without one of them, the ends are infinite.

    Raises:
        ValueError: ``samples`` does not have two or three dimensions.
    """
    values = np.asarray(samples, dtype=float)
    if values.ndim not in (2, 3):
        raise ValueError(
            f"samples: shape {values.shape} is not allowed; (realisation, term) or "
            "(realisation, contrast, term) is"
        )
    total, shape = values.shape[0], values.shape[1:]
    valid = np.isfinite(values).all(axis=-1)
    columns = values.reshape(total, -1)
    valid_columns = np.broadcast_to(valid[..., None], values.shape).reshape(total, -1)
    orders = None
    if quantile is not None:
        level_of = np.asarray(quantile, dtype=float)[..., None]  # the same for all terms
        orders = np.broadcast_to(level_of, shape).ravel()

    def contrasts(aggregated: Real) -> Real:
        with np.errstate(divide="ignore", invalid="ignore"):
            return statistic(aggregated.reshape(-1, *shape))

    def resampled(weights: Real) -> Real:
        return contrasts(aggregate(columns, valid_columns, weights, orders))

    estimate = resampled(np.ones((1, total)))[0]
    sample_counts = np.broadcast_to(valid.sum(axis=0), estimate.shape)
    determined = np.isfinite(estimate) & (sample_counts >= 2)
    influence = np.empty((0, 0))
    if orders is None:
        without = contrasts(means_without_one(columns, valid_columns))
        influence = -(sample_counts - 1.0) * (without - np.where(determined, estimate, 0.0))
        is_finite = np.isfinite(influence)
        determined &= is_finite.all(axis=0)
        influence[~is_finite] = 0.0
    deviations, spreads = [], []
    for weights in weight_blocks(total):
        deviations.append(resampled(weights) - estimate)
        if orders is None:
            spreads.append(_standard_errors(weights, influence, sample_counts))
    deviation = np.concatenate(deviations)
    # A resample may hold none of a contrast's valid realisations; it then says nothing about it.
    deviation[~np.isfinite(deviation)] = np.nan
    determined &= ~np.isnan(deviation).all(axis=0)
    deviation[:, ~determined] = 0.0
    centre = np.where(determined, estimate, 0.0)
    levels = level if joint_level is None else joint_level, level
    if orders is None:
        error = _standard_errors(np.ones((1, total)), influence, sample_counts)[0]
        varies = determined & (error > _EXACT * np.abs(centre))
        errors = np.concatenate(spreads)
        critical = _bootstrap_t(deviation, error, errors, sample_counts, varies, levels)
    else:
        error = np.sqrt(np.nanmean(deviation**2, axis=0))
        varies = determined & (error > 0)
        critical = _largest_deviation(deviation, error, sample_counts, varies, levels)
    constant_widths = np.where(determined, 0.0, np.inf)
    low, high, low_alone, high_alone = np.where(varies, critical * error, constant_widths)
    return Interval(
        estimate,
        centre - low,
        centre + high,
        centre - low_alone,
        centre + high_alone,
        sample_counts.astype(np.int64),
        total - sample_counts,
    )


def _standard_errors(weights: Real, influence: Real, sample_counts: Any) -> Real:
    """Return the standard errors of contrasts in resamples, (resample, contrast).

    Args:
        weights: (resample, realisation).
        influence: jackknife pseudo-values of each realisation, (realisation, contrast); their mean
            is a smooth function of means to first order. Zero where the realisation is not used.
        sample_counts: number of valid realisations of each contrast.
    """
    n = np.maximum(sample_counts, 2)
    squares = weighted_sums(weights, influence**2)
    means = weighted_sums(weights, influence) / n
    errors: Real = np.sqrt(np.maximum(squares / n - means**2, 0.0) / (n - 1.0))
    return errors


def _bootstrap_t(
    deviation: Real,
    error: Real,
    errors: Real,
    sample_counts: Any,
    varies: Any,
    levels: tuple[float, float],
) -> Real:
    """Return critical values in standard errors, (end, contrast).

    The ends are the lower and the upper one for all contrasts together at the first level, and
    those for each alone at the second.
    """
    joint_floor, floor = (
        stdtrit(np.maximum(sample_counts - 1, 1), (1 + level) / 2) for level in levels
    )
    critical = np.stack([joint_floor, joint_floor, floor, floor])
    if not varies.any():
        return critical
    # In a resample of few distinct realisations the error may vanish, and tells nothing.
    valid_errors = np.where(errors > _SMALLEST_ERROR * error, errors, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_values = (deviation / valid_errors)[:, varies]
    for end, deviations in enumerate((t_values, -t_values)):
        largest = np.nanmax(deviations, axis=1, initial=0.0)
        critical[end] = np.fmax(critical[end], np.quantile(largest, (1 + levels[0]) / 2))
        alone = _valid_quantile(deviations, (1 + levels[1]) / 2)
        critical[end + 2, varies] = np.fmax(critical[end + 2, varies], alone)
    critical[:2] = np.maximum(critical[:2], critical[2:])
    return critical


def _largest_deviation(
    deviation: Real, error: Real, sample_counts: Any, varies: Any, levels: tuple[float, float]
) -> Real:
    """Return critical values of the max-|t| bootstrap as ``_bootstrap_t`` does."""
    critical = np.tile(ndtri((1 + np.array(levels)[:, None]) / 2), (1, error.size))
    if varies.any():
        t_values = np.abs(deviation[:, varies]) / error[varies]
        largest = np.nanmax(t_values, axis=1, initial=0.0)
        critical[0] = np.fmax(critical[0], np.quantile(largest, levels[0]))
        alone = _valid_quantile(t_values, levels[1])
        critical[1, varies] = np.fmax(critical[1, varies], alone)
    critical[0] = np.maximum(critical[0], critical[1])
    n = np.maximum(sample_counts, 2)
    widened: Real = stdtrit(n - 1, ndtr(critical)) * np.sqrt(n / (n - 1))
    return np.repeat(widened, 2, axis=0)


def _valid_quantile(values: Real, order: float | list[float]) -> Real:
    """Return quantiles over the first axis as ``numpy.nanquantile``, slow only where it has to be.

    That one sorts column by column even where nothing is NaN; the numbers are the same.
    """
    find = np.nanquantile if np.isnan(values).any() else np.quantile
    return np.asarray(find(values, order, axis=0))


def binomial_quantile(share: float, trials: int, probability: Real) -> Integers:
    """Return the least number of successes that is not exceeded with at least a probability.

    Args:
        share: that probability.
        trials: number of them.
        probability: of a success, (...).

    Returns:
        (...,), from 0 to ``trials``.
    """
    found = np.maximum(np.ceil(np.nan_to_num(bdtrik(share, trials, probability)) - 1e-9), 0)
    below = np.maximum(found - 1, 0)
    least = np.where(bdtr(below, trials, probability) >= share, below, found)
    return np.asarray(least, dtype=np.int64)


def clopper_pearson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval of a binomial share; (0, 1) without trials.

    Raises:
        ValueError: ``successes`` is not between 0 and ``trials``.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: {successes} is not allowed; 0 to {trials} is")
    tail = (1 - level) / 2
    failures = trials - successes
    lower = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    upper = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return lower, upper


def _point_interval(
    samples: ArrayLike, axis: int, quantile: float | None
) -> tuple[Real, Real, Real]:
    values = np.moveaxis(np.asarray(samples, dtype=float), axis, 0)
    total, shape = values.shape[0], values.shape[1:]
    columns = values.reshape(total, -1)
    valid = np.isfinite(columns)
    sample_counts = valid.sum(axis=0)
    estimate = np.empty(columns.shape[1])
    ends = np.full((2, columns.shape[1]), np.nan)
    for first in range(0, columns.shape[1], _COLUMNS_AT_ONCE):
        block = slice(first, first + _COLUMNS_AT_ONCE)
        orders = None if quantile is None else np.full(estimate[block].shape, quantile)
        arguments = columns[:, block], valid[:, block]
        estimate[block] = aggregate(*arguments, np.ones((1, total)), orders)[0]
        estimates = np.concatenate(
            [aggregate(*arguments, weights, orders) for weights in weight_blocks(total)]
        )
        for n in np.unique(sample_counts[block]):
            if n < 2:
                continue
            same_count = sample_counts[block] == n
            tail = ndtr(-np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + LEVEL) / 2))
            ends[:, first + np.flatnonzero(same_count)] = _valid_quantile(
                estimates[:, same_count], [tail, 1 - tail]
            )
    return estimate.reshape(shape), ends[0].reshape(shape), ends[1].reshape(shape)
