"""Baseline of Section II-B: beamformers and phases in turn, the phases by semidefinite relaxation.

The phase step only looks for phases that keep the targets with the old beamformers; Gaussian
randomisation may return some that do not, and they are used all the same.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import rayleigh
from irsrepro.channels.streams import children
from irsrepro.errors import ConfigurationError
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.optimize.rounding import gaussian_randomisation
from irsrepro.optimize.sdp.problem import MaxMinProblem, sinr_problem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.yu2020.fixed_phases import beamformers
from irsrepro.papers.yu2020.system import (
    design_variables,
    downlink,
    power_trace,
    progress,
)

_PRESSURE = 100.0  # price of a missed target, relative to the sum of the slacks
_MET = 1e-6  # relative shortfall that counts as rounding
_CALM = 10  # iterations in a row without a change of the power after which nothing else follows


def design(problem: Problem) -> xr.Dataset:
    """Alternate from the starting phases until the power has settled.

    It has when ten changes in a row are at most ``alternation_tolerance``; there are at most
    ``alternation_max_iterations``.

    Returns:
        ``beamformer`` and ``reflection`` of the last iteration, or of the best with
        ``kept_design: best``; traces (realisation, iteration) from the start on, constant after the
        end: ``projected_power`` in W, the power of (4) after each phase step, the same as ``trace``
        in dBm, and ``violated``, 1 where the new phases miss a target with the old beamformers;
        shares of such steps and of those in which the power rises (realisation,).
    """
    system = downlink(problem.channels, problem.parameters)
    parameters = problem.parameters
    limit = parameters["alternation_max_iterations"]
    feasible_only = parameters["draw_selection"] == "feasible"
    reflection = system.starting_reflection.copy()
    count = len(reflection)
    solution = beamformers(problem, system, reflection)
    beams = solution.beamformer.copy()
    failed = solution.status == FAILURE
    power = np.repeat(solution.power[:, None], limit + 1, axis=1)
    violations = np.zeros((count, limit + 1), np.int8)
    iterations, calm_iterations = np.zeros(count, np.int64), np.zeros(count, np.int64)
    kept_design = (beams.copy(), reflection.copy(), solution.power.copy())
    for t in range(1, limit + 1):
        active = np.flatnonzero(~failed & (calm_iterations < _CALM))
        if active.size == 0:
            break
        responses = system.responses[active]
        phase = phase_problem(responses, beams[active], system.target)
        factor = _relaxed(problem, phase)
        draws = rayleigh(
            children([problem.streams[int(r)] for r in active], "randomisation", t),
            (parameters["randomisations"], factor.shape[2]),
        )
        old = np.concatenate([reflection[active], np.ones((active.size, 1))], axis=1)
        vectors = gaussian_randomisation(
            phase, factor, draws, incumbent=old if feasible_only else None
        )
        violations[active, t] = vectors.value < 1.0 - _MET
        reflection[active] = vectors.vector[:, :-1]
        solution = beamformers(problem, system._replace(responses=responses), reflection[active])
        failed[active] = solution.status == FAILURE
        beams[active] = solution.beamformer
        change = np.abs(solution.power / power[active, t - 1] - 1.0)
        power[active, t:] = solution.power[:, None]
        calm_iterations[active] = np.where(
            change <= parameters["alternation_tolerance"], calm_iterations[active] + 1, 0
        )
        iterations[active] = t
        accepted = ~failed[active]
        if parameters["kept_design"] == "best":
            accepted &= ~(solution.power >= kept_design[2][active])
        improved = active[accepted]
        for kept, new in zip(kept_design, (beams, reflection, power[:, t]), strict=True):
            kept[improved] = new[improved]
    status = np.where(calm_iterations >= _CALM, CONVERGED, ITERATION_LIMIT)
    rows, last = np.arange(count), np.maximum(iterations, 1)
    residual = np.abs(power[rows, last] / power[rows, last - 1] - 1.0)
    trace = ("realisation", "iteration")
    return design_variables(kept_design[0], kept_design[1]).assign(
        **progress(
            np.where(failed, FAILURE, status),
            iterations,
            residual,
            "last change of the power, relative",
        ),
        **power_trace(power),
        projected_power=variable(trace, power, "power of (4) after each phase step", "W"),
        violated_steps=variable(
            ("realisation",),
            violations.sum(axis=1) / last,
            "share of phase steps that miss a target with the old beamformers",
            "1",
        ),
        violated=variable(
            trace,
            violations,
            "new phases miss a target with the old beamformers (1) or not (0)",
            "1",
        ),
    )


def phase_problem(responses: Complex, beamformer: Complex, target: float) -> MaxMinProblem:
    """Ratios SINR_k / gamma as functions of [x; 1] for fixed beamformers, eqs. (6) and (7).

    Args:
        responses: H, (realisation, user, element + 1, antenna), noise 1.
        beamformer: w, (realisation, user, antenna).
        target: gamma, linear.
    """
    forms = np.einsum("rkna,ria->rkin", responses, beamformer)
    return sinr_problem(forms, np.ones(forms.shape[:2]), own=1.0 / target)


def margins(ratios: MaxMinProblem) -> MaxMinProblem:
    """The margins SINR_k-constraint of (6) as linear values, in units of gamma and the noise."""
    bottom, noise = ratios.denominator_weights, ratios.denominator_constants
    assert bottom is not None and noise is not None
    return MaxMinProblem(ratios.columns, ratios.weights - bottom, ratios.constants - noise)


def slack_sum(linear: MaxMinProblem) -> MaxMinProblem:
    """Maximise the sum of the margins, none negative, as one max-min problem with K + 1 values.

    The values are the sum of all margins, and that sum plus a high price times each margin: the
    smallest is the sum where no margin is negative (an exact penalty).
    """
    total = linear.weights.sum(axis=1, keepdims=True)
    constant = linear.constants.sum(axis=1, keepdims=True)
    return MaxMinProblem(
        linear.columns,
        np.concatenate([total, total + _PRESSURE * linear.weights], axis=1),
        np.concatenate([constant, constant + _PRESSURE * linear.constants], axis=1),
    )


def _relaxed(problem: Problem, ratios: MaxMinProblem) -> Complex:
    """Factor of the relaxed matrix, (realisation, element + 1, rank), columns by falling norm.

    (6) asks for any matrix that keeps the targets; what a solver returns then depends on the
    solver. The relaxations choose the best in some sense. With a tolerance of the order of 1 the
    matrix is one that a solver returns which stops early: it may miss the targets itself.
    """
    relaxation = problem.parameters["relaxation"]
    if relaxation == "ratio":
        program = ratios
    elif relaxation == "margin":
        program = margins(ratios)
    elif relaxation == "slack":
        program = slack_sum(margins(ratios))
    else:
        raise ConfigurationError(
            f"relaxation: {relaxation!r} is none of 'margin', 'ratio' and 'slack'"
        )
    solve = problem.solver(solve_diagonal_sdp)
    return solve(program, tolerance=problem.parameters["relaxation_tolerance"]).factor
