"""Ensembles of zhang2022: where nodes stand, Saleh-Valenzuela channels, and what may block a link.

Directions of all paths are random, so positions enter through lengths only, by path loss and by the
chance of being blocked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.array_types import Real
from irsrepro.build.storage import variable
from irsrepro.channels.fading import uniform_phases
from irsrepro.channels.layouts import uniform_in_disc
from irsrepro.channels.path_loss import distances, friis_gain
from irsrepro.channels.saleh_valenzuela import saleh_valenzuela, upright_array
from irsrepro.channels.streams import RandomStream, children

SURFACES = ("irs1", "irs2")


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw the channels of all links, path loss included, eqs. (44) to (48).

    More antennas, elements, users or scattered paths contain the fewer.

    Args:
        parameters: the channel parameters of the paper.
        streams: one stream per realisation.

    Returns:
        ``bs_to_IRS`` (realisation, IRS_element, antenna), ``IRS_to_users`` (realisation, user,
        IRS_element), the row h^H, and with ``draw_inter_irs`` ``irs1_to_irs2`` (realisation,
        irs2_element, irs1_element); their lengths ``LINK_length``; ``LINK_chance``, uniform numbers
        below which a link's probability of blockage lies where it is open; where the direct link is
        not blocked ``bs_to_users`` (realisation, user, antenna); ``IRS_random_phase``; positions.
    """
    positions = {node: np.asarray(parameters[f"{node}_position"], float) for node in
                 ("bs", *SURFACES)}  # fmt: skip
    users = _users(parameters, streams)
    station = upright_array(parameters["antennas"], parameters["row_length"])
    surface = upright_array(parameters["elements"], parameters["row_length"])
    count = len(streams)
    variables: dict[str, Any] = {}

    def length(name: str, dims: tuple[str, ...], values: Real) -> None:
        variables[f"{name}_length"] = variable(dims, values, f"length, {name}", "m")

    def chance(name: str, dims: tuple[str, ...], keys: Sequence[tuple[str | int, ...]]) -> None:
        samples = np.stack(
            [[stream.generator().random() for stream in children(streams, "chance", name, *key)]
             for key in keys], axis=-1,
        )  # fmt: skip
        values = samples if len(dims) == 2 else samples[:, 0]
        variables[f"{name}_chance"] = variable(dims, values, f"open if above, {name}", "1")

    realisation_dims = ("realisation",)

    def between(first: str, second: str, dims: tuple[str, str], sending: Real, paths: int) -> None:
        """Add the link from a node to a surface, both at rest."""
        name = f"{first}_to_{second}"
        distance = float(np.linalg.norm(positions[second] - positions[first]))
        scattered = parameters["scattered_power"]
        wave = saleh_valenzuela(children(streams, name), surface, sending, paths, scattered)
        gain = np.sqrt(friis_gain(distance, parameters["carrier"]))
        variables[name] = variable((*realisation_dims, *dims), gain * wave, f"channel, {name}", "1")
        length(name, (), np.asarray(distance))
        chance(name, realisation_dims, [()])

    for irs in SURFACES:
        dims = (f"{irs}_element", "antenna")
        between("bs", irs, dims, station, parameters["bs_irs_paths"])
        name = f"{irs}_to_users"
        ways = distances(np.broadcast_to(positions[irs], (count, 1, 3)), users)[:, 0]
        rows = [
            saleh_valenzuela(
                children(streams, name, user),
                surface,
                np.zeros((1, 3)),
                parameters["irs_user_paths"],
                parameters["scattered_power"],
            )[..., 0].conj()
            for user in range(parameters["users"])
        ]
        gains = np.sqrt(friis_gain(ways, parameters["carrier"]))[..., None]
        user_dims = (*realisation_dims, "user")
        row = gains * np.stack(rows, axis=1)
        variables[name] = variable((*user_dims, f"{irs}_element"), row, f"row channel, {name}", "1")
        length(name, user_dims, ways)
        chance(name, user_dims, [(user,) for user in range(parameters["users"])])
        phases = uniform_phases(children(streams, "random phase", irs), parameters["elements"])
        description = f"random phase of {irs}"
        variables[f"{irs}_random_phase"] = variable(
            (*realisation_dims, f"{irs}_element"), phases, description, "rad"
        )
    if parameters["draw_inter_irs"]:
        dims = ("irs2_element", "irs1_element")
        between("irs1", "irs2", dims, surface, parameters["irs_irs_paths"])
    if parameters["direct_loss"] != "blocked":
        variables["bs_to_users"] = _direct(parameters, streams, positions["bs"], users, station)
    for node, place in positions.items():
        variables[f"{node}_position"] = variable(
            (*realisation_dims, f"{node}_node", "coordinate"),
            np.broadcast_to(place, (count, 1, 3)),
            f"position of {node}",
            "m",
        )
    variables["users_position"] = variable(
        (*realisation_dims, "user", "coordinate"), users, "position of users", "m"
    )
    return xr.Dataset(variables)


def _direct(
    parameters: Mapping[str, Any],
    streams: Sequence[RandomStream],
    place: Real,
    users: Real,
    station: Real,
) -> Any:
    """Direct links: paths as from a surface to the users, and a loss beside that of free space."""
    rows = [
        saleh_valenzuela(
            children(streams, "bs_to_users", user),
            np.zeros((1, 3)),
            station,
            parameters["irs_user_paths"],
            parameters["scattered_power"],
        )[:, 0]
        for user in range(parameters["users"])
    ]
    ways = distances(np.broadcast_to(place, (len(users), 1, 3)), users)[:, 0]
    loss = 10.0 ** (-parameters["direct_loss"] / 20.0)
    gains = loss * np.sqrt(friis_gain(ways, parameters["carrier"]))[..., None]
    dims = ("realisation", "user", "antenna")
    return variable(dims, gains * np.stack(rows, axis=1), "row channel, direct link", "1")


def _users(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> Real:
    """Positions (realisation, user, coordinate) in m, uniform in a horizontal disc."""
    centre = np.asarray(parameters["users_position"], float)
    flat = np.stack(
        [
            uniform_in_disc(
                children(streams, "user position", user), centre[:2], parameters["users_radius"]
            )
            for user in range(parameters["users"])
        ],
        axis=1,
    )
    height = np.full((*flat.shape[:2], 1), centre[2])
    return np.concatenate([flat, height], axis=-1)
