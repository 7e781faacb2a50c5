"""A made-up paper with a multiverse: verdicts that hinge on a choice, and verdicts that do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from irsrepro.claims import CheckResult, ClaimResult, Contrast, Verdicts
from irsrepro.multiverse.explored import ExploredReading
from irsrepro.multiverse.hinges import Finding, findings
from irsrepro.multiverse.tables import gather_readings

YES, OPEN, NO = "replicated", "undecided", "not replicated"
ESTIMATES = {YES: 1.0, OPEN: 0.1, NO: -1.0}

SOURCE: dict[str, Any] = {
    "title": "A paper",
    "authors": ["Ada Author", "Ben Writer"],
    "venue": "Venue",
    "year": 2020,
    "identifiers": {"arXiv": "2001.00001"},
    "summary": "What it is about.",
    "parameters": {
        "direct_exponent": {"value": 3.5, "unit": "1"},
        "snr": {"value": 10, "unit": "dB"},
        "drop": {"value": "disc", "unit": "name"},
        "rounds": {"value": 50, "unit": "1"},
    },
    "ensembles": {"near": {"about": "near by", "set": {"rounds": 20}}},
    "experiments": {
        "rise": {
            "ensemble": "near",
            "set": {},
            "sweep": {"parameter": "snr", "values": [0, 10]},
            "schemes": [],
        },
        "fall": {
            "ensemble": "near",
            "set": {"rounds": 5},
            "sweep": {"parameter": "direct_exponent", "values": [2, 3]},
            "schemes": [],
        },
    },
    "figures": {"fig01": {"title": "One", "caption": "The first.", "kind": "curves"}},
    "claims": {
        name: {"text": f"{name} is said.", "checks": []}
        for name in ("a-hinge", "a-sure", "a-open", "a-luck", "a-part")
    },
}
PLAUSIBLE: dict[str, list[Any]] = {
    "direct_exponent": [2.0, 2.5, 3.0, 3.5],
    "snr": [5, 10, 20],
    "drop": ["disc", "ring", "square"],
    "rounds in fall": [5, 10],
}
OURS: dict[str, Any] = {"direct_exponent": 3.5, "snr": 10, "drop": "disc", "rounds in fall": 5}
Rule = Callable[[Mapping[str, Any]], str]


def _sure(_: Mapping[str, Any]) -> str:
    return YES


def _low(choice: Mapping[str, Any]) -> str:
    return NO if choice["direct_exponent"] < 3 else YES


def _open(_: Mapping[str, Any]) -> str:
    return OPEN


def _lucky(choice: Mapping[str, Any]) -> str:
    return YES if choice == OURS or choice["snr"] == 20 else NO


def _part(choice: Mapping[str, Any]) -> str:
    return "" if choice["drop"] == "square" else YES


RULES: dict[str, Rule] = {
    "a-hinge": _low,
    "a-sure": _sure,
    "a-open": _open,
    "a-luck": _lucky,
    "a-part": _part,
}


def result(claim: str, verdict: str, estimate: float | None = None) -> ClaimResult:
    """Return a claim with one check whose interval fits its verdict."""
    middle = ESTIMATES[verdict] if estimate is None else estimate
    contrast = Contrast("x", middle, middle - 0.5, middle + 0.5, 0.0, np.inf, verdict, alone=True)
    check = CheckResult("dominates", verdict, (contrast,), 100, 0, "bit/s/Hz", "it was found")
    source = "ours" if claim == "a-open" else "paper"
    return ClaimResult(claim, "Fig. 1", "fig01", f"{claim} is said.", verdict, (check,),
                       source=source)  # fmt: skip


def explored(reading: str, kind: str, values: Mapping[str, Any], rules: Mapping[str, Rule]) -> Any:
    """Return a reading with values of all choices and the verdicts that rules give."""
    choices = {name: value for name, value in values.items() if value != OURS[name]}
    facts = {"paper": "made2020", "seed": "1", "reading": reading,
             "kind": kind, "choices": json.dumps(choices)}  # fmt: skip
    verdicts = {claim: rule(values) for claim, rule in rules.items()}
    claims = [result(claim, verdict) for claim, verdict in verdicts.items() if verdict]
    return ExploredReading(reading, kind, choices, Verdicts(facts, claims))


def multiverse(samples: int = 30, rules: Mapping[str, Rule] = RULES, seed: int = 1) -> list[Any]:
    """Return the default reading, every single plausible value, and sampled readings."""
    generator = np.random.default_rng(seed)
    made = [explored("default", "default", OURS, rules)]
    made += [
        explored(f"{name.replace(' ', '_')}_{place}", "plausible", OURS | {name: value}, rules)
        for name, values in PLAUSIBLE.items()
        for place, value in enumerate(values)
        if value != OURS[name]
    ]
    both = OURS | {"drop": "ring", "snr": 5}
    made.append(explored("ring", "alternative", both, rules))
    for number in range(samples):
        drawn = {
            name: values[int(generator.integers(len(values)))] for name, values in PLAUSIBLE.items()
        }
        made.append(explored(f"sample{number:02d}", "sample", drawn, rules))
    return made


def random_rules(seed: int) -> dict[str, Rule]:
    """Return one claim whose verdicts have nothing to do with any choice."""
    generator = np.random.default_rng(seed)
    return {"a-chance": lambda _: YES if generator.random() < 0.6 else NO}


def told_of(made: list[Any]) -> dict[str, Finding]:
    """Return what is found in readings, by claim."""
    return findings(gather_readings(made, SOURCE), SOURCE)
