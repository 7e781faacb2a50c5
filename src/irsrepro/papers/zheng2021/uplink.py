"""Your own uplink over two surfaces: channels as arrays in, phases and receivers out.

Users are heard by a base station over surface 1, over surface 2, and over both in this order. With
reflections theta_1 and theta_2 the channel of user k is (zheng2021, eq. (1))

    h_k = G1 Diag(theta_1) u_k + G2 Diag(theta_2) (D Diag(theta_1) u_k + v_k).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.beamforming.receivers import receive_sinr
from irsrepro.optimize.rounding import polish
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel
from irsrepro.papers.zheng2021.algorithms.max_min_reflection import alternate_max_min


@dataclass(frozen=True)
class Uplink:
    """A design for each of R realisations, and what it reaches.

    Attributes:
        reflection1: theta_1, (realisation, element of surface 1), of modulus one.
        reflection2: theta_2, (realisation, element of surface 2), of modulus one.
        receivers: W, (realisation, antenna, user): user k is estimated by w_k^H y.
        rates: (realisation, user) in bit/s/Hz, computed from the three above.
        value: (realisation,) smallest of the rates.
        status: (realisation,) int8, an `Ending`.
    """

    reflection1: Complex
    reflection2: Complex
    receivers: Complex
    rates: Real
    value: Real
    status: NDArray[np.int8]


def maximise_smallest_rate(
    first: ArrayLike,
    second: ArrayLike,
    between: ArrayLike,
    first_to_receiver: ArrayLike,
    second_to_receiver: ArrayLike,
    *,
    power: float,
    noise: float,
    receiver: str = "mmse",
    max_iterations: int = 5,
) -> Uplink:
    """Raise the smallest rate by turns over both reflections and the receivers.

    Algorithm 1 of zheng2021 from the best pair of DFT codewords, whose reflection steps climb from
    where the alternation stands instead of relaxing and drawing. Realisations do not depend on each
    other.

    Args:
        first: u, (realisation, user, element of surface 1), users to surface 1, amplitudes.
        second: v, (realisation, user, element of surface 2).
        between: D, (realisation, element of surface 2, element of surface 1).
        first_to_receiver: G1, (realisation, antenna, element of surface 1).
        second_to_receiver: G2, (realisation, antenna, element of surface 2).
        power: transmit power of every user in W.
        noise: noise power of an antenna in W.
        receiver: ``mmse``, ``zf`` or ``mrc``, see `irsrepro.optimize.linear_receivers`.
        max_iterations: number of alternations.

    Raises:
        ValueError: shapes that do not fit, channels that are not finite, power or noise that are
            not positive, an unknown receiver.

    Example:
        One user, two elements on either surface, all paths alike: 4 doubly and 4 singly reflected.

        >>> import numpy as np
        >>> to_one, to_two = np.ones((1, 1, 2)), np.ones((1, 1, 2))
        >>> between, to_receiver = np.ones((1, 2, 2)), np.ones((1, 1, 2))
        >>> links = to_one, to_two, between, to_receiver, to_receiver
        >>> found = maximise_smallest_rate(*links, power=1.0, noise=1.0)
        >>> print(found.value.round(2), np.log2(1 + 8**2).round(2))
        [6.02] 6.02
    """
    if not (0.0 < power < np.inf and 0.0 < noise < np.inf):
        raise ValueError("power and noise must be positive and finite")
    channels = (first, second, between, first_to_receiver, second_to_receiver)
    u, v, d, g1, g2 = (np.asarray(array, np.complex128) for array in channels)
    if u.ndim != 3:
        raise ValueError(f"first {u.shape} must be (realisation, user, element)")
    links = Links(u, v, d, g1 / np.sqrt(noise), g2 / np.sqrt(noise))

    def climb(step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int) -> Complex:
        return polish(step, incumbent).vector

    words = search_codebooks(links, receiver=receiver, powers=power)
    solution = alternate_max_min(
        links,
        words.reflection1,
        words.reflection2,
        climb,
        receiver=receiver,
        power=power,
        max_iterations=max_iterations,
        tolerance=1e-3,
    )
    channel = effective_channel(links, solution.reflection1, solution.reflection2)
    rates: Real = np.log2(1.0 + receive_sinr(channel, solution.receivers, power, 1.0))
    return Uplink(
        solution.reflection1,
        solution.reflection2,
        solution.receivers,
        rates,
        rates.min(axis=1),
        solution.status,
    )
