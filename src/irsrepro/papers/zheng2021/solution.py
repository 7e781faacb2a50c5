"""What a solution of zheng2021 holds: reflections of modulus one and receivers, double system."""

from collections.abc import Mapping
from typing import Any

from irsrepro.build.solution_format import NotZero, SolutionFormat, UnitModulus, Variable
from irsrepro.papers.zheng2021.system import surfaces

MODEL = """
The channel of the users is $H = G_2 X_2 U_2 + G_1 X_1 U_1 + G_2 X_2 D X_1 U_1$ with $X_i$ the
diagonal matrix of `reflectioni`, $U_i$ `users_to_irsi`, $G_i$ `irsi_to_bs` and $D$ `irs1_to_irs2`,
each (receiving, sending), cut to the first subsurfaces and users, times the root of its `..._gain`,
and each of $G_1$, $G_2$ and $D$ times `subsurface_gain`. With `fading: rician` a link is put
together from its `..._direct` and `..._scattered` part: $\\sqrt{\\kappa/(\\kappa+1)}$ and
$\\sqrt{1/(\\kappa+1)}$ of them, $\\kappa$ being `near_rician_factor` or `far_rician_factor` in dB.
A user sends `transmit_power` (dBm), an antenna has `noise_power` (dBm), and the length of a
receiver makes no difference.
"""


def sizes(parameters: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the sizes of all axes at a point; the only user of Rician channels has no axis."""
    first, second = surfaces(parameters)
    return {
        "irs1_element": first,
        "irs2_element": second,
        "antenna": parameters["antennas"],
        "user": None if parameters["fading"] == "rician" else parameters["users"],
    }


def _reflection(irs: int) -> Variable:
    description = f"reflection coefficient of IRS {irs}"
    return Variable((f"irs{irs}_element",), "1", description, UnitModulus())


SOLUTION = SolutionFormat(
    variables={
        "reflection1": _reflection(1),
        "reflection2": _reflection(2),
        "receiver": Variable(("antenna", "user"), "1", "receive beamformer", NotZero()),
    },
    sizes=sizes,
    axes={
        "irs1_element": "`subsurfaces1`, or half of `subsurfaces`",
        "irs2_element": "the other ones of `subsurfaces`",
        "antenna": "`antennas`",
        "user": "`users`; no axis with `fading: rician`, which has one user",
    },
    model=MODEL,
)
