"""Networks of pairs with the gains of he2020, and their sum-rate from its definition."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from draws import gaussian

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


class Problem(NamedTuple):
    """Positional arguments of `maximise_sum_rate`."""

    responses: Complex
    noise_gains: Real
    noise_power: float
    power_limit: float
    powers: Real
    reflection: Complex


def network(seed: int, realisations: int, pairs: int, elements: int, snr: float = 35.0) -> Problem:
    """Gains as in he2020: hops of 80 to 220 m, noise 0.01, power limit 10^(snr/10)."""
    rng = np.random.default_rng(seed)
    incoming = gaussian(rng, realisations, pairs, elements)
    incoming *= np.sqrt(1000 * rng.uniform(80, 220, incoming.shape) ** -2.2)
    outgoing = gaussian(rng, realisations, pairs, elements)
    outgoing *= np.sqrt(1000 * rng.uniform(80, 220, outgoing.shape) ** -2.8)
    limit = 10 ** (snr / 10)
    return Problem(
        incoming[:, :, None] * outgoing[:, None].conj(),
        0.01 * np.abs(outgoing) ** 2,
        0.01,
        limit,
        np.full((realisations, pairs), limit),
        np.exp(2j * np.pi * rng.random((realisations, elements))),
    )


def sum_rate(problem: Problem, powers: Real, reflection: Complex) -> Real:
    """Sum-rate (realisation,) straight from its definition; one problem serves many variables."""
    gains = np.abs((problem.responses * reflection[:, None, None]).sum(axis=-1)) ** 2
    noise = (problem.noise_gains * np.abs(reflection[:, None]) ** 2).sum(axis=-1)
    rate = np.zeros(len(powers))
    for k in range(powers.shape[1]):
        received = powers * gains[:, :, k]
        interference = np.delete(received, k, axis=1).sum(axis=1)
        sinr = received[:, k] / (interference + noise[:, k] + problem.noise_power)
        rate += 0.5 * np.log1p(sinr) / np.log(2)
    return rate
