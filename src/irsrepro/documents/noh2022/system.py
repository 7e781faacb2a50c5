"""System model: access points serve users jointly, directly and through surfaces, by zero forcing.

A reflection coefficient phi of the paper multiplies the wave from an access point; the relaxation
works with its conjugate u, so that the line-of-sight channel is linear, h = d + Q u (eq. (15)).
Everything is divided by the noise power of a user: squared amplitudes are in 1/W.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.channels.rician_network import Complex, Real, RicianNetwork
from irsrepro.errors import ConfigurationError
from irsrepro.optimize.diagonal_sdp_problem import MaxMinProblem


def network(channels: xr.Dataset, parameters: Mapping[str, Any]) -> RicianNetwork:
    """Form the statistics of all links for the sizes in use, eqs. (3) and (4).

    Surfaces are every ``irs_sites / surfaces``-th of those drawn: 1 and 5, or 1, 3, 5 and 7, or all
    of 8. Both the line of sight and the scattering of a blocked link vanish.

    Args:
        channels: what ``draw`` returned.
        parameters: the parameters of a solution.

    Raises:
        ConfigurationError: the surfaces do not divide the sites.
    """
    sites, surfaces = channels.sizes["irs"], parameters["surfaces"]
    if surfaces < 1 or sites % surfaces:
        raise ConfigurationError(
            f"config/noh2022.yaml: parameters.surfaces: {surfaces} must divide irs_sites = {sites}"
        )
    chosen = channels.isel(
        irs=slice(0, None, sites // surfaces),
        element=slice(0, parameters["elements"]),
        antenna=slice(0, parameters["antennas"]),
        user=slice(0, parameters["users"]),
        access_point=slice(0, parameters["access_points"]),
    )
    direct_los, direct_nlos = _shares(parameters["direct_rician_factor"])
    reflected_los, reflected_nlos = _shares(parameters["reflected_rician_factor"])
    noise = 10.0 ** (parameters["noise_power"] / 10.0 - 3.0)
    seen = chosen["visible"].values.astype(float)
    direct = np.sqrt(chosen["direct_gain"].values / noise)
    incoming = np.sqrt(seen * chosen["ap_irs_gain"].values / noise)
    outgoing = np.sqrt(chosen["irs_user_gain"].values)
    departure = chosen["ap_irs_departure"].values
    return RicianNetwork(
        direct_mean=direct_los * direct[..., None] * chosen["direct_response"].values,
        direct_scatter=direct_nlos * direct,
        arrival=reflected_los * incoming[..., None] * chosen["ap_irs_arrival"].values,
        departure=np.broadcast_to(departure, (len(direct), *departure.shape)).copy(),
        site_scatter=reflected_nlos * incoming,
        surface_mean=reflected_los * outgoing[..., None] * chosen["irs_user_response"].values,
        surface_scatter=reflected_nlos * outgoing,
        numbers=np.arange(0, sites, sites // surfaces),
        seeds=chosen["fading_seed"].values.astype(np.uint64),
    )


def line_of_sight(links: RicianNetwork) -> Complex:
    """Return the line-of-sight composite channel as a linear map, E = [Q, d] of eqs. (13), (15).

    Returns:
        E, (realisation, access point, user, antenna, surface element and last the direct channel),
        with mean channel E [u; 1].
    """
    # Q = G^H Diag(f), by antennas: conj(departure) times conj(arrival) f.
    element = links.arrival.conj()[:, :, None] * links.surface_mean.swapaxes(1, 2)[:, None]
    reflected = (
        links.departure.conj().swapaxes(2, 3)[:, :, None, :, :, None] * element[:, :, :, None]
    )
    count, sites, users, antennas, surfaces, elements = reflected.shape
    flat = reflected.reshape(count, sites, users, antennas, surfaces * elements)
    return np.concatenate([flat, links.direct_mean[..., None]], axis=-1)


def scattered_gain(links: RicianNetwork, reflection: Complex) -> Real:
    """Return the mean gain that scattering adds, the last two terms of eq. (16).

    With coefficients of modulus one it does not depend on them.

    Args:
        links: statistics.
        reflection: phi, (realisation, surface, element).

    Returns:
        Array (realisation, access point, user) in 1/W.
    """
    antennas = links.departure.shape[-1]
    power = (np.abs(reflection) ** 2)[:, None, :, None, :]
    known_in = (np.abs(links.arrival) ** 2)[:, :, :, None, :]
    known_out = (np.abs(links.surface_mean) ** 2)[:, None]
    random_in = (links.site_scatter**2)[..., None, None]
    random_out = (links.surface_scatter**2)[:, None, ..., None]
    mixed = known_in * random_out + random_in * (known_out + random_out)
    reflected: Real = antennas * (power * mixed).sum(axis=(2, 4))
    return antennas * links.direct_scatter**2 + reflected


def average_gain(links: RicianNetwork, reflection: Complex) -> Real:
    """Return the mean channel gain E ||h||^2 in closed form, eqs. (16) to (18).

    Args:
        links: statistics.
        reflection: phi, (realisation, surface, element), amplitude at most one.

    Returns:
        Array (realisation, access point, user) in 1/W: SNR at 1 W and matched filtering.
    """
    count = len(reflection)
    extended = np.ones((count, reflection[0].size + 1), np.complex128)
    extended[:, :-1] = reflection.conj().reshape(count, -1)
    mean = np.einsum("rakmn,rn->rakm", line_of_sight(links), extended)
    known: Real = (np.abs(mean) ** 2).sum(axis=-1)
    return known + scattered_gain(links, reflection)


def smallest_gain_problem(links: RicianNetwork) -> MaxMinProblem:
    """Form the max-min problem in the mean gains, eqs. (11) to (14).

    Returns:
        The problem in x = [u; t], whose last element stands for the direct channels; columns are
        the antennas of all access points, for one user after the other.
    """
    mapping = line_of_sight(links)
    count, sites, users, antennas, size = mapping.shape
    columns = mapping.conj().transpose(0, 4, 2, 1, 3).reshape(count, size, -1)
    weights = np.repeat(np.eye(users), sites * antennas, axis=1)
    ones = np.ones((count, *links.arrival.shape[2:]))
    return MaxMinProblem(
        columns=columns,
        weights=np.broadcast_to(weights, (count, *weights.shape)),
        constants=scattered_gain(links, ones.astype(np.complex128)).sum(axis=1),
    )


def _shares(factor: float) -> tuple[float, float]:
    """Amplitudes of line of sight and scattering for a Rician factor in dB."""
    ratio = 10.0 ** (factor / 10.0)
    return float(np.sqrt(ratio / (1.0 + ratio))), float(np.sqrt(1.0 / (1.0 + ratio)))
