"""Interior-point method for max-min semidefinite programs with unit diagonal, certified throughout.

One instance of (P) in `instance`, compiled; `solver` has the batched functions.
At a level t, with positive scales e_k, C_k = (N_k - t D_k) / e_k and c_k = (n_k - t d_k) / e_k, the
primal and the dual problem are

    maximise tau  s.t.  s_k = tr(C_k V) + c_k - tau >= 0,  diag V = 1,  V psd;
    minimise 1^T y + lam^T c  s.t.  Z = Diag(y) - sum_k lam_k C_k psd,  1^T lam = 1,  lam >= 0.

For a linear problem the level is 0 and that is all. For ratios, Dinkelbach's method (the level is
the ratio reached, the scales are the denominators there) would solve such a pair 4 to 8 times. Here
level and scales follow V in every iteration instead: raising t only adds to Z, since the D_k are
psd, so the dual point stays feasible, and a ratio costs about as much as one linear problem.

Every iterate is dual feasible and certifies. With U = 1^T y + lam^T c, no V has a ratio above
t + max(0, U) / sum_k lam_k d_k / e_k: raising the level by that makes (D) hold.

Search direction: HKM, dV = R - sym(V dZ Z^-1) with dZ = Diag(dy) - sum_k dlam_k C_k and
R = sigma mu Z^-1 - V, then Mehrotra's correction. Eliminating dV and ds leaves a real system of
order n + K in (dy, dlam), bordered by 1^T dlam = 0 whose multiplier is dtau. With M_k = V C_k Z^-1
its blocks are

    Re(V o conj(Z^-1)),   -Re diag(M_k),   Re tr(C_k M_j) + Diag(s / lam).

N_k and D_k are formed once as matrices: what then goes on in a step costs K n^2 or n^3, but for the
M_k, which cost 3 n^2 for every column of F that a user has a weight for.
"""

from math import inf
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Integers, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    factorise_symmetric,
    invert_matrix,
    solve_factored,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.optimize.sdp.instance import Instance, level_terms

_MARGIN = 0.98  # share of a step known to keep the matrices definite
_COARSE, _FINE = 0.7, 0.9  # ratios of the steps tried: of the first direction, and to be taken
_SHORTEST = 1e-7
_RESCUES = 3


class _Matrices(NamedTuple):
    """The traces of the users as Hermitian matrices of an instance.

    Attributes:
        rows: F^T, (column, element).
        conjugate: F^H.
        first: the first column that a user has a weight for, (user,).
        last: the one after the last.
        numerator: N_k, (user, element, element).
        denominator: D_k.

    """

    rows: Complex
    conjugate: Complex
    first: Integers
    last: Integers
    numerator: Complex
    denominator: Complex


class _Iterate(NamedTuple):
    """What the Newton system is made of; see the module."""

    V: Complex
    Z: Complex
    inverse: Complex  # Z^-1
    C: Real  # (user, parts of the entries)
    M: Real
    s: Real
    lam: Real


class _Direction(NamedTuple):
    V: Complex
    Z: Complex
    y: Real
    lam: Real
    s: Real
    tau: float


@kernel
def _symmetrise(matrix: Complex) -> None:
    """Replace a matrix by its Hermitian part, in place."""
    for i in range(matrix.shape[0]):
        matrix[i, i] = matrix[i, i].real
        for j in range(i):
            mean = 0.5 * (matrix[i, j] + matrix[j, i].conjugate())
            matrix[i, j] = mean
            matrix[j, i] = mean.conjugate()


@kernel
def _inner(first: Complex, second: Complex) -> float:
    """Re tr(first^H second)."""
    total = 0.0
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            total += first[i, j].real * second[i, j].real + first[i, j].imag * second[i, j].imag
    return total


