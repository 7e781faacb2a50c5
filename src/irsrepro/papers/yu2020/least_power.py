"""Your own downlink with targets: channels as arrays in, beams and phases of least power out.

User k of an access point with M antennas hears (d_k + o_k Diag(x) F) w_j of the beam of user j: F
leads from the access point to the N elements, o_k from the elements to the user, d_k past them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.metrics import received_sinr
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import minimum_power_over_phases


@dataclass(frozen=True)
class LeastPower:
    """A design for each of R realisations; nan where no start meets the targets.

    Attributes:
        beams: w, (realisation, user, antenna) in W^0.5.
        reflection: x, (realisation, element), of modulus one.
        sinr: (realisation, user), linear, computed from the two above.
        value: (realisation,) transmit power in W.
        status: (realisation,) int8, an `Ending`.
    """

    beams: Complex
    reflection: Complex
    sinr: Real
    value: Real
    status: NDArray[np.int8]


def minimise_power(
    incoming: ArrayLike,
    outgoing: ArrayLike,
    direct: ArrayLike,
    *,
    targets: ArrayLike,
    noise: float,
    starts: ArrayLike | None = None,
) -> LeastPower:
    """Lower the power that the SINR targets of yu2020's problem (3) take, to a local optimum.

    Not the algorithm of the paper but its scheme ``riemannian``: conjugate gradients over the
    phases, beams by duality inside. Realisations do not depend on each other.

    Args:
        incoming: F, (realisation, element, antenna), amplitudes.
        outgoing: o, (realisation, user, element), amplitudes.
        direct: d, (realisation, user, antenna), amplitudes; zeros where it is blocked.
        targets: SINR, linear: one for all, (user,) or (realisation, user).
        noise: noise power of a user in W.
        starts: x to start from, (realisation, start, element), of which the best end is kept; one
            start of ones without it.

    Raises:
        ValueError: shapes that do not fit, channels that are not finite, targets or noise that are
            not positive.

    Example:
        One user hears a direct path and two reflected ones, all of amplitude 1. Together they reach
        3, so the SINR 9 takes 9 / 3^2 = 1 W:

        >>> import numpy as np
        >>> incoming, outgoing = np.ones((1, 2, 1)), np.array([[[1j, -1j]]])
        >>> found = minimise_power(incoming, outgoing, np.ones((1, 1, 1)), targets=9.0, noise=1.0)
        >>> print(found.value.round(6), found.sinr.round(6))
        [1.] [[9.]]
    """
    f, o, d = (np.asarray(link, np.complex128) for link in (incoming, outgoing, direct))
    if f.ndim != 3 or o.ndim != 3 or d.shape != (*o.shape[:2], f.shape[2]):
        raise ValueError(f"outgoing {o.shape} and direct {d.shape} must be (R, K, N), (R, K, M)")
    if (len(o), o.shape[2]) != f.shape[:2]:
        raise ValueError(f"incoming {f.shape} must be ({len(o)}, {o.shape[2]}, M)")
    responses = np.concatenate([o[..., None] * f[:, None], d[:, :, None]], axis=2)
    first = np.asarray(
        np.ones((len(o), 1, o.shape[2])) if starts is None else starts, np.complex128
    )
    solution = minimum_power_over_phases(responses, targets, first, noise)
    channel = d + (o * solution.reflection[:, None]) @ f
    received = np.abs(channel @ solution.beamformer.mT) ** 2
    return LeastPower(
        solution.beamformer,
        solution.reflection,
        received_sinr(received, noise),
        solution.power,
        solution.status,
    )
