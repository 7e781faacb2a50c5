"""Max-min semidefinite relaxation of zheng2021's reflection step: ours against public solvers.

Run with ``OPENBLAS_NUM_THREADS=1 python benchmarks/max_min_sdp.py`` (a few minutes; ``--quick``
leaves the slow references out). Every number of ours carries a certificate: the gap printed is the
one between the value recomputed from the matrix returned and the bound its multipliers prove.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray

from irsrepro.optimize.reference.sdp import (
    bisect_ratio_cvxpy,
    solve_diagonal_sdp_cvxpy,
)
from irsrepro.optimize.rounding import gaussian_randomisation, polish
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.optimize.sdp.solver import DiagonalSdpSolution, Method, solve_diagonal_sdp
from timing import timed

Complex = NDArray[np.complex128]

ANTENNAS = 16


def steering(size: int, direction: float) -> Complex:
    return np.asarray(np.exp(1j * np.pi * direction * np.arange(size)))


def multipath(
    rng: np.random.Generator, rows: int, columns: int, paths: int, line_of_sight: float
) -> Complex:
    """Sum of specular paths, the first with the given share of the power."""
    shares = np.full(paths, (1.0 - line_of_sight) / max(paths - 1, 1))
    shares[0] = line_of_sight
    channel = np.zeros((rows, columns), complex)
    for share in shares:
        gain = np.sqrt(share) * np.exp(2j * np.pi * rng.random())
        arrival, departure = rng.uniform(-1.0, 1.0, 2)
        channel += gain * np.outer(steering(rows, arrival), steering(columns, departure).conj())
    return channel


def reflection_step(rng: np.random.Generator, users: int, size: int, snr: float) -> MaxMinProblem:
    """P3.1 of zheng2021 for IRS 2: SINRs of MMSE receivers at random phases.

    Near links of line-of-sight share 0.9, far links of 4 and 8 equal paths; size - 1 subsurfaces.
    """
    count = size - 1
    to_base = multipath(rng, ANTENNAS, count, 4, 0.25)
    far_base = multipath(rng, ANTENNAS, count, 8, 0.125)
    between = multipath(rng, count, count, 8, 0.9)
    theta1, theta2 = np.exp(2j * np.pi * rng.random((2, count)))
    cascades, directs = [], []
    for _ in range(users):
        near = multipath(rng, count, 1, 6, 0.9)[:, 0]
        far = multipath(rng, count, 1, 4, 0.25)[:, 0]
        incoming = between @ (theta1 * near) / count + 0.21 * far
        cascades.append(to_base * incoming)
        directs.append(0.3 * far_base @ (theta1 * near))
    channel = np.stack([a @ theta2 + b for a, b in zip(cascades, directs, strict=True)], axis=1)
    power = snr / np.mean(np.abs(channel) ** 2) / ANTENNAS
    receivers = np.linalg.solve(power * channel @ channel.conj().T + np.eye(ANTENNAS), channel)
    columns = np.zeros((1, size, users**2), complex)
    own = np.zeros((1, users, users**2))
    other = np.zeros((1, users, users**2))
    for k in range(users):
        w = receivers[:, k] / np.linalg.norm(receivers[:, k])
        for j in range(users):
            a = k * users + j
            columns[0, :-1, a] = (w.conj() @ cascades[j]).conj()
            columns[0, -1, a] = (w.conj() @ directs[j]).conj()
            (own if j == k else other)[0, k, a] = power
    zeros, ones = np.zeros((1, users)), np.ones((1, users))
    return MaxMinProblem(columns, own, zeros, other, ones)


def at_level(problem: MaxMinProblem) -> MaxMinProblem:
    """The linear problem of Dinkelbach's first step, at the ratio and denominators of V = I."""
    F, SN, n, SD, d = problem.parts(0)
    powers = (np.abs(F) ** 2).sum(axis=0)
    bottom = SD @ powers + d
    level = float(((SN @ powers + n) / bottom).min())
    return MaxMinProblem(
        F[None],
        ((SN - level * SD) / bottom[:, None])[None],
        ((n - level * d) / bottom)[None],
    )


def ours(
    problems: list[MaxMinProblem], method: Method, tolerance: float = 1e-4
) -> tuple[float, list[DiagonalSdpSolution]]:
    """Median over problems of the median of several runs, compilation left out."""
    solve = partial(solve_diagonal_sdp, method=method, tolerance=tolerance)
    solve(problems[0])
    runs = [timed(partial(solve, p), 5) for p in problems]
    return float(np.median([t for t, _ in runs])), [solution for _, solution in runs]


def line(label: str, seconds: float, solutions: list[DiagonalSdpSolution], note: str = "") -> None:
    gap = max(float(s.residual[0]) for s in solutions)
    short = sum(not s.converged[0] for s in solutions)
    print(
        f"{label:34s} {1e3 * seconds:10.2f} ms   gap <= {gap:.1e}"
        + (f"   {short} not converged" if short else "")
        + note
    )


