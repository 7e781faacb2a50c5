"""One convex subproblem of the inner approximation, in low-rank factors, with a certificate.

The problem of `subproblem` is solved in factors V = Y Y^H (rows of unit norm) and
W_i = sum_s w_is w_is^H, of one column to begin with: an augmented Lagrangian with multipliers z of
the constraints, Newton's method on the product of spheres and the beams. With S and T_i the
derivatives of the Lagrangian by V and W_i and y_k = Re (S V)_kk, the factors solve the convex
problem if S - Diag(y) and all T_i are psd. Where one has a negative eigenvalue, its eigenvector
becomes a column more. That happens to W_i too: yu2020's Theorem 1 holds at a fixed point, where the
proximal terms have no gradient, but a subproblem away from one can have solutions of higher rank
only.

Since the Lagrangian is convex in (V, W), its linearisation at any point bounds the optimum from
below:

    p - sum_k z_k |g_k| - (M + 1) max(0, -lowest(S - Diag y)) - p max(0, -lowest(T)) - rest.
"""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT
from irsrepro.papers.yu2020.algorithms.lagrangian import (
    Terms,
    augmented_lagrangian,
    derivative_matrices,
    evaluate_terms,
    gradients,
    power_and_penalty,
    riemannian_hessian,
)
from irsrepro.papers.yu2020.algorithms.newton_direction import newton_direction
from irsrepro.papers.yu2020.algorithms.subproblem import (
    Subproblem,
    apply_matrix,
    eigen,
    inner_product,
    lowest_eigenvalue,
    squared_norm,
)

_WEIGHT = 100.0  # of the augmentation; the multipliers are about 1
_GROWTH = 5.0
_HEAVIEST = 1e5
_ROUNDS = 40
_NEWTON_STEPS = 60
_LOOSE = 3e-3  # gradient at which the first multiplier step is taken
_SUFFICIENT = 1e-4
_USUAL_POWER = 6  # that the first Hessian of a subproblem needs
_SHORTEST = 1e-6  # length factor of a step
_ROUNDING = 1e-15  # of the augmented Lagrangian
_SHORTFALL = 1e-4  # of a constraint in units of the noise, cheap or not
_NEW_COLUMN = 0.05  # root mean square of its entries


@kernel
def move(factor: Complex, beams: Complex, direction: Real, step: float) -> tuple[Complex, Complex]:
    """Point along a direction, rows of Y back on their spheres."""
    size, rank = factor.shape
    turn = direction.view(np.complex128)
    new_factor, new_beams = factor.copy(), beams.copy()
    for n in range(size):
        norm = 0.0
        for c in range(rank):
            new_factor[n, c] += step * turn[n * rank + c]
            norm += squared_modulus(new_factor[n, c])
        for c in range(rank):
            new_factor[n, c] /= sqrt(norm)
    users, streams, antennas = beams.shape
    for i in range(users):
        for q in range(streams):
            for a in range(antennas):
                place = size * rank + (i * streams + q) * antennas + a
                new_beams[i, q, a] += step * turn[place]
    return new_factor, new_beams


