"""Dual scaling for ratios over matrices with unit diagonal: Newton steps along the central path.

One instance of (P) in `instance`, compiled. Where interference far above the noise has to be nulled
the low-rank method is late with the last per cent and with multipliers that prove it. At a level t
and with scales e_k (see `interior`) the central path of the dual problem is, for mu -> 0,

    minimise (1^T y + lam^T c) / mu - log det Z - sum_k log lam_k   s.t.   1^T lam = 1,

with Z = Diag(y) - sum_k lam_k C_k. That is a Newton system of n + K real unknowns. With B = Z^-1 F
and G = F^H B its matrix H has the blocks

    |Z^-1|^2 (entry by entry),   -|B|^2 S^T,   S |G|^2 S^T + Diag(1 / lam^2),

so a step takes the inverse of Z, which few columns make cheap (`slack`), and no product of matrices
of order n, of which the interior-point method takes several. The step is u1 / mu + u2 at any mu. At
the mu that makes it shortest, if it then is shorter than one in the norm of H,

    V = mu (Z^-1 - Z^-1 dZ Z^-1)

is positive definite, of unit diagonal (Benson, Ye and Zhang 2000), and its powers cost nothing. So
level and scales follow its ratio, as in `interior`. Where it is longer it leads back to the path.
"""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import solve_system, squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.optimize.sdp.columns import dense_columns, forms
from irsrepro.optimize.sdp.instance import Instance, level_terms, linear_problem, quotients
from irsrepro.optimize.sdp.slack import (
    apply_inverse,
    dense_inverse,
    invert_slack,
    new_slack_inverse,
)

_STRIDE = 0.5  # a step down the path in the norm of H, in units of the root of n + K
_WITHIN = 0.7  # share of the longest step that is taken
_BACKTRACK = 0.8
_SHORTEST = 1e-6
_SHARE = 0.8  # of the tolerance that a level is above the value
_WORTH = 0.3  # gain of a level, or gap left at it, relative to the distance of the bound
_LEAST_MULTIPLIER = 1e-4  # at the start
_FIRST_LIFT, _LARGEST_LIFT = 1e-3, 1e9  # of the mean of |y|


@kernel
def _newton(
    problem: Instance, lam: Real, inverse: Complex, B: Complex
) -> tuple[Real, Real, float, float, float, Real]:
    """Return u1 and u2, over (y, lam), and what V is worth.

    Args:
        problem: at a level.
        lam: multipliers, (user,).
        inverse: Z^-1, (element, element).
        B: Z^-1 F, (element, column).

    Returns:
        u1 and u2, (element and user,), which keep 1^T lam; <u1, u1>, <u1, u2> and <u2, u2> in the
        norm of H; the powers f_a^H V f_a at the mu of the shortest step, (column,).
    """
    S, size, users = problem.numerator, inverse.shape[0], lam.size
    width = S.shape[1]
    G = forms(problem.columns, B)
    squares, gram = np.empty((size, width)), np.empty((width, width))
    system, sides = np.zeros((size + users, size + users)), np.zeros((size + users, 3))
    for i in range(size):
        for j in range(size):
            system[i, j] = squared_modulus(inverse[i, j])
        for a in range(width):
            squares[i, a] = squared_modulus(B[i, a])
        sides[i, 0], sides[i, 1] = 1.0, -inverse[i, i].real
    for a in range(width):
        for b in range(width):
            gram[a, b] = squared_modulus(G[a, b])
    transposed = S.T.copy()
    mixed, corner = np.dot(squares, transposed), np.dot(S, np.dot(gram, transposed))
    for k in range(users):
        trace = 0.0
        for a in range(width):
            trace += S[k, a] * G[a, a].real
        for i in range(size):
            system[i, size + k] = -mixed[i, k]
            system[size + k, i] = -mixed[i, k]
        for j in range(users):
            system[size + k, size + j] = corner[k, j]
        system[size + k, size + k] += 1.0 / lam[k] ** 2
        sides[size + k, 0] = problem.numerator_constant[k]
        sides[size + k, 1] = trace - 1.0 / lam[k]
        sides[size + k, 2] = 1.0
    solutions = solve_system(system, sides)
    sums = solutions[size:].sum(axis=0)
    u1 = solutions[:, 2] * (sums[0] / sums[2]) - solutions[:, 0]
    u2 = solutions[:, 2] * (sums[1] / sums[2]) - solutions[:, 1]
    first, second = sides[:, 0].copy(), sides[:, 1].copy()
    a11, a12, a22 = -np.dot(first, u1), -np.dot(first, u2), -np.dot(second, u2)
    move, mu = u2 - (a12 / a11) * u1, -a11 / a12
    weights = np.dot(move[size:], S)
    powers = np.empty(width)
    for a in range(width):
        total = G[a, a].real + np.dot(gram[a], weights)
        for i in range(size):
            total -= move[i] * squares[i, a]
        powers[a] = mu * total
    return u1, u2, a11, a12, a22, powers


