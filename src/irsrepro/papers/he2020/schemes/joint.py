"""Joint Optimization: powers and reflection vector in turn (Algorithm 1)."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.he2020.alternation import alternate


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``alternate``."""
    return alternate(problem, update_powers=True, update_reflection=True)
