"""System model: pairs of single-antenna nodes that hear each other through surfaces only.

The reflection vector x holds the physical reflection coefficients e^{j phi}; the paper's theta is
its conjugate, so that theta^H v = sum_n x_n v_n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.channels.fading import rayleigh, uniform_phases
from irsrepro.channels.layouts import uniform_in_disc, uniform_in_mirrored_rectangle
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, children
from irsrepro.metrics import interference_sinr, sum_rate
from irsrepro.storage import variable
from irsrepro.sweeps import Problem


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw positions, channels and starting phases, eqs. (1) to (3) and (26).

    Every node, link and surface has a stream of its own, so that more pairs, surfaces or elements
    contain the fewer.

    Args:
        parameters: the channel parameters of the document.
        streams: one stream per realisation.

    Returns:
        Positions in metres (realisation, node, coordinate), linear channel amplitudes
        ``source_to_irs`` (realisation, source, irs, element) and ``irs_to_destination``
        (realisation, irs, destination, element), and starting phases in radian.
    """
    nodes, surfaces, elements = (parameters[name] for name in ("pairs", "irss", "elements"))
    placed = {
        side: np.stack(
            [
                uniform_in_disc(
                    children(streams, f"{side} position", node),
                    parameters[f"{side}_centre"],
                    parameters["node_radius"],
                    ring=parameters["drop"] == "ring",
                )
                for node in range(nodes)
            ],
            axis=1,
        )
        for side in ("source", "destination")
    }
    irs = _irs_positions(parameters, streams)
    incoming = np.stack(
        [
            [
                rayleigh(children(streams, "source to IRS", node, surface), (elements,))
                for surface in range(surfaces)
            ]
            for node in range(nodes)
        ]
    ).transpose(2, 0, 1, 3)
    outgoing = np.stack(
        [
            [
                rayleigh(children(streams, "IRS to destination", surface, node), (elements,))
                for node in range(nodes)
            ]
            for surface in range(surfaces)
        ]
    ).transpose(2, 0, 1, 3)
    gain = parameters["reference_gain"]
    incoming_gain = log_distance_gain(
        distances(placed["source"], irs), gain, parameters["source_irs_exponent"]
    )
    outgoing_gain = log_distance_gain(
        distances(irs, placed["destination"]), gain, parameters["irs_destination_exponent"]
    )
    return xr.Dataset(
        {
            "source_position": variable(
                ("realisation", "source", "coordinate"),
                placed["source"],
                "position of a source",
                "m",
            ),
            "destination_position": variable(
                ("realisation", "destination", "coordinate"),
                placed["destination"],
                "position of a destination",
                "m",
            ),
            "irs_position": variable(
                ("realisation", "irs", "coordinate"), irs, "position of a surface", "m"
            ),
            "source_to_irs": variable(
                ("realisation", "source", "irs", "element"),
                np.sqrt(incoming_gain)[..., None] * incoming,
                "channel h from a source to an element, linear amplitude",
                "1",
            ),
            "irs_to_destination": variable(
                ("realisation", "irs", "destination", "element"),
                np.sqrt(outgoing_gain)[..., None] * outgoing,
                "channel g of an element and a destination, received through its conjugate",
                "1",
            ),
            "starting_phase": variable(
                ("realisation", "irs", "element"),
                _starting_phases(parameters, streams),
                "phase of a reflection coefficient at the start",
                "rad",
            ),
        }
    )


def _irs_positions(
    parameters: Mapping[str, Any], streams: Sequence[RandomStream]
) -> NDArray[np.float64]:
    surfaces = parameters["irss"]
    if parameters["irs_placement"] == "region":
        region = parameters["irs_region"]
        drawn = [
            uniform_in_mirrored_rectangle(
                children(streams, "IRS position", surface), region["x"], region["mirrored_y"]
            )
            for surface in range(surfaces)
        ]
        return np.stack(drawn, axis=1)
    positions = np.asarray(parameters["irs_positions"], dtype=float)
    if len(positions) < surfaces:
        raise ValueError(f"irs_positions: {len(positions)} given, irss = {surfaces} needs as many")
    return np.broadcast_to(positions[:surfaces], (len(streams), surfaces, 2)).copy()


def _starting_phases(
    parameters: Mapping[str, Any], streams: Sequence[RandomStream]
) -> NDArray[np.float64]:
    surfaces, elements = parameters["irss"], parameters["elements"]
    start = parameters["starting_phases"]
    if start == "zero":
        return np.zeros((len(streams), surfaces, elements))
    return np.stack(
        [
            uniform_phases(children(streams, f"{start} starting phases", surface), elements)
            for surface in range(surfaces)
        ],
        axis=1,
    )


