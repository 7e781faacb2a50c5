"""Checks of claims: every kind with its arguments, and what a check needs of its experiments.

A check names its curves as ``[EXPERIMENT/]SCHEME[@POINT]``: a scheme of the check's experiment, or
of another one, over the whole sweep or held at one point of it. The docstring of a kind says what
it requires. Loaded while the workflow is parsed, so no array library is imported here; ``claims``
evaluates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NoReturn

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from irsrepro.config.problems import one_of, raise_config_error, raise_first
from irsrepro.config.types import (
    Expected,
    Name,
    Number,
    Quantity,
    Section,
    Share,
    misplaced,
    rising,
)

Plans = Mapping[str, Mapping[str, Any]]

PART = {"all": 1.0, "half": 1 / 2, "third": 1 / 3, "tenth": 1 / 10}
OF_REALISATIONS = ("every_realisation", "share")
NAMES_OF_CURVES = ("scheme", "schemes", "over", "baseline")

Bound = Annotated[float, Quantity(at_least=0)]
Iteration = Annotated[int, Quantity(at_least=0, at_most=1_000_000)]
Experiments = Annotated[
    Name | list[Name], Expected("an experiment, or a list of them", accepts=bool)
]
CurveName = Annotated[str, Field(min_length=1), Expected("the name of a curve")]
CurveNames = Annotated[
    str | list[str], Expected("the name of a curve, or a list of them", accepts=bool)
]
Expression = Annotated[str, Field(min_length=1, max_length=200)]
Bounds = Annotated[
    list[Number | Expression | None],
    Field(min_length=2, max_length=2),
    Expected(
        "[low, high], null for an open end",
        accepts=lambda ends: any(isinstance(end, str) for end in ends) or rising(ends),
    ),
]
Between = Annotated[Literal["middle_third"] | Bounds, Expected("[low, high] or middle_third")]
Points = Annotated[
    Literal["first", "last", "last_third"]
    | list[Number]
    | dict[Literal["above", "from", "up_to", "below"], Number | Expression],
    Expected("a list of points of the sweep, first, last or last_third", accepts=bool),
]
Point = Annotated[
    Number | list[Number],
    Expected("a point of the sweep, or a list of them", accepts=lambda value: value != []),
]
Shares = Annotated[list[Share], Field(min_length=1), Expected("a list of numbers between 0 and 1")]
Iterations = Annotated[
    Iteration | list[Iteration],
    Expected("whole numbers of at least 0", accepts=lambda value: value != []),
]


@dataclass(frozen=True)
class Curve:
    """A scheme over the points of an experiment, or at one of them.

    Attributes:
        name: the curve as the check writes it.
        experiment: name of the experiment.
        scheme: name of the scheme.
        point: value of the swept parameter it is held at, or None for the whole sweep.
    """

    name: str
    experiment: str
    scheme: str
    point: float | None = None


class AnyCheck(Section):
    """What every check has.

    Attributes:
        traced: it looks at the metric per iteration.
        fewest_points: number of points it needs at least.
        single: arguments that name one curve, not several.
    """

    traced: ClassVar[bool] = False
    fewest_points: ClassVar[int] = 1
    single: ClassVar[tuple[str, ...]] = ("scheme", "baseline")

    experiment: Experiments
    quantity: Name | None = None
    points: Points | None = None
    level: Share = 0.95


class Averaged(AnyCheck):
    """What checks of averages over realisations have."""

    aggregate: Literal["mean", "median"] = "mean"


class _Several(AnyCheck):
    """A check of one or several curves: ``scheme`` or ``schemes``."""

    schemes: CurveNames | None = None
    scheme: CurveNames | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> _Several:
        if (self.schemes is None) == (self.scheme is None):
            raise misplaced("schemes", "one or several curves, under scheme or schemes")
        return self


class _Pair(AnyCheck):
    """A check of one curve against others."""

    scheme: CurveName
    over: CurveNames


class Trend(_Several, Averaged):
    """Each curve rises (falls) from every point, or from every scheme listed, to the next."""

    fewest_points = 2
    kind: Literal["increases", "decreases"]
    along: Literal["point", "scheme"] = "point"


class GapTrend(Averaged):
    """Scheme minus over (relative: scheme / over - 1) rises (falls); along scheme, pairwise."""

    fewest_points = 2
    single = ()
    kind: Literal["gap_grows", "gap_shrinks"]
    scheme: CurveNames
    over: CurveNames
    relative: bool = False
    along: Literal["point", "scheme"] = "point"


class Dominates(_Pair, Averaged):
    """Scheme is better than each over by more than a margin, at all points or a share of them."""

    kind: Literal["dominates"]
    by: Number = 0.0
    relative: bool = False
    better: Literal["higher", "lower"] = "higher"
    share_of_points: Share | None = None


class DominatesDistribution(_Pair, Averaged):
    """Every quantile of scheme over realisations is better than that of each over."""

    kind: Literal["dominates_distribution"]
    by: Number = 0.0
    better: Literal["higher", "lower"] = "higher"
    quantiles: Shares = Field([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])


class ExceedsPoint(_Several, Averaged):
    """Every other point is above the value at one point, or at each of several."""

    fewest_points = 2
    kind: Literal["exceeds_point"]
    point: Point
    by: Number = 0.0
    relative: bool = False


class Within(_Pair, Averaged):
    """Scheme is within a relative distance of each over, at every point."""

    kind: Literal["within"]
    relative: Bound


class ValueBetween(_Several, Averaged):
    """Each curve is within bounds, at every point."""

    kind: Literal["value_between"]
    bounds: Bounds


class RatioBetween(_Pair, Averaged):
    """Scheme / over, both less a baseline if one is named, is within bounds, at every point."""

    kind: Literal["ratio_between"]
    bounds: Bounds
    baseline: CurveName | None = None


class _Slope(_Several, Averaged):
    """A check of the slope fitted to the last part of a curve."""

    fewest_points = 2
    relative: bool = False
    last: Literal["all", "half", "third", "tenth"] = "third"
    per: Literal["unit", "doubling"] = "unit"
    along: Literal["point", "iteration"] = "point"


class SlopeBetween(_Slope):
    """The slope fitted to the last part of a curve, or its difference to over's, is in bounds."""

    kind: Literal["slope_between"]
    bounds: Bounds
    over: CurveNames | None = None
    last: Literal["all", "half", "third", "tenth"] = "all"


