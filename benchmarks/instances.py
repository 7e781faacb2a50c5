"""Problems of the kernels, of the sizes and signal-to-noise ratios of the papers."""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.optimize import MaxMinProblem, sinr_problem


def gaussian(rng: np.random.Generator, *shape: int) -> Complex:
    """Complex normal numbers of variance one."""
    return np.asarray((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2.0))


def downlink(count: int, users: int, antennas: int, elements: int) -> Complex:
    """Channels (realisation, user, antenna): direct ones, and as strong ones over a surface."""
    rng = np.random.default_rng(1)
    parts = gaussian(rng, count, users, elements + 1, antennas)
    parts[:, :, :-1] /= np.sqrt(elements)
    phases = np.exp(2j * np.pi * rng.random((count, elements)))
    return np.asarray(np.einsum("rn,rkna->rka", phases, parts[:, :, :-1]) + parts[:, :, -1])


def reflection_step(count: int, users: int, size: int, power: float = 10.0) -> MaxMinProblem:
    """SINRs over the phases of a surface, with matched beams of an eighth of the surface's size."""
    rng = np.random.default_rng(2)
    antennas = max(users, size // 8)
    incoming = gaussian(rng, count, size, antennas) / np.sqrt(size)
    outgoing = gaussian(rng, count, users, size)
    beams = (outgoing @ incoming).conj()
    beams *= np.sqrt(power) / np.linalg.norm(beams, axis=2, keepdims=True)
    forms = outgoing[:, :, None] * (incoming @ beams.mT).mT[:, None]
    return sinr_problem(forms, np.ones((count, users)))


def phase_step(count: int, size: int) -> tuple[Complex, Complex]:
    """A and u of a phase step: a sum of few strong terms and a small diagonal."""
    rng = np.random.default_rng(3)
    root = gaussian(rng, count, size, 6)
    matrix = root @ root.conj().mT + 1e-3 * np.eye(size)
    return matrix, (root @ gaussian(rng, count, 6, 1))[..., 0]


def precoder_step(count: int, sites: int, group: int, users: int) -> tuple[Complex, Complex, Real]:
    """B, V and limits of the precoder step: sites at unlike distances."""
    rng = np.random.default_rng(4)
    near = np.repeat(10 ** rng.uniform(-1, 1, (count, sites)), group, axis=1)
    channels = 10.0 * near[..., None] * gaussian(rng, count, sites * group, users)
    beta = 0.03 * gaussian(rng, count, users)
    matrix = np.einsum("rk,rik,rjk->rij", np.abs(beta) ** 2, channels, channels.conj())
    return matrix, 3.0 * beta[:, None] * channels, np.ones(sites)
