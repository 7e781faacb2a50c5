"""The ellipsoid method on the dual of the phase step, as he2020 prescribes it.

The problem and its dual D are those of `dense`. `dual_newton` solves it a thousand times as fast;
this is for the reading that takes the paper at its word.
"""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.unit_disc.dense import Workspace, dual_value


@kernel
def dual_ellipsoid(
    matrix: Complex,
    linear: Complex,
    vector: Complex,
    accuracy: float,
    max_cuts: int,
    scratch: Workspace,
) -> tuple[float, int]:
    """Minimise D(lam) over lam >= 0 with central cuts (he2020, eq. (23)), for one instance.

    A cut is -e_n where lam_n < 0 is smallest, else the gradient 1 - |x_n|^2. With S = sum_n |u_n|
    the first ellipsoid is the ball about (S/N) 1 that reaches S e_1. It contains the simplex
    lam >= 0, sum lam <= S, and at the optimum sum_n lam_n = Re(x^H u) - x^H A x <= S.

    Args:
        matrix: A, (element, element) Hermitian positive definite.
        linear: u, (element,).
        vector: x, (element,), overwritten by the best clipped point.
        accuracy: gap between the best dual and the best primal value, relative to the dual one.
        max_cuts: largest number of cuts.
        scratch: from `workspace`.

    Returns:
        The relative gap and the number of cuts.
    """
    size = linear.size
    factor, point, projection = scratch[0], scratch[1], scratch[2]
    centre, normal = scratch[5], scratch[6]
    linear_norm = 0.0
    for n in range(size):
        linear_norm += abs(linear[n])
    radius = linear_norm * (sqrt(1.0 - 1.0 / size) if size > 1 else 0.5)
    # The ellipsoid is the image of the unit ball under a matrix: products of that with its
    # transpose, the usual form, stop being definite to rounding before the gap is small.
    factored, direction = np.zeros((size, size)), np.empty(size)
    shrinkage = 1.0 - sqrt((size - 1.0) / (size + 1.0)) if size > 1 else 0.0
    expansion = size / sqrt(size * size - 1.0) if size > 1 else 0.5  # an interval is halved
    for n in range(size):
        centre[n] = linear_norm / max(size, 2)
        factored[n, n] = radius
    upper, lower = inf, -inf
    for cut in range(max_cuts):
        lowest = 0
        for n in range(size):
            if centre[n] < centre[lowest]:
                lowest = n
        if centre[lowest] < 0.0:
            normal[:] = 0.0
            normal[lowest] = -1.0
        else:
            upper = min(upper, dual_value(matrix, linear, centre, factor, point))
            for n in range(size):
                projection[n] = point[n] / max(1.0, abs(point[n]))
                normal[n] = 1.0 - squared_modulus(point[n])
            primal = 0.0
            for m in range(size):
                slope = 2.0 * linear[m]
                for n in range(size):
                    slope -= matrix[m, n] * projection[n]
                primal += (projection[m].conjugate() * slope).real
            if primal > lower:
                lower = primal
                assign(projection, vector)
            if upper - lower <= accuracy * upper:
                return 1.0 - lower / upper, cut
        length = 0.0
        for n in range(size):
            direction[n] = 0.0
            for m in range(size):
                direction[n] += factored[m, n] * normal[m]
            length += direction[n] * direction[n]
        for n in range(size):
            direction[n] /= sqrt(length)
        for m in range(size):
            image = 0.0
            for n in range(size):
                image += factored[m, n] * direction[n]
            centre[m] -= image / (size + 1.0)
            for n in range(size):
                factored[m, n] = expansion * (factored[m, n] - shrinkage * image * direction[n])
    return 1.0 - lower / upper, max_cuts
