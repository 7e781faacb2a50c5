"""Joint Optimization: powers and reflection vector in turn (Algorithm 1)."""

import xarray as xr

from irsrepro.documents.he2020.alternation import alternate
from irsrepro.sweeps import Problem


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``alternate``."""
    return alternate(problem, update_powers=True, update_reflection=True)
