"""Exhaustive search of DFT codebooks for one reflecting surface or a pair of them.

The codewords of a surface of M elements are the columns of the M-point DFT matrix, so the channels
of all codewords are Fourier transforms. For two surfaces with the links of `Links`::

    s_ki = D diag(u_k) f_i + v_k,   h_kij = G2 diag(s_ki) f_j + G1 diag(u_k) f_i

the first by a transform along surface 1, the second by one along surface 2 for each codeword i. The
K x K Gram matrix of a pair (i, j) then yields the smallest SINR of any receiver in
`beamforming.receivers`. A pair whose channel powers alone rule it out is passed over.
"""

# mypy: disable-error-code="untyped-decorator"

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.beamforming.receivers import (
    MMSE,
    MRC,
    ZF,
    checked_powers,
    receiver_kind,
    sinr_from_gram,
    workspace,
)
from irsrepro.papers.zheng2021.algorithms.double_reflection import dft_column
from irsrepro.papers.zheng2021.algorithms.links import Links, checked_links

# Codewords that are equal but for rounding, of a symmetric array say, count as equal.
TIE = 1e-9

# Beyond these the vectorised closed forms lose digits, and the careful ones take over.
_LARGEST_CONDITION = 1e6
_SMALLEST_SINR = 1e-4

_BLOCK = 1 << 15  # complex numbers transformed at once: they stay in the cache


@dataclass(frozen=True)
class Codewords:
    """Best pair of codewords for R realisations.

    Attributes:
        index1: (realisation,) codeword of surface 1, 0 for a surface without elements.
        index2: (realisation,) codeword of surface 2.
        reflection1: (realisation, element of surface 1) that codeword, unit modulus.
        reflection2: (realisation, element of surface 2) likewise.
        smallest_sinr: (realisation,) smallest linear SINR of the users with it.
    """

    index1: NDArray[np.int64]
    index2: NDArray[np.int64]
    reflection1: Complex
    reflection2: Complex
    smallest_sinr: Real


# Pairs of codewords come last in the arrays of the compiled loops, which vectorise over them, with
# complex numbers as (part, ...). Inlined by numba: see `algorithms.double_reflection`.
@njit(inline="always")
def _gram_matrices(channels: Complex, parts: Real, gram: Real) -> None:
    """Set lower halves of Gram matrices (part, user, user, pair) of (user, antenna, pair)."""
    users, antennas, pairs = channels.shape
    for k in range(users):
        for a in range(antennas):
            for j in range(pairs):
                parts[0, k, a, j] = channels[k, a, j].real
                parts[1, k, a, j] = channels[k, a, j].imag
    real, imag = parts[0], parts[1]
    gram[:] = 0.0
    for k in range(users):
        for q in range(k + 1):
            for a in range(antennas):
                for j in range(pairs):
                    gram[0, k, q, j] += (
                        real[k, a, j] * real[q, a, j] + imag[k, a, j] * imag[q, a, j]
                    )
                    gram[1, k, q, j] += (
                        real[k, a, j] * imag[q, a, j] - imag[k, a, j] * real[q, a, j]
                    )


@njit(inline="always")
def _inverse_diagonals(
    matrix: Real, inverse: Real, scale: Real, diagonal: Real, regular: NDArray[np.bool_]
) -> None:
    """Diagonals (user, pair) of the inverses of matrices (part, user, user, pair).

    The lower halves are overwritten by Cholesky factors. Where `regular` (pair,) turns out false,
    the matrix is ill-conditioned and its diagonal nonsense.
    """
    users, pairs = diagonal.shape
    for k in range(users):
        for j in range(pairs):
            scale[k, j] = matrix[0, k, k, j] / _LARGEST_CONDITION
        for q in range(k + 1):
            re, im = matrix[0, k, q], matrix[1, k, q]
            for t in range(q):
                for j in range(pairs):
                    x, y = matrix[0, k, t, j], matrix[1, k, t, j]
                    re[j] -= x * matrix[0, q, t, j] + y * matrix[1, q, t, j]
                    im[j] -= y * matrix[0, q, t, j] - x * matrix[1, q, t, j]
            if q < k:
                for j in range(pairs):
                    re[j] *= scale[q, j]
                    im[j] *= scale[q, j]
        for j in range(pairs):
            regular[j] = (k == 0 or regular[j]) and matrix[0, k, k, j] > scale[k, j]
            scale[k, j] = 1.0 / sqrt(matrix[0, k, k, j]) if regular[j] else 0.0
            diagonal[k, j] = scale[k, j] ** 2
        for q in range(k):
            re, im = inverse[0, k, q], inverse[1, k, q]
            for j in range(pairs):
                re[j] = matrix[0, k, q, j] * scale[q, j]
                im[j] = matrix[1, k, q, j] * scale[q, j]
            for t in range(q + 1, k):
                for j in range(pairs):
                    x, y = matrix[0, k, t, j], matrix[1, k, t, j]
                    re[j] += x * inverse[0, t, q, j] - y * inverse[1, t, q, j]
                    im[j] += x * inverse[1, t, q, j] + y * inverse[0, t, q, j]
            for j in range(pairs):
                re[j] *= -scale[k, j]
                im[j] *= -scale[k, j]
                diagonal[q, j] += re[j] ** 2 + im[j] ** 2


