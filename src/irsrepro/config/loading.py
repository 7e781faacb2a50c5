"""Configuration: what is to be computed, with which parameters, and from where they come.

Loaded while the workflow is parsed, so it stays light: no array library is imported here. Whatever
is wrong ends in one line that names the file, the key, the value and what is allowed.

A *reading* of a document is a complete choice of its parameters. ``default`` is ours; every
alternative of the document is another; a what-if given on the command line is a reading too, named
by ``--config variant=NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from irsrepro.config.checks import validate_check
from irsrepro.config.expressions import claims_under
from irsrepro.config.modules import documentation, module_file
from irsrepro.config.schema import load_schema, refuse, validate
from irsrepro.errors import ConfigurationError

DEFAULT = "default"
COMMAND_LINE = "--config"
SETTINGS = "config"
TAKEN = (
    "all",
    "index",
    "summary",
    "variants",
)  # what figures and reports stand under besides papers


@dataclass(frozen=True)
class Document:
    """One paper: its parameters, ensembles, experiments, schemes, figures, claims and alternatives.

    Attributes:
        key: citation key, the name of everything of this paper.
        source: the parsed ``config/KEY.yaml``.
        readings: parameter values that each reading sets on top of the default ones.
        adjustments: values that a reading sets in single experiments, on top of those the
            experiment itself sets; by reading and experiment.
    """

    key: str
    source: Mapping[str, Any]
    readings: Mapping[str, Mapping[str, Any]]
    adjustments: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def __getattr__(self, section: str) -> Any:
        """Return a section of the configuration file, for example ``document.figures``."""
        try:
            return self.source[section]
        except KeyError:
            raise AttributeError(section) from None

    def reading(self, name: str) -> dict[str, Any]:
        """Return the value of every parameter under a reading."""
        values = {key: entry["value"] for key, entry in self.parameters.items()}
        return values | dict(self.readings[name])

    def channel_parameters(self, reading: str, ensemble: str) -> dict[str, Any]:
        """Return the parameters that the channels of an ensemble are drawn with."""
        return self._selected(reading, ensemble, {}, "channels")

    def experiment_parameters(self, reading: str, experiment: str) -> dict[str, Any]:
        """Return every parameter of an experiment, the swept one with all its values."""
        plan = self.experiments[experiment]
        values = self._selected(reading, plan["ensemble"], self._set_in(reading, experiment))
        return values | {plan["sweep"]["parameter"]: plan["sweep"]["values"]}

    def solution_parameters(self, reading: str, experiment: str, scheme: str) -> dict[str, Any]:
        """Return the parameters of a scheme in an experiment, the swept one excepted."""
        plan = self.experiments[experiment]
        more = self._set_in(reading, experiment) | self.schemes[scheme].get("set", {})
        values = self._selected(reading, plan["ensemble"], more, scheme)
        values.pop(plan["sweep"]["parameter"], None)
        return values

    def figure_parameters(self, reading: str, figure: str) -> dict[str, dict[str, Any]]:
        """Return every parameter that a figure depends on, by experiment or ensemble."""
        section = self.figures[figure]
        if "ensemble" in section:
            name = section["ensemble"]
            return {name: self.channel_parameters(reading, name)}
        return {name: self.experiment_parameters(reading, name) for name in section["experiments"]}

    def curves(self, figure: str) -> list[dict[str, Any]]:
        """Return what a figure draws: experiment, scheme and perhaps number of iterations.

        A curve is named by its scheme, by its experiment too where the figure draws several, by the
        number of iterations where these are cut short, and by its quantity where this is not the
        metric of the experiment.
        """
        section = self.figures[figure]
        experiments = section.get("experiments", [])
        found = []
        for experiment in experiments:
            schemes = self.experiments[experiment]["schemes"]
            for scheme in [name for name in section.get("schemes", schemes) if name in schemes]:
                name = scheme if len(experiments) == 1 else f"{experiment}/{scheme}"
                curve = {"name": name, "experiment": experiment, "scheme": scheme}
                cut = section.get("after", {}).get(scheme, [])
                found += [
                    curve | {"name": f"{name} after {count}", "after": count} for count in cut
                ]
                more = section.get("also", {}).get(scheme, {})
                found += [
                    curve | {"name": f"{name} {quantity}", "quantity": quantity}
                    for quantity in more
                ]
                found.append(curve)
        return found

    def holder(self, reading: str, experiment: str, scheme: str) -> str:
        """Return the reading under whose name a solution is kept.

        A reading that changes nothing for a scheme shares the data of the default one.
        """
        same = self.solution_parameters(reading, experiment, scheme) == self.solution_parameters(
            DEFAULT, experiment, scheme
        )
        return DEFAULT if same else reading

    def channel_holder(self, reading: str, ensemble: str) -> str:
        """Return the reading under whose name the channels of an ensemble are kept."""
        same = self.channel_parameters(reading, ensemble) == self.channel_parameters(
            DEFAULT, ensemble
        )
        return DEFAULT if same else reading

    def panels(self, figure: str) -> list[str]:
        """Return the figures whose data a figure draws: itself, or the panels of a sheet."""
        return list(self.figures[figure].get("figures", [figure]))

    def changes(self, reading: str, figure: str) -> str:
        """Return what a reading changes in a figure, for a person; empty if it changes nothing."""
        default = self.figure_parameters(DEFAULT, figure)
        changed = {
            f"{name} = {value} (was {default[part][name]})": None
            for part, values in self.figure_parameters(reading, figure).items()
            for name, value in values.items()
            if value != default[part][name]
        }
        return ", ".join(changed)

    def module(self, scheme: str) -> str:
        """Return the dotted name of the module that holds a scheme."""
        return f"irsrepro.papers.{self.key}.schemes.{self.schemes[scheme].get('module', scheme)}"

    def _set_in(self, reading: str, experiment: str) -> dict[str, Any]:
        """Return the parameters that are set in an experiment under a reading."""
        adjusted = self.adjustments.get(reading, {}).get(experiment, {})
        return {**self.experiments[experiment]["set"], **adjusted}

    def _selected(
        self, reading: str, ensemble: str, more: Mapping[str, Any], user: str | None = None
    ) -> dict[str, Any]:
        """Return the parameters that matter to an ensemble and to a user of it.

        A user is ``channels``, a scheme, or None for anyone. What the channels are drawn with is
        known to every scheme; a parameter that names schemes is known to those only.
        """
        values = self.reading(reading) | self.ensembles[ensemble]["set"] | dict(more)
        chosen = {}
        for name in sorted(values):
            entry = self.parameters[name]
            users = entry.get("used_by", "schemes")
            if ensemble not in entry.get("ensembles", [ensemble]):
                continue
            if user == "channels":
                known = users == "channels"
            else:
                known = user is None or isinstance(users, str) or user in users
            if known:
                chosen[name] = values[name]
        return chosen


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
        realisations: number asked for on the command line, or None for each document's own.
        variant: name of the what-if given on the command line, if there is one.
        documents: by citation key.
    """

    root: Path
    seed: int
    fidelity: str
    engine: str
    chunk: int
    rounding_sample: Mapping[str, int]
    realisations: int | None
    variant: str | None
    documents: Mapping[str, Document] = field(repr=False)

    def solution_chunks(self, document: str, experiment: str, scheme: str) -> list[str]:
        """Return the names of the chunks that a scheme runs on: all, or the first ones."""
        plan = self.documents[document].experiments[experiment]
        return chunks_asked(self.chunks(document, plan["ensemble"]), plan, scheme)

    def rounding_chunks(self, document: str, experiment: str) -> list[str]:
        """Return the names of the chunks that hold the sample for rounding; none without one.

        Times tell nothing of rounding, and the reference engine is no subject of it.
        """
        plan = self.documents[document].experiments[experiment]
        size = self.rounding_sample[self.fidelity]
        if plan.get("timed") or self.engine != "fast":
            return []
        names = self.chunks(document, plan["ensemble"])
        return [name for name in names if int(name.partition("-")[0]) < size]

    def chunks(self, document: str, ensemble: str) -> list[str]:
        """Return the names FIRST-LAST of the chunks that make up an ensemble."""
        source = self.documents[document]
        plan = source.ensembles[ensemble]
        numbers = plan.get("realisations", source.realisations)
        count = self.realisations or numbers[self.fidelity]["value"]
        size = plan.get("chunk", self.chunk)
        return [
            f"{first:05d}-{min(first + size, count) - 1:05d}" for first in range(0, count, size)
        ]


