"""Ensembles of yu2020: users in a sector, the surface at its edge, the channels between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from irsrepro.build.storage import variable
from irsrepro.channels.arrays import directions, linear_array, response
from irsrepro.channels.fading import rayleigh, rician, uniform_phases
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, children

SPACING = 0.5  # of neighbours in both arrays, in wavelengths


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw positions, channels and starting phases, eqs. (1) and (18).

    The access point is at the origin, the surface on the bisector of its sector, the x-axis. Both
    arrays are linear, across the bisector. Every user, antenna and link has a stream of its own,
    so that larger arrays and more users contain the fewer.

    Args:
        parameters: the channel parameters of the paper.
        streams: one stream per realisation.

    Returns:
        Positions in metres (realisation, node, coordinate); linear channel amplitudes ``ap_to_irs``
        F (realisation, element, antenna), ``irs_to_user`` h (realisation, user, element) and
        ``direct`` d (realisation, user, antenna), the last two received through their conjugates;
        and ``starting_phase`` in radian.
    """
    users, elements, antennas = (parameters[name] for name in ("users", "elements", "antennas"))
    irs = np.array([parameters["irs_distance"], 0.0])
    positions = np.stack(
        [_in_sector(children(streams, "user position", user), parameters) for user in range(users)],
        axis=1,
    )
    transmitter = linear_array(antennas, SPACING, (0.0, 1.0, 0.0))
    surface = linear_array(elements, SPACING, (0.0, 1.0, 0.0))
    departure, arrival, reflected = _angles(parameters, streams, positions, irs)

    # A response has modulus one; conjugates follow the paper, where h and d are received through
    # theirs and F is the product of the arrival and the conjugate of the departure.
    incoming_sight = (
        response(surface, arrival)[:, :, None] * response(transmitter, departure)[:, None, :]
    )
    incoming_scattered = np.stack(
        [
            rayleigh(children(streams, "access point to IRS", antenna), (elements,))
            for antenna in range(antennas)
        ],
        axis=2,
    )
    outgoing_sight = response(surface, reflected).conj()
    outgoing_scattered = np.stack(
        [rayleigh(children(streams, "IRS to user", user), (elements,)) for user in range(users)],
        axis=1,
    )
    direct = np.stack(
        [rayleigh(children(streams, "direct", user), (antennas,)) for user in range(users)],
        axis=1,
    )

    wavelength = speed_of_light / (1e9 * parameters["carrier_frequency"])
    reference = 20.0 * np.log10(wavelength / (4.0 * np.pi))
    factor, exponent = parameters["rician_factor"], parameters["irs_exponent"]
    origin = np.zeros((len(streams), 1, 2))
    irs_positions = np.broadcast_to(irs, origin.shape)
    incoming_gain = log_distance_gain(distances(origin, irs_positions), reference, exponent)
    outgoing_gain = log_distance_gain(distances(positions, irs_positions), reference, exponent)
    shadowed_gain = reference - parameters["direct_shadowing"]
    direct_gain = log_distance_gain(
        distances(positions, origin), shadowed_gain, parameters["direct_exponent"]
    )
    starting_phase = uniform_phases(children(streams, "starting phases"), elements)
    return xr.Dataset(
        {
            "user_position": variable(
                ("realisation", "user", "coordinate"), positions, "position of a user", "m"
            ),
            "irs_position": variable(
                ("realisation", "coordinate"),
                irs_positions[:, 0].copy(),
                "position of the surface",
                "m",
            ),
            "ap_to_irs": variable(
                ("realisation", "element", "antenna"),
                np.sqrt(incoming_gain) * rician(incoming_sight, incoming_scattered, factor),
                "channel F from an antenna to an element, linear amplitude",
                "1",
            ),
            "irs_to_user": variable(
                ("realisation", "user", "element"),
                np.sqrt(outgoing_gain) * rician(outgoing_sight, outgoing_scattered, factor),
                "channel h of an element and a user, received through its conjugate",
                "1",
            ),
            "direct": variable(
                ("realisation", "user", "antenna"),
                np.sqrt(direct_gain) * direct,
                "channel d of an antenna and a user, received through its conjugate",
                "1",
            ),
            "starting_phase": variable(
                ("realisation", "element"),
                starting_phase,
                "phase of a reflection coefficient at the start",
                "rad",
            ),
        }
    )


def _in_sector(
    streams: Sequence[RandomStream], parameters: Mapping[str, Any]
) -> NDArray[np.float64]:
    """One position per stream, uniform by area over a sector without its tip."""
    area, turn = np.stack([stream.generator().random(2) for stream in streams]).T
    inner, outer = parameters["exclusion_radius"], parameters["cell_radius"]
    distance = np.sqrt(inner**2 + (outer**2 - inner**2) * area)
    angle = np.deg2rad(parameters["sector_angle"]) * (turn - 0.5)
    return np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)


def _angles(
    parameters: Mapping[str, Any],
    streams: Sequence[RandomStream],
    positions: NDArray[np.float64],
    irs: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors of the lines of sight, each pointing away from its array.

    Returns:
        From the access point to the surface, and back, (realisation, coordinate), and from the
        surface to the users, (realisation, user, coordinate).
    """
    count, users, _ = positions.shape
    if parameters["line_of_sight_angles"] == "random":
        azimuths = uniform_phases(children(streams, "line-of-sight angles"), 2 + users)
        vectors = directions(azimuths, np.zeros_like(azimuths))
        return vectors[:, 0], vectors[:, 1], vectors[:, 2:]
    steps = positions - irs
    steps = steps / np.linalg.norm(steps, axis=-1, keepdims=True)
    reflected = np.concatenate([steps, np.zeros((count, users, 1))], axis=-1)
    forward = np.broadcast_to([1.0, 0.0, 0.0], (count, 3))
    return forward, -forward, reflected
