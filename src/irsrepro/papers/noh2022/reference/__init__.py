"""The algorithms of this paper by public solvers: the same names, the same arguments."""

from irsrepro.papers.noh2022.reference.downlink_sum_rate import maximise_downlink_sum_rate
from irsrepro.papers.noh2022.reference.dual_uplink import maximise_over_phases

__all__ = [
    "maximise_downlink_sum_rate",
    "maximise_over_phases",
]