class SlopeLimit(_Slope):
    """The slope of each curve's last part is at most slope, up or down (at least slope)."""

    kind: Literal["saturates", "keeps_rising"]
    slope: Bound


class Concave(_Several, Averaged):
    """The slope between neighbouring points falls along each curve."""

    fewest_points = 3
    kind: Literal["concave"]


class PeaksWithin(Averaged):
    """A curve, or its gap to over, has its largest value at a point within bounds."""

    fewest_points = 2
    single = ("scheme", "over")
    kind: Literal["peaks_within"]
    scheme: CurveName
    between: Between
    over: CurveName | None = None


class ConvergesBy(_Several, Averaged):
    """The mean trace at an iteration is within a relative distance of its last value.

    The distance is relative to that value, or of what the run gains.
    """

    traced = True
    kind: Literal["converges_by"]
    iteration: Iterations
    within: Bound
    of: Literal["level", "gain"] = "level"


class OfRealisations(AnyCheck):
    """A property holds in every realisation, or in a share of them that is within bounds."""

    kind: Literal["every_realisation", "share"]
    property: str
    share: Bounds | None = None

    @model_validator(mode="after")
    def _share_of_what(self) -> OfRealisations:
        if (self.share is None) == (self.kind == "share"):
            raise misplaced("share", "[low, high] with kind share, nothing without")
        return self


class Monotone(_Several, OfRealisations):
    """The trace never falls (direction down: never rises) beyond a relative tolerance."""

    traced = True
    property: Literal["monotone"]
    direction: Literal["up", "down"] = "up"
    tolerance: Bound = 1e-9


class ConvergedBy(_Several, OfRealisations):
    """The trace at an iteration is within a relative distance of its last value."""

    traced = True
    property: Literal["converges_by"]
    iteration: Iteration
    within: Bound


class NoWorse(_Pair, OfRealisations):
    """Scheme is at least as good as each over, up to a relative tolerance."""

    property: Literal["at_least"]
    better: Literal["higher", "lower"] = "higher"
    tolerance: Bound = 1e-9


class IsWithin(_Pair, OfRealisations):
    """Scheme is within a relative distance of each over."""

    property: Literal["within"]
    relative: Bound


