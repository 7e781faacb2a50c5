"""Random passive beamforming: phases uniform over the circle, the same for a whole drop."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.noh2022.system import random_reflection, reflection_variable


def design(problem: Problem) -> xr.Dataset:
    """Return the random coefficients of the ensemble (realisation, irs, element)."""
    reflection = random_reflection(problem.channels, problem.parameters)
    return xr.Dataset({"reflection": reflection_variable(reflection)})
