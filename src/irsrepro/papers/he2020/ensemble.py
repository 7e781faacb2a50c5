"""Ensembles of he2020: where nodes and surfaces stand, and the channels between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.storage import variable
from irsrepro.channels.fading import rayleigh, uniform_phases
from irsrepro.channels.layouts import uniform_in_disc, uniform_in_mirrored_rectangle
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, children
from irsrepro.errors import ConfigurationError


def draw(parameters: Mapping[str, Any], streams: Sequence[RandomStream]) -> xr.Dataset:
    """Draw positions, channels and starting phases, eqs. (1) to (3) and (26).

    Every node, link and surface has a stream of its own, so that more pairs, surfaces or elements
    contain the fewer.

    Args:
        parameters: the channel parameters of the paper.
        streams: one stream per realisation.

    Returns:
        Positions in metres (realisation, node, coordinate), linear channel amplitudes
        ``source_to_irs`` (realisation, source, irs, element) and ``irs_to_destination``
        (realisation, irs, destination, element), and starting phases in radian.
    """
    nodes, surfaces, elements = (parameters[name] for name in ("pairs", "irss", "elements"))
    positions = {
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
        distances(positions["source"], irs), gain, parameters["source_irs_exponent"]
    )
    outgoing_gain = log_distance_gain(
        distances(irs, positions["destination"]), gain, parameters["irs_destination_exponent"]
    )
    return xr.Dataset(
        {
            "source_position": variable(
                ("realisation", "source", "coordinate"),
                positions["source"],
                "position of a source",
                "m",
            ),
            "destination_position": variable(
                ("realisation", "destination", "coordinate"),
                positions["destination"],
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
        random_positions = [
            uniform_in_mirrored_rectangle(
                children(streams, "IRS position", surface), region["x"], region["mirrored_y"]
            )
            for surface in range(surfaces)
        ]
        return np.stack(random_positions, axis=1)
    positions = np.asarray(parameters["irs_positions"], dtype=float)
    if len(positions) < surfaces:
        raise ConfigurationError(
            f"config/he2020.yaml: parameters.irs_positions: {len(positions)} are given, "
            f"irss = {surfaces} needs as many"
        )
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
