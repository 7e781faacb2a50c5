"""Riemannian conjugate gradients on the complex oblique manifold: matrices with rows of unit norm.

    minimise f(X)   subject to   X in C^(n x r),  sum_c |X_ic|^2 = 1,  i = 1..n.

r = 1 is the complex circle (reflection vectors), n = 1 the sphere (beamformers of unit power), and
the general case the factor of a positive semidefinite matrix X X^H with unit diagonal. With the
inner product Re tr(X^H Y), complex rows of length r are real rows of length d = 2r, so the search
works on real arrays (n, d): the view of a complex array as pairs (re, im), or any other order of
the coordinates within a row. The formulas, row by row (x a row, z a real row):

    projection to the tangent space   P_x(z) = z - <x, z> x
    retraction                        R_x(z) = (x + z) / |x + z|
    transport of tangent vectors      P at the new point
    gradient                          P_x of the Euclidean gradient 2 df/dconj(x)
    direction                         d <- -g + beta T(d),
                                      beta = max(0, <g, g - T(g_old)> / |g_old|^2)   (PR+)
    Armijo                            f(R(tau d)) <= f + 1e-4 tau <g, d>, halving tau

**No callbacks.** The search asks, the caller computes: a compiled kernel keeps its cost and its
gradient in its own loop, inlined and free to share intermediate results, and nothing is compiled
again for a new cost (numba caches functions passed as arguments badly)::

    search = new_search(n, 2 * r)
    begin(search, start, tolerance, max_iterations)
    while search.counters[STATUS] == RUNNING:
        value = ...                      # the cost at search.trial
        if accept(search, value):        # sufficient decrease: the trial is the new search.point
            gradient[:] = ...            # the Euclidean gradient there
            advance(search, gradient)

After the loop the result is in `search.point`. The same functions driven from Python give
`minimise`, which takes callables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.manifold.geometry import combine, inner_product, project, retract
from irsrepro.optimize.result import (
    CONVERGED,
    ITERATION_LIMIT,
    NO_DECREASE,
    NOT_FINITE,
    RUNNING,
    Ending,
)

# Places in Search.counters and Search.scalars.
STATUS, ITERATIONS, EVALUATIONS, LIMIT = range(4)
VALUE, GRADIENT_NORM, DESCENT, SLOPE, LENGTH, STEP, CURVATURE, TOLERANCE = range(8)

_SUFFICIENT = 1e-4
_FIRST_ANGLE = 0.1  # root mean square rotation of the rows in the first step, radians
_LONGEST_ANGLE = 1.0
_SHORTEST = 1e-12  # length of a step
_INVISIBLE = 1e-16  # decrease, relative to the cost, that rounding hides
_GROWTH = 10.0
_ROUNDING = 1e-13  # of the cost: smaller promised decreases say nothing about its curvature
_SHARE = 1e-3  # of the slope of -z, which a conjugate direction must have at least


class Search(NamedTuple):
    """State of a search: arrays reused between searches of the same shape.

    Attributes:
        point: (row, coordinate) the best point so far, rows of unit norm.
        trial: (row, coordinate) the point whose cost is asked for.
        gradient: (row, coordinate) Riemannian gradient at `point`.
        descent: (row, coordinate) preconditioned gradient z at `point`, tangent.
        direction: (row, coordinate) tangent search direction at `point`.
        scalars: indexed by VALUE, GRADIENT_NORM, DESCENT (<z, g>), SLOPE, LENGTH, STEP, CURVATURE
            and TOLERANCE.
        counters: indexed by STATUS, ITERATIONS, EVALUATIONS, LIMIT.

    """

    point: Real
    trial: Real
    gradient: Real
    descent: Real
    direction: Real
    scalars: Real
    counters: NDArray[np.int64]


@dataclass(frozen=True)
class ObliqueMinimum:
    """Outcome of `minimise`.

    Attributes:
        point: (row, column) complex, rows of unit norm.
        value: cost at `point`.
        iterations: number of directions tried.
        gradient_norm: Frobenius norm of the Riemannian gradient at `point`.
        status: how the search ended.

    """

    point: Complex
    value: float
    iterations: int
    gradient_norm: float
    status: Ending


@kernel
def new_search(rows: int, width: int) -> Search:
    """Arrays for searches over (rows, width) real points; for complex rows width = 2 r."""
    return Search(
        np.zeros((rows, width)),
        np.zeros((rows, width)),
        np.zeros((rows, width)),
        np.zeros((rows, width)),
        np.zeros((rows, width)),
        np.zeros(8),
        np.zeros(4, np.int64),
    )


@kernel(allocates=False)
def begin(search: Search, start: Real, tolerance: float, max_iterations: int) -> None:
    """Start a search with nothing remembered of an earlier one; the first trial is `start`.

    Args:
        search: from `new_search`.
        start: (row, coordinate), rows of any positive norm; may be `search.point`.
        tolerance: Frobenius norm of the Riemannian gradient at which to stop. Below about 1e-8
            times the root of cost times curvature, rounding hides the decrease and the search ends
            with NO_DECREASE.
        max_iterations: largest number of directions.

    """
    search.scalars[CURVATURE] = 0.0
    _restart(search, start, tolerance, max_iterations)


@kernel(allocates=False)
def resume(search: Search, tolerance: float, max_iterations: int) -> None:
    """Search on from `search.point` for a cost that has changed a little: keeps the step memory."""
    _restart(search, search.point, tolerance, max_iterations)


@kernel(allocates=False)
def _restart(search: Search, start: Real, tolerance: float, max_iterations: int) -> None:
    retract(start, start, 0.0, search.trial)
    search.scalars[STEP] = 0.0
    search.scalars[TOLERANCE] = tolerance
    search.counters[STATUS] = RUNNING
    search.counters[ITERATIONS] = 0
    search.counters[EVALUATIONS] = 0
    search.counters[LIMIT] = max_iterations


@kernel(allocates=False)
def accept(search: Search, value: float) -> bool:
    """Judge the cost of `search.trial`.

    Returns:
        True if the trial, now also `search.point`, is accepted and `advance` wants the gradient.
        False if another trial is to be evaluated, or the search has ended.

    """
    scalars, counters = search.scalars, search.counters
    counters[EVALUATIONS] += 1
    step = scalars[STEP]
    if step == 0.0:
        if not np.isfinite(value):
            counters[STATUS] = NOT_FINITE
            return False
    else:
        change = value - scalars[VALUE]
        predicted_decrease = -step * scalars[SLOPE]
        # The parabola through the known values and slope remembers how far the next step may go.
        curvature = 2.0 * (change + predicted_decrease) / (step * scalars[LENGTH]) ** 2
        if (
            predicted_decrease > _ROUNDING * abs(value)
            and curvature > 0.0
            and np.isfinite(curvature)
        ):
            scalars[CURVATURE] = curvature
        if not change <= -_SUFFICIENT * predicted_decrease:
            if predicted_decrease > _INVISIBLE * abs(value) and step * scalars[LENGTH] > _SHORTEST:
                try_step(search, 0.5 * step)
            elif scalars[SLOPE] != -scalars[DESCENT]:
                scalars[STEP] = 0.0
                _direct(search, 0.0)
                try_step(search, scalars[STEP])
            else:
                counters[STATUS] = NO_DECREASE
                scalars[CURVATURE] = 0.0
            return False
    scalars[VALUE] = value
    assign(search.trial, search.point)
    return True


@kernel(allocates=False)
def advance(search: Search, gradient: Real) -> None:
    """Choose the next direction and form its first trial, or end the search.

    Args:
        search: whose trial `accept` has just accepted.
        gradient: (row, coordinate) Euclidean gradient of the cost at `search.point`, that is
            2 df/dconj(x) in the coordinates of the point; overwritten by the Riemannian gradient.

    """
    if turn(search, gradient):
        try_step(search, search.scalars[STEP])


@kernel(allocates=False)
def turn(search: Search, gradient: Real) -> bool:
    """Choose the next direction, or end the search: `advance` without the first trial.

    Args:
        search: as for `advance`.
        gradient: likewise.

    Returns:
        Whether the search goes on: `try_step` then wants a step, for which STEP is a proposal.

    """
    running = riemannian(search, gradient)
    if running:
        _turn(search, gradient)
    return running


@kernel(allocates=False)
def try_step(search: Search, step: float) -> None:
    """Form the trial at a step factor along the direction."""
    search.scalars[STEP] = step
    retract(search.point, search.direction, step, search.trial)


@kernel(allocates=False)
def riemannian(search: Search, gradient: Real) -> bool:
    """First half of `advance`, for searches with a preconditioner: the gradient and the stops.

    Args:
        search: whose trial `accept` has just accepted.
        gradient: the Euclidean gradient, overwritten by the Riemannian gradient g.

    Returns:
        Whether the search goes on: `descend` then wants M^-1 g.

    """
    scalars, counters = search.scalars, search.counters
    project(search.point, gradient)
    square = inner_product(gradient, gradient)
    scalars[GRADIENT_NORM] = sqrt(square)
    if not np.isfinite(square):
        counters[STATUS] = NOT_FINITE
    elif scalars[GRADIENT_NORM] <= scalars[TOLERANCE]:
        counters[STATUS] = CONVERGED
    elif counters[ITERATIONS] >= counters[LIMIT]:
        counters[STATUS] = ITERATION_LIMIT
    else:
        counters[ITERATIONS] += 1
        # The preconditioned old gradient is not needed: <M^-1 g, T(g_old)> is one product.
        assign(search.gradient, search.trial)
        assign(gradient, search.gradient)
        return True
    return False


@kernel(allocates=False)
def descend(search: Search, descent: Real) -> None:
    """Second half of `advance`: the next direction d <- -z + beta T(d), and its first trial.

    Args:
        search: for which `riemannian` has just returned True.
        descent: (row, coordinate) z = M^-1 g for a positive definite M that does not change during
            a search; projected to the tangent space, in place.

    """
    project(search.point, descent)
    _turn(search, descent)
    try_step(search, search.scalars[STEP])


@kernel(allocates=False)
def _turn(search: Search, descent: Real) -> None:
    """Choose the direction for a tangent z: z = g where rounding left M not positive definite."""
    scalars = search.scalars
    square = inner_product(descent, search.gradient)
    if not (square > 0.0 and np.isfinite(square)):
        assign(search.gradient, descent)
        square = inner_product(descent, search.gradient)
    mixed = inner_product(descent, search.trial)
    beta = 0.0
    if scalars[STEP] > 0.0 and scalars[DESCENT] > 0.0:
        beta = max(0.0, (square - mixed) / scalars[DESCENT])
    scalars[DESCENT] = square
    assign(descent, search.descent)
    _direct(search, beta)


@kernel(allocates=False)
def _direct(search: Search, beta: float) -> None:
    """Form the direction, or -z where it is not one of descent, and propose a step."""
    scalars = search.scalars
    descent, direction = search.descent, search.direction
    previous = scalars[STEP] * scalars[LENGTH]
    slope = 0.0
    if beta > 0.0:
        project(search.point, direction)
        combine(beta, direction, -1.0, descent, direction)
        slope = inner_product(direction, search.gradient)
    if not slope < -_SHARE * scalars[DESCENT]:
        combine(-1.0, descent, 0.0, descent, direction)
        slope = -scalars[DESCENT]
    length = sqrt(inner_product(direction, direction))
    point_norm = sqrt(float(descent.shape[0]))
    if scalars[CURVATURE] > 0.0:
        move = -slope / (length * scalars[CURVATURE])
        if previous > 0.0:
            move = min(move, _GROWTH * previous)
    else:
        move = _FIRST_ANGLE * point_norm
    scalars[SLOPE] = slope
    scalars[LENGTH] = length
    scalars[STEP] = min(move, _LONGEST_ANGLE * point_norm) / length


def minimise(
    cost: Callable[[Complex], float],
    gradient: Callable[[Complex], Complex],
    start: Complex,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
) -> ObliqueMinimum:
    """Minimise a cost given by Python functions over matrices with rows of unit norm.

    For trying things out; production kernels drive the search themselves (see the module).

    Args:
        cost: f, from a point (row, column) complex to a number.
        gradient: from the same point to the Euclidean gradient 2 df/dconj(X), (row, column).
        start: (row, column) complex, rows of any positive norm.
        tolerance: Frobenius norm of the Riemannian gradient at which to stop.
        max_iterations: largest number of directions.

    Raises:
        ValueError: `start` is not a finite matrix with non-zero rows.

    Example:
        >>> aim = np.array([[3.0 + 4.0j]])  # -2 Re(conj(aim) x) is least at aim / |aim|
        >>> minimise(
        ...     lambda x: -2 * (aim.conj() * x).real.sum(), lambda x: -2 * aim, np.ones((1, 1))
        ... ).point.round(5)
        array([[0.6+0.8j]])

    """
    first = np.array(start, dtype=np.complex128, order="C")
    if first.ndim != 2 or not np.isfinite(first).all() or not np.abs(first).max(axis=1).all():
        raise ValueError(f"start {first.shape} must be a finite matrix with non-zero rows")
    search = new_search(first.shape[0], 2 * first.shape[1])
    begin(search, first.view(np.float64), tolerance, max_iterations)
    trial, point = search.trial.view(np.complex128), search.point.view(np.complex128)
    while search.counters[STATUS] == RUNNING:
        if accept(search, float(cost(trial))):
            slope = np.array(gradient(point), dtype=np.complex128, order="C")
            advance(search, slope.view(np.float64))
    return ObliqueMinimum(
        point,
        float(search.scalars[VALUE]),
        int(search.counters[ITERATIONS]),
        float(search.scalars[GRADIENT_NORM]),
        Ending(search.counters[STATUS]),
    )
