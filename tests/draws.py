"""Random arrays that several test files draw."""

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]


def gaussian(rng: np.random.Generator, *shape: int) -> Complex:
    """Circularly-symmetric normal numbers of variance one."""
    draw: Complex = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return draw


def phases(rng: np.random.Generator, *shape: int) -> Complex:
    """Numbers of modulus one, uniform over the circle."""
    draw: Complex = np.exp(2j * np.pi * rng.random(shape))
    return draw
