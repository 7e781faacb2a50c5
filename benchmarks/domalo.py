"""DOMALO, max-min beams and randomisation: ours against public solvers and the obvious loop.

Run with ``OPENBLAS_NUM_THREADS=1 python benchmarks/domalo.py`` (three minutes; ``--quick`` takes
fewer realisations). Compilation is left out; channels are Saleh-Valenzuela ones at the SNR of
zhang2022's figures.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irsrepro.channels.saleh_valenzuela import saleh_valenzuela, upright_array
from irsrepro.channels.streams import RandomStream, children, realisation_streams
from irsrepro.optimize.beamforming.max_min import max_min_beams
from irsrepro.optimize.reference.max_min import max_min_beams as max_min_beams_cvxpy
from irsrepro.optimize.rounding import gaussian_randomisation
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import alternate
from irsrepro.papers.zhang2022.algorithms.surface_downlink import SurfaceLinks, composite_channel
from irsrepro.papers.zhang2022.reference.manifold_alternation import (
    alternate as alternate_reference,
)
from timing import timed

Complex = NDArray[np.complex128]

USERS, ANTENNAS = 4, 16
SNR = 3.5e-1  # of a path of two hops at 50 m and 14 m with -110 dBm of noise and 30 dBm


def links(count: int, elements: int) -> SurfaceLinks:
    """Channels over two surfaces of ``elements / 2`` each."""
    streams = realisation_streams(RandomStream(1), range(count))
    surface, station = upright_array(elements // 2, 4), upright_array(ANTENNAS, 4)
    incoming = [
        saleh_valenzuela(children(streams, "in", irs), surface, station, 3, 0.1) for irs in (1, 2)
    ]
    outgoing = [
        np.stack(
            [
                saleh_valenzuela(
                    children(streams, "out", irs, user), surface, np.zeros((1, 3)), 3, 0.1
                )[..., 0]
                for user in range(USERS)
            ],
            axis=1,
        )
        for irs in (1, 2)
    ]
    none = np.empty((count, 0, 0), np.complex128)
    return SurfaceLinks(
        np.sqrt(SNR) * np.concatenate(outgoing, axis=2),
        np.concatenate(incoming, axis=1),
        none,
        none,
        none,
        elements // 2,
    )


def alternations(count: int) -> None:
    print("20 iterations of 10 + 10 directions (target: DOMALO 40 times pymanopt at 128 elements)")
    for objective in ("sum-rate", "min-rate"):
        for elements in (32, 128, 200):
            given = links(count, elements)
            start = np.ones((count, elements), np.complex128)
            options: dict[str, Any] = {"objective": objective, "outer": 20}
            few = given.of(slice(1))
            alternate(few, start[:1], **options)
            ours, found = timed(partial(alternate, given, start, **options), 3)
            theirs, reference = timed(partial(alternate_reference, given, start, **options))
            gap = found.trace[:, -1] - reference.trace[:, -1]
            error = gap.std(ddof=1) / np.sqrt(count)
            print(
                f"  {objective}, {elements:3d} elements: ours {1e3 * ours / count:6.2f} ms   "
                f"pymanopt {1e3 * theirs / count:7.1f} ms   ratio {theirs / ours:5.0f}   "
                f"means {found.trace[:, -1].mean():.2f} and {reference.trace[:, -1].mean():.2f}, "
                f"difference {gap.mean():+.3f} with standard error {error:.3f} bit/s/Hz"
            )


def beams(count: int) -> None:
    print("Max-min beams (target: 10 000 times bisection over cone programs)")
    for antennas in (8, 16):
        given = links(200, 80)
        given = given._replace(incoming=np.ascontiguousarray(given.incoming[..., :antennas]))
        channel = composite_channel(given, np.ones((200, 80), np.complex128))
        max_min_beams(channel[:1])
        ours, found = timed(partial(max_min_beams, channel), 3)
        few = channel[:count]
        theirs, reference = timed(partial(max_min_beams_cvxpy, few))
        worst = np.abs(found.level[:count] / reference.level - 1.0).max()
        print(
            f"  M = {antennas}: ours {1e6 * ours / 200:6.1f} us   cone programs "
            f"{1e3 * theirs / count:7.1f} ms   ratio {theirs / count / (ours / 200):7.0f}   "
            f"level to {worst:.0e}"
        )


def plain_randomisation(problem: MaxMinProblem, factor: Complex, draws: Complex) -> float:
    """The obvious loop: one sample after another, all SINRs of each."""
    F, top, constants, bottom, noise = problem.parts(0)
    best = -np.inf
    for z in draws:
        vector = np.exp(1j * np.angle(factor @ z))
        powers = np.abs(F.conj().T @ vector) ** 2
        best = max(best, ((top @ powers + constants) / (bottom @ powers + noise)).min())
    return float(best)


def randomisations(samples: int) -> None:
    print(f"{samples} randomisations of a reflection step (target: 20 times the loop)")
    for elements in (80, 160):
        given = links(1, elements)
        start = np.ones((1, elements), np.complex128)
        w = max_min_beams(composite_channel(given, start)).beams
        forms = given.outgoing[:, :, None] * (given.incoming @ w.mT).mT[:, None]
        own = np.zeros((USERS, USERS, USERS))
        own[range(USERS), range(USERS), range(USERS)] = 1.0
        others = np.eye(USERS)[:, :, None] - own
        problem = MaxMinProblem(
            forms.reshape(1, USERS**2, -1).conj().mT,
            own.reshape(1, USERS, -1),
            np.zeros((1, USERS)),
            others.reshape(1, USERS, -1),
            np.ones((1, USERS)),
        )
        relaxed = solve_diagonal_sdp(problem, tolerance=1e-3, method="low rank")
        used = (np.abs(relaxed.factor[0]) ** 2).sum(axis=0) > 1e-9 * elements
        factor = relaxed.factor[:, :, used]
        rng = np.random.default_rng(0)
        parts = rng.standard_normal((2, 1, samples, int(used.sum())))
        draws = (parts[0] + 1j * parts[1]) / np.sqrt(2.0)
        gaussian_randomisation(problem, factor, draws[:, :1000])
        ours, found = timed(partial(gaussian_randomisation, problem, factor, draws), 3)
        theirs, best = timed(partial(plain_randomisation, problem, factor[0], draws[0]))
        print(
            f"  {elements} elements, rank {factor.shape[2]}: ours {1e3 * ours:6.1f} ms   loop "
            f"{1e3 * theirs:7.0f} ms   ratio {theirs / ours:4.0f}   best to "
            f"{abs(found.value[0] / best - 1.0):.0e}, "
            f"{100 * found.value[0] / relaxed.upper_bound[0]:.0f} % of the bound"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer realisations and samples")
    quick = parser.parse_args().quick
    alternations(5 if quick else 100)
    beams(1 if quick else 5)
    randomisations(10_000 if quick else 100_000)


if __name__ == "__main__":
    main()
