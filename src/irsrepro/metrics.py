"""What the figures plot, computed from channels and optimisation variables alone.

Schemes report their metric through these functions, at the variables they return, so that a solver
cannot report a value it does not achieve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def watts(level: float) -> float:
    """Return a power in W from its level in dBm."""
    return float(10.0 ** (level / 10.0 - 3.0))


def difference_unit(unit: str) -> str:
    """Return the unit in which two values of a unit differ: levels in dBm differ by dB."""
    return "dB" if unit == "dBm" else unit


def interference(received: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the powers that are not meant for a user.

    Summed, not taken as the difference of all and the wanted one, which would cancel at high SINR.

    Args:
        received: powers (..., user k, stream i), stream k being the one for user k.

    Returns:
        Array (..., user) in the unit of ``received``.
    """
    power: NDArray[np.float64] = np.einsum(
        "...ki,ki->...k", received, 1.0 - np.eye(received.shape[-1])
    )
    return power


def received_sinr(
    received: NDArray[np.float64], noise: float | NDArray[np.float64] = 1.0
) -> NDArray[np.float64]:
    """SINR of users that hear one stream each and all others as interference.

    Args:
        received: powers (..., user k, stream i), stream k being the one for user k.
        noise: noise power in the unit of ``received``, of all users or (..., user).

    Returns:
        Linear SINR (..., user).
    """
    signal = np.einsum("...kk->...k", received)
    sinr: NDArray[np.float64] = signal / (interference(received) + noise)
    return sinr


def interference_sinr(
    responses: NDArray[np.complex128],
    noise_gains: NDArray[np.float64],
    noise_power: float,
    powers: NDArray[np.float64],
    reflection: NDArray[np.complex128],
) -> NDArray[np.float64]:
    """SINR of pairs that share a channel made of reflections only, the surfaces adding noise.

    SINR_k = p_k |x.v_kk|^2 / (sum_{i != k} p_i |x.v_ik|^2 + sum_n c_kn |x_n|^2 + noise), with
    v_ik the cascaded channel from source i to destination k (he2020, eq. (5) with the noise of the
    surfaces by its mean).

    Args:
        responses: cascaded channels v (realisation, source, destination, element), amplitudes.
        noise_gains: c (realisation, destination, element), noise power in W that an element of unit
            amplitude passes on to a destination.
        noise_power: noise of a destination in W.
        powers: transmit powers (realisation, source) in W.
        reflection: reflection vectors x (realisation, element), amplitude at most one.

    Returns:
        Linear SINR (realisation, destination).
    """
    effective = np.einsum("rikn,rn->rik", responses, reflection)
    received = powers[:, :, None] * np.abs(effective) ** 2
    noise = noise_power + np.einsum("rkn,rn->rk", noise_gains, np.abs(reflection) ** 2)
    return received_sinr(received.swapaxes(1, 2), noise)


def sum_rate(sinr: NDArray[np.float64], factor: float = 1.0) -> NDArray[np.float64]:
    """Sum over users of factor * log2(1 + SINR).

    Args:
        sinr: linear SINR (realisation, user).
        factor: share of the time a user transmits, 1/2 for two hops in half duplex.

    Returns:
        Sum-rate (realisation,) in bit/s/Hz.
    """
    total: NDArray[np.float64] = factor * np.log2(1.0 + sinr).sum(axis=-1)
    return total
