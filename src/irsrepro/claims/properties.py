"""Properties that a single realisation has or has not, for checks of every realisation or a share.

Each function returns, for every subject, the violations (realisation, point): 1 where the property
does not hold, 0 where it does, NaN where a value it needs failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Real
from irsrepro.claims.curves import Curves
from irsrepro.claims.verdicts import in_words

Violations = Iterator[tuple[str, Real]]


@dataclass(frozen=True)
class Trials:
    """How often a property holds.

    Attributes:
        subject: what has the property, in words.
        successes: realisations in which it holds at every point.
        trials: realisations looked at.
        left_out: realisations that failed somewhere and violate the property nowhere else.
    """

    subject: str
    successes: int
    trials: int
    left_out: int


def count(check: Mapping[str, Any], curves: Curves) -> list[Trials]:
    """Count the realisations in which the property of a check holds at every point.

    Args:
        check: as ``checks.resolve`` returns it, of kind every_realisation or share.
        curves: reader of its curves.

    Returns:
        One count per curve or pair of curves.
    """
    counts = []
    for subject, violated in PROPERTY_TESTS[check["property"]](check, curves):
        # A violation counts even if another point of the same realisation failed.
        broken = (violated == 1).any(axis=1)
        left_out = np.isnan(violated).any(axis=1) & ~broken
        trials = len(violated) - int(left_out.sum())
        counts.append(Trials(subject, trials - int(broken.sum()), trials, int(left_out.sum())))
    return counts


def _monotone(check: Mapping[str, Any], curves: Curves) -> Violations:
    sign = 1 if check["direction"] == "up" else -1
    word = "falls" if check["direction"] == "up" else "rises"
    for curve in check["schemes"]:
        trace = curves.trace(curve)
        step = sign * np.diff(trace, axis=-1)
        allowed = -check["tolerance"] * np.abs(trace[..., :-1])
        yield f"{curve.name} never {word}", _violations((step >= allowed).all(axis=-1), trace)


def _converges_by(check: Mapping[str, Any], curves: Curves) -> Violations:
    for curve in check["schemes"]:
        trace = curves.trace(curve)
        distance = np.abs(trace[..., check["iteration"]] - trace[..., -1])
        yield (
            f"{curve.name} is within {check['within']:g} of its limit by iteration "
            f"{check['iteration']}",
            _violations(distance <= check["within"] * np.abs(trace[..., -1]), trace),
        )


def _at_least(check: Mapping[str, Any], curves: Curves) -> Violations:
    sign = 1 if check["better"] == "higher" else -1
    value = curves.values(check["scheme"])
    word = "at least" if check["better"] == "higher" else "at most"
    for over in check["over"]:
        other = curves.values(over)
        holds = sign * (value - other) >= -check["tolerance"] * np.abs(other)
        yield f"{check['scheme'].name} is {word} {over.name}", _violations(holds, value + other)


def _within(check: Mapping[str, Any], curves: Curves) -> Violations:
    value = curves.values(check["scheme"])
    for over in check["over"]:
        other = curves.values(over)
        yield (
            f"{check['scheme'].name} is within {100 * check['relative']:g} % of {over.name}",
            _violations(np.abs(value - other) <= check["relative"] * np.abs(other), value + other),
        )


def _between(check: Mapping[str, Any], curves: Curves) -> Violations:
    low, high = check["bounds"]
    for curve in check["schemes"]:
        value = curves.values(curve)
        subject = f"{check['quantity'] or 'metric'} of {curve.name} is {in_words(low, high)}"
        yield subject, _violations(np.logical_and(value >= low, value <= high), value)


def _violations(holds: ArrayLike, values: Real) -> Real:
    """Return 0, 1 or NaN (realisation, point); any NaN of ``values`` along a trace is a failure."""
    failed = np.isnan(values).any(axis=tuple(range(2, values.ndim)))
    return np.where(failed, np.nan, np.where(holds, 0.0, 1.0))


PROPERTY_TESTS: Mapping[str, Callable[[Mapping[str, Any], Curves], Violations]] = {
    "monotone": _monotone,
    "converges_by": _converges_by,
    "at_least": _at_least,
    "within": _within,
    "between": _between,
}