@kernel
def _primal(problem: Instance, inverse: Complex, move: Real, mu: float) -> Complex:
    """V = mu (Z^-1 - Z^-1 dZ Z^-1) for a step over (y, lam)."""
    size = inverse.shape[0]
    B = np.dot(inverse, dense_columns(problem.columns))
    V: Complex = inverse - np.dot(inverse * move[:size], inverse)
    V += np.dot(B * np.dot(move[size:], problem.numerator), B.conj().T.copy())
    V *= mu
    return V


@kernel
def dual_scaling(
    instance: Instance,
    multipliers: Real,
    diagonal: Real,
    known_value: float,
    tolerance: float,
    floor: float,
    max_iterations: int,
) -> tuple[Complex, Real, Real, float, int, int]:
    """Solve (P) for ratios from multipliers and a diagonal that need not be feasible.

    Args:
        instance: the problem, scaled to moderate numbers.
        multipliers: w, (user,), not negative.
        diagonal: y, (element,).
        known_value: a ratio that some V reaches.
        tolerance: gap between the certified bound and the best ratio to reach, relative to |ratio|
            or, if that is larger, to `floor`.
        floor: see `tolerance`.
        max_iterations: largest number of steps.

    Returns:
        The best V, positive definite, of unit diagonal up to rounding, or an empty array if none is
        better than what was known; the multipliers w and y of (D); the certified upper bound, a
        level at which (D) holds; the number of steps; the status.

    """
    size, users = diagonal.size, multipliers.size
    width = instance.numerator.shape[1]
    problem = linear_problem(instance)
    inverse, F = new_slack_inverse(size, width), dense_columns(problem.columns)
    scales, denominators, ratios = np.ones(users), np.empty(users), np.empty(users)
    total = multipliers.sum()
    lam, y = np.maximum(multipliers / total, _LEAST_MULTIPLIER), diagonal / total
    total = lam.sum()
    lam, y = lam / total, y / total
    best, best_value = np.empty((0, 0), np.complex128), known_value
    allowance = _SHARE * tolerance * max(abs(known_value), floor)
    level = known_value + allowance
    level_terms(instance, level, scales, problem.numerator, problem.numerator_constant)
    lift, unit = 0.0, np.abs(y).mean() or 1.0
    while not invert_slack(problem, y + lift, np.dot(lam, problem.numerator), True, inverse):
        lift = max(3.0 * lift, _FIRST_LIFT * unit)
        if not lift < _LARGEST_LIFT * unit:
            return best, multipliers, diagonal, inf, 0, FAILURE
    y = y + lift
    upper, best_multipliers, best_diagonal = inf, lam, y
    steps, status = 0, ITERATION_LIMIT
    while True:
        bound = y.sum() + np.dot(lam, problem.numerator_constant)
        # Raising the level by this much makes (D) hold.
        level_rise = max(0.0, bound) / (lam * instance.denominator_constant / scales).sum()
        if level + level_rise < upper:
            upper, best_multipliers, best_diagonal = level + level_rise, lam / scales, y
        if upper <= best_value + 1.0001 * allowance:
            status = CONVERGED
        if status == CONVERGED or steps == max_iterations:
            break
        steps += 1
        matrix = dense_inverse(problem, inverse)
        if not np.isfinite(matrix.sum().real):
            status = FAILURE
            break
        u1, u2, a11, a12, a22, powers = _newton(
            problem, lam, matrix, apply_inverse(problem, inverse, F)
        )
        if not a11 > 0.0:
            status = FAILURE  # the limit of precision
            break
        turn = -a12 / a11
        near_centre = turn > 0.0 and a22 + a12 * turn < 1.0
        if near_centre:
            quotients(instance, powers, denominators, ratios)
            if ratios.min() > best_value:
                best_value = ratios.min()
                best = _primal(problem, matrix, u2 + turn * u1, 1.0 / turn)
                allowance = _SHARE * tolerance * max(abs(best_value), floor)
            ready = turn * _WORTH * bound > size + users  # little is left to gain at this level
            if best_value + allowance > level + (0.0 if ready else _WORTH * level_rise):
                # (lam, y, Z) may be multiplied by any factor: 1^T lam stays 1.
                level = best_value + allowance
                lam = lam * denominators / scales
                total = lam.sum()
                lam, y = lam / total, y / total
                assign(denominators, scales)
                level_terms(instance, level, scales, problem.numerator, problem.numerator_constant)
                if invert_slack(problem, y, np.dot(lam, problem.numerator), True, inverse):
                    continue
                status = FAILURE
                break
        if near_centre or not turn > 0.0:
            turn += _STRIDE * sqrt((size + users) / a11)
        move = turn * u1 + u2
        step = 1.0 / _WITHIN
        for k in range(users):
            if move[size + k] < 0.0:
                step = min(step, -lam[k] / move[size + k])
        while step > _SHORTEST:
            weights = np.dot(lam + step * move[size:], problem.numerator)
            if invert_slack(problem, y + step * move[:size], weights, False, inverse):
                break
            step *= _BACKTRACK
        lam, y = lam + _WITHIN * step * move[size:], y + _WITHIN * step * move[:size]
        weights = np.dot(lam, problem.numerator)
        if not (step > _SHORTEST and invert_slack(problem, y, weights, True, inverse)):
            status = FAILURE
            break
    return best, best_multipliers, best_diagonal, upper, steps, status
