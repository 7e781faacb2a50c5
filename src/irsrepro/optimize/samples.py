"""The best of many random vectors with a given covariance, found in single precision.

Vectors are the phases of Y z for draws z. Where every user has columns of its own, the user who is
the last one most often is looked at first: most vectors already give that user less than the best
ones before them, and are out.
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

_BLOCK = 128  # samples at a time: the block stays in the cache
_FINALISTS = 8  # samples whose value is computed in double precision


class _Listeners(NamedTuple):
    """Some of the users and the columns that they hear, in single precision.

    Attributes:
        forms: for the real and imaginary parts of x those of F^H x, (2 element, 2 column).
        top: SN, (column, user).
        constants: n, (user,).
        bottom: SD, (column, user).
        noise: d, (user,).
    """

    forms: Float32
    top: Float32
    constants: Float32
    bottom: Float32
    noise: Float32


def _listeners(instance: Instance, users: NDArray[np.bool_]) -> _Listeners:
    """Return those users of an instance without blocks, (user,)."""
    top, bottom = instance.numerator[users], instance.denominator[users]
    active_columns = ((top != 0.0) | (bottom != 0.0)).any(axis=0)
    F = instance.columns.local[:, active_columns]
    return _Listeners(
        np.block([[F.real, -F.imag], [F.imag, F.real]]).astype(np.float32, order="C"),
        top[:, active_columns].T.astype(np.float32, order="C"),
        instance.numerator_constant[users].astype(np.float32),
        bottom[:, active_columns].T.astype(np.float32, order="C"),
        instance.denominator_constant[users].astype(np.float32),
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


def _last_user(instance: Instance, factor: Complex, draws: Complex) -> NDArray[np.bool_]:
    """Return the user with the smallest value for most draws, (user,); all if they share columns.

    Args:
        instance: without blocks.
        factor: Y, (element, column).
        draws: (sample, column).
    """
    active_columns = (instance.numerator != 0.0) | (instance.denominator != 0.0)
    users = np.arange(len(active_columns))
    if active_columns.sum(axis=0).max() > 1:
        return users >= 0
    last = user_values(instance, factor @ draws.T).argmin(axis=0)
    counts = np.bincount(last, minlength=users.size)
    return np.asarray(users == counts.argmax())


def finalists(instance: Instance, factor: Complex, draws: Complex) -> NDArray[np.int64]:
    """Indices of the samples with the best values in single precision, in rising order."""
    count = min(_FINALISTS, draws.shape[0])
    if not count:
        return np.empty(0, np.int64)
    scores = np.empty(draws.shape[0], np.float32)
    if instance.columns.mixing.size:
        _score_in_blocks(instance, factor, draws, scores)
    else:
        first = _last_user(instance, factor, draws[:_BLOCK])
        parts = (_listeners(instance, first), _listeners(instance, ~first))
        z, Y = (np.array([part.real, part.imag], np.float32) for part in (draws, factor.T))
        _score_samples(z, Y, *parts, count, scores)
    return np.sort(np.argpartition(-scores, count - 1)[:count])


@kernel
def _draw_vectors(draws: Float32, factor: Float32, vectors: Float32) -> None:
    """Phases of Y z.

    Args:
        draws: real and imaginary parts of z, (2, sample, column).
        factor: of Y, (2, column, element).
        vectors: overwritten, real parts before imaginary ones, (sample, 2 element).
    """
    rank, size = factor.shape[1:]
    tiny = np.float32(1e-30)
    for s in range(draws.shape[1]):
        real, imag = vectors[s, :size], vectors[s, size:]
        for i in range(size):
            real[i], imag[i] = np.float32(0.0), np.float32(0.0)
        for c in range(rank):
            a, b = draws[0, s, c], draws[1, s, c]
            for i in range(size):
                real[i] += a * factor[0, c, i] - b * factor[1, c, i]
                imag[i] += a * factor[1, c, i] + b * factor[0, c, i]
        for i in range(size):
            scale = np.float32(1.0) / np.sqrt(real[i] * real[i] + imag[i] * imag[i] + tiny)
            real[i] *= scale
            imag[i] *= scale


@kernel
def _smallest_values(vectors: Float32, users: _Listeners) -> Float32:
    """Smallest value of some users at each vector, (sample,).

    All sums are products of matrices: a compiler that reorders sums to vectorise them gives other
    last bits in a process that has compiled other kernels before.
    """
    images = np.dot(vectors, users.forms)
    count, width = images.shape[0], images.shape[1] // 2
    powers = np.empty((count, width), np.float32)
    for s in range(count):
        for a in range(width):
            real, imag = images[s, a], images[s, width + a]
            powers[s, a] = real * real + imag * imag
    upper, lower = np.dot(powers, users.top), np.dot(powers, users.bottom)
    smallest = np.full(count, np.inf, np.float32)
    for s in range(count):
        for k in range(users.constants.size):
            value = (upper[s, k] + users.constants[k]) / (lower[s, k] + users.noise[k])
            smallest[s] = min(smallest[s], value)
    return smallest


@kernel
def _score_samples(
    draws: Float32,
    factor: Float32,
    first: _Listeners,
    others: _Listeners,
    count: int,
    scores: Float32,
) -> None:
    """Smallest value of each sample that may be among the best, minus infinity for others.

    A sample is out where the first users already have less than the best samples before it.

    Args:
        draws: real and imaginary parts of z, (2, sample, column).
        factor: of Y, (2, column, element).
        first: the users looked at first.
        others: the others, perhaps none.
        count: how many samples must be found.
        scores: (sample,), overwritten.
    """
    best = np.full(count, -np.inf, np.float32)  # in rising order
    # Reused: memory that is new to a process costs more than the arithmetic on it.
    buffer = np.empty((_BLOCK, 2 * factor.shape[2]), np.float32)
    for start in range(0, draws.shape[1], _BLOCK):
        end = min(draws.shape[1], start + _BLOCK)
        vectors = buffer[: end - start]
        _draw_vectors(draws[:, start:end], factor, vectors)
        values = _smallest_values(vectors, first)
        if others.constants.size > 0:
            remaining = np.flatnonzero(values > best[0])
            first_values = values[remaining]
            values[:] = -np.inf
            for s in range(remaining.size):
                for i in range(vectors.shape[1]):
                    vectors[s, i] = vectors[remaining[s], i]
            if remaining.size > 0:
                other_values = _smallest_values(vectors[: remaining.size], others)
                for s in range(remaining.size):
                    values[remaining[s]] = min(first_values[s], other_values[s])
        for s in range(end - start):
            scores[start + s] = values[s]
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
    for first in range(0, draws.shape[1], _BLOCK):
        last = min(draws.shape[1], first + _BLOCK)
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
