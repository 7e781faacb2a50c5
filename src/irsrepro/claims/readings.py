"""The scorecard over documents, under the default reading alone or under every alternative too."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.claims.scorecard import from_dataset, to_table
from irsrepro.claims.verdicts import combine_readings, depends_on
from irsrepro.configuration import DEFAULT
from irsrepro.storage import variable

COLUMNS = {
    "document": "citation key of the paper",
    "claim": "id of the claim",
    "about": "figure or theorem of the paper",
    "figure": "name of the figure the claim stands beside, none without one",
    "text": "the claim in our wording",
    "verdict": "worst verdict of its checks",
    "estimate": "estimate of the tightest contrast",
    "lower": "lower end of its simultaneous interval",
    "upper": "upper end of its simultaneous interval",
    "unit": "unit of the contrast, empty for a plain number",
    "n": "realisations behind it",
    "left_out": "realisations left out because a value failed",
    "by_construction": "1 if it rests on a calibrated parameter, so that agreement is no evidence",
    "sentence": "result for people",
    "fidelity": "fidelity of the build",
    "robustness": "robust, or the readings that the verdict depends on",
    "depends_on": "those readings, with a blank between them",
}


def rows(verdicts: Mapping[str, Mapping[str, xr.Dataset]]) -> list[dict[str, Any]]:
    """Return one row per claim of every document, with the numbers of the default reading.

    Args:
        verdicts: by document and reading, as ``to_dataset`` returns them.

    Returns:
        The rows of ``to_table`` with ``document``; if any document has an alternative reading also
        ``robustness``, ``depends_on`` and ``verdicts``, by reading.
    """
    made = []
    compared = any(len(readings) > 1 for readings in verdicts.values())
    for document, readings in verdicts.items():
        results = {
            reading: {result.claim: result for result in from_dataset(dataset)}
            for reading, dataset in readings.items()
        }
        for row in to_table(readings[DEFAULT]):
            default = results[DEFAULT][row["claim"]]
            others = {
                reading: claims[row["claim"]]
                for reading, claims in results.items()
                if reading != DEFAULT
            }
            row["document"] = document
            row["fidelity"] = readings[DEFAULT].attrs.get("fidelity", "")
            row["by_construction"] = int(row["by_construction"])
            if compared:
                row["robustness"] = combine_readings(default, others)
                row["depends_on"] = " ".join(depends_on(default, others))
                row["verdicts"] = {reading: other.verdict for reading, other in others.items()}
            made.append(row)
    return made


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with one column of verdicts per alternative reading at the end."""
    columns, readings = _columns(table), readings_of(table)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *readings])
    for row in table:
        verdicts = row.get("verdicts", {})
        writer.writerow(
            [*(row[column] for column in columns), *(verdicts.get(name, "") for name in readings)]
        )
    return text.getvalue()


def as_dataset(table: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Return rows as a dataset (row), for NetCDF; verdicts of readings are (row, reading)."""
    columns = {name: [row[name] for row in table] for name in _columns(table)}
    made = {
        name: variable(
            ("row",),
            np.array(values, dtype=np.str_ if isinstance(values[0], str) else None),
            COLUMNS[name],
            "see unit" if name in ("estimate", "lower", "upper") else "1",
        )
        for name, values in columns.items()
    }
    if readings := readings_of(table):
        each = [[row["verdicts"].get(name, "") for name in readings] for row in table]
        made["reading"] = variable(("reading",), np.array(readings), "alternative reading", "1")
        made["verdicts"] = variable(
            ("row", "reading"), np.array(each), "verdict, empty if its paper lacks the reading", "1"
        )
    return xr.Dataset(made)


def readings_of(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the alternative readings of all rows in order."""
    return list(dict.fromkeys(name for row in table for name in row.get("verdicts", {})))


def _columns(table: Sequence[Mapping[str, Any]]) -> list[str]:
    return [column for column in COLUMNS if column in table[0]]
