"""A multiverse as a table: one row per claim and reading, also as CSV and NetCDF."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.claims.verdicts import NOT_REPLICATED, REPLICATED, UNDECIDED
from irsrepro.config.paper import DEFAULT
from irsrepro.errors import IrsreproError
from irsrepro.multiverse.choices import default_of
from irsrepro.multiverse.explored import KINDS, ExploredReading

Row = Mapping[str, Any]
FACTS = ("paper", "seed")
OF_CLAIM = ("claim", "about", "figure", "source")
NUMBERS = ("estimate", "lower", "upper", "required_low", "required_high")
COLUMNS = (*FACTS, *OF_CLAIM, "reading", "kind", "verdict", *NUMBERS, "unit", "n", "left_out",
           "choices")  # fmt: skip
MEANINGS = {UNDECIDED: 0, REPLICATED: 1, NOT_REPLICATED: 2}
MISSING = -1
_WHOLE = ("n", "left_out")


@dataclass(frozen=True)
class Reading:
    """A reading of the multiverse: name, kind (one of ``KINDS``), and choices.

    These are what it changes of the default reading; of the default reading itself, its values of
    all that any other changes.
    """

    name: str
    kind: str
    choices: Mapping[str, Any]


@dataclass(frozen=True)
class Multiverse:
    """The verdicts of a paper under many readings.

    Attributes:
        facts: ``paper`` and ``seed``.
        readings: by name, in the order of their kinds: the default one first.
        rows: one per claim and reading under which it says anything, with ``COLUMNS``; ``choices``
            as a mapping. Estimate, interval and required range are those of the tightest contrast.
    """

    facts: Mapping[str, str]
    readings: Mapping[str, Reading]
    rows: Sequence[Row]

    @property
    def ours(self) -> Mapping[str, Any]:
        """What the default reading has where others differ, by choice."""
        return self.readings[DEFAULT].choices

    @property
    def claims(self) -> list[str]:
        """Ids of the claims in order."""
        return list(dict.fromkeys(row["claim"] for row in self.rows))

    def verdicts(self, claim: str) -> dict[str, str]:
        """Return the verdict on a claim by reading."""
        return {row["reading"]: row["verdict"] for row in self.rows if row["claim"] == claim}

    def row(self, claim: str) -> Row:
        """Return the first row of a claim, for what it is about."""
        return next(row for row in self.rows if row["claim"] == claim)


def gather_readings(readings: Sequence[ExploredReading], source: Mapping[str, Any]) -> Multiverse:
    """Put readings of a paper together.

    Args:
        readings: the readings.
        source: the configuration of the paper.

    Raises:
        IrsreproError: they are not of one build, two have one name, or none is the default.
    """
    facts = {name: {reading.verdicts.facts[name] for reading in readings} for name in FACTS}
    mixed = {name: sorted(values) for name, values in facts.items() if len(values) != 1}
    if mixed:
        raise IrsreproError(f"multiverse: {mixed} is not allowed; readings of one build are")
    build_facts = {name: next(iter(values)) for name, values in facts.items()}
    choice_names = sorted({choice for reading in readings for choice in reading.choices})
    ours = {choice: default_of(source, choice) for choice in choice_names}
    rows = []
    for reading in sorted(readings, key=lambda r: (KINDS.index(r.kind), r.name)):
        for result, row in zip(reading.verdicts.claims, reading.verdicts.rows(), strict=True):
            contrast = result.shown.tightest
            rows.append(
                build_facts
                | {name: row[name] for name in (*OF_CLAIM, "verdict", "unit", *_WHOLE)}
                | {name: getattr(contrast, name) for name in NUMBERS}
                | {"reading": reading.name, "kind": reading.kind}
                | {"choices": ours if reading.name == DEFAULT else dict(reading.choices)}
            )
    names = [reading.name for reading in readings]
    return _assemble(build_facts, rows, names)


def _assemble(facts: Mapping[str, str], rows: Sequence[Row], names: Sequence[str]) -> Multiverse:
    if len(set(names)) != len(names) or DEFAULT not in names:
        requirement = "readings with names of their own, one of them the default"
        raise IrsreproError(
            f"multiverse of {facts['paper']}: {sorted(names)}: expected {requirement}"
        )
    by_name = {r["reading"]: Reading(r["reading"], r["kind"], r["choices"]) for r in rows}
    readings = sorted(by_name.values(), key=lambda r: (KINDS.index(r.kind), r.name))
    order = {claim: place for place, claim in enumerate(dict.fromkeys(r["claim"] for r in rows))}
    rows = sorted(rows, key=lambda row: order[row["claim"]])
    return Multiverse(facts, {reading.name: reading for reading in readings}, rows)


def as_csv(multiverse: Multiverse) -> str:
    """Return a multiverse as CSV, the choices of a reading as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in multiverse.rows:
        cells = {**row, "choices": json.dumps(row["choices"], sort_keys=True)}
        writer.writerow([cells[column] for column in COLUMNS])
    return text.getvalue()


