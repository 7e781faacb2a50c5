"""Linear receivers for users that share an array: MRC, ZF and MMSE, and their SINR.

With channels H = [h_1, ..., h_K], powers P_k and noise power s, receiver w_k gives

    SINR_k = P_k |w_k^H h_k|^2 / (sum_{j != k} P_j |w_k^H h_j|^2 + s ||w_k||^2).          (S)

The receivers here are W = H C, and C and all SINRs follow from the Gram matrix G = H^H H alone::

    MRC    C = Diag(1 / ||h_k||)
    ZF     C = G^+                      SINR_k = P_k / (s [G^-1]_kk) where G is regular
    MMSE   C = (P G + s I)^-1           SINR_k = 1 / [(I + P^1/2 G P^1/2 / s)^-1]_kk - 1

The functions on Gram matrices are compiled for one instance, for use in other compiled loops; the
others are batched over realisations. Where users outnumber the dimensions of their channels, ZF is
the pseudo-inverse and its SINR is (S); that of MMSE then has a relative error of 1e-15 times SNR.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Integers, Real
from irsrepro.compiled import kernel
from irsrepro.metrics import interference
from irsrepro.optimize.linear_algebra import squared_modulus

RECEIVERS = ("mrc", "zf", "mmse")

MRC, ZF, MMSE = range(3)

# A channel adds to the rank if more than this part of its amplitude lies outside the span of
# others: far above what rounding leaves in a Gram matrix (1e-8), far below what can be received.
RANK_TOLERANCE = 1e-6


class Workspace(NamedTuple):
    """Scratch arrays for K users, reused between calls.

    Attributes:
        factor: (user, user) a triangular factor of the Gram matrix.
        inverse: (user, user) its inverse.
        combiner: (user, user) C.
        spare: (user, user).
        order: (user,) in which users enter the factor.
        residual: (user,) squared amplitude outside the span of the users before.
    """

    factor: Complex
    inverse: Complex
    combiner: Complex
    spare: Complex
    order: Integers
    residual: Real


@kernel
def workspace(users: int) -> Workspace:
    """Scratch arrays for `users` users."""
    square = np.empty((4, users, users), np.complex128)
    order, residual = np.empty(users, np.int64), np.empty(users)
    return Workspace(square[0], square[1], square[2], square[3], order, residual)


@kernel
def _factorise(matrix: Complex, floor: float, scratch: Workspace) -> int:
    """Pivoted Cholesky of a Hermitian matrix L L^H, L (user, rank) in `factor`; returns the rank.

    Row order[i] of L ends at column i. Pivots are relative to the user's own power, so that a weak
    user is not taken for a dependent one. They are known to be at least `floor`.
    """
    factor, _, _, _, order, residual = scratch
    users = matrix.shape[0]
    for k in range(users):
        residual[k], order[k] = matrix[k, k].real, k
        for s in range(users):
            factor[k, s] = 0.0
    for s in range(users):
        best, largest = s, 0.0
        for i in range(s, users):
            k = order[i]
            residual[k] = max(residual[k], floor)
            if residual[k] > largest * matrix[k, k].real:
                best, largest = i, residual[k] / matrix[k, k].real
        pivot = order[best]
        if floor == 0.0 and not residual[pivot] > RANK_TOLERANCE**2 * matrix[pivot, pivot].real:
            return s
        order[best], order[s] = order[s], pivot
        scale = 1.0 / sqrt(residual[pivot])
        factor[pivot, s] = residual[pivot] * scale
        for i in range(s + 1, users):
            k = order[i]
            total = matrix[k, pivot]
            for t in range(s):
                total -= factor[k, t] * factor[pivot, t].conjugate()
            total *= scale
            factor[k, s] = total
            residual[k] -= squared_modulus(total)
    return int(users)


@kernel
def _pseudo_inverse(rank: int, scratch: Workspace) -> None:
    """Set C = Y Y^H, Y = L (L^H L)^-1: the inverse of L L^H on its range."""
    factor, inner, combiner, pseudo_inverse, _, _ = scratch
    users = factor.shape[0]
    for s in range(rank):
        for t in range(rank):
            inner[s, t] = 0.0
            for k in range(users):
                inner[s, t] += factor[k, s].conjugate() * factor[k, t]
    for s in range(rank):  # Gauss-Jordan: needs no pivoting on a positive definite matrix
        scale = 1.0 / inner[s, s]
        inner[s, s] = 1.0
        for t in range(rank):
            inner[s, t] *= scale
        for q in range(rank):
            if q != s:
                weight = inner[q, s]
                inner[q, s] = 0.0
                for t in range(rank):
                    inner[q, t] -= weight * inner[s, t]
    for k in range(users):
        for t in range(rank):
            pseudo_inverse[k, t] = 0.0
            for s in range(rank):
                pseudo_inverse[k, t] += factor[k, s] * inner[s, t]
        for q in range(k + 1):
            total = 0j
            for s in range(rank):
                total += pseudo_inverse[k, s] * pseudo_inverse[q, s].conjugate()
            combiner[k, q], combiner[q, k] = total, total.conjugate()


@kernel
def _invert(matrix: Complex, floor: float, scratch: Workspace) -> int:
    """Set C to the pseudo-inverse of a Hermitian matrix; returns its rank."""
    factor, inverse, combiner, _, order, _ = scratch
    users = matrix.shape[0]
    rank = _factorise(matrix, floor, scratch)
    if rank < users:
        _pseudo_inverse(rank, scratch)
        return int(rank)
    for i in range(users):
        row = order[i]
        scale = 1.0 / factor[row, i].real
        for j in range(i):
            total = 0j
            for t in range(j, i):
                total -= factor[row, t] * inverse[t, j]
            inverse[i, j] = total * scale
        inverse[i, i] = scale
    for a in range(users):
        for b in range(a + 1):
            total = 0j
            for i in range(a, users):
                total += inverse[i, a].conjugate() * inverse[i, b]
            combiner[order[a], order[b]], combiner[order[b], order[a]] = total, total.conjugate()
    return int(users)


@kernel
def combiner_from_gram(
    kind: int, gram: Complex, powers: Real, noise: float, scratch: Workspace
) -> int:
    """Set scratch.combiner to the C of one kind of receivers.

    Args:
        kind: an index of `RECEIVERS`.
        gram: G, (user, user) Hermitian positive semidefinite.
        powers: (user,), positive; used by MMSE only, as is `noise`.
        noise: noise power.
        scratch: from `workspace`.

    Returns:
        The rank of G for ZF, the number of users for the others.
    """
    combiner = scratch.combiner
    users = gram.shape[0]
    if kind == ZF:
        return int(_invert(gram, 0.0, scratch))
    if kind == MMSE:
        regular = scratch.spare
        for k in range(users):
            for j in range(users):
                regular[k, j] = gram[k, j] * (sqrt(powers[k] * powers[j]) / noise)
            regular[k, k] += 1.0
        _invert(regular, 1.0, scratch)
        for k in range(users):
            for j in range(users):
                combiner[k, j] *= sqrt(powers[k] / powers[j]) / noise
    else:
        for k in range(users):
            for j in range(users):
                combiner[k, j] = 0.0
            if gram[k, k].real > 0.0:
                combiner[k, k] = 1.0 / sqrt(gram[k, k].real)
    return int(users)


@kernel
def combined_sinr(gram: Complex, combiner: Complex, powers: Real, noise: float, sinr: Real) -> None:
    """SINR (S) of the receivers W = H C; zero for a receiver that is zero.

    Args:
        gram: G, (user, user).
        combiner: C, (user, user).
        powers: (user,).
        noise: noise power.
        sinr: (user,), overwritten.
    """
    users = gram.shape[0]
    for k in range(users):
        signal, denominator, norm = 0.0, 0.0, 0.0
        for j in range(users):
            amplitude = 0j
            for t in range(users):
                amplitude += combiner[t, k].conjugate() * gram[t, j]
            norm += (amplitude * combiner[j, k]).real
            received = powers[j] * squared_modulus(amplitude)
            if j == k:
                signal = received
            else:
                denominator += received
        denominator += noise * max(norm, 0.0)
        sinr[k] = signal / denominator if denominator > 0.0 else 0.0


@kernel
def sinr_from_gram(
    kind: int, gram: Complex, powers: Real, noise: float, sinr: Real, scratch: Workspace
) -> None:
    """SINR that one kind of receivers reaches, in closed form where there is one.

    Args:
        kind: an index of `RECEIVERS`.
        gram: G, (user, user) Hermitian positive semidefinite.
        powers: (user,), positive.
        noise: noise power.
        sinr: (user,), overwritten.
        scratch: from `workspace`.
    """
    combiner = scratch.combiner
    users = gram.shape[0]
    rank = combiner_from_gram(kind, gram, powers, noise, scratch)
    if kind == MRC or rank < users:
        combined_sinr(gram, combiner, powers, noise, sinr)
        return
    for k in range(users):
        error = noise * combiner[k, k].real
        if kind == ZF:
            sinr[k] = powers[k] / error
        elif error < 0.5:
            sinr[k] = 1.0 / error - 1.0
        else:  # 1 - error would cancel: it is the diagonal of P G C
            useful = 0.0
            for t in range(users):
                useful += (gram[k, t] * combiner[t, k]).real
            sinr[k] = powers[k] * max(useful, 0.0) / error


@kernel
def _combine(kind: int, gram: Complex, powers: Real, noise: float, rank: Integers) -> None:
    """Replace each G by C."""
    users = gram.shape[1]
    scratch = workspace(users)
    for r in range(gram.shape[0]):
        rank[r] = combiner_from_gram(kind, gram[r], powers[r], noise, scratch)
        for k in range(users):
            for j in range(users):
                gram[r, k, j] = scratch.combiner[k, j]


@kernel
def _evaluate_sinr(kind: int, gram: Complex, powers: Real, noise: float, sinr: Real) -> None:
    scratch = workspace(gram.shape[1])
    for r in range(gram.shape[0]):
        sinr_from_gram(kind, gram[r], powers[r], noise, sinr[r], scratch)


def linear_receivers(
    channel: Complex, receiver: str, powers: ArrayLike = 1.0, noise: float = 1.0
) -> tuple[Complex, Integers]:
    """Receive beamformers of one kind.

    "mrc"   w_k = h_k / ||h_k||, zero for a channel that is zero;
    "zf"    W = H (H^H H)^-1 (zheng2021, eq. (49)), the pseudo-inverse where it is singular;
    "mmse"  W = (H P H^H + s I)^-1 H (eq. (50)): no receiver gives any user a larger SINR.

    The result of a realisation does not depend on the others, bitwise.

    Args:
        channel: H, (realisation, antenna, user), amplitudes.
        receiver: one of `RECEIVERS`.
        powers: P, transmit powers in W: one for all, (user,) or (realisation, user); positive. They
            and the noise matter to MMSE only.
        noise: s, noise power of an antenna in W.

    Returns:
        W (realisation, antenna, user) and, for ZF, the rank (realisation,) of H: where it is the
        number of users, w_k^H h_k = 1 and w_k^H h_j = 0. For the others the number of users.

    Raises:
        ValueError: a channel that is not (R, N, K) or not finite, powers or noise not positive, an
            unknown receiver.

    Example:
        >>> linear_receivers(np.array([[[1.0, 1.0], [0.0, 1.0]]]), "zf")[0].real.round(6)
        array([[[ 1.,  0.],
                [-1.,  1.]]])
    """
    channel, gram, powers = _checked(channel, powers, noise)
    rank = np.zeros(len(gram), np.int64)
    _combine(receiver_kind(receiver), gram, powers, float(noise), rank)
    return channel @ gram, rank


def receive_sinr(channel: Complex, receivers: Complex, powers: ArrayLike, noise: float) -> Real:
    """SINR of any receivers: (S), zheng2021, eq. (9). Zero for a receiver that is zero.

    Args:
        channel: H, (realisation, antenna, user), amplitudes.
        receivers: W, (realisation, antenna, user), of any norm.
        powers: as in `linear_receivers`.
        noise: as in `linear_receivers`.

    Returns:
        Linear SINR, (realisation, user).

    Raises:
        ValueError: as `linear_receivers`, or receivers that do not fit.

    Example:
        >>> receive_sinr(np.eye(2)[None], np.ones((1, 2, 2)), 1.0, noise=0.5)  # 1 / (1 + 1)
        array([[0.5, 0.5]])
    """
    channel, _, powers = _checked(channel, powers, noise)
    receivers = np.asarray(receivers, np.complex128)
    if receivers.shape != channel.shape:
        raise ValueError(f"receivers {receivers.shape} must be {channel.shape} as the channel")
    received = np.abs(receivers.mT.conj() @ channel) ** 2 * powers[:, None, :]
    signal = np.einsum("rkk->rk", received)
    denominator = interference(received) + noise * (np.abs(receivers) ** 2).sum(axis=1)
    sinr: Real = signal / np.where(denominator > 0.0, denominator, 1.0)
    return sinr


def receiver_sinr(
    channel: Complex, receiver: str, powers: ArrayLike = 1.0, noise: float = 1.0
) -> Real:
    """SINR that one kind of receivers reaches, without forming them, in closed form (eq. (51)).

    Args:
        channel: H, (realisation, antenna, user), amplitudes.
        receiver: one of `RECEIVERS`.
        powers: as in `linear_receivers`.
        noise: as in `linear_receivers`.

    Returns:
        Linear SINR, (realisation, user).

    Raises:
        ValueError: as `linear_receivers`.

    Example:
        >>> receiver_sinr(np.eye(2)[None], "mmse", powers=np.array([1.0, 3.0]), noise=0.5).round(6)
        array([[2., 6.]])
    """
    _, gram, powers = _checked(channel, powers, noise)
    sinr = np.empty(powers.shape)
    _evaluate_sinr(receiver_kind(receiver), gram, powers, float(noise), sinr)
    return sinr


def receiver_kind(receiver: str) -> int:
    """Index of a receiver in `RECEIVERS`; raises ValueError where there is none."""
    if receiver not in RECEIVERS:
        raise ValueError(f"receiver {receiver!r} must be one of {', '.join(RECEIVERS)}")
    return RECEIVERS.index(receiver)


def checked_powers(powers: ArrayLike, noise: float, count: int, users: int) -> Real:
    """Powers (realisation, user); raises ValueError unless they and the noise are positive."""
    values = np.asarray(powers, np.float64)
    if values.shape not in ((), (users,), (count, users)):
        raise ValueError(f"powers {values.shape} must be one, {(users,)} or {(count, users)}")
    if not (0.0 < noise < np.inf and (values > 0.0).all() and np.isfinite(values).all()):
        raise ValueError("powers and noise must be positive and finite")
    # A copy even where nothing changes: kernels are recompiled for an array that is read-only.
    return np.array(np.broadcast_to(values, (count, users)))


def _checked(channel: Complex, powers: ArrayLike, noise: float) -> tuple[Complex, Complex, Real]:
    """Channel, its Gram matrices and the powers (realisation, user), after a check."""
    channel = np.ascontiguousarray(channel, np.complex128)
    if channel.ndim != 3 or 0 in channel.shape[1:] or not np.isfinite(channel).all():
        raise ValueError(f"channel {channel.shape} must be (R, N, K), N and K >= 1, and finite")
    count, _, users = channel.shape
    return channel, channel.mT.conj() @ channel, checked_powers(powers, noise, count, users)
