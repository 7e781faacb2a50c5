"""Exhaustive search of DFT codebooks as a double loop in NumPy.

An independent second implementation of `algorithms.codebook`: it shares nothing with it but
the types of channels and result and the two tolerances.
"""

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.beamforming.receivers import RANK_TOLERANCE
from irsrepro.papers.zheng2021.algorithms.codebook import TIE, Codewords
from irsrepro.papers.zheng2021.algorithms.links import Links


def search_codebooks(
    links: Links, *, receiver: str = "mmse", powers: ArrayLike = 1.0, noise: float = 1.0
) -> Codewords:
    """Best pair of DFT codewords as `search_codebooks`, one pair after another.

    Args:
        links: the channels, of one user or several.
        receiver: "mrc", "zf" or "mmse".
        powers: transmit powers in W: one for all, (user,) or (realisation, user).
        noise: noise power of an antenna in W.

    Raises:
        ValueError: an unknown receiver.
    """
    count, size2, size1 = links.between.shape
    users = 1 if links.first.ndim == 2 else links.first.shape[1]
    first = links.first.reshape(count, users, size1)
    second = links.second.reshape(count, users, size2)
    power = np.broadcast_to(np.asarray(powers, float), (count, users))
    codebook1, codebook2 = dft_codebook(size1), dft_codebook(size2)
    index1, index2 = np.zeros(count, np.int64), np.zeros(count, np.int64)
    smallest = np.zeros(count)
    for r in range(count):
        d, g1, g2 = (array[r] for array in links[2:])
        metric = np.zeros((codebook1.shape[1], codebook2.shape[1]))
        for i, theta1 in enumerate(codebook1.T):
            for j, theta2 in enumerate(codebook2.T):
                radiated1 = theta1[:, None] * first[r].T
                radiated2 = theta2[:, None] * (d @ radiated1 + second[r].T)
                channel = g1 @ radiated1 + g2 @ radiated2
                receivers = linear_receivers(channel, receiver, power[r], noise)
                metric[i, j] = user_sinr(channel, receivers, power[r], noise).min()
        best = np.flatnonzero(metric >= (1.0 - TIE) * metric.max())[0]
        index1[r], index2[r] = best // metric.shape[1], best % metric.shape[1]
        smallest[r] = metric.flat[best]
    return Codewords(
        index1=index1,
        index2=index2,
        reflection1=codebook1.T[index1],
        reflection2=codebook2.T[index2],
        smallest_sinr=smallest,
    )


def dft_codebook(size: int) -> Complex:
    """Return the DFT matrix, columns the codewords; one empty codeword for no elements."""
    words = max(size, 1)
    codebook: Complex = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(words)) / words)
    return codebook


def linear_receivers(channel: Complex, receiver: str, powers: Real, noise: float) -> Complex:
    """Return the receivers W (antenna, user): zheng2021, eqs. (26), (49), (50).

    Args:
        channel: H, (antenna, user), amplitudes.
        receiver: ``mrc``, ``zf`` or ``mmse``.
        powers: (user,) transmit powers.
        noise: noise power of an antenna.

    Raises:
        ValueError: an unknown receiver.
    """
    if receiver == "mrc":
        norm: Real = np.linalg.norm(channel, axis=0)
        return channel / np.where(norm > 0.0, norm, 1.0)
    if receiver == "zf":
        return np.asarray(np.linalg.pinv(channel, rcond=RANK_TOLERANCE).conj().T, np.complex128)
    if receiver == "mmse":
        covariance = channel * powers @ channel.conj().T + noise * np.eye(len(channel))
        return np.asarray(np.linalg.solve(covariance, channel), np.complex128)
    raise ValueError(f"receiver {receiver!r} must be mrc, zf or mmse")


def user_sinr(channel: Complex, receivers: Complex, powers: Real, noise: float) -> Real:
    """Return the SINR (user,) of zheng2021, eq. (9); zero for a receiver that is zero.

    Args:
        channel: H, (antenna, user), amplitudes.
        receivers: W, (antenna, user), of any norm.
        powers: (user,) transmit powers.
        noise: noise power of an antenna.
    """
    received = powers * np.abs(receivers.conj().T @ channel) ** 2
    signal = np.diagonal(received)
    denominator = (received - np.diag(signal)).sum(axis=1)
    denominator = denominator + noise * np.linalg.norm(receivers, axis=0) ** 2
    sinr: Real = signal / np.where(denominator > 0.0, denominator, 1.0)
    return sinr
