"""Sum-Rate-Max: precoders and reflection redesigned for every instantaneous channel (Sec. IV).

The benchmark that knows the channels: fractional programming alternates between the precoders of
all access points, each within its power limit in every channel, and the reflection coefficients, of
modulus one as in the system model or in the unit disc as in the work that the benchmark is from.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.rician_network import draw_fading
from irsrepro.optimize.result import CONVERGED, status_legend
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    equal_precoder,
    maximise_downlink_sum_rate,
)
from irsrepro.papers.noh2022.algorithms.dual_uplink import maximise_over_phases
from irsrepro.papers.noh2022.system import (
    network,
    random_reflection,
    reflection_variable,
    transmit_power,
)


def design(problem: Problem) -> xr.Dataset:
    """Design the first channels of every drop, from the drop's random phases.

    Args:
        problem: of the parameters, the sizes in use, Rician factors, ``noise_power``,
            ``transmit_power``, ``instantaneous_channels`` (how many per drop),
            ``sum_rate_start`` ("duality": phases first raised with the precoders eliminated;
            "equal": random phases and one beam for all users), ``sum_rate_modulus`` ("one" or
            "disc"), ``sum_rate_tolerance``, ``sum_rate_max_iterations``, ``phase_accuracy`` (nats)
            and ``phase_sweeps``.

    Returns:
        ``precoder`` (realisation, channel, access_point, antenna, user) in the root of W and
        ``reflection`` (realisation, channel, irs, element); (realisation,) the mean sum-rate, the
        worst status, the mean number of iterations (of the alternation), of steps before it, and
        the mean last relative increase.
    """
    parameters = problem.parameters
    links = network(problem.channels, parameters)
    phases = random_reflection(problem.channels, parameters)
    limit, tolerance = transmit_power(parameters), parameters["sum_rate_tolerance"]
    count, sites, users, antennas = links.direct_mean.shape
    channels = range(parameters["instantaneous_channels"])
    raise_phases = problem.solver(maximise_over_phases)
    alternate = problem.solver(maximise_downlink_sum_rate)
    solutions, ends, steps = [], [], []
    for r in range(count):
        fading = draw_fading(links, r, channels)
        reflection = np.repeat(phases[r : r + 1], len(channels), axis=0)
        if parameters["sum_rate_start"] == "duality":
            start = raise_phases(fading, reflection, limit, tolerance=tolerance)
            precoder, reflection, end = start.precoder, start.reflection, start.status.max()
            steps.append(start.iterations.mean())
        else:
            precoder = equal_precoder((len(channels), sites, antennas, users), limit)
            end = CONVERGED
            steps.append(0.0)
        solutions.append(
            alternate(
                fading,
                precoder,
                reflection,
                limit,
                on_circle=parameters["sum_rate_modulus"] == "one",
                tolerance=tolerance,
                max_iterations=parameters["sum_rate_max_iterations"],
                phase_accuracy=parameters["phase_accuracy"],
                max_sweeps=parameters["phase_sweeps"],
            )
        )
        ends.append(max(end, solutions[-1].status.max()))
    realisation_dims = ("realisation",)
    dims = (*realisation_dims, "channel", "access_point", "antenna", "user")
    precoders = np.stack([solution.precoder for solution in solutions])
    return xr.Dataset(
        {
            "precoder": variable(dims, precoders, "precoder of an access point", "sqrt(W)"),
            "reflection": reflection_variable(
                np.stack([solution.reflection for solution in solutions]), channel=True
            ),
            "mean_sum_rate": variable(
                realisation_dims,
                [solution.sum_rate.mean() for solution in solutions],
                "mean sum-rate",
                "bit/s/Hz",
            ),
            "status": variable(realisation_dims, ends, f"worst {status_legend()}", "1"),
            "iterations": variable(
                realisation_dims,
                [solution.iterations.mean() for solution in solutions],
                "mean iterations",
                "1",
            ),
            "phase_steps": variable(
                realisation_dims, steps, "mean quasi-Newton steps before the alternation", "1"
            ),
            "residual": variable(
                realisation_dims,
                [solution.residual.mean() for solution in solutions],
                "mean last relative increase of the sum-rate",
                "1",
            ),
        }
    )
