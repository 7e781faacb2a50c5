"""Where the next iterate will be: of rank one from the last three, of any rank from the last two.

The inner approximation moves slowly and smoothly. Phases and beams that go on as they went are
nearer to the solution of the next subproblem than the iterate about which it is posed, and save its
solver steps; what it solves remains the same.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus


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
        assign(memory.phases[age - 1], memory.phases[age])
        assign(memory.beams[age - 1], memory.beams[age])
        assign(memory.prices[age - 1], memory.prices[age])
    assign(phases, memory.phases[0])
    assign(beams, memory.beams[0])
    assign(prices, memory.prices[0])
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


@kernel
def turn_towards(matrix: Complex, reference: Complex) -> Complex:
    """Return A U with the unitary U that brings A, (row, column), nearest to a reference."""
    left, _, right = np.linalg.svd(np.dot(matrix.conj().T.copy(), reference))
    turned: Complex = np.dot(matrix, np.dot(left, right))
    return turned


@kernel
def extrapolate(
    previous: tuple[Complex, Complex, Real],
    factor: Complex,
    beams: Complex,
    multipliers: Real,
    scale: Real,
) -> tuple[Complex, Complex, Real]:
    """Guess the next iterate of any rank, (Y, w, z), from the last two.

    Args:
        previous: Y, w and prices of the iterate before the last; prices are multipliers times the
            scales of their constraints.
        factor: Y of the last iterate, (element + 1, rank), rows of unit norm.
        beams: its w, (user, stream, antenna).
        multipliers: its z for the constraints of the next subproblem, (user + 1,).
        scale: of those constraints, (user,); that of the last is 1.
    """
    old_factor, old_beams, old_prices = previous
    users = scale.size
    guess, new_beams, z = factor.copy(), beams.copy(), multipliers.copy()
    if old_factor.shape != factor.shape or old_beams.shape != beams.shape:
        return guess, new_beams, z
    old_factor = turn_towards(old_factor, factor)
    for n in range(factor.shape[0]):
        norm = 0.0
        for c in range(factor.shape[1]):
            guess[n, c] += factor[n, c] - old_factor[n, c]
            norm += squared_modulus(guess[n, c])
        for c in range(factor.shape[1]):
            guess[n, c] /= sqrt(norm)
    for i in range(users):
        old = turn_towards(old_beams[i].T.copy(), beams[i].T.copy())
        for q in range(beams.shape[1]):
            for a in range(beams.shape[2]):
                new_beams[i, q, a] += beams[i, q, a] - old[a, q]
    for k in range(users + 1):
        share = scale[k] if k < users else 1.0
        price = 2.0 * multipliers[k] * share - old_prices[k]
        if price > 0.0:
            z[k] = price / share
    return guess, new_beams, z
