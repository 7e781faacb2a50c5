"""How often a verdict is wrong if one stops as soon as there is one, on claims of known truth.

Each claim says that a curve of four points exceeds another; realisations are paired differences
from laws of different skewness. Run it as a script: it prints the table of docs/numbers.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.array_types import Real
from irsrepro.claims import evaluate
from irsrepro.claims.looks import looks_until

LAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Real]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1.0,
    "log-normal": lambda rng, shape: (
        (np.exp(rng.standard_normal(shape)) - np.exp(0.5)) / np.sqrt(np.e**2 - np.e)
    ),
    "mirrored exponential": lambda rng, shape: 1.0 - rng.exponential(size=shape),
    "mirrored log-normal": lambda rng, shape: (
        (np.exp(0.5) - np.exp(rng.standard_normal(shape))) / np.sqrt(np.e**2 - np.e)
    ),
}
TRUTHS: dict[str, tuple[list[float], str]] = {
    "0 at every point": ([0.0] * 4, "undecided"),
    "0 at one, else 5": ([0.0, 5.0, 5.0, 5.0], "undecided"),
    "0.5 at every point": ([0.5] * 4, "replicated"),
    "-0.5 at one, else 0.5": ([-0.5, 0.5, 0.5, 0.5], "not replicated"),
    "-0.5 at every point": ([-0.5] * 4, "not replicated"),
}
"""Means of the differences at the points in standard deviations, and the verdict that is right.

Zero is the bound itself, where any decision is counted as an error.
"""
CHECK = {"kind": "dominates", "experiment": "e", "scheme": "a", "over": "b"}
CLAIMS: dict[str, dict[str, Any]] = {
    "one check": {"id": "made-up", "checks": [CHECK]},
    "four checks": {"id": "made-up", "checks": [CHECK | {"points": [p]} for p in range(4)]},
}


def experiment(
    law: str, effects: Sequence[float], count: int, rng: np.random.Generator
) -> xr.Dataset:
    """Two schemes at four points, whose paired differences have the given means and variance 1."""
    gap = LAWS[law](rng, (1, 4, count)) + np.reshape(effects, (1, 4, 1))
    metric = np.concatenate([gap, np.zeros_like(gap)])
    return xr.Dataset(
        {
            "metric": (
                ("scheme", "point", "realisation"), metric, {"units": "1", "long_name": "m"},
            )
        },
        coords={
            "scheme": ["a", "b"], "point": np.arange(4.0), "realisation": np.arange(count),
        },
    )  # fmt: skip


def rates(
    law: str, truth: str, runs: int, planned: int, seed: int = 0, claim: str = "one check"
) -> dict[str, float]:
    """Return the shares of wrong and of open verdicts, and the mean realisations at the stop.

    Args:
        law: one of ``LAWS``.
        truth: one of ``TRUTHS``.
        runs: number of made-up claims.
        planned: realisations at the last look.
        seed: of the claims.
        claim: one of ``CLAIMS``, which say the same.
    """
    rng = np.random.default_rng(seed)
    (effects, right), said = TRUTHS[truth], CLAIMS[claim]
    wrong = still_open = stops = 0
    for _ in range(runs):
        whole = experiment(law, effects, planned, rng)
        verdict, size = "undecided", 0
        for size in looks_until(planned, planned):
            seen = {"e": whole.isel(realisation=slice(0, size))}
            verdict = evaluate(said, seen, planned=[planned] * len(said["checks"])).verdict
            if verdict != "undecided":
                break
        stops += size
        still_open += verdict == "undecided"
        wrong += verdict not in ("undecided", right)
    return {"wrong": wrong / runs, "open": still_open / runs, "stop": stops / runs}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--planned", type=int, default=64)
    parser.add_argument("--claim", choices=CLAIMS, default="one check")
    given = parser.parse_args()
    print("| law of differences | truth (standard deviations) | wrong | open | mean stop |")
    print("|---|---|---|---|---|")
    for law in LAWS:
        for truth in TRUTHS:
            found = rates(law, truth, given.runs, given.planned, claim=given.claim)
            print(
                f"| {law} | {truth} | {100 * found['wrong']:.1f} % | "
                f"{100 * found['open']:.1f} % | {found['stop']:.0f} |"
            )


if __name__ == "__main__":
    main()
