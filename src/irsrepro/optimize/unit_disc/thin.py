"""The phase step of fractional programming with many elements and few forms.

    maximise  q(x) = 2 Re(x^H u) - ||B^T x||^2   subject to  |x_n| <= 1,

that is (P) of `unit_disc` with A = conj(B) B^T for a B of few columns: thousands of elements and
tens of forms. With y = B^T x kept up to date, a sweep of cyclic coordinate ascent costs as much as
two products with B, and A is never formed. With the gradient s = u - conj(B) y, concavity bounds
what is missing to the optimum by

    q(x*) - q(x) <= 2 sum_n (|s_n| - Re(conj(x_n) s_n)),

which is zero exactly at the optimum: there s_n vanishes or points along x_n on the rim.
"""

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus


@kernel
def thin_sweeps(
    forms: Complex, linear: Complex, vector: Complex, accuracy: float, max_sweeps: int
) -> tuple[float, int]:
    """Raise q by sweeps of coordinate ascent, in place, until the bound on what is missing is low.

    Args:
        forms: B, (element, form), contiguous.
        linear: u, (element,).
        vector: x, (element,), in the unit disc, overwritten.
        accuracy: largest q(x*) - q(x) to leave, in the unit of q.
        max_sweeps: largest number of sweeps.

    Returns:
        The bound on q(x*) - q(x), and the sweeps made.
    """
    size, count = forms.shape
    image = np.zeros(count, np.complex128)
    for n in range(size):
        for i in range(count):
            image[i] += forms[n, i] * vector[n]
    shortfall, sweep = 0.0, 0
    while True:
        # The bound costs as much as a sweep, so it is taken along a sweep: before each move, and
        # afresh where that sum says that the end is near.
        shortfall = 0.0
        for n in range(size):
            slope, curvature = linear[n], 0.0
            for i in range(count):
                slope -= forms[n, i].conjugate() * image[i]
                curvature += squared_modulus(forms[n, i])
            shortfall += 2.0 * (abs(slope) - (vector[n].conjugate() * slope).real)
            if sweep == max_sweeps:
                continue
            target = slope + curvature * vector[n]
            divisor = max(curvature, abs(target))
            if divisor > 0.0:
                change = target / divisor - vector[n]
                vector[n] += change
                for i in range(count):
                    image[i] += forms[n, i] * change
        if sweep == max_sweeps:
            return shortfall, sweep
        sweep += 1
        if shortfall <= accuracy:
            # Still the values from before the moves: certify what is there now.
            shortfall = 0.0
            for n in range(size):
                slope = linear[n]
                for i in range(count):
                    slope -= forms[n, i].conjugate() * image[i]
                shortfall += 2.0 * (abs(slope) - (vector[n].conjugate() * slope).real)
            if shortfall <= accuracy:
                return shortfall, sweep


@kernel
def circle_sweeps(
    forms: Complex, linear: Complex, vector: Complex, accuracy: float, max_sweeps: int
) -> tuple[float, int]:
    """Raise q over |x_n| = 1 by sweeps of coordinate ascent, in place, until a sweep adds little.

    Each coordinate is moved to its best value given the others. The problem is not convex: what is
    missing to its optimum is not known.

    Args:
        forms: B, (element, form), contiguous.
        linear: u, (element,).
        vector: x, (element,), of modulus one, overwritten.
        accuracy: increase of q at which to stop.
        max_sweeps: largest number of sweeps.

    Returns:
        The increase of the last sweep, and the sweeps made.
    """
    size, count = forms.shape
    image = np.zeros(count, np.complex128)
    for n in range(size):
        for i in range(count):
            image[i] += forms[n, i] * vector[n]
    gain, sweep = 0.0, 0
    while sweep < max_sweeps:
        gain = 0.0
        for n in range(size):
            slope, curvature = linear[n], 0.0
            for i in range(count):
                slope -= forms[n, i].conjugate() * image[i]
                curvature += squared_modulus(forms[n, i])
            target = slope + curvature * vector[n]
            magnitude = abs(target)
            if magnitude > 0.0:
                gain += 2.0 * (magnitude - (vector[n].conjugate() * target).real)
                change = target / magnitude - vector[n]
                vector[n] += change
                for i in range(count):
                    image[i] += forms[n, i] * change
        sweep += 1
        if gain <= accuracy:
            break
    return gain, sweep
