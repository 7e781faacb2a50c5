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
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import (
    eliminate,
    factorise_hermitian,
    factorise_symmetric,
    solve_factored,
)
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
    times,
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
    matrix: Real, point: Point, beams: Complex, gradient: Real, z: Real
) -> tuple[Real, Real, bool]:
    """Newton's step of coordinates and multipliers; False where there is none.

    Squares of the constraints and of the changes of phase that change nothing are added to the
    Hessian, which makes it definite and leaves the step as it is to the first order. With M for the
    sum, J for the gradients of the constraints and r for the right-hand side, [M J^T r; J 0 0;
    r^T 0 0] without the rows of M gives R^-T J^T, R^-T r and, with the opposite sign, the products
    of J and r through M^-1.

    Args:
        matrix: (coordinate + user + 1, coordinate + user + 1), from `lagrangian_hessian`;
            overwritten.
        point: from `evaluate_point`.
        beams: w, (user, antenna).
        gradient: from `lagrangian_gradient`.
        z: multipliers, (user,).
    """
    users, order = point.slopes.shape
    size, antennas = point.agreement.size, beams.shape[1]
    first, last = 2 * users * antennas, order + users
    largest = 0.0
    for n in range(first, order):
        largest = max(largest, abs(matrix[n, n]))
    for n in range(first, order):
        for m in range(n, order):
            matrix[n, m] += largest / size
    phase_direction = np.empty(2 * antennas)
    for i in range(users):
        base = 2 * i * antennas
        for a in range(antennas):
            phase_direction[2 * a], phase_direction[2 * a + 1] = -beams[i, a].imag, beams[i, a].real
        square = squared_norm(beams[i : i + 1])
        for a in range(2 * antennas):
            row_weight = 2.0 * phase_direction[a] / square
            for b in range(a, 2 * antennas):
                matrix[base + a, base + b] += row_weight * phase_direction[b]
    for c in range(order):
        matrix[c, last] = -gradient[c]
    for k in range(users):
        weight = _WEIGHT * max(z[k], 1.0) ** 2
        slope = point.slopes[k]
        for c in range(order):
            row_weight = weight * slope[c]
            row = matrix[c]
            for d in range(c, order):
                row[d] += row_weight * slope[d]
            row[order + k] = slope[c]
            row[last] -= row_weight * point.values[k]
    largest = 0.0
    for c in range(order):
        largest = max(largest, matrix[c, c])
    step, change = np.empty(order), np.zeros(users)
    if not eliminate(matrix, order, _FLAT * largest):
        return step, change, False
    # J M^-1 J^T change = J M^-1 r + g.
    small = np.empty((users, users))
    for k in range(users):
        change[k] = point.values[k] - matrix[order + k, last]
        for i in range(k, users):
            small[k, i] = -matrix[order + k, order + i]
    if not factorise_symmetric(small):
        return step, change, False
    solve_factored(small, change)
    for c in range(order):
        step[c] = matrix[c, last]
        for k in range(users):
            step[c] -= change[k] * matrix[c, order + k]
    for c in range(order - 1, -1, -1):
        row = matrix[c]
        total = step[c]
        for d in range(c + 1, order):
            total -= row[d] * step[d]
        step[c] = total / row[c]
    return step, change, True


@kernel
def certified_gap(
    problem: Subproblem,
    old_gram_beams: Complex,
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
    width = users * users + 2
    columns, weighted = (
        np.empty((width, size), np.complex128),
        np.empty((size, width), np.complex128),
    )
    weights, matrix_weight, loss = np.empty(width), 0.0, 0.0
    for k in range(users):
        matrix_weight += z[k] * problem.matrix_weight[k]
        loss += z[k] * abs(point.values[k])
        for i in range(users):
            assign(point.images[k, i], columns[k * users + i])
            weights[k * users + i] = z[k] * problem.signs[k, i]
    assign(y, columns[width - 2])
    assign(problem.factor, columns[width - 1])
    weights[width - 2] = matrix_weight
    weights[width - 1] = -matrix_weight - problem.penalty / size
    for c in range(width):
        for n in range(size):
            weighted[n, c] = weights[c] * columns[c, n]
            columns[c, n] = columns[c, n].conjugate()
    S = times(weighted, columns)
    row_products, image = np.empty(size), np.empty(antennas, np.complex128)
    for n in range(size):
        total = 0j
        for m in range(size):
            total += S[n, m] * y[m]
        row_products[n] = y[n].real * total.real + y[n].imag * total.imag
    low = shift * point.objective / size
    for n in range(size):
        S[n, n] += low - row_products[n]
    if not factorise_hermitian(S):
        return inf
    T = np.empty((antennas, antennas), np.complex128)
    for i in range(users):
        T[:] = 0.0
        for a in range(antennas):
            T[a, a] = 1.0
        for k in range(users):
            beam_weight = z[k] * problem.beam_weight[k, i]
            _add_square(T, z[k] * problem.signs[k, i], point.adjoint_images[k])
            _add_square(T, beam_weight, point.gram_beams[k, i])
            _add_square(T, -beam_weight, old_gram_beams[k, i])
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
        row_weight = weight * vector[p]
        row = matrix[p]
        for q in range(p, vector.size):
            row[q] += row_weight * vector[q].conjugate()


@kernel
def _align(vector: Complex, reference: Complex) -> None:
    """Turn a vector, whose common phase is free, towards another one."""
    overlap = inner_product(vector, reference)
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
        problem: from `make_subproblem`; a bound on its rank gap is left out.
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
    old_gram_beams, form_old = old_images(problem)
    order = size + 2 * users * antennas
    matrix = np.empty((order + users + 1, order + users + 1))
    objective, gap, steps = inf, inf, 0
    while True:
        point = evaluate_point(problem, old_gram_beams, form_old, y, beams)
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
            gap = certified_gap(problem, old_gram_beams, point, y, beams, z, tolerance)
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
        lagrangian_hessian(problem, old_gram_beams, point, y, z, matrix)
        step, change, possible = _newton_step(matrix, point, beams, gradient, z)
        if not possible:
            break
        for n in range(size):
            turn = step[2 * users * antennas + n]
            y[n] *= complex(cos(turn), sin(turn))
            y[n] /= abs(y[n])
        for i in range(users):
            for a in range(antennas):
                place = 2 * (i * antennas + a)
                beams[i, a] += complex(step[place], step[place + 1])
        for k in range(users):
            z[k] += change[k]
    return y, beams, z, objective, gap, steps, False
