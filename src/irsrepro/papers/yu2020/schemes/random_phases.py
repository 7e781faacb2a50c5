"""Baseline 2: random phases, the starting point of the other schemes, with beamformers of (4)."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.fixed_phases import fixed_phases
from irsrepro.papers.yu2020.system import downlink


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation."""
    system = downlink(problem.channels, problem.parameters)
    return fixed_phases(problem, system, system.starting_reflection)
