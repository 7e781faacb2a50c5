"""Verdicts of a paper under one reading: as a file, and as rows of tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from irsrepro.build.storage import JSON, REMEDY, check_facts, read_sealed, write_sealed
from irsrepro.claims.verdicts import ClaimResult
from irsrepro.errors import StorageError

_CLAIMS = TypeAdapter(list[ClaimResult])


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of a paper.

    Attributes:
        facts: what they are of and what made them, see ``jobs.facts``.
        claims: the results.
    """

    facts: Mapping[str, str]
    claims: Sequence[ClaimResult]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per claim, for CSV and HTML.

        Returns:
            ``claim``, ``about``, ``figure``, ``text``, ``source``, ``verdict``, ``holds`` and
            ``comparisons``; of its tightest contrast ``estimate``, ``lower``, ``upper``, ``unit``,
            ``n``, ``left_out``; ``by_construction``, ``sentence`` and ``cause``.
        """
        return [_row(result) for result in self.claims]


def write_verdicts(path: Path | str, verdicts: Verdicts) -> None:
    """Write verdicts as JSON, atomically; the same verdicts give the same bytes.

    Raises:
        StorageError: the file cannot be written.
    """
    claims = _CLAIMS.dump_python(list(verdicts.claims), mode="json")
    text = json.dumps({"facts": dict(verdicts.facts), "claims": claims}, indent=1)
    write_sealed(path, text.removesuffix("\n}").encode(), JSON)


def read_verdicts(path: Path | str, **expected: object) -> Verdicts:
    """Read what ``write_verdicts`` wrote.

    Args:
        path: the file.
        expected: facts that it must carry, for example ``paper="he2020"``.

    Raises:
        StorageError: it is missing, broken, or belongs to something else.
    """
    body = read_sealed(path, JSON)
    try:
        content = json.loads(body + b"\n}")
        verdicts = Verdicts(content["facts"], _CLAIMS.validate_python(content["claims"]))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(f"{path}: no file of verdicts; {REMEDY}") from error
    check_facts(path, verdicts.facts, **expected)
    return verdicts


def _row(result: ClaimResult) -> dict[str, Any]:
    shown, (holds, comparisons) = result.shown, result.points
    contrast = shown.tightest
    return {
        "claim": result.claim,
        "about": result.about,
        "figure": result.figure,
        "text": result.text,
        "source": result.source,
        "verdict": result.verdict,
        "holds": holds,
        "comparisons": comparisons,
        "estimate": contrast.estimate,
        "lower": contrast.lower,
        "upper": contrast.upper,
        "unit": shown.unit,
        "n": shown.realisations,
        "left_out": shown.left_out,
        "by_construction": int(result.by_construction),
        "sentence": result.sentence,
        "cause": result.cause,
    }
