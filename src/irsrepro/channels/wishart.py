"""What many vectors of noise are to one another, by position: factors of complex Wishart matrices.

The inner products of K columns of n independent CN(0, 1) numbers are a Wishart matrix. Its upper
factor has independent entries of known distributions (Bartlett, "On the theory of statistical
regression", 1933; Goodman, "Statistical analysis based on a certain multivariate complex Gaussian
distribution", 1963), so K^2 numbers do for n K of them.
"""

from math import log, sqrt

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.channels.philox_normals import fill_normals
from irsrepro.compiled import kernel


@kernel
def _gamma(degrees: int, normal: float, exponential: float) -> float:
    """A number of the gamma distribution of a whole shape, or a negative one for "try again".

    Marsaglia and Tsang, "A simple method for generating gamma variables", 2000, which looks at
    log u of a uniform u: minus an exponential number.
    """
    scale = degrees - 1.0 / 3.0
    root = 1.0 + normal / (3.0 * sqrt(scale))
    if root <= 0.0:
        return -1.0
    cube = root * root * root
    if -exponential < 0.5 * normal * normal + scale * (1.0 - cube + log(cube)):
        return scale * cube
    return -1.0


@kernel
def fill_wishart_factor(
    seed: np.uint64,
    kind: int,
    end: int,
    channel: int,
    degrees: int,
    factor: Complex,
) -> None:
    """Upper factor R of R^H R = Z^H Z for Z (degrees, column) of CN(0, 1) entries.

    Column j depends on the arguments and on j, not on how many columns there are.

    Args:
        seed: 64 random bits of the realisation.
        kind: what kind of numbers, as of ``fill_normals``, for nothing else.
        end: number of what they belong to.
        channel: number of the instantaneous channel.
        degrees: rows of Z, perhaps none; rows of R from there on are zero.
        factor: R, (column, column), overwritten.
    """
    columns = factor.shape[0]
    real, imag = np.empty((columns, 2 + columns)), np.empty((columns, 2 + columns))
    fill_normals(seed, kind, end, 0, channel, real, imag)
    for j in range(columns):
        for i in range(columns):
            above = i < min(j, degrees)
            factor[i, j] = complex(real[j, 2 + i], imag[j, 2 + i]) if above else 0j
    for j in range(min(columns, degrees)):
        attempt, square = 0, -1.0
        again_real, again_imag = real, imag
        while square < 0.0:
            if attempt > 0:
                again_real, again_imag = np.empty((columns, 2)), np.empty((columns, 2))
                fill_normals(seed, kind, end, attempt, channel, again_real, again_imag)
            exponential = again_real[j, 1] ** 2 + again_imag[j, 1] ** 2
            square = _gamma(degrees - j, sqrt(2.0) * again_real[j, 0], exponential)
            attempt += 1
        factor[j, j] = sqrt(square)
