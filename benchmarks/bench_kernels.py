"""Every public kernel of `irsrepro.optimize` beside plain NumPy, cvxpy or pymanopt.

Run `pytest benchmarks/bench_kernels.py`; ``--record`` writes the figures to be committed.
"""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pymanopt
import pytest

from instances import downlink, gaussian, phase_step, precoder_step, reflection_step
from irsrepro import optimize
from irsrepro.array_types import Complex, Real
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.optimize import reference
from irsrepro.optimize.reference.public_solvers import search_manifold
from irsrepro.optimize.reference.site_power import solve_group_power_cvxpy
from irsrepro.papers.zheng2021.reference.codebook import linear_receivers, user_sinr


class Pair(NamedTuple):
    """Two ways: ours on `many` instances, the obvious one on `few`."""

    ours: Callable[[], object]
    obvious: Callable[[], object]
    way: str
    many: int = 1
    few: int = 1


def receivers(kernel: str) -> Pair:
    """MMSE receivers of four users at sixteen antennas."""
    H = gaussian(np.random.default_rng(5), 1000, 16, 4)
    powers, noise = np.ones(4), 0.1
    W = optimize.linear_receivers(H, "mmse", powers, noise)[0]

    def form(r: int) -> Complex:
        return linear_receivers(H[r], "mmse", powers, noise)

    def reached(r: int) -> Real:
        return user_sinr(H[r], form(r), powers, noise)

    def reached_by_given(r: int) -> Real:
        return user_sinr(H[r], W[r], powers, noise)

    given = H, "mmse", powers, noise
    ways: dict[str, tuple[Callable[[], object], Callable[[int], object]]] = {
        "linear_receivers": (lambda: optimize.linear_receivers(*given), form),
        "receiver_sinr": (lambda: optimize.receiver_sinr(*given), reached),
        "receive_sinr": (lambda: optimize.receive_sinr(H, W, powers, noise), reached_by_given),
    }
    ours, each = ways[kernel]
    return Pair(ours, lambda: [each(r) for r in range(300)], "NumPy, one by one", 1000, 300)


def max_min_beams() -> Pair:
    """Four users, eight antennas."""
    channel = downlink(1000, 4, 8, 40)
    return Pair(
        partial(optimize.max_min_beams, channel),
        partial(reference.max_min_beams, channel[:1]),
        "cvxpy, bisection over cone programs",
        1000,
    )


def minimum_power_beamforming() -> Pair:
    """Three users, four antennas, 10 dB."""
    channel = downlink(1000, 3, 4, 20)
    return Pair(
        partial(optimize.minimum_power_beamforming, channel, 10.0),
        partial(reference.minimum_power_beamforming, channel[:5], np.full((5, 3), 10.0)),
        "cvxpy, cone program",
        1000,
        5,
    )


def solve_group_power() -> Pair:
    """Four sites of four antennas, four users."""
    matrix, linear, limits = precoder_step(300, 4, 4, 4)
    few = range(5)
    return Pair(
        partial(optimize.solve_group_power, matrix, linear, limits),
        lambda: [solve_group_power_cvxpy(matrix[r], linear[r], limits) for r in few],
        "cvxpy, cone program",
        300,
        len(few),
    )


def solve_unit_disc() -> Pair:
    """Sixteen elements."""
    matrix, linear = phase_step(300, 16)
    return Pair(
        partial(optimize.solve_unit_disc, matrix, linear),
        lambda: [reference.solve_unit_disc(matrix[r], linear[r]) for r in range(10)],
        "cvxpy, cone program",
        300,
        10,
    )


def solve_diagonal_sdp() -> Pair:
    """Four users, 21 elements, the level of the ratios found too."""
    problem = reflection_step(5, 4, 21)
    return Pair(
        partial(optimize.solve_diagonal_sdp, problem),
        partial(reference.solve_diagonal_sdp, problem.of([0])),
        "cvxpy, bisection over semidefinite programs",
        5,
    )


