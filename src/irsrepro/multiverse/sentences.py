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
        text = f"open in {_all(counts.total, counts.total)}"
    elif not counts.fails:
        text = f"holds in {_all(counts.decided, counts.total)}"
    elif not counts.holds:
        text = f"fails in {_all(counts.decided, counts.total)}"
    else:
        text = f"holds in {counts.holds} of {_readings(counts.total)}, fails in {counts.fails}"
    if counts.decided and counts.open:
        text += f", open in {counts.open}" + (
            "" if counts.holds and counts.fails else f" of {counts.total}"
        )
    if finding.silent:
        text += f", says nothing in {finding.silent} more"
    return text


def reasons(finding: Finding) -> list[str]:
    """Return what the verdict hinges on; nothing where nothing stands out."""
    texts = [_hinge_text(hinge) for hinge in finding.hinges]
    if texts and finding.rivals:
        names = " or ".join(rival.name for rival in finding.rivals)
        texts[0] += f", or it is {names}: the readings do not tell these apart"
    named = {hinge.dimension.choice for hinge in finding.hinges}
    alone: dict[str, list[Turn]] = {}
    for turn in finding.turns:
        if turn.dimension.choice not in named:
            alone.setdefault(turn.dimension.choice, []).append(turn)
    causes = [_turn_text(turns) for turns in alone.values()]
    causes += [f"reading {name}" for name in finding.named]
    if causes:
        conditions = ", ".join(f"under {cause}" for cause in causes[:MOST_TURNS])
        if len(causes) > MOST_TURNS:
            conditions += f", and {len(causes) - MOST_TURNS} more"
        # Any other default is decided against by readings under which the claim fails.
        verb = "holds" if finding.default == NOT_REPLICATED else "fails"
        texts.append(f"with all else as in our reading it {verb} {conditions}")
    return texts


def condition(hinge: Hinge) -> str:
    """Return where a claim holds less often, for example ``direct exponent is below 3``."""
    relation = hinge.relation if hinge.relation.startswith("is") else f"is {hinge.relation}"
    return f"{hinge.dimension.name} {relation} {hinge.dimension.text(hinge.value)}"


def robustness(finding: Finding) -> str:
    """Return what all readings say together, in a word or two."""
    texts = {
        ALONE: "one reading only",
        OPEN: "too often open",
        DEPENDS: "depends on the reading",
    }
    if finding.by_luck:
        return BY_LUCK
    return texts.get(finding.robustness, finding.robustness)


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
    """Return the count for a list: ``holds in 38, fails in 3 of 41 readings``."""
    counts = finding.every
    parts = {"holds": counts.holds, "fails": counts.fails, "open": counts.open}
    told = ", ".join(f"{word} in {count}" for word, count in parts.items() if count)
    text = f"{told} of {_readings(counts.total)}"
    return f"{text}, {BY_LUCK}" if finding.by_luck else text


def _hinge_text(hinge: Hinge) -> str:
    low_side, high_side = hinge.low_side, hinge.high_side
    verb = "holds less often"
    if low_side.holds == 0 and low_side.open == 0:
        verb = "fails" if high_side.share > 0.5 else "never holds"
    text = f"{_of(low_side)} sampled readings, elsewhere {_of(high_side)}"
    return f"{verb} where {condition(hinge)} ({text})"


def _turn_text(turns: Sequence[Turn]) -> str:
    dimension = turns[0].dimension
    return f"{dimension.name} = {_either([dimension.text(turn.value) for turn in turns])}"


def _either(texts: Sequence[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


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
