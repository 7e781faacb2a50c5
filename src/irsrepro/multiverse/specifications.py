"""From the readings of a multiverse to the specification curve of a claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from irsrepro.claims.verdicts import CheckResult, ClaimResult
from irsrepro.config.paper import DEFAULT
from irsrepro.figures.specification import Bar, Choice, Specification
from irsrepro.multiverse.choices import Dimension, default_of, dimensions, values_under
from irsrepro.multiverse.explored import Explored
from irsrepro.multiverse.hinges import SAMPLE, Finding
from irsrepro.multiverse.sentences import sentence
from irsrepro.multiverse.tables import FACTS

MOST_ROWS = 14


def specification(
    explored: Sequence[Explored], finding: Finding, source: Mapping[str, Any]
) -> Specification:
    """Return what the specification curve of a claim shows.

    A claim of several checks is drawn by the one that decides it under most readings, so that all
    estimates are of one kind; a reading under which another check decides is marked.

    Args:
        explored: the readings.
        finding: what they say of the claim.
        source: the configuration of the paper.
    """
    told = [
        (each, result)
        for each in explored
        for result in each.verdicts.claims
        if result.claim == finding.claim
    ]
    shown = _most_telling([result for _, result in told])
    chosen = [each.choices for each, _ in told]
    rows = _rows(explored, finding, source)
    places = [values_under(row, chosen) for row in rows]
    bars = []
    for place, (each, result) in enumerate(told):
        check = _check(result, shown)
        contrast = check.tightest
        bars.append(
            Bar(
                verdict=result.verdict,
                estimate=contrast.estimate,
                lower=contrast.lower,
                upper=contrast.upper,
                required_low=contrast.required_low,
                required_high=contrast.required_high,
                by_other_check=check.verdict != result.verdict,
                default=each.reading == DEFAULT,
                places=tuple(row[place] for row in places),
            )
        )
    first = told[0][1]
    facts = told[0][0].verdicts.facts
    return Specification(
        facts={name: facts[name] for name in FACTS},
        claim=finding.claim,
        text=first.text,
        sentence=sentence(finding),
        unit=_check(first, shown).unit,
        bars=tuple(sorted(bars, key=lambda bar: bar.order)),
        choices=tuple(
            Choice(row.name, tuple(map(row.told, row.values)), row.default, row.numeric)
            for row in rows
        ),
    )


def _most_telling(results: Sequence[ClaimResult]) -> int:
    """Return the place of the check that decides a claim under most readings."""
    found = Counter(result.shown.place for result in results)
    return min(found, key=lambda check: (-found[check], check))


def _check(result: ClaimResult, place: int) -> CheckResult:
    return next((each for each in result.checks if each.place == place), result.shown)


def _rows(
    explored: Sequence[Explored], finding: Finding, source: Mapping[str, Any]
) -> list[Dimension]:
    """Return the choices to show: those the claim hinges on, then those that samples vary."""
    chosen = [each.choices for each in explored]
    ours = {name: default_of(source, name) for choices in chosen for name in choices}
    varied = dimensions(chosen, ours, source)
    sampled = [each.choices for each in explored if each.kind == SAMPLE]
    names = [hinge.dimension.choice for hinge in finding.hinges]
    names += [turn.dimension.choice for turn in finding.turns]
    names += [
        name
        for name, row in varied.items()
        if len(set(values_under(row, sampled))) > 1 or not sampled
    ]
    return [varied[name] for name in list(dict.fromkeys(names))[:MOST_ROWS]]
