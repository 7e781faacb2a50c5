"""SOCP-SDR: max-min beams and relaxed reflections by turns, with Gaussian randomisation.

The min-rate benchmark of [47]. The beams of the cone program follow from duality; the relaxation is
certified, so the loss by rounding is known. A variant climbs from the best of few samples instead.
"""

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import children
from irsrepro.optimize.beamforming.max_min import max_min_beams
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT
from irsrepro.optimize.rounding import polish, randomise
from irsrepro.optimize.sdp.problem import MaxMinProblem, sinr_problem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import NO_CHANNEL, Alternation
from irsrepro.papers.zhang2022.algorithms.surface_downlink import SurfaceLinks, composite_channel
from irsrepro.papers.zhang2022.system import (
    ONE,
    WITHOUT,
    laid_out,
    random_reflection,
    reported,
    sinr,
    surface_links,
)

SETTLED = 1e-3


def reflection_problem(links: SurfaceLinks, beams: Complex) -> MaxMinProblem:
    """State the smallest SINR as a function of the reflection, beams held, eq. (42).

    Args:
        links: channels without a path between the surfaces.
        beams: (realisation, user, antenna).
    """
    lit = links.incoming @ beams.mT
    forms = links.outgoing[:, :, None] * lit.mT[:, None]
    return sinr_problem(forms, np.ones(beams.shape[:2]))


def design(problem: Problem) -> xr.Dataset:
    """Alternate from zero phases; a reflection in use is kept where no sample beats it.

    Returns:
        ``beams`` and ``reflection``; status, iterations, residual and trace of the smallest rate;
        and ``bound_over_rounded`` (realisation,): the certified bound of the last reflection step
        over the smallest SINR that its vector reaches.
    """
    parameters = problem.parameters
    links = surface_links(problem, WITHOUT)
    reflection = np.ones_like(random_reflection(problem))
    best_beams = problem.solver(max_min_beams)

    def serve() -> tuple[Complex, Real]:
        channel = composite_channel(links, reflection)
        beams = best_beams(channel).beams
        return beams, np.log2(1.0 + sinr(channel, beams)).min(axis=1)

    beams, rate = serve()
    trace = [rate]
    loss = np.full(len(rate), np.nan)
    heard = np.isfinite(rate)
    for iteration in range(1, parameters["sdr_iterations"] + 1):
        if not heard.all():
            break
        step = reflection_problem(links, beams)
        reflection, bound = _reflect(problem, step, reflection, iteration)
        loss = bound / step.values(reflection).min(axis=1)
        beams, rate = serve()
        trace.append(rate)
    traces = np.stack([np.where(heard, each, 0.0) for each in trace], axis=1)
    residual = (traces[:, -1] - traces[:, -2]) / traces[:, -1] if len(trace) > 1 else loss
    status = np.where(np.abs(residual) <= SETTLED, CONVERGED, ITERATION_LIMIT)
    found = Alternation(
        np.where(heard[:, None, None], beams, 0.0),
        reflection,
        traces,
        np.full(len(rate), len(trace) - 1),
        residual,
        np.where(heard, status, NO_CHANNEL).astype(np.int8),
    )
    made = laid_out(found.beams, found.reflection).assign(reported(found, "smallest rate"))
    about = "certified bound of the last reflection step over the smallest SINR after it"
    return made.assign(bound_over_rounded=variable(ONE, loss, about, "1"))


def _reflect(
    problem: Problem, step: MaxMinProblem, incumbent: Complex, iteration: int
) -> tuple[Complex, Real]:
    """Relax a reflection step and round; also its upper bound (realisation,)."""
    parameters = problem.parameters
    # Of low rank even where an interior point would be as fast: samples cost by the column.
    relaxed = problem.solver(solve_diagonal_sdp)(
        step, tolerance=parameters["sdr_tolerance"], method="low rank"
    )
    keys = children(problem.streams, "randomisation", iteration)
    samples = parameters["randomisations"]
    vector = randomise(step, relaxed.factor, keys, samples, incumbent=incumbent).vector
    if parameters["polish"]:
        vector = problem.solver(polish)(step, vector).vector
    return vector, relaxed.upper_bound
