"""Ensembles of noh2022: drops of users in a hotspot that surfaces surround.

A realisation is a drop: positions and large-scale quantities. The fading within a drop, thousands
of channels of thousands of entries, is not stored; a seed per drop lets
`channels.rician_network.draw_fading` draw it again, or `algorithms.zero_forcing`, for designs that
hold for a drop, fewer numbers of the same distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.array_types import Real
from irsrepro.build.storage import variable
from irsrepro.channels.arrays import linear_array, rectangular_array, response
from irsrepro.channels.blockage import in_front, inward_circle
from irsrepro.channels.fading import uniform_phases
from irsrepro.channels.layouts import uniform_in_disc
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, children
from irsrepro.errors import ConfigurationError

_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
_SEED_LIMIT = 2**63


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw drops: positions, path gains, blockage and line-of-sight responses (Sec. II).

    Every user and surface has a stream of its own, and rows of elements follow one another, so that
    more users, antennas or elements contain the fewer. All sites of surfaces are drawn; a solution
    uses every second or fourth of them where it has fewer surfaces.

    Args:
        parameters: the channel parameters of the paper.
        streams: one stream per realisation.

    Returns:
        Positions in metres (realisation, node, coordinate), linear power gains of the three kinds
        of links (realisation, one end, other end), ``visible`` (access_point, irs), responses of
        modulus one (..., antenna or element), random phases in radian (realisation, irs, element)
        and ``fading_seed`` (realisation,).

    Raises:
        ConfigurationError: more access points than corners.
    """
    sites, users = parameters["access_points"], parameters["users"]
    if sites > len(_CORNERS):
        raise ConfigurationError(
            f"config/noh2022.yaml: parameters.access_points: {sites} does not fit, at most "
            f"{len(_CORNERS)} stand in the corners of the service area"
        )
    hotspot_offset = (
        parameters["hotspot_centre"] + parameters["hotspot_place"] * parameters["hotspot_step"]
    )
    centre = np.full(2, float(hotspot_offset))
    corners = parameters["area_side"] * _CORNERS[:sites]
    points = np.column_stack([corners, np.full(sites, parameters["ap_height"])])
    towards_first = corners[0] - centre
    surfaces, normals = inward_circle(
        (*centre, parameters["irs_height"]),
        parameters["hotspot_radius"],
        parameters["irs_sites"],
        float(np.arctan2(towards_first[1], towards_first[0])),
    )
    ground_positions = np.stack(
        [
            uniform_in_disc(
                children(streams, "user position", user), centre, parameters["hotspot_radius"]
            )
            for user in range(users)
        ],
        axis=1,
    )
    height = np.full((*ground_positions.shape[:2], 1), float(parameters["ue_height"]))
    user_positions = np.concatenate([ground_positions, height], axis=-1)
    all_points = np.broadcast_to(points, (len(streams), *points.shape))
    all_surfaces = np.broadcast_to(surfaces, (len(streams), *surfaces.shape))

    def gain(first: Real, second: Real, exponent: str) -> Real:
        lengths = distances(first, second)
        return log_distance_gain(lengths, parameters["reference_gain"], parameters[exponent])

    antennas = linear_array(parameters["antennas"], parameters["spacing"], (1, 0, 0))
    elements = [_surface_elements(parameters, normal) for normal in normals]
    seeds = [
        int(stream.generator().integers(_SEED_LIMIT)) for stream in children(streams, "fading")
    ]
    phases = np.stack(
        [
            uniform_phases(children(streams, "phases", site), parameters["elements"])
            for site in range(parameters["irs_sites"])
        ],
        axis=1,
    )
    dims = ("realisation",)
    return xr.Dataset(
        {
            "access_point_position": variable(
                (*dims, "access_point", "coordinate"), all_points, "position of an AP", "m"
            ),
            "irs_position": variable(
                (*dims, "irs", "coordinate"), all_surfaces, "position of a surface", "m"
            ),
            "irs_normal": variable(
                (*dims, "irs", "coordinate"),
                np.broadcast_to(normals, all_surfaces.shape),
                "normal of a surface",
                "1",
            ),
            "user_position": variable(
                (*dims, "user", "coordinate"), user_positions, "position of a user", "m"
            ),
            "direct_gain": variable(
                (*dims, "access_point", "user"),
                gain(all_points, user_positions, "direct_exponent"),
                "power gain from an AP to a user",
                "1",
            ),
            "ap_irs_gain": variable(
                (*dims, "access_point", "irs"),
                gain(all_points, all_surfaces, "ap_irs_exponent"),
                "power gain from an AP to an element, without blockage",
                "1",
            ),
            "irs_user_gain": variable(
                (*dims, "irs", "user"),
                gain(all_surfaces, user_positions, "irs_user_exponent"),
                "power gain from an element to a user",
                "1",
            ),
            "visible": variable(
                ("access_point", "irs"),
                in_front(points, surfaces, normals).astype(np.int8),
                "1 where an AP stands in front of a surface, 0 where it is blocked",
                "1",
            ),
            "direct_response": variable(
                (*dims, "access_point", "user", "antenna"),
                response(antennas, _directions(points, user_positions)).conj(),
                "line of sight of d from an AP to a user, modulus one",
                "1",
            ),
            "ap_irs_departure": variable(
                ("access_point", "irs", "antenna"),
                response(antennas, _directions(points, surfaces)),
                "line of sight of G at the AP, modulus one",
                "1",
            ),
            "ap_irs_arrival": variable(
                ("access_point", "irs", "element"),
                np.stack(
                    [
                        response(elements[site], _directions(surfaces[site : site + 1], points)[0])
                        for site in range(len(surfaces))
                    ],
                    axis=1,
                ),
                "line of sight of G at the surface, modulus one",
                "1",
            ),
            "irs_user_response": variable(
                (*dims, "irs", "user", "element"),
                np.stack(
                    [
                        response(
                            elements[site],
                            _directions(surfaces[site : site + 1], user_positions)[:, 0],
                        )
                        for site in range(len(surfaces))
                    ],
                    axis=1,
                ).conj(),
                "line of sight of f from a surface to a user, modulus one",
                "1",
            ),
            "random_phase": variable(
                (*dims, "irs", "element"), phases, "random phase of a reflection coefficient", "rad"
            ),
            "fading_seed": variable(dims, np.array(seeds), "seed of the fading of the drop", "1"),
        }
    )


def _surface_elements(parameters: Mapping[str, Any], normal: Real) -> Real:
    """Positions of a surface's elements in wavelengths, column after column along the wall."""
    wall_direction = np.array([-normal[1], normal[0], 0.0])
    return rectangular_array(
        parameters["elements"],
        parameters["elements_per_column"],
        parameters["spacing"],
        (0, 0, 1),
        wall_direction,
    )


def _directions(origins: Real, targets: Real) -> Real:
    """Unit vectors (..., origin, target, coordinate) between positions (..., node, coordinate)."""
    step = targets[..., None, :, :] - origins[..., :, None, :]
    unit: Real = step / np.linalg.norm(step, axis=-1, keepdims=True)
    return unit
