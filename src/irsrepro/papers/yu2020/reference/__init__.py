"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.yu2020.reference.inner_approximation import inner_approximation
from irsrepro.papers.yu2020.reference.minimum_power_phases import minimum_power_over_phases

__all__ = [
    "inner_approximation",
    "minimum_power_over_phases",
]
