"""What keeps a wave from arriving: a surface is blind behind its back, and obstacles by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def inward_circle(
    centre: ArrayLike, radius: float, count: int, first_azimuth: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return surfaces equally spaced on a horizontal circle, facing its centre.

    Args:
        centre: (x, y, z) of the circle in metres.
        radius: radius in metres, positive.
        count: number of surfaces, numbered counterclockwise.
        first_azimuth: azimuth of the first surface seen from the centre, in radian.

    Returns:
        Positions (surface, coordinate) in metres and unit normals (surface, coordinate), which
        point to the centre.
    """
    azimuth = first_azimuth + 2.0 * np.pi * np.arange(count) / count
    outward = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros(count)], axis=-1)
    return np.asarray(centre, dtype=float) + radius * outward, -outward


def in_front(
    nodes: NDArray[np.float64], surfaces: NDArray[np.float64], normals: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which nodes stand on the reflecting side of which surfaces.

    Args:
        nodes: positions (node, coordinate) in metres.
        surfaces: positions (surface, coordinate) in metres.
        normals: normals of the reflecting sides (surface, coordinate), of any length.

    Returns:
        Array (node, surface). A node in the plane of a surface is not in front of it.
    """
    offset = nodes[:, None, :] - surfaces[None, :, :]
    facing: NDArray[np.bool_] = (offset * normals).sum(axis=-1) > 0.0
    return facing


def blockage_probability(
    distance: ArrayLike, probability: ArrayLike, stretch: float
) -> NDArray[np.float64]:
    """Return the probability that a link is blocked somewhere along its way.

    Every stretch of the way is blocked independently, so P(d) = 1 - (1 - p)^(d / s) (zhang2022,
    eq. (52) as derived).

    Args:
        distance: d, lengths in metres, any shape.
        probability: p, that one stretch is blocked, within [0, 1]; broadcasts against ``distance``.
        stretch: s, length in metres that p refers to, positive.
    """
    open_probability = 1.0 - np.asarray(probability, float)
    chances: NDArray[np.float64] = 1.0 - open_probability ** (np.asarray(distance, float) / stretch)
    return chances