@kernel
def _descend(
    problem: Subproblem,
    factor: Complex,
    beams: Complex,
    multipliers: Real,
    weights: Real,
    tolerance: float,
    power: int,
) -> tuple[Complex, Complex, Terms, float, int, int]:
    """Newton's method on the augmented Lagrangian.

    Returns:
        The point, its terms and gradient norm, steps, and the power of the last shift.
    """
    users = problem.channels.shape[0]
    terms = evaluate_terms(problem, factor, beams)
    value = augmented_lagrangian(
        power_and_penalty(problem, beams, terms), terms.values, multipliers, weights
    )
    active, curvatures = np.zeros(users + 1), np.zeros(users + 1)
    gradient = np.empty(2 * (factor.size + beams.size))
    direction = np.empty(gradient.size)
    norm, steps = inf, 0
    while True:
        slopes = gradients(problem, factor, beams, terms)
        for k in range(users + 1):
            active[k], curvatures[k] = 0.0, 0.0
            if terms.values[k] > -inf and multipliers[k] + weights[k] * terms.values[k] > 0.0:
                active[k], curvatures[k] = multipliers[k] + weights[k] * terms.values[k], weights[k]
        coordinates = slopes.view(np.float64)
        for p in range(gradient.size):
            gradient[p] = coordinates[users + 1, p]
            for k in range(users + 1):
                gradient[p] += active[k] * coordinates[k, p]
        norm = tangent_norm(gradient, factor)
        if norm <= tolerance or steps == _NEWTON_STEPS:
            break
        S, T, diagonal = derivative_matrices(problem, factor, beams, terms, active)
        matrix = riemannian_hessian(
            problem, factor, terms, slopes, active, curvatures, S, T, diagonal
        )
        slope, power = newton_direction(factor, matrix, gradient, direction, power)
        step, accepted = 1.0, False
        while step >= _SHORTEST and slope < 0.0:
            trial_factor, trial_beams = move(factor, beams, direction, step)
            trial = evaluate_terms(problem, trial_factor, trial_beams)
            trial_value = augmented_lagrangian(
                power_and_penalty(problem, trial_beams, trial), trial.values, multipliers, weights
            )
            if trial_value <= value + _SUFFICIENT * step * slope + _ROUNDING * abs(value):
                factor, beams, terms, value = trial_factor, trial_beams, trial, trial_value
                accepted = True
                break
            step *= 0.5
        steps += 1
        if not accepted:
            break
    return factor, beams, terms, norm, steps, power


@kernel
def certify(
    beams: Complex,
    values: Real,
    z: Real,
    objective: float,
    S: Complex,
    T: Complex,
    diagonal: Real,
    deficits: Real,
) -> tuple[float, float]:
    """Gap between an objective and the bound of the module, relative to the objective.

    Args:
        beams: w, (user, stream, antenna).
        values: g, (constraint,), minus infinity for one that is not there.
        z: multipliers, (constraint,).
        objective: of the factors.
        S: from `derivative_matrices`; Diag(y) is subtracted.
        T: likewise.
        diagonal: likewise.
        deficits: (user,), overwritten by minus the lowest eigenvalues of T.

    Returns:
        The gap and the lowest eigenvalue of S - Diag(y), 0 if all are positive.
    """
    size, image = diagonal.size, np.empty(beams.shape[2], np.complex128)
    loss = 0.0
    for k in range(z.size):
        if values[k] > -inf:
            loss += z[k] * abs(values[k])
    for n in range(size):
        S[n, n] -= diagonal[n]
    lowest = min(0.0, lowest_eigenvalue(S))
    largest_deficit = 0.0
    for i in range(beams.shape[0]):
        deficits[i] = -lowest_eigenvalue(T[i])
        largest_deficit = max(largest_deficit, deficits[i])
        for q in range(beams.shape[1]):
            apply_matrix(T[i], beams[i, q], image)
            loss += abs(inner_product(beams[i, q], image).real)
    return (loss - size * lowest + largest_deficit * objective) / objective, lowest


@kernel
def tangent_norm(gradient: Real, factor: Complex) -> float:
    """Norm of a gradient by (Y, w), Y's part projected to the spheres of its rows."""
    size, rank = factor.shape
    square = 0.0
    for p in range(2 * size * rank, gradient.size):
        square += gradient[p] ** 2
    for n in range(size):
        component, base = 0.0, 2 * n * rank
        for c in range(rank):
            component += gradient[base + 2 * c] * factor[n, c].real
            component += gradient[base + 2 * c + 1] * factor[n, c].imag
        for c in range(rank):
            square += (gradient[base + 2 * c] - component * factor[n, c].real) ** 2
            square += (gradient[base + 2 * c + 1] - component * factor[n, c].imag) ** 2
    return sqrt(square)


