"""Two cooperating surfaces of zheng2021: our kernels against the obvious ways.

Run `OPENBLAS_NUM_THREADS=1 python benchmarks/cooperative_reflection.py`: one process, one core,
everything on the same instances, the obvious ways on the first few of them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from irsrepro.optimize.beamforming.receivers import RECEIVERS, linear_receivers, receiver_sinr
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.double_reflection import (
    Alternation,
    alternate_double_reflection,
    alternate_single_reflection,
    combine_single_surface,
)
from irsrepro.papers.zheng2021.algorithms.links import Links, joint_cascade
from irsrepro.papers.zheng2021.reference import codebook as plain
from irsrepro.papers.zheng2021.reference.double_reflection import (
    alternate_double_reflection as alternate_double_reflection_reference,
)
from timing import Result, timed

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

NOISE, POWER = 10**-9.5, 10**-1.0  # -65 dBm, 20 dBm
REPEATS = 5


def gaussian(rng: np.random.Generator, *shape: int) -> Complex:
    draw: Complex = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return draw


def links(count: int, antennas: int, size1: int, size2: int, users: int = 0) -> Links:
    """Rayleigh channels with the path losses of zheng2021's layout and amplitude gain 5."""
    rng = np.random.default_rng(2021)
    several = (users,) if users else ()
    near, far, between = (
        5 * np.sqrt(1e-3 * distance**-exponent)
        for distance, exponent in ((1.5, 2.2), (49.52, 3.0), (49.0, 3.0))
    )
    return Links(
        near * gaussian(rng, count, *several, size1),
        far * gaussian(rng, count, *several, size2),
        5 * between * gaussian(rng, count, size2, size1),
        far / 5 * gaussian(rng, count, antennas, size1),
        near / 5 * gaussian(rng, count, antennas, size2),
    )


def compiled(step: Callable[[], Result]) -> tuple[float, Result]:
    """Median seconds after a first run that compiles, and the result."""
    step()
    return timed(step, REPEATS)


def from_single_surface(problem: Links) -> Alternation:
    """Alternate from the start of eq. (30), its single surface from three starts."""
    single = alternate_single_reflection(joint_cascade(problem))
    start = combine_single_surface(problem, single.reflection1, single.receiver)
    return alternate_double_reflection(problem, *start[:2], single.receiver)


def plain_sinr(channels: Complex, receiver: str, powers: Real, noise: float) -> list[float]:
    return [
        plain.user_sinr(h, plain.linear_receivers(h, receiver, powers, noise), powers, noise).min()
        for h in channels
    ]


def measure_alternation() -> None:
    print("single-user alternation, N = 10, 50 iterations, per realisation")
    print(f"{'':32}{'plain us':>10}{'ours us':>10}{'ratio':>8}{'difference':>12}{'(30) us':>10}")
    for count, few, size in ((1000, 20, 20), (200, 5, 80), (50, 3, 160)):
        problem, ones = links(count, 10, size, size), np.ones((count, size), complex)
        part = Links(*(array[:few] for array in problem)), ones[:few], ones[:few]
        slow, expected = timed(partial(alternate_double_reflection_reference, *part))
        quick, found = compiled(partial(alternate_double_reflection, problem, ones, ones))
        start, _ = compiled(partial(from_single_surface, problem))
        difference = np.abs(found.gain[:few] / expected.gain - 1).max()
        slow, quick, start = 1e6 * slow / few, 1e6 * quick / count, 1e6 * start / count
        print(
            f"{f'{count} realisations, M1 = M2 = {size}':32}{slow:10.0f}{quick:10.1f}"
            f"{slow / quick:8.1f}{difference:12.1e}{start:10.1f}"
        )


def measure_receivers() -> None:
    print("\nreceivers, N = 16, 1000 channels: SINR, and the receivers themselves")
    print(f"{'':32}{'plain us':>10}{'ours us':>10}{'ratio':>8}{'with W us':>12}")
    for users in (4, 8):
        channels = gaussian(np.random.default_rng(1), 1000, 16, users)
        for receiver in RECEIVERS:
            problem = channels, receiver, np.ones(users), 0.1
            slow, _ = timed(partial(plain_sinr, *problem))
            quick, _ = compiled(partial(receiver_sinr, *problem))
            formed, _ = compiled(partial(linear_receivers, *problem))
            print(
                f"{f'{receiver}, K = {users}':32}{1e3 * slow:10.1f}{1e3 * quick:10.2f}"
                f"{slow / quick:8.0f}{1e3 * formed:12.2f}"
            )


def measure_codebook() -> None:
    print("\njoint codebook search, N = 16, per realisation")
    print(f"{'':32}{'plain ms':>10}{'ours ms':>10}{'ratio':>8}{'same winner':>14}")
    count, few = 100, 5
    for users, receiver in ((1, "mrc"), (4, "mmse"), (4, "zf"), (8, "mmse"), (8, "zf")):
        for size in (16, 20):
            problem = links(count, 16, size, size, users)
            part = Links(*(array[:few] for array in problem))
            options = {"powers": POWER, "noise": NOISE}
            slow, expected = timed(
                partial(plain.search_codebooks, part, receiver=receiver, **options)
            )
            quick, found = compiled(
                partial(search_codebooks, problem, receiver=receiver, **options)
            )
            same = (found.index1[:few] == expected.index1) & (found.index2[:few] == expected.index2)
            slow, quick = 1e3 * slow / few, 1e3 * quick / count
            print(
                f"{f'{receiver}, K = {users}, M1 = M2 = {size}':32}{slow:10.2f}{quick:10.3f}"
                f"{slow / quick:8.0f}{same.all()!s:>14}"
            )


if __name__ == "__main__":
    measure_alternation()
    measure_receivers()
    measure_codebook()