def largest_norm_bound() -> Pair:
    """Ten rows, forty elements."""
    factor = gaussian(np.random.default_rng(6), 20, 10, 40)
    return Pair(
        partial(optimize.largest_norm_bound, factor),
        partial(reference.largest_norm_bound, factor[:1]),
        "cvxpy, semidefinite program",
        20,
    )


def sampled(kernel: str) -> Pair:
    """Four users, 81 elements, a factor of four columns, 20 000 samples; few of them one by one."""
    problem, samples, few = reflection_step(1, 4, 81), 20_000, 1000
    factor = optimize.solve_diagonal_sdp(problem, tolerance=1e-2, method="low rank").factor[..., :4]
    stream = realisation_streams(RandomStream(1), range(1))
    rng = np.random.default_rng(7)
    draws = gaussian(rng, 1, samples, 4)

    def one_by_one(z: Complex) -> float:
        vectors = (np.exp(1j * np.angle(factor[0] @ each)) for each in z)
        return max(float(problem.values(x[None]).min()) for x in vectors)

    if kernel == "randomise":
        ours = partial(optimize.randomise, problem, factor, stream, samples)
        return Pair(
            ours, lambda: one_by_one(gaussian(rng, few, 4)), "NumPy, one by one", samples, few
        )
    ours = partial(optimize.gaussian_randomisation, problem, factor, draws)
    return Pair(ours, lambda: one_by_one(draws[0, :few]), "NumPy, one by one", samples, few)


def polish() -> Pair:
    """Four users, 41 elements, random phases."""
    problem = reflection_step(10, 4, 41)
    start = np.exp(2j * np.pi * np.random.default_rng(8).random((10, 41)))
    return Pair(
        partial(optimize.polish, problem, start),
        partial(reference.polish, problem.of([0]), start[:1]),
        "pymanopt, softened minimum",
        10,
    )


def minimise() -> Pair:
    """A quadratic form of forty elements."""
    rng = np.random.default_rng(9)
    root, start = gaussian(rng, 40, 10), gaussian(rng, 40)
    A, start = root @ root.conj().T, start / np.abs(start)
    manifold = pymanopt.manifolds.ComplexCircle(40)

    @pymanopt.function.numpy(manifold)
    def cost(x: Complex) -> float:
        return float(np.vdot(x, A @ x).real)

    @pymanopt.function.numpy(manifold)
    def gradient(x: Complex) -> Complex:
        return 2.0 * A @ x

    problem = pymanopt.Problem(manifold, cost, euclidean_gradient=gradient)
    ours = partial(
        optimize.minimise,
        lambda x: float(np.vdot(x, A @ x).real),
        lambda x: 2.0 * A @ x,
        start[:, None],
        tolerance=1e-4,
    )
    theirs = partial(search_manifold, problem, start, max_iterations=1000, min_gradient_norm=1e-4)
    return Pair(ours, theirs, "pymanopt, conjugate gradients")


KERNELS: dict[str, Callable[[], Pair]] = {
    "gaussian_randomisation": partial(sampled, "gaussian_randomisation"),
    "largest_norm_bound": largest_norm_bound,
    "linear_receivers": partial(receivers, "linear_receivers"),
    "max_min_beams": max_min_beams,
    "minimise": minimise,
    "minimum_power_beamforming": minimum_power_beamforming,
    "polish": polish,
    "randomise": partial(sampled, "randomise"),
    "receive_sinr": partial(receivers, "receive_sinr"),
    "receiver_sinr": partial(receivers, "receiver_sinr"),
    "solve_diagonal_sdp": solve_diagonal_sdp,
    "solve_group_power": solve_group_power,
    "solve_unit_disc": solve_unit_disc,
}
STATEMENTS = ("factor_matrices", "norm_problem", "sinr_problem")
"""They state a problem and solve nothing."""


@pytest.mark.parametrize("kernel", KERNELS)
def bench_kernel(kernel: str, beside: Callable[..., None]) -> None:
    """Measure a kernel."""
    beside("kernels", kernel, **KERNELS[kernel]()._asdict())
