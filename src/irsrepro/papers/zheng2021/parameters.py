"""Parameters of zheng2021: units and ranges; ``config/zheng2021.yaml`` has values and origins."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from irsrepro.config.parameters import PaperParameters
from irsrepro.config.types import (
    Angle,
    Budget,
    Count,
    CountOrHalf,
    Decibel,
    Exponent,
    Point,
    Positive,
    PowerLevel,
    Quantity,
    Tolerance,
    Wavelengths,
)


class Parameters(PaperParameters):
    """Parameters of zheng2021."""

    bs_position: Point
    irs2_position: Point
    irs1_position: Point
    users_position: Point
    irs1_azimuth: Angle
    irs2_azimuth: Angle
    antennas: Count
    users: Count
    largest_surface: Count
    row_length: Count
    subsurface_spacing: Wavelengths
    fading: Literal["rician", "multipath"]
    single_irs: Literal["irs1", "irs2"]
    reference_gain: Decibel
    near_exponent: Exponent
    far_exponent: Exponent
    near_paths: Count
    far_paths: Count
    subsurfaces: Count
    subsurfaces1: CountOrHalf
    subsurface_gain: Positive
    near_rician_factor: Decibel
    far_rician_factor: Decibel
    noise_power: PowerLevel
    transmit_power: PowerLevel
    ao_iterations: Budget
    ao_tolerance: Tolerance
    start: Literal["single IRS", "dft", "random"]
    optimise: bool
    sdr_iterations: Budget
    sdr_tolerance: Annotated[float, Quantity(above=0, at_most=0.1)]
    randomisations: Budget
    keep_incumbent: bool
    iterations: Budget
    tolerance: Tolerance
    receiver: Literal["zf", "mmse"]
    zf_beyond_rank: Literal["pseudo-inverse", "invalid", "literal"]
    system: Literal["double", "single"]
    paths: Literal["all", "double"]
    reflection_step: Literal["relaxation", "climb"]

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A surface has no more elements than both together."""
        first, total = values["subsurfaces1"], values["subsurfaces"]
        if first != "half" and first > total:
            yield "subsurfaces1", f"half or at most subsurfaces = {total}"