@kernel
def solve_subproblem(
    problem: Subproblem, multipliers: Real, tolerance: float, max_rank: int
) -> tuple[Complex, Complex, Real, float, float, int, int]:
    """Solve one subproblem from its own centre.

    Args:
        problem: from `make_subproblem`.
        multipliers: z at the start, (user + 1,); the last belongs to the slack.
        tolerance: certified gap to reach, relative to the objective.
        max_rank: largest number of columns of Y.

    Returns:
        Y, (element + 1, rank); w, (user, stream, antenna); z; the objective; the gap between it and
        the certified bound, relative to it; Newton steps; the status.
    """
    users, size, _ = problem.channels.shape
    factor, beams = problem.factor.copy(), problem.beams.copy()
    z, weights = multipliers.copy(), np.empty(users + 1)
    deficits = np.empty(users)
    if not problem.slack < inf:
        z[users] = 0.0
    weight, inner_tolerance, steps, last = _WEIGHT, _LOOSE, 0, inf
    objective, gap, power = inf, inf, _USUAL_POWER
    status = ITERATION_LIMIT
    finest = 1e-3 * tolerance
    for _ in range(_ROUNDS):
        # A multiplier far above 1 belongs to a constraint that was scaled too small.
        for k in range(users + 1):
            weights[k] = weight * max(z[k], 1.0) ** 2
        factor, beams, terms, norm, count, power = _descend(
            problem, factor, beams, z, weights, inner_tolerance, power
        )
        steps += count
        violation, shortfall = 0.0, 0.0
        for k in range(users + 1):
            if terms.values[k] > -inf:
                constraint_error = abs(max(terms.values[k], -z[k] / weights[k]))
                if k < users:
                    shortfall = max(shortfall, terms.values[k] / problem.scale[k])
                violation = max(violation, constraint_error * max(z[k], 1.0))
                z[k] = max(0.0, z[k] + weights[k] * terms.values[k])
        if violation > 0.2 * last:
            weight = min(_GROWTH * weight, _HEAVIEST)
        last = violation
        inner_tolerance = max(finest, min(0.1 * inner_tolerance, 0.1 * violation))
        if violation > tolerance or norm > 10.0 * tolerance or shortfall > _SHORTFALL:
            continue
        objective = power_and_penalty(problem, beams, terms)
        S, T, diagonal = derivative_matrices(problem, factor, beams, terms, z)
        gap, lowest = certify(beams, terms.values, z, objective, S, T, diagonal, deficits)
        if gap <= tolerance:
            status = CONVERGED
            break
        needs_column = -size * lowest > max(0.3 * gap * objective, 10.0 * norm)
        # Eigenvalues that a gradient not quite zero explains ask for more rounds, not more columns.
        needs_stream = deficits.max() > max(0.3 * gap, 10.0 * norm)
        if needs_column and factor.shape[1] < max_rank:
            factor = _extend_factor(factor, S)
        elif needs_stream and beams.shape[1] < problem.channels.shape[2]:
            beams = _extend_beams(beams, T, deficits, 0.3 * gap)
        elif needs_column or needs_stream:
            break
        else:
            continue
        inner_tolerance, weight, last = 0.1 * _LOOSE, _WEIGHT, inf
    return factor, beams, z, objective, gap, steps, status


@kernel
def _extend_factor(factor: Complex, slope: Complex) -> Complex:
    """Y with a column more, along the lowest eigenvector of the derivative by V."""
    size, rank = factor.shape
    vector = eigen(slope)[1][:, 0].copy()
    scale = _NEW_COLUMN * sqrt(size / inner_product(vector, vector).real)
    result = np.empty((size, rank + 1), np.complex128)
    for n in range(size):
        norm = 1.0 + (scale * abs(vector[n])) ** 2
        for c in range(rank):
            result[n, c] = factor[n, c] / sqrt(norm)
        result[n, rank] = scale * vector[n] / sqrt(norm)
    return result


@kernel
def _extend_beams(beams: Complex, slopes: Complex, deficits: Real, threshold: float) -> Complex:
    """Beams with a stream more, of zeros where the derivative by W_i is not negative enough."""
    users, streams, antennas = beams.shape
    result = np.zeros((users, streams + 1, antennas), np.complex128)
    for i in range(users):
        scale = _NEW_COLUMN * sqrt(squared_norm(beams[i])) if deficits[i] > threshold else 0.0
        vectors = eigen(slopes[i])[1]
        for a in range(antennas):
            for q in range(streams):
                result[i, q, a] = beams[i, q, a]
            result[i, streams, a] = scale * vectors[a, 0]
    return result
