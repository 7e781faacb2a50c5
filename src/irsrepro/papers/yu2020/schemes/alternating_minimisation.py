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
from irsrepro.optimize.result import FAILURE, ITERATION_LIMIT
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


def design(problem: Problem) -> xr.Dataset:
    """Alternate ``iteration_limit`` times from the starting phases.

    Returns:
        ``beamformer`` and ``reflection`` of the last iteration, or of the best with
        ``kept_design: best``; traces (realisation, iteration) from the start on:
        ``projected_power`` in W, the power of (4) after each phase step, the same as ``trace`` in
        dBm, and ``violated``, 1 where the new phases miss a target with the old beamformers; shares
        of such steps and of those in which the power rises (realisation,).
    """
    system = downlink(problem.channels, problem.parameters)
    parameters = problem.parameters
    limit = parameters["iteration_limit"]
    reflection = system.starting_reflection
    count = len(reflection)
    found = beamformers(problem, system, reflection)
    usable = found.status != FAILURE
    power = np.full((count, limit + 1), np.nan)
    violated = np.zeros((count, limit + 1), np.int8)
    power[:, 0] = found.power
    kept = (found.beamformer.copy(), reflection.copy(), found.power.copy())
    for t in range(1, limit + 1):
        if not usable.any():
            break
        phase = phase_problem(system.responses[usable], found.beamformer[usable], system.target)
        factor = _relaxed(problem, phase)
        streams = [s for s, use in zip(problem.streams, usable, strict=True) if use]
        draws = rayleigh(
            children(streams, "randomisation", t),
            (parameters["randomisations"], factor.shape[2]),
        )
        old = np.concatenate([reflection[usable], np.ones((usable.sum(), 1))], axis=1)
        feasible_only = parameters["draw_selection"] == "feasible"
        vectors = gaussian_randomisation(
            phase, factor, draws, incumbent=old if feasible_only else None
        )
        violated[usable, t] = vectors.value < 1.0 - _MET
        reflection = reflection.copy()
        reflection[usable] = vectors.vector[:, :-1]
        found = beamformers(problem, system, reflection)
        usable &= found.status != FAILURE
        power[:, t] = found.power
        better = ~(found.power >= kept[2]) if parameters["kept_design"] == "best" else usable
        better = better & usable
        for whole, new in zip(kept, (found.beamformer, reflection, found.power), strict=True):
            whole[better] = new[better]
    residual = np.abs(power[:, -1] / power[:, -2] - 1.0) if limit else np.zeros(count)
    trace = ("realisation", "iteration")
    return design_variables(kept[0], kept[1]).assign(
        **progress(
            np.where(usable, ITERATION_LIMIT, FAILURE),
            np.full(count, limit),
            residual,
            "last change of the power, relative",
        ),
        **power_trace(power),
        projected_power=variable(trace, power, "power of (4) after each phase step", "W"),
        violated_steps=variable(
            ("realisation",),
            violated[:, 1:].mean(axis=1),
            "share of phase steps that miss a target with the old beamformers",
            "1",
        ),
        violated=variable(
            trace, violated, "new phases miss a target with the old beamformers (1) or not (0)", "1"
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
