"""A subproblem of the inner approximation with a solution of rank one: Newton's method on KKT.

With V = y y^H, y_n of modulus 1, and W_i = w_i w_i^H the unknowns of the problem stated in
`subproblem` are the phases of y, the beams and the multipliers z of the constraints, all of which
are active. Newton's method solves

    grad f + sum_k z_k grad g_k = 0,   g_k = 0,

from a guess, at a quadratic rate: one factorisation is enough where the guess is near. What it ends
at is taken for the solution only with the certificate of `subproblem_solver`: the matrices
S - Diag(y) and T_i of derivatives psd up to a shift. A solution of higher rank, an inactive
constraint or a guess too far away has none, and is left to `solve_subproblem`.
"""

from math import cos, inf, sin, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import factorise_hermitian
from irsrepro.papers.yu2020.algorithms.newton_direction import cholesky
from irsrepro.papers.yu2020.algorithms.rank_one_derivatives import (
    Point,
    evaluate_point,
    lagrangian_gradient,
    lagrangian_hessian,
    old_images,
)
from irsrepro.papers.yu2020.algorithms.subproblem import (
    Subproblem,
    inner_product,
    squared_norm,
)

_NEWTON_STEPS = 8
_WEIGHT = 100.0  # of squared constraints in the factorised matrix, which makes it definite
_FLAT = 1e-13  # shift of that matrix, relative to its diagonal
_FAR = 10.0  # norm of a gradient from which no guess is followed
_SHARE = 0.01  # of the tolerance by which eigenvalues in the certificate are shifted
_FINE = 0.1  # of the tolerance, for gradient and constraints
_EXACT = 1e-3  # of the tolerance; a gradient so small without a certificate will not get one
_SHORTFALL = 1e-4  # of a constraint in units of the noise


@kernel
def _newton_step(
    matrix: Real, point: Point, beams: Complex, gradient: Real, z: Real, triangle: Real
) -> tuple[Real, Real, bool]:
    """Newton's step of coordinates and multipliers; False where there is none.

    Squares of the constraints and of the changes of phase that change nothing are added to the
    Hessian, which makes it definite and leaves the step as it is to the first order. Below it, the
    gradients of the constraints and the right-hand side take part in the factorisation, which then
    leaves L^-1 of them and, with the opposite sign, their products through the inverse.

    Args:
        matrix: (coordinate + user + 1, coordinate + user + 1), from `lagrangian_hessian`.
        point: from `evaluate_point`.
        beams: w, (user, antenna).
        gradient: from `lagrangian_gradient`.
        z: multipliers, (user,).
        triangle: overwritten, as large as the matrix.
    """
    users, order = point.slopes.shape
    size, antennas = point.agreement.size, beams.shape[1]
    largest = 0.0
    for n in range(size):
        largest = max(largest, abs(matrix[n, n]))
    for n in range(size):
        for m in range(n + 1):
            matrix[n, m] += largest / size
    across = np.empty(2 * antennas)
    for i in range(users):
        base = size + 2 * i * antennas
        for a in range(antennas):
            across[2 * a], across[2 * a + 1] = -beams[i, a].imag, beams[i, a].real
        square = squared_norm(beams[i : i + 1])
        for a in range(2 * antennas):
            left = 2.0 * across[a] / square
            for b in range(a + 1):
                matrix[base + a, base + b] += left * across[b]
    last = matrix[order + users]
    for c in range(order):
        last[c] = -gradient[c]
    for k in range(users):
        weight = _WEIGHT * max(z[k], 1.0) ** 2
        slope, below = point.slopes[k], matrix[order + k]
        for c in range(order):
            left = weight * slope[c]
            row = matrix[c]
            for d in range(c + 1):
                row[d] += left * slope[d]
            below[c] = slope[c]
            last[c] -= left * point.values[k]
    largest = 0.0
    for c in range(order):
        largest = max(largest, matrix[c, c])
    step, change = np.empty(order), np.zeros(users)
    if not cholesky(matrix, order, _FLAT * largest, triangle):
        return step, change, False
    # J M^-1 J^T change = J M^-1 r + g.
    small, lower = np.empty((users, users)), np.empty((users, users))
    for k in range(users):
        change[k] = point.values[k] - triangle[order + users, order + k]
        for i in range(k + 1):
            small[k, i] = -triangle[order + k, order + i]
    if not cholesky(small, users, 0.0, lower):
        return step, change, False
    for k in range(users):
        for i in range(k):
            change[k] -= lower[k, i] * change[i]
        change[k] /= lower[k, k]
    for k in range(users - 1, -1, -1):
        for i in range(k + 1, users):
            change[k] -= lower[i, k] * change[i]
        change[k] /= lower[k, k]
    for c in range(order):
        step[c] = triangle[order + users, c]
    for k in range(users):
        for c in range(order):
            step[c] -= change[k] * triangle[order + k, c]
    for c in range(order - 1, -1, -1):
        row = triangle[c]
        step[c] /= row[c]
        for d in range(c):
            step[d] -= row[d] * step[c]
    return step, change, True


