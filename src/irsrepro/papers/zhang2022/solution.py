"""What a solution of zhang2022 holds: beams of total power one and reflections of modulus one."""

from collections.abc import Mapping
from typing import Any

from irsrepro.build.solution_format import SolutionFormat, TotalPower, UnitModulus, Variable
from irsrepro.papers.zhang2022.system import surfaces

MODEL = """
With $n$ over the first $N_1$ elements of IRS 1 and then the first $N_2$ of IRS 2, user $k$ hears
the row

$$h_k = \\sqrt{P / \\sigma^2} \\sum_n \\beta \\, r_{kn} \\, x_n \\, g_n,$$

where $r_{kn}$ is `irs1_to_users` or `irs2_to_users` (already the row, nothing is conjugated), $g_n$
the row of `bs_to_irs1` or `bs_to_irs2`, $x$ `reflection`, $\\beta$ `amplitude`, $P$
`transmit_power` and $\\sigma^2$ `noise_power` (both in dBm). The SINR of user $k$ with the beams
$w_j$ is $|h_k w_k|^2 / (1 + \\sum_{j \\ne k} |h_k w_j|^2)$. `elements` of either surface are in
use, or where `total_elements` is a parameter, `elements1` (or half) of them on IRS 1. In the
ensemble `paired` links may be blocked and the surfaces hear each other, eqs. (6) and (52).
"""


def sizes(parameters: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes of all axes at a point."""
    return {
        "beam": parameters["users"],
        "antenna": parameters["antennas"],
        "element": sum(surfaces(parameters)),
    }


SOLUTION = SolutionFormat(
    variables={
        "beams": Variable(
            ("beam", "antenna"), "1", "beam of each user, relative to the root of P", TotalPower()
        ),
        "reflection": Variable(
            ("element",), "1", "reflection coefficient over its amplitude", UnitModulus()
        ),
    },
    sizes=sizes,
    axes={
        "beam": "one for each user, `users`",
        "antenna": "`antennas`",
        "element": "N1 elements of IRS 1, then N2 of IRS 2; `elements` each, or `total_elements`",
    },
    model=MODEL,
)
