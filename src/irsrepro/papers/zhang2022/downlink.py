"""Your own downlink: channels as arrays in, beams and phases out, for either rate of the paper.

User k of a base station with M antennas hears (d_k + o_k Diag(x) G) w_j of the beam of user j: G
leads from the station to the N elements, o_k from the elements to the user, d_k past them. Several
surfaces are one, their elements side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.metrics import received_sinr
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import alternate
from irsrepro.papers.zhang2022.algorithms.surface_downlink import SurfaceLinks, composite_channel


@dataclass(frozen=True)
class Downlink:
    """A design for each of R realisations, and what it reaches.

    Attributes:
        beams: w, (realisation, user, antenna) in W^0.5, together of the power given.
        reflection: x, (realisation, element), of modulus one.
        rates: (realisation, user) in bit/s/Hz, without weights, computed from the two above.
        value: (realisation,) weighted sum-rate or smallest weighted rate in bit/s/Hz.
        status: (realisation,) int8, an `Ending`.
    """

    beams: Complex
    reflection: Complex
    rates: Real
    value: Real
    status: NDArray[np.int8]


def maximise_rate(
    incoming: ArrayLike,
    outgoing: ArrayLike,
    direct: ArrayLike | None = None,
    *,
    power: float,
    noise: float,
    objective: Literal["sum-rate", "min-rate"] = "sum-rate",
    weights: ArrayLike = 1.0,
    start: ArrayLike | None = None,
    max_iterations: int = 20,
) -> Downlink:
    """Raise a weighted sum-rate or the smallest weighted rate, by Algorithm 2 or 3 of zhang2022.

    Both end at a local optimum that depends on the start. Realisations do not depend on each other.

    Args:
        incoming: G, (realisation, element, antenna), amplitudes.
        outgoing: o, (realisation, user, element), amplitudes.
        direct: d, (realisation, user, antenna), amplitudes; None where it is blocked.
        power: transmit power of the station in W.
        noise: noise power of a user in W.
        objective: what is maximised.
        weights: omega, one for all or (user,), positive.
        start: x to start from, (realisation, element), of modulus one; ones without it.
        max_iterations: largest number of alternations between beams and reflection.

    Raises:
        ValueError: shapes that do not fit, or power, noise or weights that are not positive.

    Example:
        One user with one antenna over two elements, whose paths add up to the amplitude 2:

        >>> import numpy as np
        >>> incoming, outgoing = np.ones((1, 2, 1)), np.array([[[1j, 1.0]]])
        >>> found = maximise_rate(incoming, outgoing, power=1.0, noise=1.0)
        >>> print(found.value.round(3), np.log2(1 + 2**2).round(3))
        [2.322] 2.322
    """
    if not (0.0 < power < np.inf and 0.0 < noise < np.inf):
        raise ValueError("power and noise must be positive and finite")
    scale = np.sqrt(power / noise)
    g, o = np.asarray(incoming, np.complex128), np.asarray(outgoing, np.complex128)
    if o.ndim != 3:
        raise ValueError(f"outgoing {o.shape} must be (realisation, user, element)")
    empty = np.empty((len(o), 0, 0), np.complex128)
    d = empty if direct is None else scale * np.asarray(direct, np.complex128)
    links = SurfaceLinks(o, scale * g, empty, empty, d, o.shape[2])
    solution = alternate(
        links,
        np.asarray(np.ones((len(o), o.shape[2])) if start is None else start, np.complex128),
        weights,
        objective=objective,
        max_iterations=max_iterations,
        beam_steps=50,
        reflection_steps=50,
    )
    channel = composite_channel(links, solution.reflection)
    received = np.abs(channel @ solution.beams.mT) ** 2
    rates: Real = np.log2(1.0 + received_sinr(received))
    weighted = np.asarray(weights, float) * rates
    value = weighted.sum(axis=1) if objective == "sum-rate" else weighted.min(axis=1)
    return Downlink(
        np.sqrt(power) * solution.beams, solution.reflection, rates, value, solution.status
    )