@kernel
def _smallest_sinr(
    channels: Complex, kind: int, powers: Real, noise: float, best: float, metric: Real
) -> float:
    """Smallest SINR of each pair of codewords, -1 where it cannot be the best; returns the best.

    Args:
        channels: h, (user, antenna, pair).
        kind: of receivers.
        powers: (user,).
        noise: noise power.
        best: smallest SINR of the best pair so far.
        metric: (pair,), overwritten.
    """
    users, antennas, pairs = channels.shape
    gram, matrix = np.empty((2, users, users, pairs)), np.empty((2, users, users, pairs))
    inverse, scale = np.empty((2, users, users, pairs)), np.empty((users, pairs))
    diagonal, parts = np.empty((users, pairs)), np.empty((2, users, antennas, pairs))
    regular = np.empty(pairs, np.bool_)
    pair_gram, sinr, scratch = (
        np.empty((users, users), np.complex128),
        np.empty(users),
        workspace(users),
    )
    _gram_matrices(channels, parts, gram)
    if kind != MRC and users > 1:
        for k in range(users):
            for q in range(k + 1):
                weight = 1.0 if kind == ZF else sqrt(powers[k] * powers[q]) / noise
                shift = 1.0 if kind == MMSE and q == k else 0.0
                for j in range(pairs):
                    matrix[0, k, q, j] = weight * gram[0, k, q, j] + shift
                    matrix[1, k, q, j] = weight * gram[1, k, q, j]
        _inverse_diagonals(matrix, inverse, scale, diagonal, regular)
    for j in range(pairs):
        smallest = inf
        for k in range(users):
            smallest = min(smallest, powers[k] * gram[0, k, k, j] / noise)
        if smallest < (1.0 - 2.0 * TIE) * best:  # no receiver does better without interference
            metric[j] = -1.0
            continue
        if users > 1:
            smallest, safe = inf, kind != MRC and regular[j]
            for k in range(users):
                if not safe:
                    break
                if kind == ZF:
                    value = powers[k] / (noise * diagonal[k, j])
                    safe = safe and diagonal[k, j] * gram[0, k, k, j] < _LARGEST_CONDITION
                else:
                    value = 1.0 / diagonal[k, j] - 1.0
                    safe = safe and value > _SMALLEST_SINR
                smallest = min(smallest, value)
            if not safe:
                for k in range(users):
                    for q in range(k + 1):
                        pair_gram[k, q] = complex(gram[0, k, q, j], gram[1, k, q, j])
                        pair_gram[q, k] = pair_gram[k, q].conjugate()
                sinr_from_gram(kind, pair_gram, powers, noise, sinr, scratch)
                smallest = inf
                for k in range(users):
                    smallest = min(smallest, sinr[k])
        metric[j] = smallest
        best = max(best, smallest)
    return best


def search_codebooks(
    links: Links,
    *,
    receiver: str = "mmse",
    powers: ArrayLike = 1.0,
    noise: float = 1.0,
) -> Codewords:
    """Best pair of DFT codewords for two surfaces by exhaustive search.

    The DFT search of zheng2021: largest SNR of one user, largest smallest SINR of several. Of pairs
    within `TIE` of the best the first is taken, in the order of (index1, index2). The result of a
    realisation does not depend on the others, bitwise.

    Args:
        links: the channels, of one user or several. A single surface is a pair of which the other
            has no elements.
        receiver: one of `RECEIVERS` of `beamforming.receivers`; for one user all are equal.
        powers: transmit powers in W: one for all, (user,) or (realisation, user); positive.
        noise: noise power of an antenna in W.

    Raises:
        ValueError: shapes that do not fit, channels that are not finite, powers or noise not
            positive, an unknown receiver.
    """
    links, kind = checked_links(links), receiver_kind(receiver)
    if not all(np.isfinite(array).all() for array in links):
        raise ValueError("links must be finite")
    u, v, d, g1, g2 = links
    if u.ndim == 2:
        u, v = u[:, None], v[:, None]
    count, users, size1 = u.shape
    size2 = v.shape[2]
    power = checked_powers(powers, noise, count, users)
    # A surface without elements is one with a single element that nothing reaches or leaves.
    lacking1, lacking2 = int(size1 == 0), int(size2 == 0)
    u, g1 = _pad(u, lacking1), _pad(g1, lacking1)
    v, g2 = _pad(v, lacking2), _pad(g2, lacking2)
    d = _pad(_pad(d, lacking1).mT, lacking2).mT
    index1, index2 = np.zeros(count, np.int64), np.zeros(count, np.int64)
    smallest = np.empty(count)
    for r in range(count):
        realisation_links = Links(u[r], v[r], d[r], g1[r], g2[r])
        metric = _search(realisation_links, kind, power[r], float(noise))
        first = np.argmax(metric >= (1.0 - TIE) * metric.max())
        index1[r], index2[r] = np.unravel_index(first, metric.shape)
        smallest[r] = metric[index1[r], index2[r]]
    codewords = dft_column(size1, index1), dft_column(size2, index2)
    return Codewords(index1, index2, *codewords, smallest)


def _search(links: Links, kind: int, powers: Real, noise: float) -> Real:
    """Smallest SINR of each pair (codeword 1, codeword 2) for one realisation, or -1."""
    u, v, d, g1, g2 = links
    incident = (np.fft.fft(u[:, None, :] * d) + v[:, :, None]).mT.copy()
    direct = np.fft.fft(u[:, None, :] * g1)
    (users, words1, words2), antennas = incident.shape, len(g2)
    metric = np.empty((words1, words2))
    step, best = max(1, _BLOCK // (users * antennas * words2)), 0.0
    for i in range(0, words1, step):
        channels = incident[:, None, i : i + step] * g2[:, None]
        channels[..., 0] += direct[:, :, i : i + step]  # to all codewords of surface 2 alike
        np.fft.fft(channels, out=channels)
        flat = channels.reshape(users, antennas, -1)
        best = _smallest_sinr(flat, kind, powers, noise, best, metric[i : i + step].reshape(-1))
    return metric


def _pad(array: Complex, zeros: int) -> Complex:
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, zeros)]) if zeros else array
