"""Bootstrap: how often realisations occur in resamples, and averages over these.

Deterministic: the weights come from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Real

RESAMPLES = 4000
SEED = 20_240_229
_WEIGHTS_AT_ONCE = 8_000_000  # 64 MB


@lru_cache(maxsize=16)  # every look at a claim has its own number
def bootstrap_weights(realisations: int, seed: int = SEED) -> NDArray[np.float64]:
    """Return how often each realisation occurs in each bootstrap resample.

    Args:
        realisations: number of realisations, at least 1.
        seed: seed of the generator; the same seed gives the same weights.

    Returns:
        Multinomial counts, shape (resample, realisation), read-only; rows sum to ``realisations``.
        Resamples lie side by side in memory.

    Raises:
        ValueError: there is nothing to resample.
    """
    if realisations < 1:
        raise ValueError(f"realisations: {realisations} is not allowed; at least 1 is")
    weights = _draw_weights(np.random.default_rng(seed), RESAMPLES, realisations)
    weights.flags.writeable = False  # it is cached and shared
    return weights


def weight_blocks(realisations: int) -> Iterator[Real]:
    """Yield `bootstrap_weights` in blocks of resamples that are small enough for memory.

    Few realisations are one block, which is kept for the next call.
    """
    if RESAMPLES * realisations <= _WEIGHTS_AT_ONCE:
        yield bootstrap_weights(realisations)
        return
    generator, rows = np.random.default_rng(SEED), max(1, _WEIGHTS_AT_ONCE // realisations)
    for first in range(0, RESAMPLES, rows):
        yield _draw_weights(generator, min(rows, RESAMPLES - first), realisations)


def _draw_weights(generator: np.random.Generator, rows: int, realisations: int) -> Real:
    """Draw weights of the next resamples, (resample, realisation), resamples side by side."""
    draws = generator.integers(realisations, size=(rows, realisations))
    draws += realisations * np.arange(rows)[:, None]
    counts = np.bincount(draws.ravel(), minlength=draws.size)
    return counts.reshape(draws.shape).astype(float, order="F")


def weighted_sums(weights: Real, columns: Real) -> Real:
    """Return the sums of columns (realisation, column) in resamples, (resample, column).

    Not a matrix product: BLAS may round equal columns differently. Resamples are many, so the
    innermost loop is over these, up to ten times as fast as one over few columns.
    """
    sums: Real = np.einsum("rb,rc->cb", weights.T, columns).T
    return sums


def aggregate(columns: Real, valid: NDArray[np.bool_], weights: Real, orders: Real | None) -> Real:
    """Return the weighted mean, or quantile, of each column over its valid rows.

    Args:
        columns: shape (realisation, column).
        valid: which entries count, same shape.
        weights: shape (resample, realisation), whole numbers, as many in a row as realisations.
        orders: quantile of each column, or None for means.

    Returns:
        Shape (resample, column); NaN where a resample holds no valid row.
    """
    if orders is not None:
        aggregated = np.empty((len(weights), columns.shape[1]))
        copies = weights.astype(np.int32, order="C")  # several times faster to reorder than float64
        # Columns in the same order, such as one of which several quantiles are wanted.
        alike: dict[bytes, list[int]] = {}
        for column in range(columns.shape[1]):
            rows = np.flatnonzero(valid[:, column])
            rows = rows[np.argsort(columns[rows, column], kind="stable")]
            alike.setdefault(rows.tobytes(), []).append(column)
        for key, places in alike.items():
            rows = np.frombuffer(key, dtype=np.intp)
            aggregated[:, places] = _quantiles(
                columns[rows][:, places], np.take(copies, rows, axis=1), orders[places]
            )
        return aggregated
    first, rest = _centred(columns, valid)
    sums = weighted_sums(weights, rest)
    counts = np.full_like(sums, columns.shape[0])
    if not valid.all():
        counts = weighted_sums(weights, valid.astype(float))
    with np.errstate(invalid="ignore"):
        mean: Real = first + sums / counts
    return mean


def _centred(columns: Real, valid: NDArray[np.bool_]) -> tuple[Real, Real]:
    """Return the first valid value of each column (1, column), and the column measured from it.

    So a constant column has its mean without rounding error. Zero where a row is not valid.
    """
    first = np.take_along_axis(columns, valid.argmax(axis=0)[None], axis=0)
    return first, np.where(valid, columns - first, 0.0)


def means_without_one(columns: Real, valid: NDArray[np.bool_]) -> Real:
    """Return the mean of each column over its valid rows but one, for each row, as `aggregate`.

    Where the row is not valid, that is the mean of all.
    """
    first, rest = _centred(columns, valid)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Real = first + (rest.sum(axis=0) - rest) / (valid.sum(axis=0) - valid)
    return mean


def _quantiles(values: Real, copies: NDArray[np.int32], orders: Real) -> Real:
    """Return quantiles of each resample, interpolated as ``numpy.quantile`` does.

    Args:
        values: of one or several columns, each ascending, shape (realisation, column).
        copies: how often each realisation occurs, shape (resample, realisation).
        orders: which quantile of each column, in [0, 1].

    Returns:
        Shape (resample, column); NaN for an empty resample.
    """
    quantiles = np.full((len(copies), orders.size), np.nan)
    size = len(values)
    if not size:
        return quantiles
    cumulative = np.cumsum(copies, axis=1, dtype=np.int32)
    nonempty = cumulative[:, -1] > 0
    last = cumulative[nonempty, -1].astype(np.int64) - 1
    # Rows set one above the other are one ascending list, so that one search serves them all.
    start = np.arange(last.size)
    lift = start * (last.max(initial=0) + 2)
    stacked = (cumulative[nonempty] + lift[:, None]).ravel()
    for column, order in enumerate(orders):
        position = last * order
        lower_ranks = np.floor(position).astype(np.int64)
        lower, upper = (
            values[np.searchsorted(stacked, rank + lift, side="right") - start * size, column]
            for rank in (lower_ranks, np.minimum(lower_ranks + 1, last))
        )
        quantiles[nonempty, column] = lower + (position - lower_ranks) * (upper - lower)
    return quantiles
