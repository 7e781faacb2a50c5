"""Low-rank method for max-min semidefinite programs with unit diagonal, with a dual certificate.

One instance of (P) in `instance`, compiled; `solver` has the batched functions. V = Y Y^H with
rows of Y in C^r of unit norm: the complex oblique manifold. At a level t and with fixed scales e_k
(see `interior`) the users' values are v_k = tr(C_k V) + c_k, and with multipliers lam on the
simplex each round does

    maximise   -mu log sum_k lam_k exp(-v_k(Y) / mu)            by a few conjugate gradient steps,
    update     lam_k <- lam_k exp(-v_k / mu) / sum_j lam_j exp(-v_j / mu),

the proximal-point method on the multipliers with an entropy distance. For ratios the level is kept
just above the best ratio found (Dinkelbach), and a certificate that no V has a positive value there
ends the search. At a solution, with C = sum_k lam_k C_k,

    y_i = Re (C V)_ii,   Z = Diag(y) - C psd,   Z Y = 0.

The same Z is the Hessian of the search. Conjugate gradients preconditioned by
(Z + shift Diag(w))^-1, w_i = Z_ii, need 5 to 20 times fewer steps than plain ones; this is what
makes the method fast where rows differ in size or interference has to be nulled. For linear values
the preconditioner also knows what keeps them together (`curvature`), which halves the steps again.

Certificate: if Z + e Diag(w) is positive definite, (D) holds with y + e w in place of y. Where Z
keeps a clearly negative eigenvalue although Y is stationary, the rank is too low: the eigenvector
becomes a column of Y.
"""

