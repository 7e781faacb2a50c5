"""Max-min problems in quadratic forms over unit-modulus vectors: their data and their values.

    maximise min_k v_k(x)   subject to   |x_i| = 1,

    v_k(x) = x^H C_k x + c_k                                   (linear in V = x x^H), or
    v_k(x) = (x^H N_k x + n_k) / (x^H D_k x + d_k)             (ratios, such as SINRs).

All matrices share their columns: N_k = F diag(SN_k) F^H, and likewise C_k and D_k, with real
weights. A forms a^H x of an SINR is a column of F; where a problem is affine in the reflection
vector, |a^H theta + b|^2 = |[a; b*]^H [theta; 1]|^2 makes it one with an element more, whose phase
is taken as the reference.

Where elements stand in blocks that few columns of their own describe, such as surfaces, F may be
given in that form, which is faster:

    F = blkdiag(B_1, ..., B_L) W.

`solver` bounds such problems from above, `rounding` solves them from below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2, sqrt
from typing import Any, NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Integers, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.sdp.columns import Columns, forms, gram_matrix
from irsrepro.optimize.sdp.instance import Instance, row_powers

_FLOOR = 1e-3  # of the smallest user's mean size, below which a gap is no longer relative
_NEGLIGIBLE = 1e-12  # relative size of an eigenvalue that is no column
_NONE = np.empty((0, 0), np.complex128)


@dataclass(frozen=True)
class MaxMinProblem:
    """R realisations of a max-min problem, in any unit and at any scale.

    A feasibility problem (x^H N_k x + n_k >= gamma_k (x^H D_k x + d_k) for all k) is the problem
    with denominators gamma_k D_k and gamma_k d_k: feasible exactly if its value reaches 1.

    Attributes:
        columns: F, (realisation, element, column) complex; with `mixing` the blocks B_l under one
            another, (realisation, element, local column).
        weights: SN, or S of C_k, (realisation, user, column), any sign.
        constants: n, or c, (realisation, user).
        denominator_weights: SD, (realisation, user, column), non-negative; None for values that
            are linear in V.
        denominator_constants: d, (realisation, user), positive; None likewise.
        mixing: W, (realisation, block times local column, column) complex; None for F as it is.
        sizes: numbers of elements of the blocks, with `mixing`.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, denominators that are not
            positive for every x.

    """

    columns: Complex
    weights: Real
    constants: Real
    denominator_weights: Real | None = None
    denominator_constants: Real | None = None
    mixing: Complex | None = None
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        columns = np.ascontiguousarray(self.columns, dtype=np.complex128)
        object.__setattr__(self, "columns", columns)
        if columns.ndim != 3 or 0 in columns.shape[1:]:
            raise ValueError(f"columns {columns.shape} must be (R, N, M) with N, M >= 1")
        if (self.denominator_weights is None) != (self.denominator_constants is None):
            raise ValueError("denominator weights and constants must be given together")
        constants = np.asarray(self.constants, dtype=np.float64)
        shape = constants.shape
        if len(shape) != 2 or shape[0] != columns.shape[0] or shape[1] == 0:
            raise ValueError(f"constants {shape} must be ({columns.shape[0]}, K) with K >= 1")
        width = columns.shape[2]
        if self.mixing is not None:
            mixing = np.ascontiguousarray(self.mixing, dtype=np.complex128)
            object.__setattr__(self, "mixing", mixing)
            rows = (shape[0], len(self.sizes) * width)
            if mixing.ndim != 3 or mixing.shape[:2] != rows or not np.isfinite(mixing).all():
                raise ValueError(f"mixing {mixing.shape} must be finite and {rows} by columns")
            if sum(self.sizes) != columns.shape[1] or min(self.sizes) < 1:
                raise ValueError(f"sizes {self.sizes} must add up to {columns.shape[1]} elements")
            width = mixing.shape[2]
        for name, expected_shape in (
            ("weights", (*shape, width)),
            ("constants", shape),
            ("denominator_weights", (*shape, width)),
            ("denominator_constants", shape),
        ):
            if getattr(self, name) is None:
                continue
            part = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, part)
            if part.shape != expected_shape:
                raise ValueError(f"{name} {part.shape} must be {expected_shape}")
            if not np.isfinite(part).all():
                raise ValueError(f"{name} must be finite")
        if not np.isfinite(columns).all():
            raise ValueError("columns must be finite")
        if self.denominator_weights is not None and (self.denominator_weights < 0.0).any():
            raise ValueError("denominator_weights must not be negative")
        if self.denominator_constants is not None and (self.denominator_constants <= 0.0).any():
            raise ValueError("denominator_constants must be positive")

    @property
    def linear(self) -> bool:
        """Whether the values are linear in V."""
        return self.denominator_weights is None

    def dense(self) -> MaxMinProblem:
        """Return the same problem with its columns F as they are."""
        if self.mixing is None:
            return self
        rows, width = np.cumsum([0, *self.sizes]), self.columns.shape[2]
        F = [
            self.columns[:, rows[b] : rows[b + 1]] @ self.mixing[:, b * width : (b + 1) * width]
            for b in range(len(self.sizes))
        ]
        return replace(self, columns=np.concatenate(F, axis=1), mixing=None, sizes=())

    def parts(self, realisation: int) -> tuple[Complex, Real, Real, Real, Real]:
        """Columns, SN, n, SD and d of one realisation; SD = 0 and d = 1 for linear values."""
        weights, constants = self.weights[realisation], self.constants[realisation]
        if self.denominator_weights is None or self.denominator_constants is None:
            bottom, noise = np.zeros_like(weights), np.ones_like(constants)
        else:
            bottom = self.denominator_weights[realisation]
            noise = self.denominator_constants[realisation]
        return self.columns[realisation], weights, constants, bottom, noise

    def of(self, part: slice | list[int]) -> MaxMinProblem:
        """Return the problem of some of the realisations, in the order given."""
        arrays: dict[str, Any] = {
            name: value[part] for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        return replace(self, **arrays)

    def values(self, factor: Complex) -> Real:
        """Values of all users at V = Y Y^H, or at vectors x.

        Args:
            factor: Y, (realisation, element, any); vectors (realisation, element) also do.

        Returns:
            (realisation, user).

        """
        if factor.ndim == 2:
            factor = factor[..., None]
        if self.mixing is None:
            image = self.columns.conj().swapaxes(1, 2) @ factor
        else:
            pairs = zip(
                np.split(self.columns.conj(), np.cumsum(self.sizes)[:-1], axis=1),
                np.split(factor, np.cumsum(self.sizes)[:-1], axis=1),
                strict=True,
            )
            inner = [block.swapaxes(1, 2) @ part for block, part in pairs]
            image = self.mixing.conj().swapaxes(1, 2) @ np.concatenate(inner, axis=1)
        powers = (image.real**2 + image.imag**2).sum(axis=2)[..., None]
        top = (self.weights @ powers)[..., 0] + self.constants
        if self.denominator_weights is None or self.denominator_constants is None:
            return np.asarray(top)
        return np.asarray(
            top / ((self.denominator_weights @ powers)[..., 0] + self.denominator_constants)
        )


def norm_problem(columns: Complex) -> MaxMinProblem:
    """State the squared norm ||F^H x||^2, the only value of each realisation.

    Args:
        columns: F, (realisation, element, column).

    Example:
        >>> norm_problem(np.ones((1, 3, 1))).values(np.ones((1, 3)))  # (1 + 1 + 1)^2
        array([[9.]])
    """
    count, _, width = columns.shape
    return MaxMinProblem(columns, np.ones((count, 1, width)), np.zeros((count, 1)))


def sinr_problem(
    forms: Complex, noise: Real, *, own: float = 1.0, others: float = 1.0
) -> MaxMinProblem:
    """State the users' SINRs as ratios own |f_kk^T x|^2 / (others sum_j |f_kj^T x|^2 + noise_k).

    Args:
        forms: f, (realisation, user, sender, element): user k hears f_kj^T x of sender j.
        noise: noise powers (realisation, user), positive.
        own: weight of the wanted power.
        others: weight of the interference.

    Example:
        >>> forms = np.array([[[[1.0, 1.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]]])
        >>> sinr_problem(forms, np.ones((1, 2))).values(np.ones((1, 2)))  # 4 / (1 + 1), 1 / 1
        array([[2., 1.]])
    """
    count, users, _, size = forms.shape
    signal_weights = np.zeros((users, users, users))
    signal_weights[range(users), range(users), range(users)] = 1.0
    interference_weights = np.eye(users)[:, :, None] - signal_weights
    shape = (count, users, users**2)
    return MaxMinProblem(
        columns=forms.reshape(count, users**2, size).mT.conj(),
        weights=np.broadcast_to(own * signal_weights.reshape(users, -1), shape),
        constants=np.zeros((count, users)),
        denominator_weights=np.broadcast_to(
            others * interference_weights.reshape(users, -1), shape
        ),
        denominator_constants=noise,
    )


class ScaledInstance(NamedTuple):
    """One realisation in moderate numbers.

    Attributes:
        instance: N'_k, n'_k, D'_k, d'_k with N_k = share_k unit N'_k, D_k = share_k D'_k.
        linear: whether the values are linear in V.
        shares: (user,), powers of two.
        unit: a power of two: values are `unit` times those of `instance`.
        floor: size of a scaled value below which a gap is no longer relative to it.

    """

    instance: Instance
    linear: bool
    shares: Real
    unit: float
    floor: float


def scale_instance(problem: MaxMinProblem, realisation: int) -> ScaledInstance:
    """Bring one realisation to moderate numbers; scaling by powers of two rounds nothing."""
    B, SN, n, SD, d = problem.parts(realisation)
    W = _NONE if problem.mixing is None else problem.mixing[realisation]
    edges = np.cumsum([0, *(problem.sizes or (len(B),))])
    instance, shares, unit, floor = _scale(B, W, edges, SN, n, SD, d, problem.linear)
    return ScaledInstance(instance, problem.linear, shares, unit, floor)


@kernel
def _scale(
    B: Complex,
    W: Complex,
    edges: Integers,
    SN: Real,
    n: Real,
    SD: Real,
    d: Real,
    linear: bool,
) -> tuple[Instance, Real, float, float]:
    """Scale `parts` of a problem and its mixing; returns the rest of `ScaledInstance`, too."""
    share = _binary(_largest_modulus(B))
    length = share
    if W.size > 0:
        # Blocks of moderate numbers too, for single precision.
        length = _binary(_largest_modulus(B) * _largest_modulus(W))
    B, W = B * (1.0 / share), W * (share / length)
    F = Columns(B, B.conj(), edges, W, W.conj().T.copy())
    SN, SD = SN * length**2, SD * length**2
    norms = column_norms(F)
    shares = np.ones(d.size)
    if not linear:
        sums = np.dot(SD, norms) + d
        for k in range(d.size):
            shares[k] = _binary(sums[k])
    SN, SD = SN / shares.reshape(-1, 1), SD / shares.reshape(-1, 1)
    n, d = n / shares, d / shares
    magnitudes = np.dot(np.abs(SN), norms)
    largest = magnitudes.max()
    smallest = largest or 1.0
    for magnitude in magnitudes:
        if magnitude > 0.0:
            smallest = min(smallest, magnitude)
    unit = _binary(largest)
    return Instance(F, SN / unit, n / unit, SD, d), shares, unit, _FLOOR * smallest / unit


@kernel
def _largest_modulus(matrix: Complex) -> float:
    largest = 0.0
    for number in matrix.reshape(matrix.size):
        largest = max(largest, squared_modulus(number))
    return sqrt(largest)


@kernel
def column_norms(columns: Columns) -> Real:
    """Return the squared norms of the columns of F, (column,)."""
    if columns.mixing.size > 0:
        return np.diag(gram_matrix(columns, np.ones(columns.local.shape[0]))).real.copy()
    norms = np.zeros(columns.local.shape[1])
    for i in range(columns.local.shape[0]):
        for a in range(norms.size):
            norms[a] += squared_modulus(columns.local[i, a])
    return norms


@kernel
def ratio_terms(instance: Instance, factor: Complex) -> tuple[Real, Real]:
    """Numerators and denominators of the users' values at V = Y Y^H, (user,) each.

    Args:
        instance: one realisation.
        factor: Y, (element, any), contiguous, whose rows are scaled to unit norm.

    """
    unit = factor.copy()
    for i in range(factor.shape[0]):
        square = 0.0
        for c in range(factor.shape[1]):
            square += squared_modulus(factor[i, c])
        for c in range(factor.shape[1]):
            unit[i, c] *= 1.0 / sqrt(square)
    powers = np.empty(instance.numerator.shape[1])
    row_powers(forms(instance.columns, unit), powers)
    return (
        np.dot(instance.numerator, powers) + instance.numerator_constant,
        np.dot(instance.denominator, powers) + instance.denominator_constant,
    )


def smallest_value(instance: Instance, factor: Complex) -> float:
    """Smallest of the users' values at V = Y Y^H, see `ratio_terms`."""
    numerators, denominators = ratio_terms(instance, np.ascontiguousarray(factor))
    return float((numerators / denominators).min())


@kernel
def _binary(size: float) -> float:
    """Return the nearest power of two."""
    return 2.0 ** round(log2(size)) if size > 0.0 else 1.0


def factor_matrices(matrices: Complex) -> tuple[Complex, Real]:
    """Columns and weights of dense Hermitian matrices, for `MaxMinProblem`.

    Args:
        matrices: C, (realisation, user, element, element) complex Hermitian.

    Returns:
        F, (realisation, element, column), and S, (realisation, user, column), with
        C_k = F diag(S_k) F^H; a column for every eigenvalue that is not negligible in all
        realisations.

    Raises:
        ValueError: matrices that are not finite and Hermitian.

    Example:
        >>> columns, weights = factor_matrices(np.array([[np.diag([2.0, -1.0])]]))
        >>> MaxMinProblem(columns, weights, np.zeros((1, 1))).values(np.ones((1, 2))).round(6)
        array([[1.]])

    """
    C = np.asarray(matrices, np.complex128)
    if C.ndim != 4 or C.shape[2] != C.shape[3] or not np.isfinite(C).all():
        raise ValueError(f"matrices {C.shape} must be (R, K, N, N) and finite")
    scale = np.abs(C).max(axis=(2, 3), initial=0.0)
    skew = np.abs(C - C.conj().swapaxes(2, 3)).max(axis=(2, 3), initial=0.0)
    if (skew > 1e-10 * scale).any():
        raise ValueError("matrices must be Hermitian")
    values, vectors = np.linalg.eigh(C)
    significant = (np.abs(values) > _NEGLIGIBLE * C.shape[2] * scale[..., None]).any(axis=0)
    significant[0, 0] |= not significant.any()
    user, index = np.nonzero(significant)
    columns = vectors[:, user, :, index].transpose(1, 2, 0)
    weights = np.zeros((C.shape[0], C.shape[1], user.size))
    weights[:, user, np.arange(user.size)] = values[:, user, index]
    return np.ascontiguousarray(columns), weights
