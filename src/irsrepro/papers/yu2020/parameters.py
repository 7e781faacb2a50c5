"""Parameters of yu2020: units and ranges; ``config/yu2020.yaml`` has values and origins."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from irsrepro.config.parameters import PaperParameters
from irsrepro.config.types import (
    Budget,
    Count,
    Decibel,
    Exponent,
    Length,
    Positive,
    PowerLevel,
    Quantity,
    Tolerance,
)


class Parameters(PaperParameters):
    """Parameters of yu2020."""

    users: Count
    elements: Count
    antennas: Count
    cell_radius: Length
    exclusion_radius: Annotated[float, Quantity("m", at_least=0, at_most=1e5)]
    sector_angle: Annotated[float, Quantity("degree", above=0, at_most=360)]
    irs_distance: Length
    carrier_frequency: Annotated[float, Quantity("GHz", above=0, at_most=1e4)]
    irs_exponent: Exponent
    direct_exponent: Exponent
    direct_shadowing: Annotated[float, Quantity("dB", at_least=0, at_most=100)]
    rician_factor: Decibel
    line_of_sight_angles: Literal["geometry", "random"]
    noise_power: PowerLevel
    sinr_target: Decibel
    amplifier_efficiency: Annotated[float, Quantity(above=0, at_most=1)]
    static_power: PowerLevel
    antenna_power: PowerLevel
    rank_mode: Literal["penalty", "slack"]
    rank_penalty: Positive
    rank_slack: Annotated[float, Quantity(above=0, at_most=1)]
    scaling: Positive
    tolerance: Tolerance
    max_iterations: Budget
    alternation_max_iterations: Budget
    alternation_tolerance: Tolerance
    subproblem_accuracy: Positive
    randomisations: Budget
    relaxation: Literal["margin", "ratio", "slack"]
    relaxation_tolerance: Positive
    draw_selection: Literal["any", "feasible"]
    kept_design: Literal["last", "best"]
    starts: Count
    gradient_tolerance: Positive
    riemannian_max_iterations: Budget
    bound_tolerance: Positive

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Users have a place between the exclusion and the edge of the cell."""
        if values["exclusion_radius"] >= values["cell_radius"]:
            yield "exclusion_radius", f"less than cell_radius = {values['cell_radius']} m"