from math import cos, inf, pi, sin, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.manifold.oblique import (
    DESCENT,
    EVALUATIONS,
    STATUS,
    Search,
    accept,
    begin,
    descend,
    new_search,
    resume,
    riemannian,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, NOT_FINITE, RUNNING
from irsrepro.optimize.sdp.columns import (
    combine_columns,
    forms,
    weighted_energies,
)
from irsrepro.optimize.sdp.curvature import Tilts, apply_curvature, find_tilts, no_tilts
from irsrepro.optimize.sdp.instance import (
    Instance,
    level_terms,
    linear_problem,
    quotients,
    row_powers,
    soft_minimum,
)
from irsrepro.optimize.sdp.slack import (
    SlackInverse,
    invert_slack,
    lift_diagonal,
    lowest_vector,
    new_slack_inverse,
)

_STEPS = 10  # conjugate gradient steps per round
_PLAIN_ROUNDS = 2  # rounds before the slack is worth inverting
_SMOOTHING = 0.3  # mu at first, in units of the weighted mean of sum_a |S_ka| p_a
_SHARPEST, _SOFTEST = 0.02, 0.6
_SHIFT, _LEAST_SHIFT, _LARGEST_SHIFT = 0.02, 0.002, 30.0
_LEAST_MULTIPLIER = 1e-9
_LEAST_METRIC = 1e-9
_STILL = 0.003  # gain promised by the gradient, relative to that of a new column, to add one
_PATIENCE = 3  # failed certificates before the rank is raised
_FREE = 1e-4  # share of tr V below which a column of Y is free
_STALLED = 6  # rounds without a gain above the tolerance that end a search without certificate
_NEW_COLUMN = 0.1  # its root mean square entry


@kernel
def _ascend(
    problem: Instance,
    search: Search,
    multipliers: Real,
    smoothing: float,
    inverse: SlackInverse,
    tilts: Tilts,
    metric: Real,
    preconditioned: bool,
) -> None:
    """Conjugate gradients on the soft minimum of linear values; the search has been started."""
    trial = search.trial.view(np.complex128)
    rows, rank = trial.shape
    users, width = problem.numerator.shape
    ones, values, tilted_multipliers = np.empty(users), np.empty(users), np.empty(users)
    powers = np.empty(width)
    while search.counters[STATUS] == RUNNING:
        image = forms(problem.columns, trial)
        row_powers(image, powers)
        quotients(problem, powers, ones, values)
        if accept(search, -soft_minimum(values, multipliers, smoothing, tilted_multipliers)):
            weights = np.dot(tilted_multipliers, problem.numerator)
            for a in range(width):
                for c in range(rank):
                    image[a, c] *= -2.0 * weights[a]
            gradient = combine_columns(problem.columns, image)
            if riemannian(search, gradient.view(np.float64)):
                if preconditioned:
                    gradient = apply_curvature(problem, inverse, tilts, gradient)
                else:
                    for i in range(rows):
                        for c in range(rank):
                            gradient[i, c] /= metric[i]
                descend(search, gradient.view(np.float64))


@kernel
def _diagonals(
    instance: Instance,
    factor: Complex,
    image: Complex,
    weights: Real,
    floor: float,
    diagonal: Real,
    metric: Real,
) -> None:
    """y_i = Re (C V)_ii and the metric w_i = |Z_ii| = |y_i - C_ii|, kept away from 0.

    Where terms of the users cancel, Z is rounding, below what counts beside the floor of values.
    """
    rows, rank = factor.shape
    scaled = image.copy()
    for a in range(weights.size):
        for c in range(rank):
            scaled[a, c] *= weights[a]
    product = combine_columns(instance.columns, scaled)
    energies = weighted_energies(instance.columns, weights)
    mean, metric_floor = 0.0, _LEAST_METRIC * floor / rows
    for i in range(rows):
        total = 0.0
        for c in range(rank):
            p, f = product[i, c], factor[i, c]
            total += p.real * f.real + p.imag * f.imag
        diagonal[i] = total
        total -= energies[i]
        metric[i] = total
        mean += abs(total) / rows
    for i in range(rows):
        metric[i] = max(abs(metric[i]), 0.05 * mean, metric_floor) if mean > 0.0 else 1.0


@kernel
def _probes(factor: Complex, vector: Complex) -> Complex:
    """Vectors to start `lowest_vector` from: Y, the vector found last, and a fixed generic one.

    Z Y = 0 would keep an iteration that starts in the span of Y there.
    """
    rows, rank = factor.shape
    probes = np.empty((rows, min(rows, rank + 2)), np.complex128)
    for i in range(rows):
        turn = 0.28989794855663564 * i * i % 1.0
        probes[i, -1] = vector[i]
        probes[i, 0] = complex(cos(2.0 * pi * turn), sin(2.0 * pi * turn))
        for c in range(1, min(probes.shape[1], rank + 1)):
            probes[i, c] = factor[i, c - 1]
    return probes


@kernel
def _bound(
    problem: Instance,
    diagonal: Real,
    weights: Real,
    constant: float,
    metric: Real,
    lift: float,
    inverse: SlackInverse,
    lifted: Real,
) -> float:
    """Bound 1^T (y + e w) + constant on the problem, infinite where Z + e Diag(w) is indefinite."""
    total = lift_diagonal(diagonal, metric, lift, lifted)
    if invert_slack(problem, lifted, weights, False, inverse):
        return total + constant
    return inf


@kernel
def _precondition(
    problem: Instance,
    diagonal: Real,
    weights: Real,
    metric: Real,
    shift: float,
    inverse: SlackInverse,
    lifted: Real,
) -> bool:
    """Invert Z + shift Diag(w), with a larger shift where that is indefinite; whether one was."""
    while shift < _LARGEST_SHIFT:
        lift_diagonal(diagonal, metric, shift, lifted)
        if invert_slack(problem, lifted, weights, True, inverse):
            return True
        shift *= 3.0
    return False


@kernel
def _extend(factor: Complex, vector: Complex, max_rank: int) -> Complex:
    """Add a vector to Y: in a new column, or in the least used one if that is free or the last."""
    rows, rank = factor.shape
    values, rotation = np.linalg.eigh(np.dot(factor.conj().T.copy(), factor))
    rotated_factor = np.dot(factor, rotation.copy())
    new_rank = rank + 1 if values[0] > _FREE * rows and rank < max_rank else rank
    result = np.zeros((rows, new_rank), np.complex128)
    power = 0.0
    for i in range(rows):
        power += squared_modulus(vector[i])
    for i in range(rows):
        for c in range(rank):
            result[i, c] = rotated_factor[i, rank - 1 - c]
        result[i, new_rank - 1] += vector[i] * (_NEW_COLUMN / sqrt(power / rows))
        square = 0.0
        for c in range(new_rank):
            square += squared_modulus(result[i, c])
        for c in range(new_rank):
            result[i, c] /= sqrt(square)
    return result


@kernel
def low_rank(
    instance: Instance,
    linear: bool,
    start: Complex,
    multipliers: Real,
    tolerance: float,
    floor: float,
    max_rounds: int,
    max_rank: int,
    certify: bool,
    proven_bound: float,
) -> tuple[Complex, Real, Real, float, int, int]:
    """Solve (P) from a given factor; never returns less than the value there.

    Args:
        instance: the problem, scaled to moderate numbers.
        linear: whether SD = 0 and d = 1; the level then stays 0.
        start: Y, (element, rank), rows of any positive norm.
        multipliers: lam at the start, (user,), positive.
        tolerance: gap between the certified bound and the value at V to reach, relative to |value|
            or, if that is larger, to `floor`.
        floor: see `tolerance`.
        max_rounds: largest number of rounds.
        max_rank: largest number of columns of Y.
        certify: whether a bound is wanted. Without one the search ends where rounds no longer gain:
            a local optimum, and the way to improve a single vector (rank 1).
        proven_bound: a bound from elsewhere, or infinity; the search ends at the tolerance.

    Returns:
        Y, (element, any), the best found; the multipliers w and y of (D); the certified upper bound
        on the optimum, a level at which (D) holds; the number of evaluations; the status.

    """
    rows = start.shape[0]
    users, width = instance.numerator.shape
    denominators, ratios, values = np.empty(users), np.empty(users), np.empty(users)
    ones, scales, tilted_multipliers = np.ones(users), np.ones(users), np.empty(users)
    powers, weights = np.empty(width), np.empty(width)
    diagonal, metric, lifted = np.zeros(rows), np.ones(rows), np.zeros(rows)
    inverse = new_slack_inverse(rows, width)
    problem = linear_problem(instance)
    search = new_search(rows, 2 * start.shape[1])
    begin(search, start.copy().view(np.float64), 0.0, 0)
    factor = search.trial.view(np.complex128).copy()
    assign(search.trial, search.point)
    best, best_value, upper = factor, -inf, inf
    lam = multipliers / multipliers.sum()
    level, smoothing, shift, sharpness = 0.0, 1.0, _SHIFT, _SMOOTHING
    status, evaluations, failures, last_gain = ITERATION_LIMIT, 0, 0, 0
    constant, fresh, preconditioned = 0.0, True, False
    vector = np.ones(rows, np.complex128)
    for rounds in range(max_rounds + 1):
        image = forms(instance.columns, factor)
        row_powers(image, powers)
        quotients(instance, powers, denominators, ratios)
        value = ratios.min()
        allowance = tolerance * max(abs(value), floor)
        if value > best_value + allowance:
            last_gain = rounds
        if value > best_value:
            best, best_value = factor, value
        if not certify and rounds > last_gain + _STALLED:
            status = CONVERGED
            break
        allowance = tolerance * max(abs(best_value), floor)
        if proven_bound - best_value <= allowance:
            status, upper = CONVERGED, proven_bound
            break
        if rounds > 0:
            quotients(problem, powers, ones, values)
            soft_minimum(values, lam, smoothing, tilted_multipliers)
            for k in range(users):
                # Never 0, to come back from; but idle users must not open the gap either.
                idle = 0.01 * allowance / (users * max(values[k] - values.min(), allowance))
                lam[k] = max(tilted_multipliers[k], min(_LEAST_MULTIPLIER, idle))
        if not linear and (rounds == 0 or best_value > level - 0.5 * allowance):
            if rounds > 0:
                lam *= denominators / scales
            assign(denominators, scales)
            level = best_value + allowance
            level_terms(instance, level, scales, problem.numerator, problem.numerator_constant)
        lam /= lam.sum()
        quotients(problem, powers, ones, values)
        spread = (lam * values).sum() - values.min()
        weights = np.dot(lam, problem.numerator)
        constant = np.dot(lam, problem.numerator_constant)
        _diagonals(problem, factor, image, weights, floor, diagonal, metric)
        # What the lift may cost: 1^T (y + e w) + constant <= target proves the bound wanted.
        target = best_value + allowance if linear else 0.0
        margin = target - diagonal.sum() - constant
        if certify and preconditioned and margin > 0.4 * allowance:
            budget = 0.98 * margin / metric.sum()
            lowest, vector = lowest_vector(
                problem, diagonal, weights, metric, inverse, _probes(factor, vector)
            )
            # As low as the eigenvalue says, or up to what the tolerance allows.
            lift = min(budget, max(0.0, -1.2 * lowest) + 0.05 * budget)
            bound = _bound(problem, diagonal, weights, constant, metric, lift, inverse, lifted)
            if bound > target and lift < budget:
                lift = budget
                bound = _bound(problem, diagonal, weights, constant, metric, lift, inverse, lifted)
            if bound <= target:
                status = CONVERGED
                upper = bound if linear else level
                break
            shift = min(_SHIFT, max(_LEAST_SHIFT, -3.0 * lowest))
            failures += 1
            # The vector promises a gain of -lowest / budget allowances.
            stalled = search.scalars[DESCENT] * budget < _STILL * allowance * -lowest
            if failures >= _PATIENCE and stalled and -lowest > budget:
                factor = _extend(factor, vector, max_rank)
                search = new_search(rows, 2 * factor.shape[1])
                assign(factor.view(np.float64), search.point)
                failures, fresh = 0, True
        if rounds == max_rounds:
            break
        preconditioned = rounds >= _PLAIN_ROUNDS and _precondition(
            problem, diagonal, weights, metric, shift, inverse, lifted
        )
        if rounds > _PLAIN_ROUNDS:
            # Sharper where conjugate gradients outrun the multipliers, softer where they lag.
            descent = search.scalars[DESCENT]
            if descent < 0.003 * spread:
                sharpness = max(_SHARPEST, 0.6 * sharpness)
            elif descent > 0.1 * spread:
                sharpness = min(_SOFTEST, 1.3 * sharpness)
        smoothing = sharpness * max(np.dot(np.dot(lam, np.abs(problem.numerator)), powers), floor)
        if fresh:
            begin(search, search.point, 0.0, _STEPS)
        else:
            resume(search, 0.0, _STEPS)
        fresh = False
        # Not where levels or a new column move Y too far for curvature taken before a round.
        tilts = no_tilts()
        if preconditioned and linear and factor.shape[1] == start.shape[1]:
            tilts = find_tilts(problem, inverse, search.point.view(np.complex128), lam, smoothing)
        _ascend(problem, search, lam, smoothing, inverse, tilts, metric, preconditioned)
        evaluations += search.counters[EVALUATIONS]
        factor = search.point.view(np.complex128).copy()
        if search.counters[STATUS] == NOT_FINITE:
            status = FAILURE
            break
    if certify and status != CONVERGED:
        # A looser bound, but a bound: by the share that constants have in the denominators.
        lift = tolerance * max(abs(best_value), floor) / metric.sum()
        bound = inf
        for _ in range(60):
            bound = _bound(problem, diagonal, weights, constant, metric, lift, inverse, lifted)
            if bound < inf:
                break
            lift *= 2.0
        share = (lam * instance.denominator_constant / scales).sum()
        upper = bound if linear else level + max(0.0, bound) / share
    return best, lam / scales, lifted, upper, evaluations, status
