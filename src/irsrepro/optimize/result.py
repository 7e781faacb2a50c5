"""What every iterative method tells of its realisations, and how it ended: one code for all."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Real


class Ending(IntEnum):
    """How a method ended on a realisation, or that it has not."""

    CONVERGED = 0
    ITERATION_LIMIT = 1
    FAILURE = 2
    NO_CHANNEL = 3
    NO_INVERSE = 4
    NO_DECREASE = 5
    NOT_FINITE = 6
    RUNNING = 7


# Kernels take plain integers.
(
    CONVERGED,
    ITERATION_LIMIT,
    FAILURE,
    NO_CHANNEL,
    NO_INVERSE,
    NO_DECREASE,
    NOT_FINITE,
    RUNNING,
) = (int(ending) for ending in Ending)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What an iterative method tells of R realisations, beside the variables that it found.

    Attributes:
        iterations: (realisation,) iterations run.
        residual: (realisation,) what is compared with the tolerance to stop, after the last one.
        status: (realisation,) int8, an `Ending`.
    """

    iterations: NDArray[np.int64]
    residual: Real
    status: NDArray[np.int8]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """(realisation,) whether the residual fell to the tolerance."""
        return np.asarray(self.status == CONVERGED)


@dataclass(frozen=True, kw_only=True)
class TracedSolution(Solution):
    """A solution with the way to it.

    Attributes:
        trace: (realisation, iteration) objective from the start on, constant after the stop.
    """

    trace: Real


class SolverError(RuntimeError):
    """A solver gives no answer on one realisation; others are not concerned."""


def converged_or_limited(converged: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return the status of realisations that have converged, or else used all iterations."""
    return np.where(converged, CONVERGED, ITERATION_LIMIT).astype(np.int8)


def in_words(code: int) -> str:
    """Return an ending in words."""
    ending = Ending(code)
    return "numerical failure" if ending == FAILURE else ending.name.lower().replace("_", " ")


def status_legend(last: int = FAILURE) -> str:
    """Return the codes up to one with their meanings, as the long name of a stored status."""
    return "status: " + ", ".join(f"{code} {in_words(code)}" for code in range(last + 1))