@kernel
def _parts(matrices: Complex) -> Real:
    """Real and imaginary parts of the entries of matrices, (matrix, part)."""
    count = matrices.shape[0]
    flat: Real = matrices.reshape(count, matrices.size // count).view(np.float64)
    return flat


@kernel
def _combination(weights: Real, parts: Real, size: int) -> Complex:
    """Sum of matrices, given by their parts, with real weights."""
    total: Complex = np.dot(weights, parts).view(np.complex128).reshape(size, size)
    return total


@kernel
def _slack(diagonal: Real, weights: Real, parts: Real) -> Complex:
    """Diag(y) - sum_k lam_k C_k, for C_k given by their parts."""
    matrix = _combination(-weights, parts, diagonal.size)
    for i in range(diagonal.size):
        matrix[i, i] += diagonal[i]
    return matrix


@kernel
def _traces(parts: Real, matrix: Complex) -> Real:
    """Re tr(C_k X) for Hermitian C_k given by their parts, (user,)."""
    traces: Real = np.dot(parts, matrix.reshape(matrix.size).view(np.float64))
    return traces


@kernel
def _matrices(instance: Instance) -> _Matrices:
    """Form the matrices of an instance whose columns have no blocks."""
    conjugate = instance.columns.conjugate.T.copy()
    rows = conjugate.conj()
    users, size = instance.numerator.shape[0], rows.shape[1]
    first, last = np.zeros(users, np.int64), np.zeros(users, np.int64)
    numerator = np.empty((users, size, size), np.complex128)
    denominator = np.empty((users, size, size), np.complex128)
    for k in range(users):
        used = np.flatnonzero((instance.numerator[k] != 0.0) | (instance.denominator[k] != 0.0))
        if used.size > 0:
            first[k], last[k] = used[0], used[-1] + 1
        for weights, result in (
            (instance.numerator[k], numerator[k]),
            (instance.denominator[k], denominator[k]),
        ):
            result[:] = _weighted_product(rows, conjugate, weights, first[k], last[k])
            _symmetrise(result)
    return _Matrices(rows, conjugate, first, last, numerator, denominator)


@kernel
def _weighted_product(
    left: Complex, right: Complex, weights: Real, first: int, last: int
) -> Complex:
    """Sum of weights_a l_a^T r_a over some rows l_a and r_a of two matrices."""
    scaled = right[first:last].copy()
    for a in range(first, last):
        for j in range(scaled.shape[1]):
            scaled[a - first, j] *= weights[a]
    product: Complex = np.dot(left[first:last].T, scaled)
    return product


@kernel
def _step(
    matrix: Complex,
    change: Complex,
    vector: Real,
    vector_change: Real,
    step: float,
    ratio: float,
    trial: Complex,
) -> float:
    """Longest of step, ratio step, ratio^2 step, ... that keeps matrix and vector positive."""
    for k in range(vector.size):
        if vector_change[k] < 0.0:
            step = min(step, -vector[k] / vector_change[k])
    while step > _SHORTEST:
        for i in range(matrix.shape[0]):
            for j in range(i, matrix.shape[0]):
                trial[i, j] = matrix[i, j] + step * change[i, j]
        if factorise_hermitian(trial):
            return step
        step *= ratio
    return 0.0


@kernel
def _products(matrices: _Matrices, V: Complex, inverse: Complex, terms: Real) -> Complex:
    """M_k = V C_k Z^-1 with C_k = F diag(S_k) F^H, (user, element, element)."""
    left, right = np.dot(matrices.rows, V.conj()), np.dot(matrices.conjugate, inverse)
    products = np.empty_like(matrices.numerator)
    for k in range(terms.shape[0]):
        products[k] = _weighted_product(left, right, terms[k], matrices.first[k], matrices.last[k])
    return products


@kernel
def _newton_matrix(iterate: _Iterate, system: Real) -> None:
    """Fill the upper triangle of the real Newton matrix over (dy, dlam)."""
    size, users = iterate.V.shape[0], iterate.lam.size
    for i in range(size):
        for j in range(size):
            v, z = iterate.V[i, j], iterate.inverse[i, j]
            system[i, j] = v.real * z.real + v.imag * z.imag
    corner = np.dot(iterate.C, iterate.M.T)
    for k in range(users):
        for i in range(size):
            system[i, size + k] = -iterate.M[k, 2 * i * (size + 1)]
        for j in range(users):
            system[size + k, size + j] = corner[k, j]
        system[size + k, size + k] += iterate.s[k] / iterate.lam[k]


@kernel
def _direction(
    iterate: _Iterate, factor: Real, border: Real, R: Complex, target: Real, residual: Real
) -> _Direction:
    """Solve the Newton system for one right-hand side.

    Args:
        iterate: the current point.
        factor: of the Newton matrix.
        border: the Newton matrix solved for (0, 1).
        R: dV + sym(V dZ Z^-1), (element, element).
        target: ds + s / lam dlam, (user,).
        residual: tr(C_k V) + c_k - tau - s, (user,), rounding only.

    """
    size, users = iterate.V.shape[0], iterate.lam.size
    unknown = np.empty(size + users)
    for i in range(size):
        unknown[i] = R[i, i].real + iterate.V[i, i].real - 1.0
    unknown[size:] = target - _traces(iterate.C, R) - residual
    solve_factored(factor, unknown)
    dtau = (1.0 - iterate.lam.sum() - unknown[size:].sum()) / border[size:].sum()
    unknown += dtau * border
    dy, dlam = unknown[:size].copy(), unknown[size:].copy()
    dV = np.dot(iterate.V * dy, iterate.inverse) - _combination(dlam, iterate.M, size)
    _symmetrise(dV)
    ds = target - iterate.s / iterate.lam * dlam
    return _Direction(R - dV, _slack(dy, dlam, iterate.C), dy, dlam, ds, dtau)


@kernel
def _predict_and_correct(
    iterate: _Iterate, factor: Real, residual: Real
) -> tuple[float, float, _Direction]:
    """Step lengths of the primal and the dual point, and Mehrotra's direction."""
    V, Z, inverse, _, _, s, lam = iterate
    size, users = V.shape[0], lam.size
    trial = np.empty_like(V)
    border = np.zeros(size + users)
    border[size:] = 1.0
    solve_factored(factor, border)
    gap = _inner(V, Z) + (s * lam).sum()
    move = _direction(iterate, factor, border, -V, -s, residual)
    primal = _step(V, move.V, s, move.s, 1.0, _COARSE, trial)
    dual = _step(Z, move.Z, lam, move.lam, 1.0, _COARSE, trial)
    remaining_gap = _inner(V + primal * move.V, Z + dual * move.Z)
    remaining_gap += ((s + primal * move.s) * (lam + dual * move.lam)).sum()
    centre = min(1.0, max(1e-4, remaining_gap / gap)) ** 3 * gap / (size + users)
    # What the first direction leaves over in second order.
    product = np.dot(np.dot(move.V, move.Z), inverse)
    _symmetrise(product)
    target = (centre - move.s * move.lam) / lam - s
    move = _direction(iterate, factor, border, centre * inverse - V - product, target, residual)
    primal = _MARGIN * _step(V, move.V, s, move.s, 1.0 / _MARGIN, _FINE, trial)
    dual = _MARGIN * _step(Z, move.Z, lam, move.lam, 1.0 / _MARGIN, _FINE, trial)
    return primal, dual, move


@kernel
def interior_point(
    instance: Instance,
    linear: bool,
    known_value: float,
    tolerance: float,
    floor: float,
    max_iterations: int,
) -> tuple[Complex, Real, Real, float, int, int]:
    """Solve (P) from V = I.

    Args:
        instance: the problem, scaled to moderate numbers, its columns without blocks.
        linear: whether SD = 0 and d = 1; the level then stays 0.
        known_value: a ratio that some V is known to reach, or -inf.
        tolerance: gap between the certified bound and the value at V to reach, relative to |value|
            or, if that is larger, to `floor`.
        floor: see `tolerance`.
        max_iterations: largest number of Newton steps.

    Returns:
        The best V, positive definite, of unit diagonal up to rounding; the multipliers w and y of
        (D); the certified upper bound u on the optimum, a level at which (D) holds; the number of
        steps; the status.

    """
    matrices = _matrices(instance)
    numerator, denominator = _parts(matrices.numerator), _parts(matrices.denominator)
    size, width = instance.columns.local.shape
    users = instance.numerator_constant.size
    terms, offsets = np.empty((users, width)), np.empty(users)
    scales, s, tau = np.ones(users), np.empty(users), 0.0
    V: Complex = np.eye(size).astype(np.complex128)
    best, best_value = V, -inf
    y, lam = np.zeros(size), np.full(users, 1.0 / users)
    level, upper, steps, status = 0.0, inf, 0, ITERATION_LIMIT
    best_multipliers, best_diagonal = lam, y
    closing, reserve, rescues = False, 0.0, _RESCUES if linear else 0
    system = np.empty((size + users, size + users))
    while True:
        denominators = _traces(denominator, V) + instance.denominator_constant
        ratios = (_traces(numerator, V) + instance.numerator_constant) / denominators
        if ratios.min() > best_value:
            best, best_value = V, ratios.min()
        allowance = tolerance * max(abs(best_value), floor)
        margin = max(reserve, 0.9 * allowance if closing else 0.0)
        if not linear and (steps == 0 or best_value + 0.5 * margin > level):
            # With the scales at the denominators a user's value at the new level is its ratio
            # minus the level. (lam, y, Z) may be multiplied by any factor: 1^T lam stays 1.
            change = scales / denominators
            total = (lam / change).sum()
            lam, y = lam / change / total, y / total
            assign(denominators, scales)
            rise = max(best_value + margin, known_value) - level
            level += rise
            tau = (change * tau).min() - rise
            assign(ratios - level - tau, s)
        level_terms(instance, level, scales, terms, offsets)
        values = (ratios - level) * denominators / scales
        C = (numerator - level * denominator) / scales.reshape(-1, 1)
        Z = _slack(y, lam, C)
        if steps == 0:
            # Diagonally dominant, so definite; V Z = mu I on the average, s lam = mu.
            for i in range(size):
                y[i] = 1.1 * np.abs(Z[i]).sum()
            y += 0.1 * y.mean() if y.mean() > 0.0 else 1.0
            for i in range(size):
                Z[i, i] += y[i]
            tau = values.min() - users * np.diag(Z).real.mean()
            assign(values - tau, s)
        bound = y.sum() + np.dot(lam, offsets)
        share = (lam * instance.denominator_constant / scales).sum()
        proven_bound = level + (bound if linear else max(0.0, bound) / share)
        if proven_bound < upper:
            upper, best_multipliers, best_diagonal = proven_bound, lam / scales, y
        # Where the share is small that bound closes late. Better to prove the last allowance from a
        # level just above the value, where the optimum of the linear problem is negative.
        closing = closing or bound < 0.3 * allowance
        if upper - best_value <= allowance:
            status = CONVERGED
        if status == CONVERGED or steps >= max_iterations:
            break
        steps += 1
        inverse = np.empty_like(Z)
        invert_matrix(Z, inverse)
        _symmetrise(inverse)
        M = _products(matrices, V, inverse, terms)
        iterate = _Iterate(V, Z, inverse, C, _parts(M), s, lam)
        _newton_matrix(iterate, system)
        primal, dual = 0.0, 0.0
        if factorise_symmetric(system):
            residual = values - tau - s
            primal, dual, move = _predict_and_correct(iterate, system, residual)
            V = V + primal * move.V
            tau += primal * move.tau
            s = s + primal * move.s
            y = y + dual * move.y
            lam = lam + dual * move.lam
        if max(primal, dual) < _SHORTEST:
            if rescues == _RESCUES:
                status = FAILURE
                break
            # The limit of precision. A level further ahead asks less of the dual point.
            reserve = 10.0**rescues * max(allowance, 4.0 * bound)
            rescues += 1
    return best, best_multipliers, best_diagonal, upper, steps, status
