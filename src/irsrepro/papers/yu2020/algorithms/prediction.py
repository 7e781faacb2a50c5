"""Where the next iterate of rank one will be, from the last three.

The inner approximation moves slowly and smoothly. Phases and beams that go on as they went, to the
second order, are nearer to the solution of the next subproblem than the iterate about which it is
posed, and save its solver steps; what it solves remains the same.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel


class Memory(NamedTuple):
    """The last three iterates of rank one, the newest first.

    Attributes:
        phases: y, (3, element + 1) of modulus 1.
        beams: w, (3, user, antenna).
        prices: multipliers times the scales of their constraints, (3, user).
        length: (1,) how many there are, in a row.
    """

    phases: Complex
    beams: Complex
    prices: Real
    length: NDArray[np.int64]


@kernel
def new_memory(users: int, size: int, antennas: int) -> Memory:
    """Return a memory of nothing."""
    return Memory(
        np.zeros((3, size), np.complex128),
        np.zeros((3, users, antennas), np.complex128),
        np.zeros((3, users)),
        np.zeros(1, np.int64),
    )


@kernel
def remember(memory: Memory, phases: Complex, beams: Complex, prices: Real) -> None:
    """Put an iterate in front.

    Args:
        memory: overwritten.
        phases: y, (element + 1,).
        beams: w, (user, antenna).
        prices: (user,).
    """
    for age in (2, 1):
        memory.phases[age] = memory.phases[age - 1]
        memory.beams[age] = memory.beams[age - 1]
        memory.prices[age] = memory.prices[age - 1]
    memory.phases[0] = phases
    memory.beams[0] = beams
    memory.prices[0] = prices
    memory.length[0] = min(3, memory.length[0] + 1)


@kernel
def forget(memory: Memory) -> None:
    """Start again, after an iterate that is not of rank one or was not reached smoothly."""
    memory.length[0] = 0


@kernel
def predict_iterate(
    memory: Memory, phases: Complex, beams: Complex, multipliers: Real, scale: Real
) -> tuple[Complex, Complex, Real]:
    """Guess the next iterate, (y, w, z); the last one as long as nothing else is known.

    Args:
        memory: whose newest iterate is the last one.
        phases: y of the last iterate, (element + 1,).
        beams: its w, (user, antenna).
        multipliers: its z for the constraints of the next subproblem, (user,) or longer.
        scale: of those constraints, (user,).
    """
    users = scale.size
    y, w, z = phases.copy(), beams.copy(), multipliers[:users].copy()
    if memory.length[0] < 2:
        return y, w, z
    third = 1.0 if memory.length[0] == 3 else 0.0
    current, last, second_last = memory.phases[0], memory.phases[1], memory.phases[2]
    for n in range(y.size):
        turn = current[n] * last[n].conjugate()
        if third > 0.0:
            turn = turn * turn * (second_last[n] * last[n].conjugate())
        y[n] *= turn
        y[n] /= abs(y[n])
    for i in range(users):
        for a in range(w.shape[1]):
            change = memory.beams[0, i, a] - memory.beams[1, i, a]
            previous_change = memory.beams[1, i, a] - memory.beams[2, i, a]
            w[i, a] += change + third * (change - previous_change)
        change_of_price = memory.prices[0, i] - memory.prices[1, i]
        older_of_price = memory.prices[1, i] - memory.prices[2, i]
        price = memory.prices[0, i] + change_of_price
        price += third * (change_of_price - older_of_price)
        if price > 0.0:
            z[i] = price / scale[i]
    return y, w, z
