"""Proposed scheme: inner approximation, the rank of V enforced in the end, not in every step."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.approximation import approximate


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``approximate``."""
    return approximate(problem, problem.parameters["rank_mode"])
