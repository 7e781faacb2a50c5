"""Phase step and joint optimisation of he2020: our kernels against the obvious ways.

Run `python benchmarks/phase_step.py`: one process, one core, everything on the same instances.
"""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irsrepro.optimize.reference.unit_disc import (
    solve_unit_disc_cvxpy,
    solve_unit_disc_ellipsoid,
)
from irsrepro.optimize.unit_disc.dense import (
    coordinate_sweep,
    dual_newton,
    starting_multipliers,
    workspace,
)
from irsrepro.papers.he2020.algorithms.fractional_programming import maximise_sum_rate
from irsrepro.papers.he2020.reference.fractional_programming import (
    maximise_sum_rate as maximise_sum_rate_reference,
)
from timing import timed

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

PAIRS, ELEMENTS, REALISATIONS = 6, 16, 100
RUNS, ITERATIONS = 4, 16
NOISE, POWER_LIMIT = 0.01, 10**3.5
TOLERANCE = 1e-10


def networks(count: int) -> dict[str, Any]:
    """Draw he2020's channels and a start: powers at the limit, phases at random."""
    rng = np.random.default_rng(2020)

    def nodes(centre: float) -> Real:
        radius = 50 * np.sqrt(rng.random((count, PAIRS, 1)))
        angle = 2 * np.pi * rng.random((count, PAIRS, 1))
        here: Real = np.concatenate(
            [centre + radius * np.cos(angle), radius * np.sin(angle)], axis=2
        )
        return here

    surfaces = np.array([(100, 50), (100, -50), (200, 50), (200, -50)], dtype=float)
    elements = np.repeat(surfaces, ELEMENTS // len(surfaces), axis=0)

    def channel(places: Real, exponent: float) -> Complex:
        distance = np.linalg.norm(places[:, :, None] - elements, axis=-1)
        fading = rng.standard_normal(distance.shape) + 1j * rng.standard_normal(distance.shape)
        drawn: Complex = np.sqrt(1000 * distance**-exponent / 2) * fading
        return drawn

    incoming, outgoing = channel(nodes(0), 2.2), channel(nodes(300), 2.8)
    return {
        "responses": incoming[:, :, None] * outgoing[:, None].conj(),
        "noise_gains": NOISE * np.abs(outgoing) ** 2,
        "noise_power": NOISE,
        "power_limit": POWER_LIMIT,
        "powers": np.full((count, PAIRS), POWER_LIMIT),
        "reflection": np.exp(2j * np.pi * rng.random((count, ELEMENTS))),
    }


def phase_problems() -> list[list[tuple[Complex, Complex]]]:
    """Collect A and u of successive iterations of a few realisations, in their order."""
    runs: list[list[tuple[Complex, Complex]]] = []

    def solve(matrix: Complex, linear: Complex) -> Complex:
        if not runs or len(runs[-1]) == ITERATIONS:
            runs.append([])
        runs[-1].append((matrix, linear))
        return solve_unit_disc_cvxpy(matrix, linear)

    maximise_sum_rate_reference(
        **networks(RUNS), solve_phases=solve, tolerance=0, max_iterations=ITERATIONS
    )
    return runs


def objective(matrix: Complex, linear: Complex, vector: Complex) -> float:
    return float(np.vdot(vector, 2 * linear - matrix @ vector).real)


def measure_phase_step() -> None:
    runs = phase_problems()
    scratch, warm = workspace(ELEMENTS), np.zeros(ELEMENTS)
    warm_vector = np.zeros(ELEMENTS, complex)

    def exact(
        problem: tuple[Complex, Complex], multipliers: Real | None, tolerance: float = TOLERANCE
    ) -> Complex:
        vector = np.zeros(ELEMENTS, complex)
        if multipliers is None:
            multipliers = np.zeros(ELEMENTS)
            starting_multipliers(*problem, vector, multipliers, scratch)
        else:
            multipliers = multipliers.copy()
        dual_newton(*problem, vector, multipliers, tolerance, 200, scratch)
        return vector

    def sweep(problem: tuple[Complex, Complex]) -> Complex:
        vector = warm_vector.copy()
        coordinate_sweep(*problem, vector)
        return vector

    methods: dict[str, Callable[[tuple[Complex, Complex]], tuple[float, Complex]]] = {
        "cvxpy (parametrised, Clarabel)": lambda p: timed(lambda: solve_unit_disc_cvxpy(*p)),
        "ellipsoid method, 1e-6": lambda p: timed(lambda: solve_unit_disc_ellipsoid(*p)[0]),
        "dual Newton, cold": lambda p: timed(lambda: exact(p, None), 9),
        "dual Newton, warm": lambda p: timed(lambda: exact(p, warm), 9),
        "one coordinate sweep, warm": lambda p: timed(lambda: sweep(p), 9),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    error = dict.fromkeys(methods, 0.0)
    for run in runs:
        for number, problem in enumerate(run):
            optimum = objective(*problem, exact(problem, None, 1e-14))
            for name, method in methods.items():
                spent, vector = method(problem)
                if number:  # the first problem has no warm start
                    seconds[name].append(spent)
                    difference = abs(objective(*problem, vector) / optimum - 1)
                    error[name] = max(error[name], difference)
            warm_vector[:] = 0
            starting_multipliers(*problem, warm_vector, warm, scratch)
            dual_newton(*problem, warm_vector, warm, TOLERANCE, 200, scratch)
    conditions = [np.linalg.cond(matrix) for run in runs for matrix, _ in run[1:]]
    print(
        f"phase step, N = {ELEMENTS}, K = {PAIRS}, 35 dB, {len(conditions)} instances, "
        f"condition numbers {min(conditions):.0e} to {max(conditions):.0e}"
    )
    reference = statistics.median(next(iter(seconds.values())))
    print(f"{'':32}{'median us':>12}{'ratio':>10}{'worst relative difference':>28}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:32}{1e6 * median:12.1f}{reference / median:10.4g}{error[name]:28.1e}")


def measure_joint_run() -> None:
    problem = networks(REALISATIONS)
    one: Any = {k: v[:1] if isinstance(v, np.ndarray) else v for k, v in problem.items()}
    print(f"\njoint run, {REALISATIONS} realisations, tolerance 1e-4, at most 300 iterations")
    steps: tuple[Literal["exact", "sweep"], ...] = ("exact", "sweep")
    for phase_step in steps:
        maximise_sum_rate(**one, phase_step=phase_step, max_iterations=2)
        start = perf_counter()
        solution = maximise_sum_rate(**problem, phase_step=phase_step)
        seconds = perf_counter() - start
        print(
            f"{phase_step:8}{seconds:8.3f} s, {1e6 * seconds / solution.iterations.sum():.1f} us "
            f"per iteration, {solution.iterations.mean():.0f} iterations on average, "
            f"{solution.converged.sum()} converged, sum-rate {solution.sum_rate.mean():.3f}"
        )


if __name__ == "__main__":
    measure_phase_step()
    measure_joint_run()
