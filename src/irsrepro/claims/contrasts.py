"""Each kind of check on mean or median curves, as contrasts and the range required of them.

A kind is a function of a resolved check and the reader of its curves. It lists rows, one contrast
each: the samples that are averaged over realisations, and the words that describe it. A statistic
turns the averages of a row into its contrast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from typing import Any

import numpy as np

from irsrepro.array_types import Real
from irsrepro.claims.curves import Curves
from irsrepro.config.kinds import PART
from irsrepro.statistics import Statistic

Check = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One contrast.

    Attributes:
        subject: what is estimated, ``joint minus power``.
        says: the same as a statement in front of an amount, ``joint exceeds power by``.
        place: where, ``at SNR = 10 dB``, or empty.
        terms: samples (realisation,) whose averages the contrast is made of.
    """

    subject: str
    says: str
    place: str
    terms: tuple[Real, ...] = ()

    @property
    def label(self) -> str:
        """The contrast in words."""
        return f"{self.subject} {self.place}".strip()


@dataclass(frozen=True)
class Plan:
    """Contrasts of one check and the range each of them is required to lie in.

    Attributes:
        rows: the contrasts; all have the same number of terms.
        statistic: maps averages (..., contrast, term) to contrasts (..., contrast).
        low: lower end of the required range.
        high: upper end.
        unit: unit of the contrasts, empty for a plain number.
        percent: the contrasts are shares of one, for people better put in per cent.
        per: unit that a slope is taken per, as words behind its own unit.
        strict: the ends do not belong to the required range.
        quantiles: quantile over realisations of each row instead of its mean.
        fold: maps contrasts (contrast,) to the fewer ones that are decided on. It must not decrease
            in any of them: it then maps lower ends to a lower end and upper ends to an upper end.
        folded: words of the contrasts after ``fold``.
    """

    rows: Sequence[Row]
    statistic: Statistic
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    percent: bool = False
    per: str = ""
    strict: bool = False
    quantiles: Sequence[float] | None = None
    fold: Callable[[Real], Real] | None = None
    folded: Sequence[Row] = ()


def _value(averages: Real) -> Real:
    return averages[..., 0]


def _gap(averages: Real, relative: bool, sign: int = 1) -> Real:
    first, second = averages[..., 0], averages[..., 1]
    return sign * (first / second - 1 if relative else first - second)


def _gap_change(averages: Real, relative: bool, sign: int = 1) -> Real:
    return sign * (_gap(averages[..., :2], relative) - _gap(averages[..., 2:], relative))


def _ratio(averages: Real) -> Real:
    less = averages[..., 2] if averages.shape[-1] == 3 else 0.0
    return (averages[..., 0] - less) / (averages[..., 1] - less)


def _share_of_gain(averages: Real) -> Real:
    value, last, first = averages[..., 0], averages[..., 1], averages[..., 2]
    share: Real = (value - last) / (last - first)
    return share


def _measure(curves: Curves, relative: bool) -> dict[str, Any]:
    return {"unit": "" if relative else curves.difference_unit(), "percent": relative}


def _trend(sign: int, check: Check, curves: Curves) -> Plan:
    """Return the changes from point to point of each curve, or from scheme to scheme."""
    verb, noun = ("rises", "rise") if sign > 0 else ("falls", "fall")
    rows = []
    if check["along"] == "point":
        for curve in check["schemes"]:
            value, words = curves.values(curve), (f"{noun} of {curve.name}", f"{curve.name} {verb}")
            for p in range(len(curves.points) - 1):
                terms = value[:, p + 1], value[:, p]
                rows.append(Row(words[0], f"{words[1]} by", curves.place(p, p + 1), terms))
    else:
        verb = "exceeds" if sign > 0 else "is below"
        for before, after in pairwise(check["schemes"]):
            one, other = curves.values(after), curves.values(before)
            for p in range(len(curves.points)):
                subject = f"{noun} from {before.name} to {after.name}"
                says = f"{after.name} {verb} {before.name} by"
                rows.append(Row(subject, says, curves.place(p), (one[:, p], other[:, p])))
    statistic = partial(_gap, relative=False, sign=sign)
    return Plan(rows, statistic, low=0.0, strict=True, unit=curves.difference_unit())


