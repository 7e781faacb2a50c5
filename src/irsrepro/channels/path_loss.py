"""Large-scale power gains of links."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT = 299_792_458.0  # m/s


def distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all distances between two sets of positions of each realisation.

    Args:
        first: positions (realisation, node, coordinate) in metres.
        second: positions (realisation, other, coordinate) in metres.

    Returns:
        Array (realisation, node, other) in metres.
    """
    lengths: NDArray[np.float64] = np.linalg.norm(
        first[:, :, None, :] - second[:, None, :, :], axis=-1
    )
    return lengths


def log_distance_gain(
    distance: ArrayLike, reference_gain: float, exponent: float
) -> NDArray[np.float64]:
    """Return the power gain T0 (d / d0)^-a of the log-distance model with d0 = 1 m.

    The model describes the far field only: nodes nearer than d0 get the gain at d0.

    Args:
        distance: link lengths in metres, any shape.
        reference_gain: T0, power gain at d0 in dB.
        exponent: path-loss exponent a, dimensionless.

    Returns:
        Linear power gains of the shape of ``distance``.
    """
    linear: float = 10.0 ** (reference_gain / 10.0)
    gains: NDArray[np.float64] = linear * np.maximum(distance, 1.0) ** -exponent
    return gains


def friis_gain(distance: ArrayLike, carrier: float) -> NDArray[np.float64]:
    """Return the power gain (c / (4 pi f d))^2 of free space between isotropic antennas (Friis).

    Args:
        distance: link lengths in metres, positive, any shape.
        carrier: carrier frequency f in Hz, positive.

    Returns:
        Linear power gains of the shape of ``distance``.
    """
    wavelength = SPEED_OF_LIGHT / carrier
    gains: NDArray[np.float64] = (wavelength / (4.0 * np.pi * np.asarray(distance, float))) ** 2
    return gains
