"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.noh2022.reference.downlink_sum_rate import maximise_downlink_sum_rate

__all__ = [
    "maximise_downlink_sum_rate",
]
