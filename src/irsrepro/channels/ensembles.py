"""Realisations of an ensemble: drawn, each from a stream of its own, and numbered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.channels.streams import RandomStream, realisation_streams

Draw = Callable[[Mapping[str, Any], Sequence[RandomStream]], xr.Dataset]


def draw_realisations(
    draw: Draw, parameters: Mapping[str, Any], stream: RandomStream, realisations: Sequence[int]
) -> xr.Dataset:
    """Return realisations of an ensemble.

    Args:
        draw: that of a paper's ``ensemble`` module.
        parameters: of the channels.
        stream: the ensemble's, whose children are those of the realisations.
        realisations: their numbers in the whole ensemble.

    Returns:
        Channels (realisation, ...), the numbers as coordinate ``realisation``.
    """
    channels = draw(parameters, realisation_streams(stream, realisations))
    attributes = {"long_name": "number of the realisation", "units": "1"}
    return channels.assign_coords(realisation=("realisation", np.array(realisations), attributes))
