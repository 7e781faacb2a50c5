"""No-IRS: the direct channels alone, which are what surfaces that absorb everything leave."""

import numpy as np
import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.noh2022.system import reflection_variable


def design(problem: Problem) -> xr.Dataset:
    """Return reflection coefficients of zero (realisation, irs, element)."""
    sizes = problem.channels.sizes
    shape = (sizes["realisation"], problem.parameters["surfaces"], problem.parameters["elements"])
    return xr.Dataset({"reflection": reflection_variable(np.zeros(shape, np.complex128))})
