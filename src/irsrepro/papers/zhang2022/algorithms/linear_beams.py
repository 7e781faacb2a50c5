"""Beams in closed form: maximum ratio transmission, zero forcing, MMSE."""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.compiled import kernel
from irsrepro.optimize.beamforming.receivers import MMSE, ZF, combiner_from_gram, workspace
from irsrepro.optimize.linear_algebra import squared_modulus

MRT_BEAMS, ZF_BEAMS, MMSE_BEAMS = 1, 2, 3

_TINY = 1e-150  # squared gain of a channel that is none


@kernel
def linear_beams(kind: int, channel: Complex, beams: Complex) -> bool:
    """Set the beams of a closed form, of total power one (zhang2022, eqs. (49) to (51)).

    Args:
        kind: `MRT_BEAMS`, `ZF_BEAMS` or `MMSE_BEAMS`.
        channel: e, (user, antenna), relative to noise and power.
        beams: w, (user, antenna), overwritten.

    Returns:
        False, with the beams left as they are, if the channel is zero or zero forcing needs the
        inverse of a singular matrix.
    """
    users, antennas = channel.shape
    adjoint = channel.conj()
    unscaled_beams = adjoint
    if kind != MRT_BEAMS:
        gram = np.dot(channel, np.ascontiguousarray(adjoint.T))
        scratch = workspace(users)
        for k in range(users):
            if kind == ZF_BEAMS and not gram[k, k].real > _TINY:
                return False
        if kind == ZF_BEAMS:
            if combiner_from_gram(ZF, gram, np.ones(users), 1.0, scratch) < users:
                return False
        else:
            combiner_from_gram(MMSE, gram, np.ones(users), float(users), scratch)
        unscaled_beams = np.dot(np.ascontiguousarray(scratch.combiner.T), adjoint)
    total = 0.0
    for k in range(users):
        for m in range(antennas):
            total += squared_modulus(unscaled_beams[k, m])
    if not (total > _TINY and total < inf):
        return False
    scale = 1.0 / sqrt(total)
    for k in range(users):
        for m in range(antennas):
            beams[k, m] = scale * unscaled_beams[k, m]
    return True
