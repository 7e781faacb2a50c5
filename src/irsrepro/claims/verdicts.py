"""Verdicts: how intervals become one, and the results that carry them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

REPLICATED = "replicated"
UNDECIDED = "undecided"
NOT_REPLICATED = "not replicated"
SOURCES = {
    "paper": "a sentence of the paper",
    "threshold ours": "a sentence of the paper without a number, which we chose",
    "reconstructed": "rests on an equation that the text has lost",
    "ours": "beyond the paper",
}
_WORST_FIRST = (NOT_REPLICATED, UNDECIDED, REPLICATED)


@dataclass(frozen=True)
class Contrast:
    """One number that a check requires to lie in a range, with its interval and verdict.

    The interval is of the contrast ``alone``, or one of intervals that hold together: whichever
    decides, see ``bounds``.
    """

    label: str
    estimate: float
    lower: float
    upper: float
    required_low: float
    required_high: float
    verdict: str
    alone: bool

    @property
    def margin(self) -> float:
        """How far the interval lies inside the required range; negative if it sticks out."""
        margin = min(self.lower - self.required_low, self.required_high - self.upper)
        return -math.inf if math.isnan(margin) else margin


@dataclass(frozen=True)
class CheckResult:
    """What came out of one check.

    Attributes:
        kind: kind of the check.
        verdict: worst of its contrasts.
        contrasts: every contrast.
        realisations: number of realisations behind the contrast that has the fewest.
        left_out: number left out of that contrast because a value failed.
        unit: unit of the contrasts, empty for a plain number.
        sentence: one line for people about the tightest contrast.
        place: of the check among those of its claim in the configuration, some of which may say
            nothing under a reading.
    """

    kind: str
    verdict: str
    contrasts: tuple[Contrast, ...]
    realisations: int
    left_out: int
    unit: str
    sentence: str
    place: int = 0

    @property
    def tightest(self) -> Contrast:
        """The contrast with the worst verdict and, among equals, the smallest margin."""
        return self.contrasts[tightest(self.contrasts)]


@dataclass(frozen=True)
class ClaimResult:
    """What came out of one claim.

    Attributes:
        claim: id.
        about: figure or theorem, as the scorecard names it.
        figure: name of the figure beside which it is shown, empty without one.
        text: the claim in our wording.
        verdict: worst of its checks, undecided if rounding alone turns it.
        checks: result of every check.
        turned_by_rounding: another rounding would give it another verdict.
        by_construction: it rests on a calibrated parameter, so agreement is no evidence.
        source: where the claim is from, one of ``SOURCES``.
        cause: why it is not replicated, if it is not: the paper, a lost number, a budget or a
            finite sample, and how.
    """

    claim: str
    about: str
    figure: str
    text: str
    verdict: str
    checks: tuple[CheckResult, ...]
    turned_by_rounding: bool = False
    by_construction: bool = False
    source: str = "paper"
    cause: str = ""

    @property
    def points(self) -> tuple[int, int]:
        """In how many comparisons of all its checks it holds, and how many there are."""
        verdicts = [contrast.verdict for check in self.checks for contrast in check.contrasts]
        return verdicts.count(REPLICATED), len(verdicts)

    @property
    def sentence(self) -> str:
        """The sentence of the check to show, and whether rounding alone turns the verdict."""
        turned = "; rounding alone turns it" if self.turned_by_rounding else ""
        return f"{self.shown.sentence}{turned}"

    @property
    def shown(self) -> CheckResult:
        """The check to show for the claim: the first of those with the worst verdict."""
        return min(self.checks, key=lambda check: _WORST_FIRST.index(check.verdict))


def decide(lower: float, upper: float, low: float, high: float, strict: bool = False) -> str:
    """Return the verdict of one interval against a required range.

    Args:
        lower: lower end of the interval.
        upper: upper end.
        low: lower end of the required range.
        high: upper end.
        strict: the ends do not belong to the required range.

    Returns:
        ``replicated`` if the interval is inside, ``not replicated`` if it is outside, ``undecided``
        if it straddles an end or is not known.
    """
    if (lower > low and upper < high) or (not strict and lower >= low and upper <= high):
        return REPLICATED
    if upper < low or lower > high or (strict and (upper <= low or lower >= high)):
        return NOT_REPLICATED
    return UNDECIDED


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of several verdicts, ``undecided`` of none."""
    return min(verdicts, key=_WORST_FIRST.index, default=UNDECIDED)


def tightest(contrasts: Iterable[Contrast]) -> int:
    """Return the index of the worst verdict and, among equals, the smallest margin."""
    keys = [(_WORST_FIRST.index(contrast.verdict), contrast.margin) for contrast in contrasts]
    return keys.index(min(keys))


def in_words(low: float, high: float, strict: bool = False) -> str:
    """Return a required range in words, for example ``at least 0.5``."""
    if math.isinf(low):
        return f"{'below' if strict else 'at most'} {high:g}"
    if math.isinf(high):
        return f"{'above' if strict else 'at least'} {low:g}"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
