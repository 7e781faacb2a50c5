"""A subproblem of the inner approximation near its solution: Newton's method on KKT at any rank.

In the factors of `subproblem_solver` and the multipliers z of the active constraints it solves

    grad f + sum_k z_k grad g_k = 0,   g_k = 0,

from a guess, at a quadratic rate. Where the rank gap is bounded, solutions have rank two in most
iterations, and where the last two iterates point is near enough for a step or two. What it ends at
is taken for the solution only with the certificate of `subproblem_solver`; else the subproblem is
left to `solve_subproblem`.
"""

from math import inf

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import factorise_symmetric, solve_factored
from irsrepro.papers.yu2020.algorithms.lagrangian import (
    derivative_matrices,
    evaluate_terms,
    gradients,
    power_and_penalty,
    riemannian_hessian,
)
from irsrepro.papers.yu2020.algorithms.newton_direction import (
    leave_tangent,
    shifted_factor,
    solve_triangles,
    tangent_system,
)
from irsrepro.papers.yu2020.algorithms.subproblem import Subproblem
from irsrepro.papers.yu2020.algorithms.subproblem_solver import certify, move, tangent_norm

_NEWTON_STEPS = 5
_WEIGHT = 100.0  # of squared constraints in the factorised matrix, which makes it definite
_FLAT = 1e-11  # shift of that matrix, relative to its diagonal
_FAR = 1.0  # norm of a gradient from which no guess is followed
_FINE = 0.1  # of the tolerance, for gradient and constraints
_SHORTFALL = 1e-4  # of a constraint in units of the noise


@kernel
def _add_square(matrix: Real, direction: Complex, base: int, weight: float) -> None:
    """Add weight d d^T / ||d||^2 of a complex direction to a block of a real matrix."""
    turn = direction.view(np.float64)
    square = 0.0
    for p in range(turn.size):
        square += turn[p] ** 2
    for p in range(turn.size):
        row, row_weight = matrix[base + p][base:], weight * turn[p] / square
        for q in range(turn.size):
            row[q] += row_weight * turn[q]


@kernel
def _hold_turns(
    matrix: Real, factor: Complex, base: int, strides: tuple[int, int], weight: float
) -> None:
    """Give curvature to the unitary turns of the columns of a factor, which change nothing.

    Away from a solution the Hessian may be negative along them.

    Args:
        matrix: real form of a Hessian; a block of it is changed.
        factor: F of F F^H, (row, column).
        base: first coordinate of F.
        strides: of a row and of a column in the coordinates.
        weight: the curvature.
    """
    rows, columns = factor.shape
    direction = np.empty(factor.size, np.complex128)
    for c in range(columns):
        for d in range(c + 1):
            for unit in (1j, 1.0 + 0j):
                if c == d and unit.imag == 0.0:
                    continue
                direction[:] = 0.0
                for n in range(rows):
                    first, second = n * strides[0] + c * strides[1], n * strides[0] + d * strides[1]
                    direction[first] = unit * factor[n, d]
                    direction[second] = -unit.conjugate() * factor[n, c]
                _add_square(matrix, direction, base, weight)


@kernel
def _newton_step(
    factor: Complex, matrix: Real, sides: Real, values: Real, active: Real, direction: Real
) -> tuple[Real, bool]:
    """Newton's step of Y and w, written to `direction`, and of the multipliers.

    With M for the matrix, J for the gradients of the active constraints and r for the last side
    the step of the multipliers solves J M^-1 J^T dz = J M^-1 r + g.

    Args:
        factor: Y, (element + 1, rank).
        matrix: from `riemannian_hessian`; overwritten.
        sides: (constraint + 1, coordinate), J and r; overwritten.
        values: g, (constraint,).
        active: (constraint,), 1 or 0.
        direction: (coordinate,), overwritten.

    Returns:
        The step of the multipliers, and False where there is none.
    """
    count = values.size
    change = np.zeros(count)
    reflectors = np.empty((factor.shape[0], 2 * factor.shape[1]))
    small, right_sides = tangent_system(factor, matrix, sides, reflectors)
    largest = 0.0
    for p in range(small.shape[0]):
        largest = max(largest, abs(small[p, p]))
    triangle = np.empty(small.shape)
    if not shifted_factor(small, _FLAT * largest, triangle):
        return change, False
    steps = right_sides.copy()
    for k in range(count + 1):
        solve_triangles(triangle, steps[k])
    schur = np.zeros((count, count))
    for k in range(count):
        if active[k] == 0.0:
            schur[k, k] = 1.0
            continue
        change[k] = values[k] + np.dot(right_sides[k], steps[count])
        for j in range(k, count):
            schur[k, j] = active[j] * np.dot(right_sides[k], steps[j])
    if not factorise_symmetric(schur):
        return change, False
    solve_factored(schur, change)
    step = steps[count]
    for k in range(count):
        for p in range(step.size):
            step[p] -= change[k] * steps[k, p]
    leave_tangent(step, reflectors, direction)
    return change, True


