"""Parameters of he2020: units and ranges; ``config/he2020.yaml`` has values and origins."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from irsrepro.config.parameters import PaperParameters
from irsrepro.config.types import (
    Budget,
    Count,
    Decibel,
    Expected,
    Exponent,
    Interval,
    Length,
    PointInPlane,
    Quantity,
    Section,
)


class Region(Section):
    """A rectangle and its mirror image at negative y."""

    x: Interval
    mirrored_y: Interval


class Parameters(PaperParameters):
    """Parameters of he2020."""

    pairs: Count
    irss: Count
    elements: Count
    source_centre: PointInPlane
    destination_centre: PointInPlane
    node_radius: Length
    drop: Literal["disc", "ring"]
    irs_placement: Literal["fixed", "region"]
    irs_positions: Annotated[
        list[PointInPlane], Field(min_length=1), Expected("a list of [x, y] (m)", "m")
    ]
    irs_region: Annotated[Region, Expected("{x: [low, high], mirrored_y: [low, high]} (m)", "m")]
    reference_gain: Decibel
    source_irs_exponent: Exponent
    irs_destination_exponent: Exponent
    starting_phases: Literal["random", "second random", "zero"]
    irs_noise_power: Annotated[float, Quantity("W", at_least=0, at_most=1e6)]
    destination_noise_power: Annotated[float, Quantity("W", above=0, at_most=1e6)]
    snr: Decibel
    snr_reference: Literal["one watt", "noise"]
    surface_sites: Literal["apart", "together"]
    phase_step: Literal["exact", "ellipsoid", "sweep", "unit_modulus"]
    starts: Literal["one", "two"]
    tolerance: Annotated[float, Quantity("bit/s/Hz", at_least=0, at_most=1)]
    max_iterations: Budget

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Every surface of the fixed placement has a position."""
        if values["irs_placement"] == "fixed" and len(values["irs_positions"]) < values["irss"]:
            yield "irs_positions", f"positions of irss = {values['irss']} surfaces at least"
