"""One step of the alternation: a smooth cost of responses lowered by conjugate gradients."""

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.manifold.oblique import (
    GRADIENT_NORM,
    LENGTH,
    SLOPE,
    STATUS,
    STEP,
    TOLERANCE,
    VALUE,
    Search,
    accept,
    resume,
    try_step,
    turn,
)
from irsrepro.optimize.result import RUNNING
from irsrepro.papers.zhang2022.algorithms.rates import cost, sensitivity
from irsrepro.papers.zhang2022.algorithms.surface_downlink import add

# Share of the promised decrease that a step must bring. A strict one, with step factors doubled
# from direction to direction as in the toolboxes for manifolds, gets further in few directions.
_SUFFICIENT = 0.5


@kernel
def descend(
    objective: int,
    forward: Complex,
    backward: Complex,
    rest: Complex,
    factors: Real,
    level: float,
    smoothing: float,
    search: Search,
    point: Complex,
    limit: int,
    tolerance: float,
    responses: Complex,
    shares: Real,
) -> None:
    """Lower the cost from `point` (row, column), in place, by a search that fits it.

    s = point forward + rest and the gradient is Z backward: point is W^T (beam, antenna) and s
    (beam, user), or point is x^T of one row and s the same numbers in one row. The first step has
    length one, a later one begins with the factor of the last.
    """
    rows, width = search.point.shape
    gradient = np.empty((rows, width))
    assign(point.view(np.float64), search.point)
    trial = search.trial.view(np.complex128).reshape(point.shape)
    slope = gradient.view(np.complex128).reshape(point.shape)
    adjoint = np.empty_like(responses)
    shape = (point.shape[0], responses.size // point.shape[0])
    flat, flat_adjoint = responses.reshape(shape), adjoint.reshape(shape)
    resume(search, 0.0, limit)
    first, trials, stretch = True, 0, 0.0
    while search.counters[STATUS] == RUNNING:
        np.dot(trial, forward, flat)
        add(responses, rest)
        trials += 1
        value = cost(objective, responses, factors, level, smoothing, shares)
        step, current_value = search.scalars[STEP], search.scalars[VALUE]
        if step > 0.0 and value > current_value + _SUFFICIENT * step * search.scalars[SLOPE]:
            value = max(value, current_value)  # not enough for us: no decrease for the search
        if accept(search, value):
            sensitivity(objective, responses, factors, level, shares, adjoint)
            np.dot(flat_adjoint, backward, slope)
            # The step factor of the last direction, doubled unless it took one halving to find.
            stretch = search.scalars[STEP] if trials == 2 else 2.0 * search.scalars[STEP]
            if turn(search, gradient):
                if first:
                    search.scalars[TOLERANCE] = tolerance * search.scalars[GRADIENT_NORM]
                    stretch, first = 1.0 / search.scalars[LENGTH], False
                try_step(search, stretch)
                trials = 0
    assign(search.point.view(np.complex128), point)
