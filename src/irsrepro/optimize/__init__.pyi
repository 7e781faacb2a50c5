"""What `__init__.py` offers, for editors and type checkers; a test holds the two together."""

from irsrepro.optimize.beamforming.max_min import MaxMinBeams, max_min_beams
from irsrepro.optimize.beamforming.minimum_power import (
    MinimumPowerSolution,
    minimum_power_beamforming,
)
from irsrepro.optimize.beamforming.receivers import (
    RECEIVERS,
    linear_receivers,
    receive_sinr,
    receiver_sinr,
)
from irsrepro.optimize.beamforming.site_power import GroupPowerSolution, solve_group_power
from irsrepro.optimize.manifold.oblique import ObliqueMinimum, minimise
from irsrepro.optimize.result import Ending, Solution, SolverError, TracedSolution
from irsrepro.optimize.rounding import UnitModulusVectors, gaussian_randomisation, polish, randomise
from irsrepro.optimize.sdp.problem import MaxMinProblem, factor_matrices, norm_problem, sinr_problem
from irsrepro.optimize.sdp.solver import (
    DiagonalSdpSolution,
    NormBound,
    largest_norm_bound,
    solve_diagonal_sdp,
)
from irsrepro.optimize.unit_disc.dense import UnitDiscSolution, solve_unit_disc

__all__ = [
    "RECEIVERS",
    "DiagonalSdpSolution",
    "Ending",
    "GroupPowerSolution",
    "MaxMinBeams",
    "MaxMinProblem",
    "MinimumPowerSolution",
    "NormBound",
    "ObliqueMinimum",
    "Solution",
    "SolverError",
    "TracedSolution",
    "UnitDiscSolution",
    "UnitModulusVectors",
    "factor_matrices",
    "gaussian_randomisation",
    "largest_norm_bound",
    "linear_receivers",
    "max_min_beams",
    "minimise",
    "minimum_power_beamforming",
    "norm_problem",
    "polish",
    "randomise",
    "receive_sinr",
    "receiver_sinr",
    "sinr_problem",
    "solve_diagonal_sdp",
    "solve_group_power",
    "solve_unit_disc",
]
