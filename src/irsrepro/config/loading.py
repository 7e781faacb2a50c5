"""Configuration: what is to be computed, with which parameters, and from where they come.

Loaded while the workflow is parsed, so it stays light: no array library is imported here. Whatever
is wrong ends in one line that names the file, the key, the value and what is allowed.

A *reading* of a paper is a complete choice of its parameters. ``default`` is ours; every
alternative of the paper is another; a what-if given on the command line is a reading too, named
by ``--config variant=NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from irsrepro.config.checks import single_checks
from irsrepro.config.commands import check_files, with_defaults
from irsrepro.config.expressions import check_claims
from irsrepro.config.models import PaperFile, RunSettings, Settings
from irsrepro.config.modules import documentation
from irsrepro.config.paper import DEFAULT, Paper
from irsrepro.config.parameters import parameters_of
from irsrepro.config.problems import config_error, raise_config_error, raise_first
from irsrepro.config.references import (
    check_code,
    check_names,
    check_parameters,
    check_values,
)
from irsrepro.config.strict_yaml import parse_yaml, read_yaml
from irsrepro.config.types import NAME, RESERVED_NAMES, Section

COMMAND_LINE = "--config"
SETTINGS = "config"
SMALL_CHUNKS = 32
"""Chunks of an ensemble before they begin to grow."""


@dataclass(frozen=True)
class Project:
    """The whole configuration of a run.

    Attributes:
        root: folder of the checkout.
        seed: root seed of every random stream.
        fidelity: ``paper`` or ``preview``.
        engine: ``fast`` (our kernels) or ``reference`` (public solvers).
        chunk: realisations per file.
        rounding_sample: by fidelity, how many realisations are designed again on channels disturbed
            in their last digits.
        multiverse: ``samples`` of the product of plausible values, ``realisations`` that a claim is
            given at most, and whether ``every_value`` counts alone, too.
        realisations: number asked for on the command line, or None for each paper's own.
        papers: by citation key.
    """

    root: Path
    seed: int
    fidelity: str
    engine: str
    chunk: int
    rounding_sample: Mapping[str, int]
    multiverse: Mapping[str, int]
    realisations: int | None
    papers: Mapping[str, Paper] = field(repr=False)

    def solution_chunks(self, paper: str, experiment: str, scheme: str) -> list[str]:
        """Return the names of the chunks that a scheme runs on: all, or the first ones."""
        plan = self.papers[paper].experiments[experiment]
        return chunks_of_scheme(self.chunks(paper, plan["ensemble"]), plan, scheme)

    def rounding_chunks(self, paper: str, experiment: str) -> list[str]:
        """Return the names of the chunks that hold the sample for rounding; none without one.

        Times tell nothing of rounding, and the reference engine is no subject of it.
        """
        plan = self.papers[paper].experiments[experiment]
        size = self.rounding_sample[self.fidelity]
        if plan.get("timed") or self.engine != "fast":
            return []
        names = self.chunks(paper, plan["ensemble"])
        return [name for name in names if int(name.partition("-")[0]) < size]

    def chunks(self, paper: str, ensemble: str) -> list[str]:
        """Return the names FIRST-LAST of the chunks that make up an ensemble."""
        source = self.papers[paper]
        plan = source.ensembles[ensemble]
        count = self.realisations or source.sample_size(ensemble, self.fidelity)
        bounds = chunk_bounds(count, plan.get("chunk", self.chunk))
        return [f"{first:05d}-{end - 1:05d}" for first, end in bounds]


def chunk_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Return where the chunks of so many realisations begin and end.

    The first `SMALL_CHUNKS` are of a size; from there on chunks grow with what lies before them, so
    that a million realisations make a few hundred files. Where more are added, all but the last
    chunk stay.
    """
    bounds, first = [], 0
    while first < count:
        end = first + (size << (first // (SMALL_CHUNKS * size)).bit_length())
        bounds.append((first, min(end, count)))
        first = end
    return bounds


def chunks_of_scheme(chunks: Sequence[str], plan: Mapping[str, Any], scheme: str) -> list[str]:
    """Return the chunks FIRST-LAST that a scheme runs on in an experiment: all, or the first."""
    limit = plan.get("first", {}).get(scheme)
    return [name for name in chunks if limit is None or int(name.partition("-")[0]) < limit]


def load_project(root: Path, overrides: Mapping[str, Any]) -> Project:
    """Read and check the configuration of a checkout and what ``--config`` changes of it.

    Args:
        root: folder that holds ``config``.
        overrides: values from the command line; strings are read as YAML.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    settings = read_yaml(root, "config/config.yaml")
    _validate(Settings, settings, "config/config.yaml")
    keys = paper_keys(root)
    options = {name: _parse_value(name, value) for name, value in overrides.items()}
    changes = {key: options.pop(key, {}) for key in keys}
    allowed = [*RunSettings.model_fields, *changes]
    for name, value in options.items():
        if name not in allowed or value is None:
            raise_config_error(COMMAND_LINE, name, value, f"one of the keys {', '.join(allowed)}")
    run_settings = {"realisations": None, "variant": None} | settings | options
    _validate(RunSettings, run_settings, COMMAND_LINE)
    variant = run_settings.pop("variant")
    _check_variant(variant, changes)
    papers = {key: load_paper(root, key, variant, changes[key]) for key in keys}
    return Project(root=root, papers=papers, **run_settings)


def paper_keys(root: Path) -> list[str]:
    """Return the citation keys of a checkout's papers: each has a ``config/KEY.yaml``.

    Raises:
        ConfigurationError: a paper has no proper name, or that of something else.
    """
    keys = sorted(path.stem for path in (root / "config").glob("*.yaml"))
    for key in set(keys) - {SETTINGS}:
        if key in RESERVED_NAMES or not re.fullmatch(NAME, key):
            expected = f"a name of letters, digits and _, and none of {', '.join(RESERVED_NAMES)}"
            raise_config_error("config", f"{key}.yaml", key, expected)
    return [key for key in keys if key != SETTINGS]


def _parse_value(name: str, value: Any) -> Any:
    """Read command-line values as YAML: Snakemake hands over strings, also inside mappings."""
    if value is None:
        raise_config_error(COMMAND_LINE, name, value, "a value, as in '{elements: 8}'")
    if isinstance(value, Mapping):
        return {key: _parse_value(f"{name}.{key}", entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_parse_value(name, item) for item in value]
    return parse_yaml(value, COMMAND_LINE, name) if isinstance(value, str) else value


def _check_variant(variant: str | None, changes: Mapping[str, Any]) -> None:
    for key, change in changes.items():
        if not isinstance(change, dict):
            raise_config_error(COMMAND_LINE, key, change, "a mapping {parameter: value}")
        if change and variant is None:
            raise_config_error(COMMAND_LINE, key, change, "variant=NAME too, to name what changes")
    if variant is not None and not any(changes.values()):
        raise_config_error(COMMAND_LINE, "variant", variant, "KEY='{PARAMETER: VALUE}' too")


def _validate(model: type[Section], content: Any, file: str) -> None:
    """Check the content of a file against a model."""
    try:
        model.model_validate(content)
    except ValidationError as error:
        raise_first(error, content, file)


def load_paper(
    root: Path, key: str, variant: str | None = None, change: Mapping[str, Any] | None = None
) -> Paper:
    """Read and check the configuration of one paper.

    A scheme that an experiment lists needs no entry of its own: its name is that of its module,
    whose docstring ``TITLE: what it is.`` tells the rest, and it is taken as beyond the paper. An
    entry may name experiments that then list the scheme, too.

    Args:
        root: folder that holds ``config`` and ``notebooks``.
        key: citation key.
        variant: name of a what-if.
        change: parameter values of the what-if.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    name = f"config/{key}.yaml"
    source = read_yaml(root, name)
    _validate(PaperFile, source, name)
    if not (root / "notebooks" / f"{key}.ipynb").is_file():
        raise config_error(f"{name}: expected its report template notebooks/{key}.ipynb")
    for entry in (*source["ensembles"].values(), *source["experiments"].values()):
        entry.setdefault("set", {})
    for claim in source["claims"].values():
        claim["checks"] = single_checks(claim["checks"])
    source["schemes"] |= _schemes_by_name(key, source)
    _complete_schemes(name, root, source)
    parameters = parameters_of(key)
    check_names(name, source)
    check_parameters(name, source, parameters)
    check_code(name, key, source)
    alternatives = source["alternatives"].items()
    readings = {DEFAULT: {}, **{name: entry.get("set", {}) for name, entry in alternatives}}
    adjustments = {name: entry.get("experiments", {}) for name, entry in alternatives}
    if variant in readings:
        raise_config_error(COMMAND_LINE, "variant", variant,
                           f"another name than the readings of {name} have")  # fmt: skip
    if variant is not None:
        readings[variant] = change or {}
        check_values(COMMAND_LINE, key, readings[variant], parameters)
    paper = Paper(key, source, readings, adjustments)
    for experiment, entry in source["experiments"].items():
        chunk = source["ensembles"][entry["ensemble"]].get("chunk")
        for scheme, count in entry.get("first", {}).items():
            if chunk is None or chunk_bounds(count + 1, chunk)[-1][0] != count:
                chunks = f"ensembles.{entry['ensemble']}.chunk"
                expected = f"a multiple of {chunks}, at the end of a chunk"
                raise_config_error(
                    name, f"experiments.{experiment}.first.{scheme}", count, expected
                )
    check_fit(paper, paper.readings)
    check_claims(paper)
    for figure, entry in source["figures"].items():
        experiments = entry.get("experiments", [])
        for experiment in experiments if len(experiments) > 1 else ():
            if not {experiment, "title"} & {
                *entry.get("titles", {}),
                *source["experiments"][experiment],
            }:
                raise_config_error(name, f"figures.{figure}.experiments", experiment,
                                   "experiments with titles for the legend")  # fmt: skip
    return paper


def _schemes_by_name(key: str, source: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return entries for the schemes that experiments list without one."""
    schemes: dict[str, dict[str, Any]] = {}
    for plan in source["experiments"].values():
        for scheme in plan["schemes"]:
            if scheme not in source["schemes"]:
                text = documentation(f"irsrepro.papers.{key}.schemes.{scheme}")
                title, _, about = text.partition(": ")
                if title:
                    schemes[scheme] = {
                        "title": title,
                        "about": about or title,
                        "beyond_paper": True,
                    }
    return schemes


def _complete_schemes(file: str, root: Path, source: Mapping[str, Any]) -> None:
    """Complete the entries of commands, and list schemes in the experiments that they name."""
    for scheme, entry in source["schemes"].items():
        if "command" in entry:
            check_files(file, f"schemes.{scheme}", root, entry)
            source["schemes"][scheme] = with_defaults(scheme, entry)
        for experiment in entry.get("experiments", []):
            plan = source["experiments"].get(experiment, {"schemes": [scheme]})
            if scheme not in plan["schemes"]:
                plan["schemes"] = [*plan["schemes"], scheme]


def check_fit(paper: Paper, readings: Iterable[str]) -> None:
    """Check values that meet in an experiment, under readings and at both ends of each sweep.

    A swept size of the channels must not exceed what the ensemble draws.

    Raises:
        ConfigurationError: one line for the first value that does not fit.
    """
    file, parameters = f"config/{paper.key}.yaml", parameters_of(paper.key)
    for reading, (experiment, plan) in product(readings, paper.experiments.items()):
        swept, values = plan["sweep"]["parameter"], plan["sweep"]["values"]
        place = f"experiments.{experiment}"
        channel_parameters = paper.channel_parameters(reading, plan["ensemble"])
        if swept in channel_parameters and max(values) > channel_parameters[swept]:
            raise_config_error(file, f"{place}.sweep.values", max(values),
                               f"at most {swept} = {channel_parameters[swept]}, as ensemble "
                               f"{plan['ensemble']} draws")  # fmt: skip
        experiment_parameters = paper.experiment_parameters(reading, experiment)
        for point in {min(values), max(values)}:
            for name, expected in parameters.misfits(experiment_parameters | {swept: point}):
                raise_config_error(
                    file, f"{place} under {reading}: {name}", experiment_parameters[name], expected
                )
