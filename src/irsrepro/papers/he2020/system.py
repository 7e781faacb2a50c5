"""System model: pairs of single-antenna nodes that hear each other through surfaces only.

The reflection vector x holds the physical reflection coefficients e^{j phi}; the paper's theta is
its conjugate, so that theta^H v = sum_n x_n v_n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.metrics import interference_sinr, sum_rate

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

    With ``surface_sites: together`` all of them stand where the first one does, as one large
    surface: fading is as drawn, distances are those to the first.

    Args:
        channels: what ``draw`` returned.
        parameters: the parameters of a solution.

    Returns:
        The network, with v_{i,k} = h_i o conj(g_k) and C_k = sigma_r^2 diag(|g_k|^2).
    """
    selection = channels.isel(irs=slice(0, parameters["irss"]))
    co_located = parameters["surface_sites"] == "together"
    realisations = selection.sizes["realisation"]

    def by_element(name: str, node: str, exponent: float) -> NDArray[np.complex128]:
        values = selection[name].transpose("realisation", node, "irs", "element").values
        if co_located:
            distance = distances(
                selection[f"{node}_position"].values, selection["irs_position"].values
            )
            gain = log_distance_gain(distance, 0.0, exponent)
            values = values * np.sqrt(gain[..., :1] / gain)[..., None]
        return values.reshape(realisations, values.shape[1], -1)

    incoming = by_element("source_to_irs", "source", parameters["source_irs_exponent"])
    outgoing = by_element(
        "irs_to_destination", "destination", parameters["irs_destination_exponent"]
    )
    noise = parameters["destination_noise_power"]
    reference = noise if parameters["snr_reference"] == "noise" else 1.0
    return Network(
        responses=incoming[:, :, None, :] * outgoing[:, None, :, :].conj(),
        noise_gains=parameters["irs_noise_power"] * np.abs(outgoing) ** 2,
        noise_power=noise,
        power_limit=reference * 10.0 ** (parameters["snr"] / 10.0),
        starting_reflection=np.exp(1j * selection["starting_phase"].values).reshape(
            realisations, -1
        ),
        surfaces=selection.sizes["irs"],
    )


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate powers and reflection vectors, eqs. (5) and (6).

    Returns:
        ``sinr`` (realisation, destination); ``sum_rate`` (realisation,) in bit/s/Hz, and
        ``sum_rate_projected``, what is left of it if every coefficient is projected to modulus one.
    """
    system = network(problem.channels, problem.parameters)
    powers = variables["power"].values
    coefficients = variables["reflection"].values.reshape(len(powers), -1)

    def sinr_of(reflection: NDArray[np.complex128]) -> NDArray[np.float64]:
        return interference_sinr(
            system.responses, system.noise_gains, system.noise_power, powers, reflection
        )

    sinr = sinr_of(coefficients)
    projected_rate = sum_rate(sinr_of(np.exp(1j * np.angle(coefficients))), HALF_DUPLEX)
    dims = ("realisation",)
    return xr.Dataset(
        {
            "sinr": variable(("realisation", "destination"), sinr, "SINR", "1"),
            "sum_rate": variable(dims, sum_rate(sinr, HALF_DUPLEX), "sum-rate", "bit/s/Hz"),
            "sum_rate_projected": variable(
                dims,
                projected_rate,
                "sum-rate with coefficients projected to modulus one",
                "bit/s/Hz",
            ),
        }
    )
