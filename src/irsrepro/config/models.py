"""What a configuration file may say: ``config/KEY.yaml`` of a paper, and ``config/config.yaml``.

Names that refer to other sections, and values of parameters, are checked in ``references``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from irsrepro.config.commands import (
    COMMAND,
    FILES,
    TIME_LIMIT,
    is_command,
    is_inside,
)
from irsrepro.config.figures import Figure
from irsrepro.config.kinds import Check
from irsrepro.config.types import (
    ClaimName,
    Ends,
    Expected,
    Index,
    Name,
    Names,
    NewName,
    Number,
    Quantity,
    Realisations,
    Section,
    SomeValues,
    Text,
    Values,
    Year,
    distinct,
)

Fidelity = Literal["paper", "preview"]
Engine = Literal["fast", "reference"]
Origin = Literal["stated", "derived", "related-work", "recalled", "assumed", "calibrated"]
Source = Literal["paper", "threshold ours", "reconstructed", "ours"]


class PerFidelity(Section):
    """A number for either fidelity."""

    paper: Index
    preview: Index


class MultiverseSettings(Section):
    """How far a multiverse goes."""

    samples: Index = Field(description="points of the product of all plausible values, per paper")
    realisations: Realisations = Field(description="given to a claim that stays open, at most")
    every_value: bool = Field(description="every plausible value on its own, too")


class Settings(Section):
    """What all papers share: config/config.yaml."""

    seed: Annotated[int, Quantity(at_least=0, at_most=2**63)]
    fidelity: Fidelity
    engine: Engine
    chunk: Realisations
    rounding_sample: PerFidelity
    multiverse: MultiverseSettings


class RunSettings(Settings):
    """Settings with what only a command line gives."""

    realisations: Realisations | None = None
    variant: NewName | None = None


class Sourced(Section):
    """Something with an origin and a reason."""

    origin: Origin
    why: Text


class SampleSize(Sourced):
    """How many realisations."""

    value: Realisations


class SampleSizes(Section):
    """How many realisations at either fidelity."""

    paper: SampleSize
    preview: SampleSize


class _Reasoned(Section):
    """A reason, and a source where there is one."""

    why: Text
    source: Text | None = Field(None, description="paper, standard or code that has such values")


class PlausibleValues(_Reasoned):
    """Other values that the authors may have used."""

    values: Annotated[
        list[Any],
        Field(min_length=1),
        Expected("a list of different values", accepts=distinct),
    ]


class PlausibleRange(_Reasoned):
    """A range of numbers that holds the one the authors used, as far as one can tell."""

    between: Ends
    scale: Literal["linear", "log"] = "linear"
    step: Annotated[float, Quantity(above=0, at_most=1e12)] | None = Field(
        None, description="multiples of it above the lower end; 1 for whole numbers"
    )


class NotVaried(Section):
    """Why no other value is looked at."""

    fixed: Text


PLAUSIBLE = {"values": "listed", "between": "ranged", "fixed": "not varied"}  # keys and their tags


def _kind_of_plausible(content: Any) -> str | None:
    """Return the tag of the model for a plausible entry, by the one key that only it has."""
    tags = [
        tag
        for key, tag in PLAUSIBLE.items()
        if (key in content if isinstance(content, dict) else hasattr(content, key))
    ]
    return tags[0] if len(tags) == 1 else None


Plausible = Annotated[
    Annotated[PlausibleValues, Tag("listed")]
    | Annotated[PlausibleRange, Tag("ranged")]
    | Annotated[NotVaried, Tag("not varied")],
    Discriminator(
        _kind_of_plausible,
        custom_error_type="plausible",
        custom_error_message="a mapping with one of values, between, fixed",
    ),
]


class Parameter(Sourced):
    """A parameter: its value, where that is from, what else it may be, and which schemes use it."""

    value: Any
    plausible: Plausible | None = Field(
        None, description="what else the authors may have used; it changes no result"
    )
    unit: Text | None = None
    used_by: (
        Annotated[Literal["channels"] | list[Name], Expected("channels or a list of schemes")]
        | None
    ) = Field(
        None,
        description="channels, or the schemes that know it, external being every command; "
        "all of them without it",
    )
    ensembles: Names | None = Field(None, description="the only ensembles that it matters to")


class Ensemble(Section):
    """A family of channel realisations."""

    about: Text
    set: Values | None = None
    draws_of: Name | None = Field(
        None, description="the ensemble whose random numbers it shares, instead of its own"
    )
    realisations: SampleSizes | None = None
    chunk: Realisations | None = Field(None, description="realisations per file")


class _AnyScheme(Section):
    """What every scheme may have."""

    experiments: Names | None = Field(
        None, description="experiments that it takes part in beside those that list it"
    )


class Scheme(_AnyScheme):
    """An algorithm of a legend."""

    title: Text
    about: Text
    module: Name | None = None
    set: Values | None = Field(None, description="what makes it this scheme of its module")
    beyond_paper: bool = False


class ExternalScheme(_AnyScheme):
    """A scheme that a command designs, see docs/bring_your_own.md."""

    command: Annotated[str, Field(max_length=2000), Expected(COMMAND, accepts=is_command)]
    title: Text | None = Field(None, description="in legends; the name without it")
    about: Text | None = None
    files: (
        Annotated[
            list[str],
            Field(min_length=1),
            Expected(FILES, accepts=lambda names: all(map(is_inside, names))),
        ]
        | None
    ) = Field(None, description="more files of the checkout that it depends on, * being any name")
    time_limit: Annotated[float, Quantity("s", above=0, at_most=1e6)] = Field(
        TIME_LIMIT, description="for the realisations of a file at one point of a sweep"
    )
    set: Values | None = Field(None, description="parameters that it is given other values of")
    beyond_paper: bool = True


def _kind_of_scheme(entry: Any) -> str:
    has_command = isinstance(entry, ExternalScheme) or (
        isinstance(entry, dict) and "command" in entry
    )
    return "by command" if has_command else "by module"


AnyScheme = Annotated[
    Annotated[Scheme, Tag("by module")] | Annotated[ExternalScheme, Tag("by command")],
    Discriminator(_kind_of_scheme),
]


class Sweep(Sourced):
    """The parameter on the horizontal axis and its values."""

    parameter: Name
    values: Annotated[
        list[Number],
        Field(min_length=1),
        Expected("a list of different numbers", accepts=distinct),
    ]
    design_once: bool = Field(
        False, description="variables do not depend on it, only what they achieve does"
    )
    continued: bool = Field(
        False, description="a scheme is given what it designed at the point before, to go on from"
    )


class Experiment(Section):
    """A sweep over an ensemble, with a metric and the schemes compared."""

    title: Text | None = Field(None, description="what sets it apart from others in one figure")
    about: Text
    ensemble: Name
    sweep: Sweep
    metric: Name
    schemes: Names
    set: Values | None = None
    trace: bool = False
    timed: bool = Field(False, description="solutions hold seconds, which differ between runs")
    first: dict[Name, Realisations] | None = Field(
        None, description="costly schemes and the first realisations that they run on"
    )


class Cause(Section):
    """Why a claim is not replicated."""

    of: Literal["paper", "lost number", "budget", "sample"]
    why: Text


class Claim(Section):
    """A statement of the paper with checks on the data."""

    about: Text
    figure: Name
    text: Text
    note: Text | None = None
    source: Source = "paper"
    cause: Cause | None = None
    rests_on: Annotated[list[Name], Expected("a list of parameters", accepts=distinct)] | None = (
        None
    )
    unless: SomeValues | None = Field(
        None, description="values of parameters with any of which it says nothing"
    )
    checks: Annotated[list[Check], Field(min_length=1)]


class Alternative(Section):
    """Another reading: values of parameters, or of single experiments."""

    about: Text
    set: SomeValues | None = None
    experiments: dict[Name, SomeValues] | None = None


class PaperFile(Section):
    """One paper: config/KEY.yaml."""

    title: Text
    authors: Annotated[list[Text], Field(min_length=1)]
    venue: Text
    year: Year
    identifiers: dict[Text, Text]
    summary: Text
    realisations: SampleSizes
    parameters: dict[Name, Parameter]
    ensembles: dict[NewName, Ensemble]
    schemes: dict[NewName, AnyScheme]
    experiments: dict[NewName, Experiment]
    figures: dict[NewName, Figure]
    claims: dict[ClaimName, Claim]
    alternatives: dict[NewName, Alternative]
    errata: list[Text]
