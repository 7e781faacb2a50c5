"""Two intervals of each contrast of a check, and which of them decides.

That all of many comparisons hold is a wrong verdict only if one that does not hold passes, so each
is decided by its own interval, however many there are (the intersection-union test of Berger,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982). That some
comparison fails is wrong if any of them fails by chance, so there the intervals must hold together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Real
from irsrepro.claims.verdicts import NOT_REPLICATED, REPLICATED, UNDECIDED, Contrast, decide


class Bounds(NamedTuple):
    """Estimates (contrast,) and their intervals (end, contrast).

    Attributes:
        estimate: of each contrast.
        alone: the interval that each has by itself.
        together: intervals that hold for all of them at once.
    """

    estimate: Real
    alone: Real
    together: Real

    def also(self, before: Bounds) -> Bounds:
        """Return these estimates with what their intervals share with those of looks before.

        A look at which nothing varied yet says nothing once something does. Where the intervals of
        a contrast share nothing, one of them is wrong, and those of this look are taken.
        """
        is_point = [ends[0] == ends[1] for ends in (self.together, before.together)]
        starts_anew = is_point[1] & ~is_point[0]
        shared = []
        for now, earlier in zip(self[1:], before[1:], strict=True):
            lower, upper = np.maximum(now[0], earlier[0]), np.minimum(now[1], earlier[1])
            starts_anew |= lower > upper
            shared.append(np.stack([lower, upper]))
        alone, together = (
            np.where(starts_anew, now, both) for now, both in zip(self[1:], shared, strict=True)
        )
        return Bounds(self.estimate, alone, together)

    def contrasts(
        self, labels: Sequence[str], low: float, high: float, strict: bool = False
    ) -> tuple[Contrast, ...]:
        """Return the contrasts with their verdicts, each with the interval that decides it.

        A contrast replicates if its own interval is inside the required range and does not if the
        joint one is outside. As long as neither is so, it has the interval that its estimate would
        be decided by.

        Args:
            labels: the contrasts in words.
            low: lower end of the required range.
            high: upper end.
            strict: the ends do not belong to the range.
        """
        found = []
        columns = (self.estimate, *self.alone, *self.together)
        for label, numbers in zip(labels, np.stack(columns, axis=1).tolist(), strict=True):
            estimate, lower, upper, joint_lower, joint_upper = numbers
            own = decide(lower, upper, low, high, strict)
            verdict = decide(joint_lower, joint_upper, low, high, strict)
            if verdict != NOT_REPLICATED:
                verdict = REPLICATED if own == REPLICATED else UNDECIDED
            may_hold = own == UNDECIDED and low <= estimate <= high
            alone = verdict == REPLICATED or (verdict == UNDECIDED and may_hold)
            alone = alone and (lower, upper) != (joint_lower, joint_upper)
            ends = (lower, upper) if alone else (joint_lower, joint_upper)
            found.append(Contrast(label, estimate, *ends, low, high, verdict, alone))
        return tuple(found)
