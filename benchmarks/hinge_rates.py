"""How often a hinge is named, and how often a wrong one, on made-up readings of known truth.

Readings are random points of seven choices; a verdict follows one of them, with or without noise,
or none. Run it as a script: it prints a table of the rates.
"""

from __future__ import annotations

import argparse

import numpy as np

from irsrepro.multiverse.splits import best_splits, candidates, forward_selection

CHOICES = {"half": 2, "quarter": 4, "word": 3, "other": 2, "many": 16, "few": 3, "last": 4}
NUMERIC = {"half": False, "quarter": True, "word": False, "other": False, "many": True,
           "few": True, "last": False}  # fmt: skip
CASES = {
    "none, holds in 70 %": ("", 0.7, 0.7),
    "fails in one half": ("half", 0.0, 1.0),
    "fails in one quarter": ("quarter", 0.0, 1.0),
    "holds in 30 % of one half, 90 % of the other": ("half", 0.3, 0.9),
}
SIZES = (16, 32, 64)
LEVELS = {"alone": 0.05, "only one of 20 claims": 0.05 / 20}


def rates(case: str, size: int, level: float, runs: int, seed: int = 0) -> tuple[float, float]:
    """Return the shares of runs in which the true choice is named, and in which another one is.

    Args:
        case: one of ``CASES``.
        size: number of sampled readings, all of which decide.
        level: p-value up to which a claim may name a split.
        runs: number of made-up claims.
        seed: of the claims.
    """
    truth, there, elsewhere = CASES[case]
    rng = np.random.default_rng(seed)
    right = wrong = 0
    for _ in range(runs):
        values = {name: rng.integers(count, size=size).tolist() for name, count in CHOICES.items()}
        inside = np.equal(values[truth], 0) if truth else np.zeros(size, dtype=bool)
        holds = rng.random(size) < np.where(inside, there, elsewhere)
        splits = candidates(values, NUMERIC)
        passed, _ = forward_selection(splits, holds, best_splits(splits, holds), level)
        named = {each.split.choice for each in passed}
        right += truth in named
        wrong += bool(named - {truth})
    return right / runs, wrong / runs


def table(runs: int) -> str:
    """Return the table: per case and size, named rightly and wrongly at either level."""
    heads = [f"{name}: {what}" for name in LEVELS for what in ("named", "another named")]
    lines = [f"| hinge | samples | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for case in CASES:
        for size in SIZES:
            shares = [s for level in LEVELS.values() for s in rates(case, size, level, runs)]
            told = [f"{100 * share:.1f} %" for share in shares]
            if not CASES[case][0]:
                told[0] = told[2] = "–"
            lines.append(f"| {case} | {size} | {' | '.join(told)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="made-up claims per line")
    print(table(parser.parse_args().runs))
