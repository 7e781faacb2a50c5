"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.zheng2021.reference.codebook import search_codebooks
from irsrepro.papers.zheng2021.reference.double_reflection import (
    alternate_double_reflection,
    alternate_single_reflection,
)

__all__ = [
    "alternate_double_reflection",
    "alternate_single_reflection",
    "search_codebooks",
]
