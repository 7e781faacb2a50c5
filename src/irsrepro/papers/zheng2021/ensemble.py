"""Ensembles of zheng2021: where nodes stand, how arrays are turned, and the channels of all links.

Surface 1 stands near the users, surface 2 near the base station. Where several users share the
system, the single-IRS baseline has channels of its own (assumption A2 of the paper).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.channels.arrays import (
    directions,
    linear_array,
    rectangular_array,
    response,
    unit_vector,
)
from irsrepro.channels.fading import multipath, rayleigh
from irsrepro.channels.path_loss import log_distance_gain
from irsrepro.channels.streams import RandomStream, children

ANTENNA_SPACING = 0.5  # wavelengths
NODES = {
    "bs": "position of the base station",
    "irs2": "position of IRS 2",
    "irs1": "position of IRS 1",
    "users": "position of the centre of the users",
}
DIMENSIONS = {"bs": "antenna", "users": "user"}


class Link(NamedTuple):
    """A link between two arrays.

    Attributes:
        receiver: array that receives.
        sender: array that sends.
        near: whether it is one of the short links, with their exponent, Rician factor and paths.
    """

    receiver: str
    sender: str
    near: bool


DOUBLE = {
    "users_to_irs1": Link("irs1", "users", near=True),
    "users_to_irs2": Link("irs2", "users", near=False),
    "irs1_to_irs2": Link("irs2", "irs1", near=False),
    "irs1_to_bs": Link("bs", "irs1", near=False),
    "irs2_to_bs": Link("bs", "irs2", near=True),
}


def links(parameters: Mapping[str, Any]) -> dict[str, Link]:
    """Return the links of an ensemble.

    A single user's baseline takes the channels of both surfaces (assumption A1) and needs none of
    its own.
    """
    if parameters["fading"] == "rician":
        return DOUBLE
    by_users = parameters["single_irs"] == "irs1"
    return DOUBLE | {
        "users_to_single": Link("single", "users", near=by_users),
        "single_to_bs": Link("bs", "single", near=not by_users),
    }


def arrays(parameters: Mapping[str, Any]) -> dict[str, Real]:
    """Return the positions (element, coordinate) of every array's elements in wavelengths.

    The base station has a linear array along y; surfaces have upright rectangular ones whose normal
    has the azimuth of the configuration. A user has one antenna.
    """

    def surface(name: str, count: int) -> Real:
        angle = np.deg2rad(parameters[f"{name}_azimuth"])
        row_direction = (-np.sin(angle), np.cos(angle), 0.0)
        return rectangular_array(
            count,
            parameters["row_length"],
            parameters["subsurface_spacing"],
            row_direction,
            (0, 0, 1),
        )

    count = parameters["largest_surface"]
    positions = {
        "bs": linear_array(parameters["antennas"], ANTENNA_SPACING, (0, 1, 0)),
        "irs1": surface("irs1", count),
        "irs2": surface("irs2", count),
        "users": np.zeros((parameters["users"], 3)),
    }
    return positions | {"single": positions[parameters.get("single_irs", "irs2")]}


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw the channels of all links, without subsurface gains.

    With ``fading: rician`` a link is kept as its line-of-sight and its scattered component, so that
    every Rician factor shares the draws; with ``fading: multipath`` it is kept whole, a sum of
    plane waves with gains of modulus one and random phase, eq. (54). More users, subsurfaces or
    paths contain the fewer.

    Args:
        parameters: the channel parameters of the paper.
        streams: one stream per realisation.

    Returns:
        Per link, of unit mean power, ``LINK_direct`` (receiving, sending) and ``LINK_scattered``
        (realisation, receiving, sending), or ``LINK`` itself; ``LINK_gain``, linear path gain;
        positions in metres and where surfaces face.
    """
    positions = {node: np.asarray(parameters[f"{node}_position"], float) for node in NODES}
    positions["single"] = positions[parameters.get("single_irs", "irs2")]
    elements = arrays(parameters)
    variables: dict[str, Any] = {}
    for name, link in links(parameters).items():
        dims = (_dimension(link.receiver), _dimension(link.sender))
        ends = positions[link.receiver], positions[link.sender]
        facing = elements[link.receiver], elements[link.sender]
        exponent = parameters["near_exponent" if link.near else "far_exponent"]
        distance = np.linalg.norm(ends[0] - ends[1])
        gain = log_distance_gain(distance, parameters["reference_gain"], exponent)
        variables[f"{name}_gain"] = variable((), gain, f"path gain, {name}", "1")
        if parameters["fading"] == "rician":
            direct = np.outer(
                response(facing[0], unit_vector(*ends)),
                response(facing[1], unit_vector(*ends[::-1])),
            )
            description = f"line-of-sight component of unit power, {name}"
            variables[f"{name}_direct"] = variable(dims, direct, description, "1")
            scattered = _scattered(streams, name, len(facing[0]), len(facing[1]))
            description = f"scattered component of unit mean power, {name}"
            variables[f"{name}_scattered"] = variable(
                ("realisation", *dims), scattered, description, "1"
            )
        else:
            paths = parameters["near_paths" if link.near else "far_paths"]
            channel = _plane_waves(streams, name, *facing, paths, per_user=link.sender == "users")
            description = f"channel of unit mean power, {name}"
            variables[name] = variable(("realisation", *dims), channel, description, "1")
    return xr.Dataset(variables | _layout(parameters, positions, len(streams)))


