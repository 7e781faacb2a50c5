"""The papers of the committed gallery: their page, their table and their picture."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.image import imread

from irsrepro.claims.verdicts import REPLICATED
from irsrepro.figures.formats import encode
from irsrepro.figures.style import VERDICTS as COLOURS
from irsrepro.report.listing import duration
from irsrepro.report.pages import BADGES, OWN, address, counts, with_total

Row = Mapping[str, str]
COLUMNS = 3  # of the overview picture
VOCABULARY = (
    "After a claim stands in brackets where it is from (a sentence of the paper if nothing is "
    "said), and in italics the tightest comparison of the check that decides it. That all "
    "comparisons of a claim hold is decided by the interval of each (*each alone*); that one "
    "fails, by intervals that hold for all of them together (*simultaneous*). Either is made to "
    "hold however often one has looked (see [verdicts](../numbers.md#verdicts)). *Cause* says why "
    "a claim does not replicate: **paper**, we think that the sentence is wrong or inexact; "
    "**lost number**, it depends on a value that the text has lost; **sample**, too few "
    "realisations; **budget**, a bound or a rounding that is not computed more tightly. *Rounding "
    "alone turns it*: another rounding of the last digits would change the verdict."
)


@dataclass(frozen=True)
class Exhibit:
    """One paper of the committed gallery.

    Attributes:
        key: citation key.
        source: its configuration.
        claims: its rows of the scorecard, every value as text.
        times: seconds of computation behind every figure; figures share some of it.
        time: seconds of computation behind all of them.
    """

    key: str
    source: Mapping[str, Any]
    claims: Sequence[Row]
    times: Mapping[str, float]
    time: float

    @property
    def cover(self) -> str:
        """The figure of a single frame of curves that most claims are about."""
        figures = [row["figure"] for row in self.claims]
        framed_figures = [
            name
            for name, figure in self.source["figures"].items()
            if figure["kind"] not in ("layout", "sheet")
        ]
        return str(max(framed_figures, key=figures.count))


def page(
    exhibits: Sequence[Exhibit],
    alternatives: bool = False,
    shares: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the gallery as Markdown: every figure with its caption, claims and computing time.

    Args:
        exhibits: the papers in order.
        alternatives: whether there is a page about alternative readings to link to.
        shares: in how many readings of its multiverse a claim holds, by citation key and claim.
    """
    parts = [
        "# Gallery",
        "Every figure of the last full build, with the claims about it and their verdicts "
        f"({', '.join(f'{badge} {verdict}' for verdict, badge in BADGES.items())}). Made by "
        "`irsrepro showcase`; do not edit. The numbers behind the verdicts are in "
        "[scorecard.csv](scorecard.csv), those behind a figure in the table beside it, computing "
        "times in [times.csv](times.csv), hashes and versions in [manifest.json](manifest.json).",
        VOCABULARY,
        "Which verdicts depend on how a paper is read: [alternatives.md](alternatives.md)."
        if alternatives
        else "",
        "How claims fare under many readings of what the papers leave open: "
        "[multiverse](multiverse/README.md)."
        if shares
        else "",
        "![one figure of every paper](overview.png)",
        overview_table(exhibits, ""),
    ]
    for exhibit in exhibits:
        key, source = exhibit.key, exhibit.source
        own = (shares or {}).get(key, {})
        parts += [f"## {key}", f"**{source['title']}.** {reference(source)} {source['summary']}"]
        for name, figure in source["figures"].items():
            parts += [
                f'<a id="{key}-{name}"></a>\n\n### {key}, {name}: {figure["title"]}',
                f"![{figure['title']}]({key}/{name}.png)",
                f"{figure['caption'].strip()} [Table]({key}/{name}.csv). "
                f"Computed in {duration(exhibit.times[name])}.",
                _claims([row for row in exhibit.claims if row["figure"] == name], own),
            ]
        rows = [row for row in exhibit.claims if row["figure"] not in source["figures"]]
        parts += ["### Claims about no figure", _claims(rows, own)] if rows else []
    return "\n\n".join(part for part in parts if part) + "\n"


