"""Antenna and element arrays: where their elements are, and how they see a plane wave.

A response has the phase of a plane wave at every element, relative to the first one, for a wave
that comes from, or goes to, a direction: a_e = exp(j 2 pi p_e . d), with the position p_e in
wavelengths and the unit vector d pointing away from the array. A channel between two arrays is then
the product a_receive a_transmit^T, which is the same in both directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def linear_array(count: int, spacing: float, axis: ArrayLike) -> NDArray[np.float64]:
    """Return the positions of a uniform linear array.

    Args:
        count: number of antennas.
        spacing: distance of neighbours in wavelengths.
        axis: unit vector along the array.

    Returns:
        Positions (antenna, coordinate) in wavelengths, the first at the origin.
    """
    positions: NDArray[np.float64] = spacing * np.outer(np.arange(count), np.asarray(axis, float))
    return positions


def rectangular_array(
    count: int,
    row_length: int,
    spacing: float,
    row_direction: ArrayLike,
    column_direction: ArrayLike,
) -> NDArray[np.float64]:
    """Return the positions of a uniform rectangular array, filled row by row.

    A larger array of the same row length begins with the smaller one.

    Args:
        count: number of elements; the last row may be incomplete.
        row_length: elements per row.
        spacing: distance of neighbours in wavelengths.
        row_direction: unit vector along a row.
        column_direction: unit vector from one row to the next.

    Returns:
        Positions (element, coordinate) in wavelengths, the first at the origin.
    """
    row, column = np.divmod(np.arange(count), row_length)
    steps = np.outer(column, np.asarray(row_direction, float)) + np.outer(
        row, np.asarray(column_direction, float)
    )
    return spacing * steps


def directions(azimuth: ArrayLike, elevation: ArrayLike) -> NDArray[np.float64]:
    """Return unit vectors for an azimuth from the x-axis and an elevation above the plane.

    Args:
        azimuth: radian, any shape.
        elevation: radian, the same shape.

    Returns:
        Array (..., coordinate).
    """
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)


def unit_vector(origin: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the unit vector (coordinate,) from one point to another, both in metres."""
    step = np.asarray(target, dtype=float) - np.asarray(origin, dtype=float)
    unit: NDArray[np.float64] = step / np.linalg.norm(step)
    return unit


def response(
    positions: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the response of an array to plane waves.

    Args:
        positions: (element, coordinate) in wavelengths.
        direction: unit vectors (..., coordinate) pointing away from the array.

    Returns:
        Array (..., element) of entries of modulus one.
    """
    phases: NDArray[np.complex128] = np.exp(2j * np.pi * (direction @ positions.T))
    return phases
