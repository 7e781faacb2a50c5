"""Certified upper bound of the single-user gain over both reflections and the receiver together.

The products of the two reflections' entries have unit modulus too. Taken as free, they make the
channel linear in one long vector of unit-modulus entries, whose relaxation bounds every design.
"""

import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.result import status_legend
from irsrepro.optimize.sdp.solver import largest_norm_bound
from irsrepro.papers.zheng2021.algorithms.links import product_factors
from irsrepro.papers.zheng2021.system import double_reflection


def design(problem: Problem) -> xr.Dataset:
    """Bound the gain from above.

    Returns:
        ``gain_bound`` (realisation,) in 1/W; status, iterations and residual, the relative distance
        of the bound from what the relaxed problem reaches.
    """
    solution = problem.solver(largest_norm_bound)(
        product_factors(double_reflection(problem)),
        tolerance=problem.parameters["sdr_tolerance"],
    )
    dims = ("realisation",)
    return xr.Dataset(
        {
            "gain_bound": variable(dims, solution.bound, "bound of the SNR per watt", "1/W"),
            "status": variable(dims, solution.status, status_legend(), "1"),
            "iterations": variable(dims, solution.iterations, "evaluations", "1"),
            "residual": variable(dims, solution.residual, "relative gap of the bound", "1"),
        }
    )
