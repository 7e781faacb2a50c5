"""The committed page on verdicts under the named alternatives of each paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from irsrepro.config.paper import DEFAULT
from irsrepro.report.pages import BADGES

Row = Mapping[str, str]


def robustness_page(rows: Sequence[Row], abouts: Mapping[str, Mapping[str, str]]) -> str:
    """Return as Markdown how the verdict on every claim depends on the reading of its paper.

    Args:
        rows: of ``alternatives.csv``, every value as text.
        abouts: what each alternative reading is about, by citation key and name.
    """
    robust = sum(row["robustness"] == "robust" for row in rows)
    parts = [
        "# Verdicts under alternative readings",
        f"{robust} of {len(rows)} claims are robust: decided alike under every reading of their "
        f"paper that decides them, which at least 90 % do, at {rows[0]['fidelity']} fidelity; *n* "
        "is the number of realisations behind the default one. With few realisations a claim is "
        "easily undecided under one reading and decided under another. Made by `irsrepro "
        "showcase`; do not edit. All verdicts: [alternatives.csv](alternatives.csv).",
    ]
    for key, about_of in abouts.items():
        lines = ["| claim | default reading | n | other verdicts |", "|---|---|---|---|"]
        for row in rows:
            if row["paper"] == key:
                others = [
                    f"{BADGES[row[name]]} `{name}`"
                    for name in [*row["depends_on"].split(), *row["open_under"].split()]
                    if name != DEFAULT
                ] or ["none"]
                default = f"{BADGES[row['verdict']]} {row['verdict']}"
                name = f"[{row['claim']}](README.md#{key}-{row['figure']})"
                lines.append(f"| {name} | {default} | {row['n']} | {', '.join(others)} |")
        readings = [f"* `{name}`: {about}" for name, about in about_of.items()]
        parts += [f"## {key}", "\n".join(lines), "\n".join(readings)]
    return "\n\n".join(parts) + "\n"
