"""The scorecard over papers, under the default reading alone or under every alternative too."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from irsrepro.claims.files import Verdicts
from irsrepro.claims.robustness import contrary_readings, in_words, open_readings
from irsrepro.config.paper import DEFAULT

PLAIN = (
    "paper", "claim", "about", "figure", "text", "source", "verdict", "holds", "comparisons",
    "estimate", "lower", "upper", "unit", "n", "left_out", "by_construction", "sentence", "cause",
    "fidelity",
)  # fmt: skip
COMPARED = ("robustness", "depends_on", "open_under")


def rows(verdicts: Mapping[str, Mapping[str, Verdicts]]) -> list[dict[str, Any]]:
    """Return one row per claim of every paper, with the numbers of the default reading.

    Args:
        verdicts: by paper and reading.

    Returns:
        The rows of ``Verdicts.rows`` with ``paper`` and ``fidelity``; if any paper has an
        alternative reading also ``robustness``, ``depends_on``, ``open_under`` (see ``robustness``)
        and ``verdicts``, by reading.
    """
    table = []
    compared = any(len(readings) > 1 for readings in verdicts.values())
    for paper, readings in verdicts.items():
        facts = {"paper": paper, "fidelity": readings[DEFAULT].facts.get("fidelity", "")}
        others = {
            reading: {result.claim: result for result in reading_verdicts.claims}
            for reading, reading_verdicts in readings.items()
            if reading != DEFAULT
        }
        for result, row in zip(readings[DEFAULT].claims, readings[DEFAULT].rows(), strict=True):
            table.append(row | facts)
            if compared:
                alternatives = {
                    reading: claims[result.claim].verdict
                    for reading, claims in others.items()
                    if result.claim in claims  # a claim may say nothing under a reading
                }
                table[-1] |= {
                    "robustness": in_words(result.verdict, alternatives),
                    "depends_on": " ".join(contrary_readings(result.verdict, alternatives)),
                    "open_under": " ".join(open_readings(result.verdict, alternatives)),
                    "verdicts": alternatives,
                }
    return table


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with one column of verdicts per alternative reading at the end."""
    columns = [*PLAIN, *(COMPARED if table and "verdicts" in table[0] else ())]
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
