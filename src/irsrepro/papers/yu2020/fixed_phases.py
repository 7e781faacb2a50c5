"""Least power for given phases, problem (4), with either engine."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.sweeps import Problem
from irsrepro.optimize.beamforming.minimum_power import (
    MinimumPowerSolution,
    minimum_power_beamforming,
)
from irsrepro.papers.yu2020.system import Downlink, design_variables, progress


def beamformers(
    problem: Problem, system: Downlink, reflection: NDArray[np.complex128]
) -> MinimumPowerSolution:
    """Solve (4) for reflection vectors (realisation, element), zeros for no reflection."""
    vector = np.concatenate([reflection, np.ones((len(reflection), 1))], axis=1)
    channel = np.einsum("rn,rkna->rka", vector, system.responses)
    return problem.solver(minimum_power_beamforming)(channel, system.target)


def fixed_phases(
    problem: Problem, system: Downlink, reflection: NDArray[np.complex128]
) -> xr.Dataset:
    """Lay out the beamformers of least power for reflection vectors, with their status."""
    result = beamformers(problem, system, reflection)
    return design_variables(result.beamformer, reflection).assign(
        **progress(
            result.status, result.iterations, result.residual, "relative residual of the duality"
        )
    )
