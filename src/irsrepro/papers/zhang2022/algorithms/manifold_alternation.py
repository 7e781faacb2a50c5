"""Beams and reflections by turns on their manifolds: sum-rate (DOMALO) and min-rate (S-DOMALO).

With the responses s_kj = e_k w_j of `surface_downlink`, noise and transmit power of one, weights
omega_k and SINRs gamma_k, DOMALO (zhang2022, Algorithm 2) renews alpha = gamma once per iteration
and then lowers, first over the beams on the complex sphere and then over the reflection on the
complex circle,

    f = -sum_k c_k |s_kk|^2 / (sum_j |s_kj|^2 + 1),   c_k = omega_k (1 + alpha_k),           (10)

by Riemannian conjugate gradients (`oblique`), so the weighted sum-rate never falls. S-DOMALO
(Algorithm 3) raises the level lam = min_k omega_k gamma_k: it lowers the smooth function

    mu ln sum_k exp(-f_k / mu),   f_k = omega_k |s_kk|^2 - lam (sum_{j != k} |s_kj|^2 + 1),  (36)

for mu of beams and mu of reflections; a step is taken, and the level renewed, only if min_k f_k is
not negative there, and otherwise its mu is multiplied by kappa; it stops where a mu falls below its
floor. Beams may instead be a closed form (MRT, ZF, MMSE) of the reflection in use, from the first
to the last; the reflection may stay as it is; its phases may be quantised. Costs are in `rates`.
"""

from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.manifold.oblique import new_search
from irsrepro.optimize.result import (
    CONVERGED,
    FAILURE,
    ITERATION_LIMIT,
    NO_CHANNEL,
    NO_INVERSE,
    TracedSolution,
)
from irsrepro.papers.zhang2022.algorithms.descent import descend
from irsrepro.papers.zhang2022.algorithms.linear_beams import MRT_BEAMS, linear_beams
from irsrepro.papers.zhang2022.algorithms.rates import (
    MIN_RATE,
    OBJECTIVES,
    SUM_RATE,
    ratios,
    weighted_level,
    weighted_rate,
)
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    BOTH,
    FIRST,
    SECOND,
    SurfaceLinks,
    add,
    affine_responses,
    checked_links,
    effective_channel,
    nearest_levels,
)

SEARCH = 0
BEAMS = ("search", "mrt", "zf", "mmse")
NEVER, INSIDE, INSIDE_KEPT, AFTER = range(4)
QUANTISATION = ("never", "inside", "inside, kept", "after")
SETTLED = 1e-3
"""Relative change of the rate in the last iteration up to which a realisation that used all
iterations counts as converged."""


@dataclass(frozen=True)
class Alternation(TracedSolution):
    """Beams and reflections of R realisations.

    The trace is of the weighted sum-rate or the smallest weighted rate in bit/s/Hz, before a
    quantisation at the end; the residual is its last relative change.

    Attributes:
        beams: w, (realisation, user, antenna), of total power one; zero where there is no channel,
            nan where there is no inverse.
        reflection: x, (realisation, element), unit modulus.
    """

    beams: Complex
    reflection: Complex


class Plan(NamedTuple):
    """Options of the compiled loop, see `alternate`."""

    objective: int
    beams: int
    update_reflection: bool
    max_iterations: int
    beam_steps: int
    reflection_steps: int
    tolerance: float
    smoothing: float
    shrink: float
    floor: float
    auxiliary_updates: int
    levels: int
    quantisation: int
    share_smoothing: bool


@kernel(allocates=False)
def _finite(channel: Complex) -> bool:
    for k in range(channel.shape[0]):
        for m in range(channel.shape[1]):
            if not (isfinite(channel[k, m].real) and isfinite(channel[k, m].imag)):
                return False
    return True


@kernel(allocates=False)
def _shrink(smoothing: Real, index: int, plan: Plan) -> None:
    """Shrink the mu of a step that was refused, or all of them where they are one."""
    for i in range(smoothing.size):
        if i == index or plan.share_smoothing:
            smoothing[i] *= plan.shrink


