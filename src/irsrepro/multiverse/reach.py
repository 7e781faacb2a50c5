"""Which choices can reach a claim at all: those that change what it compares, or its bounds.

A claim cannot hinge on a choice that changes nothing of it. Leaving such choices out of a search
leaves fewer that might win it by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irsrepro.config.expressions import claims_under, pairs_of
from irsrepro.config.paper import DEFAULT, Paper
from irsrepro.multiverse.choices import IN, Dimension
from irsrepro.multiverse.tables import Multiverse

PROBE = "probe"


def reachable_choices(
    multiverse: Multiverse, varied: Mapping[str, Dimension], source: Mapping[str, Any]
) -> dict[str, dict[str, Dimension]]:
    """Return the choices that can reach each claim.

    Of a number the smallest and the largest value are tried, else all. A claim that the
    configuration does not know (any more) is taken to be reached by all.

    Args:
        multiverse: the verdicts.
        varied: the choices by name.
        source: the configuration of the paper.
    """
    key = multiverse.facts["paper"]
    paper = Paper(key, source, {DEFAULT: {}}, {})
    checks = pairs_of(paper, claims_under(paper, DEFAULT))
    pairs = {claim: set().union(*compared) for claim, compared in checks.items()}
    ours = _comparisons(paper, DEFAULT, pairs)
    reachable = {claim: dict(varied) for claim in multiverse.claims}
    for choice, dimension in varied.items():
        values = dimension.values
        options = (values[0], values[-1]) if dimension.numeric else values
        probes = (_probe(key, source, choice, value) for value in options)
        comparisons = [_comparisons(probe, PROBE, pairs) for probe in probes]
        for claim in set(reachable) & set(ours):
            if all(comparison.get(claim) == ours[claim] for comparison in comparisons):
                del reachable[claim][choice]
    return reachable


def _probe(key: str, source: Mapping[str, Any], choice: str, value: Any) -> Paper:
    """Return a paper with a reading that makes a single choice."""
    parameter, single, experiment = choice.partition(IN)
    choices = {parameter: value}
    adjustments = {PROBE: {experiment: choices}} if single else {}
    return Paper(key, source, {DEFAULT: {}, PROBE: {} if single else choices}, adjustments)


def _comparisons(
    paper: Paper, reading: str, pairs: Mapping[str, set[tuple[str, str]]]
) -> dict[str, Any]:
    """Return what each claim compares under a reading: its checks and every input of its curves.

    Args:
        paper: the paper.
        reading: one of its readings.
        pairs: experiments and schemes that the checks of each claim compare, whatever the reading.
    """
    claims = claims_under(paper, reading)
    inputs = {
        (experiment, scheme): (
            paper.plan_of(reading, experiment, scheme),
            paper.channel_parameters(reading, paper.experiments[experiment]["ensemble"]),
        )
        for experiment, scheme in set().union(*pairs.values())
    }
    return {
        claim: (claims[claim]["checks"], {pair: inputs[pair] for pair in pairs[claim]})
        for claim in set(claims) & set(pairs)
    }
