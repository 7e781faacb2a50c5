"""What the verdict on a claim hinges on: how often it holds over the readings, and on what.

Two kinds of evidence. A reading that changes a single choice of ours and decides a claim the other
way shows directly that this choice matters, all else being ours. Over the sampled readings, which
change many choices at once, a choice is named only if it passes the test of ``splits``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irsrepro.claims.robustness import DEPENDS, Counts, contrary_readings, count_verdicts
from irsrepro.claims.verdicts import REPLICATED, UNDECIDED
from irsrepro.config.paper import DEFAULT
from irsrepro.multiverse.choices import Dimension, dimensions, values_under
from irsrepro.multiverse.reach import reachable_choices
from irsrepro.multiverse.splits import (
    Split,
    TestedSplit,
    best_splits,
    candidates,
    families_passing,
    forward_selection,
)
from irsrepro.multiverse.tables import Multiverse
from irsrepro.statistics import clopper_pearson

SAMPLE = "sample"
LEVEL = 0.05


@dataclass(frozen=True)
class Side:
    """One side of a split of the sampled readings that decide a claim.

    Attributes:
        holds: in how many of them the claim holds.
        decided: how many there are.
        open: how many more readings of this side do not decide the claim.
    """

    holds: int
    decided: int
    open: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of the share that holds, 95 %."""
        return clopper_pearson(self.holds, self.decided)

    @property
    def share(self) -> float:
        """The share that holds."""
        return self.holds / self.decided


@dataclass(frozen=True)
class Hinge:
    """A choice that sampled readings show the verdict to hinge on.

    Attributes:
        dimension: the choice.
        relation: ``below`` or ``above`` (a number), ``is`` or ``is not``: where the claim holds
            less often.
        value: the value that the relation is to.
        low_side: the readings where it holds less often.
        high_side: all others.
        explained: share of the variance of the verdict (within the hinges before it) explained.
        p: corrected for the choice among all parameters and thresholds.
    """

    dimension: Dimension
    relation: str
    value: Any
    low_side: Side
    high_side: Side
    explained: float
    p: float


@dataclass(frozen=True)
class Turn:
    """A reading that turns a verdict and changes a single choice: of which parameter, to what."""

    dimension: Dimension
    value: Any
    reading: str


