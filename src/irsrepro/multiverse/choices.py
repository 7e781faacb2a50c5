"""What readings choose, for people: names of parameters, values, and the values in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from irsrepro.config.expressions import is_number

IN = " in "  # between a parameter and the single experiment it is changed in
PLAIN_UNITS = ("1", "name")
LONGEST = 32  # letters of a value that are shown
_WITHOUT_MARKS = str.maketrans("", "", '{}"')
_ACRONYMS = (
    "AIF", "AO", "AP", "APs", "BS", "DFT", "IRS", "IRSs", "KKT", "MIMO", "MMSE", "MRT", "RCG",
    "Rician", "SDR", "SINR", "SNR", "UE", "ZF",
)  # fmt: skip
_CAPITALS = {name.lower(): name for name in _ACRONYMS}


@dataclass(frozen=True)
class Dimension:
    """A parameter that readings vary.

    Attributes:
        choice: its name in ``choices`` of a reading.
        values: every value of it under any reading: numbers in ascending order, others with the
            default value first.
        default: place of our value among them.
        unit: of the values, empty where there is none.
    """

    choice: str
    values: tuple[Any, ...]
    default: int
    unit: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers, so that a threshold between them means something."""
        return all(map(is_number, self.values))

    @property
    def name(self) -> str:
        """The parameter for people, without underscores."""
        parameter, separator, experiment = self.choice.partition(IN)
        words = [_CAPITALS.get(word, word) for word in parameter.split("_")]
        place = f"{IN}experiment {experiment}" if separator else ""
        return " ".join(words) + place

    def place(self, value: Any) -> int:
        """Return the place of a value among the values.

        Raises:
            KeyError: it is none of them.
        """
        return self._places[key_of(value)]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key_of(value): place for place, value in enumerate(self.values)}

    def text(self, value: Any) -> str:
        """Return a value of the parameter for people, with its unit; a long one cut short."""
        text = self.whole_text(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def whole_text(self, value: Any) -> str:
        """Return a value of the parameter for people, with its unit, however long."""
        return f"{value_text(value)} {self.unit}".rstrip()


def dimensions(
    choice_sets: Iterable[Mapping[str, Any]], ours: Mapping[str, Any], source: Mapping[str, Any]
) -> dict[str, Dimension]:
    """Return the parameters that readings vary, in the order of the configuration.

    Args:
        choice_sets: what each reading changes, see ``ExploredReading.choices``.
        ours: the values of the default reading.
        source: the configuration of the paper.

    Returns:
        By name of the choice.
    """
    options: dict[str, dict[str, Any]] = {}
    for choices in choice_sets:
        for choice, value in choices.items():
            own = ours[choice]
            options.setdefault(choice, {key_of(own): own})[key_of(value)] = value
    order = list(source["parameters"])
    by_choice = {}
    for choice in sorted(options, key=lambda name: (order.index(name.partition(IN)[0]), name)):
        values = list(options[choice].values())
        own = values[0]
        if all(map(is_number, values)):
            values.sort()
        unit = str(source["parameters"][choice.partition(IN)[0]]["unit"])
        place = [key_of(candidate) for candidate in values].index(key_of(own))
        by_choice[choice] = Dimension(
            choice, tuple(values), place, "" if unit in PLAIN_UNITS else unit
        )
    return by_choice


def default_of(source: Mapping[str, Any], choice: str) -> Any:
    """Return the value of a choice under the default reading."""
    parameter, separator, experiment = choice.partition(IN)
    ours = source["parameters"][parameter]["value"]
    if not separator:
        return ours
    plan = source["experiments"][experiment]
    if plan["sweep"]["parameter"] == parameter:
        return plan["sweep"]["values"]
    ensemble = source["ensembles"][plan["ensemble"]]
    return plan.get("set", {}).get(parameter, ensemble.get("set", {}).get(parameter, ours))


def values_under(dimension: Dimension, choice_sets: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the place of a parameter's value under each of several readings."""
    ours = dimension.values[dimension.default]
    return [dimension.place(choices.get(dimension.choice, ours)) for choices in choice_sets]


def key_of(value: Any) -> str:
    """Return the same text for equal values, whatever they hold; 1 and 1.0 are equal."""
    return json.dumps(_plain(value), sort_keys=True)


def value_text(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return str(value).lower()
    if is_number(value):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(value).translate(_WITHOUT_MARKS)
    return text.replace("_", " ")


def _plain(value: Any) -> Any:
    if is_number(value):
        return float(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
