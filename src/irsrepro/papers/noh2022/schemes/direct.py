"""Direct: the largest precoder power itself minimised, eq. (10), on a sample of channels.

No scheme of the paper, which maximises the smallest mean gain in its place: a yardstick for that
step, for small arrays. The search is local, so it starts twice, from the proposed phases and from
random ones, and the better end is kept. Its sample shares no channel with the evaluation.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.rician_network import draw_fading
from irsrepro.papers.noh2022.algorithms.precoder_power import (
    SampledPowers,
    minimise_largest_power,
)
from irsrepro.papers.noh2022.schemes import proposed
from irsrepro.papers.noh2022.system import network, random_reflection, reflection_variable

_FIRST_CHANNEL = 2**20  # beyond those of any evaluation


def design(problem: Problem) -> xr.Dataset:
    """Design the reflection vector of every drop.

    Args:
        problem: of the parameters, those of the proposed scheme, ``direct_channels`` (size of the
            sample) and ``direct_max_iterations`` (largest number of steps of each of three stages).

    Returns:
        ``reflection`` (realisation, irs, element) of modulus one; (realisation,) the largest mean
        precoder power on the sample in W, of this design and of the proposed one, and iterations.
    """
    parameters = problem.parameters
    links = network(problem.channels, parameters)
    sample = range(_FIRST_CHANNEL, _FIRST_CHANNEL + parameters["direct_channels"])
    surrogate = proposed.design(problem)["reflection"].values
    random = random_reflection(problem.channels, parameters)
    solutions, surrogate_powers = [], []
    for r in range(len(surrogate)):
        fading = draw_fading(links, r, sample)
        ends = [
            minimise_largest_power(
                fading, start[r], max_iterations=parameters["direct_max_iterations"]
            )
            for start in (surrogate, random)
        ]
        solutions.append(min(ends, key=lambda end: end.powers.max()))
        surrogate_powers.append(SampledPowers(fading).powers(surrogate[r]).max())
    dims = ("realisation",)
    return xr.Dataset(
        {
            "reflection": reflection_variable(
                np.stack([solution.reflection for solution in solutions])
            ),
            "sample_precoder_power": variable(
                dims,
                [solution.powers.max() for solution in solutions],
                "largest transmit power for SINRs of one on the sample of the design",
                "W",
            ),
            "surrogate_precoder_power": variable(
                dims, surrogate_powers, "the same of the proposed design", "W"
            ),
            "iterations": variable(
                dims, [solution.iterations for solution in solutions], "iterations", "1"
            ),
        }
    )
