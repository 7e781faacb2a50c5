"""Tangents and retractions of the oblique manifold, in place."""

from math import sqrt

import numpy as np

from irsrepro.array_types import Real
from irsrepro.compiled import kernel

# Short products are written out where they are: a kernel of their own takes those below twice as
# long. From so many coordinates on a call of the BLAS is the faster one.
_LONG = 24


@kernel(allocates=False)
def inner_product(a: Real, b: Real) -> float:
    """Inner product of two matrices; that of the BLAS, since loops must keep the order of sums."""
    return float(np.dot(a.reshape(a.size), b.reshape(b.size)))


@kernel(allocates=False)
def combine(a: float, x: Real, b: float, y: Real, out: Real) -> None:
    """Set out to a x + b y, of equal shapes; `out` may be x or y."""
    first, second, target = x.reshape(x.size), y.reshape(y.size), out.reshape(out.size)
    for i in range(target.size):
        target[i] = a * first[i] + b * second[i]


@kernel(allocates=False)
def project(point: Real, vector: Real) -> None:
    """Project `vector` to the tangent space at `point`, P_x(z) = z - <x, z> x by rows, in place.

    Args:
        point: (row, coordinate), rows of unit norm.
        vector: (row, coordinate), any; overwritten.

    """
    rows, width = point.shape
    if width == 2:  # the circle: constant strides and no inner loop, so the loop vectorises
        x, z = point.reshape(2 * rows), vector.reshape(2 * rows)
        for i in range(rows):
            component = x[2 * i] * z[2 * i] + x[2 * i + 1] * z[2 * i + 1]
            z[2 * i] -= component * x[2 * i]
            z[2 * i + 1] -= component * x[2 * i + 1]
        return
    for i in range(rows):
        if width > _LONG:
            component = np.dot(point[i], vector[i])
        else:
            component = 0.0
            for c in range(width):
                component += point[i, c] * vector[i, c]
        for c in range(width):
            vector[i, c] -= component * point[i, c]


@kernel(allocates=False)
def retract(point: Real, tangent: Real, step: float, out: Real) -> None:
    """Move from `point` along `tangent` and back to the manifold, (x + step z) / |x + step z|.

    Args:
        point: (row, coordinate), rows of unit norm.
        tangent: (row, coordinate), tangent at `point`.
        step: length factor.
        out: (row, coordinate), overwritten.

    """
    rows, width = point.shape
    combine(1.0, point, step, tangent, out)
    if width == 2:
        x = out.reshape(2 * rows)
        for i in range(rows):
            scale = 1.0 / sqrt(x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1])
            x[2 * i] *= scale
            x[2 * i + 1] *= scale
        return
    for i in range(rows):
        if width > _LONG:
            square = np.dot(out[i], out[i])
        else:
            square = 0.0
            for c in range(width):
                square += out[i, c] * out[i, c]
        scale = 1.0 / sqrt(square)
        for c in range(width):
            out[i, c] *= scale