@dataclass(frozen=True)
class Finding:
    """What a multiverse says of a claim.

    Attributes:
        claim: its id.
        default: the verdict under the default reading, empty where it says nothing there.
        every: verdicts under every reading.
        sampled: of these, the sampled readings.
        single: the readings that change one thing: named alternatives and plausible values.
        silent: number of readings under which the claim says nothing.
        ranked: every choice that sampled readings vary, by how much its best split explains.
        hinges: choices that the sampled readings show it to hinge on, the first most of all.
        rivals: choices that the sampled readings do not tell apart from the hinges.
        turns: single choices that turn the verdict of the default reading.
        named: alternatives of several choices that turn it.
    """

    claim: str
    default: str
    every: Counts
    sampled: Counts
    single: Counts
    silent: int = 0
    ranked: tuple[Hinge, ...] = ()
    hinges: tuple[Hinge, ...] = ()
    rivals: tuple[Dimension, ...] = ()
    turns: tuple[Turn, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def robustness(self) -> str:
        """``robust``, ``depends``, ``open`` or ``no alternatives``: see ``claims.robustness``."""
        return self.every.robustness

    @property
    def by_luck(self) -> bool:
        """Whether it replicates as we read the paper, but in under half of decided readings."""
        return self.default == REPLICATED and 2 * self.every.holds < self.every.decided

    @property
    def share(self) -> tuple[float, float]:
        """The exact interval of the share that holds of sampled readings that decide, 95 %."""
        return clopper_pearson(self.sampled.holds, self.sampled.decided)

    @property
    def flips(self) -> bool:
        """Whether readings decide it both ways."""
        return self.robustness == DEPENDS


def findings(multiverse: Multiverse, source: Mapping[str, Any]) -> dict[str, Finding]:
    """Return what a multiverse says of every claim.

    Args:
        multiverse: the verdicts.
        source: the configuration of the paper.
    """
    choice_sets = [reading.choices for reading in multiverse.readings.values()]
    varied = dimensions(choice_sets, multiverse.ours, source)
    reachable = reachable_choices(multiverse, varied, source)
    samples = {
        claim: _sampled_splits(multiverse, claim, reachable[claim]) for claim in multiverse.claims
    }
    alone = {claim: best_splits(*sample) for claim, sample in samples.items()}
    smallest = {claim: tests[0].p for claim, tests in alone.items() if tests}
    level = families_passing(smallest, LEVEL)
    return {
        claim: _finding(multiverse, claim, varied, *sample, alone[claim], level)
        for claim, sample in samples.items()
    }


def _sampled_splits(
    multiverse: Multiverse, claim: str, varied: Mapping[str, Dimension]
) -> tuple[list[Split], NDArray[np.bool_]]:
    """Return the splits of the sampled readings that decide a claim, and whether it holds there."""
    decided = {
        reading: verdict
        for reading, verdict in multiverse.verdicts(claim).items()
        if verdict != UNDECIDED and multiverse.readings[reading].kind == SAMPLE
    }
    choice_sets = [multiverse.readings[reading].choices for reading in decided]
    places = {name: values_under(dimension, choice_sets) for name, dimension in varied.items()}
    numeric = {name: dimension.numeric for name, dimension in varied.items()}
    holds = np.array([verdict == REPLICATED for verdict in decided.values()], dtype=bool)
    return candidates(places, numeric), holds


def _finding(
    multiverse: Multiverse,
    claim: str,
    varied: Mapping[str, Dimension],
    splits: Sequence[Split],
    holds: NDArray[np.bool_],
    alone: Sequence[TestedSplit],
    level: float,
) -> Finding:
    verdicts = multiverse.verdicts(claim)
    kinds = {name: reading.kind for name, reading in multiverse.readings.items()}
    single = {
        name: verdict for name, verdict in verdicts.items() if kinds[name] not in (DEFAULT, SAMPLE)
    }
    turning = contrary_readings(verdicts.get(DEFAULT, UNDECIDED), single)
    changes = {name: multiverse.readings[name].choices for name in turning}
    # Where choices explain equally much, one that turns the verdict alone is named.
    direct = {name for choices in changes.values() if len(choices) == 1 for name in choices}
    alone = sorted(
        alone, key=lambda test: (-round(test.explained, 9), test.split.choice not in direct)
    )
    passed, rivals = forward_selection(splits, holds, alone, level)
    open_choices = [
        multiverse.readings[name].choices
        for name, verdict in verdicts.items()
        if verdict == UNDECIDED and kinds[name] == SAMPLE
    ]
    return Finding(
        claim=claim,
        default=verdicts.get(DEFAULT, ""),
        every=count_verdicts(verdicts.values()),
        sampled=count_verdicts(v for name, v in verdicts.items() if kinds[name] == SAMPLE),
        single=count_verdicts(single.values()),
        silent=len(multiverse.readings) - len(verdicts),
        ranked=tuple(_hinge(varied, test, holds, open_choices) for test in alone),
        hinges=tuple(_hinge(varied, test, holds, open_choices) for test in passed),
        rivals=tuple(varied[test.split.choice] for test in rivals),
        turns=tuple(
            Turn(varied[choice], value, name)
            for name, choices in changes.items()
            if len(choices) == 1
            for choice, value in choices.items()
        ),
        named=tuple(name for name, choices in changes.items() if len(choices) != 1),
    )


def _hinge(
    varied: Mapping[str, Dimension],
    test: TestedSplit,
    holds: NDArray[np.bool_],
    open_choices: Sequence[Mapping[str, Any]],
) -> Hinge:
    """Return a split in words.

    Args:
        varied: the choices that can reach the claim, by name.
        test: the split, tested.
        holds: whether the claim holds under each sampled reading that decides it.
        open_choices: the choices of sampled readings that leave it open.
    """
    split = test.split
    dimension = varied[split.choice]
    places = np.asarray(values_under(dimension, open_choices), dtype=int)
    among = places < split.value if split.threshold else places == split.value
    inside, outside = (
        Side(int(holds[side].sum()), int(side.sum()), int(left.sum()))
        for side, left in ((split.inside, among), (~split.inside, ~among))
    )
    fewer_inside = inside.share <= outside.share
    relation, value = ("is" if fewer_inside else "is not"), split.value
    if split.threshold:
        relation = "below" if fewer_inside else "above"
        value = split.value if fewer_inside else split.value - 1
    sides = (inside, outside) if fewer_inside else (outside, inside)
    reference = dimension.values[value]
    return Hinge(dimension, relation, reference, *sides, test.explained, test.p)
