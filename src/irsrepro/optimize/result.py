"""How an iterative method ended, one code for all of them."""

from collections.abc import Sequence

STATUS = ("converged", "iteration limit", "numerical failure")
CONVERGED, ITERATION_LIMIT, FAILURE = range(3)


class SolverError(RuntimeError):
    """A solver gives no answer on one realisation; others are not concerned."""


def status_legend(meanings: Sequence[str] = STATUS) -> str:
    """Return the codes with their meanings, as the long name of a stored status."""
    return "status: " + ", ".join(f"{code} {meaning}" for code, meaning in enumerate(meanings))
