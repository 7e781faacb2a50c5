"""Kernels of the cell-free downlink of noh2022 on its own data, against the obvious way.

Run with ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/cell_free.py`` (about a
minute; ``--quick`` leaves the slow references out). The drops are those of the document's ensemble:
4 access points, 8 surfaces, 4 users. Compilation is left out.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.channels.rician_network import RicianNetwork, draw_fading
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.optimize.reference.sdp import solve_diagonal_sdp_cvxpy
from irsrepro.optimize.rounding import gaussian_randomisation, polish
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.noh2022 import ensemble, system
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    equal_precoder,
    maximise_downlink_sum_rate,
)
from irsrepro.papers.noh2022.algorithms.zero_forcing import precoder_powers, precoder_powers_of
from irsrepro.papers.noh2022.reference.downlink_sum_rate import (
    maximise_downlink_sum_rate as maximise_downlink_sum_rate_reference,
)
from timing import timed

DROPS = 6
POWER = 0.1  # W
PARAMETERS: dict[str, Any] = {
    "access_points": 4, "antennas": 4, "irs_sites": 8, "surfaces": 8, "elements": 200,
    "elements_per_column": 5, "users": 4, "area_side": 300.0, "hotspot_centre": 40.0,
    "hotspot_radius": 20.0, "ap_height": 10.0, "irs_height": 10.0, "ue_height": 1.5,
    "reference_gain": -30.0, "direct_exponent": 3.5, "ap_irs_exponent": 2.2, "irs_user_exponent": 2.2,
    "hotspot_step": 30.0, "hotspot_place": 0, "spacing": 0.5,
    "direct_rician_factor": -3.0, "reflected_rician_factor": 3.0, "noise_power": -94.0,
}  # fmt: skip


def relaxations(channels: Any, quick: bool) -> None:
    print("Max-min mean gain: certified relaxation, 200 random vectors, polishing; median, worst")
    rng = np.random.default_rng(0)
    for elements in (4, 30, 60, 100, 200):
        links = system.network(channels, PARAMETERS | {"elements": elements})
        whole = system.smallest_gain_problem(links)
        spent, gaps, losses = np.zeros((DROPS, 3)), np.zeros(DROPS), np.zeros((DROPS, 2))
        for r in range(-1, DROPS):  # the first round compiles
            one = whole.of([max(r, 0)])
            times = np.zeros(3)
            times[0], solution = timed(partial(solve_diagonal_sdp, one))
            draws = rng.standard_normal((2, 1, 200, solution.factor.shape[2])) / np.sqrt(2)
            times[1], sampled = timed(
                partial(gaussian_randomisation, one, solution.factor, draws[0] + 1j * draws[1])
            )
            times[2], polished = timed(partial(polish, one, sampled.vector))
            spent[r], gaps[r] = times, solution.relative_gap[0]
            losses[r] = [1 - x.value[0] / solution.upper_bound[0] for x in (sampled, polished)]
        middle, worst = np.median(spent, axis=0), spent.max(axis=0)
        print(
            f"  n = {8 * elements + 1:5d}  relaxation {middle[0]:6.3f} s ({worst[0]:.3f}), "
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
    print("Sum-rate by fractional programming: milliseconds per channel")
    for elements in (2, 50, 100):
        links = system.network(channels, PARAMETERS | {"elements": elements})
        count = 2 if elements == 2 else 20
        fading = draw_fading(links, 0, range(count))
        start = np.exp(1j * channels["random_phase"].values[:1, :, :elements])
        start = np.repeat(start, count, axis=0)
        precoder = equal_precoder((count, 4, 4, 4), POWER)
        setting = fading, precoder, start, POWER
        maximise_downlink_sum_rate(*setting, iteration_limit=1)
        seconds, found = timed(partial(maximise_downlink_sum_rate, *setting))
        print(
            f"  N = {elements:3d}  {1e3 * seconds / count:6.2f}, {found.iterations.mean():.1f} "
            f"iterations, {found.sum_rate.mean():.2f} bit/s/Hz"
        )
        if elements == 2 and not quick:
            slow, reference = timed(partial(maximise_downlink_sum_rate_reference, *setting))
            print(
                f"           {1e3 * slow / count:6.0f} with cvxpy, ratio {slow / seconds:.0f}, "
                f"{reference.sum_rate.mean():.2f} bit/s/Hz"
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


if __name__ == "__main__":
    main()
