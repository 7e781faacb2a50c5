"""Cost against size: CPU seconds per realisation of every scheme as a power law.

    python benchmarks/cost_against_size.py [PAPER | PAPER/SCHEME ...]

measures a small design of sizes about the defaults of each paper, one size varied at a time, fits

    log(seconds per realisation) = level + sum of exponent x log(size / size at the centre)

by least squares, and writes ``benchmarks/results/cost_against_size.json``. All sizes have the same
draws: larger arrays begin with the smaller ones. Channels and compilation are not counted.
"""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
import argparse
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from schemes import Call, prepared
from timing import cpu_seconds, record, rounded, times

NAME = "cost_against_size"
RUN, RUNS = 0.1, 3
"""Seconds that a call at the centre should last, and how many calls."""
LONGEST = 4.0
"""Predicted seconds of a call above which a size is left out."""
MOST, LEAST = 32, 2
"""Realisations at the centre."""


class Design(NamedTuple):
    """Schemes measured alike.

    Attributes:
        paper: its key.
        experiment: whose parameters count.
        schemes: listed by the experiment.
        sizes: values of each size, by the name of its parameter; the second is the centre.
        fixed: other parameters set.
    """

    paper: str
    experiment: str
    schemes: Sequence[str]
    sizes: Mapping[str, tuple[int, ...]]
    fixed: Mapping[str, Any] = MappingProxyType({})


NOH = {"elements": (25, 50, 100, 200), "antennas": (2, 4, 8, 16), "users": (2, 4, 6)}
YU = {"elements": (10, 20, 40), "antennas": (3, 4, 8, 12), "users": (2, 3, 4)}
ZHANG = {"elements": (20, 40, 80, 160), "antennas": (8, 16, 32, 64), "users": (2, 4, 6, 8)}
PAIRED = {"total_elements": (40, 80, 160), "antennas": (8, 16, 32), "users": (2, 4, 6, 8)}
ONE = {"subsurfaces": (20, 40, 80, 160), "antennas": (5, 10, 20, 40)}
SEVERAL = {"subsurfaces": (20, 40, 60), "antennas": (8, 16, 32), "users": (2, 4, 8)}
SURFACE = {"largest_surface": 80}
LARGE = {"elements": 160}
DESIGNS = (
    Design("he2020", "irs_count", ("joint", "power", "phase", "random"),
           {"elements": (2, 4, 8, 16), "irss": (2, 4, 8), "pairs": (3, 6, 12)}),
    Design("noh2022", "near", ("proposed", "no_irs", "random"), NOH),
    Design("noh2022", "near", ("polished",), NOH | {"elements": (5, 10, 20)}),
    Design("noh2022", "power_instantaneous", ("sum_rate_max",), NOH),
    Design("noh2022", "surrogate", ("direct",), NOH | {"elements": (5, 10, 20)}),
    Design("noh2022", "hardening", ("hardening",), NOH),
    # Numbers of iterations differ a hundredfold between realisations: these two have twenty each.
    Design("yu2020", "cost_of_iterations", ("inner_approximation", "alternating_minimisation"), YU),
    Design("yu2020", "target", ("no_irs", "random_phases", "riemannian", "lower_bound"), YU),
    Design("zhang2022", "sum_elements", ("domalo", "mrt", "zf", "mmse", "random", "aif"), ZHANG),
    Design("zhang2022", "min_elements", ("sdomalo", "sdr", "sdr_polished"), ZHANG),
    Design("zhang2022", "sum_levels", ("quantised", "quantised_kept", "quantised_after"), ZHANG),
    Design("zhang2022", "sum_split", ("separated", "colocated"), PAIRED, LARGE),
    Design("zhang2022", "sum_crossed", ("scheme1", "scheme3"), PAIRED, LARGE),
    Design("zheng2021", "power",
           ("ao_single", "ao_dft", "sdr", "start_single", "start_dft", "single", "bound"),
           ONE, SURFACE),
    Design("zheng2021", "several_power",
           ("ao_mmse", "ao_zf", "dft_mmse", "dft_zf", "rcg_mmse", "ao_random"), SEVERAL, SURFACE),
    Design("zheng2021", "many_users", ("single_mmse", "single_zf", "single_rcg"), SEVERAL, SURFACE),
    Design("zheng2021", "common_phase", ("common_phase",), SEVERAL, SURFACE),
    Design("zheng2021", "ranks", ("ranks",), SEVERAL, SURFACE),
)  # fmt: skip


