"""Proposed scheme as printed: the linearised rank constraint (16) in every step, by a cone solver.

With diag V = 1 the constraint admits the last V alone. Either engine hands the subproblems to the
cone solver, so that what it finds is measured, not assumed. A drop on which it gives up has failed.
"""

from dataclasses import replace

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.approximation import approximate
from irsrepro.papers.yu2020.reference.inner_approximation import inner_approximation


def design(problem: Problem) -> xr.Dataset:
    """Design every realisation; see ``approximate``."""
    printed_problem = replace(problem, parameters={**problem.parameters, "rank_slack": 0.0})
    return approximate(printed_problem, "slack", inner_approximation)
