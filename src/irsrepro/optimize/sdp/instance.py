"""One max-min problem over matrices with unit diagonal, as the compiled kernels see it.

    maximise min_k (tr(N_k V) + n_k) / (tr(D_k V) + d_k)   subject to  diag V = 1,  V psd,      (P)

    N_k = F diag(SN_k) F^H,   D_k = F diag(SD_k) F^H  with SD >= 0,   d_k > 0.

With the powers p_a = f_a^H V f_a of the columns every trace is S_k . p. Linear problems, with
values tr(C_k V) + c_k in place of the ratios, have SD = 0 and d = 1.

The dual point of (P) at a level t: multipliers w >= 0 of the users and y of the diagonal, with

    Z = Diag(y) - sum_k w_k (N_k - t D_k) psd,   1^T y + sum_k w_k (n_k - t d_k) <= 0.          (D)

It proves that no V has a value above t: the trace of Z V is not negative, so some k has
tr(N_k V) + n_k <= t (tr(D_k V) + d_k).
"""

from math import exp, log
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.sdp.columns import Columns, dense_columns


class Instance(NamedTuple):
    """Data of one realisation of (P), every array contiguous.

    Attributes:
        columns: F.
        numerator: SN, (user, column).
        numerator_constant: n, (user,).
        denominator: SD, (user, column), non-negative.
        denominator_constant: d, (user,), positive.

    """

    columns: Columns
    numerator: Real
    numerator_constant: Real
    denominator: Real
    denominator_constant: Real


@kernel
def linear_problem(instance: Instance) -> Instance:
    """Return a linear problem on the same columns, with numerators of its own to be overwritten."""
    users, width = instance.numerator.shape
    return Instance(
        instance.columns,
        instance.numerator.copy(),
        instance.numerator_constant.copy(),
        np.zeros((users, width)),
        np.ones(users),
    )


@kernel
def row_powers(image: Complex, powers: Real) -> None:
    """|P_a|^2 for the rows of P = F^H Y, that is f_a^H V f_a.

    Args:
        image: P, (column, rank).
        powers: (column,), overwritten.

    """
    for a in range(image.shape[0]):
        total = 0.0
        for c in range(image.shape[1]):
            total += squared_modulus(image[a, c])
        powers[a] = total


@kernel
def quotients(instance: Instance, powers: Real, denominators: Real, ratios: Real) -> None:
    """Denominators and ratios of all users.

    Args:
        instance: the problem.
        powers: p_a = f_a^H V f_a, (column,).
        denominators: tr(D_k V) + d_k, (user,), overwritten.
        ratios: (tr(N_k V) + n_k) / (tr(D_k V) + d_k), (user,), overwritten.

    """
    users, width = instance.numerator.shape
    for k in range(users):
        top, bottom = instance.numerator_constant[k], instance.denominator_constant[k]
        for a in range(width):
            top += instance.numerator[k, a] * powers[a]
            bottom += instance.denominator[k, a] * powers[a]
        denominators[k] = bottom
        ratios[k] = top / bottom


@kernel
def soft_minimum(
    values: Real, multipliers: Real, smoothing: float, tilted_multipliers: Real
) -> float:
    """-mu log sum_k lam_k exp(-v_k / mu), and its gradient, the tilted multipliers.

    Args:
        values: v, (user,).
        multipliers: lam, (user,), on the simplex.
        smoothing: mu.
        tilted_multipliers: (user,), overwritten.

    """
    smallest = values.min()
    total = 0.0
    for k in range(values.size):
        tilted_multipliers[k] = multipliers[k] * exp(-(values[k] - smallest) / smoothing)
        total += tilted_multipliers[k]
    for k in range(values.size):
        tilted_multipliers[k] /= total
    return float(smallest - smoothing * log(total))


@kernel
def level_terms(instance: Instance, level: float, scales: Real, terms: Real, offsets: Real) -> None:
    """The linear problem at a level: S_k = (SN_k - t SD_k) / e_k, c_k = (n_k - t d_k) / e_k.

    Args:
        instance: the problem.
        level: t.
        scales: e, (user,), positive.
        terms: S, (user, column), overwritten.
        offsets: c, (user,), overwritten.

    """
    users, width = terms.shape
    for k in range(users):
        offsets[k] = (
            instance.numerator_constant[k] - level * instance.denominator_constant[k]
        ) / scales[k]
        for a in range(width):
            terms[k, a] = (instance.numerator[k, a] - level * instance.denominator[k, a]) / scales[
                k
            ]


@kernel
def slack(instance: Instance, diagonal: Real, weights: Real) -> Complex:
    """Z = Diag(y) - F diag(s) F^H, (element, element).

    Args:
        instance: its columns F.
        diagonal: y, (element,).
        weights: s, (column,).

    """
    F = dense_columns(instance.columns)
    weighted = F.copy()
    for i in range(weighted.shape[0]):
        for a in range(weights.size):
            weighted[i, a] *= -weights[a]
    matrix: Complex = np.dot(weighted, F.conj().T)
    for i in range(diagonal.size):
        matrix[i, i] = diagonal[i] + matrix[i, i].real
    return matrix
