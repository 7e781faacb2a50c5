"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.he2020.reference.fractional_programming import maximise_sum_rate

__all__ = [
    "maximise_sum_rate",
]
