"""What a solution of yu2020 holds: beamformers that meet targets, reflections of modulus one."""

from irsrepro.build.solution_format import SolutionFormat, Target, UnitModulus, Variable

MODEL = """
User $k$ hears the row $h_k = \\sum_n h_{kn}^* \\, x_n \\, f_n + d_k^*$ over the first `elements`
elements, where $h$ is `irs_to_user` and $d$ is `direct` (both are conjugated here), $f_n$ the row
of `ap_to_irs` and $x$ `reflection`. Its SINR is $|h_k w_k|^2 / (\\sigma^2 + \\sum_{j \\ne k} |h_k
w_j|^2)$ with the beamformers $w_j$ in W^0.5 and $\\sigma^2$ `noise_power` in dBm. What counts is
the least power $\\sum_k \\|w_k\\|^2$ with which every SINR reaches `sinr_target` (in dB).
"""

SOLUTION = SolutionFormat(
    variables={
        "beamformer": Variable(("user", "antenna"), "W^0.5", "beamformer of each user"),
        "reflection": Variable(("element",), "1", "reflection coefficient", UnitModulus()),
    },
    sizes=lambda p: {"user": p["users"], "antenna": p["antennas"], "element": p["elements"]},
    axes={"user": "`users`", "antenna": "`antennas`", "element": "`elements`"},
    model=MODEL,
    targets={
        "sinr": Target(
            lambda p: float(10.0 ** (p["sinr_target"] / 10.0)),
            "the SINR of every user reaches `sinr_target`",
        )
    },
    lower_is_better=("transmit_power", "transmit_power_dbm"),
)