def call_of(design: Design, scheme: str, point: dict[str, int]) -> Call:
    """Return the call at a point; one size of it is the number of realisations."""
    sizes = {name: value for name, value in point.items() if name != "realisations"}
    where = design.paper, design.experiment, scheme
    return prepared(*where, point["realisations"], sizes=sizes | dict(design.fixed))


def measure(design: Design, scheme: str) -> dict[str, Any]:
    """Return centre, points and law of a scheme, and what was left out."""
    centre = {name: values[1] for name, values in design.sizes.items()}
    call = call_of(design, scheme, centre | {"realisations": LEAST})
    call()  # compiles
    each = cpu_seconds(call) / LEAST
    count = int(np.clip(RUN / each, LEAST, MOST))
    centre |= {"realisations": count}
    expected = each * count
    points, skipped = [_timed(design, scheme, centre)], []
    for name, values in {
        **design.sizes,
        "realisations": (max(count // 2, 1), count, 2 * count),
    }.items():
        # Outwards from the centre, so that what is found there tells what comes next.
        last = (values[1], expected)
        for value in (values[0], *values[2:]):
            steep = 3.0 if value > last[0] else 0.0
            if last[1] * (value / last[0]) ** steep > LONGEST:
                skipped.append(f"{name} = {value}")
                continue
            points.append(_timed(design, scheme, centre | {name: value}))
            if value > last[0]:
                last = (value, points[-1]["minimum"] * points[-1]["sizes"]["realisations"])
    return {"centre": centre, "law": fitted(points, centre), "skipped": skipped, "points": points}


def _timed(design: Design, scheme: str, point: dict[str, int]) -> dict[str, Any]:
    """Return sizes and CPU seconds per realisation at a point."""
    call = call_of(design, scheme, point)
    call()  # another size may need other kernels, which this compiles
    seconds = [cpu_seconds(call)]
    while len(seconds) < RUNS and sum(seconds) < 10 * RUN:
        seconds.append(cpu_seconds(call))
    found = times([each / point["realisations"] for each in seconds])
    return {"sizes": point, "runs": len(seconds)} | {
        name: rounded(value) for name, value in found._asdict().items()
    }


def fitted(points: Sequence[dict[str, Any]], centre: dict[str, int]) -> dict[str, Any]:
    """Return seconds at the centre and [exponent, low, high] (95 %) by the name of a size.

    A size that was not varied has none, and with fewer than two points to spare no exponent has.
    """
    names = [name for name in centre if len({each["sizes"][name] for each in points}) > 1]
    rows = [[1.0, *(np.log(p["sizes"][n] / centre[n]) for n in names)] for p in points]
    design, observed = np.array(rows), np.log([each["minimum"] for each in points])
    solution, *_ = np.linalg.lstsq(design, observed)
    freedom = len(points) - len(solution)
    if freedom < 2:
        return {"seconds": points[0]["minimum"]}
    variance = ((observed - design @ solution) ** 2).sum() / freedom
    errors = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    reach = stats.t.ppf(0.975, freedom) * errors
    return {"seconds": rounded(np.exp(solution[0])), "spread": rounded(np.sqrt(variance))} | {
        name: [round(float(value), 2) for value in (b, b - half, b + half)]
        for name, b, half in zip(names, solution[1:], reach[1:], strict=True)
    }


def main() -> None:
    """Measure the papers asked for, keep the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="PAPER or PAPER/SCHEME; all by default")
    asked = parser.parse_args().what
    for design in DESIGNS:
        for scheme in design.schemes:
            if asked and not {design.paper, f"{design.paper}/{scheme}"} & {*asked}:
                continue
            measured = measure(design, scheme)
            record(NAME, design.paper, scheme, measured)
            print(design.paper, scheme, measured["law"], measured["skipped"], flush=True)


if __name__ == "__main__":
    main()
