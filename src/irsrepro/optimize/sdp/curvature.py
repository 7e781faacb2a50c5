"""Curvature of the soft minimum of linear values, as a preconditioner of its search.

For a small change E of Y the soft minimum at multipliers lam and smoothing mu changes in second
order by

    -<E, Z E> - 1 / (2 mu) sum_k lam_k <G_k, E>^2,      G_k = 2 (C_k - sum_j lam_j C_j) Y,

with <A, B> = Re tr(A^H B). The first term is the slack, the second one keeps the values together;
it has the rank of the users less one, so that with H_k = (lam_k / (2 mu))^(1/2) G_k and
U_k = (Z + shift Diag(w))^-1 H_k

    (Z + shift Diag(w) + H H^T)^-1 = (Z + shift Diag(w))^-1 - U (I + H^T U)^-1 U^T.

Without it a small smoothing, which makes multipliers converge fast, makes a search slow.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.manifold.geometry import project
from irsrepro.optimize.sdp.columns import combine_columns, forms
from irsrepro.optimize.sdp.instance import Instance
from irsrepro.optimize.sdp.slack import SlackInverse, apply_inverse


class Tilts(NamedTuple):
    """What the values add to the slack.

    Attributes:
        directions: U, (user, real coordinates of Y).
        core: (I + H^T U)^-1, (user, user).

    """

    directions: Real
    core: Real


@kernel
def no_tilts() -> Tilts:
    """Nothing."""
    return Tilts(np.empty((0, 0)), np.empty((0, 0)))


@kernel
def find_tilts(
    problem: Instance,
    inverse: SlackInverse,
    factor: Complex,
    multipliers: Real,
    smoothing: float,
) -> Tilts:
    """Form U and the small inverse at a point.

    Args:
        problem: a linear problem.
        inverse: of Z + shift Diag(w).
        factor: Y, (element, rank), rows of unit norm.
        multipliers: lam, (user,), on the simplex.
        smoothing: mu.

    """
    rows, rank = factor.shape
    users, width = problem.numerator.shape
    image = forms(problem.columns, factor)
    mean = np.dot(multipliers, problem.numerator)
    weighted = np.empty((width, users * rank), np.complex128)
    for k in range(users):
        size = sqrt(2.0 * multipliers[k] / smoothing)
        for a in range(width):
            for c in range(rank):
                weighted[a, k * rank + c] = size * (problem.numerator[k, a] - mean[a]) * image[a, c]
    H = _unstack(combine_columns(problem.columns, weighted), users)
    for k in range(users):
        project(factor.view(np.float64), H[k].view(np.float64))
    stacked = np.empty((rows, users * rank), np.complex128)
    for k in range(users):
        for i in range(rows):
            for c in range(rank):
                stacked[i, k * rank + c] = H[k, i, c]
    U = _unstack(apply_inverse(problem, inverse, stacked), users)
    forces = H.reshape(users, rows * rank).view(np.float64)
    directions = U.reshape(users, rows * rank).view(np.float64)
    core = np.eye(users) + np.dot(forces, directions.T)
    return Tilts(directions, np.linalg.inv(core).T)  # symmetric


@kernel
def _unstack(stacked: Complex, users: int) -> Complex:
    """Matrices side by side as an array (user, element, rank)."""
    rows, rank = stacked.shape[0], stacked.shape[1] // users
    result = np.empty((users, rows, rank), np.complex128)
    for k in range(users):
        for i in range(rows):
            for c in range(rank):
                result[k, i, c] = stacked[i, k * rank + c]
    return result


@kernel
def apply_curvature(
    problem: Instance, inverse: SlackInverse, tilts: Tilts, gradient: Complex
) -> Complex:
    """Return (Z + shift Diag(w) + H H^T)^-1 g, of a gradient (element, rank)."""
    result = apply_inverse(problem, inverse, gradient)
    if tilts.core.size > 0:
        flat = gradient.reshape(gradient.size).view(np.float64)
        shares = np.dot(tilts.core, np.dot(tilts.directions, flat))
        change = np.dot(shares, tilts.directions)
        target = result.reshape(result.size).view(np.float64)
        for i in range(target.size):
            target[i] -= change[i]
    return result
