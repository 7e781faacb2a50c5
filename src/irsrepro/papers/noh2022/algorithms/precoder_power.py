"""Phases that minimise the largest mean power of zero-forcing precoders, on a sample of channels.

    minimise  max_a mean_t tr(H_a^H H_a S^-2),   S = H^H H,   |x_n| = 1,

H the composite channels of sample t, H_a the rows of site a (see `zero_forcing`): what noh2022
states as eq. (10) and replaces by the smallest mean gain. Slow and local, for a few elements: a
yardstick for that replacement. The maximum is smoothed, p = (sum_a p_a^r)^(1/r) with r raised in
stages, and minimised by Riemannian conjugate gradients. With Q_a = S^-2 G_a S^-1 + its adjoint and
G_a = H_a^H H_a, the derivative of a power is

    dp_a = 2 Re tr(S^-2 H_a^H dH_a) - 2 Re tr(Q_a H^H dH).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.optimize.manifold.oblique import minimise

_EXPONENTS = (4.0, 16.0, 64.0)


@dataclass(frozen=True)
class PowerMinimum:
    """A local minimum for one realisation.

    Attributes:
        reflection: phi, (surface, element) of modulus one.
        powers: (site,) sample mean of sum_k ||W_ak||^2 in W.
        iterations: conjugate gradient steps.
    """

    reflection: Complex
    powers: Real
    iterations: int


def mean_powers(fading: Fading, reflection: Complex) -> tuple[Real, Complex]:
    """Mean powers of zero-forcing precoders and their derivatives.

    Args:
        fading: T channels of one realisation.
        reflection: phi, (surface, element).

    Returns:
        Powers (site,) in W, and 2 dp_a / d conj(phi), (site, surface, element).
    """
    count, sites, users, antennas = fading.direct.shape
    incoming = fading.site_to_surface.transpose(0, 2, 3, 1, 4).reshape(count, reflection.size, -1)
    outgoing = fading.surface_to_user.transpose(0, 1, 3, 2).reshape(count, -1, users)
    direct = fading.direct.transpose(0, 1, 3, 2).reshape(count, sites * antennas, users)
    incident = reflection.reshape(-1, 1).conj() * outgoing
    stacked = direct + incoming.conj().swapaxes(1, 2) @ incident
    inverse = np.linalg.inv(stacked.conj().swapaxes(1, 2) @ stacked)
    square = inverse @ inverse
    parts = stacked.reshape(count, sites, antennas, users)
    grams = parts.conj().swapaxes(2, 3) @ parts
    powers: Real = np.einsum("taij,tji->ta", grams, square).real.mean(axis=0)
    slopes = np.empty((sites, reflection.size), np.complex128)
    for a in range(sites):
        half = square @ grams[:, a] @ inverse
        both = -stacked @ (half + half.conj().swapaxes(1, 2))
        both.reshape(parts.shape)[:, a] += parts[:, a] @ square
        # h is linear in conj(phi), so this is the derivative by phi; its conjugate is wanted.
        by_phase = (outgoing.conj() * (incoming @ both)).sum(axis=2).mean(axis=0)
        slopes[a] = 2.0 * by_phase.conj()
    return powers, slopes.reshape(sites, *reflection.shape)


def minimise_largest_power(
    fading: Fading, start: Complex, *, tolerance: float = 1e-4, max_iterations: int = 200
) -> PowerMinimum:
    """Minimise the largest mean power of a site over phases, from a start, for one realisation.

    Args:
        fading: T channels of one realisation.
        start: phi, (surface, element), without zeros.
        tolerance: norm of the gradient of the logarithm of the power at which a stage ends.
        max_iterations: largest number of steps of a stage.
    """
    shape = start.shape
    point, iterations = start.reshape(-1, 1), 0

    def smoothed(at: Complex, exponent: float) -> tuple[float, Complex]:
        powers, slopes = mean_powers(fading, at.reshape(shape))
        largest = powers.max()
        shares = (powers / largest) ** exponent
        value = np.log(largest) + np.log(shares.sum()) / exponent
        weights = shares / shares.sum() / powers
        return float(value), np.tensordot(weights, slopes, 1).reshape(-1, 1)

    for exponent in _EXPONENTS:
        found = minimise(
            lambda at, r=exponent: smoothed(at, r)[0],  # type: ignore[misc]
            lambda at, r=exponent: smoothed(at, r)[1],  # type: ignore[misc]
            point,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        point = found.point
        iterations += found.iterations
    reflection = point.reshape(shape)
    before, after = (mean_powers(fading, x)[0] for x in (start / np.abs(start), reflection))
    if after.max() > before.max():
        return PowerMinimum(start / np.abs(start), before, iterations)
    return PowerMinimum(reflection, after, iterations)
