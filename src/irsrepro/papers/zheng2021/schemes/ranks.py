"""Ranks of the users' channels at random phases, for Proposition 2."""

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex
from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import uniform_phases
from irsrepro.channels.streams import children
from irsrepro.papers.zheng2021.algorithms.links import effective_channel
from irsrepro.papers.zheng2021.system import double_reflection, rank_variables, single_reflection


def design(problem: Problem) -> xr.Dataset:
    """Compare the rank of the double system with that of the single one, eqs. (52) to (61).

    Returns:
        Ranks of both systems, and by how much that of the double one exceeds what Proposition 2
        promises, as reconstructed and capped by the numbers of users and antennas, and what
        generic phases give.
    """
    double, single = double_reflection(problem), single_reflection(problem)

    def phases(name: str, size: int) -> Complex:
        return np.asarray(np.exp(1j * uniform_phases(children(problem.streams, name), size)))

    sizes = [links.second.shape[-1] for links in (double, single)]
    first = phases("IRS 1", double.first.shape[-1])
    double_channel = effective_channel(double, first, phases("IRS 2", sizes[0]))
    single_channel = effective_channel(single, first[:, :0], phases("single IRS", sizes[1]))
    paths = problem.parameters["near_paths"] + problem.parameters["far_paths"]
    return rank_variables(
        double_channel, single_channel, double.first, double.first_to_receiver, paths
    )
