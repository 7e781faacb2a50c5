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
from functools import partial

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import Fading
from irsrepro.optimize.manifold.oblique import minimise

_EXPONENTS = (4.0, 16.0, 64.0)
_TOLERANCE = 1e-4  # norm of the gradient of the logarithm of the power at which a stage ends


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


class SampledPowers:
    """Mean powers of zero-forcing precoders over a sample of channels, as functions of the phases.

    What belongs to the phases asked for last is kept: a search wants the gradient where it has just
    had the value.
    """

    def __init__(self, fading: Fading) -> None:
        """Arrange T channels of one realisation in rows."""
        self._sites = fading.direct.shape[1]
        self._direct, self._incoming, self._outgoing = fading.stacked()
        self._towards = np.ascontiguousarray(self._incoming.conj().swapaxes(1, 2))
        self._phases: Complex = np.empty((0, 1), np.complex128)

    def powers(self, reflection: Complex) -> Real:
        """Return the power of every site in W.

        Args:
            reflection: phi, (surface, element) or in one row.
        """
        return self._at(reflection)[2]

    def gradient(self, reflection: Complex, weights: Real) -> Complex:
        """Return 2 d(sum_a w_a p_a) / d conj(phi), in the shape of phi.

        Args:
            reflection: phi, (surface, element) or in one row.
            weights: w, (site,).
        """
        stacked, inverse, _ = self._at(reflection)
        row_weights = np.repeat(weights, stacked.shape[1] // self._sites)[:, None]
        square = inverse @ inverse
        weighted = row_weights * stacked
        half = square @ (stacked.conj().swapaxes(1, 2) @ weighted) @ inverse
        derivative = weighted @ square - stacked @ (half + half.conj().swapaxes(1, 2))
        # h is linear in conj(phi), so this is the derivative by phi; its conjugate is wanted.
        by_phase: Complex = (
            (self._outgoing.conj() * (self._incoming @ derivative)).sum(axis=2).mean(axis=0)
        )
        return 2.0 * by_phase.conj().reshape(reflection.shape)

    def _at(self, reflection: Complex) -> tuple[Complex, Complex, Real]:
        """Return H, S^-1 and the powers at phases."""
        phases = reflection.reshape(-1, 1)
        if not np.array_equal(phases, self._phases):
            stacked = self._direct + self._towards @ (phases.conj() * self._outgoing)
            gram = stacked.conj().swapaxes(1, 2) @ stacked
            inverse = np.linalg.inv(gram).astype(np.complex128, copy=False)
            precoder = stacked @ inverse
            squares = precoder.real**2 + precoder.imag**2
            powers: Real = squares.reshape(len(squares), self._sites, -1).sum(axis=2).mean(axis=0)
            self._phases = phases.copy()
            self._last = stacked, inverse, powers
        return self._last


def minimise_largest_power(
    fading: Fading, start: Complex, *, max_iterations: int = 200
) -> PowerMinimum:
    """Minimise the largest mean power of a site over phases, from a start, for one realisation.

    Args:
        fading: T channels of one realisation.
        start: phi, (surface, element), without zeros.
        max_iterations: largest number of steps of a stage.
    """
    sample = SampledPowers(fading)
    point, iterations = start.reshape(-1, 1), 0

    def shares(at: Complex, exponent: float) -> tuple[Real, float]:
        powers = sample.powers(at)
        return (powers / powers.max()) ** exponent, powers.max()

    def smooth_maximum(at: Complex, exponent: float) -> float:
        relative, largest = shares(at, exponent)
        return float(np.log(largest) + np.log(relative.sum()) / exponent)

    def slope(at: Complex, exponent: float) -> Complex:
        relative, _ = shares(at, exponent)
        return sample.gradient(at, relative / relative.sum() / sample.powers(at))

    for exponent in _EXPONENTS:
        solution = minimise(
            partial(smooth_maximum, exponent=exponent),
            partial(slope, exponent=exponent),
            point,
            tolerance=_TOLERANCE,
            max_iterations=max_iterations,
        )
        point = solution.point
        iterations += solution.iterations
    first, last = start / np.abs(start), point.reshape(start.shape)
    start_powers, final_powers = sample.powers(first), sample.powers(last)
    if final_powers.max() > start_powers.max():
        return PowerMinimum(first, start_powers, iterations)
    return PowerMinimum(last, final_powers, iterations)
