"""What a solution of he2020 holds: powers up to their limit, reflections in the unit disc."""

from collections.abc import Mapping
from typing import Any

from irsrepro.build.solution_format import PowerRange, SolutionFormat, UnitDisc, Variable

MODEL = """
Destination $k$ hears source $i$ with the amplitude $v_{ik} = \\sum_{l,n} h_{iln} \\, g_{lkn}^* \\,
x_{ln}$ over the first `irss` surfaces, where $h$ is `source_to_irs`, $g$ `irs_to_destination`
(conjugated here) and $x$ `reflection`. Every element passes on noise of the power
$\\sigma_r^2 |g_{lkn} x_{ln}|^2$. With the powers $p_i$ the SINR of pair $k$ is $p_k |v_{kk}|^2 /
(\\sum_{i \\ne k} p_i |v_{ik}|^2 + \\sigma_r^2 \\sum_{l,n} |g_{lkn} x_{ln}|^2 + \\sigma^2)$, with
`irs_noise_power` and `destination_noise_power` in W.
"""


def power_limit(parameters: Mapping[str, Any]) -> float:
    """Return P_max in W."""
    relative = parameters["snr_reference"] == "noise"
    reference = parameters["destination_noise_power"] if relative else 1.0
    return float(reference * 10.0 ** (parameters["snr"] / 10.0))


SOLUTION = SolutionFormat(
    variables={
        "power": Variable(
            ("source",),
            "W",
            "transmit power",
            PowerRange(power_limit, "0 to P_max, which is `snr` (dB) above 1 W or above the noise"),
            complex=False,
        ),
        "reflection": Variable(("irs", "element"), "1", "reflection coefficient", UnitDisc()),
    },
    sizes=lambda p: {"source": p["pairs"], "irs": p["irss"], "element": p["elements"]},
    axes={"source": "`pairs`", "irs": "`irss`", "element": "`elements` of each surface"},
    model=MODEL,
)