def _gap_trend(sign: int, check: Check, curves: Curves) -> Plan:
    """Return the changes of a gap from point to point, or from one pair of schemes to the next."""
    verb, noun = ("grows", "growth") if sign > 0 else ("shrinks", "shrinking")
    rows = []
    if check["along"] == "point":
        for scheme, over in product(check["scheme"], check["over"]):
            one, other = curves.values(scheme), curves.values(over)
            gap = f"gap of {scheme.name} over {over.name}"
            for p in range(len(curves.points) - 1):
                terms = one[:, p + 1], other[:, p + 1], one[:, p], other[:, p]
                place = curves.place(p, p + 1)
                rows.append(Row(f"{noun} of the {gap}", f"the {gap} {verb} by", place, terms))
    else:
        pairs = list(zip(check["scheme"], check["over"], strict=True))
        for before, after in pairwise(pairs):
            values = [curves.values(curve) for curve in (*after, *before)]
            gap = f"gap from {before[0].name} over {before[1].name} to {after[0].name} over "
            gap += after[1].name
            for p in range(len(curves.points)):
                columns = tuple(value[:, p] for value in values)
                place = curves.place(p)
                rows.append(Row(f"{noun} of the {gap}", f"the {gap} {verb} by", place, columns))
    statistic = partial(_gap_change, relative=check["relative"], sign=sign)
    return Plan(rows, statistic, low=0.0, strict=True, **_measure(curves, check["relative"]))


def _advantage(check: Check, other: str) -> tuple[str, str]:
    """Return subject and statement of a scheme being better than another."""
    one = check["scheme"].name
    if check["better"] == "higher":
        return f"{one} minus {other}", f"{one} exceeds {other} by"
    relative = check.get("relative", False)
    return (f"saving of {one} on {other}" if relative else f"{other} minus {one}",
            f"{one} is below {other} by")  # fmt: skip


def _dominates(check: Check, curves: Curves) -> Plan:
    rows = []
    for over in check["over"]:
        subject, says = _advantage(check, over.name)
        one, other = curves.values(check["scheme"]), curves.values(over)
        for p in range(len(curves.points)):
            rows.append(Row(subject, says, curves.place(p), (one[:, p], other[:, p])))
    sign = 1 if check["better"] == "higher" else -1
    plan = Plan(
        rows,
        partial(_gap, relative=check["relative"], sign=sign),
        low=check["by"],
        strict=True,
        **_measure(curves, check["relative"]),
    )
    if check["share_of_points"] is None:
        return plan
    count = len(curves.points)
    needed = math.ceil(check["share_of_points"] * count)

    def least_at_best(values: Real) -> Real:
        return np.sort(values.reshape(-1, count).min(axis=0))[[count - needed]]

    subject, says = _advantage(check, f"the best of {', '.join(o.name for o in check['over'])}")
    folded = [Row(subject, says, f"at {needed} or more of {count} points")]
    return replace(plan, fold=least_at_best, folded=folded)


def _dominates_distribution(check: Check, curves: Curves) -> Plan:
    rows, quantiles = [], []
    for over in check["over"]:
        subject, says = _advantage(check, over.name)
        one, other = curves.values(check["scheme"]), curves.values(over)
        for p, quantile in product(range(len(curves.points)), np.atleast_1d(check["quantiles"])):
            place = f"at the {100 * quantile:g} % quantile {curves.place(p)}".strip()
            rows.append(Row(subject, says, place, (one[:, p], other[:, p])))
            quantiles.append(float(quantile))
    statistic = partial(_gap, relative=False, sign=1 if check["better"] == "higher" else -1)
    return Plan(rows, statistic, low=check["by"], strict=True, unit=curves.difference_unit(),
                quantiles=quantiles)  # fmt: skip


