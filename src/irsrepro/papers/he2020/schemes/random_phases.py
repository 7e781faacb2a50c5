"""Nothing optimised: the starting phases, with every source at full power."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.he2020.system import network


def design(problem: Problem) -> xr.Dataset:
    """Return the starting point of the other schemes."""
    system = network(problem.channels, problem.parameters)
    return system.variables(system.full_power(), system.starting_reflection)
