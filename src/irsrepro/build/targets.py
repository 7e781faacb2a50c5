"""Targets, checked while the workflow is parsed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from irsrepro.build.paths import data_files
from irsrepro.config.loading import Project
from irsrepro.config.paper import DEFAULT
from irsrepro.config.problems import config_error, one_of
from irsrepro.config.readings import reading_names

PICTURE_ENDINGS = ("pdf", "svg", "png", "csv", "js")
SCORECARDS = ("scorecard", "alternatives")
SUMMARY = "summary"
MULTIVERSE = "multiverse"


def check_targets(project: Project, arguments: Sequence[str]) -> None:
    """Refuse a target that nothing can make, before Snakemake looks for a rule.

    Args:
        project: the configuration.
        arguments: the command line; only figures, reports, scorecards, multiverses and data are
            looked at.

    Raises:
        ConfigurationError: one line that names what there is.
    """
    checks = {
        "figures": _check_figure,
        "reports": _check_report,
        "results": _check_data,
        "scorecard": _check_scorecard,
        MULTIVERSE: _check_multiverse,
    }
    for argument in arguments:
        place, *parts = PurePosixPath(posixpath.normpath(argument)).parts or ("",)
        if place in checks and parts:
            checks[place](project, argument, parts)


def _check_figure(project: Project, target: str, parts: list[str]) -> None:
    if parts in (["all"], ["index.html"], ["charts.js"]):
        return
    reading = None
    if parts[0] == "variants":
        reading, parts = (parts[1:2] or [""])[0], parts[2:]
        readings = {name: None for paper in project.papers.values() for name in paper.readings}
        _check_reading(target, reading, readings)
    key, names = (parts or [""])[0], parts[1:]
    _check_member(target, "paper", key, project.papers)
    if reading is not None:
        _check_reading(target, reading, project.papers[key].readings)
    if names != ["all"]:
        _check_file(target, "figure", names, project.papers[key].figures, PICTURE_ENDINGS)


def _check_report(project: Project, target: str, parts: list[str]) -> None:
    _check_file(target, "report", parts, [*project.papers, SUMMARY], ("html", "ipynb"))


def _check_scorecard(_project: Project, target: str, parts: list[str]) -> None:
    if parts != ["all"]:
        _check_file(target, "scorecard", parts, SCORECARDS, ("html", "csv"))


def _check_multiverse(project: Project, target: str, parts: list[str]) -> None:
    if parts not in (["all"], ["index.html"], *([key] for key in project.papers)):
        _check_file(target, "multiverse", parts, project.papers, ("html", "csv", "nc"))


def _check_data(project: Project, target: str, parts: list[str]) -> None:
    place, key, reading, *_ = [*parts, "", "", ""]
    _check_member(target, "paper", key, project.papers)
    if place == MULTIVERSE:
        names = reading_names(project.papers[key], project.multiverse["samples"], True)
        _check_member(target, "reading", reading, names)
        return
    _check_member(target, "reading", reading, project.papers[key].readings)
    path, paths = posixpath.join("results", *parts), sorted(data_files(project, key, reading))
    if path not in paths:
        matches = get_close_matches(path, paths, 1, 0.0)
        raise config_error(f"{target}: no such data; expected a file like {matches[0]}")


def _check_reading(target: str, reading: str, names: Iterable[str]) -> None:
    names = [name for name in names if name != DEFAULT]
    if reading not in names:
        expected = f"{one_of(names)}; --config variant=NAME makes one"
        raise config_error(f"{target}: no reading {reading or '(none)'}; expected {expected}")


def _check_member(target: str, kind: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise config_error(f"{target}: no {kind} {name or '(none)'}; expected {one_of(names)}")


def _check_file(
    target: str, kind: str, parts: Sequence[str], names: Iterable[str], endings: Sequence[str]
) -> None:
    path = PurePosixPath(*parts)
    _check_member(target, kind, str(path.with_suffix("")) if parts else "", names)
    if path.suffix[1:] not in endings:
        raise config_error(f"{target}: no such kind of file; expected {one_of(endings)}")
