"""Whether a verdict depends on how a paper is read: the one definition for every page and table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from irsrepro.claims.verdicts import NOT_REPLICATED, REPLICATED, UNDECIDED

MOST_DECIDED = 0.9
"""Share of the readings that have to be decided before a claim can be called robust."""

ROBUST, DEPENDS, OPEN, ALONE = "robust", "depends", "open", "no alternatives"


@dataclass(frozen=True)
class Counts:
    """In how many readings a claim holds, does not, or stays open."""

    holds: int
    fails: int
    open: int

    @property
    def decided(self) -> int:
        """Readings with a verdict one way or the other."""
        return self.holds + self.fails

    @property
    def total(self) -> int:
        """Readings under which the claim says anything."""
        return self.decided + self.open

    @property
    def robustness(self) -> str:
        """What the readings say together.

        ``robust``: decided alike wherever it was decided, in at least 90 % of the readings.
        ``depends``: decided both ways. ``open``: never both ways, but too often not at all.
        ``no alternatives``: a single reading, which tells nothing.
        """
        if self.holds and self.fails:
            return DEPENDS
        if self.total < 2:
            return ALONE
        # In whole numbers: a share of nine tenths must not fail by rounding.
        return ROBUST if 10 * self.decided >= round(10 * MOST_DECIDED) * self.total else OPEN


def count_verdicts(verdicts: Iterable[str]) -> Counts:
    """Return how often each verdict occurs."""
    values = list(verdicts)
    return Counts(*(values.count(verdict) for verdict in (REPLICATED, NOT_REPLICATED, UNDECIDED)))


def contrary_readings(default: str, alternatives: Mapping[str, str]) -> list[str]:
    """Return the readings that decide a claim against the default reading.

    Where the default one leaves it open, those under which it does not hold, if under others it
    does.

    Args:
        default: verdict under the default reading.
        alternatives: verdicts under the others, by name.
    """
    if default == UNDECIDED and count_verdicts(alternatives.values()).robustness != DEPENDS:
        return []
    against = REPLICATED if default == NOT_REPLICATED else NOT_REPLICATED
    return [name for name, verdict in alternatives.items() if verdict == against]


def open_readings(default: str, alternatives: Mapping[str, str]) -> list[str]:
    """Return the readings that leave a claim open, the default one under that name."""
    verdicts = {"default": default, **alternatives}
    return [name for name, verdict in verdicts.items() if verdict == UNDECIDED]


def in_words(default: str, alternatives: Mapping[str, str]) -> str:
    """Say whether a verdict depends on how the paper is read.

    Args:
        default: verdict under the default reading.
        alternatives: verdicts under the others, by name.

    Returns:
        ``robust``, ``depends on: NAME, ...`` with the readings that decide otherwise, ``open under:
        NAME, ...``, both of these, or ``no alternatives``; see ``Counts.robustness``.
    """
    kind = count_verdicts([default, *alternatives.values()]).robustness
    if kind in (ROBUST, ALONE):
        return kind
    parts = {
        "depends on": contrary_readings(default, alternatives),
        "open under": open_readings(default, alternatives),
    }
    return "; ".join(f"{label}: {', '.join(names)}" for label, names in parts.items() if names)
