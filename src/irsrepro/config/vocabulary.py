"""The vocabulary of claims: every kind of check with its arguments and what they may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What the value of an argument may be: ``accepts`` tests it, ``allowed`` says it in words."""

    allowed: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_bounds(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    ends = [end for end in value if end is not None]
    return bool(ends) and all(map(_is_number, ends)) and ends == sorted(ends)


def _one_or_more(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        values = value if isinstance(value, list | tuple) else [value]
        return bool(values) and all(map(accepts, values))

    return test


def _choice(*names: str) -> Rule:
    return Rule(f"allowed are {', '.join(names)}", lambda value: value in names)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 < value < 1


TEXT = Rule("text is", _is_text)
FLAG = Rule("true or false is", lambda value: isinstance(value, bool))
NUMBER = Rule("a number is", _is_number)
POSITIVE = Rule("a number of at least 0 is", lambda value: _is_number(value) and value >= 0)
SHARE = Rule("a number between 0 and 1 is", _is_share)
SHARES = Rule("a list of numbers between 0 and 1 is", _one_or_more(_is_share))
BOUNDS = Rule("[low, high], null for an open end, is", _is_bounds)
BETWEEN = Rule(
    "[low, high] or middle_third is", lambda value: value == "middle_third" or _is_bounds(value)
)
ITERATION = Rule("a whole number of at least 0 is", _is_count)
ITERATIONS = Rule("whole numbers of at least 0 are", _one_or_more(_is_count))
POINT = Rule("a point of the sweep, or a list of them, is", _one_or_more(_is_number))
POINTS = Rule(
    "a list of points of the sweep, first, last or last_third is",
    lambda value: (
        value in ("first", "last", "last_third")
        or (isinstance(value, list | tuple) and _one_or_more(_is_number)(value))
    ),
)
CURVE = Rule("the name of a curve is", _is_text)
CURVES = Rule("the name of a curve, or a list of them, is", _one_or_more(_is_text))
PART = {"all": 1.0, "half": 1 / 2, "third": 1 / 3, "tenth": 1 / 10}

Optional = Mapping[str, tuple[Rule, Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of check.

    Attributes:
        about: what it requires, in words.
        required: arguments that must be given.
        optional: arguments that may be given, with their defaults.
        trace: it looks at the metric per iteration.
        points: number of points it needs at least.
    """

    about: str
    required: Mapping[str, Rule]
    optional: Optional = field(default_factory=dict)
    trace: bool = False
    points: int = 1


COMMON: Optional = {
    "quantity": (TEXT, None),
    "points": (POINTS, None),
    "aggregate": (_choice("mean", "median"), "mean"),
    "level": (SHARE, 0.95),
}
_ALONG: Optional = {"along": (_choice("point", "scheme"), "point")}
_RELATIVE: Optional = {"relative": (FLAG, False)}
_MARGIN: Optional = {"by": (NUMBER, 0.0), **_RELATIVE}
_BETTER: Optional = {"better": (_choice("higher", "lower"), "higher")}
_SLOPE: Optional = {
    **_RELATIVE,
    "last": (_choice(*PART), "third"),
    "per": (_choice("unit", "doubling"), "unit"),
    "along": (_choice("point", "iteration"), "point"),
}
_PAIR: Mapping[str, Rule] = {"scheme": CURVE, "over": CURVES}
_GAPS: Mapping[str, Rule] = {"scheme": CURVES, "over": CURVES}

KINDS: Mapping[str, Kind] = {
    "increases": Kind(
        "each curve rises from every point to the next, or from each scheme listed to the next",
        {"schemes": CURVES}, _ALONG, points=2,
    ),
    "decreases": Kind(
        "each curve falls from every point to the next, or from each scheme listed to the next",
        {"schemes": CURVES}, _ALONG, points=2,
    ),
    "gap_grows": Kind(
        "scheme minus over (relative: scheme / over - 1) rises; along scheme, pairs are listed",
        _GAPS, {**_RELATIVE, **_ALONG}, points=2,
    ),
    "gap_shrinks": Kind(
        "scheme minus over (relative: scheme / over - 1) falls; along scheme, pairs are listed",
        _GAPS, {**_RELATIVE, **_ALONG}, points=2,
    ),
    "dominates": Kind(
        "scheme is better than each over by more than a margin, at every point or a share of them",
        _PAIR, {**_MARGIN, **_BETTER, "share_of_points": (SHARE, None)},
    ),
    "dominates_distribution": Kind(
        "every quantile of scheme over realisations is better than that of each over",
        _PAIR,
        {"by": (NUMBER, 0.0), **_BETTER,
         "quantiles": (SHARES, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])},
    ),
    "exceeds_point": Kind(
        "every other point is above the value at one point, or at each of several",
        {"schemes": CURVES, "point": POINT}, _MARGIN, points=2,
    ),
    "within": Kind(
        "scheme is within a relative distance of each over, at every point",
        {**_PAIR, "relative": POSITIVE},
    ),
    "value_between": Kind(
        "each curve is within bounds, at every point", {"schemes": CURVES, "bounds": BOUNDS}
    ),
    "ratio_between": Kind(
        "scheme / over, both less a baseline if one is named, is within bounds, at every point",
        {**_PAIR, "bounds": BOUNDS}, {"baseline": (CURVE, None)},
    ),
    "slope_between": Kind(
        "the slope fitted to the last part of a curve, or its difference to over's, is in bounds",
        {"schemes": CURVES, "bounds": BOUNDS},
        {**_SLOPE, "over": (CURVES, None), "last": (_choice(*PART), "all")}, points=2,
    ),
    "saturates": Kind(
        "the slope fitted to the last part of each curve is at most slope, up or down",
        {"schemes": CURVES, "slope": POSITIVE}, _SLOPE, points=2,
    ),
    "keeps_rising": Kind(
        "the slope fitted to the last part of each curve is at least slope",
        {"schemes": CURVES, "slope": POSITIVE}, _SLOPE, points=2,
    ),
    "concave": Kind(
        "the slope between neighbouring points falls along each curve",
        {"schemes": CURVES}, points=3,
    ),
    "peaks_within": Kind(
        "a curve, or its gap to over, has its largest value at a point within bounds",
        {"scheme": CURVE, "between": BETWEEN}, {"over": (CURVE, None)}, points=2,
    ),
    "converges_by": Kind(
        "the mean trace at an iteration is within a relative distance of its last value (of gain: "
        "relative to what the run gains)",
        {"schemes": CURVES, "iteration": ITERATIONS, "within": POSITIVE},
        {"of": (_choice("level", "gain"), "level")}, trace=True,
    ),
    "every_realisation": Kind("a property holds in every realisation", {}),
    "share": Kind("the share of realisations in which a property holds is within bounds",
                  {"share": BOUNDS}),
}  # fmt: skip

_TOLERANCE: Optional = {"tolerance": (POSITIVE, 1e-9)}
PROPERTIES: Mapping[str, Kind] = {
    "monotone": Kind(
        "the trace never falls (direction down: never rises) beyond a relative tolerance",
        {"schemes": CURVES},
        {"direction": (_choice("up", "down"), "up"), **_TOLERANCE}, trace=True,
    ),
    "converges_by": Kind(
        "the trace at an iteration is within a relative distance of its last value",
        {"schemes": CURVES, "iteration": ITERATION, "within": POSITIVE}, trace=True,
    ),
    "at_least": Kind(
        "scheme is at least as good as each over, up to a relative tolerance",
        _PAIR, {**_BETTER, **_TOLERANCE},
    ),
    "within": Kind("scheme is within a relative distance of each over",
                   {**_PAIR, "relative": POSITIVE}),
    "between": Kind("the value is within bounds", {"schemes": CURVES, "bounds": BOUNDS}),
}  # fmt: skip
OF_REALISATIONS = ("every_realisation", "share")
