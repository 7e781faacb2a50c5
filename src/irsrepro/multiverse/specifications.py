"""From the readings of a multiverse to the specification curve of a claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from irsrepro.claims.verdicts import CheckResult, ClaimResult
from irsrepro.config.paper import DEFAULT
from irsrepro.figures.specification import Bar, Choice, Specification
from irsrepro.multiverse.choices import Dimension, default_of, dimensions, values_under
from irsrepro.multiverse.explored import ExploredReading
from irsrepro.multiverse.hinges import SAMPLE, Finding
from irsrepro.multiverse.sentences import sentence
from irsrepro.multiverse.tables import FACTS

MOST_ROWS = 14


def specification(
    readings: Sequence[ExploredReading], finding: Finding, source: Mapping[str, Any]
) -> Specification:
    """Return what the specification curve of a claim shows.

    A claim of several checks is drawn by the one that decides it under most readings, so that all
    estimates are of one kind; a reading under which another check decides is marked.

    Args:
        readings: the readings.
        finding: what they say of the claim.
        source: the configuration of the paper.
    """
    pairs = [
        (reading, result)
        for reading in readings
        for result in reading.verdicts.claims
        if result.claim == finding.claim
    ]
    check_place = _deciding_check([result for _, result in pairs])
    choice_sets = [reading.choices for reading, _ in pairs]
    rows = _rows(readings, finding, source)
    places = [values_under(row, choice_sets) for row in rows]
    bars = []
    for place, (reading, result) in enumerate(pairs):
        check = _check(result, check_place)
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
                default=reading.name == DEFAULT,
                places=tuple(row[place] for row in places),
            )
        )
    first = pairs[0][1]
    facts = pairs[0][0].verdicts.facts
    return Specification(
        facts={name: facts[name] for name in FACTS},
        claim=finding.claim,
        text=str(source["claims"][finding.claim]["text"]),
        sentence=sentence(finding),
        unit=_check(first, check_place).unit,
        bars=tuple(sorted(bars, key=lambda bar: bar.order)),
        choices=tuple(
            Choice(row.name, tuple(map(row.text, row.values)), row.default, row.numeric)
            for row in rows
        ),
    )


def _deciding_check(results: Sequence[ClaimResult]) -> int:
    """Return the place of the check that decides a claim under most readings."""
    counts = Counter(result.shown.place for result in results)
    return min(counts, key=lambda check: (-counts[check], check))


def _check(result: ClaimResult, place: int) -> CheckResult:
    return next((check for check in result.checks if check.place == place), result.shown)


def _rows(
    readings: Sequence[ExploredReading], finding: Finding, source: Mapping[str, Any]
) -> list[Dimension]:
    """Return the choices to show: those the claim hinges on, then those that samples vary."""
    choice_sets = [reading.choices for reading in readings]
    ours = {name: default_of(source, name) for choices in choice_sets for name in choices}
    varied = dimensions(choice_sets, ours, source)
    sample_choices = [reading.choices for reading in readings if reading.kind == SAMPLE]
    names = [hinge.dimension.choice for hinge in finding.hinges]
    names += [turn.dimension.choice for turn in finding.turns]
    names += [
        name
        for name, row in varied.items()
        if len(set(values_under(row, sample_choices))) > 1 or not sample_choices
    ]
    return [varied[name] for name in list(dict.fromkeys(names))[:MOST_ROWS]]
