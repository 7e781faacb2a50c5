"""Which choices split verdicts: the best split, tested against shuffled verdicts.

The candidates are binary splits of the readings: at a threshold between two neighbouring values of
a number, or one value of anything else against the rest. What a split explains is the share of the
variance of the verdict (1 where a claim holds, 0 where not) that lies between its two sides, which
for a verdict of two values is the relative fall of the Gini impurity.

The largest share over all splits of all choices is held against its distribution when the verdicts
are shuffled over the readings (Westfall and Young 1993), so that the search among choices and
thresholds is paid for. A further split is looked for within the sides of those found, and verdicts
are then shuffled within these sides only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Real
from irsrepro.resampling import SEED

SHUFFLES = 9999
SMALLEST_SIDE = 2
MOST_SPLITS = 3
_TIE = 1e-9  # shares closer than this are equal

Sides = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """A split of readings in two.

    Attributes:
        choice: name of the parameter.
        value: place of the value that the split is about among the parameter's values.
        threshold: whether one side is all values below it; else that value alone.
        inside: which readings are below the threshold, or have the value, shape (reading,).
    """

    choice: str
    value: int
    threshold: bool
    inside: Sides


@dataclass(frozen=True)
class TestedSplit:
    """The best split of one choice.

    Attributes:
        split: the split.
        explained: share of the variance of the verdict that it explains.
        p: share of shuffles in which the best split of any choice explains as much.
    """

    split: Split
    explained: float
    p: float


def candidates(values: Mapping[str, Sequence[int]], numeric: Mapping[str, bool]) -> list[Split]:
    """Return the splits that the values of readings allow, each side of at least two readings.

    Args:
        values: by choice, the place of its value under each reading; places of numbers ascend.
        numeric: by choice, whether the values are numbers.
    """
    splits: list[Split] = []
    for choice, places in values.items():
        at = np.asarray(places)
        levels = np.unique(at).tolist()
        for level in levels[1:] if numeric[choice] else levels:
            inside = at < level if numeric[choice] else at == level
            smallest = min(int(inside.sum()), int((~inside).sum()))
            twin = any(
                split.choice == choice and bool((split.inside != inside).all()) for split in splits
            )
            if smallest >= SMALLEST_SIDE and not twin:
                splits.append(Split(choice, level, numeric[choice], inside))
    return splits


def best_splits(
    splits: Sequence[Split], holds: NDArray[np.bool_], strata: NDArray[np.int64] | None = None
) -> list[TestedSplit]:
    """Return the best split of every choice with its p-value, the most telling first.

    Args:
        splits: the candidates.
        holds: whether the claim holds under each reading, shape (reading,).
        strata: groups of readings within which splits are looked for and verdicts shuffled, shape
            (reading,); without any, all are one group.

    Returns:
        Nothing where no verdict varies within a group, or there is no candidate.
    """
    groups = np.zeros(len(holds), np.int64) if strata is None else strata
    outcome = holds.astype(float)
    spread = _spread(outcome, groups)
    if not splits or spread <= _TIE:
        return []
    sides = np.stack([split.inside for split in splits]).astype(float)
    shares = _between(outcome[None], sides, groups)[0] / spread
    shuffled = _between(_shuffled_outcomes(outcome, groups), sides, groups).max(axis=1) / spread
    best: dict[str, TestedSplit] = {}
    for split, share in zip(splits, shares.tolist(), strict=True):
        if split.choice not in best or share > best[split.choice].explained + _TIE:
            as_good = int((shuffled >= share - _TIE).sum())
            best[split.choice] = TestedSplit(split, share, (1 + as_good) / (1 + SHUFFLES))
    return sorted(best.values(), key=lambda test: -round(test.explained, 9))


def forward_selection(
    splits: Sequence[Split], holds: NDArray[np.bool_], alone: Sequence[TestedSplit], level: float
) -> tuple[list[TestedSplit], list[TestedSplit]]:
    """Return the splits that pass, one after the other, and their rivals.

    Args:
        splits: the candidates.
        holds: whether the claim holds under each reading, shape (reading,).
        alone: what ``best_splits`` makes of them over all readings.
        level: p-value up to which a split passes.

    Returns:
        Splits that pass, each within the sides of those before it, at most three. Then the best
        splits of other choices that would have passed alone: the readings do not tell apart
        whether it is these or the ones named.
    """
    passed: list[TestedSplit] = []
    strata = np.zeros(len(holds), np.int64)
    ranked = list(alone)
    while ranked and len(passed) < MOST_SPLITS and ranked[0].p <= level:
        passed.append(ranked[0])
        strata = 2 * strata + ranked[0].split.inside
        named = {test.split.choice for test in passed}
        ranked = best_splits(
            [split for split in splits if split.choice not in named], holds, strata
        )
    named = {test.split.choice for test in passed}
    rivals = [test for test in alone if test.p <= level and test.split.choice not in named]
    return passed, rivals


def families_passing(smallest: Mapping[str, float], level: float) -> float:
    """Return the level at which each of several claims may name its splits.

    By Benjamini and Bogomolov (2014): claims are picked by Benjamini and Hochberg's procedure on
    the smallest p-value of each, and a claim picked is tested at the level times the share picked.
    The error over all claims that is promised is the mean error of those that name anything.

    Args:
        smallest: the smallest p-value of every claim that was tested.
        level: mean error.

    Returns:
        The level within a claim; 0 where none is picked.
    """
    ranked = sorted(smallest.values())
    picked = [k for k, p in enumerate(ranked, 1) if p <= level * k / len(ranked)]
    return level * max(picked) / len(ranked) if picked else 0.0


def _spread(outcome: Real, groups: NDArray[np.int64]) -> float:
    """Return the sum of squares of an outcome about the mean of its group."""
    own = [outcome[groups == group] for group in np.unique(groups)]
    return float(sum(((values - values.mean()) ** 2).sum() for values in own))


def _between(outcomes: Real, sides: Real, groups: NDArray[np.int64]) -> Real:
    """Return the sum of squares between the two sides of splits, within groups.

    Args:
        outcomes: shape (shuffle, reading).
        sides: one or zero, shape (split, reading).
        groups: shape (reading,).

    Returns:
        Shape (shuffle, split).
    """
    total = np.zeros((len(outcomes), len(sides)))
    for group in np.unique(groups):
        own = groups == group
        inside = sides[:, own].sum(axis=1)
        product = inside * (own.sum() - inside)
        scale = np.where(product > 0, own.sum() / np.maximum(product, 1.0), 0.0)
        mean = outcomes[:, own].mean(axis=1, keepdims=True)
        # Sums of ones: exact, whatever kernel adds them up.
        total += scale * (outcomes[:, own] @ sides[:, own].T - inside * mean) ** 2
    return total


def _shuffled_outcomes(outcome: Real, groups: NDArray[np.int64]) -> Real:
    """Return the outcome shuffled within groups, shape (shuffle, reading)."""
    generator = np.random.default_rng(SEED)
    shuffled = np.tile(outcome, (SHUFFLES, 1))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        shuffled[:, own] = generator.permuted(shuffled[:, own], axis=1)
    return shuffled
