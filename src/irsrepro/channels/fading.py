"""Small-scale fading, drawn one stream per realisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irsrepro.channels.streams import RandomStream


def rayleigh(streams: Sequence[RandomStream], shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Draw independent circularly-symmetric CN(0, 1) fading coefficients.

    Numbers are taken from a stream in row-major order with the real and imaginary part of an entry
    side by side, so an array that is longer along its first axis begins with the shorter one.

    Args:
        streams: one stream per realisation.
        shape: shape of the fading of one realisation, the axis that may grow first.

    Returns:
        Complex array (realisation, *shape) of unit mean power (linear, dimensionless).
    """
    parts = np.empty((len(streams), *shape, 2))
    for index, stream in enumerate(streams):
        stream.generator().standard_normal(out=parts[index])
    parts *= np.sqrt(0.5)
    return parts.view(np.complex128)[..., 0]


def uniform_phases(streams: Sequence[RandomStream], count: int) -> NDArray[np.float64]:
    """Draw independent phases, uniform over the circle.

    Args:
        streams: one stream per realisation.
        count: number of phases; more phases begin with the fewer.

    Returns:
        Array (realisation, phase) in radian, within [0, 2 pi).
    """
    return np.stack([2.0 * np.pi * stream.generator().random(count) for stream in streams])


def rician_amplitudes(factor: float) -> tuple[float, float]:
    """Return the amplitudes of line of sight and of scattering for a Rician factor in dB."""
    ratio = 10.0 ** (factor / 10.0)
    return float(np.sqrt(ratio / (1.0 + ratio))), float(np.sqrt(1.0 / (1.0 + ratio)))


def rician(
    line_of_sight: NDArray[np.complex128], scattered: NDArray[np.complex128], factor: float
) -> NDArray[np.complex128]:
    """Add a line-of-sight and a scattered component of unit power each.

    Args:
        line_of_sight: entries of modulus one, of a shape that broadcasts against ``scattered``.
        scattered: entries of unit mean power.
        factor: Rician factor, power of the first over the second, in dB.

    Returns:
        Channel of unit mean power, of the broadcast shape.
    """
    direct, diffuse = rician_amplitudes(factor)
    channel: NDArray[np.complex128] = direct * line_of_sight + diffuse * scattered
    return channel


def multipath(
    gains: NDArray[np.complex128],
    arrivals: NDArray[np.complex128],
    departures: NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """Superpose plane waves: a channel whose rank is at most its number of paths.

    H = sqrt(1/q) sum_l g_l a_l b_l^T, of unit mean power for gains of unit mean power.

    Args:
        gains: (..., path).
        arrivals: responses at the receiving array (..., path, element).
        departures: responses at the transmitting array (..., path, element).

    Returns:
        Channel (..., receiving element, transmitting element).
    """
    weighted = gains[..., None] * arrivals / np.sqrt(gains.shape[-1])
    channel: NDArray[np.complex128] = np.swapaxes(weighted, -1, -2) @ departures
    return channel
