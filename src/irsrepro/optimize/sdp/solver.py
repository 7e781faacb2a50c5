"""Max-min semidefinite programs over matrices with unit diagonal, certified and batched.

The relaxation of the problems in `problem`, V in place of x x^H:

    maximise min_k tr(C_k V) + c_k   or   min_k (tr(N_k V) + n_k) / (tr(D_k V) + d_k)
    subject to diag V = 1,  V psd.

Two methods. "interior" (`interior`) takes 10 to 20 steps of O(n^3), whatever the data, and reaches
gaps of 1e-7. "low rank" (`low_rank`) is faster at a gap of 1e-4, from 60 elements on by far, and
reaches thousands of elements; but where interference far above the noise has to be nulled its
valleys are narrow. Ratios of up to 400 elements then go on by dual scaling (`dual_scaling`);
beyond, and for linear values, it stops short, which its gap then says. "auto" takes the interior
method for few elements and no start and where interference is strong, else the low-rank one, and
the interior one after all where that stops short and n allows. What it finds for more than a few
elements is of full rank, and brought to few columns by the low-rank method with its bound.

Both return a factor of V that is feasible to the last bit (V = Y Y^H with unit rows), the value
recomputed from it, and dual multipliers that prove an upper bound: a target above the bound is
impossible, one up to the value is met by V. Data may have any scale, gains of 1e-12 included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.result import CONVERGED, Solution
from irsrepro.optimize.sdp.columns import without_blocks
from irsrepro.optimize.sdp.dual_scaling import dual_scaling
from irsrepro.optimize.sdp.interior import interior_point
from irsrepro.optimize.sdp.low_rank import low_rank
from irsrepro.optimize.sdp.problem import (
    MaxMinProblem,
    ScaledInstance,
    column_norms,
    norm_problem,
    ratio_terms,
    scale_instance,
    smallest_value,
)

Method = Literal["auto", "interior", "low rank"]

SMALL = 48  # elements up to which "auto" prefers the interior-point method
LARGEST_INTERIOR = 400  # and up to which it may fall back on it
HARD = 0.03  # a user's share of noise in the denominator at V = I below which low rank is slow
STEP_LIMIT, ROUND_LIMIT, AUTO_ROUND_LIMIT = 100, 400, 80
EARLY_ROUNDS, DUAL_LIMIT = 60, 200  # rounds before dual scaling helps with ratios, and its steps

_RANK, _LARGEST_RANK = 4, 12  # columns of the low-rank method: at the start, and at most
_LEAST_WEIGHT = 1e-6  # of a user at its start


@dataclass(frozen=True)
class DiagonalSdpSolution(Solution):
    """Solutions for R realisations, with a certificate for each.

    With multipliers w >= 0 (of sum 1) and y, and the upper bound u, Z = Diag(y) - sum_k w_k (N_k -
    u D_k) is psd and 1^T y + sum_k w_k (n_k - u d_k) <= 0, so no V does better than u. For linear
    values, D_k = 0 and d_k = 1, this reads Diag(y) - sum_k w_k C_k psd and u >= 1^T y + w^T c.

    The residual is (u - value) / |value|, or relative to a thousandth of the size of the data where
    the value is nearer to 0 than that. Iterations are Newton steps (interior, dual scaling) or
    evaluations (low rank).

    Attributes:
        factor: Y, (realisation, element, rank) complex, rows of unit norm, columns by falling norm
            and zero beyond the rank needed.
        value: (realisation,) the smallest of the users' values at V = Y Y^H.
        upper_bound: (realisation,) u.
        multipliers: w, (realisation, user).
        diagonal: y, (realisation, element).

    """

    factor: Complex
    value: Real
    upper_bound: Real
    multipliers: Real
    diagonal: Real

    @property
    def matrix(self) -> Complex:
        """V = Y Y^H, (realisation, element, element)."""
        product: Complex = self.factor @ self.factor.conj().swapaxes(1, 2)
        return product


def solve_diagonal_sdp(
    problem: MaxMinProblem,
    *,
    method: Method = "auto",
    tolerance: float = 1e-4,
    start: Complex | None = None,
    multipliers: Real | None = None,
) -> DiagonalSdpSolution:
    """Maximise the smallest value over psd V with unit diagonal, for all realisations.

    noh2022, eq. (14); zheng2021, eqs. (41) to (44) and (45) to (47) with the level found too;
    yu2020, eq. (6) as a feasibility problem. The result of a realisation does not depend on the
    others.

    Args:
        problem: R realisations.
        method: see the module.
        tolerance: relative gap to reach.
        start: factor to start the low-rank method from, (realisation, element, any), rows of any
            positive norm; by default a fixed, generic one of rank 4.
        multipliers: w to start the low-rank method with, (realisation, user), such as the solution
            of a problem close by has; by default users count alike.

    Raises:
        ValueError: an unknown method, a start that does not fit or has rows of zeros, multipliers
            that do not fit, are negative, infinite or all zero.

    Example:
        For one value and one column the relaxation is exact, (1 + 2 + 3)^2:

        >>> found = solve_diagonal_sdp(norm_problem(np.array([[[1.0], [2.0j], [3.0]]])))
        >>> bool(found.converged[0]), found.value.round(2), found.upper_bound.round(2)
        (True, array([36.]), array([36.]))

    """
    if method not in ("auto", "interior", "low rank"):
        raise ValueError(f"method {method!r} must be 'auto', 'interior' or 'low rank'")
    realisations, size, _ = problem.columns.shape
    small = start is None and size <= SMALL
    possible = method == "interior" or (method == "auto" and size <= LARGEST_INTERIOR)
    if start is None:
        generic = _generic_factor(size, min(_RANK, size))
        start = np.broadcast_to(generic, (realisations, *generic.shape))
    if start.ndim != 3 or start.shape[:2] != (realisations, size) or not np.isfinite(start).all():
        raise ValueError(f"start {start.shape} must be finite and ({realisations}, {size}, rank)")
    if not np.abs(start).max(axis=2, initial=0.0).all():
        raise ValueError("start must not have rows of zeros")
    if multipliers is not None and not (
        multipliers.shape == problem.constants.shape
        and (multipliers >= 0.0).all()
        and (multipliers.sum(axis=1) > 0.0).all()
        and np.isfinite(multipliers).all()
    ):
        raise ValueError(f"multipliers must be {problem.constants.shape}, not negative, not all 0")
    # The shape of the result depends on the problem and the options only, not on how it was solved.
    width = max(start.shape[2], min(_LARGEST_RANK, size))
    if possible:
        width = max(width, size)
    solution = DiagonalSdpSolution(
        np.empty((realisations, size, width), np.complex128),
        np.empty(realisations),
        np.empty(realisations),
        np.empty_like(problem.constants),
        np.empty((realisations, size)),
        iterations=np.empty(realisations, np.int64),
        residual=np.empty(realisations),
        status=np.empty(realisations, np.int8),
    )
    for r in range(realisations):
        scaled = scale_instance(problem, r)
        first = np.array(start[r], np.complex128, order="C")
        outcomes = []
        if method == "low rank" or not (
            possible and (method == "interior" or small or _hard(scaled))
        ):
            rounds = AUTO_ROUND_LIMIT if possible else ROUND_LIMIT
            uses_dual_scaling = not (possible or scaled.linear) and size <= LARGEST_INTERIOR
            first_rounds = EARLY_ROUNDS if uses_dual_scaling else rounds
            w = None if multipliers is None else multipliers[r] * scaled.shares
            outcomes.append(_low_rank(scaled, first, tolerance, first_rounds, width, multipliers=w))
            if uses_dual_scaling and outcomes[0].status != CONVERGED:
                outcomes += _run_dual_scaling(scaled, outcomes[0], tolerance, rounds, width)
        if possible and (not outcomes or outcomes[0].status != CONVERGED):
            known_value = max(
                smallest_value(scaled.instance, first), *(o.value for o in outcomes), -np.inf
            )
            outcomes.append(_interior(scaled, known_value, tolerance, width))
        _store(scaled, outcomes, solution, r)
    return solution


@dataclass(frozen=True)
class NormBound(Solution):
    """Upper bounds of ||A x||^2 over unit-modulus x for R realisations.

    Iterations are evaluations, the residual is the distance from the optimum of the relaxation,
    relative to it.

    Attributes:
        bound: (realisation,).
    """

    bound: Real


def largest_norm_bound(factor: Complex, *, tolerance: float = 1e-4) -> NormBound:
    """Bound max ||A x||^2 over unit-modulus x by its relaxation, certified.

    Args:
        factor: A, (realisation, row, element).
        tolerance: relative gap to reach.

    Example:
        >>> largest_norm_bound(np.eye(4)[None]).bound.round(3)  # every x has the norm 4
        array([4.])
    """
    relaxed = solve_diagonal_sdp(
        norm_problem(factor.mT.conj()), method="low rank", tolerance=tolerance
    )
    return NormBound(
        relaxed.upper_bound,
        iterations=relaxed.iterations,
        residual=relaxed.residual,
        status=relaxed.status,
    )


def _generic_factor(size: int, rank: int) -> Complex:
    """Rows of fixed phases without structure, from multiples of two irrational numbers."""
    i, c = np.arange(size)[:, None], np.arange(rank)
    turns = 0.6180339887498949 * i * (c + 1) + 0.28989794855663564 * i**2 * (c + 2)
    return np.asarray(np.exp(2j * np.pi * (turns % 1.0)))


class _Outcome(NamedTuple):
    """What a method found, in scaled numbers."""

    factor: Complex
    value: float
    multipliers: Real
    diagonal: Real
    upper: float
    iterations: int
    status: int


def _hard(scaled: ScaledInstance) -> bool:
    """Whether some user sees far more interference than noise, to be nulled by the phases."""
    instance = scaled.instance
    norms = column_norms(instance.columns)
    noise = instance.denominator_constant
    return bool((noise < HARD * (instance.denominator @ norms + noise)).any())


def _low_rank(
    scaled: ScaledInstance,
    start: Complex,
    tolerance: float,
    rounds: int,
    width: int,
    helper: _Outcome | None = None,
    multipliers: Real | None = None,
) -> _Outcome:
    """Run the low-rank method from multipliers w, or from those and the bound of another method."""
    instance = scaled.instance
    if helper is not None:
        multipliers = helper.multipliers
    weights = np.ones(scaled.shares.size)
    if multipliers is not None:
        # lam_k = e_k w_k of what is scaled by the denominators e_k.
        weights = multipliers * ratio_terms(instance, start)[1]
        weights = np.maximum(weights / weights.sum(), _LEAST_WEIGHT)
    Y, w, y, upper, evaluations, status = low_rank(
        instance,
        scaled.linear,
        start,
        weights,
        tolerance,
        scaled.floor,
        rounds,
        _LARGEST_RANK,
        True,
        np.inf if helper is None else helper.upper,
    )
    if helper is not None and upper == helper.upper:
        w, y = helper.multipliers, helper.diagonal
    vectors, roots, _ = np.linalg.svd(Y, full_matrices=False)
    factor = _pad(vectors * roots, width)
    return _Outcome(factor, smallest_value(instance, factor), w, y, upper, evaluations, status)


def _run_dual_scaling(
    scaled: ScaledInstance,
    low_rank_outcome: _Outcome,
    tolerance: float,
    rounds: int,
    width: int,
) -> list[_Outcome]:
    """Go on from the low-rank method by dual scaling, and back to it with the bound found there."""
    instance, point = scaled.instance, (low_rank_outcome.multipliers, low_rank_outcome.diagonal)
    V, w, y, upper, steps, status = dual_scaling(
        instance, *point, low_rank_outcome.value, tolerance, scaled.floor, DUAL_LIMIT
    )
    factor, value = low_rank_outcome.factor, low_rank_outcome.value
    if V.size:
        squares, vectors = np.linalg.eigh(V)
        columns = (vectors * np.sqrt(np.maximum(squares, 0.0)))[:, ::-1]
        for rank in range(1, min(_LARGEST_RANK, len(V)) + 1):  # the fewest columns that will do
            candidate = _pad(columns[:, :rank], width)
            candidate_value = smallest_value(instance, candidate)
            proven = upper - candidate_value <= tolerance * max(abs(candidate_value), scaled.floor)
            if proven or candidate_value > value:
                factor, value = candidate, candidate_value
            if proven:
                break
    scaling = _Outcome(factor, value, w, y, upper, steps, status)
    if upper - value <= tolerance * max(abs(value), scaled.floor):
        return [scaling._replace(status=CONVERGED)]
    start = np.ascontiguousarray(factor[:, np.abs(factor).any(axis=0)])
    return [scaling, _low_rank(scaled, start, tolerance, rounds, width, scaling)]


def _interior(scaled: ScaledInstance, known_value: float, tolerance: float, width: int) -> _Outcome:
    instance = scaled.instance._replace(columns=without_blocks(scaled.instance.columns))
    V, w, y, upper, steps, status = interior_point(
        instance, scaled.linear, known_value, float(tolerance), scaled.floor, STEP_LIMIT
    )
    squares, vectors = np.linalg.eigh(V)
    factor = _pad((vectors * np.sqrt(np.maximum(squares, 0.0)))[:, ::-1], width)
    whole = _Outcome(factor, smallest_value(instance, factor), w, y, upper, steps, status)
    largest = factor[:, :_LARGEST_RANK]
    if len(V) <= SMALL or not largest.any(axis=1).all():
        return whole
    # V has every rank, and samples of it cost by the column: its largest ones are a good start.
    start = _pad(largest, _LARGEST_RANK)
    few = _low_rank(scaled, start, tolerance, ROUND_LIMIT, width, whole)
    iterations = steps + few.iterations
    return (few if few.status == CONVERGED else whole)._replace(iterations=iterations)


def _pad(columns: Complex, width: int) -> Complex:
    """Rows scaled to unit norm, columns of zeros added."""
    factor = np.zeros((columns.shape[0], width), np.complex128)
    factor[:, : columns.shape[1]] = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    return factor


def _store(
    scaled: ScaledInstance, outcomes: list[_Outcome], solution: DiagonalSdpSolution, r: int
) -> None:
    """Write the better sides of the outcomes to their place, in the data's own numbers."""
    primal = max(outcomes, key=lambda outcome: outcome.value)
    dual = min(outcomes, key=lambda outcome: outcome.upper)
    upper = max(dual.upper, primal.value)
    # N_k = share_k unit N'_k and D_k = share_k D'_k, so the level is unit times the scaled one.
    multipliers = dual.multipliers / scaled.shares
    total = multipliers.sum()
    solution.factor[r] = primal.factor
    solution.value[r] = scaled.unit * primal.value
    solution.upper_bound[r] = scaled.unit * upper
    solution.residual[r] = (upper - primal.value) / max(abs(primal.value), scaled.floor)
    solution.multipliers[r] = multipliers / total
    solution.diagonal[r] = scaled.unit * dual.diagonal / total
    solution.iterations[r] = sum(outcome.iterations for outcome in outcomes)
    solution.status[r] = outcomes[-1].status