def _exceeds_point(check: Check, curves: Curves) -> Plan:
    rows = []
    points = check["point"] if isinstance(check["point"], list | tuple) else [check["point"]]
    for curve, point in product(check["schemes"], points):
        value, fixed = curves.values(curve), curves.values(replace(curve, point=point))
        for p, other in enumerate(curves.points):
            if not any(math.isclose(other, fixed_point) for fixed_point in points):
                subject = f"{curve.name} minus its value at {point:g}"
                says = f"{curve.name} exceeds its value at {point:g} by"
                rows.append(Row(subject, says, curves.place(p), (value[:, p], fixed[:, p])))
    statistic = partial(_gap, relative=check["relative"])
    return Plan(rows, statistic, check["by"], strict=True, **_measure(curves, check["relative"]))


def _within(check: Check, curves: Curves) -> Plan:
    rows = []
    one = curves.values(check["scheme"])
    for over in check["over"]:
        other = curves.values(over)
        subject = f"{check['scheme'].name} against {over.name}"
        says = f"{check['scheme'].name} differs from {over.name} by"
        for p in range(len(curves.points)):
            rows.append(Row(subject, says, curves.place(p), (one[:, p], other[:, p])))
    bound = check["relative"]
    return Plan(rows, partial(_gap, relative=True), -bound, bound, percent=True)


def _quantity(check: Check) -> str:
    """Return the quantity a check names, as words in front of a curve; empty for the metric."""
    return f"{check['quantity']} of " if check["quantity"] else ""


def _value_between(check: Check, curves: Curves) -> Plan:
    rows = []
    for curve in check["schemes"]:
        value = curves.values(curve)
        subject = f"{check['aggregate']} {_quantity(check) or 'of '}{curve.name}"
        for p in range(len(curves.points)):
            rows.append(Row(subject, f"{subject} is", curves.place(p), (value[:, p],)))
    low, high = check["bounds"]
    return Plan(rows, _value, low, high, unit=curves.unit())


def _ratio_between(check: Check, curves: Curves) -> Plan:
    rows = []
    less = "" if check["baseline"] is None else f", both less {check['baseline'].name}"
    for over in check["over"]:
        operands = [check["scheme"], over, check["baseline"]]
        values = [curves.values(curve) for curve in operands if curve is not None]
        subject = f"{_quantity(check)}{check['scheme'].name} over {over.name}{less}"
        says = f"{subject}, is" if less else f"{subject} is"
        for p in range(len(curves.points)):
            terms = tuple(value[:, p] for value in values)
            rows.append(Row(subject, says, curves.place(p), terms))
    low, high = check["bounds"]
    return Plan(rows, _ratio, low, high)


def _slope(check: Check, curves: Curves, low: float, high: float) -> Plan:
    """Return the least-squares slope of the last part of each curve, or of its difference."""
    traced = check["along"] == "iteration"
    rows = []
    for curve, over in product(check["schemes"], check.get("over") or [None]):
        pair = [curve] if over is None else [curve, over]
        values = [curves.trace(item) if traced else curves.values(item)[:, None] for item in pair]
        length = values[0].shape[-1]
        first = length - min(length, max(2, math.ceil(PART[check["last"]] * length)))
        subject = "slope of " + (curve.name if over is None else f"{curve.name} less {over.name}'s")
        for p in range(values[0].shape[1]):
            terms = tuple(column for value in values for column in value[:, p, first:].T)
            place = curves.place(p) if traced else f"over the last {length - first} points"
            rows.append(Row(subject, f"{subject} is", place, terms))
    x = np.arange(length, dtype=float) if traced else np.array(curves.points, dtype=float)
    x = np.log2(x[first:]) if check["per"] == "doubling" else x[first:]
    centred = x - x.mean()
    weights = centred / (centred**2).sum()

    def slopes(averages: Real) -> Real:
        series = averages.reshape(*averages.shape[:-1], -1, len(x))  # (..., contrast, curve, x)
        fitted = np.einsum("...x,x->...", series, weights)
        if check["relative"]:
            fitted = fitted / series.mean(axis=-1)
        difference: Real = fitted[..., 0] - (fitted[..., 1] if fitted.shape[-1] == 2 else 0.0)
        return difference

    measure = _measure(curves, check["relative"])
    if traced and not check["relative"]:
        measure["unit"] = curves.difference_unit(traced=True)
    per = "per doubling" if check["per"] == "doubling" else f"per {curves.point_unit()}"
    return Plan(rows, slopes, low, high, per="per iteration" if traced else per, **measure)


