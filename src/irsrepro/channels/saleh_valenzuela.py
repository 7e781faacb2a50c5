"""Channels of few plane waves in random directions, after Saleh and Valenzuela.

    H = sqrt(1 / (L + 1)) sum_{l=0..L} g_l a_l b_l^H,

with the line of sight as path 0 and L scattered ones. a and b are responses of the receiving and
the sending array with entries of modulus one, so that the root of the numbers of antennas, by which
a steering vector of unit norm is often multiplied again, never appears, and larger arrays begin
with the smaller ones. Directions are random for every path, the line of sight included: azimuth
uniform over the circle, inclination from the vertical uniform over [0, pi), the same on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.channels.arrays import directions, rectangular_array, response
from irsrepro.channels.fading import multipath, rayleigh
from irsrepro.channels.streams import RandomStream, children


def upright_array(count: int, row_length: int) -> Real:
    """Return an upright rectangular array with half a wavelength between neighbours.

    Element (m, n) has the phase pi (m sin(azimuth) sin(inclination) + n cos(inclination))
    (zhang2022, eq. (47)), m along a row and n from row to row.

    Args:
        count: number of elements.
        row_length: elements per row; more elements are more rows.

    Returns:
        Positions (element, coordinate) in wavelengths.
    """
    return rectangular_array(count, row_length, 0.5, (0, 1, 0), (0, 0, 1))


def saleh_valenzuela(
    streams: Sequence[RandomStream],
    receiving: Real,
    sending: Real,
    scattered: int,
    scattered_power: float,
) -> Complex:
    """Draw a link between two arrays (zhang2022, eqs. (44) to (46), without path loss).

    More elements contain the fewer; more scattered paths begin with the fewer.

    Args:
        streams: one stream per realisation.
        receiving: positions of the receiving elements (element, coordinate) in wavelengths.
        sending: positions of the sending elements.
        scattered: L, number of scattered paths, at least 0.
        scattered_power: mean of |g_l|^2 of a scattered path; that of the line of sight is one.

    Returns:
        Array (realisation, receiving, sending), of mean power (1 + L scattered_power) / (1 + L).
    """
    gains = rayleigh(children(streams, "gains"), (scattered + 1,))
    gains[:, 1:] *= np.sqrt(scattered_power)
    uniform = np.stack(
        [stream.generator().random((scattered + 1, 4)) for stream in children(streams, "angles")]
    )
    azimuth, inclination = 2.0 * np.pi * uniform[..., :2], np.pi * uniform[..., 2:]
    path_directions = directions(azimuth, 0.5 * np.pi - inclination)
    arrivals = response(receiving, path_directions[..., 0, :])
    departures = response(sending, path_directions[..., 1, :])
    return multipath(gains, arrivals, departures.conj())
