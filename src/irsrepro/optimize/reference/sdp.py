"""The unit-diagonal semidefinite programs by public means: cvxpy with Clarabel or SCS, or pymanopt.

One realisation at a time, and the obvious way: a Hermitian variable, one linear constraint per
user, and for ratios the bisection over levels that zheng2021 (after eq. (44)) and zhang2022
prescribe. Whether a level can be reached is asked as the largest margin by which all users exceed
it, which has an answer of any accuracy at every level; a program without objective has none near
the last feasible level, where solvers give up. Two precautions more, without which the answers
cannot be trusted: the data are brought to moderate numbers first (at gains of 1e-12 the solvers
return nonsense as "optimal"), and every matrix is projected to the feasible set and its value
recomputed from the projection: negative eigenvalues, however small, let an interference seem to
vanish that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.low_rank import relax_low_rank
from irsrepro.optimize.reference.public_solvers import Attempt, entries, optimise_program, parts
from irsrepro.optimize.result import converged_or_limited
from irsrepro.optimize.sdp.instance import Instance
from irsrepro.optimize.sdp.problem import MaxMinProblem, scale_instance, smallest_value
from irsrepro.optimize.sdp.solver import DiagonalSdpSolution, Method, NormBound

cp = lazily("cvxpy")

CONE_LIMIT = 16
"""Elements up to which relaxations are handed to a cone solver."""

# Second order, up to about 50 elements; and the first-order one where that has no answer.
_ATTEMPTS: tuple[Attempt, ...] = (("CLARABEL", {}), ("SCS", {"eps_abs": 1e-6, "eps_rel": 1e-6}))
_CONE_ACCURACY = 1e-6  # what Clarabel reaches on a linear problem


@dataclass(frozen=True)
class ReferenceSolution:
    """What a public solver found for one realisation.

    Attributes:
        matrix: V, (element, element), projected: psd with unit diagonal.
        value: smallest of the users' values at `matrix`.
        bound: what the solver calls out of reach: its optimum, or the least level that no user
            exceeds together with the others.
        solves: semidefinite programs solved.

    """

    matrix: Complex
    value: float
    bound: float = np.inf
    solves: int = 1


class _Program(NamedTuple):
    """The linear problem of a size, with parameters: cvxpy takes longer to read than to solve it.

    Attributes:
        statement: maximise min_k tr(C_k V) + c_k.
        matrix: V.
        rows: the `parts` of C_k, (user, element^2).
        constants: c, (user,).
    """

    statement: Any
    matrix: Any
    rows: Any
    constants: Any


@cache
def _program(elements: int, users: int) -> _Program:
    level: Any = cp.Variable()
    V = cp.Variable((elements, elements), hermitian=True)
    rows, constants = cp.Parameter((users, elements**2)), cp.Parameter(users)
    limits = [V >> 0, cp.real(cp.diag(V)) == 1, rows @ entries(V) + constants >= level]
    return _Program(cp.Problem(cp.Maximize(level), limits), V, rows, constants)


def _maximise_smallest(columns: Complex, weights: Real, constants: Real) -> tuple[Complex, float]:
    """Maximise min_k tr(F diag(weights_k) F^H V) + constants_k; return V, projected, and optimum.

    Raises:
        SolverError: no solver returns a matrix.
    """
    program = _program(len(columns), len(weights))
    matrices = np.einsum("ia,ka,ja->kij", columns, weights, columns.conj(), optimize=True)
    program.rows.value = parts(matrices)
    program.constants.value = constants
    optimise_program(program.statement, _ATTEMPTS)
    return project_to_unit_diagonal(program.matrix.value), float(program.statement.value)


def project_to_unit_diagonal(matrix: Complex) -> Complex:
    """Near psd matrix with unit diagonal: negative eigenvalues cut, then rows and columns scaled.

    Args:
        matrix: (element, element) complex, roughly Hermitian with a positive diagonal.

    """
    values, vectors = np.linalg.eigh((matrix + matrix.conj().T) / 2.0)
    positive_part = (vectors * np.maximum(values, 0.0)) @ vectors.conj().T
    scale = 1.0 / np.sqrt(np.maximum(np.diag(positive_part).real, np.finfo(float).tiny))
    return np.asarray(scale[:, None] * positive_part * scale)


def solve_diagonal_sdp_cvxpy(problem: MaxMinProblem, realisation: int = 0) -> ReferenceSolution:
    """Maximise min_k tr(C_k V) + c_k over psd V with unit diagonal.

    Args:
        problem: with linear values.
        realisation: which one.

    Raises:
        ValueError: `problem` has ratios.
        SolverError: no solver returns a matrix.

    """
    if not problem.linear:
        raise ValueError("the values must be linear; use bisect_ratio_cvxpy for ratios")
    scaled = scale_instance(problem.dense(), realisation)
    instance = scaled.instance
    matrix, optimum = _maximise_smallest(
        instance.columns.local, instance.numerator, instance.numerator_constant
    )
    value = scaled.unit * _value(instance, matrix)
    return ReferenceSolution(matrix, value, bound=max(value, scaled.unit * optimum))


def solve_diagonal_sdp(
    problem: MaxMinProblem,
    *,
    method: Method = "auto",
    tolerance: float = 1e-4,
    start: Complex | None = None,
    multipliers: Real | None = None,
) -> DiagonalSdpSolution:
    """Solve the relaxation of every realisation, linear values or ratios, one after another.

    Args:
        problem: R realisations.
        method: of the other implementation; cone programs and bisection know none.
        tolerance: relative accuracy of the bisection over ratios, and of a solution called good.
        start: of the other implementation.
        multipliers: of the other implementation.

    Returns:
        Solutions without multipliers and diagonal, which are NaN. The bound is what the cone solver
        claims, or beyond `CONE_LIMIT` elements certified.

    Raises:
        SolverError: no solver answers.
    """
    solutions = [_relax(problem, r, tolerance) for r in range(len(problem.columns))]
    value, bound = np.array([solution[1:3] for solution in solutions]).T
    gap = (bound - value) / np.abs(value)
    converged = gap <= max(tolerance, _CONE_ACCURACY)
    return DiagonalSdpSolution(
        factor=np.stack([solution[0] for solution in solutions]),
        value=value,
        upper_bound=bound,
        residual=gap,
        multipliers=np.full_like(problem.constants, np.nan),
        diagonal=np.full(problem.columns.shape[:2], np.nan),
        iterations=np.array([solution[3] for solution in solutions]),
        status=converged_or_limited(converged),
    )


def _relax(problem: MaxMinProblem, r: int, tolerance: float) -> tuple[Complex, float, float, int]:
    """Factor, value, bound and iterations of one realisation, by the method for its size."""
    if problem.columns.shape[1] > CONE_LIMIT:
        return relax_low_rank(problem, r, tolerance)
    if problem.linear:
        solution = solve_diagonal_sdp_cvxpy(problem, r)
    else:
        solution = bisect_ratio_cvxpy(problem, r, relative_accuracy=tolerance)
    return factors_of(solution.matrix[None])[0], solution.value, solution.bound, solution.solves


def factors_of(matrices: Complex) -> Complex:
    """Factors Y of psd matrices V = Y Y^H, (realisation, element, element), by falling norm."""
    squares, vectors = np.linalg.eigh(matrices)
    factors: Complex = (vectors * np.sqrt(np.maximum(squares, 0.0))[:, None])[:, :, ::-1]
    return factors


def largest_norm_bound(factor: Complex, *, tolerance: float = 1e-4) -> NormBound:
    """Bound max ||A x||^2 over unit-modulus x by the dual of its relaxation, in small matrices.

    The dual min 1^T y, Diag(y) >= A^H A, is min sum 1 / z_i, A Diag(z) A^H <= I: by Schur
    complements the matrix inequality is as small as A has rows. The dual of that again, which a
    cone solver finds to many digits, is the square of max sum sqrt(a_i^H X a_i) over psd X of trace
    one, and its solution gives z_i = 1 / sqrt(a_i^H X a_i).

    Args:
        factor: A, (realisation, row, element), without columns of zeros.
        tolerance: of the other implementation.

    Raises:
        SolverError: no solver answers.
    """
    bounds, reached = [], []
    for matrix in factor:
        columns = matrix / np.abs(matrix).max()
        program = _norm_program(*columns.shape)
        program.rows.value = parts(np.einsum("ri,si->irs", columns, columns.conj()))
        optimise_program(program.statement, _ATTEMPTS)
        X = program.matrix.value / np.trace(program.matrix.value).real
        roots = np.sqrt(np.einsum("ri,rs,si->i", columns.conj(), X, columns, optimize=True).real)
        # Made feasible to the last digit: the largest eigenvalue of A Diag(z) A^H divides z.
        largest = np.linalg.eigvalsh((columns / roots) @ columns.conj().T)[-1]
        unit = np.abs(matrix).max() ** 2
        bounds.append(roots.sum() * largest * unit)
        reached.append(roots.sum() ** 2 * unit)
    bound = np.array(bounds)
    gap = bound / np.array(reached) - 1.0
    status = converged_or_limited(gap <= tolerance)
    no_iterations = np.zeros(len(bound), np.int64)
    return NormBound(bound, iterations=no_iterations, residual=gap, status=status)


class _NormProgram(NamedTuple):
    """The bound's program of a size.

    Attributes:
        statement: maximise sum sqrt(a_i^H X a_i).
        matrix: X.
        rows: the `parts` of a_i a_i^H, (element, row^2).
    """

    statement: Any
    matrix: Any
    rows: Any


@cache
def _norm_program(height: int, elements: int) -> _NormProgram:
    X = cp.Variable((height, height), hermitian=True)
    rows = cp.Parameter((elements, height**2))
    objective = cp.Maximize(cp.sum(cp.sqrt(rows @ entries(X))))
    return _NormProgram(cp.Problem(objective, [X >> 0, cp.real(cp.trace(X)) == 1]), X, rows)


def feasible_at_cvxpy(
    problem: MaxMinProblem, level: float, realisation: int = 0
) -> ReferenceSolution | None:
    """Find psd V with unit diagonal and every ratio at least `level` (zheng2021, P3.3 at a level).

    Args:
        problem: ratios or linear values.
        level: wanted of every user, in the problem's own unit.
        realisation: which one.

    Returns:
        The matrix of the largest margin; None if its values, recomputed, miss the level.

    Raises:
        SolverError: no solver answers.

    """
    scaled = scale_instance(problem.dense(), realisation)
    instance, scaled_level = scaled.instance, level / scaled.unit
    matrix, _ = _maximise_smallest(
        instance.columns.local,
        instance.numerator - scaled_level * instance.denominator,
        instance.numerator_constant - scaled_level * instance.denominator_constant,
    )
    value = scaled.unit * _value(instance, matrix)
    return ReferenceSolution(matrix, value) if value >= level else None


def bisect_ratio_cvxpy(
    problem: MaxMinProblem, realisation: int = 0, *, relative_accuracy: float = 1e-3
) -> ReferenceSolution:
    """Maximise the smallest ratio by bisection on the level.

    The bracket starts at the ratio of V = I and ends at what a user would have without interference
    and with every phase aligned for it: |f^H x| <= sum_i |f_i|. A level that is reached is replaced
    by the value of the matrix that reaches it.

    Args:
        problem: with ratios of non-negative numerators.
        realisation: which one.
        relative_accuracy: width of the bracket, relative to its upper end, at which to stop.

    Raises:
        SolverError: no solver answers.

    """
    problem = problem.dense()
    columns, top, constants, _, noise = problem.parts(realisation)
    aligned = np.abs(columns).sum(axis=0) ** 2
    high = float(((np.maximum(top, 0.0) @ aligned + constants) / noise).min())
    matrix = np.eye(columns.shape[0], dtype=np.complex128)
    low = float(problem.values(np.stack([matrix] * len(problem.columns)))[realisation].min())
    solves = 0
    while high - low > relative_accuracy * abs(high):
        level = (low + high) / 2.0
        solution = feasible_at_cvxpy(problem, level, realisation)
        solves += 1
        if solution is None:
            high = level
        else:
            low, matrix = solution.value, solution.matrix
    return ReferenceSolution(matrix, low, max(high, low), solves)


def _value(instance: Instance, matrix: Complex) -> float:
    values, vectors = np.linalg.eigh(matrix)
    return smallest_value(instance, vectors * np.sqrt(np.maximum(values, 0.0)))
