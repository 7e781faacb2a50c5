"""Legends and axis labels of a picture."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from irsrepro.figures.style import LINE, LONGEST_OF_TWO, MOST_INSIDE


def draw_legend(axes: Axes, *more: Line2D) -> None:
    """Draw a legend inside the axes, or below them where it has many entries.

    Args:
        axes: whose artists have labels.
        more: entries beyond those of the artists.
    """
    entries = [*axes.get_legend_handles_labels()[0], *more]
    if len(entries) > MOST_INSIDE:
        columns = _legend_columns([str(entry.get_label()) for entry in entries])
        axes.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.46, -0.17),
                    ncols=columns, frameon=False, fontsize=8,
                    handlelength=2.4, columnspacing=1.2)  # fmt: skip
    elif entries:
        axes.legend(handles=entries, loc="best")


def legend_height(axes: Axes) -> float:
    """Return the height in inches that a legend below the axes adds to a picture."""
    legend = axes.get_legend()
    texts = [text.get_text() for text in legend.get_texts()] if legend else []
    if len(texts) <= MOST_INSIDE:
        return 0.0
    return LINE * math.ceil(len(texts) / _legend_columns(texts))


def _legend_columns(labels: list[str]) -> int:
    return 2 if max(map(len, labels)) <= LONGEST_OF_TWO else 1


def label_axes(axes: Axes, figure: Mapping[str, Any], *, legend_above: bool) -> None:
    """Write title, axis labels and limits of a figure, as its configuration has them.

    Args:
        axes: to write on.
        figure: the section of the configuration.
        legend_above: whether room is needed between the axes and the title.
    """
    above = 22 if legend_above else None
    axes.set_title(textwrap.fill(figure["title"], 56), pad=above)
    for side, section in (("x", figure.get("x", {})), ("y", figure.get("y", {}))):
        axes.set(**{f"{side}label": section.get("label", "")})
        if "limits" in section:
            axes.set(**{f"{side}lim": section["limits"]})
