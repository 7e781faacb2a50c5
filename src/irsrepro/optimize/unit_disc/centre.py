"""Phase steps with many solutions: the one in the middle, at the end of the central path.

    minimise  ||B^T x - v||^2   subject to  |x_n| <= 1

is the problem of `thin` for u = conj(B) v. Where elements outnumber forms it may have many
solutions, and it matters which where they are projected to unit modulus afterwards. The central
path, with * for products of equal entries,

    (conj(B) B^T + Diag(lam)) x = conj(B) v,   lam_n (1 - |x_n|^2) = mu,   lam_n > 0,   |x_n| < 1,

leads, as mu falls to zero, to the solution of largest product of all factors 1 - |x_n|^2 that are
positive at some solution. Interior-point solvers end near it: their barriers, and with them their
middles, differ a little.

Newton's method on these equations, with M = conj(B) B^T + Diag(lam) and x(lam) = M^-1 conj(B) v:

    H dlam = mu / lam - s + 2 Re(conj(x) * (x(lam) - x)),   dx = x(lam) - x - M^-1 (dlam * x),
    H = Diag(s / lam) + 2 Re(Diag(x)^H M^-1 Diag(x)),   s_n = 1 - |x_n|^2.

With I + B^T Diag(1 / lam) conj(B) = R^H R and F = conj(B) R^-1,

    M^-1 = Diag(1 / lam) - Diag(1 / lam) F F^H Diag(1 / lam),   x(lam) = Diag(1 / lam) F R^-H v,

so that M, as large as the elements are many, is never formed, and H is a diagonal matrix less a
real product P P^T with twice as many columns as there are forms.
"""

from math import inf, isfinite, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    factorise_symmetric,
    invert_factor,
    solve_factored,
    squared_modulus,
)

_SHRINK = 0.1  # of mu, from one point near the path to the next
_TO_THE_RIM = 0.9  # part of the way that a step may go
_NEAR = 0.5  # largest relative error of the equations at which mu shrinks
_AT_THE_END = 1e-4  # the same at the last mu
_MOST_STEPS = 200


@kernel
def central_minimiser(
    forms: Complex, target: Complex, vector: Complex, accuracy: float
) -> tuple[float, int]:
    """Minimise ||B^T x - v||^2 over the unit disc, to the middle of the minimisers.

    Args:
        forms: B, (element, form), contiguous.
        target: v, (form,).
        vector: x, (element,), overwritten by the solution, inside the disc; its start does not
            matter.
        accuracy: duality gap at which to stop, relative to sum_n |(conj(B) v)_n|, which bounds the
            sum of the multipliers lam at the optimum; 1e-9 is about the least that rounding allows.

    Returns:
        That gap, infinite where the path was not followed to its end; the Newton steps.
    """
    size = forms.shape[0]
    columns, adjoint = np.ascontiguousarray(forms.T), forms.conj()
    multipliers, change = np.empty(size), np.empty(size)
    step = np.empty(size, np.complex128)
    linear, scale = np.dot(adjoint, target), 0.0
    for n in range(size):
        vector[n] = 0.0
        multipliers[n] = abs(linear[n])
        scale += multipliers[n]
    if not scale > 0.0:
        return (0.0 if scale == 0.0 else inf), 0
    level, last_level = scale / size, accuracy * scale / size
    for n in range(size):
        multipliers[n] += 1e-3 * level
    for steps in range(1, _MOST_STEPS + 1):
        if not _newton_step(columns, adjoint, target, level, multipliers, vector, change, step):
            return inf, steps
        length = _step_length(multipliers, vector, change, step)
        gap, error = 0.0, 1.0 - length
        for n in range(size):
            multipliers[n] += length * change[n]
            vector[n] += length * step[n]
            product = multipliers[n] * (1.0 - squared_modulus(vector[n]))
            gap += product
            # What a whole step leaves of either equation.
            error = max(error, abs(product / level - 1.0), abs(change[n]) * abs(step[n]) / level)
        if error <= (_NEAR if level > last_level else _AT_THE_END):
            if level <= last_level:
                return (gap / scale if isfinite(gap) else inf), steps
            level = max(_SHRINK * level, last_level)
    return inf, _MOST_STEPS