def _layout(
    parameters: Mapping[str, Any], positions: Mapping[str, Real], realisations: int
) -> dict[str, Any]:
    variables = {}
    for node, description in NODES.items():
        dims = ("realisation", f"{node}_node", "coordinate")
        position = np.broadcast_to(positions[node], (realisations, 1, 3))
        variables[f"{node}_position"] = variable(dims, position, description, "m")
        if f"{node}_azimuth" in parameters:
            angle = np.deg2rad(parameters[f"{node}_azimuth"])
            normal = np.broadcast_to([np.cos(angle), np.sin(angle), 0.0], (realisations, 1, 3))
            variables[f"{node}_normal"] = variable(dims, normal, f"normal of {node}", "1")
    return variables


def _dimension(node: str) -> str:
    return DIMENSIONS.get(node, f"{node}_element")


def _scattered(streams: Sequence[RandomStream], link: str, receiving: int, sending: int) -> Complex:
    """Draw (realisation, receiving, sending) so that both sizes may grow: one stream per row."""
    rows = [
        rayleigh(children(streams, f"{link} scattered", row), (sending,))
        for row in range(receiving)
    ]
    return np.stack(rows, axis=1)


def _plane_waves(
    streams: Sequence[RandomStream],
    link: str,
    receiving: Real,
    sending: Real,
    paths: int,
    *,
    per_user: bool,
) -> Complex:
    """Draw a multipath link; the paths of every user are its own."""
    if per_user:
        columns = [
            _paths(children(streams, link, user), receiving, antenna[None], paths)
            for user, antenna in enumerate(sending)
        ]
        return np.concatenate(columns, axis=-1)
    return _paths(children(streams, link), receiving, sending, paths)


def _paths(streams: Sequence[RandomStream], receiving: Real, sending: Real, paths: int) -> Complex:
    # One row of numbers per path, so that more paths begin with the fewer.
    uniform = np.stack([stream.generator().random((paths, 5)) for stream in streams])
    turn, azimuth, elevation = uniform[..., 0], uniform[..., 1:3], uniform[..., 3:5]
    angles = directions(2.0 * np.pi * azimuth, np.pi * (elevation - 0.5))
    return multipath(
        np.exp(2j * np.pi * turn),
        response(receiving, angles[..., 0, :]),
        response(sending, angles[..., 1, :]),
    )