@kernel
def solve_from_guess(
    problem: Subproblem, factor: Complex, beams: Complex, multipliers: Real, tolerance: float
) -> tuple[Complex, Complex, Real, float, bool]:
    """Solve a subproblem whose solution is near.

    Args:
        problem: from `make_subproblem`.
        factor: guess of Y, (element + 1, rank), of the rank of the solution.
        beams: guess of w, (user, stream, antenna).
        multipliers: guess of z, (user + 1,); the last belongs to the slack.
        tolerance: certified gap to reach, relative to the objective.

    Returns:
        Y, w and z; the certified gap; whether it is reached, without which nothing else counts.
    """
    rank = factor.shape[1]
    users, streams, antennas = beams.shape
    z, count = multipliers.copy(), users + 1
    weights, active = np.zeros(count), np.zeros(count)
    sides = np.empty((count + 1, 2 * (factor.size + beams.size)))
    direction, deficits = np.empty(sides.shape[1]), np.empty(users)
    for steps in range(_NEWTON_STEPS + 1):
        terms = evaluate_terms(problem, factor, beams)
        slopes = gradients(problem, factor, beams, terms)
        violation, shortfall = 0.0, 0.0
        for k in range(count):
            value = terms.values[k]
            active[k] = 1.0 if k < users or z[k] > 0.0 or value > 0.0 else 0.0
            weights[k] = active[k] * _WEIGHT * max(z[k], 1.0) ** 2
            violation = max(violation, active[k] * abs(value) * max(z[k], 1.0))
            if k < users:
                shortfall = max(shortfall, value / problem.scale[k])
        coordinates, gradient = slopes.view(np.float64), sides[count]
        for p in range(gradient.size):
            gradient[p] = coordinates[count, p]
            for k in range(count):
                gradient[p] += z[k] * coordinates[k, p]
        norm = tangent_norm(gradient, factor)
        if not max(norm, violation) < _FAR:
            break
        S, T, diagonal = derivative_matrices(problem, factor, beams, terms, z)
        if (
            steps > 0
            and max(norm, violation) <= _FINE * tolerance
            and shortfall <= _SHORTFALL
            and z.min() >= 0.0
        ):
            objective = power_and_penalty(problem, beams, terms)
            gap, _ = certify(beams, terms.values, z, objective, S, T, diagonal, deficits)
            return factor, beams, z, gap, gap <= tolerance
        if steps == _NEWTON_STEPS:
            break
        matrix = riemannian_hessian(problem, factor, terms, slopes, z, weights, S, T, diagonal)
        curvature = 0.0
        for p in range(matrix.shape[0]):
            curvature = max(curvature, abs(matrix[p, p]))
        _hold_turns(matrix, factor, 0, (rank, 1), curvature)
        for i in range(users):
            base = 2 * (factor.size + i * streams * antennas)
            _hold_turns(matrix, beams[i].T, base, (1, antennas), curvature)
        for p in range(gradient.size):
            gradient[p] = -gradient[p]
            for k in range(count):
                sides[k, p] = coordinates[k, p]
                if active[k] > 0.0:
                    gradient[p] -= weights[k] * terms.values[k] * coordinates[k, p]
        change, possible = _newton_step(factor, matrix, sides, terms.values, active, direction)
        if not possible:
            break
        factor, beams = move(factor, beams, direction, 1.0)
        for k in range(count):
            z[k] += change[k]
    return factor, beams, z, inf, False
