"""Inner approximation for the least transmit power over beamformers and phases (yu2020, III).

Every iteration solves the convex subproblem of `subproblem` about the last iterate.
As printed, problem (17) demands that V have rank one in every iteration: with a unit diagonal the
linearised rank constraint then admits V' alone, so the phases never move. Two readings do move: the
rank gap tr V - lambda_max(V) as a penalty of weight chi in the objective ("penalty"), or allowed to
reach some e > 0, e = 0 being the printed form ("slack").

What falls in every iteration is the objective: power plus chi times the rank gap ("penalty"), or
the power of the lifted variables. The power of the phases extracted from V (its principal
eigenvector) with beamformers designed for them need not; the best of these designs is the result.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, Solution
from irsrepro.papers.yu2020.algorithms.iteration import iterate_once, project
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import arrange, checked_responses
from irsrepro.papers.yu2020.algorithms.prediction import new_memory

RankMode = Literal["penalty", "slack"]

RANK_MODES = ("penalty", "slack")
# Rows of a trace.
OBJECTIVE, LIFTED, PROJECTED, RANK_GAP, BEAM_RANK = range(5)
RISE = 1e-7  # relative rise of the objective that is put down to the accuracy of a subproblem

_LEAST_SHARE = 1e-6  # of a user in the uplink power, as a scale
_LARGEST_START = 100.0  # of a multiplier
_LARGEST_RANK = 12  # of V


@dataclass(frozen=True)
class InnerApproximation(Solution):
    """Designs for R realisations; nan where the targets cannot be met at the start.

    Traces (realisation, iteration) begin with the start and stay constant after the stop. A step
    that raises the objective is not taken and ends the run; the trace of the objective shows it.

    Iterations are subproblems, the residual is the last relative decrease of the objective.

    Attributes:
        reflection: x, (realisation, element), of the best projected design.
        beamformer: w, (realisation, user, antenna), its beamformers.
        power: (realisation,) its transmit power.
        objective: trace of what falls, in the unit of the power.
        lifted_power: trace of sum_k tr W_k.
        projected_power: trace of the least power at the phases extracted from V.
        rank_gap: trace of tr V - lambda_max(V), out of M + 1.
        beam_rank: trace of the largest second over first eigenvalue of a W_k.
        accuracy: (realisation,) largest certified relative gap of a subproblem.
    """

    reflection: Complex
    beamformer: Complex
    power: Real
    objective: Real
    lifted_power: Real
    projected_power: Real
    rank_gap: Real
    beam_rank: Real
    accuracy: Real


@kernel
def _unscaled(multipliers: Real, scale: Real) -> Real:
    """Multipliers z of the constraints in units of the noise; the last one belongs to the slack."""
    result = multipliers.copy()
    for k in range(scale.size):
        result[k] *= scale[k]
    return result


@kernel
def _iterate(
    channels: Complex,
    targets: Real,
    start: Complex,
    weights: tuple[float, float, float],
    tolerance: float,
    limit: int,
    accuracy: float,
    max_rank: int,
    best_vector: Complex,
    best_beams: Complex,
    trace: Real,
) -> tuple[float, float, int, float, int]:
    """One realisation, the weights being rho, chi and e.

    Returns:
        The best power, the largest gap, iterations, residual, status.
    """
    users, size, antennas = channels.shape
    response = arrange(channels)
    uplink, vector = np.zeros(users), start.copy()
    first = project(response, targets, vector, uplink, inf, best_beams)
    if not first < inf:
        trace[:] = nan
        return nan, nan, 0, nan, FAILURE
    best_power = first
    assign(vector, best_vector)
    # Powers in units of the first, as the noise is in its own.
    scaled = channels * sqrt(first)
    adjoint = np.empty((users, antennas, size), np.complex128)
    gram = np.empty((users, antennas, antennas), np.complex128)
    for k in range(users):
        assign(scaled[k].conj().T.copy(), adjoint[k])
        np.dot(adjoint[k], scaled[k], gram[k])
    units = (scaled, adjoint, gram)
    streams = (best_beams / sqrt(first)).reshape(users, 1, antennas)
    scale = np.maximum(uplink / first, _LEAST_SHARE)
    multipliers = np.ones(users + 1)
    multipliers[users] = 0.0
    factor = vector.conj().reshape(size, 1)
    memory = new_memory(users, size, antennas)
    beams = np.empty((users, antennas), np.complex128)
    start_values = (first, first, first, 0.0, 0.0)
    for row in range(len(start_values)):
        trace[row, 0] = start_values[row]
    objective, largest_gap, residual = 1.0, 0.0, inf
    status, iterations = ITERATION_LIMIT, 0
    previous = (factor, streams, _unscaled(multipliers, scale))
    for t in range(1, limit + 1):
        last = (factor, streams, _unscaled(multipliers, scale))
        factor, streams, z, measures = iterate_once(
            units,
            response,
            targets,
            scale,
            factor,
            streams,
            multipliers,
            memory,
            previous,
            weights,
            accuracy,
            max_rank,
            uplink,
            best_power,
            vector,
            beams,
        )
        previous = last
        lifted, rank_gap, ratio, gap, projected = measures
        new_objective = lifted + weights[1] * rank_gap
        largest_gap = max(largest_gap, gap)
        iterations = t
        if not new_objective <= objective * (1.0 + RISE):
            # No decrease that the accuracy shows, or an unsolved subproblem: the iterate stays, and
            # nothing else would follow. The trace shows the rise.
            for row in range(len(trace)):
                trace[row, t] = trace[row, t - 1]
            trace[OBJECTIVE, t] = first * new_objective
            residual = 0.0
            status = CONVERGED if gap <= accuracy else ITERATION_LIMIT
            break
        if projected < best_power:
            best_power = projected
            assign(vector, best_vector)
            assign(beams, best_beams)
        measured = (first * new_objective, first * lifted, projected, rank_gap, ratio)
        for row in range(len(measured)):
            trace[row, t] = measured[row]
        residual = (objective - new_objective) / objective
        objective = new_objective
        if residual <= tolerance:
            status = CONVERGED
            break
        multipliers = z.copy()
        if projected < inf:
            # Not z itself: where it vanishes once, its constraint would vanish for good.
            new_scale = np.maximum(uplink / projected, _LEAST_SHARE)
            for k in range(users):
                multipliers[k] = z[k] * scale[k] / new_scale[k]
            scale = new_scale
        multipliers = np.minimum(np.maximum(multipliers, 0.0), _LARGEST_START)
    for row in range(len(trace)):
        for t in range(iterations + 1, limit + 1):
            trace[row, t] = trace[row, iterations]
    return best_power, largest_gap, iterations, residual, status


def rank_terms(rank_mode: str, penalty: float, slack: float, size: int) -> tuple[float, float]:
    """The penalty chi and the largest rank gap e of one rank mode.

    Args:
        rank_mode: one of `RANK_MODES`.
        penalty: chi of the penalty mode, in units of the first power.
        slack: e of the slack mode, over M + 1.
        size: M + 1.

    Raises:
        ValueError: an unknown mode, a negative penalty or slack.
    """
    if rank_mode not in RANK_MODES:
        raise ValueError(f"rank_mode {rank_mode!r} must be one of {', '.join(RANK_MODES)}")
    if not (penalty >= 0.0 and slack >= 0.0):
        raise ValueError("penalty and slack must not be negative")
    return (penalty, inf) if rank_mode == "penalty" else (0.0, slack * size)


def inner_approximation(
    channels: Complex,
    targets: ArrayLike,
    starts: Complex,
    noise: float = 1.0,
    *,
    rank_mode: RankMode = "penalty",
    penalty: float = 0.03,
    slack: float = 0.005,
    scaling: float = 0.35,
    tolerance: float = 1e-4,
    max_iterations: int = 3000,
    accuracy: float = 1e-5,
) -> InnerApproximation:
    """Minimise the transmit power by inner approximation, yu2020, Algorithm 1.

    The result of a realisation does not depend on the others.

    Args:
        channels: H, (realisation, user, element + 1, antenna) complex amplitudes, the direct path
            in the last row; user k hears [x; 1]^T H_k w.
        targets: gamma, linear SINR: one for all, (user,) or (realisation, user).
        starts: x at the start, (realisation, element); the beamformers are designed for it.
        noise: noise power of a user; sets the unit of the powers.
        rank_mode: see the module.
        penalty: chi over the power at the start, for "penalty".
        slack: e over M + 1, for "slack".
        scaling: rho in c_ki^2 = rho^2 ||B_ki|| / ||V||, the free constant of (11).
        tolerance: relative decrease of the objective at which to stop; 0 runs every iteration.
        max_iterations: largest number of subproblems.
        accuracy: certified relative gap of a subproblem.

    Raises:
        ValueError: shapes that do not fit, values that are not finite or positive, an unknown mode.
    """
    channels, sinr_targets = checked_responses(channels, targets, noise)
    count, users, size, antennas = channels.shape
    starts = np.asarray(starts, np.complex128)
    if starts.shape != (count, size - 1) or not np.isfinite(starts).all():
        raise ValueError(f"starts {starts.shape} must be finite and {(count, size - 1)}")
    if not 0.0 < scaling < inf:
        raise ValueError("scaling must be positive and finite")
    chi, rank_slack = rank_terms(rank_mode, penalty, slack, size)
    extended = np.concatenate([starts, np.ones((count, 1))], axis=1)
    vectors = np.full((count, size), np.nan, np.complex128)
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    traces = np.empty((count, 5, max_iterations + 1))
    power, gap, residual = np.empty(count), np.empty(count), np.empty(count)
    iterations, status = np.empty(count, np.int64), np.empty(count, np.int8)
    scaled = channels / sqrt(noise)
    for r in range(count):
        power[r], gap[r], iterations[r], residual[r], status[r] = _iterate(
            scaled[r],
            sinr_targets[r],
            extended[r],
            (scaling, chi, rank_slack),
            tolerance if tolerance > 0.0 else -inf,
            max_iterations,
            accuracy,
            _LARGEST_RANK,
            vectors[r],
            beams[r],
            traces[r],
        )
    reference = vectors[:, -1:].copy()
    relative_vectors = vectors[:, :-1] * reference.conj()
    return InnerApproximation(
        reflection=np.exp(1j * np.angle(relative_vectors)),
        beamformer=beams * reference[:, :, None],
        power=power,
        objective=traces[:, OBJECTIVE].copy(),
        lifted_power=traces[:, LIFTED].copy(),
        projected_power=traces[:, PROJECTED].copy(),
        rank_gap=traces[:, RANK_GAP].copy(),
        beam_rank=traces[:, BEAM_RANK].copy(),
        accuracy=gap,
        iterations=iterations,
        residual=residual,
        status=status,
    )
