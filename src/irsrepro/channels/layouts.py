"""Where nodes and surfaces stand: random positions in the plane, in metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.channels.streams import RandomStream


def uniform_in_disc(
    streams: Sequence[RandomStream], centre: ArrayLike, radius: float, *, ring: bool = False
) -> NDArray[np.float64]:
    """Draw one position per stream, uniform by area in a disc or uniform on its edge.

    Disc and ring take the same two numbers from a stream and share the angle, so the two readings
    of a layout are paired.

    Args:
        streams: one stream per realisation.
        centre: (x, y) of the disc in metres.
        radius: radius in metres, positive.
        ring: put the node on the circle of this radius instead of inside it.

    Returns:
        Array (realisation, coordinate) in metres.
    """
    area, turn = np.stack([stream.generator().random(2) for stream in streams]).T
    distance = np.full_like(area, radius) if ring else radius * np.sqrt(area)
    angle = 2.0 * np.pi * turn
    offset = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)
    positions: NDArray[np.float64] = np.asarray(centre, dtype=float) + offset
    return positions


def uniform_in_mirrored_rectangle(
    streams: Sequence[RandomStream], x: tuple[float, float], y: tuple[float, float]
) -> NDArray[np.float64]:
    """Draw one position per stream, uniform in a rectangle and its mirror image below the x-axis.

    Args:
        streams: one stream per realisation.
        x: lower and upper end of x in metres.
        y: lower and upper end of |y| in metres; the sign of y is a fair coin.

    Returns:
        Array (realisation, coordinate) in metres.
    """
    x_fraction, y_fraction, coin = np.stack([stream.generator().random(3) for stream in streams]).T
    side = np.where(coin < 0.5, -1.0, 1.0)
    return np.stack(
        [x[0] + (x[1] - x[0]) * x_fraction, side * (y[0] + (y[1] - y[0]) * y_fraction)], axis=-1
    )
