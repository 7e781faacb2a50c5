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

from math import log, pi

import numpy as np
from numba import njit
from numpy.typing import NDArray

from irsrepro.array_types import Integers, Real
from irsrepro.compiled import kernel

Words = NDArray[np.uint32]

_MASK, _HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10
_FRACTION, _BIAS = 52, 1023  # bits of a double's fraction, and what its exponent is stored with
_ROOT, _LOG_2 = 2.0**0.5, log(2.0)


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


@kernel
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


# Without fast mathematics: whether a compiled function is inlined depends on numba's cache, and
# rounding must not.
@kernel
def _box_muller(words: Integers, mantissa: Real, exponent: Real) -> None:
    """Turn pairs of 32-bit words into CN(0, 1) numbers: sqrt(-log u) exp(j angle).

    The logarithm and the angle's sine and cosine are series within a few 1e-14 of the functions,
    in loops that the compiler turns into vector instructions, five times as fast.

    Args:
        words: (2, number), of radius and angle.
        mantissa: (number,), overwritten by real parts.
        exponent: (number,), overwritten by imaginary parts.
    """
    count = mantissa.size
    for i in range(count):
        mantissa[i] = words[0, i] + 0.5
    bits = mantissa.view(np.int64)
    for i in range(count):
        exponent[i] = (bits[i] >> _FRACTION) - _BIAS
        bits[i] = (bits[i] & ((1 << _FRACTION) - 1)) | (_BIAS << _FRACTION)
    for i in range(count):
        # u = m 2^(e - 32) with m in [sqrt(1/2), sqrt(2)), log m = 2 artanh((m - 1) / (m + 1)).
        exceeds_root = mantissa[i] > _ROOT
        m = 0.5 * mantissa[i] if exceeds_root else mantissa[i]
        e = exponent[i] + 1.0 if exceeds_root else exponent[i]
        s = (m - 1.0) / (m + 1.0)
        z = s * s
        series = 1 / 13 + z * (1 / 15 + z * (1 / 17 + z / 19))
        series = 1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * series)))
        series = 1.0 + z * (1 / 3 + z * series)
        radius = np.sqrt((32.0 - e) * _LOG_2 - 2.0 * s * series)
        # Two bits choose a quadrant, thirty the angle in it, within 45 degrees of its middle.
        quadrant = words[1, i] >> 30
        angle = ((words[1, i] & 0x3FFFFFFF) * 2.0**-30 - 0.5) * (0.5 * pi)
        y = angle * angle
        sine = 1 / 362880 - y * (1 / 39916800 - y * (1 / 6227020800 - y / 1307674368000))
        sine = angle * (1.0 - y * (1 / 6 - y * (1 / 120 - y * (1 / 5040 - y * sine))))
        cosine = 1 / 3628800 - y * (1 / 479001600 - y / 87178291200)
        cosine = 1.0 - y * (1 / 2 - y * (1 / 24 - y * (1 / 720 - y * (1 / 40320 - y * cosine))))
        odd = (quadrant & 1) == 1
        in_phase, quadrature = (sine, cosine) if odd else (cosine, sine)
        in_phase = -in_phase if quadrant == 1 or quadrant == 2 else in_phase
        quadrature = -quadrature if quadrant >= 2 else quadrature
        mantissa[i], exponent[i] = radius * in_phase, radius * quadrature


@kernel
def fill_normals(
    seed: np.uint64, kind: int, first: int, second: int, channel: int, real: Real, imag: Real
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
    # A counter serves two neighbouring columns, with one radius and one angle each. Columns of the
    # same parity are together, since loops with strides do not become vector instructions.
    blocks = (columns + 1) // 2
    words = np.empty((2, 2 * rows * blocks), np.int64)
    parts = words.reshape(4, rows, blocks)
    mantissa, exponent = np.empty(2 * rows * blocks), np.empty(2 * rows * blocks)
    for i in range(rows):
        even_radius, odd_radius, even_angle, odd_angle = (
            parts[0, i],
            parts[1, i],
            parts[2, i],
            parts[3, i],
        )
        for block in range(blocks):
            w0, w1, w2, w3 = _philox(
                np.uint64(i),
                np.uint64(channel),
                ends,
                np.uint64((kind << 16) | block),
                low,
                high,
            )
            even_radius[block], even_angle[block] = w0, w1
            odd_radius[block], odd_angle[block] = w2, w3
    _box_muller(words, mantissa, exponent)
    for parity in range(2):
        for i in range(rows):
            first = (parity * rows + i) * blocks
            for block in range((columns + 1 - parity) // 2):
                j = 2 * block + parity
                real[i, j], imag[i, j] = mantissa[first + block], exponent[first + block]


def normals(
    seed: int, kind: int, first: int, second: int, channel: int, rows: int, columns: int
) -> NDArray[np.complex128]:
    """Return the beginning of a link's array of independent CN(0, 1) numbers, see `fill_normals`.

    Args:
        seed: 64 random bits of the realisation.
        kind: what kind of link.
        first: number of one end of the link.
        second: number of its other end.
        channel: number of the instantaneous channel.
        rows: length of the beginning along the first axis.
        columns: length along the second.

    Returns:
        Array (row, column), of unit mean power.
    """
    real, imag = np.empty((2, rows, columns))
    fill_normals(np.uint64(seed), kind, first, second, channel, real, imag)
    samples: NDArray[np.complex128] = real + 1j * imag
    return samples
