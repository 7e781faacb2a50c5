"""Not in the paper: conjugate gradients over the phases, beamformers by duality inside."""

import numpy as np
import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import uniform_phases
from irsrepro.channels.streams import children
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import minimum_power_over_phases
from irsrepro.papers.yu2020.system import design_variables, downlink, progress


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation, from the starting phases and ``starts`` - 1 random points more."""
    system = downlink(problem.channels, problem.parameters)
    first = system.starting_reflection
    random_starts = [
        np.exp(1j * uniform_phases(children(problem.streams, "start", s), first.shape[1]))
        for s in range(1, problem.parameters["starts"])
    ]
    result = problem.solver(minimum_power_over_phases)(
        system.responses,
        system.target,
        np.stack([first, *random_starts], axis=1),
        tolerance=problem.parameters["gradient_tolerance"],
        max_iterations=problem.parameters["riemannian_max_iterations"],
    )
    return design_variables(result.beamformer, result.reflection).assign(
        **progress(
            result.status,
            result.iterations,
            result.residual,
            "norm of the Riemannian gradient of the logarithm of the power",
        )
    )
