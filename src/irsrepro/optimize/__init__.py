"""Optimisation floor: kernels that know no paper, batched over realisations.

Whatever is listed here can be imported from here, and its module is loaded then and not before::

    from irsrepro.optimize import MaxMinProblem, solve_diagonal_sdp

Arrays begin with an axis of realisations, which do not influence each other. `__init__.pyi` tells
editors and type checkers the same.
"""

from importlib import import_module
from typing import Any

# By name and not by import statement: a job depends on the modules that it imports itself, and on
# no other one that happens to stand here (`irsrepro.build.provenance`).
_MODULES = {
    "beamforming.max_min": ("MaxMinBeams", "max_min_beams"),
    "beamforming.minimum_power": ("MinimumPowerSolution", "minimum_power_beamforming"),
    "beamforming.receivers": ("RECEIVERS", "linear_receivers", "receive_sinr", "receiver_sinr"),
    "beamforming.site_power": ("GroupPowerSolution", "solve_group_power"),
    "manifold.oblique": ("ObliqueMinimum", "minimise"),
    "result": ("Ending", "Solution", "SolverError", "TracedSolution"),
    "rounding": ("UnitModulusVectors", "gaussian_randomisation", "polish", "randomise"),
    "sdp.problem": ("MaxMinProblem", "factor_matrices", "norm_problem", "sinr_problem"),
    "sdp.solver": ("DiagonalSdpSolution", "NormBound", "largest_norm_bound", "solve_diagonal_sdp"),
    "unit_disc.dense": ("UnitDiscSolution", "solve_unit_disc"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    attribute = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = attribute  # asked for once only
    return attribute


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
