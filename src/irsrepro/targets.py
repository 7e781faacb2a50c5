"""Figure targets, checked while the workflow is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from irsrepro.configuration import DEFAULT, Project
from irsrepro.errors import ConfigurationError

PICTURE_ENDINGS = ("pdf", "svg", "png", "csv")


def refuse_unknown_figures(project: Project, arguments: Sequence[str]) -> None:
    """Refuse a figure target that nothing can make, before Snakemake looks for a rule.

    Args:
        project: the configuration.
        arguments: the command line; what does not begin with ``figures/`` is left to Snakemake.

    Raises:
        ConfigurationError: one line that names the figures that exist.
    """
    for argument in arguments:
        if argument.startswith("figures/"):
            _check(project, argument)


def _check(project: Project, target: str) -> None:
    parts = PurePosixPath(target).parts[1:]
    if parts in (("all",), ("index.html",)):
        return
    if parts[:1] == ("variants",) and len(parts) > 2:
        names = [name for name in parts[1:2] if not _is_reading(project, name, parts[2])]
        if names:
            allowed = sorted(
                {name for each in project.documents.values() for name in each.readings} - {DEFAULT}
            )
            raise ConfigurationError(
                f"{target}: no reading {names[0]}; there are {', '.join(allowed)}, "
                "and --config variant=NAME makes one"
            )
        parts = parts[2:]
    if not parts or parts[0] not in project.documents:
        raise ConfigurationError(f"{target}: no such paper; there are {_list(project.documents)}")
    key, names = parts[0], list(parts[1:])
    if names == ["all"]:
        return
    figures = project.documents[key].figures
    if len(names) != 1 or PurePosixPath(names[0]).stem not in figures:
        raise ConfigurationError(f"{target}: no such figure; {key} has {_list(figures)}")
    if PurePosixPath(names[0]).suffix[1:] not in PICTURE_ENDINGS:
        raise ConfigurationError(
            f"{target}: no such kind of file; there are {', '.join(PICTURE_ENDINGS)}"
        )


def _is_reading(project: Project, reading: str, document: str) -> bool:
    found = project.documents.get(document)
    return reading != DEFAULT and (found is None or reading in found.readings)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
