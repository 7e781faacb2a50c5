"""The scorecard over documents, under the default reading alone or under every alternative too."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.claims.scorecard import from_dataset, to_table
from irsrepro.claims.verdicts import combine_readings
from irsrepro.storage import variable

COLUMNS = {
    "document": "citation key of the paper",
    "claim": "id of the claim",
    "about": "figure or theorem of the paper",
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
    "robustness": "robust, or the readings that the verdict depends on",
}


def rows(verdicts: Mapping[str, Mapping[str, xr.Dataset]], default: str) -> list[dict[str, Any]]:
    """Return one row per claim of every document.

    Args:
        verdicts: by document and reading, as ``to_dataset`` returns them.
        default: name of the default reading, whose numbers are shown.

    Returns:
        The rows of ``to_table`` with ``document``; if there is an alternative reading also
        ``robustness`` and ``verdicts``, by reading.
    """
    made = []
    for document, readings in verdicts.items():
        results = {
            reading: {result.claim: result for result in from_dataset(dataset)}
            for reading, dataset in readings.items()
        }
        for row in to_table(readings[default]):
            others = {
                reading: claims[row["claim"]]
                for reading, claims in results.items()
                if reading != default
            }
            row["document"] = document
            if others:
                row["robustness"] = combine_readings(results[default][row["claim"]], others)
                row["verdicts"] = {reading: other.verdict for reading, other in others.items()}
            made.append(row)
    return made


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, one column per alternative reading at the end."""
    columns = [column for column in COLUMNS if column in table[0]]
    readings = list(dict.fromkeys(name for row in table for name in row.get("verdicts", {})))
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
    """Return rows as a dataset (row), for NetCDF."""
    columns = {name: [row[name] for row in table] for name in COLUMNS if name in table[0]}
    columns["by_construction"] = [int(value) for value in columns["by_construction"]]
    return xr.Dataset(
        {
            name: variable(
                ("row",),
                np.array(values, dtype=np.str_ if isinstance(values[0], str) else None),
                COLUMNS[name],
                "see unit" if name in ("estimate", "lower", "upper") else "1",
            )
            for name, values in columns.items()
        }
    )
