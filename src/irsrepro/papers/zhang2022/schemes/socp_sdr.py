"""SOCP-SDR: max-min beams and relaxed reflections by turns, with Gaussian randomisation.

The min-rate benchmark of [47]. The beams of the cone program follow from duality. Every relaxation
is certified by its dual, by an interior-point method where the cheaper low-rank one stops short, so
the loss by rounding is known. A variant climbs from the best of few samples instead.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import children
from irsrepro.optimize.beamforming.max_min import max_min_beams
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, NO_CHANNEL
from irsrepro.optimize.rounding import polish, randomise
from irsrepro.optimize.sdp.problem import MaxMinProblem, sinr_problem
from irsrepro.optimize.sdp.solver import DiagonalSdpSolution, solve_diagonal_sdp
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import Alternation
from irsrepro.papers.zhang2022.algorithms.surface_downlink import SurfaceLinks, composite_channel
from irsrepro.papers.zhang2022.system import (
    ONE,
    WITHOUT,
    design_variables,
    progress,
    random_reflection,
    sinr,
    surface_links,
    user_weights,
)

SETTLED = 1e-3
_START_RANK = 8  # columns of a factor that the next relaxation starts from


class _Ended(NamedTuple):
    """What one realisation came to; arrays without its axis."""

    beams: Complex
    reflection: Complex
    trace: Real
    iterations: int
    residual: float
    status: int
    loss: float
    gap: float


def reflection_problem(links: SurfaceLinks, beams: Complex, weights: Real) -> MaxMinProblem:
    """State the smallest weighted SINR as a function of the reflection, beams held, eq. (42).

    Args:
        links: channels without a path between the surfaces; with a direct link the last element of
            the problem is a constant one.
        beams: (realisation, user, antenna).
        weights: omega, (user,).
    """
    incident = links.incoming @ beams.mT
    forms = links.outgoing[:, :, None] * incident.mT[:, None]
    if links.direct.size:
        forms = np.concatenate([forms, (links.direct @ beams.mT)[..., None]], axis=-1)
    ratios = sinr_problem(forms, np.ones(beams.shape[:2]))
    return MaxMinProblem(
        ratios.columns,
        ratios.weights * weights[:, None],
        ratios.constants,
        ratios.denominator_weights,
        ratios.denominator_constants,
    )


def design(problem: Problem) -> xr.Dataset:
    """Alternate from zero phases; a reflection in use is kept where no sample beats it.

    A realisation ends where no sample does, since beams and relaxation would be the same again.

    Returns:
        ``beams`` and ``reflection``; status, iterations, residual and trace of the smallest rate;
        ``bound_over_rounded`` (realisation,), the certified bound of the last reflection step over
        the smallest SINR that its vector reaches, and ``rounding_loss``, the share that this loses
        at most, NaN where a step could not be certified; and ``relaxation_gap`` (realisation,), the
        largest distance of a relaxed step from its certified bound.
    """
    links = surface_links(problem, WITHOUT)
    start = np.ones_like(random_reflection(problem))
    outcomes = [
        _alternate(problem.of([r]), links.of(slice(r, r + 1)), start[r : r + 1])
        for r in range(len(start))
    ]
    columns = [np.array(values) for values in zip(*outcomes, strict=True)]
    beams, reflection, trace, iterations, residual, status, loss, gap = columns
    solution = Alternation(
        beams,
        reflection,
        trace=trace,
        iterations=iterations,
        residual=residual,
        status=status.astype(np.int8),
    )
    variables = design_variables(solution.beams, solution.reflection).assign(
        progress(solution, "smallest rate")
    )
    description = "certified bound of the last reflection step over the smallest SINR after it"
    distance = "largest distance of a relaxed step from its certified bound, relative"
    return variables.assign(
        bound_over_rounded=variable(ONE, loss, description, "1"),
        rounding_loss=variable(ONE, 1.0 - 1.0 / loss, "share of the bound lost by rounding", "1"),
        relaxation_gap=variable(ONE, gap, distance, "1"),
    )


def _alternate(problem: Problem, links: SurfaceLinks, reflection: Complex) -> _Ended:
    """Alternate for the only realisation of a problem."""
    parameters = problem.parameters
    limit, weights = parameters["outer_iterations"], user_weights(parameters)
    trace = np.zeros(limit + 1)

    def serve(at: Complex) -> tuple[Complex, float]:
        channel = composite_channel(links, at)
        optimal_beams = problem.solver(max_min_beams)(channel, weights).beams
        return optimal_beams, float((weights * np.log2(1.0 + sinr(channel, optimal_beams))).min())

    channel = composite_channel(links, reflection)
    if not np.isfinite(channel).all() or not channel.any(axis=2).all():
        status = NO_CHANNEL if np.isfinite(channel).all() else FAILURE
        fill = 0.0 if status == NO_CHANNEL else np.nan
        return _Ended(fill * np.ones_like(channel[0]), reflection[0], trace + fill, 0, fill, status,
                      np.nan, np.nan)  # fmt: skip
    beams, rate = serve(reflection)
    trace[:] = rate
    relaxed: DiagonalSdpSolution | None = None
    loss, gap, change, iteration = np.nan, 0.0, 0.0, 0
    status, certified = ITERATION_LIMIT, True
    while iteration < limit:
        iteration += 1
        step = reflection_problem(links, beams, weights)
        relaxed = _relax(problem, step, relaxed)
        certified &= bool(relaxed.converged[0])
        gap = max(gap, float(relaxed.residual[0]))
        old = reflection
        if links.direct.size:
            old = np.concatenate([reflection, np.ones((1, 1))], axis=1)
        vector, is_new = _round(problem, step, relaxed, old, iteration)
        loss = float(relaxed.upper_bound[0] / step.values(vector).min())
        if not is_new:
            status, change = CONVERGED, 0.0
            break
        reflection = vector
        if links.direct.size:
            reflection = vector[:, :-1] / vector[:, -1:]
        beams, new_rate = serve(reflection)
        change, rate = (new_rate - rate) / new_rate, new_rate
        trace[iteration:] = rate
    if abs(change) <= SETTLED:
        status = CONVERGED
    if not certified:
        loss = np.nan  # a bound so loose says nothing of rounding; counted, not shown
    return _Ended(beams[0], reflection[0], trace, iteration, change, status, loss, gap)


def _relax(
    problem: Problem, step: MaxMinProblem, before: DiagonalSdpSolution | None
) -> DiagonalSdpSolution:
    """Relax a reflection step, from the solution of the one before."""
    solve, tolerance = problem.solver(solve_diagonal_sdp), problem.parameters["sdr_tolerance"]
    start, multipliers = None, None
    if before is not None:
        start, multipliers = before.factor[:, :, :_START_RANK], before.multipliers
    # Of low rank where that gets there: samples cost by the column.
    relaxed = solve(
        step, tolerance=tolerance, method="low rank", start=start, multipliers=multipliers
    )
    if relaxed.converged.all():
        return relaxed
    certified = solve(step, tolerance=tolerance, method="interior")
    return certified if (certified.residual < relaxed.residual).all() else relaxed


def _round(
    problem: Problem, step: MaxMinProblem, relaxed: DiagonalSdpSolution, old: Complex, number: int
) -> tuple[Complex, bool]:
    """Best of the old vector and many samples; also whether it is a new one."""
    keys = children(problem.streams, "randomisation", number)
    samples = problem.parameters["randomisations"]
    best_sample = randomise(step, relaxed.factor, keys, samples, incumbent=old)
    if not problem.parameters["polish"]:
        return best_sample.vector, bool(best_sample.sample[0] >= 0)
    local_optimum = problem.solver(polish)(step, best_sample.vector)
    return local_optimum.vector, bool(
        local_optimum.value[0] > step.values(old).min() * (1.0 + SETTLED)
    )
