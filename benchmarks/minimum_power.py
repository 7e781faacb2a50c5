"""Least transmit power: ours against cone programs and pymanopt, at the sizes of yu2020.

Run with ``OPENBLAS_NUM_THREADS=1 python benchmarks/minimum_power.py`` (two minutes; ``--quick``
leaves out the cone solver at 30 elements). Compilation is left out; the channels are Gaussian, with
a reflected part as strong as the direct one.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irsrepro.optimize.beamforming.minimum_power import minimum_power_beamforming
from irsrepro.optimize.reference.minimum_power import (
    minimum_power_beamforming as minimum_power_beamforming_cvxpy,
)
from irsrepro.papers.yu2020.algorithms.inner_approximation import inner_approximation
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import (
    minimum_power_over_phases,
    optimality_residual,
)
from irsrepro.papers.yu2020.algorithms.subproblem import make_subproblem
from irsrepro.papers.yu2020.algorithms.subproblem_solver import solve_subproblem
from irsrepro.papers.yu2020.reference.inner_approximation import solve_subproblem_cvxpy
from irsrepro.papers.yu2020.reference.minimum_power_phases import (
    minimum_power_over_phases as minimum_power_over_phases_pymanopt,
)
from timing import timed

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

TARGET, BALANCE, PENALTY = 10.0, 0.35, 0.03


def responses(
    seed: int, count: int, users: int, elements: int, antennas: int
) -> tuple[Complex, Complex]:
    """Channels (realisation, user, element + 1, antenna) and starting phases."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((2, count, users, elements + 1, antennas))
    channels = (parts[0] + 1j * parts[1]) / np.sqrt(2.0)
    channels[:, :, :-1] /= np.sqrt(elements)
    return channels, np.exp(2j * np.pi * rng.random((count, elements)))


def beamforming() -> None:
    print("Beamformers for given phases, K = 3, N_t = 4 (target: 1000 times the cone program)")
    channels, _ = responses(0, 1000, 3, 20, 4)
    direct = np.ascontiguousarray(channels[:, :, -1])
    minimum_power_beamforming(direct, TARGET)
    ours, found = timed(lambda: minimum_power_beamforming(direct, TARGET), 3)
    few = direct[:20]
    targets = np.full((20, 3), TARGET)
    theirs, reference = timed(lambda: minimum_power_beamforming_cvxpy(few, targets))
    worst = np.abs(found.power[:20] / reference.power - 1.0).max()
    print(
        f"  ours {1e6 * ours / 1000:8.2f} us   cvxpy + Clarabel {1e3 * theirs / 20:8.2f} ms   "
        f"ratio {theirs / 20 / (ours / 1000):8.0f}   power to {worst:.0e}"
    )


def phases() -> None:
    print("Beamformers and phases to a KKT point, K = 3 (target: 20 ms at N_t = 6, M = 20)")
    for antennas, elements in ((6, 20), (4, 20), (4, 50)):
        channels, x = responses(1, 30, 3, elements, antennas)
        starts = x[:, None]
        minimum_power_over_phases(channels[:1], TARGET, starts[:1])
        ours, found = timed(partial(minimum_power_over_phases, channels, TARGET, starts), 3)
        residual = optimality_residual(channels, TARGET, found.reflection, found.beamformer)
        targets = np.full((2, 3), TARGET)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, reference = timed(
                partial(
                    minimum_power_over_phases_pymanopt,
                    channels[:2],
                    targets,
                    x[:2, None],
                    tolerance=1e-4,
                    max_iterations=100,
                ),
                1,
            )
        better = 10.0 * np.log10(reference.power / found.power[:2])
        print(
            f"  N_t = {antennas}, M = {elements}: {1e3 * ours / 30:7.2f} ms   "
            f"{found.iterations.mean():5.0f} directions   KKT residual {residual.largest.max():.0e}"
            f"   pymanopt {1e3 * theirs / 2:7.0f} ms, {better.min():+.1e} to {better.max():+.1e} dB"
        )


def subproblems(quick: bool) -> None:
    print("One step of the inner approximation (target: 100 times the cone solver at M = 30)")
    for users, elements, antennas in ((2, 10, 4), (3, 20, 4), (2, 30, 4)):
        if quick and elements == 30:
            continue
        channels, x = responses(2, 1, users, elements, antennas)
        vector = np.append(x[0], 1.0)
        effective = np.einsum("n,kna->ka", vector, channels[0])[None]
        start = minimum_power_beamforming(effective, TARGET)
        power = start.power[0]
        scaled = np.ascontiguousarray(channels[0] * np.sqrt(power))
        adjoint = np.ascontiguousarray(scaled.conj().mT)
        targets = np.full(users, TARGET)
        beams = np.ascontiguousarray(start.beamformer[0][:, None] / np.sqrt(power))
        factor = np.ascontiguousarray(vector.conj()[:, None])
        problem = make_subproblem(
            scaled,
            adjoint,
            adjoint @ scaled,
            targets,
            start.uplink_power[0] / power,
            factor,
            beams,
            BALANCE,
            PENALTY,
            np.inf,
        )
        multipliers = np.append(np.ones(users), 0.0)
        solve_subproblem(problem, multipliers, 1e-6, 12)
        ours, found = timed(partial(solve_subproblem, problem, multipliers, 1e-6, 12), 9)
        lifted = np.einsum("isa,isb->iab", beams, beams.conj())
        begun = perf_counter()
        try:
            # Tighter, and the cone solver gives up at 30 elements.
            reference = solve_subproblem_cvxpy(
                scaled,
                targets,
                factor @ factor.conj().T,
                lifted,
                scaling=BALANCE,
                penalty=PENALTY,
                slack=None,
                accuracy=1e-6,
            )
            verdict = f"objective {found[3] / reference.objective - 1.0:+.0e}"
        except RuntimeError as error:
            verdict = str(error)[:60]
        theirs = perf_counter() - begun
        print(
            f"  K = {users}, M = {elements}: {1e3 * ours:6.2f} ms, certified gap {found[4]:.0e}   "
            f"cvxpy + Clarabel {theirs:6.2f} s   ratio {theirs / ours:6.0f}   {verdict}"
        )


def loops() -> None:
    print("The inner approximation, K = 3, N_t = 4: 100 iterations, and to its stop at 1e-4")
    for elements in (10, 20, 50):
        channels, x = responses(3, 5, 3, elements, 4)
        hundred = partial(inner_approximation, tolerance=0.0, max_iterations=100)
        seconds, found = timed(partial(hundred, channels, TARGET, x))
        whole, ended = timed(partial(inner_approximation, channels, TARGET, x))
        best = minimum_power_over_phases(channels, TARGET, x[:, None])
        behind = [10.0 * np.log10(each.power / best.power).mean() for each in (found, ended)]
        print(
            f"  M = {elements}: {1e3 * seconds / 5:7.1f} ms, {behind[0]:.3f} dB above Riemannian "
            f"CG   to the stop {1e3 * whole / 5:7.1f} ms, {ended.iterations.mean():.0f} "
            f"iterations, {behind[1]:.3f} dB   largest gap {ended.accuracy.max():.0e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest cone program")
    quick = parser.parse_args().quick
    beamforming()
    phases()
    subproblems(quick)
    loops()


if __name__ == "__main__":
    main()
