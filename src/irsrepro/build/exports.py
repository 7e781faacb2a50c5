"""Ensembles written for work outside the workflow, and solutions that come back from there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import netCDF4
import xarray as xr

from irsrepro.build.exchange import (
    PROBLEM,
    ExchangeError,
    parameters_json,
    problem_name,
    read_solution,
    write_channels,
)
from irsrepro.build.external import evaluate
from irsrepro.build.jobs import stamp
from irsrepro.build.solution_format import solution_format
from irsrepro.build.storage import write_atomically
from irsrepro.build.sweeps import Problem
from irsrepro.channels.ensembles import draw_realisations
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT
from irsrepro.config.problems import config_error, one_of

OUTSIDE = "outside"  # the name whose random streams a solution from outside has


def draw(project: Project, key: str, ensemble: str) -> xr.Dataset:
    """Return all realisations of an ensemble at the fidelity of a project, those of the workflow.

    Args:
        project: the configuration.
        key: the paper.
        ensemble: one of its ensembles.
    """
    paper = project.papers[key]
    last = int(project.chunks(key, ensemble)[-1].partition("-")[2])
    stream = RandomStream(project.seed).child(key, paper.draws_of(ensemble))
    section = paper.channel_parameters(DEFAULT, ensemble)
    module = import_module(f"irsrepro.papers.{key}.ensemble")
    channels = draw_realisations(module.draw, section, stream, range(last + 1))
    return stamp(channels, {"paper": key, "ensemble": ensemble, "seed": project.seed}, section, "")


def export(project: Project, key: str, ensemble: str, folder: Path) -> list[Path]:
    """Write an ensemble and the parameters of every point of every experiment on it.

    Args:
        project: the configuration.
        key: the paper.
        ensemble: one of its ensembles.
        folder: to write into: ``channels.nc`` and ``EXPERIMENT/PARAMETER_VALUE.json``.

    Returns:
        The files.

    Raises:
        ConfigurationError: there is no such paper or ensemble.
    """
    paper = _member(project.papers, key, "paper")
    _member(paper.ensembles, ensemble, f"ensemble of {key}")
    channels = draw(project, key, ensemble)
    with tempfile.TemporaryDirectory(prefix="irsrepro-") as scratch:
        source = Path(scratch, "channels.nc")
        write_channels(source, channels)
        write_atomically(folder / "channels.nc", source.read_bytes())
    paths = [folder / "channels.nc"]
    spec = solution_format(key)
    for name, plan in paper.experiments.items():
        if plan["ensemble"] != ensemble or plan.get("timed"):
            continue
        for value, problem in _problems(project, key, name, channels).items():
            path = folder / name / f"{plan['sweep']['parameter']}_{value}.json"
            content = parameters_json(problem, plan["sweep"]["parameter"], spec)
            write_atomically(path, content)
            paths.append(path)
    return paths


def evaluate_solutions(
    project: Project, key: str, experiment: str, paths: Sequence[Path]
) -> xr.Dataset:
    """Evaluate solutions from outside, each of one point, with the system model of their paper.

    Args:
        project: the configuration.
        key: the paper.
        experiment: one of its experiments.
        paths: files; each says which point it solves.

    Returns:
        As of `sweeps.run`, at the points that the files solve.

    Raises:
        ConfigurationError: there is no such paper or experiment.
        ExchangeError: a file is no solution of the experiment, or two are of one point.
    """
    paper = _member(project.papers, key, "paper")
    plan = _member(paper.experiments, experiment, f"experiment of {key}")
    sweep, spec = plan["sweep"], solution_format(key)
    swept, channels = sweep["parameter"], draw(project, key, plan["ensemble"])
    problems = _problems(project, key, experiment, channels)
    names = {problem_name(problem, swept): value for value, problem in problems.items()}
    path_by_point = _by_point(paths, names)
    once = sweep.get("design_once", False)
    values = sweep["values"] if once else [value for value in problems if value in path_by_point]

    def read(problem: Problem) -> tuple[xr.Dataset, dict[int, str]]:
        path = path_by_point[problem.parameters[swept]]
        return read_solution(path, str(path), problem, swept, spec)

    return evaluate(
        channels,
        _stream(project, key, plan["ensemble"]),
        paper.external_parameters(DEFAULT, experiment),
        f"irsrepro.papers.{key}.system",
        {"unit": paper.parameters[swept]["unit"], **sweep, "values": values, "continued": False},
        read,
    )


def _problems(
    project: Project, key: str, experiment: str, channels: xr.Dataset
) -> dict[Any, Problem]:
    """Return the problems of an experiment by their points: of the first where one design does."""
    paper, plan = project.papers[key], project.papers[key].experiments[experiment]
    section, sweep = paper.external_parameters(DEFAULT, experiment), plan["sweep"]
    numbers = channels["realisation"].values.tolist()
    streams = realisation_streams(_stream(project, key, plan["ensemble"]), numbers)
    return {
        value: Problem(channels, section | {sweep["parameter"]: value}, "fast", streams)
        for value in sweep["values"][: 1 if sweep.get("design_once") else None]
    }


def _stream(project: Project, key: str, ensemble: str) -> RandomStream:
    return RandomStream(project.seed).child(key, ensemble, "scheme", OUTSIDE)


def _by_point(paths: Iterable[Path], names: Mapping[str, Any]) -> dict[Any, Path]:
    """Return the files by the points that they say they solve."""
    path_by_point: dict[Any, Path] = {}
    for path in paths:
        name = _problem_of(path)
        if name not in names:
            actual = f"{name!r} is there" if name else "nothing is there"
            if name.rpartition(" n=")[0] in {other.rpartition(" n=")[0] for other in names}:
                actual += ": another number of realisations, seed or parameter; which --config?"
            raise ExchangeError(
                f"{path}: its attribute {PROBLEM} must be {one_of(names)}; {actual}"
            )
        if names[name] in path_by_point:
            raise ExchangeError(f"{path}: of the same point as {path_by_point[names[name]]}")
        path_by_point[names[name]] = path
    return path_by_point


def _problem_of(path: Path) -> str:
    try:
        with netCDF4.Dataset(path) as dataset:
            return str(getattr(dataset, PROBLEM, ""))
    except OSError as error:
        reason = "is no NetCDF file" if path.exists() else "is not there"
        raise ExchangeError(f"{path}: {reason}") from error


def _member(members: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in members:
        raise config_error(f"{name}: no {kind}; expected {one_of(members)}")
    return members[name]
