"""Points of the product of all plausible values, drawn independently.

Not from a low-discrepancy sequence: its first points tie choices of two values together (with nine
parameters, 3 of 36 pairs coincide in 16 points of a Sobol sequence), and nothing tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from irsrepro.config.loading import check_fit
from irsrepro.config.paper import Paper
from irsrepro.config.readings import SAMPLE, Reading, named_readings, plausible_values
from irsrepro.errors import ConfigurationError

_DIGITS = 3  # of a value taken from a range
_MOST_TRIES = 16  # points per point wanted: some combinations no paper can have


def reading_of(paper: Paper, name: str, seed: int) -> Reading:
    """Return a reading of the multiverse by its name.

    Raises:
        ConfigurationError: hardly any point of the product fits together.
        KeyError: there is none of that name.
    """
    readings = {reading.name: reading for reading in named_readings(paper)}
    if name not in readings:
        number = int(name.removeprefix(SAMPLE.partition("{")[0]))
        readings = {reading.name: reading for reading in samples(paper, number + 1, seed)}
    return readings[name]


def samples(paper: Paper, count: int, seed: int) -> Iterator[Reading]:
    """Yield the first points of the product of all plausible values and the default ones.

    More points go on from fewer. Points whose values do not fit together are passed over.

    Raises:
        ConfigurationError: too many do not.
    """
    choices = plausible_values(paper)
    if not choices:
        return
    generator = np.random.default_rng(seed)
    points = tries = 0
    while points < count:
        tries += 1
        if tries > _MOST_TRIES * count:
            raise ConfigurationError(
                f"config/{paper.key}.yaml: parameters: plausible: {points} of {tries} points fit "
                "together; expected values that mostly do"
            )
        shares = generator.random(len(choices))
        values = {
            name: _value(paper.parameters[name]["value"], plausible, float(share))
            for (name, plausible), share in zip(choices.items(), shares, strict=True)
        }
        reading = Reading(SAMPLE.format(points), "sample", values, {})
        if _fits(paper, reading):
            points += 1
            yield reading


def _value(default: Any, plausible: Mapping[str, Any], share: float) -> Any:
    """Return the value at a share in [0, 1) of the way through what is plausible."""
    if "values" in plausible:
        options = [default, *(value for value in plausible["values"] if value != default)]
        return options[int(share * len(options))]
    low, high = plausible["between"]
    if step := plausible.get("step"):
        return low + step * int(share * (int((high - low) / step + 1e-9) + 1))
    if plausible.get("scale") == "log":
        return float(f"{low * (high / low) ** share:.{_DIGITS}g}")
    return round(low + (high - low) * share, _DIGITS - math.ceil(math.log10(high - low)))


def _fits(paper: Paper, reading: Reading) -> bool:
    try:
        check_fit(reading.of(paper), [reading.name])
    except ConfigurationError:
        return False
    return True