def overview_table(exhibits: Sequence[Exhibit], folder: str) -> str:
    """Return the papers with their figures, verdicts and computing times as a Markdown table.

    Args:
        exhibits: the papers in order.
        folder: where the gallery lies as seen from the text, with a slash at its end, or nothing.
    """
    place = f"{folder}README.md" if folder else ""
    tallies = with_total({exhibit.key: exhibit.claims for exhibit in exhibits})
    cells = {key: " | ".join(map(str, tally.values())) for key, tally in tallies.items()}
    heads = list(tallies["all"])
    lines = [
        f"| paper | figures | {' | '.join(heads)} | computing time, one core |",
        f"|---|---|{'---|' * len(heads)}---|",
    ]
    for exhibit in exhibits:
        figures = ", ".join(
            f"[{name}]({place}#{exhibit.key}-{name})" for name in exhibit.source["figures"]
        )
        lines.append(
            f"| **[{exhibit.key}]({place}#{exhibit.key})** {exhibit.source['title']}. "
            f"{reference(exhibit.source)} | {figures} | "
            f"{cells[exhibit.key]} | {duration(exhibit.time)} |"
        )
    total = duration(sum(exhibit.time for exhibit in exhibits))
    lines.append(f"| all | | {cells['all']} | {total} |")
    rows = [row for exhibit in exhibits for row in exhibit.claims if row["source"] == OWN]
    calibrated = sum(map(_is_no_evidence, rows))
    if calibrated:
        lines.append(
            f"\n{calibrated} of the {counts(rows)[REPLICATED]} sentences that replicate rest on a "
            "value that we calibrated so that a trend stated in the paper shows: their agreement "
            "is no evidence for the paper. The gallery marks them."
        )
    return "\n".join(lines)


def reference(source: Mapping[str, Any]) -> str:
    """Return authors, year and identifiers of a paper with their links."""
    names = ", ".join(author.split()[-1] for author in source["authors"])
    links = [
        f"[{kind}:{name}]({address(kind, name)})" if address(kind, name) else f"{kind}:{name}"
        for kind, name in source["identifiers"].items()
    ]
    return f"{names} {source['year']}, {', '.join(links)}."


def _claims(rows: Sequence[Row], shares: Mapping[str, str]) -> str:
    return "\n".join(
        f"* {BADGES[row['verdict']]} **{row['claim']}** ({row['about']}, {row['verdict']}"
        + (f", {row['source']}" if row["source"] != "paper" else "")
        + (", rests on a calibrated value" if _is_no_evidence(row) else "")
        + f"): {row['text']} *{row['sentence']}*"
        + (f" Cause: {row['cause']}." if row["cause"] else "")
        + (
            f" [Every reading](multiverse/{row['paper']}.md): {shares[row['claim']]}."
            if row["claim"] in shares
            else ""
        )
        for row in rows
    )


def _is_no_evidence(row: Row) -> bool:
    """Whether a claim holds with the help of a value chosen so that a stated trend shows."""
    return row["by_construction"] == "1" and row["verdict"] == REPLICATED


def overview_picture(exhibits: Sequence[Exhibit], pictures: Mapping[str, bytes]) -> bytes:
    """Return one PNG with the cover figure of every paper and a bar of verdicts for each.

    Args:
        exhibits: the papers in order.
        pictures: PNG of the cover figure by citation key.
    """
    rows = -(-(len(exhibits) + 1) // COLUMNS)
    sheet = Figure(figsize=(4.2 * COLUMNS, 3.5 * rows), layout="constrained", dpi=110)
    panels = sheet.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels:
        panel.axis("off")
    for panel, exhibit in zip(panels, exhibits, strict=False):
        panel.imshow(imread(io.BytesIO(pictures[exhibit.key])), interpolation="antialiased")
        panel.set_title(f"{exhibit.key}, {exhibit.cover}", fontsize=11)
    bars = panels[len(exhibits)]
    bars.axis("on")
    left = [0] * len(exhibits)
    names = [exhibit.key for exhibit in exhibits]
    for verdict, colour in COLOURS.items():
        widths = [counts(exhibit.claims)[verdict] for exhibit in exhibits]
        segments = bars.barh(names, widths, left=left, color=colour, label=verdict)
        bars.bar_label(
            segments, [str(width) if width else "" for width in widths], label_type="center",
            color="white", fontsize=10, fontweight="bold",
        )  # fmt: skip
        left = [a + b for a, b in zip(left, widths, strict=True)]
    bars.invert_yaxis()
    bars.set_title("the papers' own sentences, by verdict", fontsize=11)
    bars.tick_params(length=0)
    bars.set_xticks([])
    bars.spines[:].set_visible(False)
    bars.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=10)
    return encode(sheet, {"png": {"Software": None}})["png"]