@kernel
def _newton_step(
    columns: Complex,
    adjoint: Complex,
    target: Complex,
    level: float,
    multipliers: Real,
    vector: Complex,
    change: Real,
    step: Complex,
) -> bool:
    """Set `change` to dlam and `step` to dx; return whether the systems could be factorised.

    Args:
        columns: B^T, (form, element).
        adjoint: conj(B), (element, form).
        target: v.
        level: mu.
        multipliers: lam.
        vector: x.
        change: overwritten.
        step: overwritten.
    """
    size, count = adjoint.shape
    weighted = np.empty((size, count), np.complex128)
    for n in range(size):
        for i in range(count):
            weighted[n, i] = adjoint[n, i] / multipliers[n]
    factor = np.dot(columns, weighted)
    for i in range(count):
        factor[i, i] += 1.0
    if not factorise_hermitian(factor):
        return False
    inverse = np.empty((count, count), np.complex128)
    invert_factor(factor, inverse)
    rows = np.dot(adjoint, inverse)  # F
    central = np.dot(rows, np.dot(inverse.conj().T.copy(), target))
    parts, diagonal = np.empty((size, 2 * count)), np.empty(size)  # P
    for n in range(size):
        central[n] /= multipliers[n]
        slack = 1.0 - squared_modulus(vector[n])
        diagonal[n] = (2.0 - slack) / multipliers[n]
        ahead = (vector[n].conjugate() * (central[n] - vector[n])).real
        change[n] = level / multipliers[n] - slack + 2.0 * ahead
        turn = sqrt(2.0) * vector[n].conjugate() / multipliers[n]
        for i in range(count):
            part = turn * rows[n, i]
            parts[n, i], parts[n, count + i] = part.real, part.imag
    if not _solve_reduced(diagonal, parts, change):
        return False
    for n in range(size):
        step[n] = change[n] * vector[n] / multipliers[n]
    image = np.dot(rows.conj().T.copy(), step)
    along = np.dot(rows, image)
    for n in range(size):
        step[n] = central[n] - vector[n] - step[n] + along[n] / multipliers[n]
    return True


@kernel
def _solve_reduced(diagonal: Real, parts: Real, right: Real) -> bool:
    """Solve (Diag(diagonal) - P P^T) y = right in place, by the smaller side of P."""
    size, count = parts.shape
    if size <= count:
        matrix = np.dot(parts, parts.T.copy())
        for m in range(size):
            for n in range(m, size):
                matrix[m, n] = -matrix[m, n]
            matrix[m, m] += diagonal[m]
        if not factorise_symmetric(matrix):
            return False
        solve_factored(matrix, right)
        return True
    scaled = np.empty((size, count))
    for n in range(size):
        for i in range(count):
            scaled[n, i] = parts[n, i] / diagonal[n]
    matrix, inner = np.dot(parts.T.copy(), scaled), np.dot(scaled.T.copy(), right)
    for i in range(count):
        for j in range(i, count):
            matrix[i, j] = -matrix[i, j]
        matrix[i, i] += 1.0
    if not factorise_symmetric(matrix):
        return False
    solve_factored(matrix, inner)
    outer = np.dot(scaled, inner)
    for n in range(size):
        right[n] = right[n] / diagonal[n] + outer[n]
    return True


@kernel
def _step_length(multipliers: Real, vector: Complex, change: Real, step: Complex) -> float:
    """Return the part of a step, at most one, that keeps lam positive and x inside the disc."""
    length = 1.0
    for n in range(vector.size):
        if change[n] < 0.0:
            length = min(length, -_TO_THE_RIM * multipliers[n] / change[n])
        square = squared_modulus(step[n])
        if square > 0.0:
            slack = 1.0 - squared_modulus(vector[n])
            outward = (vector[n].conjugate() * step[n]).real
            root = sqrt(outward**2 + square * slack)
            # The way to the rim, in the form in which nothing cancels.
            way = slack / (root + outward) if outward > 0.0 else (root - outward) / square
            length = min(length, _TO_THE_RIM * way)
    return length
