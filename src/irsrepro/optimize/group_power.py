"""Beamformers of least cost under one power limit per site: a convex quadratic problem.

For a Hermitian positive semidefinite B (antennas of all sites) and vectors v_j, one per user,

    maximise  2 Re tr(V^H W) - tr(W^H B W)   subject to  ||W_a||^2 <= P_a for every site a,     (P)

with W_a the rows of site a. Its dual has one multiplier per site and no gap. With Diag(mu)
repeating mu_a for the antennas of site a,

    minimise  D(mu) = tr(V^H (B + Diag mu)^-1 V) + sum_a mu_a P_a   subject to  mu >= 0,        (D)
    W(mu) = (B + Diag mu)^-1 V,   dD/dmu_a = P_a - ||W_a||^2,
    d2D/dmu_a dmu_b = 2 Re sum_j W_aj^H [(B + Diag mu)^-1]_ab W_bj.

D at any mu bounds (P) from above, W(mu) with the rows of every site scaled to its limit bounds it
from below. `dual_step` closes the gap by Newton's method on 1/||W_a|| - 1/sqrt(P_a), which is
nearly linear in mu, safeguarded by the decrease of D.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_FLOOR = 1e-10  # of the mean diagonal entry of B: smallest multiplier, for B without full rank
_SHORTEST_STEP = 1e-8
_LARGEST_FALL = 0.01  # of a multiplier in one step: farther down the model does not reach
_INVISIBLE = 1e-13  # relative change of D that is rounding


@dataclass(frozen=True)
class GroupPowerSolution:
    """Solutions of (P) for R realisations, with a certificate for each.

    Attributes:
        beamformer: W, (realisation, antenna of any site, user), within the limits.
        multipliers: mu, (realisation, site).
        value: (realisation,) the objective of (P) at `beamformer`.
        relative_gap: (realisation,) (D(mu) - value) / D(mu).
        steps: (realisation,) Newton steps.
    """

    beamformer: Complex
    multipliers: Real
    value: Real
    relative_gap: Real
    steps: NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def _newton_direction(
    curvature: Real, target: Real, start: Real, floor: float, slope: Real, direction: Real
) -> bool:
    """Solve for a step that leaves no multiplier below a small part of itself; whether D falls.

    A multiplier that would fall further takes that part, and the others are solved for again: a
    step cut short afterwards would leave them where they should not be.

    Args:
        curvature: Hessian of D, (site, site).
        target: right-hand side, (site,).
        start: mu, (site,).
        floor: smallest multiplier.
        slope: gradient of D, (site,).
        direction: (site,), overwritten; may be `target` itself.
    """
    sites = start.size
    wanted = target.copy()
    step: Real = np.zeros(sites)
    pinned = np.zeros(sites, np.bool_)
    for _ in range(sites):
        system, side = curvature.copy(), wanted.copy()
        for a in range(sites):
            if pinned[a]:
                system[a, :], system[a, a], side[a] = 0.0, 1.0, step[a]
        step[:] = np.linalg.solve(system, side)
        more = False
        for a in range(sites):
            least = max(floor, _LARGEST_FALL * start[a]) - start[a]
            if not pinned[a] and step[a] < least:
                pinned[a], step[a], more = True, least, True
        if not more:
            break
    direction[:] = step
    return bool(np.dot(step, slope) < 0.0)


@njit(cache=True, error_model="numpy")
def dual_step(
    matrix: Complex,
    linear: Complex,
    limits: Real,
    multipliers: Real,
    beamformer: Complex,
    tolerance: float,
    step_limit: int,
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
        step_limit: largest number of Newton steps.

    Returns:
        The value of (P) at W, the relative gap, the number of steps.
    """
    antennas, users = linear.shape
    sites = limits.size
    group = antennas // sites
    mean = 0.0
    for i in range(antennas):
        mean += matrix[i, i].real / antennas
    floor = _FLOOR * mean
    for a in range(sites):
        if not multipliers[a] > floor:
            # What would use all power without B.
            total = 0.0
            for i in range(a * group, (a + 1) * group):
                for j in range(users):
                    total += linear[i, j].real ** 2 + linear[i, j].imag ** 2
            multipliers[a] = max(floor, sqrt(total / limits[a]))
    if not mean > 0.0 and not multipliers.max() > 0.0:
        beamformer[:] = 0.0
        return 0.0, 0.0, 0
    start, trial = multipliers.copy(), multipliers.copy()
    used, slope, direction = np.empty(sites), np.empty(sites), np.zeros(sites)
    shifted = np.empty((antennas, antennas), np.complex128)
    scaled = np.empty((antennas, users), np.complex128)
    dual, value, gap, steps, length = inf, -inf, inf, 0, 1.0
    while True:
        shifted[:] = matrix
        for a in range(sites):
            for i in range(a * group, (a + 1) * group):
                shifted[i, i] += max(trial[a], 1e-300)
        inverse = np.linalg.inv(shifted)
        point = np.dot(inverse, linear)
        current = 0.0
        for a in range(sites):
            used[a] = 0.0
            current += trial[a] * limits[a]
            for i in range(a * group, (a + 1) * group):
                for j in range(users):
                    used[a] += point[i, j].real ** 2 + point[i, j].imag ** 2
                    current += (linear[i, j].conjugate() * point[i, j]).real
        if current <= dual + _INVISIBLE * abs(current):
            dual = min(dual, current)
            start[:] = trial
            for a in range(sites):
                share = min(1.0, sqrt(limits[a] / used[a])) if used[a] > 0.0 else 1.0
                for i in range(a * group, (a + 1) * group):
                    for j in range(users):
                        scaled[i, j] = share * point[i, j]
            image = np.dot(matrix, scaled)
            reached = 0.0
            for i in range(antennas):
                for j in range(users):
                    reached += (scaled[i, j].conjugate() * (2.0 * linear[i, j] - image[i, j])).real
            if reached > value:
                value = reached
                beamformer[:] = scaled
                multipliers[:] = trial
            gap = (dual - value) / dual if dual > 0.0 else 0.0
            if gap <= tolerance or steps >= step_limit:
                break
            curvature = np.zeros((sites, sites))
            for a in range(sites):
                slope[a] = limits[a] - used[a]
                for b in range(sites):
                    total = 0.0
                    for i in range(a * group, (a + 1) * group):
                        for n in range(b * group, (b + 1) * group):
                            cross = 0j
                            for j in range(users):
                                cross += point[i, j].conjugate() * point[n, j]
                            total += 2.0 * (inverse[i, n] * cross).real
                    curvature[a, b] = total
            for a in range(sites):
                direction[a] = 2.0 * used[a] * (sqrt(used[a] / limits[a]) - 1.0)
                if trial[a] <= floor and slope[a] > 0.0:
                    curvature[a, :], curvature[:, a] = 0.0, 0.0
                    curvature[a, a], direction[a], slope[a] = 1.0, 0.0, 0.0
            if not _newton_direction(curvature, direction, start, floor, slope, direction):
                direction[:] = -slope
                _newton_direction(curvature, direction, start, floor, slope, direction)
            steps += 1
            length = 1.0
        else:
            length *= 0.5
            if length < _SHORTEST_STEP:
                break
        for a in range(sites):
            trial[a] = max(floor, start[a] + length * direction[a])
    return value, gap, steps


def solve_group_power(
    matrix: Complex,
    linear: Complex,
    limits: Real,
    *,
    tolerance: float = 1e-9,
    step_limit: int = 200,
) -> GroupPowerSolution:
    """Solve (P) for R realisations, to a certified gap. They do not depend on each other.

    The precoder step of the sum-rate baseline of noh2022 (Sec. IV).

    Args:
        matrix: B, (realisation, antenna, antenna), Hermitian positive semidefinite.
        linear: V, (realisation, antenna, user).
        limits: P, (site,), positive; the antennas of a site are side by side.
        tolerance: relative gap to reach.
        step_limit: largest number of Newton steps per realisation.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, limits that are not
            positive, a matrix that is not Hermitian.
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
            matrix[r], linear[r], limits, multipliers[r], beamformer[r], tolerance, step_limit
        )
    return GroupPowerSolution(beamformer, multipliers, value, gap, steps)
