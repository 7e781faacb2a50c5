"""The border to public solvers: whatever goes wrong behind it is a failure on one realisation.

A solver that gives no answer is asked again with looser tolerances, or another one is; what remains
is a `SolverError`, which the sweep of a scheme records for that realisation.
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.result import SolverError

cp = lazily("cvxpy")
pymanopt = lazily("pymanopt")

Attempt = tuple[str, Mapping[str, Any]]

FIRST_ORDER: Attempt = ("SCS", {"eps_abs": 1e-8, "eps_rel": 1e-8, "max_iters": 100_000})
"""A last attempt: slow, but it fails in other cases than an interior-point method."""

# Jobs share the cores already, and programs of this size gain nothing from a second thread.
_ONE_THREAD: Mapping[str, Mapping[str, Any]] = {"CLARABEL": {"max_threads": 1}}


def solve_program(program: Any, attempts: Sequence[Attempt]) -> str:
    """Solve a cvxpy program by the first solver that answers.

    Args:
        program: it then holds the solution.
        attempts: names of solvers with their options, in order.

    Returns:
        The status: optimal or infeasible, accurately or not.

    Raises:
        SolverError: none of them answers.
    """
    optimal = (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)
    return _first_answer(program, attempts, (*optimal, cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE))


def optimise_program(program: Any, attempts: Sequence[Attempt]) -> str:
    """Solve a program that has a solution, as `solve_program`; that it had none is no answer.

    Raises:
        SolverError: no solver finds it.
    """
    return _first_answer(program, attempts, (cp.OPTIMAL, cp.OPTIMAL_INACCURATE))


def _first_answer(program: Any, attempts: Sequence[Attempt], answers: Sequence[str]) -> str:
    failures = []
    for solver, options in attempts:
        try:
            with warnings.catch_warnings():  # "may be inaccurate": the status says so
                warnings.simplefilter("ignore", UserWarning)
                # A warm start would make a realisation depend on the one before it.
                own = _ONE_THREAD.get(solver, {})
                program.solve(solver=solver, warm_start=False, **own, **options)
        except Exception as error:  # of whatever kind: it is the solver's
            failures.append(f"{solver}: {' '.join(str(error).split()) or type(error).__name__}")
            continue
        if program.status in answers:
            return str(program.status)
        failures.append(f"{solver}: {program.status}")
    raise SolverError("; ".join(failures))


def entries(matrix: Any) -> Any:
    """Real coordinates of a Hermitian expression of cvxpy, whose scalar products are traces."""
    real, imaginary = cp.real(matrix), cp.imag(matrix)
    above = [np.sqrt(2.0) * cp.vec(cp.upper_tri(part), order="C") for part in (real, imaginary)]
    return cp.hstack([cp.diag(real), *above])


def parts(matrices: Complex) -> Real:
    """Return `entries` of matrices of numbers, (..., row, column)."""
    above = np.sqrt(2.0) * matrices[(..., *np.triu_indices(matrices.shape[-1], 1))]
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1).real
    return np.concatenate([diagonal, above.real, above.imag], axis=-1)


def real_form(matrix: Complex) -> Real:
    """Return what multiplies real parts over imaginary parts as a matrix multiplies numbers."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


def stacked(numbers: Complex) -> Real:
    """Return the real parts of numbers over their imaginary parts, which `real_form` multiplies."""
    return np.concatenate([numbers.real, numbers.imag])


def unstacked(values: Real) -> Complex:
    """Return the numbers that `stacked` made values of."""
    real, imaginary = np.split(values, 2)
    return np.asarray(real + 1j * imaginary)


def search_manifold(problem: Any, start: Any, **options: Any) -> Any:
    """Run pymanopt's conjugate gradients; where they fail, its steepest descent.

    Args:
        problem: a pymanopt problem.
        start: a point of its manifold.
        options: of the optimiser, `beta_rule` for conjugate gradients only.

    Returns:
        The result of the optimiser.

    Raises:
        SolverError: both fail or end at a point that is not finite.
    """
    failures = []
    for name in ("ConjugateGradient", "SteepestDescent"):
        solver_options = dict(options)
        if name != "ConjugateGradient":
            solver_options.pop("beta_rule", None)
        try:
            optimiser = getattr(pymanopt.optimizers, name)(verbosity=0, **solver_options)
            result = optimiser.run(problem, initial_point=start)
        except Exception as error:  # of whatever kind: it is the solver's
            failures.append(f"{name}: {' '.join(str(error).split()) or type(error).__name__}")
            continue
        if np.isfinite(result.point).all():
            return result
        failures.append(f"{name}: a point that is not finite")
    raise SolverError("; ".join(failures))
