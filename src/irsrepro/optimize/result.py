"""How an iterative method ended, one code for all of them."""

from enum import IntEnum


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


class SolverError(RuntimeError):
    """A solver gives no answer on one realisation; others are not concerned."""


def in_words(code: int) -> str:
    """Return an ending in words."""
    ending = Ending(code)
    return "numerical failure" if ending == FAILURE else ending.name.lower().replace("_", " ")


def status_legend(last: int = FAILURE) -> str:
    """Return the codes up to one with their meanings, as the long name of a stored status."""
    return "status: " + ", ".join(f"{code} {in_words(code)}" for code in range(last + 1))
