"""No-IRS: the direct channels alone, which are what surfaces that absorb everything leave."""

import numpy as np
import xarray as xr

from irsrepro.documents.noh2022.system import reflection_variable
from irsrepro.sweeps import Problem


def design(problem: Problem) -> xr.Dataset:
    """Return reflection coefficients of zero (realisation, irs, element)."""
    sizes = problem.channels.sizes
    shape = (sizes["realisation"], problem.parameters["surfaces"], problem.parameters["elements"])
    return xr.Dataset({"reflection": reflection_variable(np.zeros(shape, np.complex128))})
