"""Complex normal numbers by position: any entry of an endless array, without the ones before it.

A realisation with thousands of instantaneous channels of many links would need thousands of
generators, each of which takes longer to set up than to run. Here a number is a function of a seed
and of where it stands (link, channel, row, column), through the counter-based generator
Philox4x32-10: a bijection of 128-bit counters under a 64-bit key (Salmon, Moraes, Dror and Shaw,
"Parallel random numbers: as easy as 1, 2, 3", 2011). So every entry can be drawn again by anyone in
any order, and larger arrays contain the smaller ones in every direction.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from math import cos, log, pi, sin, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_MASK, _HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10
_UNIT = 2.0**-32


@njit(cache=True, error_model="numpy", inline="always")
def _philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four 32-bit words, each in the lower half of 64 bits, of a counter under a key."""
    for _ in range(_ROUNDS):
        first, second = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0 = (second >> _HALF_WORD) ^ c1 ^ k0
        c1 = second & _MASK
        c2 = (first >> _HALF_WORD) ^ c3 ^ k1
        c3 = first & _MASK
        k0, k1 = (k0 + _WEYL_0) & _MASK, (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@njit(cache=True, error_model="numpy")
def philox(counter: Words, key: Words) -> Words:
    """Philox4x32-10 of one counter (4,) under a key (2,): four words of 32 random bits."""
    words = np.empty(4, np.uint32)
    w0, w1, w2, w3 = _philox(
        np.uint64(counter[0]),
        np.uint64(counter[1]),
        np.uint64(counter[2]),
        np.uint64(counter[3]),
        np.uint64(key[0]),
        np.uint64(key[1]),
    )
    words[0], words[1], words[2], words[3] = w0, w1, w2, w3
    return words


@njit(cache=True, error_model="numpy")
def fill_normals(
    seed: np.uint64,
    kind: int,
    first: int,
    second: int,
    channel: int,
    real: NDArray[np.float64],
    imag: NDArray[np.float64],
) -> None:
    """Draw the beginning of a link's array of independent CN(0, 1) numbers.

    Entry (i, j) depends on the arguments and on i and j, not on how much of the array is drawn.

    Args:
        seed: 64 random bits of the realisation.
        kind: what kind of link, below 2^16.
        first: number of one end of the link, below 2^16.
        second: number of its other end, below 2^16.
        channel: number of the instantaneous channel, below 2^32.
        real: (row, column) real parts, overwritten; at most 2^32 rows and 2^17 columns.
        imag: (row, column) imaginary parts, overwritten.
    """
    rows, columns = real.shape
    low, high = seed & _MASK, seed >> _HALF_WORD
    ends = np.uint64((first << 16) | second)
    for i in range(rows):
        # A counter serves two neighbouring columns, with one radius and one angle each.
        for block in range((columns + 1) // 2):
            w0, w1, w2, w3 = _philox(
                np.uint64(i),
                np.uint64(channel),
                ends,
                np.uint64((kind << 16) | block),
                low,
                high,
            )
            radius, angle = sqrt(-log((w0 + 0.5) * _UNIT)), 2.0 * pi * _UNIT * w1
            real[i, 2 * block], imag[i, 2 * block] = radius * cos(angle), radius * sin(angle)
            if 2 * block + 1 < columns:
                radius, angle = sqrt(-log((w2 + 0.5) * _UNIT)), 2.0 * pi * _UNIT * w3
                real[i, 2 * block + 1] = radius * cos(angle)
                imag[i, 2 * block + 1] = radius * sin(angle)


def normals(
    seed: int, kind: int, first: int, second: int, channel: int, rows: int, columns: int
) -> NDArray[np.complex128]:
    """Return the beginning of a link's array of independent CN(0, 1) numbers, see `fill_normals`.

    Returns:
        Array (row, column).
    """
    real, imag = np.empty((2, rows, columns))
    fill_normals(np.uint64(seed), kind, first, second, channel, real, imag)
    drawn: NDArray[np.complex128] = real + 1j * imag
    return drawn
