"""The kernels of `irsrepro.optimize` by public solvers: the same names, the same arguments."""

from irsrepro.optimize.reference.max_min import max_min_beams
from irsrepro.optimize.reference.minimum_power import minimum_power_beamforming
from irsrepro.optimize.reference.rounding import polish
from irsrepro.optimize.reference.sdp import (
    largest_norm_bound,
    solve_diagonal_sdp,
)
from irsrepro.optimize.reference.unit_disc import solve_unit_disc

__all__ = [
    "largest_norm_bound",
    "max_min_beams",
    "minimum_power_beamforming",
    "polish",
    "solve_diagonal_sdp",
    "solve_unit_disc",
]
