"""Under which readings most of a paper's own sentences hold, beside the default one.

Picking a reading because the claims come out is calibration: what then holds is no evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from irsrepro.claims.robustness import Counts, count_verdicts
from irsrepro.config.paper import DEFAULT
from irsrepro.multiverse.tables import Multiverse, Reading

OWN = "paper"  # the source of a claim that is a sentence of the paper
WARNING = (
    "Choosing one of these readings because the paper comes out true would be calibration: the "
    "claims that were used to choose it are then no evidence for it. A sentence that our reading "
    "leaves open may need more realisations only, no other choice. The table does not tell what "
    "the authors did."
)


@dataclass(frozen=True)
class Standing:
    """A reading and what becomes of the paper's own sentences under it.

    Attributes:
        reading: the reading.
        counts: in its verdicts on these sentences.
        gained: sentences that hold here and not by default.
        lost: sentences that hold by default and not here.
    """

    reading: Reading
    counts: Counts
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def standings(multiverse: Multiverse) -> tuple[Standing, list[Standing]]:
    """Return how the default reading does, and those under which most sentences hold.

    Among readings under which equally many hold, those that fail the fewest; all that are equal in
    both are returned, in the order of the multiverse, even if the default one is among them.
    """
    verdicts: dict[str, dict[str, str]] = {name: {} for name in multiverse.readings}
    for row in multiverse.rows:
        if row["source"] == OWN:
            verdicts[row["reading"]][row["claim"]] = row["verdict"]
    holding = {name: _holding(verdicts[name]) for name in multiverse.readings}
    ours = holding[DEFAULT]
    table = {
        name: Standing(
            reading,
            count_verdicts(verdicts[name].values()),
            gained=tuple(claim for claim in holding[name] if claim not in ours),
            lost=tuple(claim for claim in ours if claim not in holding[name]),
        )
        for name, reading in multiverse.readings.items()
    }
    best = max(_rank(standing) for standing in table.values())
    return table[DEFAULT], [standing for standing in table.values() if _rank(standing) == best]


def _holding(verdicts: Mapping[str, str]) -> list[str]:
    return [claim for claim, verdict in verdicts.items() if count_verdicts([verdict]).holds]


def _rank(standing: Standing) -> tuple[int, int]:
    return standing.counts.holds, -standing.counts.fails
