"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.zhang2022.reference.alternating_fractional import alternate_fractional
from irsrepro.papers.zhang2022.reference.manifold_alternation import alternate

__all__ = [
    "alternate",
    "alternate_fractional",
]