def _slope_between(check: Check, curves: Curves) -> Plan:
    return _slope(check, curves, *check["bounds"])


def _saturates(check: Check, curves: Curves) -> Plan:
    return _slope(check, curves, -check["slope"], check["slope"])


def _keeps_rising(check: Check, curves: Curves) -> Plan:
    return _slope(check, curves, check["slope"], math.inf)


def _concave(check: Check, curves: Curves) -> Plan:
    rows = []
    inner = range(1, len(curves.points) - 1)
    for curve in check["schemes"]:
        value, subject = curves.values(curve), f"loss of slope of {curve.name}"
        for p in inner:
            terms = value[:, p - 1], value[:, p], value[:, p + 1]
            rows.append(Row(subject, f"{curve.name} loses slope by", curves.place(p), terms))
    steps = np.diff(np.array(curves.points, dtype=float))
    before, after = (np.tile(part, len(check["schemes"])) for part in (steps[:-1], steps[1:]))

    def loss(averages: Real) -> Real:
        change = np.diff(averages, axis=-1)
        bend: Real = change[..., 0] / before - change[..., 1] / after
        return bend

    per = f"per {curves.point_unit()}"
    return Plan(rows, loss, low=0.0, strict=True, unit=curves.difference_unit(), per=per)


def _peaks_within(check: Check, curves: Curves) -> Plan:
    """Return, for each outside point, how far the best inside point is above it."""
    low, high = check["between"]
    operands = [check["scheme"]] + ([check["over"]] if check["over"] else [])
    values = [curves.values(curve) for curve in operands]
    inside = [p for p, point in enumerate(curves.points) if low <= point <= high]
    outside = [p for p in range(len(curves.points)) if p not in inside]
    name = check["scheme"].name
    name += f" over {check['over'].name}" if check["over"] else ""
    rows, folded = [], []
    for p, q in product(inside, outside):
        terms = tuple(value[:, index] for index in (p, q) for value in values)
        rows.append(Row(f"{name} minus point {q}", "", curves.place(p), terms))
    for q in outside:
        subject = f"best of {name} between {low:g} and {high:g} minus its value"
        says = f"the best of {name} between {low:g} and {high:g} exceeds its value by"
        folded.append(Row(subject, says, curves.place(q)))
    difference = _gap if len(operands) == 1 else _gap_change
    return Plan(
        rows,
        partial(difference, relative=False),
        low=0.0,
        strict=True,
        unit=curves.difference_unit(),
        fold=lambda pairs: pairs.reshape(len(inside), len(outside)).max(axis=0),
        folded=folded,
    )


def _converges_by(check: Check, curves: Curves) -> Plan:
    rows = []
    level = check["of"] == "level"
    for curve in check["schemes"]:
        trace = curves.trace(curve)
        for iteration, p in product(np.atleast_1d(check["iteration"]), range(trace.shape[1])):
            subject = f"distance of {curve.name} from its limit"
            says = f"{curve.name} differs from its limit by"
            if not level:
                subject = f"share of its gain that {curve.name} lacks"
                says = f"{curve.name} lacks of its gain"
            place = f"by iteration {iteration} {curves.place(p)}".strip()
            terms = trace[:, p, iteration], trace[:, p, -1]
            rows.append(Row(subject, says, place, terms if level else (*terms, trace[:, p, 0])))
    bound = check["within"]
    distance = partial(_gap, relative=True) if level else _share_of_gain
    return Plan(rows, distance, -bound, bound, percent=True)


PLANS: Mapping[str, Callable[[Check, Curves], Plan]] = {
    "increases": partial(_trend, 1),
    "decreases": partial(_trend, -1),
    "gap_grows": partial(_gap_trend, 1),
    "gap_shrinks": partial(_gap_trend, -1),
    "dominates": _dominates,
    "dominates_distribution": _dominates_distribution,
    "exceeds_point": _exceeds_point,
    "within": _within,
    "value_between": _value_between,
    "ratio_between": _ratio_between,
    "slope_between": _slope_between,
    "saturates": _saturates,
    "keeps_rising": _keeps_rising,
    "concave": _concave,
    "peaks_within": _peaks_within,
    "converges_by": _converges_by,
}
