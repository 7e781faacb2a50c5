"""Inner approximation for the least transmit power over beamformers and phases (yu2020, III).

Every iteration solves the convex subproblem of `inner_approximation_step` about the last iterate.
As printed, problem (17) demands that V have rank one in every iteration: with a unit diagonal the
linearised rank constraint then admits V' alone, so the phases never move. Two readings do move: the
rank gap tr V - lambda_max(V) as a penalty of weight chi in the objective ("penalty"), or allowed to
reach some e > 0, e = 0 being the printed form ("slack").

What falls in every iteration is the objective: power plus chi times the rank gap ("penalty"), or
the power of the lifted variables. The power of the phases extracted from V (its principal
eigenvector) with beamformers designed for them need not; the best of these designs is the result.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.beamforming.minimum_power import (
    Duality,
    form_beams,
    meet_targets,
    new_duality,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, Solution
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import (
    Response,
    arrange,
    checked_responses,
    effective_channel,
)
from irsrepro.papers.yu2020.algorithms.subproblem import make_subproblem
from irsrepro.papers.yu2020.algorithms.subproblem_solver import solve_subproblem

RankMode = Literal["penalty", "slack"]

RANK_MODES = ("penalty", "slack")
# Rows of a trace.
OBJECTIVE, LIFTED, PROJECTED, RANK_GAP, BEAM_RANK = range(5)
RISE = 1e-7  # relative rise of the objective that is put down to the accuracy of a subproblem

_ACCURACY = 1e-12
_STEPS = 500
_NEGLIGIBLE = 1e-10  # share of tr V of a column of Y that is dropped
_LEAST_SHARE = 1e-6  # of a user in the uplink power, as a scale
_LARGEST_START = 100.0  # of a multiplier


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
def _compressed(factor: Complex) -> Complex:
    """Y with orthogonal columns by falling norm, negligible ones dropped, rows of unit norm."""
    size = factor.shape[0]
    values, vectors = np.linalg.eigh(np.dot(factor.conj().T.copy(), factor))
    kept = 0
    for c in range(values.size):
        if values[c] > _NEGLIGIBLE * size:
            kept += 1
    turned = np.dot(factor, vectors)
    result = np.empty((size, kept), np.complex128)
    for n in range(size):
        norm = 0.0
        for c in range(kept):
            result[n, c] = turned[n, values.size - 1 - c]
            norm += result[n, c].real ** 2 + result[n, c].imag ** 2
        for c in range(kept):
            result[n, c] /= sqrt(norm)
    return result


@kernel
def _compressed_streams(beams: Complex) -> tuple[Complex, float]:
    """Orthogonal beams of every user by falling power, and the largest second over first power.

    Streams that are negligible for every user are dropped.
    """
    users, streams, antennas = beams.shape
    result = np.empty((users, streams, antennas), np.complex128)
    ratio, kept = 0.0, 1
    for i in range(users):
        values, vectors = np.linalg.eigh(np.dot(beams[i].conj(), beams[i].T.copy()))
        for q in range(streams):
            share = values[streams - 1 - q] / values[-1]
            if q == 1:
                ratio = max(ratio, share)
            if share > _NEGLIGIBLE:
                kept = max(kept, q + 1)
            result[i, q] = np.dot(vectors[:, streams - 1 - q].copy(), beams[i])
    return result[:, :kept].copy(), ratio


@kernel
def _principal(factor: Complex) -> tuple[Complex, float]:
    """Conjugate of the principal eigenvector of V = Y Y^H, and tr V less its eigenvalue."""
    values, rotation = np.linalg.eigh(np.dot(factor.conj().T.copy(), factor))
    main = rotation[:, values.size - 1].copy()
    return np.dot(factor, main).conj(), max(0.0, factor.shape[0] - values[-1])


@kernel
def _projected(
    response: Response,
    targets: Real,
    vector: Complex,
    channel: Complex,
    gram: Complex,
    work: Duality,
) -> float:
    """Least power at the phases of a vector u; leaves the dual solution in `work`."""
    for n in range(vector.size):
        size = abs(vector[n])
        vector[n] = vector[n] / size if size > 0.0 else 1.0
    effective_channel(vector, response, channel, gram)
    return float(meet_targets(gram, targets, _ACCURACY, _STEPS, work)[0])


def _iterate(
    channels: Complex,
    targets: Real,
    start: Complex,
    balance: float,
    penalty: float,
    slack: float,
    tolerance: float,
    limit: int,
    accuracy: float,
    rank_limit: int,
    best_vector: Complex,
    best_beams: Complex,
    trace: Real,
) -> tuple[float, float, int, float, int]:
    """One realisation; returns the best power, the largest gap, iterations, residual, status."""
    users, _, antennas = channels.shape
    response = arrange(channels)
    channel = np.empty((users, antennas), np.complex128)
    gram = np.empty((users, users), np.complex128)
    beams = np.empty((users, antennas), np.complex128)
    work = new_duality(users)
    vector = start.copy()
    first = _projected(response, targets, vector, channel, gram, work)
    if not first < inf:
        trace[:] = np.nan
        return np.nan, np.nan, 0, np.nan, FAILURE
    form_beams(channel, work, beams)
    best_power = first
    best_vector[:] = vector
    best_beams[:] = beams
    # Powers in units of the first, as the noise is in its own.
    scaled = channels * sqrt(first)
    adjoint = np.ascontiguousarray(scaled.conj().mT)
    grams = adjoint @ scaled
    streams = np.ascontiguousarray((beams / sqrt(first))[:, None])
    scale = np.maximum(work.uplink / first, _LEAST_SHARE)
    multipliers = np.append(np.ones(users), 0.0)
    factor = np.ascontiguousarray(vector.conj()[:, None])
    trace[OBJECTIVE, :] = first
    trace[LIFTED, :] = first
    trace[PROJECTED, :] = first
    trace[RANK_GAP, :] = 0.0
    trace[BEAM_RANK, :] = 0.0
    objective, largest_gap, residual = 1.0, 0.0, inf
    status, iterations = ITERATION_LIMIT, 0
    for t in range(1, limit + 1):
        problem = make_subproblem(
            scaled,
            adjoint,
            grams,
            targets,
            scale,
            factor,
            streams,
            balance,
            penalty,
            slack,
        )
        found, found_streams, z, _, gap, _, _ = solve_subproblem(
            problem, multipliers, accuracy, rank_limit
        )
        new_factor = _compressed(found)
        new_streams, ratio = _compressed_streams(found_streams)
        new_vector, rank_gap = _principal(new_factor)
        lifted = float((np.abs(new_streams) ** 2).sum())
        reached = lifted + penalty * rank_gap
        largest_gap = max(largest_gap, gap)
        iterations = t
        if not reached <= objective * (1.0 + RISE):
            # No decrease that the accuracy shows, or an unsolved subproblem: the iterate stays, and
            # nothing else would follow. The trace shows the rise.
            trace[OBJECTIVE, t:] = first * reached
            residual = 0.0
            status = CONVERGED if gap <= accuracy else ITERATION_LIMIT
            break
        factor, streams = new_factor, new_streams
        trace[BEAM_RANK, t:] = ratio
        vector[:] = new_vector
        projected = _projected(response, targets, vector, channel, gram, work)
        if projected < best_power:
            best_power = projected
            best_vector[:] = vector
            form_beams(channel, work, best_beams)
        trace[OBJECTIVE, t:] = first * reached
        trace[LIFTED, t:] = first * lifted
        trace[PROJECTED, t:] = projected
        trace[RANK_GAP, t:] = rank_gap
        residual = (objective - reached) / objective
        objective = reached
        if residual <= tolerance:
            status = CONVERGED
            break
        multipliers = np.clip(z, 0.0, _LARGEST_START)
        if projected < inf:
            # Not z itself: where it vanishes once, its constraint would vanish for good.
            new_scale = np.maximum(work.uplink / projected, _LEAST_SHARE)
            multipliers[:users] = np.clip(z[:users] * scale / new_scale, 0.0, _LARGEST_START)
            scale = new_scale
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
    rank_limit: int = 12,
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
        rank_limit: largest rank of V.

    Raises:
        ValueError: shapes that do not fit, values that are not finite or positive, an unknown mode.
    """
    channels, given = checked_responses(channels, targets, noise)
    count, users, size, antennas = channels.shape
    starts = np.asarray(starts, np.complex128)
    if starts.shape != (count, size - 1) or not np.isfinite(starts).all():
        raise ValueError(f"starts {starts.shape} must be finite and {(count, size - 1)}")
    if not 0.0 < scaling < inf:
        raise ValueError("scaling must be positive and finite")
    chi, most = rank_terms(rank_mode, penalty, slack, size)
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
            given[r],
            extended[r],
            scaling,
            chi,
            most,
            tolerance if tolerance > 0.0 else -inf,
            max_iterations,
            accuracy,
            rank_limit,
            vectors[r],
            beams[r],
            traces[r],
        )
    reference = vectors[:, -1:].copy()
    turned = vectors[:, :-1] * reference.conj()
    return InnerApproximation(
        reflection=np.exp(1j * np.angle(turned)),
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
