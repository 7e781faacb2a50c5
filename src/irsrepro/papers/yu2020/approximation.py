"""The inner approximation with either engine, in the modes of its rank constraint."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.papers.yu2020.algorithms.inner_approximation import (
    InnerApproximation,
    RankMode,
    inner_approximation,
)
from irsrepro.papers.yu2020.system import (
    design_variables,
    downlink,
    power_trace,
    progress,
)


def approximate(
    problem: Problem,
    rank_mode: RankMode,
    solve: Callable[..., InnerApproximation] | None = None,
) -> xr.Dataset:
    """Run the inner approximation from the starting phases and the beamformers of (4) for them.

    Args:
        problem: what the scheme is given.
        rank_mode: ``penalty`` or ``slack``.
        solve: the kernel, whatever the engine; that of the engine without it.

    Returns:
        ``beamformer`` and ``reflection`` of the best projected design, status, iterations and
        residual (realisation,), and traces (realisation, iteration), from the start on: in W
        ``objective`` (falls in every iteration), ``lifted_power`` and ``projected_power``; without
        a unit ``rank_gap`` and ``beam_rank``; ``trace`` of the projected power in dBm with the
        share of iterations in which it rises. Also (realisation,) ``subproblem_gap``,
        ``last_beam_rank`` and ``largest_beam_rank`` of all iterations, ``phase_movement``, and
        ``saved``, what the best design saves against the start in dB.
    """
    system = downlink(problem.channels, problem.parameters)
    parameters = problem.parameters
    options = {
        "rank_mode": rank_mode,
        "scaling": parameters["scaling"],
        "tolerance": parameters["tolerance"],
        "max_iterations": parameters["max_iterations"],
        "accuracy": parameters["subproblem_accuracy"],
    }
    if rank_mode == "penalty":
        options["penalty"] = parameters["rank_penalty"]
    if rank_mode == "slack":
        options["slack"] = parameters["rank_slack"]
    start = system.starting_reflection
    result = (solve or problem.solver(inner_approximation))(
        system.responses, system.target, start, **options
    )
    dims, trace = ("realisation",), ("realisation", "iteration")
    movement = np.abs(result.reflection - start).max(axis=1)
    saving = 10.0 * np.log10(result.projected_power[:, 0] / result.power)
    return design_variables(result.beamformer, result.reflection).assign(
        **progress(
            result.status,
            result.iterations,
            result.residual,
            "last decrease of the objective, relative",
        ),
        objective=variable(trace, result.objective, "power and penalty of the rank gap", "W"),
        lifted_power=variable(trace, result.lifted_power, "power of the lifted variables", "W"),
        projected_power=variable(
            trace, result.projected_power, "power at the phases extracted from V", "W"
        ),
        rank_gap=variable(trace, result.rank_gap, "trace of V minus its largest eigenvalue", "1"),
        beam_rank=variable(
            trace, result.beam_rank, "largest second over first eigenvalue of a W_k", "1"
        ),
        last_beam_rank=variable(
            dims,
            np.take_along_axis(result.beam_rank, result.iterations[:, None], axis=1)[:, 0],
            "largest second over first eigenvalue of a W_k at the end",
            "1",
        ),
        largest_beam_rank=variable(
            dims,
            result.beam_rank.max(axis=1),
            "largest second over first eigenvalue of a W_k in any iteration",
            "1",
        ),
        saved=variable(dims, saving, "power at the start over that of the best design", "dB"),
        **power_trace(result.projected_power),
        subproblem_gap=variable(
            dims, result.accuracy, "largest certified relative gap of a subproblem", "1"
        ),
        phase_movement=variable(
            dims, movement, "largest change of a reflection coefficient from the start", "1"
        ),
    )
