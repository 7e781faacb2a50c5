"""Phase Optimization: the reflection vector only, with every source at full power."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.he2020.alternation import alternate


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``alternate``."""
    return alternate(problem, update_powers=False, update_reflection=True)
