"""The specification curve of a claim: what every reading makes of it, and what the reading chooses.

After Simonsohn, Simmons and Nelson (2020): estimates in ascending order, beneath each the choices
of its reading. The same data gives the same bytes.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from irsrepro.figures.formats import encode
from irsrepro.figures.style import GREY, STYLE, VERDICTS

MARKERS = {"replicated": "o", "undecided": "s", "not replicated": "X"}
WIDTH, UPPER, ROW, LINE = 8.4, 2.7, 0.27, 0.17  # inches
SPAN = 0.56  # height of the values of a choice, of its row
LONGEST = 48  # letters of a label
SPACE = "\N{NO-BREAK SPACE}"
WHOLE = 4.0  # medians: length of an interval that is drawn whole
RANGE = "#DCE8F2"
LIGHT, DARK = np.array([0.68, 0.78, 0.88]), np.array([0.03, 0.25, 0.5])  # first, last value


@dataclass(frozen=True)
class Bar:
    """A claim under one reading.

    Attributes:
        verdict: on the claim.
        estimate: of the tightest contrast of the check that is drawn.
        lower: lower end of its interval.
        upper: upper end.
        required_low: lower end of the range that the claim requires.
        required_high: upper end.
        by_other_check: another check of the claim decides here.
        default: it is the default reading.
        places: by choice, which of its values the reading has.
    """

    verdict: str
    estimate: float
    lower: float
    upper: float
    required_low: float
    required_high: float
    by_other_check: bool
    default: bool
    places: tuple[int, ...]

    @property
    def order(self) -> tuple[bool, float, tuple[int, ...]]:
        """By which bars are sorted: the estimate, unknown ones last."""
        unknown = math.isnan(self.estimate)
        return unknown, 0.0 if unknown else self.estimate, self.places


@dataclass(frozen=True)
class Choice:
    """A row of choices: its label, the values as text, which of them is ours, whether numbers."""

    label: str
    values: tuple[str, ...]
    default: int
    numeric: bool


@dataclass(frozen=True)
class Specification:
    """A specification curve.

    Attributes:
        facts: ``paper`` and ``seed``.
        claim: id.
        text: of the claim.
        sentence: what the readings say together.
        unit: of the estimates, empty for a plain number.
        bars: the readings in the order in which they are drawn.
        choices: the rows beneath.
    """

    facts: Mapping[str, str]
    claim: str
    text: str
    sentence: str
    unit: str
    bars: Sequence[Bar]
    choices: Sequence[Choice]


def render_specification(specification: Specification) -> dict[str, bytes]:
    """Draw a specification curve.

    Returns:
        The files by ending: ``svg`` and ``png``.
    """
    rows = len(specification.choices)
    with style.context(["default", STYLE]):
        # Many curves share one page: fewer pixels than a figure of its own.
        picture = Figure(layout="constrained", dpi=130)
        heights = [UPPER, max(ROW * rows, 0.01)]
        upper, lower = picture.subplots(2, 1, sharex=True, height_ratios=heights)
        _draw_bars(upper, specification)
        _draw_choices(lower, specification)
        title = _fill(f"{specification.claim}: {specification.text}", 92)
        caption = _fill(f"{specification.sentence}.", 150)
        picture.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        picture.supxlabel(caption, x=0.01, ha="left", color=GREY, fontsize=8)
        lines = title.count("\n") + caption.count("\n") + 3
        picture.set_size_inches(WIDTH, sum(heights) + 0.3 + LINE * lines)
        return encode(picture, _metadata(specification))


def _draw_bars(axes: Axes, specification: Specification) -> None:
    bars = specification.bars
    bottom, top = _limits(bars)
    places = np.arange(len(bars))
    required = np.array([(bar.required_low, bar.required_high) for bar in bars])
    low, high = np.clip(required, bottom, top).T
    axes.bar(places, high - low, 1.0, low, color=RANGE, linewidth=0, zorder=0)
    for end in required.T:
        finite = np.isfinite(end)
        axes.hlines(end[finite], places[finite] - 0.5, places[finite] + 0.5, color=GREY,
                    linewidth=0.7, zorder=1)  # fmt: skip
    intervals = np.array([(bar.lower, bar.upper) for bar in bars])
    lower, upper = np.clip(intervals, bottom, top).T  # an infinite end leaves the frame
    colours = [VERDICTS[bar.verdict] for bar in bars]
    axes.vlines(places, lower, upper, color=colours, linewidth=1.1, zorder=2)
    for verdict, other in {(bar.verdict, bar.by_other_check): None for bar in bars}:
        own = [
            n for n, bar in enumerate(bars) if (bar.verdict, bar.by_other_check) == (verdict, other)
        ]
        axes.plot(
            own, [bars[n].estimate for n in own], color=VERDICTS[verdict], markersize=4.5,
            marker=MARKERS[verdict], markerfacecolor="white" if other else VERDICTS[verdict],
            linestyle="none", zorder=3,
        )  # fmt: skip
    _mark_default(axes, bars)
    axes.set_ylim(bottom, top)
    axes.set_xlim(-0.7, len(bars) - 0.3)
    axes.set_ylabel(specification.unit or "estimate")
    axes.grid(False, axis="x")
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.legend(handles=_legend(bars), loc="upper left", ncols=3, fontsize=7, handlelength=1.2)


def _mark_default(axes: Axes, bars: Sequence[Bar]) -> None:
    for place, bar in enumerate(bars):
        if bar.default:
            axes.axvline(place, color=GREY, linewidth=0.7, linestyle=":", zorder=1)


def _legend(bars: Sequence[Bar]) -> list[Any]:
    """Return entries for what is drawn, with the number of readings of each verdict."""
    entries: list[Any] = []
    for verdict, colour in VERDICTS.items():
        count = sum(bar.verdict == verdict for bar in bars)
        if count:
            entries.append(Line2D([], [], color=colour, marker=MARKERS[verdict], markersize=4.5,
                                  label=f"{verdict} ({count})"))  # fmt: skip
    if any(bar.by_other_check for bar in bars):
        entries.append(Line2D([], [], color=GREY, marker="o", markersize=4.5, linestyle="none",
                              markerfacecolor="white", label="another check decides"))  # fmt: skip
    entries.append(Patch(color=RANGE, label="what the claim requires"))
    entries.append(Line2D([], [], color=GREY, linewidth=0.7, linestyle=":", label="our reading"))
    return entries


def _limits(bars: Sequence[Bar]) -> tuple[float, float]:
    """Return the ends of the axis: estimates, requirements and most of the intervals.

    The longest intervals leave the frame, so that the others can be told apart.
    """
    estimates = np.array([bar.estimate for bar in bars])
    required = np.array([(bar.required_low, bar.required_high) for bar in bars])
    ends = np.array([(bar.lower, bar.upper) for bar in bars])
    lengths = np.abs(ends - estimates[:, None])
    finite_lengths = lengths[np.isfinite(lengths)]
    longest = WHOLE * float(np.median(finite_lengths)) if finite_lengths.size else 0.0
    near = np.clip(ends, estimates[:, None] - longest, estimates[:, None] + longest)
    numbers = np.concatenate([estimates, required.ravel(), near.ravel()])
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return -1.0, 1.0
    span = float(np.ptp(finite)) or abs(float(finite[0])) or 1.0
    return float(finite.min()) - 0.08 * span, float(finite.max()) + 0.34 * span


def _draw_choices(axes: Axes, specification: Specification) -> None:
    """Draw which value each reading has: the higher in its row and the darker, the later it is."""
    choices, bars = specification.choices, specification.bars
    for row in range(1, len(choices), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    marks = [
        (place, row, bar.places[row] / max(len(choice.values) - 1, 1))
        for row, choice in enumerate(choices)
        for place, bar in enumerate(bars)
    ]
    if marks:
        x, rows, levels = np.array(marks).T
        shades = LIGHT + levels[:, None] * (DARK - LIGHT)
        heights = rows + SPAN * (0.5 - levels)
        axes.scatter(x, heights, 13.0, shades, marker="s", linewidths=0, zorder=3)
    _mark_default(axes, bars)
    axes.set_ylim(max(len(choices), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(choices)), [_label(choice) for choice in choices], fontsize=7)
    axes.tick_params(axis="both", length=0, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _label(choice: Choice) -> str:
    """Return the label of a row: the values from bottom to top, ours in brackets."""
    whole = [value.replace(" ", SPACE) for value in choice.values]
    texts = [
        f"[{value}]" if place == choice.default else value for place, value in enumerate(whole)
    ]
    values = ", ".join(texts)
    room = max(LONGEST - len(choice.label), 16)
    if len(values) > room:
        ends = f"{whole[0]} to {whole[-1]}, " if choice.numeric else ""
        values = f"{ends}{len(texts)} values, ours {texts[choice.default]}"
    return _fill(f"{choice.label}: {values}", LONGEST)


def _fill(text: str, width: int) -> str:
    """Break a text into lines, no number apart from its percent sign."""
    return textwrap.fill(text.replace(" %", f"{SPACE}%"), width)


def _metadata(specification: Specification) -> dict[str, dict[str, Any]]:
    title = f"{specification.facts['paper']} {specification.claim}: specification curve"
    facts = [f"{name}={value}" for name, value in sorted(specification.facts.items())]
    about = f"{specification.text} {specification.sentence}."
    return {
        "svg": {"Title": title, "Description": about, "Keywords": facts, "Creator": "irsrepro",
                "Date": None},
        "png": {"Title": title, "Description": about, "Comment": ", ".join(facts),
                "Software": "irsrepro"},
    }  # fmt: skip
