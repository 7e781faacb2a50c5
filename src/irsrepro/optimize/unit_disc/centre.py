"""The phase step of few forms once more: of its many maximisers the one in the middle.

    minimise  ||B^T x - v||^2   subject to  |x_n| <= 1

is the problem of `thin` for u = conj(B) v. Where elements outnumber forms it has many solutions,
and it matters which where they are projected to unit modulus afterwards. The central path

    (conj(B) B^T + Diag(lam)) x = conj(B) v,   lam_n (1 - |x_n|^2) = mu,   lam_n > 0,   |x_n| < 1,

leads, as mu falls to zero, to the one that maximises the product of all 1 - |x_n|^2 that do not
vanish. That is what interior-point solvers return, up to the weights of their barriers.

Newton's method on these equations, with M = conj(B) B^T + Diag(lam) and x(lam) = M^-1 conj(B) v:

    H dlam = mu / lam - s + 2 Re(conj(x) o (x(lam) - x)),   dx = x(lam) - x - M^-1 (dlam o x),
    H = Diag(s / lam) + 2 Re(Diag(x)^* M^-1 Diag(x)),   s_n = 1 - |x_n|^2.

With I + B^T Diag(1 / lam) conj(B) = R^H R and F = conj(B) R^-1,

    M^-1 = Diag(1 / lam) - Diag(1 / lam) F F^H Diag(1 / lam),   x(lam) = Diag(1 / lam) F R^-H v,

so that M, as large as the elements are many, is never formed, x(lam) is free of cancellation, and H
is a diagonal matrix less a real product of twice as many columns as there are forms.
"""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import (
    factorise_hermitian,
    factorise_symmetric,
    solve_factored,
    squared_modulus,
)

_SHRINK = 0.1  # of mu, from one point near the path to the next
_TO_THE_RIM = 0.9  # part of the way that a step may go
_NEAR = 0.5  # largest deviation of lam_n (1 - |x_n|^2) from mu, relative, at which mu shrinks
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
        vector: x, (element,), overwritten; inside the disc.
        accuracy: sum of lam_n (1 - |x_n|^2), the duality gap, to end at, relative to the sum of
            the moduli of conj(B) v, which bounds the largest possible one.

    Returns:
        That gap, relative, infinite where the path was not followed to its end; the Newton steps.
    """
    size, count = forms.shape
    columns, adjoint = np.ascontiguousarray(forms.T), forms.conj()
    multipliers, weights, diagonal = np.empty(size), np.empty(size), np.empty(size)
    change, right = np.empty(size), np.empty(2 * count)
    weighted = np.empty((size, count), np.complex128)
    inverse = np.empty((count, count), np.complex128)  # of R
    parts, scaled = np.empty((size, 2 * count)), np.empty((size, 2 * count))
    start, image = np.empty(count, np.complex128), np.empty(count, np.complex128)
    central, step = np.empty(size, np.complex128), np.empty(size, np.complex128)
    few = 2 * count < size
    scale = 0.0
    for n in range(size):
        vector[n] = 0.0
        total = 0.0j
        for i in range(count):
            total += forms[n, i].conjugate() * target[i]
        multipliers[n] = abs(total)
        scale += multipliers[n]
    if not scale > 0.0:
        return 0.0, 0
    level = scale / size
    for n in range(size):
        multipliers[n] += 1e-3 * level
    for steps in range(1, _MOST_STEPS + 1):
        for n in range(size):
            weights[n] = 1.0 / multipliers[n]
            for i in range(count):
                weighted[n, i] = weights[n] * adjoint[n, i]
        factor = np.dot(columns, weighted)
        for i in range(count):
            factor[i, i] += 1.0
        if not factorise_hermitian(factor):
            return inf, steps
        for i in range(count):
            for j in range(count):
                inverse[i, j] = 0.0
            inverse[i, i] = 1.0
            for k in range(i, count):
                inverse[i, k] /= factor[k, k]
                for j in range(k + 1, count):
                    inverse[i, j] -= inverse[i, k] * factor[k, j]
        rows = np.dot(adjoint, inverse)  # F
        for i in range(count):
            start[i] = 0.0
            for k in range(i + 1):
                start[i] += inverse[k, i].conjugate() * target[k]
        for n in range(size):
            total = 0.0j
            for i in range(count):
                total += rows[n, i] * start[i]
            central[n] = weights[n] * total
            slack = 1.0 - squared_modulus(vector[n])
            diagonal[n] = weights[n] * (2.0 - slack)
            ahead = (vector[n].conjugate() * (central[n] - vector[n])).real
            change[n] = level * weights[n] - slack + 2.0 * ahead
            turn = sqrt(2.0) * weights[n] * vector[n].conjugate()
            for i in range(count):
                part = turn * rows[n, i]
                parts[n, i], parts[n, count + i] = part.real, part.imag
            for i in range(2 * count):
                scaled[n, i] = parts[n, i] / diagonal[n]
        # H = Diag(diagonal) - parts parts^T, of which the smaller side is factorised.
        if few:
            system = np.dot(np.ascontiguousarray(parts.T), scaled)
        else:
            system = np.dot(parts, np.ascontiguousarray(parts.T))
        for i in range(system.shape[0]):
            for j in range(i, system.shape[0]):
                system[i, j] = -system[i, j]
            system[i, i] += 1.0 if few else diagonal[i]
        if not factorise_symmetric(system):
            return inf, steps
        if few:
            for i in range(2 * count):
                right[i] = 0.0
                for n in range(size):
                    right[i] += scaled[n, i] * change[n]
            solve_factored(system, right)
            for n in range(size):
                change[n] /= diagonal[n]
                for i in range(2 * count):
                    change[n] += scaled[n, i] * right[i]
        else:
            solve_factored(system, change)
        for i in range(count):
            image[i] = 0.0
        for n in range(size):
            step[n] = weights[n] * change[n] * vector[n]
            for i in range(count):
                image[i] += rows[n, i].conjugate() * step[n]
        length = 1.0
        for n in range(size):
            total = 0.0j
            for i in range(count):
                total += rows[n, i] * image[i]
            step[n] = central[n] - vector[n] - step[n] + weights[n] * total
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
        gap, deviation = 0.0, 0.0
        for n in range(size):
            multipliers[n] += length * change[n]
            vector[n] += length * step[n]
            product = multipliers[n] * (1.0 - squared_modulus(vector[n]))
            gap += product
            deviation = max(deviation, abs(product / level - 1.0))
        last = size * level <= accuracy * scale
        if deviation <= (_AT_THE_END if last else _NEAR):
            if last:
                return gap / scale, steps
            level *= _SHRINK
    return inf, _MOST_STEPS
