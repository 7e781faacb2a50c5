"""How curves look: colours, markers and dashes, one style for all papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

Schemes = Mapping[str, Mapping[str, Any]]

# Okabe and Ito's palette for every kind of colour vision, without its yellow. Seven colours and
# nine markers have no common divisor, so that 63 schemes differ.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
WORTH_TELLING = 0.005  # share of capped runs from which the small print tells it
NOTICEABLE = 0.05  # share of an interval from which the small print tells of rounding
BROAD, PALE = 3.0, 0.45  # points added, opacity: of a curve beneath another
GREY, RED = "#595959", "#C00000"
VERDICTS = {"replicated": "#2b8a3e", "undecided": "#e8a33d", "not replicated": "#c92a2a"}
WIDTH, HEIGHT, LINE = 4.7, 3.7, 0.18  # inches; still readable when set at 100 mm
MOST_TICKS = 10
MOST_INSIDE = 4  # entries of a legend; more go below the axes, where they cover no curve
LONGEST_OF_TWO = 31  # letters of an entry up to which two are side by side
DASHES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (1, 3)),
)  # of several experiments
DOTTED: Any = (0, (1, 1.5))
LONGEST_TO_SCALE = 8  # ratio of the sides up to which a layout is drawn to scale
STYLE = {
    "font.family": "sans-serif",  # of which DejaVu Sans, shipped with matplotlib, comes first
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "#CCCCCC",
    "lines.markersize": 5.5,
    "figure.dpi": 220,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "irsrepro",
}


@dataclass(frozen=True)
class CurveStyle:
    """How a curve is drawn.

    Attributes:
        colour: of line, marker and interval.
        marker: at the points of a curve.
        width: of the line in points.
        dashes: line style of matplotlib.
        label: in the legend; empty where other entries explain it.
        beneath: how far under the others, because these cover it: broader and paler; 0 for most.
    """

    colour: str
    marker: str
    width: float
    dashes: Any
    label: str
    beneath: int = 0

    @property
    def line(self) -> dict[str, Any]:
        """How matplotlib draws the line and its markers."""
        if self.beneath:
            wide = 1.0 + BROAD * self.beneath
            return {"linewidth": wide, "markersize": 4 + wide, "alpha": PALE, "zorder": 1.5}
        return {"linewidth": self.width, "markersize": None if self.width > 1 else 3.5}


def curve_style(
    schemes: Schemes, scheme: str, figure: Mapping[str, Any] | None = None, experiment: str = ""
) -> CurveStyle:
    """Return how a scheme is drawn: fixed by its place in the configuration of its paper.

    Args:
        schemes: the schemes of the paper.
        scheme: which one.
        figure: section of the figure, whose ``colours`` come first: of the scheme in an experiment
            (``EXPERIMENT/SCHEME``), of the scheme, or of the experiment. It also says which schemes
            are ``beneath`` others, and which ones the printed figure does not have (``added``).
        experiment: where the curve is from.
    """
    figure = figure or {}
    colours = figure.get("colours", {})
    names = (f"{experiment}/{scheme}", scheme, experiment)
    colour = next((colours[name] for name in names if name in colours), None)
    place, below = list(schemes).index(scheme), figure.get("beneath", [])
    beyond = schemes[scheme].get("beyond_paper", False) or scheme in figure.get("added", [])
    return CurveStyle(
        colour or COLOURS[place % len(COLOURS)],
        MARKERS[place % len(MARKERS)],
        width=0.9 if beyond else 1.7,
        dashes="--" if beyond else "-",
        label=schemes[scheme]["title"],
        beneath=len(below) - below.index(scheme) if scheme in below else 0,
    )


def curve_styles(
    data: xr.Dataset, schemes: Schemes, figure: Mapping[str, Any] | None = None
) -> dict[str, CurveStyle]:
    """Return the style of every curve that has anything to show, in the order of the configuration.

    Colour and marker tell the scheme, dashes the experiment where there are several, but of
    distributions, whose dashes tell the point. A curve cut short after some iterations, or of
    another quantity, is a thin dotted one of the same scheme.
    """
    experiments = list(dict.fromkeys(data["experiment"].values.tolist()))
    styles = {}
    for curve in in_order(data, schemes):
        entry = data.sel(curve=curve)
        scheme, experiment = str(entry["scheme"].item()), str(entry["experiment"].item())
        style = curve_style(schemes, scheme, figure, experiment)
        if len(experiments) > 1 and data.attrs["kind"] != "distributions":
            dashes = DASHES[experiments.index(experiment) % len(DASHES)]
            style = replace(style, dashes=dashes, label="")
        if (cut := int(entry["after"])) >= 0:
            ending = "iteration" if cut == 1 else "iterations"
            label = f"{schemes[scheme]['title']}, {cut} {ending}"
            style = replace(style, width=1.0, dashes=DOTTED, label=label)
        if other := str(entry["quantity"].item()) if "quantity" in entry.coords else "":
            label = (figure or {})["also"][scheme][other]
            style = replace(style, width=1.0, dashes=DOTTED, label=label)
        styles[curve] = style
    return styles


def in_order(data: xr.Dataset, schemes: Schemes) -> list[str]:
    """Return the curves that have anything to show, in the order of the configuration."""
    values = data["value"]
    return [
        str(curve)
        for scheme in schemes
        for curve in data["curve"].values[data["scheme"].values == scheme]
        if bool(np.isfinite(values.sel(curve=curve)).any())
    ]
