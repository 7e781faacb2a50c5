"""Proposed scheme: inner approximation, the rank of V enforced in the end, not in every step."""

import xarray as xr

from irsrepro.documents.yu2020.approximation import approximate
from irsrepro.sweeps import Problem


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``approximate``."""
    return approximate(problem, problem.parameters["rank_mode"])
