"""A solution from outside beside every scheme of an experiment, realisation by realisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from irsrepro.array_types import Real
from irsrepro.build.experiments import compare, read_solutions
from irsrepro.build.exports import evaluate_solutions
from irsrepro.build.external import rejections
from irsrepro.build.paths import solution_files
from irsrepro.build.solution_format import solution_format
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import StorageError
from irsrepro.metrics import difference_unit
from irsrepro.report.listing import aligned_table
from irsrepro.statistics import mean_interval, simultaneous_interval

YOURS = "yours"
ROUNDING = 1e-9  # relative difference that is no lead


@dataclass(frozen=True)
class Standing:
    """A scheme on a leaderboard.

    Attributes:
        scheme: its name; ``yours`` is the solution.
        realisations: that it has a value of.
        mean: (estimate, lower, upper) of its metric over these, 95 %.
        lead: (estimate, lower, upper) of what the solution has more than it, on the realisations
            that both have a value of; 95 % for all schemes of a board together. None of itself.
        ahead: share of these realisations on which the solution is better. None of itself.
    """

    scheme: str
    realisations: int
    mean: tuple[float, float, float]
    lead: tuple[float, float, float] | None
    ahead: float | None


@dataclass(frozen=True)
class Board:
    """A leaderboard, the best mean first.

    Attributes:
        title: what it is about.
        metric: long name of the metric.
        unit: its unit.
        better: ``higher`` or ``lower``.
        standings: one for each scheme and one for the solution.
    """

    title: str
    metric: str
    unit: str
    better: str
    standings: Sequence[Standing]


def score(
    project: Project, key: str, experiment: str, paths: Sequence[Path]
) -> tuple[list[Board], str]:
    """Compare a solution from outside with every scheme of an experiment that is solved.

    Args:
        project: the configuration; its fidelity and engine tell which solutions are read.
        key: the paper.
        experiment: one of its experiments.
        paths: files of the solution, each of one point.

    Returns:
        A board for every point and, where there are several, one of the mean over points; and how
        many designs of the solution failed, empty if none did.

    Raises:
        ExchangeError: a file is no solution of the experiment.
        StorageError: the experiment has not been solved.
    """
    solution = evaluate_solutions(project, key, experiment, paths)
    plan = project.papers[key].experiments[experiment]
    metric, parameter = plan["metric"], plan["sweep"]["parameter"]
    files = solution_files(project, key, DEFAULT, experiment)
    missing_files = [path for path in files if not (project.root / path).is_file()]
    if missing_files:
        command = f"snakemake {missing_files[0]} --config fidelity={project.fidelity}"
        raise StorageError(f"{missing_files[0]}: not solved yet; {command} solves it")
    solved = read_solutions(
        [str(project.root / path) for path in files], plan["schemes"], seed=project.seed
    )
    values = solution["point"].values
    yours = {YOURS: solution} | {
        name: dataset.sel(point=values) for name, dataset in solved.items()
    }
    table = compare(yours, metric)["metric"].transpose("point", "scheme", "realisation")
    better = "lower" if metric in solution_format(key).lower_is_better else "higher"
    unit = "" if table.attrs["units"] == "1" else str(table.attrs["units"])
    boards = [
        Board(f"{parameter} {value:g}", table.attrs["long_name"], unit, better,
              _standings(table.sel(point=value), better))
        for value in values
    ]  # fmt: skip
    if len(boards) > 1:
        whole = table.mean("point", skipna=False)
        title = f"mean over the {len(boards)} points"
        boards.append(
            Board(title, table.attrs["long_name"], unit, better, _standings(whole, better))
        )
    return boards, rejections(solution)


def _standings(table: xr.DataArray, better: str) -> list[Standing]:
    """Return the standings of schemes (scheme, realisation), the best first."""
    samples: dict[str, Real] = {
        str(name): table.sel(scheme=name).values for name in table["scheme"].values
    }
    own = samples[YOURS]
    others = [name for name in samples if name != YOURS]
    pairs = np.stack([np.stack([own, samples[name]], axis=-1) for name in others], axis=1)
    lead = simultaneous_interval(pairs, lambda mean: mean[..., 0] - mean[..., 1])
    sign = 1.0 if better == "higher" else -1.0
    standings = []
    for name, values in samples.items():
        center, low, high = (float(end) for end in mean_interval(values))
        scheme_lead, ahead = None, None
        if name != YOURS:
            place = others.index(name)
            ends = (lead.estimate[place], lead.lower[place], lead.upper[place])
            scheme_lead = (float(ends[0]), float(ends[1]), float(ends[2]))
            both = np.isfinite(own) & np.isfinite(values)
            more = sign * (own - values)[both] > ROUNDING * np.abs(values[both])
            ahead = float(more.mean()) if both.any() else np.nan
        count = int(np.isfinite(values).sum())
        standings.append(Standing(name, count, (center, low, high), scheme_lead, ahead))
    return sorted(
        standings, key=lambda standing: (np.isnan(standing.mean[0]), -sign * standing.mean[0])
    )


def as_text(boards: Sequence[Board], failed: str) -> str:
    """Return leaderboards as text, and what failed of the solution."""
    parts = []
    for board in boards:
        rows = [
            [
                str(place) if np.isfinite(entry.mean[0]) else "-",
                entry.scheme,
                str(entry.realisations),
                *_cells(entry.mean),
                *(_cells(entry.lead, "+") if entry.lead else ["", ""]),
                "" if entry.ahead is None or np.isnan(entry.ahead) else f"{entry.ahead:.0%}",
            ]
            for place, entry in enumerate(board.standings, 1)
        ]
        unit, difference = board.unit, difference_unit(board.unit)
        heads = ["", "scheme", "n", "mean", "95 %", "yours minus it", "95 % jointly", "ahead on"]
        suffix = f"; differences in {difference}" if difference != unit else ""
        about = f"{board.title}: {board.metric}{f' ({unit})' if unit else ''}, {board.better} "
        text = aligned_table(heads, rows, right=[head for head in heads if head != "scheme"])
        parts.append(f"{about}is better{suffix}\n{text}")
    if failed:
        parts.append(f"yours: {failed}")
    return "\n\n".join(parts)


def _cells(ends: tuple[float, float, float], sign: str = "") -> list[str]:
    center, low, high = ends
    if not np.isfinite(center):
        return ["none", ""]
    interval = f"{low:.4g} to {high:.4g}" if np.isfinite([low, high]).all() else "unknown"
    return [f"{center:{sign}.4g}", interval]
