"""Your own pairs over several surfaces: channels as arrays in, powers and reflections out.

Source i is heard by destination k over the surfaces only, with the effective channel
sum_n a_in x_n b_kn: a_i leads from the source to all elements, b_k from them to the destination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.metrics import interference_sinr
from irsrepro.papers.he2020.algorithms.fractional_programming import maximise_sum_rate


@dataclass(frozen=True)
class Pairs:
    """A design for each of R realisations, and what it reaches.

    Attributes:
        powers: (realisation, source) transmit powers in W.
        reflection: x, (realisation, element); of modulus one, or at most one where that was asked.
        rates: (realisation, destination) in bit/s/Hz, computed from the two above.
        value: (realisation,) sum of the rates.
        status: (realisation,) int8, an `Ending`.
    """

    powers: Real
    reflection: Complex
    rates: Real
    value: Real
    status: NDArray[np.int8]


def maximise_pair_rates(
    incoming: ArrayLike,
    outgoing: ArrayLike,
    *,
    power_limit: float,
    noise: float,
    surface_noise: float = 0.0,
    unit_modulus: bool = True,
    rate_factor: float = 0.5,
    start: ArrayLike | None = None,
    max_iterations: int = 300,
) -> Pairs:
    """Raise the sum-rate over powers and reflections by fractional programming.

    Algorithm 1 of he2020. The sum-rate never falls, and ends at a local optimum. Realisations do
    not depend on each other.

    Args:
        incoming: a, (realisation, source, element), the elements of all surfaces one after the
            other, amplitudes.
        outgoing: b, (realisation, destination, element), as many destinations as sources.
        power_limit: largest power of a source in W.
        noise: noise power of a destination in W.
        surface_noise: noise power of an element in W, which it passes on.
        unit_modulus: elements reflect everything; otherwise they may also absorb, as in the paper.
        rate_factor: share of the time that a source transmits; half of it in the paper.
        start: x to start from, (realisation, element), of modulus one; ones without it.
        max_iterations: largest number of alternations.

    Raises:
        ValueError: shapes that do not fit, or powers that are not positive.

    Example:
        One pair over two elements, whose paths add up to the amplitude 2:

        >>> import numpy as np
        >>> incoming, outgoing = np.ones((1, 1, 2)), np.array([[[1j, 1.0]]])
        >>> found = maximise_pair_rates(incoming, outgoing, power_limit=1.0, noise=1.0)
        >>> print(found.value.round(3), (0.5 * np.log2(1 + 2**2)).round(3))
        [1.161] 1.161
    """
    a, b = np.asarray(incoming, np.complex128), np.asarray(outgoing, np.complex128)
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(f"incoming {a.shape} and outgoing {b.shape} must be equal (R, K, N)")
    responses = a[:, :, None] * b[:, None]
    noise_gains = surface_noise * np.abs(b) ** 2
    solution = maximise_sum_rate(
        responses,
        noise_gains,
        noise,
        power_limit,
        np.full(a.shape[:2], power_limit),
        np.asarray(np.ones((len(a), a.shape[2])) if start is None else start, np.complex128),
        phase_step="unit_modulus" if unit_modulus else "exact",
        max_iterations=max_iterations,
        rate_factor=rate_factor,
    )
    sinr = interference_sinr(responses, noise_gains, noise, solution.powers, solution.reflection)
    rates: Real = rate_factor * np.log2(1.0 + sinr)
    return Pairs(solution.powers, solution.reflection, rates, rates.sum(axis=1), solution.status)
