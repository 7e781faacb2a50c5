"""Parameters of zhang2022: units and ranges; ``config/zhang2022.yaml`` has values and origins."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from irsrepro.config.parameters import PaperParameters
from irsrepro.config.types import (
    Budget,
    Count,
    CountOrHalf,
    Expected,
    Length,
    Point,
    Positive,
    PowerLevel,
    Probability,
    Quantity,
    Share,
    Tolerance,
)

Loss = Annotated[float, Quantity("dB", at_least=0, at_most=200)]


class Parameters(PaperParameters):
    """Parameters of zhang2022."""

    bs_position: Point
    irs1_position: Point
    irs2_position: Point
    users_position: Point
    users_radius: Length
    carrier: Annotated[float, Quantity("Hz", above=0, at_most=1e13)]
    row_length: Count
    antennas: Count
    elements: Count
    users: Count
    bs_irs_paths: Annotated[int, Quantity(at_least=0, at_most=1000)]
    irs_user_paths: Annotated[int, Quantity(at_least=0, at_most=1000)]
    irs_irs_paths: Annotated[int, Quantity(at_least=0, at_most=1000)]
    scattered_power: Positive
    direct_loss: Annotated[
        Loss | Literal["blocked"], Expected("blocked or a number from 0 to 200 (dB)", "dB")
    ]
    draw_inter_irs: bool
    noise_power: PowerLevel
    transmit_power: PowerLevel
    weights: Annotated[
        list[Positive], Field(min_length=1), Expected("a list of numbers above 0", "1")
    ]
    amplitude: Annotated[float, Quantity(above=0, at_most=1)]
    objective: Literal["sum-rate", "min-rate"]
    beams: Literal["search", "mrt", "zf", "mmse"]
    reflection: Literal["optimised", "random"]
    start: Literal["zero", "random"]
    outer_iterations: Budget
    beam_steps: Budget
    reflection_steps: Budget
    step_tolerance: Tolerance
    smoothing: Positive
    share_smoothing: bool
    smoothing_shrink: Share
    smoothing_floor: Tolerance
    auxiliary_updates: Annotated[int, Quantity(at_least=1, at_most=2)]
    levels: Annotated[int, Quantity(at_least=2, at_most=1024)]
    quantisation: Literal["never", "inside", "inside, kept", "after"]
    designed_with: Literal["without inter-IRS", "with inter-IRS"]
    verified_with: Literal["without inter-IRS", "with inter-IRS"]
    inter_irs_directions: Literal["irs1_to_irs2", "both"]
    total_elements: Count
    elements1: CountOrHalf
    deployment: Literal["separated", "co-located"]
    blocked_links: Literal["none", "all", "crossed", "station", "users"]
    blockage: Probability
    blockage_stretch: Length
    blockage_distance: Literal["own", "inter-IRS"]
    aif_iterations: Budget
    aif_tolerance: Tolerance
    phase_accuracy: Share
    sdr_tolerance: Share
    randomisations: Budget
    polish: bool

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A surface has no more elements than both together."""
        first, total = values.get("elements1", "half"), values.get("total_elements", 0)
        if first != "half" and first > total:
            yield "elements1", f"half or at most total_elements = {total}"