class IsBetween(_Several, OfRealisations):
    """The value is within bounds."""

    property: Literal["between"]
    bounds: Bounds


ByProperty = Annotated[
    Monotone | ConvergedBy | NoWorse | IsWithin | IsBetween, Field(discriminator="property")
]
Check = Annotated[
    Trend | GapTrend | Dominates | DominatesDistribution | ExceedsPoint | Within | ValueBetween
    | RatioBetween | SlopeBetween | SlopeLimit | Concave | PeaksWithin | ConvergesBy | ByProperty,
    Field(discriminator="kind"),
]  # fmt: skip
_ANY_CHECK: TypeAdapter[AnyCheck] = TypeAdapter(Check, config={"defer_build": True})


def single_checks(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return checks of one experiment each, in place of those that list several."""
    return [
        {**check, "experiment": experiment}
        for check in checks
        for experiment in _listed(check["experiment"])
    ]


def fewest_points(check: Mapping[str, Any]) -> int:
    """Return the number of points that a valid check needs at least."""
    return _ANY_CHECK.validate_python(check).fewest_points


def experiments_of(check: Mapping[str, Any]) -> list[str]:
    """Return the names of the experiments that a valid check reads, its own first."""
    names = [check["experiment"]]
    for key in NAMES_OF_CURVES:
        for name in _listed(check.get(key) or []):
            names.append(name.partition("/")[0] if "/" in name else check["experiment"])
    return list(dict.fromkeys(names))


def resolve(place: str, check: Mapping[str, Any], plans: Plans) -> dict[str, Any]:
    """Complete a check, and look whether its experiments have what it needs.

    Args:
        place: what errors name first: a claim, or a file and a place in it.
        check: the mapping of the configuration file, of one experiment.
        plans: of every experiment ``schemes`` (names), ``values`` (of the sweep) and ``trace``
            (whether there is one); if known also ``quantities`` and ``traces`` (names of variables)
            and ``iterations`` (length of the trace).

    Returns:
        Every argument of the kind, defaults filled in. A single ``scheme`` stands under ``schemes``
        for kinds that take several. Curves are ``Curve``, in lists where there may be several;
        ``points`` is the list of points, [None] if every curve is held at a point; an open end of a
        range is infinite.

    Raises:
        ConfigurationError: one line naming the place, the key, the value and what is expected.
    """
    try:
        model = _ANY_CHECK.validate_python(check)
    except ValidationError as error:
        raise_first(error, check, place)
    return _Resolution(place, plans, model).complete()


@dataclass(frozen=True)
class _Resolution:
    """A check against its experiments.

    Attributes:
        place: what errors name first.
        plans: see ``resolve``.
        check: the check.
    """

    place: str
    plans: Plans
    check: AnyCheck

    def refuse(self, key: str, value: Any, expected: str) -> NoReturn:
        raise_config_error(self.place, key, value, expected)

    def complete(self) -> dict[str, Any]:
        check = self.check
        resolved = {name: getattr(check, name) for name in type(check).model_fields}
        if isinstance(check, _Several):
            resolved["schemes"] = resolved.pop("scheme") or check.schemes
        if not isinstance(check.experiment, str) or check.experiment not in self.plans:
            self.refuse("experiment", check.experiment, one_of(self.plans))
        curves: list[Curve] = []
        for key in NAMES_OF_CURVES:
            if resolved.get(key) is not None:
                written = key if getattr(check, key) is not None else "scheme"
                found = [self.curve(written, name) for name in _listed(resolved[key])]
                resolved[key] = found[0] if key in check.single else found
                curves += found
        self.look_for_variables(resolved, curves)
        points = resolved["points"] = self.points(curves)
        if len(points) < check.fewest_points and resolved.get("along", "point") == "point":
            self.refuse("points", points, f"at least {check.fewest_points} points")
        if resolved.get("per") == "doubling":
            if resolved["along"] == "iteration":
                self.refuse("per", "doubling", "unit, along iteration")
            if min(points) <= 0:
                self.refuse("per", "doubling", "unit, with points of 0 or below")
        if resolved.get("along") == "scheme":
            self.look_at_chain(resolved)
        values = self.plans[str(check.experiment)]["values"]
        for point in _listed(resolved.get("point", [])):
            if not _holds(values, point):
                self.refuse("point", point, one_of(values))
        for name in ("bounds", "share"):
            if resolved.get(name) is not None:
                if any(isinstance(end, str) for end in resolved[name]):
                    self.refuse(name, resolved[name], "numbers, which a reading gives")
                resolved[name] = _range(resolved[name])
        if "between" in resolved:
            low, high = _between(resolved["between"], points)
            if not 0 < sum(low <= point <= high for point in points) < len(points):
                self.refuse("between", resolved["between"], "some points inside and some outside")
            resolved["between"] = (low, high)
        return resolved

    def curve(self, key: str, text: str) -> Curve:
        name, _, at = text.partition("@")
        experiment, _, scheme = name.rpartition("/")
        experiment = experiment or str(self.check.experiment)
        if experiment not in self.plans:
            self.refuse(key, text, f"a curve of an experiment, {one_of(self.plans)}")
        plan = self.plans[experiment]
        if scheme not in plan["schemes"]:
            self.refuse(key, text, f"a scheme of {experiment}, {one_of(plan['schemes'])}")
        if not at:
            return Curve(text, experiment, scheme)
        try:
            point = float(at)
        except ValueError:
            point = math.nan
        if not _holds(plan["values"], point):
            self.refuse(key, text, f"a point of {experiment}, {one_of(plan['values'])}")
        return Curve(text, experiment, scheme, point)

    def points(self, curves: Sequence[Curve]) -> list[Any]:
        """Return the points that all curves not held at a point share, [None] if all are held."""
        wanted = self.check.points
        swept = list(dict.fromkeys(curve.experiment for curve in curves if curve.point is None))
        if not swept:
            if wanted is not None:
                self.refuse("points", wanted, "no points, since every curve is held at one")
            return [None]
        points = [float(value) for value in self.plans[swept[0]]["values"]]
        if isinstance(wanted, str):
            third = math.ceil(len(points) / 3)
            parts = {"first": points[:1], "last": points[-1:], "last_third": points[-third:]}
            points = parts[wanted]
        elif isinstance(wanted, dict):
            self.refuse("points", wanted, "numbers, which a reading gives")
        elif wanted is not None:
            points = [float(point) for point in wanted]
        for experiment in swept:
            values = self.plans[experiment]["values"]
            for point in points:
                if not _holds(values, point):
                    told = f"points of {experiment}, {one_of(values)}"
                    self.refuse("points", wanted or point, told)
        return points

    def look_at_chain(self, resolved: Mapping[str, Any]) -> None:
        """Refuse a comparison along fewer than two schemes, or gaps without a partner."""
        key = "schemes" if "schemes" in resolved else "scheme"
        chain = [curve.name for curve in resolved[key]]
        if len(chain) < 2:
            self.refuse(key, chain, "at least two curves, along scheme")
        if "over" in resolved and len(resolved["over"]) != len(chain):
            over = [curve.name for curve in resolved["over"]]
            self.refuse("over", over, f"one curve for each of {', '.join(chain)}, along scheme")

    def look_for_variables(self, resolved: Mapping[str, Any], curves: Sequence[Curve]) -> None:
        traced = self.check.traced or resolved.get("along") == "iteration"
        quantity = resolved["quantity"]
        for experiment in dict.fromkeys(curve.experiment for curve in curves):
            plan = self.plans[experiment]
            if traced and not plan.get("trace", False):
                having = [name for name, other in self.plans.items() if other.get("trace", False)]
                self.refuse("experiment", experiment, f"one with a trace, {one_of(having)}")
            known = plan.get("traces" if traced else "quantities")
            if known is not None and quantity is not None and quantity not in known:
                self.refuse("quantity", quantity, f"what {experiment} has, {one_of(known)}")
            for iteration in _listed(resolved.get("iteration", [])):
                if iteration >= plan.get("iterations", math.inf):
                    self.refuse("iteration", iteration, f"at most {plan['iterations'] - 1}")


def _holds(values: Sequence[float], wanted: float) -> bool:
    return any(math.isclose(value, wanted) for value in values)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _range(bounds: Sequence[float | None]) -> tuple[float, float]:
    low, high = bounds
    return -math.inf if low is None else low, math.inf if high is None else high


def _between(between: Any, points: Sequence[Any]) -> tuple[float, float]:
    if between != "middle_third":
        return _range(between)
    third = (max(points) - min(points)) / 3
    return min(points) + third, max(points) - third