def linear_problems(quick: bool) -> None:
    print("Linear max-min problem (one level of the ratio problem), K users, n = subsurfaces + 1")
    for users in (4, 8):
        for size in (33, 65):
            draws = [np.random.default_rng(seed) for seed in range(8)]
            problems = [at_level(reflection_step(rng, users, size, 10.0)) for rng in draws]
            print(f"K = {users}, n = {size}")
            line("  interior", *ours(problems, "interior"))
            low_rank = ours(problems, "low rank")
            line("  low rank", *low_rank)
            # Clarabel converges further, SCS is asked for 1e-4: each against its like.
            exact = ours(problems, "interior", 1e-7)
            line("  interior to 1e-7", *exact)
            best, found = exact if size == 33 else low_rank
            if quick:
                continue
            repeats = 3 if size == 33 else 1
            solver = "CLARABEL" if size == 33 else "SCS"
            times, excess = [], []
            for problem, solution in list(zip(problems, found, strict=True))[:repeats]:
                start = time.perf_counter()
                if solver == "CLARABEL":
                    reference = solve_diagonal_sdp_cvxpy(problem, solver="CLARABEL")
                else:
                    reference = solve_diagonal_sdp_cvxpy(problem, solver="SCS", accuracy=1e-4)
                times.append(time.perf_counter() - start)
                excess.append((solution.value[0] - reference.value) / abs(reference.value))
            seconds = float(np.median(times))
            print(
                f"  cvxpy + {solver:24s} {1e3 * seconds:10.0f} ms   ratio {seconds / best:6.0f}   "
                f"ours above it by {min(excess):+.0e} or more"
            )


def ratio_problems(quick: bool) -> None:
    print("Max-min SINR (level found too), at three signal-to-noise ratios")
    for snr in (10.0, 30.0, 50.0):
        for users, size in ((4, 33), (8, 65)):
            draws = [np.random.default_rng(seed) for seed in range(8)]
            problems = [reflection_step(rng, users, size, 10 ** (snr / 10)) for rng in draws]
            seconds, solutions = ours(problems, "auto")
            sinr = 10 * np.log10(np.median([s.value[0] for s in solutions]))
            line(f"  {snr:.0f} dB, K = {users}, n = {size}", seconds, solutions, f"  {sinr:.1f} dB")
            normal = np.random.default_rng(0).standard_normal((2, 1, 2000, size))
            samples = (normal[0] + 1j * normal[1]) / np.sqrt(2)
            losses = np.zeros((2, len(problems)))
            spent = np.zeros((2, len(problems)))
            for i, (p, s) in enumerate(zip(problems, solutions, strict=True)):
                spent[0, i], plain = timed(partial(gaussian_randomisation, p, s.factor, samples), 3)
                few = gaussian_randomisation(p, s.factor, samples[:, :200])
                spent[1, i], better = timed(partial(polish, p, few.vector), 3)
                for row, result in enumerate((plain, better)):
                    losses[row, i] = 10 * np.log10(s.upper_bound[0] / result.value[0])
            print(
                f"    2000 samples {1e3 * np.median(spent[0]):6.1f} ms, "
                f"{losses[0].mean():5.2f} dB below the bound; 200 samples and a polish of "
                f"{1e3 * np.median(spent[1]):5.1f} ms, {losses[1].mean():5.2f} dB"
            )
    if not quick:
        problem = reflection_step(np.random.default_rng(0), 4, 33, 10.0)
        seconds, solutions = ours([problem], "auto")
        start = time.perf_counter()
        reference = bisect_ratio_cvxpy(problem, relative_accuracy=1e-2)
        spent_there = time.perf_counter() - start
        print(
            f"  cvxpy + CLARABEL, bisection to 1e-2 {spent_there:8.1f} s    ratio "
            f"{spent_there / seconds:6.0f}   {reference.solves} solves, ours above it by "
            f"{solutions[0].value[0] / reference.value - 1:+.1e}"
        )


def large_problems() -> None:
    print("Many elements, low rank with certificate")
    for users in (4, 8):
        for size in (129, 241, 481):
            draws = [np.random.default_rng(seed) for seed in range(5)]
            ratios = [reflection_step(rng, users, size, 10.0) for rng in draws]
            for label, problems in (
                ("linear", [at_level(p) for p in ratios]),
                ("SINR", ratios),
            ):
                seconds, solutions = ours(problems, "low rank")
                line(f"  K = {users}, n = {size}, {label}", seconds, solutions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the slow references")
    quick = parser.parse_args().quick
    linear_problems(quick)
    ratio_problems(quick)
    large_problems()


if __name__ == "__main__":
    main()
