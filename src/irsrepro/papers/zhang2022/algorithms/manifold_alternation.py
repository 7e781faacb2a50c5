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
floor. Beams may follow a closed form instead (MRT, ZF, MMSE), the reflection may stay as it is, and
its phases may be quantised.

All costs depend on the variables through s alone, s = A x + b in either of them, so with
Z = 2 df/dconj(s) every gradient is A^H Z.
"""

from dataclasses import dataclass
from math import exp, inf, isfinite, log, log2, nan, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize import result as endings
from irsrepro.optimize.beamforming.receivers import MMSE, ZF, combiner_from_gram, workspace
from irsrepro.optimize.manifold.oblique import (
    GRADIENT_NORM,
    LENGTH,
    RUNNING,
    SLOPE,
    STATUS,
    STEP,
    TOLERANCE,
    VALUE,
    Search,
    accept,
    new_search,
    resume,
    try_step,
    turn,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    BOTH,
    FIRST,
    SECOND,
    SurfaceLinks,
    affine_responses,
    checked_links,
    effective_channel,
    nearest_levels,
)

NO_CHANNEL, NO_INVERSE = len(endings.STATUS), len(endings.STATUS) + 1
MEANINGS = (*endings.STATUS, "no channel", "no inverse")

SUM_RATE, MIN_RATE = range(2)
OBJECTIVES = ("sum-rate", "min-rate")
SEARCH, MRT_BEAMS, ZF_BEAMS, MMSE_BEAMS = range(4)
BEAMS = ("search", "mrt", "zf", "mmse")
NEVER, INSIDE, INSIDE_KEPT, AFTER = range(4)
QUANTISATION = ("never", "inside", "inside, kept", "after")

# Share of the promised decrease that a step must bring. A strict one, with step factors doubled
# from direction to direction as in the toolboxes for manifolds, gets further in few directions.
_SUFFICIENT = 0.5
_TINY = 1e-150  # squared gain of a channel that is none


@dataclass(frozen=True)
class Alternation:
    """Beams and reflections of R realisations.

    Attributes:
        beams: w, (realisation, user, antenna), of total power one; zero where there is no channel,
            nan where there is no inverse.
        reflection: x, (realisation, element), unit modulus.
        trace: (realisation, iteration) weighted sum-rate or smallest weighted rate from the start
            on, in bit/s/Hz, constant after the stop; before a quantisation at the end.
        iterations: (realisation,) iterations run.
        residual: (realisation,) relative change of the rate in the last iteration.
        status: (realisation,) int8, an index of `MEANINGS`.
    """

    beams: Complex
    reflection: Complex
    trace: Real
    iterations: NDArray[np.int64]
    residual: Real
    status: NDArray[np.int8]


class Plan(NamedTuple):
    """Options of the compiled loop, see `alternate`."""

    objective: int
    beams: int
    update_reflection: bool
    outer: int
    beam_steps: int
    reflection_steps: int
    tolerance: float
    smoothing: float
    shrink: float
    floor: float
    auxiliary_updates: int
    levels: int
    quantisation: int


@kernel(allocates=False)
def _squares(responses: Complex, k: int) -> tuple[float, float]:
    """Power of the own beam and of the others at user k; responses are (beam, user)."""
    others = 0.0
    for j in range(responses.shape[0]):
        if j != k:
            others += responses[j, k].real ** 2 + responses[j, k].imag ** 2
    return responses[k, k].real ** 2 + responses[k, k].imag ** 2, others


@kernel(allocates=False)
def cost(
    objective: int, responses: Complex, factors: Real, level: float, smoothing: float, shares: Real
) -> float:
    """Return (10) or (36) at responses s.

    Args:
        objective: `SUM_RATE` or `MIN_RATE`.
        responses: s, (beam, user).
        factors: c or omega, (user,).
        level: lam, of (36).
        smoothing: mu, of (36).
        shares: (user,), overwritten by exp(-f_k / mu) over their sum, for (36).
    """
    users = factors.size
    if objective == SUM_RATE:
        total = 0.0
        for k in range(users):
            own, others = _squares(responses, k)
            total -= factors[k] * own / (own + others + 1.0)
        return total
    lowest = inf
    for k in range(users):
        own, others = _squares(responses, k)
        shares[k] = factors[k] * own - level * (others + 1.0)
        lowest = min(lowest, shares[k])
    total = 0.0
    for k in range(users):
        shares[k] = exp((lowest - shares[k]) / smoothing)
        total += shares[k]
    for k in range(users):
        shares[k] /= total
    return float(smoothing * log(total) - lowest)


@kernel(allocates=False)
def sensitivity(
    objective: int, responses: Complex, factors: Real, level: float, shares: Real, out: Complex
) -> None:
    """Set Z = 2 df/dconj(s), (beam, user), after `cost` at the same responses."""
    users = factors.size
    for k in range(users):
        if objective == SUM_RATE:
            own, others = _squares(responses, k)
            heard = own + others + 1.0
            unwanted = 2.0 * factors[k] * own / heard**2
            wanted = -2.0 * factors[k] * (others + 1.0) / heard**2
        else:
            unwanted = 2.0 * shares[k] * level
            wanted = -2.0 * shares[k] * factors[k]
        for j in range(users):
            out[j, k] = (wanted if j == k else unwanted) * responses[j, k]


@kernel(allocates=False)
def ratios(responses: Complex, sinr: Real) -> None:
    """Set the SINR of every user, (user,)."""
    for k in range(sinr.size):
        own, others = _squares(responses, k)
        sinr[k] = own / (others + 1.0)


@kernel(allocates=False)
def weighted_rate(objective: int, sinr: Real, weights: Real) -> float:
    """Weighted sum-rate or smallest weighted rate in bit/s/Hz."""
    total, lowest = 0.0, inf
    for k in range(sinr.size):
        rate = weights[k] * log2(1.0 + sinr[k])
        total += rate
        lowest = min(lowest, rate)
    return total if objective == SUM_RATE else lowest


@kernel(allocates=False)
def _add(responses: Complex, rest: Complex) -> None:
    """Add what does not depend on the variable; empty where that is nothing."""
    for j in range(rest.shape[0]):
        for k in range(rest.shape[1]):
            responses[j, k] += rest[j, k]


@kernel(allocates=False)
def _finite(channel: Complex) -> bool:
    for k in range(channel.shape[0]):
        for m in range(channel.shape[1]):
            if not (isfinite(channel[k, m].real) and isfinite(channel[k, m].imag)):
                return False
    return True


@kernel
def _climb(
    objective: int,
    forward: Complex,
    backward: Complex,
    rest: Complex,
    factors: Real,
    level: float,
    smoothing: float,
    search: Search,
    point: Complex,
    limit: int,
    tolerance: float,
    responses: Complex,
    shares: Real,
) -> None:
    """Lower the cost from `point` (row, column), in place, by a search that fits it.

    s = point forward + rest and the gradient is Z backward: point is W^T (beam, antenna) and s
    (beam, user), or point is x^T of one row and s the same numbers in one row. The first step has
    length one, a later one begins with the factor of the last.
    """
    rows, width = search.point.shape
    gradient = np.empty((rows, width))
    assign(point.view(np.float64), search.point)
    trial = search.trial.view(np.complex128).reshape(point.shape)
    slope = gradient.view(np.complex128).reshape(point.shape)
    adjoint = np.empty_like(responses)
    shape = (point.shape[0], responses.size // point.shape[0])
    flat, flat_adjoint = responses.reshape(shape), adjoint.reshape(shape)
    resume(search, 0.0, limit)
    first, trials, stretch = True, 0, 0.0
    while search.counters[STATUS] == RUNNING:
        np.dot(trial, forward, flat)
        _add(responses, rest)
        trials += 1
        value = cost(objective, responses, factors, level, smoothing, shares)
        step, known = search.scalars[STEP], search.scalars[VALUE]
        if step > 0.0 and value > known + _SUFFICIENT * step * search.scalars[SLOPE]:
            value = max(value, known)  # not enough for us: no decrease for the search
        if accept(search, value):
            sensitivity(objective, responses, factors, level, shares, adjoint)
            np.dot(flat_adjoint, backward, slope)
            # The step factor of the last direction, doubled unless it took one halving to find.
            stretch = search.scalars[STEP] if trials == 2 else 2.0 * search.scalars[STEP]
            if turn(search, gradient):
                if first:
                    search.scalars[TOLERANCE] = tolerance * search.scalars[GRADIENT_NORM]
                    stretch, first = 1.0 / search.scalars[LENGTH], False
                try_step(search, stretch)
                trials = 0
    assign(search.point.view(np.complex128), point)


@kernel
def linear_beams(kind: int | np.int64, channel: Complex, beams: Complex) -> bool:
    """Set the beams of a closed form, of total power one (zhang2022, eqs. (49) to (51)).

    Args:
        kind: `MRT_BEAMS`, `ZF_BEAMS` or `MMSE_BEAMS`.
        channel: e, (user, antenna), relative to noise and power.
        beams: w, (user, antenna), overwritten.

    Returns:
        False, with the beams left as they are, if the channel is zero or zero forcing needs the
        inverse of a singular matrix.
    """
    users, antennas = channel.shape
    adjoint = channel.conj()
    made = adjoint
    if kind != MRT_BEAMS:
        gram = np.dot(channel, np.ascontiguousarray(adjoint.T))
        scratch = workspace(users)
        for k in range(users):
            if kind == ZF_BEAMS and not gram[k, k].real > _TINY:
                return False
        if kind == ZF_BEAMS:
            if combiner_from_gram(np.int64(ZF), gram, np.ones(users), 1.0, scratch) < users:
                return False
        else:
            combiner_from_gram(np.int64(MMSE), gram, np.ones(users), float(users), scratch)
        made = np.dot(np.ascontiguousarray(scratch.combiner.T), adjoint)
    total = 0.0
    for k in range(users):
        for m in range(antennas):
            total += made[k, m].real ** 2 + made[k, m].imag ** 2
    if not (total > _TINY and total < inf):
        return False
    scale = 1.0 / sqrt(total)
    for k in range(users):
        for m in range(antennas):
            beams[k, m] = scale * made[k, m]
    return True


@kernel(allocates=False)
def _level(sinr: Real, weights: Real) -> float:
    lowest = inf
    for k in range(sinr.size):
        lowest = min(lowest, weights[k] * sinr[k])
    return lowest


@kernel
def _alternate(
    outgoing: Complex,
    incoming: Complex,
    forth: Complex,
    back: Complex,
    first: int,
    weights: Real,
    plan: Plan,
    beams: Complex,
    reflection: Complex,
    trace: Real,
) -> tuple[int, float, int]:
    """One realisation; beams, reflection (the start) and trace are overwritten."""
    users, elements = outgoing.shape
    antennas = incoming.shape[1]
    objective = plan.objective
    responses = np.empty((users, users), np.complex128)
    sinr, factors, shares = np.empty(users), weights.copy(), np.empty(users)
    none = np.empty((0, 0), np.complex128)
    joint = forth.size == 0 and back.size == 0
    blocks = [BOTH] if joint else [FIRST, SECOND]
    beam_search = new_search(1, 2 * users * antennas)
    searches = [
        new_search(elements if joint else first, 2),
        new_search(0 if joint else elements - first, 2),
    ]
    candidate_beams = np.empty_like(beams)
    candidate, before_step = np.empty_like(reflection), np.empty_like(reflection)

    trace[:] = 0.0
    channel = effective_channel(outgoing, incoming, forth, back, first, reflection)
    beams[:] = 0.0
    if not linear_beams(np.int64(MRT_BEAMS), channel, beams):
        if _finite(channel):
            return 0, 0.0, NO_CHANNEL
        trace[:] = nan
        return 0, nan, FAILURE
    columns = np.ascontiguousarray(channel.T)
    np.dot(beams, columns, responses)
    ratios(responses, sinr)
    level = _level(sinr, weights)
    rate = weighted_rate(objective, sinr, weights)
    trace[0] = rate
    loudest = 0.0
    for k in range(users):
        loudest = max(loudest, responses[k, k].real ** 2 + responses[k, k].imag ** 2)
    # One for the beams, one for each block of the reflection.
    smoothing = np.full(3, plan.smoothing * loudest)
    least = plan.floor * smoothing[0]
    iteration, change, ended = 0, 0.0, ITERATION_LIMIT
    while iteration < plan.outer:
        iteration += 1
        if objective == SUM_RATE:
            for k in range(users):
                factors[k] = weights[k] * (1.0 + sinr[k])
        if plan.beams == SEARCH:
            assign(beams, candidate_beams)
            _climb(
                objective, columns, channel.conj(), none, factors, level, smoothing[0],
                beam_search, candidate_beams, plan.beam_steps, plan.tolerance, responses, shares,
            )  # fmt: skip
            np.dot(candidate_beams, columns, responses)
            ratios(responses, sinr)
            if objective == SUM_RATE or _level(sinr, weights) >= level:
                assign(candidate_beams, beams)
                level = _level(sinr, weights)
            else:
                smoothing[0] *= plan.shrink
        else:
            if not linear_beams(plan.beams, channel, beams):
                trace[:] = nan
                beams[:] = nan
                return iteration, nan, NO_INVERSE
            np.dot(beams, columns, responses)
            ratios(responses, sinr)
            level = _level(sinr, weights)
        if plan.update_reflection:
            if objective == SUM_RATE and plan.auxiliary_updates > 1:
                for k in range(users):
                    factors[k] = weights[k] * (1.0 + sinr[k])
            assign(reflection, before_step)
            held = weighted_rate(objective, sinr, weights)
            for index, free in enumerate(blocks):
                given = affine_responses(
                    free, outgoing, incoming, forth, back, first, reflection, beams
                )
                size = given.forward.shape[0]
                if size == 0:
                    continue
                start = first if free == SECOND else 0
                part = candidate[start : start + size].reshape(1, size)
                assign(reflection[start : start + size], part)
                _climb(
                    objective, given.forward, given.backward, given.rest, factors, level,
                    smoothing[1 + index], searches[index], part, plan.reflection_steps,
                    plan.tolerance, responses, shares,
                )  # fmt: skip
                moved = part.reshape(size)
                if plan.quantisation == INSIDE or plan.quantisation == INSIDE_KEPT:
                    nearest_levels(moved, plan.levels)
                if objective == MIN_RATE:
                    np.dot(moved, given.forward, responses.reshape(responses.size))
                    _add(responses, given.rest)
                    ratios(responses, sinr)
                    if _level(sinr, weights) >= level:
                        level = _level(sinr, weights)
                    else:
                        smoothing[1 + index] *= plan.shrink
                        continue
                assign(moved, reflection[start : start + size])
            channel = effective_channel(outgoing, incoming, forth, back, first, reflection)
            columns = np.ascontiguousarray(channel.T)
            np.dot(beams, columns, responses)
            ratios(responses, sinr)
            if plan.quantisation == INSIDE_KEPT and weighted_rate(objective, sinr, weights) < held:
                assign(before_step, reflection)
                channel = effective_channel(outgoing, incoming, forth, back, first, reflection)
                columns = np.ascontiguousarray(channel.T)
                np.dot(beams, columns, responses)
                ratios(responses, sinr)
            level = _level(sinr, weights)
        elif plan.beams == SEARCH:
            np.dot(beams, columns, responses)
            ratios(responses, sinr)
        reached = weighted_rate(objective, sinr, weights)
        change = (reached - rate) / reached if reached > 0.0 else reached - rate
        rate = reached
        trace[iteration] = rate
        if not isfinite(rate):
            trace[:] = nan
            return iteration, nan, FAILURE
        if objective == MIN_RATE and min(smoothing[0], smoothing[1], smoothing[2]) < least:
            ended = CONVERGED
            break
    trace[iteration:] = rate
    if plan.quantisation == AFTER:
        nearest_levels(reflection, plan.levels)
    return iteration, change, ended


def alternate(
    links: SurfaceLinks,
    reflection: Complex,
    weights: ArrayLike = 1.0,
    *,
    objective: Literal["sum-rate", "min-rate"],
    beams: Literal["search", "mrt", "zf", "mmse"] = "search",
    update_reflection: bool = True,
    outer: int,
    beam_steps: int = 10,
    reflection_steps: int = 10,
    tolerance: float = 1e-6,
    smoothing: float = 0.1,
    shrink: float = 0.5,
    floor: float = 1e-4,
    auxiliary_updates: int = 1,
    levels: int = 0,
    quantisation: Literal["never", "inside", "inside, kept", "after"] = "never",
    settled: float = 1e-3,
) -> Alternation:
    """Alternate between beams and reflections; the result of a realisation depends on no other.

    zhang2022: Algorithm 2 for the sum-rate and Algorithm 3 for the smallest rate, from the MRT
    beams (49) of the given reflection; with beams in closed form or the reflection held, its
    benchmark schemes. A path between the surfaces makes these alternate too, eqs. (25) and (26).

    Args:
        links: channels relative to the root of noise over transmit power.
        reflection: start of x, (realisation, element), unit modulus.
        weights: omega, (user,) or one for all, positive.
        objective: what is maximised.
        beams: "search" by conjugate gradients, or a closed form of the channel in use.
        update_reflection: take the reflection step.
        outer: largest number of iterations.
        beam_steps: largest number of directions of a beam step.
        reflection_steps: largest number of directions of a reflection step.
        tolerance: Riemannian gradient, relative to that at the start of a step, at which it stops.
        smoothing: mu at the start, relative to the loudest user's own power there.
        shrink: kappa.
        floor: ratio of mu to its start below which the min-rate stops.
        auxiliary_updates: how often alpha is renewed per iteration, 1 or 2 (before each step).
        levels: Q, number of equally spaced phases, where they are quantised.
        quantisation: "inside" every iteration after the reflection step, "inside, kept" only where
            the rate does not fall, or "after" the last iteration with the beams as they are. The
            test of a min-rate step comes after quantisation.
        settled: relative change of the rate in the last iteration below which a realisation that
            used all iterations counts as converged.

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
    if min(outer, beam_steps, reflection_steps) < 0 or not (
        smoothing > 0.0 and 0.0 < shrink < 1.0 and floor >= 0.0 and auxiliary_updates in (1, 2)
    ):
        raise ValueError("limits must be >= 0, smoothing > 0, 0 < shrink < 1, auxiliaries 1 or 2")
    plan = Plan(
        OBJECTIVES.index(objective),
        BEAMS.index(beams),
        bool(update_reflection),
        int(outer),
        int(beam_steps),
        int(reflection_steps),
        float(tolerance),
        float(smoothing),
        float(shrink),
        float(floor),
        int(auxiliary_updates),
        int(levels),
        QUANTISATION.index(quantisation),
    )
    w = np.zeros((count, users, links.incoming.shape[2]), np.complex128)
    trace = np.empty((count, outer + 1))
    iterations, residual = np.empty(count, np.int64), np.empty(count)
    status = np.empty(count, np.int8)
    # A loop in Python: a compiled one takes longer to compile than it ever saves.
    for r in range(count):
        iterations[r], residual[r], status[r] = _alternate(
            links.outgoing[r], links.incoming[r], links.forth[r], links.back[r], links.first,
            omega, plan, w[r], x[r], trace[r],
        )  # fmt: skip
    done = (status == ITERATION_LIMIT) & (np.abs(residual) <= settled)
    status[done] = CONVERGED
    return Alternation(w, x, trace, iterations, residual, status)