def from_csv(text: str) -> Multiverse:
    """Return the multiverse that ``as_csv`` wrote.

    Raises:
        IrsreproError: it has other columns, or is empty.
    """
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise IrsreproError(f"multiverse: columns {reader.fieldnames}; expected {list(COLUMNS)}")
    rows = [
        {**row}
        | {name: float(row[name]) for name in NUMBERS}
        | {name: int(row[name]) for name in _WHOLE}
        | {"choices": json.loads(row["choices"])}
        for row in reader
    ]
    if not rows:
        raise IrsreproError("multiverse: no rows; expected one per claim and reading")
    facts = {name: str(rows[0][name]) for name in FACTS}
    return _assemble(facts, rows, list(dict.fromkeys(str(row["reading"]) for row in rows)))


def as_dataset(multiverse: Multiverse) -> xr.Dataset:
    """Return a multiverse as a dataset over claims and readings.

    Returns:
        ``verdict`` as a flag, -1 where a claim says nothing; ``estimate``, ``lower``, ``upper``,
        ``required_low``, ``required_high`` (NaN there) in the ``unit`` of the claim; ``n``; and of
        each reading ``kind`` and ``choices`` (JSON).
    """
    claims, readings = multiverse.claims, list(multiverse.readings)
    shape = len(claims), len(readings)
    numbers = {name: np.full(shape, np.nan) for name in NUMBERS}
    verdict, n = np.full(shape, MISSING, np.int8), np.zeros(shape, np.int32)
    units = np.full(shape, "", dtype=object)
    for row in multiverse.rows:
        place = claims.index(row["claim"]), readings.index(row["reading"])
        verdict[place], n[place] = MEANINGS[row["verdict"]], row["n"]
        units[place] = row["unit"]
        for name, values in numbers.items():
            values[place] = row[name]
    both = ("claim", "reading")
    flags = ", ".join(f"{flag}: {name}" for name, flag in MEANINGS.items())
    data = {
        "verdict": variable(both, verdict, f"verdict ({flags}, {MISSING}: none)", "1"),
        "n": variable(both, n, "number of realisations behind it", "1"),
        "unit": variable(both, units.astype(str), "unit of estimate, interval and range", "name"),
    } | {
        name: variable(
            both, values, f"{name.replace('_', ' ')} of the tightest contrast", "see unit"
        )
        for name, values in numbers.items()
    }
    entries = multiverse.readings.values()
    coordinates = {
        "claim": variable(("claim",), np.array(claims), "id of the claim", "name"),
        "reading": variable(("reading",), np.array(readings), "name of the reading", "name"),
        "kind": variable(
            ("reading",), np.array([entry.kind for entry in entries]), "kind of the reading", "name"
        ),
        "choices": variable(
            ("reading",),
            np.array([json.dumps(entry.choices, sort_keys=True) for entry in entries]),
            "what the reading changes, of the default one its own values, as JSON",
            "name",
        ),
    }
    return xr.Dataset(data, coordinates, dict(multiverse.facts))