@kernel
def _alternate(
    links: SurfaceLinks,
    weights: Real,
    plan: Plan,
    beams: Complex,
    reflection: Complex,
    trace: Real,
) -> tuple[int, float, int]:
    """One realisation; beams, reflection (the start) and trace are overwritten."""
    users, elements = links.outgoing.shape
    antennas, first = links.incoming.shape[1], links.first
    objective = plan.objective
    responses = np.empty((users, users), np.complex128)
    sinr, factors, shares = np.empty(users), weights.copy(), np.empty(users)
    empty = np.empty((0, 0), np.complex128)
    joint = links.irs1_to_irs2.size == 0 and links.irs2_to_irs1.size == 0
    blocks = [BOTH] if joint else [FIRST, SECOND]
    beam_search = new_search(1, 2 * users * antennas)
    searches = [
        new_search(elements if joint else first, 2),
        new_search(0 if joint else elements - first, 2),
    ]
    candidate_beams = np.empty_like(beams)
    candidate, previous_reflection = np.empty_like(reflection), np.empty_like(reflection)

    trace[:] = 0.0
    channel = effective_channel(links, reflection)
    beams[:] = 0.0
    if not linear_beams(MRT_BEAMS, channel, beams):
        if _finite(channel):
            return 0, 0.0, NO_CHANNEL
        trace[:] = nan
        return 0, nan, FAILURE
    columns = np.ascontiguousarray(channel.T)
    np.dot(beams, columns, responses)
    ratios(responses, sinr)
    level = weighted_level(sinr, weights)
    rate = weighted_rate(objective, sinr, weights)
    max_signal_power = 0.0
    for k in range(users):
        max_signal_power = max(max_signal_power, squared_modulus(responses[k, k]))
    if plan.beams != SEARCH:
        if not linear_beams(plan.beams, channel, beams):
            trace[:] = nan
            beams[:] = nan
            return 0, nan, NO_INVERSE
        np.dot(beams, columns, responses)
        ratios(responses, sinr)
        level = weighted_level(sinr, weights)
        rate = weighted_rate(objective, sinr, weights)
    trace[0] = rate
    # One for the beams, one for each block of the reflection.
    smoothing = np.full(3, plan.smoothing * max_signal_power)
    smallest_smoothing = plan.floor * smoothing[0]
    iteration, change, status = 0, 0.0, ITERATION_LIMIT
    while iteration < plan.max_iterations:
        iteration += 1
        if objective == SUM_RATE:
            for k in range(users):
                factors[k] = weights[k] * (1.0 + sinr[k])
        if plan.beams == SEARCH:
            assign(beams, candidate_beams)
            descend(
                objective, columns, channel.conj(), empty, factors, level, smoothing[0],
                beam_search, candidate_beams, plan.beam_steps, plan.tolerance, responses, shares,
            )  # fmt: skip
            np.dot(candidate_beams, columns, responses)
            ratios(responses, sinr)
            if objective == SUM_RATE or weighted_level(sinr, weights) >= level:
                assign(candidate_beams, beams)
                level = weighted_level(sinr, weights)
            else:
                _shrink(smoothing, 0, plan)
                np.dot(beams, columns, responses)
                ratios(responses, sinr)
        if plan.update_reflection:
            if objective == SUM_RATE and plan.auxiliary_updates > 1:
                for k in range(users):
                    factors[k] = weights[k] * (1.0 + sinr[k])
            assign(reflection, previous_reflection)
            previous_rate = weighted_rate(objective, sinr, weights)
            for index, free in enumerate(blocks):
                block_responses = affine_responses(free, links, reflection, beams)
                size = block_responses.forward.shape[0]
                if size == 0:
                    continue
                start = first if free == SECOND else 0
                part = candidate[start : start + size].reshape(1, size)
                assign(reflection[start : start + size], part)
                descend(
                    objective, block_responses.forward, block_responses.backward,
                    block_responses.rest, factors, level, smoothing[1 + index], searches[index],
                    part, plan.reflection_steps, plan.tolerance, responses, shares,
                )  # fmt: skip
                candidate_block = part.reshape(size)
                if plan.quantisation == INSIDE or plan.quantisation == INSIDE_KEPT:
                    nearest_levels(candidate_block, plan.levels)
                if objective == MIN_RATE:
                    np.dot(
                        candidate_block, block_responses.forward, responses.reshape(responses.size)
                    )
                    add(responses, block_responses.rest)
                    ratios(responses, sinr)
                    if weighted_level(sinr, weights) >= level:
                        level = weighted_level(sinr, weights)
                    else:
                        _shrink(smoothing, 1 + index, plan)
                        continue
                assign(candidate_block, reflection[start : start + size])
            channel = effective_channel(links, reflection)
            columns = np.ascontiguousarray(channel.T)
            np.dot(beams, columns, responses)
            ratios(responses, sinr)
            if (
                plan.quantisation == INSIDE_KEPT
                and weighted_rate(objective, sinr, weights) < previous_rate
            ):
                assign(previous_reflection, reflection)
                channel = effective_channel(links, reflection)
                columns = np.ascontiguousarray(channel.T)
                np.dot(beams, columns, responses)
                ratios(responses, sinr)
            if plan.beams != SEARCH:
                if not linear_beams(plan.beams, channel, beams):
                    trace[:] = nan
                    beams[:] = nan
                    return iteration, nan, NO_INVERSE
                np.dot(beams, columns, responses)
                ratios(responses, sinr)
            level = weighted_level(sinr, weights)
        new_rate = weighted_rate(objective, sinr, weights)
        change = (new_rate - rate) / new_rate if new_rate > 0.0 else new_rate - rate
        rate = new_rate
        trace[iteration] = rate
        if not isfinite(rate):
            trace[:] = nan
            return iteration, nan, FAILURE
        if (
            objective == MIN_RATE
            and min(smoothing[0], smoothing[1], smoothing[2]) < smallest_smoothing
        ):
            status = CONVERGED
            break
    trace[iteration:] = rate
    if plan.quantisation == AFTER:
        nearest_levels(reflection, plan.levels)
    return iteration, change, status


