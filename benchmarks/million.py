"""What a million realisations of every figure would take, from the plans and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from irsrepro.config.paper import Paper

MILLION = 1_000_000
CORES, NODES = 64, 16
"""Cores of a node, and nodes of a small cluster."""


class Cost(NamedTuple):
    """Core-seconds and bytes before compression."""

    seconds: float = 0.0
    size: float = 0.0

    def __add__(self, other: tuple[object, ...]) -> Cost:
        """Return the sum of two costs, not their concatenation."""
        seconds, size = Cost(*other)  # type: ignore[arg-type]
        return Cost(self.seconds + seconds, self.size + size)


def experiment_cost(paper: Paper, name: str, plans: Mapping[str, Any]) -> Cost:
    """Return the cost of the solutions of an experiment; a limited scheme keeps its limit."""
    limits = paper.experiments[name].get("first", {})
    return total(
        Cost(row["seconds"] * count, row["bytes"] * count)
        for scheme, row in plans[name].items()
        for count in [limits.get(scheme, MILLION)]
    )


def cost(paper: Paper, names: Iterable[str], plans: Mapping[str, Any]) -> Cost:
    """Return the cost of some experiments and of the channels that they share."""
    known = [name for name in names if name in plans]
    ensembles = {paper.experiments[name]["ensemble"] for name in known}
    stored = sum(MILLION * plans[f"channels {ensemble}"] for ensemble in ensembles)
    return total(experiment_cost(paper, name, plans) for name in known) + Cost(size=stored)


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs."""
    whole = Cost()
    for each in costs:
        whole += each
    return whole


def figures_by_experiments(paper: Paper, plans: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Return the names of figures that are drawn from the same experiments, by these."""
    found: dict[tuple[str, ...], str] = {}
    for name, figure in paper.figures.items():
        drawn = tuple(each for each in figure.get("experiments", ()) if each in plans)
        if drawn:
            found[drawn] = f"{found[drawn]}, {name}" if drawn in found else name
    return found


def growth(
    paper: Paper, plans: Mapping[str, Any], exponent: Callable[[str], float | None]
) -> float | None:
    """Return how many times the seconds of a paper grow with twice a size.

    Args:
        paper: the paper.
        plans: what its experiments cost.
        exponent: of a scheme in that size; None where it is not known, and then left out.
    """
    before = after = 0.0
    for name in paper.experiments:
        for scheme, row in plans.get(name, {}).items():
            power, limits = exponent(scheme), paper.experiments[name].get("first", {})
            if power is not None and scheme not in limits:
                before += row["seconds"]
                after += row["seconds"] * 2.0**power
    return after / before if before else None
