"""Pages about the multiverse of each paper: every claim under every reading.

Pure functions from data to text, as in ``pages``; what they say is the same in HTML and Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irsrepro.claims.robustness import ALONE, DEPENDS, OPEN, ROBUST, Counts
from irsrepro.claims.verdicts import UNDECIDED
from irsrepro.config.paper import DEFAULT
from irsrepro.multiverse.calibration import WARNING, standings
from irsrepro.multiverse.choices import Dimension, default_of, dimensions, key_of
from irsrepro.multiverse.explored import KINDS
from irsrepro.multiverse.hinges import Finding, findings
from irsrepro.multiverse.sentences import (
    condition,
    robustness,
    sentence,
    share,
    short,
    verdict_of_default,
)
from irsrepro.multiverse.tables import Multiverse
from irsrepro.report.pages import BADGES, OWN, embed, part

MOST_LISTED = 6
WIDTH = (1100, 64)  # of a curve in a page: largest width in pixels, colours
ABOUT_KINDS = dict(
    zip(
        KINDS,
        ("default", "named alternatives", "plausible values alone", "sampled points"),
        strict=True,
    )
)
EXPLAINED = (
    "A reading is a complete choice of what the paper leaves open. The choices, and the values "
    "taken for plausible, are ours: they are not a sample from a distribution that contains the "
    "truth, and a share of readings is no probability that a claim is true. A claim is given "
    "realisations here until it is decided or seems to want too many, and the scorecard has all "
    "those of a build, so that our reading may be open in one and decided in the other. Claims on "
    "computing times are left out."
)


@dataclass(frozen=True)
class Survey:
    """A multiverse and what it says of every claim.

    Attributes:
        multiverse: the verdicts.
        source: the configuration of the paper.
        findings: by claim.
    """

    multiverse: Multiverse
    source: Mapping[str, Any]
    findings: Mapping[str, Finding]

    @property
    def key(self) -> str:
        """Citation key."""
        return self.multiverse.facts["paper"]

    @property
    def kinds(self) -> dict[str, int]:
        """How many readings there are of each kind, in words."""
        counts = Counter(reading.kind for reading in self.multiverse.readings.values())
        return {about: counts[kind] for kind, about in ABOUT_KINDS.items() if counts[kind]}

    @property
    def by_luck(self) -> list[Finding]:
        """Claims that replicate as we read the paper, but in under half of decided readings."""
        return [finding for finding in self.findings.values() if finding.by_luck]

    @property
    def varied_choices(self) -> list[Dimension]:
        """The choices that readings vary."""
        choice_sets = [reading.choices for reading in self.multiverse.readings.values()]
        return list(dimensions(choice_sets, self.multiverse.ours, self.source).values())

    @property
    def changed_values(self) -> list[str]:
        """What the configuration has by now instead of our values in the multiverse, in words."""
        return [
            f"{dimension.name} was {dimension.text(dimension.values[dimension.default])}"
            for dimension in self.varied_choices
            if key_of(default_of(self.source, dimension.choice))
            != key_of(dimension.values[dimension.default])
        ]

    def tally(self, own: bool = False) -> dict[str, int]:
        """Return how many claims, or only sentences of the paper, are robust, depend, or are open.

        Those that hold by luck are counted once more.
        """
        findings = [
            finding
            for claim, finding in self.findings.items()
            if not own or self.multiverse.row(claim)["source"] == OWN
        ]
        counts = Counter(finding.robustness for finding in findings)
        return {
            "claims": len(findings),
            "robust": counts[ROBUST],
            "depend on the reading": counts[DEPENDS],
            "too often open": counts[OPEN] + counts[ALONE],
            "by luck of our guess": sum(finding.by_luck for finding in findings),
        }

    @property
    def tallies(self) -> dict[str, str]:
        """``tally`` in words, of all claims and of the sentences of the paper alone."""
        return {
            about: ", ".join(f"{count} {name}" for name, count in self.tally(own).items())
            for about, own in (("All claims", False), ("Sentences of the paper alone", True))
        }

    def text(self, claim: str) -> str:
        """Return a claim in our words."""
        return str(self.source["claims"][claim]["text"])

    def rows(self) -> list[dict[str, Any]]:
        """Return of every claim what a page shows."""
        return [
            {
                "claim": claim,
                "text": self.text(claim),
                "source": self.multiverse.row(claim)["source"],
                "figure": self.multiverse.row(claim)["figure"],
                "verdict": verdict_of_default(finding),
                "sentence": sentence(finding),
                "short": short(finding),
                "share": share(finding),
                "robustness": robustness(finding),
                "by_luck": finding.by_luck,
                "counts": _counts(finding),
                "hinges": [_hinge(hinge) for hinge in finding.hinges],
                "ranked": [_hinge(hinge) for hinge in finding.ranked],
                "flips": finding.flips,
            }
            for claim, finding in self.findings.items()
        ]

    def choices(self) -> list[dict[str, str]]:
        """Return what the readings vary: each choice with our value and the others."""
        return [
            {
                "choice": dimension.name,
                "ours": dimension.whole_text(dimension.values[dimension.default]),
                "others": _other_values(dimension),
            }
            for dimension in self.varied_choices
        ]

    def readings(self) -> dict[str, Any]:
        """Return the readings under which most sentences of the paper hold, beside ours.

        Returns:
            ``warning``, and ``rows``: reading, kind, choices, verdicts, and what is won and lost.
        """
        ours, best = standings(self.multiverse)
        others = [standing for standing in best if standing.reading.name != ours.reading.name]
        by_choice = {dimension.choice: dimension for dimension in self.varied_choices}
        rows = []
        for standing in [ours, *others]:
            choices = [
                f"{by_choice[name].name} = {by_choice[name].text(value)}"
                for name, value in standing.reading.choices.items()
                if standing.reading.name != DEFAULT
            ]
            rows.append(
                {
                    "reading": standing.reading.name,
                    "kind": standing.reading.kind,
                    "choices": ", ".join(choices) or "nothing changed",
                    "holds": standing.counts.holds,
                    "fails": standing.counts.fails,
                    "open": standing.counts.open,
                    "gained": ", ".join(map(self._gained_claim, standing.gained)) or "–",
                    "lost": ", ".join(standing.lost) or "–",
                }
            )
        return {"warning": WARNING, "rows": rows, "ours_is_best": len(best) > len(others)}

    def _gained_claim(self, claim: str) -> str:
        """Return a claim that holds under another reading, and whether ours leaves it open."""
        left = self.findings[claim].default == UNDECIDED
        return f"{claim} (open in ours)" if left else claim


def survey_multiverse(multiverse: Multiverse, source: Mapping[str, Any]) -> Survey:
    """Return a multiverse with what it says of every claim.

    Args:
        multiverse: the verdicts.
        source: the configuration of the paper.
    """
    return Survey(multiverse, source, findings(multiverse, source))


def page(survey: Survey, curves: Mapping[str, bytes]) -> str:
    """Return the page of a paper as self-contained HTML.

    Args:
        survey: its multiverse.
        curves: PNG of the specification curves by claim.
    """
    pictures = {claim: embed(png, *WIDTH) for claim, png in curves.items()}
    return part(
        "multiverse.html.j2",
        survey=survey,
        rows=survey.rows(),
        best=survey.readings(),
        curves=pictures,
        explained=EXPLAINED,
    )


def index(surveys: Sequence[Survey]) -> str:
    """Return the page about the multiverses of all papers as self-contained HTML."""
    return part("multiverses.html.j2", surveys=surveys, explained=EXPLAINED)


def index_text(surveys: Sequence[Survey]) -> str:
    """Return the page about the multiverses of all papers as Markdown."""
    return "\n\n".join(
        [
            "# Every claim under every reading",
            f"{EXPLAINED} What the words mean: [docs/multiverse.md](../../multiverse.md). Made by "
            "`irsrepro multiverse`; do not edit.",
            tally_text(surveys, ""),
            *(text for survey in surveys if (text := _luck_text(survey))),
        ]
    ) + "\n"  # fmt: skip


def tally_text(surveys: Sequence[Survey], folder: str) -> str:
    """Return how many claims of each paper are robust, as a Markdown table.

    Args:
        surveys: the papers in order.
        folder: where their pages lie as seen from the text, with a slash at its end, or nothing.
    """
    heads = list(surveys[0].tally())
    lines = [f"| paper | readings | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for survey in surveys:
        cells = " | ".join(map(str, survey.tally().values()))
        link = f"[{survey.key}]({folder}{survey.key}.md)"
        lines.append(f"| {link} | {len(survey.multiverse.readings)} | {cells} |")
    return "\n".join(lines)


def page_text(survey: Survey) -> str:
    """Return the page of a paper as Markdown; its curves lie in a folder of its key."""
    key, rows = survey.key, survey.rows()
    kinds = ", ".join(f"{about} {count}" for about, count in survey.kinds.items())
    parts = [
        f"# {key} under every reading",
        f"**{survey.source['title']}.** {len(survey.multiverse.readings)} readings: {kinds}. "
        f"{EXPLAINED} Made by `irsrepro multiverse`; do not edit. Every verdict with estimate and "
        f"interval: [{key}.csv]({key}.csv).",
        "  \n".join(f"{about}: {tally}." for about, tally in survey.tallies.items()),
        _changed_values_text(survey),
        _luck_text(survey),
        claims_text(survey, f"{key}.md"),
        "## Which reading makes the paper true?",
        f"**{WARNING}**",
        _readings_text(survey.readings()),
        "## What is varied",
        _choices_text(survey.choices()),
    ]
    for row in rows:
        if row["flips"]:
            parts += [
                f"## {row['claim']}",
                f"{row['text']} *{_capital(row['sentence'])}.*",
                _hinges_text(row["hinges"]),
                f"[![specification curve of {row['claim']}]({key}/{row['claim']}.png)]"
                f"({key}/{row['claim']}.svg)",
            ]
    return "\n\n".join(part for part in parts if part) + "\n"


def claims_text(survey: Survey, place: str) -> str:
    """Return the table of all claims as Markdown.

    Args:
        survey: the multiverse.
        place: of the page with the curves of claims, as seen from the text.
    """
    lines = [
        "| claim | our reading | every reading | sampled readings | together |",
        "|---|---|---|---|---|",
    ]
    for row in survey.rows():
        name = f"[{row['claim']}]({place}#{row['claim']})" if row["flips"] else row["claim"]
        verdict = f"{BADGES.get(row['verdict'], '')} {row['verdict']}".strip()
        together = f"⚠️ **{row['robustness']}**" if row["by_luck"] else row["robustness"]
        lines.append(f"| {name} | {verdict} | {row['sentence']} | {row['share']} | {together} |")
    return "\n".join(lines)


def _changed_values_text(survey: Survey) -> str:
    """Return what has changed in our reading since as Markdown; nothing if nothing has."""
    changes = ", ".join(survey.changed_values)
    return (
        f"> ⚠️ Made with other values of ours than the configuration has: {changes}."
        if changes
        else ""
    )


def _luck_text(survey: Survey) -> str:
    """Return which claims hold by luck of our guess as Markdown; nothing without any."""
    if not survey.by_luck:
        return ""
    claims = [f"**{finding.claim}** ({short(finding)})" for finding in survey.by_luck]
    return (
        f"> ⚠️ {survey.key}: as we read the paper these replicate, but in under half of the "
        f"readings that decide them: {', '.join(claims)}."
    )


def _readings_text(best: Mapping[str, Any]) -> str:
    heads = ("reading", "kind", "what it chooses", "holds", "fails", "open", "won", "lost")
    names = ("reading", "kind", "choices", "holds", "fails", "open", "gained", "lost")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(str(row[name]) for name in names)} |" for row in best["rows"]]
    if best["ours_is_best"]:
        lines += [
            "",
            "Under no other reading do more of the paper's sentences hold than under ours.",
        ]
    return "\n".join(lines)


def _hinges_text(hinges: Sequence[Mapping[str, Any]]) -> str:
    if not hinges:
        return ""
    names = ("condition", "low_side", "high_side", "explained", "p")
    heads = ("where it holds less often", "holds there", "elsewhere", "explained", "p")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(hinge[name] for name in names)} |" for hinge in hinges]
    return "\n".join(lines)


def _choices_text(choices: Sequence[Mapping[str, str]]) -> str:
    lines = ["| what is varied | ours | others |", "|---|---|---|"]
    lines += [f"| {row['choice']} | {row['ours']} | {row['others']} |" for row in choices]
    return "\n".join(lines)


def _other_values(dimension: Dimension) -> str:
    """Return the values of a choice that are not ours, of many numbers the ends."""
    others = [value for n, value in enumerate(dimension.values) if n != dimension.default]
    if dimension.numeric and len(others) > MOST_LISTED:
        ends = f"{dimension.text(others[0])} to {dimension.text(others[-1])}"
        return f"{len(others)} values from {ends}"
    return "; ".join(map(dimension.whole_text, others))


def _counts(finding: Finding) -> dict[str, Counts]:
    return {
        "every reading": finding.every,
        "one thing changed": finding.single,
        "sampled": finding.sampled,
    }


def _hinge(hinge: Any) -> dict[str, str]:
    sides = {}
    for name, side in (("low_side", hinge.low_side), ("high_side", hinge.high_side)):
        low, high = side.interval
        ends = f"{100 * low:.0f} to {100 * high:.0f} %"
        left = f", {side.open} open" if side.open else ""
        sides[name] = f"{side.holds} of {side.decided} ({ends}){left}"
    p = f"{hinge.p:.4f}" if hinge.p > 0.0001 else "0.0001, the least there can be"
    explained = f"{100 * hinge.explained:.0f} %"
    return {"condition": condition(hinge), "explained": explained, "p": p, **sides}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
