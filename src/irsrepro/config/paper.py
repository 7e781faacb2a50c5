"""One paper as the configuration has it: parameters, readings, and what each job needs of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

DEFAULT = "default"
EXTERNAL = "external"  # in ``used_by``: every command


@dataclass(frozen=True)
class Paper:
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
    _holders: dict[tuple[str, ...], str] = field(default_factory=dict, init=False, repr=False)
    _names: dict[tuple[str, str | None], list[str]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __getattr__(self, section: str) -> Any:
        """Return a section of the configuration file, for example ``paper.figures``."""
        try:
            return self.source[section]
        except KeyError:
            raise AttributeError(section) from None

    def reading(self, name: str) -> dict[str, Any]:
        """Return the value of every parameter under a reading."""
        values = {key: entry["value"] for key, entry in self.parameters.items()}
        return values | dict(self.readings[name])

    def sample_size(self, ensemble: str, fidelity: str) -> int:
        """Return how many realisations of an ensemble a fidelity asks for."""
        sizes = self.ensembles[ensemble].get("realisations", self.realisations)
        return int(sizes[fidelity]["value"])

    def channel_parameters(self, reading: str, ensemble: str) -> dict[str, Any]:
        """Return the parameters that the channels of an ensemble are drawn with."""
        return self._selected(reading, ensemble, {}, "channels")

    def external_parameters(self, reading: str, experiment: str) -> dict[str, Any]:
        """Return what any command is given in an experiment, the swept parameter excepted."""
        plan = self.experiments[experiment]
        more = self._set_in(reading, experiment)
        values = self._selected(reading, plan["ensemble"], more, EXTERNAL)
        values.pop(plan["sweep"]["parameter"], None)
        return values

    def draws_of(self, ensemble: str) -> str:
        """Return the ensemble whose random numbers an ensemble has, mostly itself."""
        return str(self.ensembles[ensemble].get("draws_of", ensemble))

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
        curves = []
        for experiment in experiments:
            schemes = self.experiments[experiment]["schemes"]
            for scheme in [name for name in section.get("schemes", schemes) if name in schemes]:
                name = scheme if len(experiments) == 1 else f"{experiment}/{scheme}"
                curve = {"name": name, "experiment": experiment, "scheme": scheme}
                counts = section.get("after", {}).get(scheme, [])
                curves += [
                    curve | {"name": f"{name} after {count}", "after": count} for count in counts
                ]
                quantities = section.get("also", {}).get(scheme, {})
                curves += [
                    curve | {"name": f"{name} {quantity}", "quantity": quantity}
                    for quantity in quantities
                ]
                curves.append(curve)
        return curves

    def holder(self, reading: str, experiment: str, scheme: str) -> str:
        """Return the reading under whose name a solution is kept.

        A reading that changes nothing for a scheme shares the data of the default one.
        """
        return self._holder(self.solution_parameters, reading, experiment, scheme)

    def channel_holder(self, reading: str, ensemble: str) -> str:
        """Return the reading under whose name the channels of an ensemble are kept."""
        return self._holder(self.channel_parameters, reading, ensemble)

    def _holder(self, parameters: Callable[..., dict[str, Any]], reading: str, *names: str) -> str:
        """Return the default reading if a reading has the same parameters, itself otherwise.

        Plans ask for the same ones again with every chunk and figure, so the answers are kept.
        """
        key = (reading, *names)
        if key not in self._holders:
            same = parameters(reading, *names) == parameters(DEFAULT, *names)
            self._holders[key] = DEFAULT if same else reading
        return self._holders[key]

    def panels(self, figure: str) -> list[str]:
        """Return the figures whose data a figure draws: itself, or the panels of a sheet."""
        return list(self.figures[figure].get("figures", [figure]))

    def changes(self, reading: str, figure: str) -> str:
        """Return what a reading changes in a figure, for a person; empty if it changes nothing."""
        default = self.figure_parameters(DEFAULT, figure)
        differences = {
            f"{name} = {value} (was {default[part][name]})": None
            for part, values in self.figure_parameters(reading, figure).items()
            for name, value in values.items()
            if value != default[part][name]
        }
        return ", ".join(differences)

    def module(self, scheme: str) -> str:
        """Return the dotted name of the module that holds a scheme; not of one with a command."""
        return f"irsrepro.papers.{self.key}.schemes.{self.schemes[scheme].get('module', scheme)}"

    def is_external(self, scheme: str) -> bool:
        """Whether a scheme is designed by a command."""
        return "command" in self.schemes[scheme]

    @cached_property
    def telling_experiments(self) -> list[str]:
        """Few experiments in which every scheme module is run, those that run most first."""
        modules = {
            name: {self.module(s) for s in plan["schemes"] if not self.is_external(s)}
            for name, plan in self.experiments.items()
        }
        missing, chosen = set().union(*modules.values()), []
        while missing:
            chosen.append(max(modules, key=lambda name: len(modules[name] & missing)))
            missing -= modules[chosen[-1]]
        return chosen

    def plan_of(self, reading: str, experiment: str, scheme: str) -> dict[str, Any]:
        """Return how a scheme is run in an experiment.

        Returns:
            ``section``, its parameters but the swept one, and ``module``, or ``external``: its
            ``command``, ``time_limit`` and ``listed`` files, and ``place``, what errors call it.
        """
        section = self.solution_parameters(reading, experiment, scheme)
        if not self.is_external(scheme):
            return {"module": self.module(scheme), "section": section}
        entry = self.schemes[scheme]
        external = {
            "place": f"config/{self.key}.yaml: schemes.{scheme}",
            "command": entry["command"],
            "time_limit": entry["time_limit"],
            "listed": entry.get("files", []),
        }
        return {"external": external, "section": section}

    def _set_in(self, reading: str, experiment: str) -> dict[str, Any]:
        """Return the parameters that are set in an experiment under a reading."""
        adjustments = self.adjustments.get(reading, {}).get(experiment, {})
        return {**self.experiments[experiment]["set"], **adjustments}

    def _selected(
        self, reading: str, ensemble: str, more: Mapping[str, Any], user: str | None = None
    ) -> dict[str, Any]:
        """Return the parameters that matter to an ensemble and to a user of it.

        A user is ``channels``, a scheme, ``external`` for any command, or None for anyone. What the
        channels are drawn with is known to every scheme; a parameter that names schemes is known
        to those only.
        """
        values = self.reading(reading) | self.ensembles[ensemble]["set"] | dict(more)
        return {name: values[name] for name in self._known(ensemble, user)}

    def _known(self, ensemble: str, user: str | None) -> list[str]:
        """Return the names of these parameters, which no reading changes; worked out once."""
        if (ensemble, user) in self._names:
            return self._names[ensemble, user]
        by_command = user is not None and user in self.schemes and self.is_external(user)
        names = {user, EXTERNAL} if by_command else {user}
        known = []
        for name, entry in sorted(self.parameters.items()):
            users = entry.get("used_by", "schemes")
            if ensemble not in entry.get("ensembles", [ensemble]):
                continue
            if user == "channels":
                is_used = users == "channels"
            else:
                is_used = user is None or isinstance(users, str) or bool(names & {*users})
            if is_used:
                known.append(name)
        self._names[ensemble, user] = known
        return known
