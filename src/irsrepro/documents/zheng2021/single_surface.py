"""Single-IRS baseline of one user: reflection and receiver in turn, from several starts."""

import numpy as np
import xarray as xr

from irsrepro.documents.zheng2021.system import (
    Complex,
    gains_reported,
    single_reflection,
    single_variables,
)
from irsrepro.optimize.double_reflection import (
    Alternation,
    alternate_single_reflection,
    single_reflection_starts,
)
from irsrepro.optimize.references.double_reflection import alternate_single_reflection_reference
from irsrepro.sweeps import Problem


def solve_single(problem: Problem, cascade: Complex) -> Alternation:
    """Maximise the gain of a single surface; see ``alternate_single_reflection``.

    Args:
        problem: what the scheme was given.
        cascade: (realisation, antenna, element), of both surfaces side by side.
    """
    iterations, tolerance = (
        problem.parameters[f"ao_{name}"] for name in ("iterations", "tolerance")
    )
    if problem.engine == "fast":
        return alternate_single_reflection(cascade, iterations=iterations, tolerance=tolerance)
    starts = np.stack([np.ones_like(cascade[:, 0]), *single_reflection_starts(cascade)], axis=1)
    return alternate_single_reflection_reference(
        cascade, starts, iterations=iterations, tolerance=tolerance
    )


def design(problem: Problem) -> xr.Dataset:
    """Design reflection and receiver of the single surface.

    Returns:
        ``reflection`` and ``receiver``; status, iterations, residual and trace of the gain.
    """
    found = solve_single(problem, single_reflection(problem).second_to_receiver)
    variables = single_variables(found.reflection1, found.receiver)
    return variables.assign(gains_reported(found))
