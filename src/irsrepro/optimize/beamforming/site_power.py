"""Beamformers of least cost under one power limit per site: a convex quadratic problem.

For a Hermitian positive semidefinite B (antennas of all sites) and vectors v_j, one per user,

    maximise  2 Re tr(V^H W) - tr(W^H B W)   subject to  ||W_a||^2 <= P_a for every site a,     (P)

with W_a the rows of site a. Its dual has one multiplier per site and no gap. With Diag(mu)
repeating mu_a for the antennas of site a,

    minimise  D(mu) = tr(V^H (B + Diag mu)^-1 V) + sum_a mu_a P_a   subject to  mu >= 0,        (D)
    W(mu) = (B + Diag mu)^-1 V,   dD/dmu_a = P_a - ||W_a||^2,
    d2D/dmu_a dmu_b = 2 Re sum_j W_aj^H [(B + Diag mu)^-1]_ab W_bj.

D at any mu bounds (P) from above, W(mu) with the rows of every site scaled to its limit bounds it
from below. Where B has fewer users than antennas it is singular: a ridge of 1e-7 of its mean
diagonal entry makes it definite, and chooses the solution of least power among equals. `dual_step`
closes the gap by Newton's method, on D or on 1/||W_a|| - 1/sqrt(P_a), which is nearly linear in mu,
whichever step lowers D more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    invert_factor,
    solve_system,
    squared_modulus,
)
from irsrepro.optimize.result import Solution, converged_or_limited

RIDGE = 1e-7  # of the mean diagonal entry of B, added to its diagonal
_SHORTEST_STEP = 1e-8
_LARGEST_FALL = 1e-3  # of a multiplier in one step: farther down the model does not reach
_MODEL_ROUNDS = 50
_ZERO = 1e-14  # of the mean diagonal entry of B: a multiplier that is none
_INVISIBLE = 1e-11  # relative change of D that is rounding


@dataclass(frozen=True)
class GroupPowerSolution(Solution):
    """Solutions of (P) for R realisations, with a certificate for each.

    Iterations are Newton steps; the residual is (D(mu) - value) / D(mu).

    Attributes:
        beamformer: W, (realisation, antenna of any site, user), within the limits.
        multipliers: mu, (realisation, site).
        value: (realisation,) the objective of (P), the ridge included, at `beamformer`.
    """

    beamformer: Complex
    multipliers: Real
    value: Real


@kernel
def _model_step(curvature: Real, target: Real, start: Real, zero: float, step: Real) -> None:
    """Minimise the model d^T H d / 2 - r^T d over steps d that no multiplier falls too far by.

    Rounds of coordinate descent find the multipliers at their bound and a step that lowers the
    model, linear algebra the exact minimum for that set, taken where it is within the bounds.

    Args:
        curvature: H, Hessian of D, (site, site).
        target: r, (site,).
        start: mu, (site,).
        zero: size below which a multiplier may become 0.
        step: d, (site,), overwritten.
    """
    sites = start.size
    lower_bounds = np.empty(sites)
    for a in range(sites):
        lower_bounds[a] = (_LARGEST_FALL * start[a] if start[a] > zero else 0.0) - start[a]
    step[:] = 0.0
    for _ in range(_MODEL_ROUNDS):
        for a in range(sites):
            if curvature[a, a] > 0.0:
                residual = target[a] - np.dot(curvature[a], step) + curvature[a, a] * step[a]
                step[a] = max(lower_bounds[a], residual / curvature[a, a])
    system, side = curvature.copy(), target.copy()
    for a in range(sites):
        if step[a] <= lower_bounds[a] or not curvature[a, a] > 0.0:
            system[a, :], system[a, a], side[a] = 0.0, 1.0, step[a]
    exact = solve_system(system, side)
    for a in range(sites):
        if not exact[a] >= lower_bounds[a]:
            return
    assign(exact, step)


@kernel
def _dual(
    matrix: Complex,
    linear: Complex,
    limits: Real,
    multipliers: Real,
    ridge: float,
    powers: Real,
    factor: Complex,
) -> tuple[float, Complex]:
    """D at some multipliers, and W there; D is infinite where B + Diag mu is not definite.

    Where the ridge is all that makes it definite, W by the inverse would be wrong from the eighth
    digit on, and steps that lower D could not be told from others.

    Args:
        matrix: B.
        linear: V.
        limits: P.
        multipliers: mu.
        ridge: added to them.
        powers: those that W uses, (site,), overwritten.
        factor: R with B + Diag mu = R^H R in its upper triangle, (antenna, antenna), overwritten.
    """
    antennas, users = linear.shape
    group = antennas // limits.size
    assign(matrix, factor)
    for i in range(antennas):
        factor[i, i] += max(multipliers[i // group] + ridge, 1e-300)
    point = linear.copy()
    powers[:] = 0.0
    if not factorise_hermitian(factor):
        return inf, point
    value = float(np.dot(multipliers, limits))
    for i in range(antennas):
        for j in range(users):
            point[i, j] /= factor[i, i].real
            value += squared_modulus(point[i, j])
        for n in range(i + 1, antennas):
            weight = factor[i, n].conjugate()
            for j in range(users):
                point[n, j] -= weight * point[i, j]
    for i in range(antennas - 1, -1, -1):
        for n in range(i + 1, antennas):
            for j in range(users):
                point[i, j] -= factor[i, n] * point[n, j]
        for j in range(users):
            point[i, j] /= factor[i, i].real
            powers[i // group] += squared_modulus(point[i, j])
    return value, point


@kernel
def _feasible(
    matrix: Complex, linear: Complex, limits: Real, powers: Real, ridge: float, point: Complex
) -> float:
    """Scale the rows of W, in place, to the limits; the objective of (P) there."""
    antennas, users = linear.shape
    group = antennas // limits.size
    for i in range(antennas):
        a = i // group
        if powers[a] > limits[a]:
            for j in range(users):
                point[i, j] *= sqrt(limits[a] / powers[a])
    image = np.dot(matrix, point)
    value = 0.0
    for i in range(antennas):
        for j in range(users):
            residual = 2.0 * linear[i, j] - image[i, j] - ridge * point[i, j]
            value += (point[i, j].conjugate() * residual).real
    return value


@kernel
def _curvature(point: Complex, factor: Complex, sites: int) -> Real:
    """Hessian of D, (site, site), at W and the factor R."""
    antennas, users = point.shape
    group = antennas // sites
    root = np.empty_like(factor)
    invert_factor(factor, root)
    inverse = np.dot(root, root.conj().T.copy())
    curvature = np.zeros((sites, sites))
    for i in range(antennas):
        for n in range(antennas):
            cross = 0j
            for j in range(users):
                cross += point[i, j].conjugate() * point[n, j]
            curvature[i // group, n // group] += 2.0 * (inverse[i, n] * cross).real
    return curvature


@kernel
def dual_step(
    matrix: Complex,
    linear: Complex,
    limits: Real,
    multipliers: Real,
    beamformer: Complex,
    tolerance: float,
    max_iterations: int,
) -> tuple[float, float, int]:
    """Solve (P) for one instance.

    Args:
        matrix: B, (antenna, antenna), Hermitian psd, antennas of a site side by side.
        linear: V, (antenna, user).
        limits: P, (site,), positive.
        multipliers: mu, (site,): the start, of which entries that are not positive are replaced;
            overwritten by the solution.
        beamformer: W, (antenna, user), overwritten.
        tolerance: relative gap to reach.
        max_iterations: largest number of Newton steps.

    Returns:
        The value of (P) at W, the relative gap, the number of steps.
    """
    antennas = linear.shape[0]
    sites = limits.size
    group = antennas // sites
    mean = np.trace(matrix).real / antennas
    ridge, zero = RIDGE * mean, _ZERO * mean
    for a in range(sites):
        if not multipliers[a] > zero:
            # What would use all power without B.
            part = linear[a * group : (a + 1) * group]
            multipliers[a] = sqrt((part.real**2 + part.imag**2).sum() / limits[a])
    if not mean > 0.0 and not multipliers.max() > 0.0:
        beamformer[:] = 0.0
        return 0.0, 0.0, 0
    start, powers = multipliers.copy(), np.empty(sites)
    direction, best_direction = np.empty(sites), np.empty(sites)
    factor = np.empty_like(matrix)
    dual, point = _dual(matrix, linear, limits, start, ridge, powers, factor)
    value, gap, steps = -inf, inf, 0
    if not dual < inf:  # not positive semidefinite
        beamformer[:] = 0.0
        return 0.0, gap, steps
    while True:
        candidate = point.copy()
        objective = _feasible(matrix, linear, limits, powers, ridge, candidate)
        if objective > value:
            value = objective
            assign(candidate, beamformer)
        gap = max(dual - value, 0.0) / dual if dual > 0.0 else 0.0
        if gap <= tolerance or steps >= max_iterations:
            break
        curvature = _curvature(point, factor, sites)
        slope = limits - powers
        secant = 2.0 * powers * (np.sqrt(powers / limits) - 1.0)
        for a in range(sites):
            if start[a] <= zero and slope[a] > 0.0:
                curvature[a, :], curvature[:, a] = 0.0, 0.0
                curvature[a, a], secant[a], slope[a] = 1.0, 0.0, 0.0
        steps += 1
        # The root finder is the faster one near the limits, Newton's method on D the safer one.
        best, length = inf, 1.0
        for attempt in range(2):
            _model_step(curvature, secant if attempt == 0 else -slope, start, zero, direction)
            trial = np.maximum(0.0, start + direction)
            objective = _dual(matrix, linear, limits, trial, ridge, powers, factor)[0]
            if objective < best:
                best = objective
                assign(direction, best_direction)
        while best > dual + _INVISIBLE * dual and length > _SHORTEST_STEP:
            length *= 0.5
            trial = np.maximum(0.0, start + length * direction)
            best = _dual(matrix, linear, limits, trial, ridge, powers, factor)[0]
            assign(direction, best_direction)
        if not best <= dual + _INVISIBLE * dual:
            break
        start = np.maximum(0.0, start + length * best_direction)
        dual, point = _dual(matrix, linear, limits, start, ridge, powers, factor)
    assign(start, multipliers)
    return value, gap, steps


def solve_group_power(
    matrix: Complex,
    linear: Complex,
    limits: Real,
    *,
    tolerance: float = 1e-9,
    max_iterations: int = 200,
) -> GroupPowerSolution:
    """Solve (P) for R realisations, to a certified gap. They do not depend on each other.

    The precoder step of the sum-rate baseline of noh2022 (Sec. IV).

    Args:
        matrix: B, (realisation, antenna, antenna), Hermitian positive semidefinite.
        linear: V, (realisation, antenna, user).
        limits: P, (site,), positive; the antennas of a site are side by side.
        tolerance: relative gap to reach.
        max_iterations: largest number of Newton steps per realisation.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, limits that are not
            positive, a matrix that is not Hermitian.

    Example:
        Without a limit the best W is V / 2; the second site may not spend so much:

        >>> solve_group_power(
        ...     2.0 * np.eye(2)[None], np.array([[[1.0], [4.0]]]), np.ones(2)
        ... ).beamformer.real.round(4)
        array([[[0.5],
                [1. ]]])
    """
    matrix = np.ascontiguousarray(matrix, np.complex128)
    linear = np.ascontiguousarray(linear, np.complex128)
    limits = np.ascontiguousarray(limits, np.float64)
    if linear.ndim != 3 or matrix.shape != (*linear.shape[:2], linear.shape[1]):
        raise ValueError(f"matrix {matrix.shape} and linear {linear.shape} must be (R, n, n), ...")
    if limits.ndim != 1 or limits.size == 0 or linear.shape[1] % limits.size:
        raise ValueError(f"limits {limits.shape} must divide {linear.shape[1]} antennas")
    if not (limits > 0.0).all():
        raise ValueError("limits must be positive")
    if not (np.isfinite(matrix).all() and np.isfinite(linear).all()):
        raise ValueError("matrix and linear must be finite")
    if (np.abs(matrix - matrix.conj().mT) > 1e-10 * np.abs(matrix).max(initial=0.0)).any():
        raise ValueError("matrix must be Hermitian")
    count, sites = len(linear), limits.size
    multipliers, beamformer = np.zeros((count, sites)), np.empty_like(linear)
    value, gap, steps = np.empty(count), np.empty(count), np.empty(count, np.int64)
    for r in range(count):
        value[r], gap[r], steps[r] = dual_step(
            matrix[r], linear[r], limits, multipliers[r], beamformer[r], tolerance, max_iterations
        )
    return GroupPowerSolution(
        beamformer,
        multipliers,
        value,
        iterations=steps,
        residual=gap,
        status=converged_or_limited(gap <= tolerance),
    )
