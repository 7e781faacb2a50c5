"""What a multiverse says of a claim, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from irsrepro.claims.robustness import ALONE, DEPENDS, OPEN
from irsrepro.claims.verdicts import NOT_REPLICATED
from irsrepro.multiverse.hinges import Finding, Hinge, Side, Turn

NOTHING = "no single choice stands out"
MOST_TURNS = 3
BY_LUCK = "replicated by luck of our guess"


def sentence(finding: Finding) -> str:
    """Return in how many readings a claim holds, and on what that hinges.

    For example ``holds in 38 of 41 readings; fails where direct exponent is below 3 (0 of 3
    sampled readings, elsewhere 25 of 25)``.
    """
    parts = [how_often(finding)]
    if finding.robustness == DEPENDS:
        parts += reasons(finding) or [NOTHING]
    return "; ".join(parts)


def how_often(finding: Finding) -> str:
    """Return in how many readings a claim holds, and how many leave it open or say nothing."""
    counts = finding.every
    if not counts.decided:
        said = f"open in {_all(counts.total, counts.total)}"
    elif not counts.fails:
        said = f"holds in {_all(counts.decided, counts.total)}"
    elif not counts.holds:
        said = f"fails in {_all(counts.decided, counts.total)}"
    else:
        said = f"holds in {counts.holds} of {_readings(counts.total)}, fails in {counts.fails}"
    if counts.decided and counts.open:
        said += f", open in {counts.open}" + (
            "" if counts.holds and counts.fails else f" of {counts.total}"
        )
    if finding.silent:
        said += f", says nothing in {finding.silent} more"
    return said


def reasons(finding: Finding) -> list[str]:
    """Return what the verdict hinges on; nothing where nothing stands out."""
    found = [_hinged(hinge) for hinge in finding.hinges]
    if found and finding.rivals:
        names = " or ".join(each.name for each in finding.rivals)
        found[0] += f", or it is {names}: the readings do not tell these apart"
    named = {hinge.dimension.choice for hinge in finding.hinges}
    alone: dict[str, list[Turn]] = {}
    for turn in finding.turns:
        if turn.dimension.choice not in named:
            alone.setdefault(turn.dimension.choice, []).append(turn)
    told = [_turned(turns) for turns in alone.values()]
    told += [f"reading {name}" for name in finding.named]
    if told:
        shown = ", ".join(f"under {each}" for each in told[:MOST_TURNS])
        if len(told) > MOST_TURNS:
            shown += f", and {len(told) - MOST_TURNS} more"
        # Any other default is decided against by readings under which the claim fails.
        verb = "holds" if finding.default == NOT_REPLICATED else "fails"
        found.append(f"with all else as in our reading it {verb} {shown}")
    return found


def condition(hinge: Hinge) -> str:
    """Return where a claim holds less often, for example ``direct exponent is below 3``."""
    relation = hinge.relation if hinge.relation.startswith("is") else f"is {hinge.relation}"
    return f"{hinge.dimension.name} {relation} {hinge.dimension.told(hinge.value)}"


def robustness(finding: Finding) -> str:
    """Return what all readings say together, in a word or two."""
    told = {
        ALONE: "one reading only",
        OPEN: "too often open",
        DEPENDS: "depends on the reading",
    }
    if finding.by_luck:
        return BY_LUCK
    return told.get(finding.robustness, finding.robustness)


def share(finding: Finding) -> str:
    """Return the share of sampled readings in which a claim holds, with its interval."""
    counts = finding.sampled
    if not counts.decided:
        return "none decided" if counts.total else "none sampled"
    low, high = finding.share
    return f"{counts.holds} of {counts.decided} decided, {100 * low:.0f} to {100 * high:.0f} %" + (
        f"; {counts.open} open" if counts.open else ""
    )


def short(finding: Finding) -> str:
    """Return the count for a list: ``holds in 38 of 41 readings``."""
    counts = finding.every
    said = f"holds in {counts.holds} of {_readings(counts.total)}"
    if counts.open:
        said += f", open in {counts.open}"
    return f"{said}, {BY_LUCK}" if finding.by_luck else said


def _hinged(hinge: Hinge) -> str:
    there, elsewhere = hinge.there, hinge.elsewhere
    verb = "holds less often"
    if there.holds == 0 and there.open == 0:
        verb = "fails" if elsewhere.share > 0.5 else "never holds"
    told = f"{_of(there)} sampled readings, elsewhere {_of(elsewhere)}"
    return f"{verb} where {condition(hinge)} ({told})"


def _turned(turns: Sequence[Turn]) -> str:
    dimension = turns[0].dimension
    return f"{dimension.name} = {_either([dimension.told(turn.value) for turn in turns])}"


def _either(told: Sequence[str]) -> str:
    return " or ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _of(side: Side) -> str:
    return f"{side.holds} of {side.decided}" + (f" and {side.open} open" if side.open else "")


def _all(decided: int, total: int) -> str:
    ending = "" if decided == total else f" that decide{'s' if decided == 1 else ''} it"
    return ("the one reading" if decided == 1 else f"all {_readings(decided)}") + ending


def _readings(number: int) -> str:
    return f"{number} reading{'' if number == 1 else 's'}"


def verdict_of_default(finding: Finding) -> str:
    """Return the verdict under our reading, or that it says nothing there."""
    return finding.default or "says nothing"