def alternate(
    links: SurfaceLinks,
    reflection: Complex,
    weights: ArrayLike = 1.0,
    *,
    objective: Literal["sum-rate", "min-rate"],
    beams: Literal["search", "mrt", "zf", "mmse"] = "search",
    update_reflection: bool = True,
    max_iterations: int,
    beam_steps: int = 10,
    reflection_steps: int = 10,
    tolerance: float = 1e-6,
    smoothing: float = 0.1,
    shrink: float = 0.5,
    floor: float = 1e-4,
    share_smoothing: bool = False,
    auxiliary_updates: int = 1,
    levels: int = 0,
    quantisation: Literal["never", "inside", "inside, kept", "after"] = "never",
) -> Alternation:
    """Alternate between beams and reflections; the result of a realisation depends on no other.

    zhang2022: Algorithm 2 for the sum-rate and Algorithm 3 for the smallest rate, from the MRT
    beams (49) of the given reflection; with beams in closed form or the reflection held, its
    benchmark schemes. Beams in closed form are always those of the reflection in use, so every
    rate of the trace, and the result, is of the beams that give the scheme its name.

    A path between the surfaces makes these alternate too, eqs. (25) and (26).

    Args:
        links: channels relative to the root of noise over transmit power.
        reflection: start of x, (realisation, element), unit modulus.
        weights: omega, (user,) or one for all, positive.
        objective: what is maximised.
        beams: "search" by conjugate gradients, or a closed form of the channel in use.
        update_reflection: take the reflection step.
        max_iterations: largest number of iterations.
        beam_steps: largest number of directions of a beam step.
        reflection_steps: largest number of directions of a reflection step.
        tolerance: Riemannian gradient, relative to that at the start of a step, at which it stops.
        smoothing: mu at the start, relative to the largest power that a user receives of the own
            beam there.
        shrink: kappa.
        floor: ratio of mu to its start below which the min-rate stops.
        share_smoothing: beams and reflections have one mu instead of two (Remark 1).
        auxiliary_updates: how often alpha is renewed per iteration, 1 or 2 (before each step).
        levels: Q, number of equally spaced phases, where they are quantised.
        quantisation: "inside" every iteration after the reflection step, "inside, kept" only where
            the rate does not fall, or "after" the last iteration with the beams as they are. The
            test of a min-rate step comes after quantisation.

    Raises:
        ValueError: shapes that do not fit, unknown or impossible options.
    """
    links = checked_links(links)
    count, users, elements = links.outgoing.shape
    x = np.array(reflection, np.complex128, order="C")
    if x.shape != (count, elements):
        raise ValueError(f"reflection {x.shape} must be {(count, elements)}")
    omega = np.broadcast_to(np.asarray(weights, float), (users,)).copy()
    if not ((omega > 0.0).all() and np.isfinite(omega).all()):
        raise ValueError("weights must be positive and finite")
    if quantisation != "never" and levels < 2:
        raise ValueError(f"levels {levels} must be 2 or more to quantise")
    if min(max_iterations, beam_steps, reflection_steps) < 0 or not (
        smoothing > 0.0 and 0.0 < shrink < 1.0 and floor >= 0.0 and auxiliary_updates in (1, 2)
    ):
        raise ValueError("limits must be >= 0, smoothing > 0, 0 < shrink < 1, auxiliaries 1 or 2")
    plan = Plan(
        OBJECTIVES.index(objective),
        BEAMS.index(beams),
        bool(update_reflection),
        int(max_iterations),
        int(beam_steps),
        int(reflection_steps),
        float(tolerance),
        float(smoothing),
        float(shrink),
        float(floor),
        int(auxiliary_updates),
        int(levels),
        QUANTISATION.index(quantisation),
        bool(share_smoothing),
    )
    w = np.zeros((count, users, links.incoming.shape[2]), np.complex128)
    trace = np.empty((count, max_iterations + 1))
    iterations, residual = np.empty(count, np.int64), np.empty(count)
    status = np.empty(count, np.int8)
    # A loop in Python: a compiled one takes longer to compile than it ever saves.
    for r in range(count):
        iterations[r], residual[r], status[r] = _alternate(
            links.of(r), omega, plan, w[r], x[r], trace[r]
        )
    converged = (status == ITERATION_LIMIT) & (np.abs(residual) <= SETTLED)
    status[converged] = CONVERGED
    return Alternation(w, x, trace=trace, iterations=iterations, residual=residual, status=status)
