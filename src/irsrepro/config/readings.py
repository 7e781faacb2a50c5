"""Which readings the multiverse of a paper has: one choice changed at a time, and points of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from irsrepro.config.paper import DEFAULT, Paper

SAMPLE = "sample_{:03d}"


@dataclass(frozen=True)
class Reading:
    """A complete choice of the parameters of a paper.

    Attributes:
        name: of the reading.
        kind: one of ``explored.KINDS``.
        values: parameters that it sets.
        adjustments: what it sets in single experiments.
    """

    name: str
    kind: str
    values: Mapping[str, Any]
    adjustments: Mapping[str, Mapping[str, Any]]

    def of(self, paper: Paper) -> Paper:
        """Return the paper with this reading among its own."""
        return replace(
            paper,
            readings={**paper.readings, self.name: self.values},
            adjustments={**paper.adjustments, self.name: self.adjustments},
        )

    def choices(self, paper: Paper) -> dict[str, Any]:
        """Return what the reading changes of the default one, see ``explored.ExploredReading``."""
        default = paper.reading(DEFAULT)
        changed = {
            name: value for name, value in sorted(self.values.items()) if value != default[name]
        }
        for experiment, values in sorted(self.adjustments.items()):
            changed |= {f"{name} in {experiment}": value for name, value in values.items()}
        return changed


def named_readings(paper: Paper) -> list[Reading]:
    """Return the default reading, the alternatives, and every plausible value on its own.

    Of a range, its two ends. A value that an alternative already has is not taken twice.
    """
    alternatives = [
        Reading(name, "alternative", paper.readings[name], paper.adjustments.get(name, {}))
        for name in paper.alternatives
    ]
    alternative_values = [
        dict(alternative.values) for alternative in alternatives if not alternative.adjustments
    ]
    others = [
        Reading(f"{name}_{number}", "plausible", {name: value}, {})
        for name, plausible in plausible_values(paper).items()
        for number, value in enumerate(plausible.get("values") or plausible["between"], start=1)
        if value != paper.parameters[name]["value"] and {name: value} not in alternative_values
    ]
    return [Reading(DEFAULT, DEFAULT, {}, {}), *alternatives, *others]


def reading_names(paper: Paper, samples: int, every_value: bool) -> list[str]:
    """Return the names of all readings of a multiverse, those of sampled points last.

    Args:
        paper: the paper.
        samples: points of the product of all plausible values.
        every_value: every plausible value on its own, too, and not only the alternatives.
    """
    names = [
        reading.name
        for reading in named_readings(paper)
        if every_value or reading.kind != "plausible"
    ]
    return [*names, *map(SAMPLE.format, range(samples) if plausible_values(paper) else ())]


def plausible_values(paper: Paper) -> dict[str, Mapping[str, Any]]:
    """Return the plausible values of every parameter that has some, in order of their names."""
    plausible = {name: entry.get("plausible") for name, entry in sorted(paper.parameters.items())}
    return {name: entry for name, entry in plausible.items() if entry and "fixed" not in entry}
