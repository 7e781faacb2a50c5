"""Baseline 1: no surface; the beamformers of least power for the direct links."""

import numpy as np
import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.fixed_phases import fixed_phases
from irsrepro.papers.yu2020.system import downlink


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; the reflection coefficients are zero."""
    system = downlink(problem.channels, problem.parameters)
    return fixed_phases(problem, system, np.zeros_like(system.starting_reflection))
