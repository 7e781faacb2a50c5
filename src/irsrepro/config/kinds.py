"""Kinds of checks: what each requires, in its docstring, and its arguments.

A check names its curves as ``[EXPERIMENT/]SCHEME[@POINT]``: a scheme of the check's experiment, or
of another one, over the whole sweep or held at one point of it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from irsrepro.config.types import (
    Expected,
    Name,
    Number,
    Quantity,
    Section,
    Share,
    key_error,
    rising,
)

PART = {"all": 1.0, "third": 1 / 3}
EVERY = "every_realisation"
OF_REALISATIONS = (EVERY, "share")
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


class OfSeveral(AnyCheck):
    """A check of one or several curves: ``scheme`` or ``schemes``."""

    schemes: CurveNames | None = None
    scheme: CurveNames | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> OfSeveral:
        if (self.schemes is None) == (self.scheme is None):
            raise key_error("schemes", "one or several curves, under scheme or schemes")
        return self


class _Pair(AnyCheck):
    """A check of one curve against others."""

    scheme: CurveName
    over: CurveNames


class Trend(OfSeveral, Averaged):
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


class ExceedsPoint(OfSeveral, Averaged):
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


class ValueBetween(OfSeveral, Averaged):
    """Each curve is within bounds, at every point."""

    kind: Literal["value_between"]
    bounds: Bounds


class RatioBetween(_Pair, Averaged):
    """Scheme / over, both less a baseline if one is named, is within bounds, at every point."""

    kind: Literal["ratio_between"]
    bounds: Bounds
    baseline: CurveName | None = None


class _Slope(OfSeveral, Averaged):
    """A check of the slope fitted to the last part of a curve."""

    fewest_points = 2
    relative: bool = False
    last: Literal["all", "third"] = "third"
    per: Literal["unit", "doubling"] = "unit"
    along: Literal["point", "iteration"] = "point"


class SlopeBetween(_Slope):
    """The slope fitted to the last part of a curve, or its difference to over's, is in bounds."""

    kind: Literal["slope_between"]
    bounds: Bounds
    over: CurveNames | None = None
    last: Literal["all", "third"] = "all"


class SlopeLimit(_Slope):
    """The slope of each curve's last part is at most slope, up or down (at least slope)."""

    kind: Literal["saturates", "keeps_rising"]
    slope: Bound


class Concave(OfSeveral, Averaged):
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


class ConvergesBy(OfSeveral, Averaged):
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
            raise key_error("share", "[low, high] with kind share, nothing without")
        return self


class Monotone(OfSeveral, OfRealisations):
    """The trace never falls (direction down: never rises) beyond a relative tolerance."""

    traced = True
    property: Literal["monotone"]
    direction: Literal["up", "down"] = "up"
    tolerance: Bound = 1e-9


class ConvergedBy(OfSeveral, OfRealisations):
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


class IsBetween(OfSeveral, OfRealisations):
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