@kernel
def certified_gap(
    problem: Subproblem,
    turned_old: Complex,
    point: Point,
    y: Complex,
    beams: Complex,
    z: Real,
    tolerance: float,
) -> float:
    """Certified relative gap of a point, see `subproblem_solver`; infinite without a certificate.

    The lowest eigenvalues are not found but bounded, by a factorisation with a small shift.
    """
    users, size, antennas = problem.channels.shape
    shift = _SHARE * tolerance
    S = np.zeros((size, size), np.complex128)
    pull, loss = 0.0, 0.0
    for k in range(users):
        pull += z[k] * problem.matrix_weight[k]
        loss += z[k] * abs(point.values[k])
        for i in range(users):
            _add_square(S, z[k] * problem.signs[k, i], point.images[k, i])
    _add_square(S, pull, y)
    _add_square(S, -pull - problem.penalty / size, problem.factor[:, 0].copy())
    straight, image = np.empty(size), np.empty(antennas, np.complex128)
    for n in range(size):
        total = 0j
        for m in range(n):
            total += S[m, n].conjugate() * y[m]
        for m in range(n, size):
            total += S[n, m] * y[m]
        straight[n] = y[n].real * total.real + y[n].imag * total.imag
    low = shift * point.objective / size
    for n in range(size):
        S[n, n] += low - straight[n]
    if not factorise_hermitian(S):
        return inf
    T = np.empty((antennas, antennas), np.complex128)
    for i in range(users):
        T[:] = 0.0
        for a in range(antennas):
            T[a, a] = 1.0
        for k in range(users):
            near = z[k] * problem.beam_weight[k, i]
            _add_square(T, z[k] * problem.signs[k, i], point.folded[k])
            _add_square(T, near, point.turned[k, i])
            _add_square(T, -near, turned_old[k, i])
        for a in range(antennas):
            image[a] = T[a, a] * beams[i, a]
            for b in range(a):
                image[a] += T[b, a].conjugate() * beams[i, b]
                image[b] += T[b, a] * beams[i, a]
        loss += abs(inner_product(image, beams[i]).real)
        for a in range(antennas):
            T[a, a] += shift
        if not factorise_hermitian(T):
            return inf
    return loss / point.objective + 2.0 * shift


@kernel
def _add_square(matrix: Complex, weight: float, vector: Complex) -> None:
    """Add weight v v^H to an upper triangle."""
    for p in range(vector.size):
        left = weight * vector[p]
        row = matrix[p]
        for q in range(p, vector.size):
            row[q] += left * vector[q].conjugate()


@kernel
def _align(vector: Complex, other: Complex) -> None:
    """Turn a vector, whose common phase is free, towards another one."""
    overlap = inner_product(vector, other)
    size = abs(overlap)
    if size > 0.0:
        for n in range(vector.size):
            vector[n] *= overlap / size


@kernel
def solve_at_rank_one(
    problem: Subproblem,
    y: Complex,
    beams: Complex,
    multipliers: Real,
    tolerance: float,
) -> tuple[Complex, Complex, Real, float, float, int, bool]:
    """Solve a subproblem about a point of rank one, if its solution has rank one too.

    Args:
        problem: from `make_subproblem`, priced and not bounded in its rank gap.
        y: guess, (element + 1,) of modulus 1.
        beams: guess of w, (user, antenna).
        multipliers: guess of z, (user,).
        tolerance: certified gap to reach, relative to the objective.

    Returns:
        y and w, their free phases those of the last iterate, and z; the objective; the certified
        gap; Newton steps; whether the gap is reached, without which nothing else counts.
    """
    users, size, antennas = problem.channels.shape
    y, beams, z = y.copy(), beams.copy(), multipliers.copy()
    turned_old, form_old = old_images(problem)
    order = size + 2 * users * antennas
    matrix = np.empty((order + users + 1, order + users + 1))
    triangle = np.empty((order + users + 1, order + users + 1))
    objective, gap, steps = inf, inf, 0
    while True:
        point = evaluate_point(problem, turned_old, form_old, y, beams)
        gradient = lagrangian_gradient(problem, point, beams, z)
        square, violation, shortfall, lowest = 0.0, 0.0, 0.0, inf
        for c in range(order):
            square += gradient[c] ** 2
        for k in range(users):
            violation = max(violation, abs(point.values[k]) * max(z[k], 1.0))
            shortfall = max(shortfall, point.values[k] / problem.scale[k])
            lowest = min(lowest, z[k])
        norm = sqrt(square)
        if not norm < _FAR:
            break
        if (
            steps > 0
            and max(norm, violation) <= _FINE * tolerance
            and shortfall <= _SHORTFALL
            and lowest >= 0.0
        ):
            objective = point.objective
            gap = certified_gap(problem, turned_old, point, y, beams, z, tolerance)
            if gap <= tolerance:
                _align(y, problem.factor[:, 0])
                for i in range(users):
                    _align(beams[i], problem.beams[i, 0])
                return y, beams, z, objective, gap, steps, True
            if norm <= _EXACT * tolerance:
                break
        if steps == _NEWTON_STEPS:
            break
        steps += 1
        lagrangian_hessian(problem, turned_old, point, y, z, matrix)
        step, change, possible = _newton_step(matrix, point, beams, gradient, z, triangle)
        if not possible:
            break
        for n in range(size):
            y[n] *= complex(cos(step[n]), sin(step[n]))
            y[n] /= abs(y[n])
        for i in range(users):
            for a in range(antennas):
                place = size + 2 * (i * antennas + a)
                beams[i, a] += complex(step[place], step[place + 1])
        for k in range(users):
            z[k] += change[k]
    return y, beams, z, objective, gap, steps, False
