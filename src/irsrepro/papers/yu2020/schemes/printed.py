"""Proposed scheme as printed: the linearised rank constraint (16) in every step.

With diag V = 1 the constraint admits the last V alone, so this shows that nothing moves.
"""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.approximation import approximate


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``approximate``."""
    return approximate(problem, "hard")
