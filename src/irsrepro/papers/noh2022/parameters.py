"""Parameters of noh2022: units and ranges; ``config/noh2022.yaml`` has values and origins."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from irsrepro.config.parameters import PaperParameters
from irsrepro.config.types import (
    Budget,
    Count,
    Decibel,
    Exponent,
    Length,
    PowerLevel,
    Quantity,
    Sample,
    Wavelengths,
)


class Parameters(PaperParameters):
    """Parameters of noh2022."""

    access_points: Annotated[int, Quantity(at_least=1, at_most=4)]
    antennas: Count
    irs_sites: Count
    surfaces: Count
    elements: Count
    elements_per_column: Count
    users: Count
    area_side: Length
    hotspot_centre: Length
    hotspot_step: Length
    hotspot_place: Annotated[int, Quantity(at_least=0, at_most=1000)]
    hotspot_radius: Length
    ap_height: Length
    irs_height: Length
    ue_height: Length
    reference_gain: Decibel
    direct_exponent: Exponent
    ap_irs_exponent: Exponent
    irs_user_exponent: Exponent
    spacing: Wavelengths
    direct_rician_factor: Decibel
    reflected_rician_factor: Decibel
    noise_power: PowerLevel
    transmit_power: PowerLevel
    channels_per_drop: Sample
    sdp_tolerance: Annotated[float, Quantity(above=0, at_most=0.1)]
    randomisation_draws: Budget
    rounding: Literal["polished", "randomised"]
    instantaneous_channels: Sample
    sum_rate_start: Literal["duality", "equal"]
    sum_rate_modulus: Literal["one", "disc"]
    sum_rate_tolerance: Annotated[float, Quantity(above=0, at_most=0.1)]
    sum_rate_max_iterations: Budget
    phase_accuracy: Annotated[float, Quantity("nat", above=0, at_most=0.1)]
    phase_sweeps: Budget
    direct_channels: Count
    direct_max_iterations: Budget
    hardening_channels: Sample

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Every surface has a site."""
        if values["surfaces"] > values["irs_sites"]:
            yield "surfaces", f"at most irs_sites = {values['irs_sites']}"
