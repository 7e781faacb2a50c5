"""The best of many random vectors with a given covariance, found in single precision.

Vectors are the phases of Y z for draws z. Where every user has columns of its own, users are looked
at one by one, those first who are the last ones most often: most vectors already give the first of
them less than the best vectors before, and are out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.sdp.columns import Columns, forms
from irsrepro.optimize.sdp.instance import Instance

Single = NDArray[np.complex64]
Float32 = NDArray[np.float32]

_BLOCK = 256  # samples at a time: what is computed of them stays in the cache
_MIXED_BLOCK = 128  # the same where F has blocks
_FIRST_DRAWS = 128  # tell which users to look at first
_FINALISTS = 8  # samples whose value is computed in double precision
_ROUNDING = 1e-3  # error of a value in single precision, at most, relative to it or to this


class _Listeners(NamedTuple):
    """Groups of users and the columns that they hear, in single precision.

    Attributes:
        columns: real and imaginary parts of F, (group, 2, column, element).
        top: SN, (group, user, column).
        constants: n, (group, user).
        bottom: SD, (group, user, column).
        noise: d, (group, user).
    """

    columns: Float32
    top: Float32
    constants: Float32
    bottom: Float32
    noise: Float32


def _listeners(instance: Instance, groups: NDArray[np.int64]) -> _Listeners:
    """Return groups of users, (group, user), of an instance without blocks."""
    top, bottom = instance.numerator[groups], instance.denominator[groups]
    active = ((top != 0.0) | (bottom != 0.0)).any(axis=1)
    # As many columns as the largest group hears; others hear some of theirs with weight 0.
    heard = np.argsort(~active, axis=1, kind="stable")[:, : active.sum(axis=1).max()]
    F = instance.columns.local.T[heard]
    return _Listeners(
        np.stack([F.real, F.imag], axis=1).astype(np.float32, order="C"),
        np.take_along_axis(top, heard[:, None], axis=2).astype(np.float32, order="C"),
        instance.numerator_constant[groups].astype(np.float32),
        np.take_along_axis(bottom, heard[:, None], axis=2).astype(np.float32, order="C"),
        instance.denominator_constant[groups].astype(np.float32),
    )


def user_values(instance: Instance, vectors: Complex) -> Real:
    """Return the value of every user at the phases of vectors, (user, vector).

    Args:
        instance: one realisation.
        vectors: (element, vector); zeros take the phase 0.
    """
    sizes = np.abs(vectors)
    phases = np.divide(vectors, sizes, out=np.ones_like(vectors), where=sizes > 0.0)
    images = forms(instance.columns, phases)
    powers = images.real**2 + images.imag**2
    top = instance.numerator @ powers + instance.numerator_constant[:, None]
    bottom = instance.denominator @ powers + instance.denominator_constant[:, None]
    return np.asarray(top / bottom)


def _groups(instance: Instance, factor: Complex, draws: Complex) -> NDArray[np.int64]:
    """Return users in the order in which to look at them, (group, user); all if they share columns.

    Args:
        instance: without blocks.
        factor: Y, (element, column).
        draws: a few, (sample, column).
    """
    active_columns = (instance.numerator != 0.0) | (instance.denominator != 0.0)
    if active_columns.sum(axis=0).max() > 1:
        return np.arange(len(active_columns))[None]
    last = user_values(instance, factor @ draws.T).argmin(axis=0)
    counts = np.bincount(last, minlength=len(active_columns))
    return np.argsort(-counts, kind="stable")[:, None]


def finalists(
    instance: Instance, factor: Complex, draws: Complex, threshold: float
) -> NDArray[np.int64]:
    """Indices of the samples with the best values in single precision, in rising order.

    Args:
        instance: one realisation.
        factor: Y, (element, column).
        draws: z, (sample, column).
        threshold: samples with smaller values need not be returned.
    """
    count = min(_FINALISTS, draws.shape[0])
    if not count:
        return np.empty(0, np.int64)
    scores = np.empty(draws.shape[0], np.float32)
    if instance.columns.mixing.size:
        _score_in_blocks(instance, factor, draws, scores)
    else:
        users = _listeners(instance, _groups(instance, factor, draws[:_FIRST_DRAWS]))
        z, Y = (np.array([part.real, part.imag], np.float32) for part in (draws.T, factor.T))
        lowest = np.float32(threshold - _ROUNDING * max(abs(threshold), _ROUNDING))
        _score_samples(z, Y, users, np.full(count, lowest), scores)
    best = np.argpartition(-scores, count - 1)[:count]
    return np.sort(best[scores[best] > -np.inf])


@kernel
def _smallest_values(
    draws: Float32,
    factor: Float32,
    columns: Float32,
    top: Float32,
    constants: Float32,
    bottom: Float32,
    noise: Float32,
    values: Float32,
) -> None:
    """Lower values to the smallest ones of some users at the phases of Y z.

    Sums go over samples in the innermost loop, which a compiler vectorises without reordering any.

    Args:
        draws: real and imaginary parts of z, (2, column of Y, sample).
        factor: of Y, (2, column of Y, element).
        columns: of F, (2, column, element).
        top: SN, (user, column).
        constants: n, (user,).
        bottom: SD, (user, column).
        noise: d, (user,).
        values: (sample,), overwritten.
    """
    count, width = values.size, top.shape[1]
    tiny = np.float32(1e-30)
    x, y = np.empty(count, np.float32), np.empty(count, np.float32)
    images = np.zeros((width, count), np.float32)
    powers = np.zeros((width, count), np.float32)
    for i in range(factor.shape[2]):
        real, imag, a, b = draws[0, 0], draws[1, 0], factor[0, 0, i], factor[1, 0, i]
        for s in range(count):
            x[s], y[s] = real[s] * a - imag[s] * b, real[s] * b + imag[s] * a
        for c in range(1, factor.shape[1]):
            real, imag, a, b = draws[0, c], draws[1, c], factor[0, c, i], factor[1, c, i]
            for s in range(count):
                x[s] += real[s] * a - imag[s] * b
                y[s] += real[s] * b + imag[s] * a
        for s in range(count):
            scale = np.float32(1.0) / np.sqrt(x[s] * x[s] + y[s] * y[s] + tiny)
            x[s] *= scale
            y[s] *= scale
        for k in range(width):
            real, imag, a, b = powers[k], images[k], columns[0, k, i], columns[1, k, i]
            for s in range(count):
                real[s] += a * x[s] + b * y[s]
                imag[s] += a * y[s] - b * x[s]
    for k in range(width):
        for s in range(count):
            powers[k, s] = powers[k, s] * powers[k, s] + images[k, s] * images[k, s]
    for k in range(constants.size):
        for s in range(count):
            x[s], y[s] = constants[k], noise[k]
        for c in range(width):
            a, b = top[k, c], bottom[k, c]
            for s in range(count):
                x[s] += a * powers[c, s]
                y[s] += b * powers[c, s]
        for s in range(count):
            values[s] = min(values[s], x[s] / y[s])


@kernel
def _score_samples(
    draws: Float32, factor: Float32, users: _Listeners, best: Float32, scores: Float32
) -> None:
    """Smallest value of each sample that may be among the best, minus infinity for others.

    A sample is out where some users already have less than the best samples before it.

    Args:
        draws: real and imaginary parts of z, (2, column of Y, sample).
        factor: of Y, (2, column of Y, element).
        users: the groups in the order in which to look at them.
        best: values that a sample must exceed, in rising order; overwritten by the best ones.
        scores: (sample,), overwritten.
    """
    rank, infinity = draws.shape[1], np.float32(np.inf)
    for start in range(0, scores.size, _BLOCK):
        block = scores[start : start + _BLOCK]
        remaining, values = np.arange(block.size), np.full(block.size, infinity)
        part = draws[:, :, start : start + block.size].copy()
        for g in range(users.noise.shape[0]):
            _smallest_values(
                part,
                factor,
                users.columns[g],
                users.top[g],
                users.constants[g],
                users.bottom[g],
                users.noise[g],
                values,
            )
            kept = np.flatnonzero(values > best[0])
            remaining, values = remaining[kept], values[kept]
            others = np.empty((2, rank, kept.size), np.float32)
            for c in range(rank):
                for s in range(kept.size):
                    others[0, c, s], others[1, c, s] = part[0, c, kept[s]], part[1, c, kept[s]]
            part = others
        block[:] = -infinity
        for s in range(remaining.size):
            block[remaining[s]] = values[s]
            if values[s] > best[0]:
                best[0] = values[s]
                best.sort()


def _score_in_blocks(instance: Instance, factor: Complex, draws: Complex, scores: Float32) -> None:
    """Smallest value of each sample, where F has blocks."""
    local, conjugate, edges, mixing, adjoint = instance.columns
    _score_mixed_samples(
        np.ascontiguousarray(draws.T.astype(np.complex64)),
        factor.astype(np.complex64, order="C"),
        Columns(
            local.astype(np.complex64),
            conjugate.astype(np.complex64),
            edges,
            mixing.astype(np.complex64),
            adjoint.astype(np.complex64),
        ),
        instance.numerator.astype(np.float32),
        instance.numerator_constant.astype(np.float32),
        instance.denominator.astype(np.float32),
        instance.denominator_constant.astype(np.float32),
        scores,
    )


@kernel
def _score_mixed_samples(
    draws: Single,
    factor: Single,
    columns: Columns,
    top: Float32,
    constants: Float32,
    bottom: Float32,
    noise: Float32,
    scores: Float32,
) -> None:
    """Smallest value of each sample, for draws (column of Y, sample)."""
    tiny = np.float32(1e-30)
    for first in range(0, draws.shape[1], _MIXED_BLOCK):
        last = min(draws.shape[1], first + _MIXED_BLOCK)
        vectors = np.dot(factor, draws[:, first:last].copy())
        parts = vectors.view(np.float32)
        for i in range(factor.shape[0]):
            for s in range(last - first):
                real, imag = parts[i, 2 * s], parts[i, 2 * s + 1]
                scale = np.float32(1.0) / np.sqrt(real * real + imag * imag + tiny)
                parts[i, 2 * s] = scale * real
                parts[i, 2 * s + 1] = scale * imag
        images = forms(columns, vectors).view(np.float32)
        powers = np.empty((images.shape[0], last - first), np.float32)
        for a in range(images.shape[0]):
            for s in range(last - first):
                powers[a, s] = images[a, 2 * s] ** 2 + images[a, 2 * s + 1] ** 2
        upper, lower = np.dot(top, powers), np.dot(bottom, powers)
        for s in range(last - first):
            smallest = np.float32(np.inf)
            for k in range(constants.size):
                smallest = min(smallest, (upper[k, s] + constants[k]) / (lower[k, s] + noise[k]))
            scores[first + s] = smallest
