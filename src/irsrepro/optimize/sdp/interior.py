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
order n + K in (dy, dlam), bordered by 1^T dlam = 0 whose multiplier is dtau. With A = V F,
B = Z^-1 F and C_k = F diag(S_k) F^H its blocks are

    Re(V o conj(Z^-1)),   -Re(A o conj(B)) S^T,   S Re(F^H A o conj(F^H B)) S^T + Diag(s / lam).
"""

from math import inf
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    factorise_symmetric,
    invert_matrix,
    solve_factored,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.optimize.sdp.instance import Instance, level_terms, quotients, slack

_MARGIN = 0.98  # share of a step known to keep the matrices definite
_BACKTRACK = 0.85
_SHORTEST = 1e-7
_RESCUES = 3


class _Iterate(NamedTuple):
    """What the Newton system is made of; see the module."""

    V: Complex
    Z: Complex
    inverse: Complex  # Z^-1
    A: Complex
    B: Complex
    s: Real
    lam: Real
    terms: Real  # S


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
def _column_powers(columns: Complex, image: Complex) -> Real:
    """Re f_a^H g_a for the columns of two matrices, (column,)."""
    powers = np.zeros(columns.shape[1])
    for i in range(columns.shape[0]):
        for a in range(columns.shape[1]):
            f, g = columns[i, a], image[i, a]
            powers[a] += f.real * g.real + f.imag * g.imag
    return powers


@kernel
def _step(
    matrix: Complex, change: Complex, vector: Real, vector_change: Real, step: float, trial: Complex
) -> float:
    """Longest of step, 0.85 step, ... that keeps matrix and vector positive."""
    for k in range(vector.size):
        if vector_change[k] < 0.0:
            step = min(step, -vector[k] / vector_change[k])
    while step > _SHORTEST:
        for i in range(matrix.shape[0]):
            for j in range(i, matrix.shape[0]):
                trial[i, j] = matrix[i, j] + step * change[i, j]
        if factorise_hermitian(trial):
            return step
        step *= _BACKTRACK
    return 0.0


@kernel
def _newton_matrix(iterate: _Iterate, adjoint: Complex, system: Real) -> None:
    """Fill the real Newton matrix over (dy, dlam)."""
    A, B, terms = iterate.A, iterate.B, iterate.terms
    size, width = A.shape
    users = terms.shape[0]
    for i in range(size):
        for j in range(size):
            v, z = iterate.V[i, j], iterate.inverse[i, j]
            system[i, j] = v.real * z.real + v.imag * z.imag
    products, gram = np.empty((size, width)), np.empty((width, width))
    for i in range(size):
        for a in range(width):
            products[i, a] = A[i, a].real * B[i, a].real + A[i, a].imag * B[i, a].imag
    left, right = np.dot(adjoint, A), np.dot(adjoint, B)
    for a in range(width):
        for b in range(width):
            gram[a, b] = left[a, b].real * right[a, b].real + left[a, b].imag * right[a, b].imag
    transposed = terms.T.copy()
    mixed = np.dot(products, transposed)
    corner = np.dot(terms, np.dot(gram, transposed))
    for k in range(users):
        for i in range(size):
            system[i, size + k] = -mixed[i, k]
        for j in range(users):
            system[size + k, size + j] = corner[k, j]
        system[size + k, size + k] += iterate.s[k] / iterate.lam[k]


@kernel
def _direction(
    instance: Instance,
    iterate: _Iterate,
    factor: Real,
    border: Real,
    R: Complex,
    RF: Complex,
    target: Real,
    residual: Real,
) -> _Direction:
    """Solve the Newton system for one right-hand side.

    Args:
        instance: the problem.
        iterate: the current point.
        factor: of the Newton matrix.
        border: the Newton matrix solved for (0, 1).
        R: dV + sym(V dZ Z^-1), (element, element).
        RF: R F.
        target: ds + s / lam dlam, (user,).
        residual: tr(C_k V) + c_k - tau - s, (user,), rounding only.

    """
    size, users = iterate.V.shape[0], iterate.lam.size
    unknown = np.empty(size + users)
    correction = np.dot(iterate.terms, _column_powers(instance.columns.local, RF))
    for i in range(size):
        unknown[i] = R[i, i].real + iterate.V[i, i].real - 1.0
    for k in range(users):
        unknown[size + k] = target[k] - correction[k] - residual[k]
    solve_factored(factor, unknown)
    dtau = (1.0 - iterate.lam.sum() - unknown[size:].sum()) / border[size:].sum()
    unknown += dtau * border
    dy, dlam = unknown[:size].copy(), unknown[size:].copy()
    weights = np.dot(dlam, iterate.terms)
    dV = np.dot(iterate.V * dy, iterate.inverse)
    dV -= np.dot(iterate.A * weights, iterate.B.conj().T.copy())
    _symmetrise(dV)
    return _Direction(
        R - dV,
        slack(instance, dy, weights),
        dy,
        dlam,
        target - iterate.s / iterate.lam * dlam,
        dtau,
    )


@kernel
def _predict_and_correct(
    instance: Instance, iterate: _Iterate, factor: Real, residual: Real
) -> tuple[float, float, _Direction]:
    """Step lengths of the primal and the dual point, and Mehrotra's direction."""
    V, Z, inverse, A, B, s, lam, terms = iterate
    size, users = V.shape[0], lam.size
    trial = np.empty_like(V)
    border = np.zeros(size + users)
    border[size:] = 1.0
    solve_factored(factor, border)
    gap = _inner(V, Z) + (s * lam).sum()
    move = _direction(instance, iterate, factor, border, -V, -A, -s, residual)
    primal = _step(V, move.V, s, move.s, 1.0, trial)
    dual = _step(Z, move.Z, lam, move.lam, 1.0, trial)
    remaining_gap = _inner(V + primal * move.V, Z + dual * move.Z)
    remaining_gap += ((s + primal * move.s) * (lam + dual * move.lam)).sum()
    centre = min(1.0, max(1e-4, remaining_gap / gap)) ** 3 * gap / (size + users)
    # What the first direction leaves over in second order.
    weights = np.dot(move.lam, terms)
    product = move.V * move.y
    F = instance.columns.local
    product -= np.dot(np.dot(move.V, F) * weights, instance.columns.conjugate.T)
    product = np.dot(product, inverse)
    _symmetrise(product)
    R = centre * inverse - V - product
    RF = centre * B - A - np.dot(product, F)
    target = (centre - move.s * move.lam) / lam - s
    move = _direction(instance, iterate, factor, border, R, RF, target, residual)
    primal = _MARGIN * _step(V, move.V, s, move.s, 1.0 / _MARGIN, trial)
    dual = _MARGIN * _step(Z, move.Z, lam, move.lam, 1.0 / _MARGIN, trial)
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
    F = instance.columns.local
    size, width = F.shape
    users = instance.numerator_constant.size
    denominators, ratios = np.empty(users), np.empty(users)
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
        A = np.dot(V, F)
        quotients(instance, _column_powers(F, A), denominators, ratios)
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
        Z = slack(instance, y, np.dot(lam, terms))
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
        iterate = _Iterate(V, Z, inverse, A, np.dot(inverse, F), s, lam, terms)
        _newton_matrix(iterate, instance.columns.conjugate.T, system)
        primal, dual = 0.0, 0.0
        if factorise_symmetric(system):
            residual = values - tau - s
            primal, dual, move = _predict_and_correct(instance, iterate, system, residual)
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
