"""What a configuration file may say of figures: layouts, curves, distributions, traces, sheets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from irsrepro.config.types import (
    Ends,
    Expected,
    Index,
    Joined,
    Name,
    Names,
    Points,
    Quantity,
    Section,
    Text,
)


class Axis(Section):
    """An axis of a figure."""

    label: Text
    scale: Literal["linear", "log", "log2"] = "linear"
    limits: Ends | None = None


class TopAxis(Section):
    """A second horizontal axis and the experiments drawn over it."""

    label: Text
    experiments: Names


class Layout(Section):
    """A figure of places, and what every figure has."""

    kind: Literal["layout"]
    title: Text
    caption: Text
    ensemble: Name
    x: Axis | None = None
    y: Axis | None = None


class Sheet(Section):
    """Figures side by side."""

    kind: Literal["sheet"]
    title: Text
    caption: Text
    figures: Names


class _OfExperiments(Section):
    """What figures of experiments have."""

    title: Text
    caption: Text
    experiments: Names
    x: Axis
    y: Axis
    top: TopAxis | None = None
    statistic: Literal["mean", "median"] = "mean"
    points: Points | None = Field(None, description="the only ones of the sweep that are drawn")
    titles: dict[Name, Text] | None = Field(None, description="instead of those of experiments")
    schemes: Names | None = Field(None, description="all of the experiments without it")
    after: (
        dict[Name, Annotated[list[Index], Field(min_length=1), Expected("a list of iterations")]]
        | None
    ) = Field(None, description="schemes drawn after fewer iterations too")
    colours: dict[Text, Text] | None = Field(
        None, description="of schemes, of experiments or of EXPERIMENT/SCHEME"
    )
    also: dict[Name, dict[Name, Text]] | None = Field(
        None, description="schemes of which other quantities are drawn too, with their titles"
    )
    joined: (
        Annotated[list[list[Joined]], Expected("a list of lists of two or more CURVE@POINT")] | None
    ) = Field(None, description="points that belong together, joined by a thin line")
    beneath: Names | None = Field(
        None, description="schemes that others cover, drawn broad and pale"
    )
    added: Names | None = Field(None, description="schemes that the printed figure does not have")
    metric: Name | None = Field(None, description="instead of the metric of the experiments")
    minus: Name | None = Field(None, description="drawn are differences to this scheme")


class Curves(_OfExperiments):
    """A figure of means or medians over a sweep."""

    kind: Literal["curves"]


class Distributions(_OfExperiments):
    """A figure of empirical distributions at some points of a sweep."""

    kind: Literal["distributions"]
    points: Points


class Trace(_OfExperiments):
    """A figure of the metric per iteration."""

    kind: Literal["trace"]
    iterations: Annotated[int, Quantity(at_least=1, at_most=1_000_000)]
    realisation: Index | None = Field(None, description="the only one drawn")
    against: Literal["iterations", "seconds"] = "iterations"


Figure = Annotated[Layout | Sheet | Curves | Distributions | Trace, Field(discriminator="kind")]
