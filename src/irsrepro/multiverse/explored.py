"""What a reading of the multiverse came to: what it changes, and the verdict on every claim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irsrepro.claims.files import Verdicts, read_verdicts

KINDS = ("default", "alternative", "plausible", "sample")
"""Our reading; a named alternative; one plausible value at a time; a point of the product."""


@dataclass(frozen=True)
class ExploredReading:
    """A reading and its verdicts.

    Attributes:
        name: its name.
        kind: one of ``KINDS``.
        choices: what it changes of the default reading. The value by the name of a parameter, or by
            ``PARAMETER in EXPERIMENT`` where it is changed in a single experiment.
        verdicts: on every claim that says anything under the reading.
    """

    name: str
    kind: str
    choices: Mapping[str, Any]
    verdicts: Verdicts


def read_explored_reading(path: Path | str, **expected: object) -> ExploredReading:
    """Read the verdicts of a reading and what it changes.

    Raises:
        StorageError: the file is missing, broken, or belongs to something else.
    """
    verdicts = read_verdicts(path, **expected)
    facts = verdicts.facts
    return ExploredReading(facts["reading"], facts["kind"], json.loads(facts["choices"]), verdicts)
