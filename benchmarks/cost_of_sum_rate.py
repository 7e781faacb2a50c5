"""Cost against size of he2020's joint and phase-only designs: realisations, elements, surfaces.

Run `python benchmarks/cost_of_sum_rate.py`: one process, one core, the channels of the paper. The
exponent b of cost ~ size^b is the slope of a line in logarithms, with its 95 % interval; of seconds
per run, and of the iterations and the seconds per iteration that make them.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.loading import load_project
from irsrepro.papers.he2020.algorithms.fractional_programming import maximise_sum_rate
from irsrepro.papers.he2020.ensemble import draw
from irsrepro.papers.he2020.system import network
from timing import timed

Real = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
REALISATIONS, ELEMENTS, SURFACES = 6, 4, 4  # where they are not varied
SIZES = {
    "realisations": (4, 8, 16, 32),
    "elements": (1, 2, 4, 8),  # of each surface
    "surfaces": (1, 2, 4, 8),
}
SCHEMES = {"joint": True, "phase": False}  # whether powers are designed
REPEATS = 3


class Cost(NamedTuple):
    """Seconds of a call, mean iterations of a realisation, seconds of one iteration."""

    seconds: float
    iterations: float
    per_iteration: float


def measure(update_powers: bool, realisations: int, elements: int, surfaces: int) -> Cost:
    """Design networks of the size given, to the stopping rule of the paper's configuration."""
    project = load_project(ROOT, {})
    paper = project.papers["he2020"]
    sizes: dict[str, Any] = {"elements": elements, "irss": surfaces}
    parameters = paper.reading("default") | paper.ensembles["region"]["set"] | sizes
    stream = RandomStream(project.seed).child("he2020", "region")
    system = network(draw(parameters, realisation_streams(stream, range(realisations))), parameters)
    seconds, solution = timed(
        lambda: maximise_sum_rate(
            system.responses,
            system.noise_gains,
            system.noise_power,
            system.power_limit,
            system.full_power(),
            system.starting_reflection,
            update_powers=update_powers,
            tolerance=parameters["tolerance"],
            max_iterations=parameters["max_iterations"],
        ),
        REPEATS,
    )
    iterations = solution.iterations
    return Cost(seconds, float(iterations.mean()), seconds / float(iterations.sum()))


def exponent(sizes: Real, costs: Real) -> str:
    """Return the slope in logarithms with its 95 % interval."""
    fit = stats.linregress(np.log(sizes), np.log(costs))
    half_width = stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr
    return f"{fit.slope:.2f} +- {half_width:.2f}"


def main() -> None:
    measure(True, 1, 2, 1)  # compiles
    print(f"{'scheme':8}{'varied':14}{'size':>6}{'seconds':>10}{'iterations':>12}{'us each':>10}")
    fits = []
    for scheme, update_powers in SCHEMES.items():
        for varied, sizes in SIZES.items():
            fixed = {"realisations": REALISATIONS, "elements": ELEMENTS, "surfaces": SURFACES}
            costs = [measure(update_powers, **(fixed | {varied: size})) for size in sizes]
            for size, cost in zip(sizes, costs, strict=True):
                print(
                    f"{scheme:8}{varied:14}{size:6}{cost.seconds:10.3f}{cost.iterations:12.0f}"
                    f"{1e6 * cost.per_iteration:10.1f}"
                )
            columns = np.array(costs).T
            slopes = [exponent(np.array(sizes, float), column) for column in columns]
            fits.append((scheme, varied, *slopes))
    print(f"\nexponents\n{'scheme':8}{'varied':14}{'seconds':>16}{'iterations':>16}{'each':>16}")
    for scheme, varied, *slopes in fits:
        print(f"{scheme:8}{varied:14}" + "".join(f"{slope:>16}" for slope in slopes))


if __name__ == "__main__":
    main()
