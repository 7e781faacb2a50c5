"""Looking at a claim more than once: realisations are added until it is decided.

Every look has an interval of its own, at a level such that all of them hold at once: the chance of
an error is spent over the looks, more of it the more of the realisations are in (Lan and DeMets,
"Discrete sequential boundaries for clinical trials", Biometrika 1983, with the spending function
alpha t^2 of Kim and DeMets 1987). By the union bound the intersection of the intervals so far is
valid at every look, whenever one stops and whatever made one stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from irsrepro.claims.verdicts import UNDECIDED, Contrast

FIRST = 8
"""Realisations at the first look; every further one has twice as many, the last one all."""

_POWER = 2.0


def looks_until(count: int, planned: int) -> list[int]:
    """Return the numbers of realisations at which a claim is looked at.

    Args:
        count: realisations available.
        planned: realisations at the last look there may be, at least ``count``.
    """
    sizes = []
    size = FIRST
    while size < planned:
        sizes.append(size)
        size *= 2
    return [size for size in [*sizes, planned] if size <= count] or [count]


def level_at(size: int, sizes: Sequence[int], planned: int, level: float) -> float:
    """Return the level of the interval at a look.

    Args:
        size: number of realisations at that look.
        sizes: of all looks up to it, see ``looks_until``.
        planned: at the last look there may be.
        level: at which all looks hold together.
    """
    before = max((other for other in sizes if other < size), default=0)
    spending = [(count / planned) ** _POWER for count in (before, size)]
    share: float = spending[1] - spending[0]
    return 1.0 - (1.0 - level) * share


def realisations_to_decide(
    size: int, estimate: float, lower: float, upper: float, low: float, high: float
) -> float:
    """Return how many realisations would decide a contrast, if its estimate is the truth.

    The width of an interval falls with the root of their number.

    Args:
        size: realisations of the interval.
        estimate: of the contrast.
        lower: lower end of its interval.
        upper: upper end.
        low: lower end of the required range.
        high: upper end.

    Returns:
        Infinity where the estimate is at an end of the range, or unknown.
    """
    if low <= estimate <= high:
        ways = [(estimate - low, estimate - lower, lower >= low),
                (high - estimate, upper - estimate, upper <= high)]  # fmt: skip
        factors = [
            width / distance if distance > 0.0 else float("inf")
            for distance, width, holds in ways
            if not holds
        ]
        return size * max(factors, default=1.0) ** 2
    distance = low - estimate if estimate <= low else estimate - high
    width = upper - estimate if estimate <= low else estimate - lower
    return size * (max(width, 0.0) / distance) ** 2 if distance > 0.0 else float("inf")


def realisations_wanted(
    contrasts: Iterable[Contrast], size: int
) -> tuple[list[float], list[float]]:
    """Return how many realisations would decide each open contrast, if its estimate is the truth.

    Args:
        contrasts: of one check.
        size: realisations that their intervals are from.

    Returns:
        Numbers of contrasts that then fall outside their range, and of those that fall inside.
    """
    outside: list[float] = []
    inside: list[float] = []
    for contrast in contrasts:
        if contrast.verdict == UNDECIDED:
            low, high = contrast.required_low, contrast.required_high
            number = realisations_to_decide(
                size, contrast.estimate, contrast.lower, contrast.upper, low, high
            )
            (inside if low <= contrast.estimate <= high else outside).append(number)
    return outside, inside


def enough(outside: Sequence[float], inside: Sequence[float]) -> float:
    """Return how many realisations decide a claim whose contrasts want these numbers.

    One contrast outside its range decides it, else all have to be inside; infinity if none is open.
    """
    return min(outside) if outside else max(inside, default=float("inf"))