def chunks_asked(chunks: Sequence[str], plan: Mapping[str, Any], scheme: str) -> list[str]:
    """Return the chunks FIRST-LAST that a scheme runs on in an experiment: all, or the first."""
    limit = plan.get("first", {}).get(scheme)
    return [name for name in chunks if limit is None or int(name.partition("-")[0]) < limit]


def load_project(root: Path, overrides: Mapping[str, Any]) -> Project:
    """Read and check the configuration of a checkout and what ``--config`` changes of it.

    Args:
        root: folder that holds ``config`` and ``workflow``.
        overrides: values from the command line; strings are read as YAML.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    settings = _read_yaml(root, "config/config.yaml")
    schema = load_schema(root, "config")
    validate(settings, schema, "config/config.yaml")
    keys = document_keys(root)
    given = {name: _typed(name, value) for name, value in overrides.items()}
    changes = {key: given.pop(key, {}) for key in keys}
    variant = given.pop("variant", None)
    allowed = [*schema["properties"], "realisations", "variant", *changes]
    for name in given:
        if name not in allowed:
            refuse(COMMAND_LINE, name, given[name], f"known keys are {', '.join(allowed)}")
    realisations = given.pop("realisations", None)
    if realisations is not None:
        validate(realisations, {"type": "integer", "minimum": 1}, COMMAND_LINE, "realisations")
    settings |= given
    validate(settings, schema, COMMAND_LINE)
    _check_variant(variant, changes)
    documents = {key: load_document(root, key, variant, changes[key]) for key in keys}
    return Project(root=root, realisations=realisations, variant=variant, documents=documents,
                   **settings)  # fmt: skip


def document_keys(root: Path) -> list[str]:
    """Return the citation keys of a checkout's documents: each has a ``config/KEY.yaml``.

    Raises:
        ConfigurationError: a document has the name of something else.
    """
    keys = sorted(path.stem for path in (root / "config").glob("*.yaml"))
    for key in set(keys) & set(TAKEN):
        raise ConfigurationError(f"config/{key}.yaml: no paper may be named {', '.join(TAKEN)}")
    return [key for key in keys if key != SETTINGS]


def _read_yaml(root: Path, name: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load((root / name).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{name}: cannot be read as YAML: {reason}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{name}: a mapping of keys to values is expected")
    return content


def _typed(name: str, value: Any) -> Any:
    """Read command-line values as YAML: Snakemake hands over strings, also inside mappings."""
    if isinstance(value, Mapping):
        return {key: _typed(f"{name}.{key}", each) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(name, each) for each in value]
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        refuse(COMMAND_LINE, name, value, "YAML is expected, for example '{elements: 8}'")


def _check_variant(variant: Any, changes: Mapping[str, Any]) -> None:
    changed = [key for key, change in changes.items() if change]
    if variant is None and changed:
        refuse(COMMAND_LINE, changed[0], changes[changed[0]],
               "a changed parameter needs a name, variant=NAME")  # fmt: skip
    if variant is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", str(variant)):
        refuse(COMMAND_LINE, "variant", variant, "two or more of A-Z, a-z, 0-9 and _ are")
    if variant is not None and not changed:
        refuse(COMMAND_LINE, "variant", variant, "a what-if changes a parameter, KEY='{...}'")
    for key in changed:
        if not isinstance(changes[key], dict):
            refuse(COMMAND_LINE, key, changes[key], "a mapping {parameter: value} is expected")


def load_document(
    root: Path, key: str, variant: str | None = None, change: Mapping[str, Any] | None = None
) -> Document:
    """Read and check the configuration of one paper.

    A scheme that an experiment lists needs no entry of its own: its name is that of its module,
    whose docstring ``TITLE: what it is.`` tells the rest, and it is taken as beyond the paper.

    Args:
        root: folder that holds ``config`` and ``workflow``.
        key: citation key.
        variant: name of a what-if.
        change: parameter values of the what-if.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    name = f"config/{key}.yaml"
    source = _read_yaml(root, name)
    validate(source, load_schema(root, "document"), name)
    source["schemes"] |= _schemes_by_name(key, source)
    parameter_schema = load_schema(root, key)
    validate(source["parameters"], parameter_schema, name, "parameters")

    def check_values(values: Mapping[str, Any], file: str, place: str) -> None:
        for parameter, value in values.items():
            if parameter not in source["parameters"]:
                refuse(file, f"{place}.{parameter}" if place else parameter, value,
                       f"the parameters are {', '.join(source['parameters'])}")  # fmt: skip
            kind = {
                "$defs": parameter_schema.get("$defs", {}),
                **parameter_schema["properties"][parameter]["properties"]["value"],
            }
            validate(value, kind, file, f"{place}.{parameter}" if place else parameter)

    def check_member(value: str, members: Mapping[str, Any], place: str) -> None:
        if value not in members:
            refuse(name, place, value, f"allowed are {', '.join(members)}")

    if not (root / "notebooks" / f"{key}.ipynb").is_file():
        raise ConfigurationError(f"{name}: its report template notebooks/{key}.ipynb is lost")
    for parameter, entry in source["parameters"].items():
        place = f"parameters.{parameter}"
        if isinstance(entry.get("used_by"), list):
            for scheme in entry["used_by"]:
                check_member(scheme, source["schemes"], f"{place}.used_by")
        for ensemble in entry.get("ensembles", []):
            check_member(ensemble, source["ensembles"], f"{place}.ensembles")
    readings: dict[str, Mapping[str, Any]] = {DEFAULT: {}}
    adjustments = {}
    for alternative, entry in source["alternatives"].items():
        place = f"alternatives.{alternative}"
        readings[alternative] = entry.get("set", {})
        adjustments[alternative] = entry.get("experiments", {})
        check_values(readings[alternative], name, f"{place}.set")
        for experiment, values in adjustments[alternative].items():
            check_member(experiment, source["experiments"], f"{place}.experiments")
            check_values(values, name, f"{place}.experiments.{experiment}")
    if variant in readings:
        refuse(COMMAND_LINE, "variant", variant, f"{name} has a reading of that name; another is")
    if variant is not None:
        check_values(change or {}, COMMAND_LINE, key)
        readings[variant] = change or {}
    for ensemble, entry in source["ensembles"].items():
        check_values(entry["set"], name, f"ensembles.{ensemble}.set")
    document = Document(key, source, readings, adjustments)
    for scheme, entry in source["schemes"].items():
        check_values(entry.get("set", {}), name, f"schemes.{scheme}.set")
        if module_file(document.module(scheme)) is None:
            refuse(name, f"schemes.{scheme}", document.module(scheme), "there is no such module")
    for experiment, entry in source["experiments"].items():
        place = f"experiments.{experiment}"
        check_member(entry["ensemble"], source["ensembles"], f"{place}.ensemble")
        for scheme in entry["schemes"]:
            check_member(scheme, source["schemes"], f"{place}.schemes")
        check_values(entry["set"], name, f"{place}.set")
        for scheme, count in entry.get("first", {}).items():
            check_member(scheme, dict.fromkeys(entry["schemes"]), f"{place}.first")
            chunk = source["ensembles"][entry["ensemble"]].get("chunk")
            if chunk is None or count % chunk:
                refuse(name, f"{place}.first.{scheme}", count,
                       f"a multiple of ensembles.{entry['ensemble']}.chunk is")  # fmt: skip
        sweep = entry["sweep"]
        for value in sweep["values"]:
            check_values({sweep["parameter"]: value}, name, f"{place}.sweep")
        _check_drawn(document, experiment, place)
    for figure, entry in source["figures"].items():
        place, drawn = f"figures.{figure}", entry.get("experiments", [])
        for experiment in drawn:
            check_member(experiment, source["experiments"], f"{place}.experiments")
            titled = entry.get("titles", {}) | source["experiments"][experiment]
            if len(drawn) > 1 and not {experiment, "title"} & set(titled):
                refuse(name, f"{place}.experiments", experiment,
                       "each of several needs a title for the legend")  # fmt: skip
        for experiment in entry.get("top", {}).get("experiments", []):
            check_member(experiment, dict.fromkeys(drawn), f"{place}.top.experiments")
        known = {scheme for each in drawn for scheme in source["experiments"][each]["schemes"]}
        for part in ("schemes", "after", "also", "beneath", "added"):
            for scheme in entry.get(part, []):
                check_member(scheme, dict.fromkeys(sorted(known)), f"{place}.{part}")
        for panel in entry.get("figures", []):
            single = {
                name: each for name, each in source["figures"].items() if "figures" not in each
            }
            check_member(panel, single, f"{place}.figures")
        for point in entry.get("points", []):
            for experiment in drawn:
                values = source["experiments"][experiment]["sweep"]["values"]
                if point not in values:
                    refuse(name, f"{place}.points", point, f"{experiment} has {values}")
        if "ensemble" in entry:
            check_member(entry["ensemble"], source["ensembles"], f"{place}.ensemble")
    plans = {
        experiment: {"schemes": entry["schemes"], "values": entry["sweep"]["values"],
                     "trace": entry.get("trace", False)}
        for experiment, entry in source["experiments"].items()
    }  # fmt: skip
    for claim, entry in source["claims"].items():
        check_member(entry["figure"], source["figures"] | {"none": None}, f"claims.{claim}.figure")
        for parameter in entry.get("rests_on", []):
            check_member(parameter, source["parameters"], f"claims.{claim}.rests_on")
    try:
        for reading in readings:
            for claim, entry in claims_under(document, reading).items():
                for check in entry["checks"]:
                    validate_check(claim, check, plans)
    except ValueError as error:
        raise ConfigurationError(f"{name}: claims.{error}") from error
    return document


def _schemes_by_name(key: str, source: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return entries for the schemes that experiments list without one."""
    found: dict[str, dict[str, Any]] = {}
    for plan in source["experiments"].values():
        for scheme in plan["schemes"]:
            if scheme not in source["schemes"] and re.fullmatch(r"\w+", scheme):
                text = documentation(f"irsrepro.papers.{key}.schemes.{scheme}", "design")
                title, _, about = text.partition(": ")
                if title:
                    found[scheme] = {"title": title, "about": about or title, "beyond_paper": True}
    return found


def _check_drawn(document: Document, experiment: str, place: str) -> None:
    """A swept size of the channels must not exceed what its ensemble draws, under any reading."""
    plan = document.experiments[experiment]
    parameter = plan["sweep"]["parameter"]
    for reading in document.readings:
        drawn = document.channel_parameters(reading, plan["ensemble"])
        if parameter in drawn and max(plan["sweep"]["values"]) > drawn[parameter]:
            refuse(f"config/{document.key}.yaml", f"{place}.sweep.values",
                   max(plan["sweep"]["values"]),
                   f"ensemble {plan['ensemble']} draws {parameter} = {drawn[parameter]}; at most "
                   "that is")  # fmt: skip
