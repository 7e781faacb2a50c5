"""Kernels of the cell-free downlink of noh2022 on its own data, against the obvious way.

Run with ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/cell_free.py`` (about a
minute; ``--quick`` leaves the slow references out). The drops are those of the paper's ensemble:
4 access points, 8 surfaces, 4 users. Compilation is left out.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.rician_network import Fading, RicianNetwork, draw_fading
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.optimize.reference.sdp import solve_diagonal_sdp_cvxpy
from irsrepro.optimize.rounding import gaussian_randomisation, polish
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.noh2022 import ensemble, system
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    DownlinkSolution,
    equal_precoder,
    maximise_downlink_sum_rate,
)
from irsrepro.papers.noh2022.algorithms.dual_uplink import maximise_over_phases
from irsrepro.papers.noh2022.algorithms.zero_forcing import precoder_powers, precoder_powers_of
from irsrepro.papers.noh2022.reference.downlink_sum_rate import (
    maximise_downlink_sum_rate as maximise_downlink_sum_rate_reference,
)
from irsrepro.papers.noh2022.schemes import proposed
from timing import timed

DROPS = 6
POWER = 0.1  # W
PARAMETERS: dict[str, Any] = {
    "access_points": 4, "antennas": 4, "irs_sites": 8, "surfaces": 8, "elements": 200,
    "elements_per_column": 5, "users": 4, "area_side": 300.0, "hotspot_centre": 40.0,
    "hotspot_radius": 20.0, "ap_height": 10.0, "irs_height": 10.0, "ue_height": 1.5,
    "reference_gain": -30.0, "direct_exponent": 3.5, "ap_irs_exponent": 2.2,
    "irs_user_exponent": 2.2, "hotspot_step": 30.0, "hotspot_place": 0, "spacing": 0.5,
    "direct_rician_factor": -3.0, "reflected_rician_factor": 3.0, "noise_power": -94.0,
}  # fmt: skip


def relaxations(channels: Any, quick: bool) -> None:
    print("Max-min mean gain: certified relaxation, 200 random vectors, polishing; median, worst;")
    print("  whole: relaxation of the same columns without their blocks")
    rng = np.random.default_rng(0)
    for elements in (4, 30, 60, 100, 200):
        links = system.network(channels, PARAMETERS | {"elements": elements})
        whole = system.smallest_gain_problem(links)
        spent, gaps, losses = np.zeros((DROPS, 4)), np.zeros(DROPS), np.zeros((DROPS, 2))
        evaluations = np.zeros(DROPS)
        for r in range(-1, DROPS):  # the first round compiles
            one = whole.of([max(r, 0)])
            times = np.zeros(4)
            times[0], solution = timed(partial(solve_diagonal_sdp, one))
            draws = rng.standard_normal((2, 1, 200, solution.factor.shape[2])) / np.sqrt(2)
            times[1], sampled = timed(
                partial(gaussian_randomisation, one, solution.factor, draws[0] + 1j * draws[1])
            )
            times[2], polished = timed(partial(polish, one, sampled.vector))
            times[3], _ = timed(partial(solve_diagonal_sdp, one.dense()))
            spent[r], gaps[r] = times, solution.residual[0]
            evaluations[r] = solution.iterations[0]
            losses[r] = [1 - x.value[0] / solution.upper_bound[0] for x in (sampled, polished)]
        middle, worst = np.median(spent, axis=0), spent.max(axis=0)
        print(
            f"  n = {8 * elements + 1:5d}  relaxation {middle[0]:6.3f} s ({worst[0]:.3f}), "
            f"{np.median(evaluations):.0f} evaluations, whole {middle[3]:.3f} s, "
            f"gap <= {gaps.max():.0e}; randomised {middle[1]:.3f} s, {losses[:, 0].max():5.1%} "
            f"below the bound; polished {middle[2]:.3f} s, {losses[:, 1].max():5.1%} below"
        )
        if elements == 4 and not quick:
            seconds, reference = timed(partial(solve_diagonal_sdp_cvxpy, whole, 0))
            ours = solve_diagonal_sdp(whole).value[0]
            print(
                f"             cvxpy + Clarabel {seconds:.1f} s, ratio {seconds / middle[0]:.0f}, "
                f"relative difference {reference.value / ours - 1:+.0e}"
            )


def by_definition(links: RicianNetwork, reflection: Complex) -> Real:
    """Powers of 200 channels of the first drop, every number drawn."""
    return precoder_powers_of(draw_fading(links, 0, range(200)), reflection)


def zero_forcing(channels: Any) -> None:
    print("Zero forcing: microseconds per channel, mean powers of 200 channels")
    for elements in (25, 50, 100, 200):
        links = system.network(channels, PARAMETERS | {"elements": elements})
        phases = channels["random_phase"].values[:, :, :elements]
        reflection = np.exp(1j * phases)
        precoder_powers(links, reflection, 2)
        fast, found = timed(partial(precoder_powers, links, reflection, 200))
        plain, powers = timed(partial(by_definition, links, reflection[0]))
        spread = np.hypot(found.error[0], powers.std(axis=0) / np.sqrt(200))
        apart = np.abs(found.mean[0] - powers.mean(axis=0)) / spread
        fast, plain = 1e6 * fast / (200 * DROPS), 1e6 * plain / 200
        print(
            f"  N = {elements:3d}  {fast:6.1f}, every number drawn {plain:7.1f}, ratio "
            f"{plain / fast:4.1f}; means apart by at most {apart.max():.1f} standard errors"
        )


def sum_rate(channels: Any, quick: bool) -> None:
    print("Sum-rate: milliseconds per channel, phases raised with the precoders eliminated first;")
    print("  alone, the alternation with the same stop from one beam for all users")
    for elements in (2, 50, 100):
        links = system.network(channels, PARAMETERS | {"elements": elements})
        count = 2 if elements == 2 else 10
        fading = draw_fading(links, 0, range(count))
        phases = np.exp(1j * channels["random_phase"].values[:1, :, :elements])
        phases = np.repeat(phases, count, axis=0)
        equal = equal_precoder((count, 4, 4, 4), POWER)

        def converged(fading: Fading = fading, phases: Complex = phases) -> DownlinkSolution:
            start = maximise_over_phases(fading, phases, POWER)
            return maximise_downlink_sum_rate(
                fading, start.precoder, start.reflection, POWER, on_circle=True
            )

        converged()
        seconds, found = timed(converged)
        print(
            f"  N = {elements:3d}  {1e3 * seconds / count:6.2f}, {found.iterations.mean():.1f} "
            f"rounds, {found.sum_rate.mean():.2f} bit/s/Hz"
        )
        alternate = partial(maximise_downlink_sum_rate, fading, equal, phases, POWER)
        alone, slow = timed(partial(alternate, on_circle=True))
        print(
            f"     alone {1e3 * alone / count:6.2f}, {slow.iterations.mean():.1f} rounds, "
            f"{slow.sum_rate.mean():.2f} bit/s/Hz, ratio {alone / seconds:.1f}"
        )
        if elements == 2 and not quick:
            short: Any = {"tolerance": 0.0, "max_iterations": 5}
            by_cones, reference = timed(
                partial(maximise_downlink_sum_rate_reference, fading, equal, phases, POWER, **short)
            )
            ours, same = timed(partial(alternate, **short))
            print(
                f"     5 rounds with cvxpy {1e3 * by_cones / count:.0f}, ratio "
                f"{by_cones / ours:.0f}, {reference.sum_rate.mean():.3f} and "
                f"{same.sum_rate.mean():.3f} bit/s/Hz"
            )


def drop(channels: Any) -> None:
    """Time a drop of the figures: design by either rounding, and three transmit powers."""
    print("A drop at L = 8, N = 200: milliseconds")
    levels = {"parameter": "transmit_power", "values": [10, 20, 30], "unit": "dBm",
              "design_once": True}  # fmt: skip
    streams = realisation_streams(RandomStream(1).child("noh2022", "design"), range(DROPS))
    numbered = channels.assign_coords(realisation=np.arange(DROPS))
    for rounding in ("randomised", "polished"):
        parameters = PARAMETERS | {
            "sdp_tolerance": 1e-3, "randomisation_draws": 200, "rounding": rounding,
            "channels_per_drop": 600,
        }  # fmt: skip
        problem = Problem(numbered, parameters, "fast", streams)
        run(proposed.design, system.evaluate, problem.of([0]), levels)
        design, _ = timed(partial(proposed.design, problem))
        whole, _ = timed(
            partial(run, proposed.design, system.evaluate, problem, levels, system.statistics)
        )
        each, _ = timed(partial(run, proposed.design, system.evaluate, problem, levels))
        print(
            f"  {rounding:10s}  design {1e3 * design / DROPS:6.1f}, with three powers "
            f"{1e3 * whole / DROPS:6.1f}, zero forcing sampled for each {1e3 * each / DROPS:6.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the slow references")
    quick = parser.parse_args().quick
    streams = realisation_streams(RandomStream(1).child("noh2022", "benchmark"), range(DROPS))
    channels = ensemble.draw(PARAMETERS, streams)
    relaxations(channels, quick)
    zero_forcing(channels)
    sum_rate(channels, quick)
    drop(channels)


if __name__ == "__main__":
    main()