HALF_DUPLEX = 0.5  # two hops share the time, eq. (6)


class Network(NamedTuple):
    """Channels of one point of a sweep, as the algorithms take them.

    Attributes:
        responses: cascaded channels v_{i,k} (realisation, source, destination, element).
        noise_gains: noise in W that an element of unit amplitude passes on,
            (realisation, destination, element); the diagonal of C_k.
        noise_power: noise of a destination in W.
        power_limit: P_max in W.
        starting_reflection: reflection vector at the start (realisation, element).
        surfaces: number of surfaces, whose elements follow one another in ``element``.
    """

    responses: NDArray[np.complex128]
    noise_gains: NDArray[np.float64]
    noise_power: float
    power_limit: float
    starting_reflection: NDArray[np.complex128]
    surfaces: int

    def full_power(self) -> NDArray[np.float64]:
        """Return the power limit for every source, (realisation, source) in W."""
        return np.full(self.responses.shape[:2], self.power_limit)

    def variables(
        self, powers: NDArray[np.float64], reflection: NDArray[np.complex128]
    ) -> xr.Dataset:
        """Lay out powers (realisation, source) and reflection vectors (realisation, element)."""
        per_surface = reflection.reshape(len(reflection), self.surfaces, -1)
        dims = ("realisation", "irs", "element")
        return xr.Dataset(
            {
                "power": variable(("realisation", "source"), powers, "transmit power", "W"),
                "reflection": variable(dims, per_surface, "reflection coefficient", "1"),
            }
        )


def network(channels: xr.Dataset, parameters: Mapping[str, Any]) -> Network:
    """Form the cascaded channels of the first ``irss`` surfaces, eq. (4).

    Args:
        channels: what ``draw`` returned.
        parameters: the parameters of a solution.

    Returns:
        The network, with v_{i,k} = h_i o conj(g_k) and C_k = sigma_r^2 diag(|g_k|^2).
    """
    chosen = channels.isel(irs=slice(0, parameters["irss"]))
    realisations = chosen.sizes["realisation"]

    def by_element(name: str, node: str) -> NDArray[np.complex128]:
        values = chosen[name].transpose("realisation", node, "irs", "element").values
        return values.reshape(realisations, values.shape[1], -1)

    incoming = by_element("source_to_irs", "source")
    outgoing = by_element("irs_to_destination", "destination")
    noise = parameters["destination_noise_power"]
    reference = noise if parameters["snr_reference"] == "noise" else 1.0
    return Network(
        responses=incoming[:, :, None, :] * outgoing[:, None, :, :].conj(),
        noise_gains=parameters["irs_noise_power"] * np.abs(outgoing) ** 2,
        noise_power=noise,
        power_limit=reference * 10.0 ** (parameters["snr"] / 10.0),
        starting_reflection=np.exp(1j * chosen["starting_phase"].values).reshape(realisations, -1),
        surfaces=chosen.sizes["irs"],
    )


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate powers and reflection vectors, eqs. (5) and (6).

    Both readings of the amplitude constraint are evaluated: coefficients inside the unit disc as
    designed, and projected to modulus one. With ``amplitude: one`` the projected ones are the
    result, and replace the designed ones.

    Returns:
        ``sinr`` (realisation, destination), and ``sum_rate`` and ``sum_rate_unit_modulus``
        (realisation,) in bit/s/Hz.
    """
    system = network(problem.channels, problem.parameters)
    powers = variables["power"].values
    designed = variables["reflection"].values.reshape(len(powers), -1)
    projected = np.exp(1j * np.angle(designed))
    chosen = projected if problem.parameters["amplitude"] == "one" else designed

    def sinr_of(reflection: NDArray[np.complex128]) -> NDArray[np.float64]:
        return interference_sinr(
            system.responses, system.noise_gains, system.noise_power, powers, reflection
        )

    sinr = sinr_of(chosen)
    projected_rate = sum_rate(sinr_of(projected), HALF_DUPLEX)
    one = ("realisation",)
    return system.variables(powers, chosen).assign(
        sinr=variable(("realisation", "destination"), sinr, "SINR", "1"),
        sum_rate=variable(one, sum_rate(sinr, HALF_DUPLEX), "sum-rate", "bit/s/Hz"),
        sum_rate_unit_modulus=variable(
            one, projected_rate, "sum-rate with reflection coefficients of modulus one", "bit/s/Hz"
        ),
    )
