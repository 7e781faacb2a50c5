"""Targets, checked while the workflow is parsed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from irsrepro.config.loading import DEFAULT, Project
from irsrepro.errors import ConfigurationError

PICTURE_ENDINGS = ("pdf", "svg", "png", "csv")
SCORECARDS = ("scorecard", "alternatives")
SUMMARY = "summary"


def refuse_unknown_targets(project: Project, arguments: Sequence[str]) -> None:
    """Refuse a target that nothing can make, before Snakemake looks for a rule.

    Args:
        project: the configuration.
        arguments: the command line; only figures, reports and scorecards are looked at.

    Raises:
        ConfigurationError: one line that names what there is.
    """
    checks = {"figures": _check_figure, "reports": _check_report, "scorecard": _check_scorecard}
    for argument in arguments:
        place, *parts = PurePosixPath(posixpath.normpath(argument)).parts or ("",)
        if place in checks and parts:
            checks[place](project, argument, parts)


def _check_figure(project: Project, target: str, parts: list[str]) -> None:
    if parts in (["all"], ["index.html"]):
        return
    if parts[0] == "variants":
        reading, parts = (parts[1:2] or [""])[0], parts[2:]
        known = {name for each in project.documents.values() for name in each.readings} - {DEFAULT}
        if reading not in known:
            raise ConfigurationError(
                f"{target}: no reading {reading or '(none)'}; there are "
                f"{', '.join(sorted(known))}, and --config variant=NAME makes one"
            )
    key, names = (parts or [""])[0], parts[1:]
    if key not in project.documents:
        raise ConfigurationError(f"{target}: no such paper; there are {_list(project.documents)}")
    if names == ["all"]:
        return
    figures = project.documents[key].figures
    if len(names) != 1 or PurePosixPath(names[0]).stem not in figures:
        raise ConfigurationError(f"{target}: no such figure; {key} has {_list(figures)}")
    _check_ending(target, names[0], PICTURE_ENDINGS)


def _check_report(project: Project, target: str, parts: list[str]) -> None:
    known = [*project.documents, SUMMARY]
    if PurePosixPath(parts[-1]).stem not in known or len(parts) > 1:
        raise ConfigurationError(f"{target}: no such report; there are {_list(known)}")
    _check_ending(target, parts[0], ("html", "ipynb"))


def _check_scorecard(_project: Project, target: str, parts: list[str]) -> None:
    if parts == ["all"]:
        return
    if PurePosixPath(parts[-1]).stem not in SCORECARDS or len(parts) > 1:
        raise ConfigurationError(f"{target}: no such scorecard; there are {_list(SCORECARDS)}")
    _check_ending(target, parts[0], ("html", "csv"))


def _check_ending(target: str, name: str, endings: Iterable[str]) -> None:
    if PurePosixPath(name).suffix[1:] not in endings:
        raise ConfigurationError(f"{target}: no such kind of file; there are {_list(endings)}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
