"""Pictures of figure data: one style for all papers.

A picture states on its face how many realisations it rests on, and in red whatever makes it
something else than the figure itself: few realisations, another engine, another reading. The same
data gives the same bytes.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from irsrepro.errors import IrsreproError
from irsrepro.tables import node_classes

Schemes = Mapping[str, Mapping[str, Any]]

# Okabe and Ito's palette for every kind of colour vision, without its yellow. Seven colours and
# nine markers have no common divisor, so that 63 schemes differ.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
NOTICEABLE = 0.05  # share of an interval from which the small print tells of rounding
GREY, RED = "#595959", "#C00000"
WIDTH, HEIGHT, LINE = 4.7, 3.7, 0.18  # inches; still readable when set at 100 mm
MOST_TICKS = 10
MOST_INSIDE = 4  # entries of a legend; more go below the axes, where they cover no curve
LONGEST_OF_TWO = 31  # letters of an entry up to which two stand side by side
DASHES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (1, 3)),
)  # of several experiments
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
    "savefig.dpi": 220,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "irsrepro",
}


@dataclass(frozen=True)
class Look:
    """How a curve is drawn.

    Attributes:
        colour: of line, marker and interval.
        marker: at the points of a curve.
        width: of the line in points.
        dashes: line style of matplotlib.
        label: in the legend; empty where other entries explain it.
    """

    colour: str
    marker: str
    width: float
    dashes: Any
    label: str


def look(schemes: Schemes, scheme: str) -> Look:
    """Return the look of a scheme: fixed by its place in the configuration of its paper."""
    place = list(schemes).index(scheme)
    beyond = schemes[scheme].get("beyond_paper", False)
    return Look(
        COLOURS[place % len(COLOURS)],
        MARKERS[place % len(MARKERS)],
        width=0.9 if beyond else 1.7,
        dashes="--" if beyond else "-",
        label=schemes[scheme]["title"],
    )


def looks(data: xr.Dataset, schemes: Schemes) -> dict[str, Look]:
    """Return the look of every curve that has anything to show, in the order of the configuration.

    Colour and marker tell the scheme, dashes the experiment where there are several. A curve cut
    short after some iterations is a thin dotted one of the same scheme.
    """
    experiments = list(dict.fromkeys(data["experiment"].values.tolist()))
    found = {}
    for curve in _in_order(data, schemes):
        one = data.sel(curve=curve)
        plain = look(schemes, str(one["scheme"].item()))
        if len(experiments) > 1:
            dashes = DASHES[experiments.index(one["experiment"].item()) % len(DASHES)]
            plain = replace(plain, dashes=dashes, label="")
        if (cut := int(one["after"])) >= 0:
            ending = "iteration" if cut == 1 else "iterations"
            label = f"{schemes[str(one['scheme'].item())]['title']}, {cut} {ending}"
            plain = replace(plain, width=1.0, dashes=(0, (1, 1.5)), label=label)
        found[curve] = plain
    return found


def render(
    data: xr.Dataset,
    figure: Mapping[str, Any],
    schemes: Schemes,
    experiments: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Draw a figure.

    Args:
        data: figure data of a kind that ``figure_data`` makes.
        figure: the figure's section of the configuration; its title and axes are used.
        schemes: the schemes of the document, for looks and legend titles.
        experiments: legend titles of the experiments, where the figure draws several.

    Returns:
        The files by ending: ``pdf``, ``svg`` and ``png``.

    Raises:
        IrsreproError: the data is of a kind, or names a scheme, that is not known.
    """
    with style.context(["default", STYLE]):
        picture = Figure(layout="constrained")
        height = _draw(picture.subplots(), data, figure, schemes, experiments or {})
        lines = _write_face(picture, [data])
        picture.set_size_inches(WIDTH, height + LINE * lines)
        return _files(picture, data, figure)


def render_sheet(
    panels: Sequence[tuple[xr.Dataset, Mapping[str, Any]]],
    name: str,
    figure: Mapping[str, Any],
    schemes: Schemes,
    experiments: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Draw figures side by side.

    Args:
        panels: data and section of every figure.
        name: of the sheet.
        figure: the section of the sheet.
        schemes: as in ``render``.
        experiments: as in ``render``.
    """
    changes = dict.fromkeys(data.attrs["changes"] for data, _ in panels)
    first = panels[0][0].assign_attrs(figure=name, changes=", ".join(filter(None, changes)))
    with style.context(["default", STYLE]):
        picture = Figure(layout="constrained")
        grid = picture.subplots(1, len(panels), squeeze=False)[0]
        heights = [
            _draw(axes, data, section, schemes, experiments or {})
            for axes, (data, section) in zip(grid, panels, strict=True)
        ]
        lines = _write_face(picture, [first, *(data for data, _ in panels[1:])])
        picture.set_size_inches(WIDTH * len(panels), max(heights) + LINE * lines)
        return _files(picture, first, figure)


def _draw(
    axes: Axes,
    data: xr.Dataset,
    figure: Mapping[str, Any],
    schemes: Schemes,
    experiments: Mapping[str, str],
) -> float:
    """Draw a figure on its axes; return the height in inches that it needs."""
    name = f"{data.attrs['document']}/{data.attrs['figure']}"
    for scheme in _schemes_of(data):
        if scheme not in schemes:
            raise IrsreproError(
                f"{name}: no scheme {scheme!r} in the configuration; known are {', '.join(schemes)}"
            )
    height = HEIGHT
    match data.attrs["kind"]:
        case "curves":
            axes.set_xscale(figure["x"].get("scale", "linear"))
            _draw_curves(axes, data, schemes, {**experiments, **figure.get("titles", {})}, figure)
        case "trace":
            _draw_trace(axes, data, schemes, experiments)
        case "distributions":
            _draw_distributions(axes, data, schemes)
        case "layout":
            _draw_layout(axes, data)
            height = _layout_height(axes)
        case kind:
            raise IrsreproError(
                f"{name}: kind {kind!r} cannot be drawn; known are curves, trace, distributions, "
                "layout"
            )
    if data.attrs["kind"] != "layout":
        height += _legend_height(axes)
    _label(axes, figure, legend_above=data.attrs["kind"] == "layout")
    return height


def _files(picture: Figure, data: xr.Dataset, figure: Mapping[str, Any]) -> dict[str, bytes]:
    metadata = _metadata(data, figure)
    return {ending: _saved(picture, ending, metadata[ending]) for ending in metadata}


def warnings(*panels: xr.Dataset) -> list[str]:
    """Return what must not be overlooked about a figure; nothing for the figure itself."""
    found = []
    attributes = panels[0].attrs
    if attributes["fidelity"] == "preview":
        found.append(f"PREVIEW, {_count(panels)}")
    if attributes["engine"] != "fast":
        found.append(f"{attributes['engine']} engine")
    if attributes["reading"] != "default":
        found.append(f"reading {attributes['reading']}: {attributes['changes']}")
    return found


def _schemes_of(data: xr.Dataset) -> list[str]:
    return [str(scheme) for scheme in data["scheme"].values] if "scheme" in data.coords else []


def _in_order(data: xr.Dataset, schemes: Schemes) -> list[str]:
    """Return the curves that have anything to show, in the order of the configuration."""
    values = data["value"]
    return [
        str(curve)
        for scheme in schemes
        for curve in data["curve"].values[data["scheme"].values == scheme]
        if bool(np.isfinite(values.sel(curve=curve)).any())
    ]


def _draw_curves(
    axes: Axes,
    data: xr.Dataset,
    schemes: Schemes,
    experiments: Mapping[str, str],
    figure: Mapping[str, Any],
) -> None:
    """Draw averages over points, some experiments perhaps over an axis of their own on top."""
    above = figure.get("top", {}).get("experiments", [])
    top = axes.twiny() if above else axes
    if above:
        top.set_xlabel(figure["top"]["label"])
        top.spines["top"].set_visible(True)
        top.grid(False)
    for name, drawn in looks(data, schemes).items():
        curve = data.sel(curve=name).isel(point=np.isfinite(data["value"].sel(curve=name).values))
        value = curve["value"].values
        (top if curve["experiment"].item() in above else axes).errorbar(
            curve["point"].values,
            value,
            yerr=np.abs(np.stack([_finite(curve["lower"]), _finite(curve["upper"])]) - value),
            color=drawn.colour,
            marker=drawn.marker,
            linestyle=drawn.dashes,
            linewidth=drawn.width,
            markersize=None if drawn.width > 1 else 3.5,
            elinewidth=0.9,
            capsize=2.5,
            label=drawn.label or None,
        )
    lower = ~np.isin(data["experiment"].values, above)
    points = data["point"].values[np.isfinite(data["value"].values[lower]).any(axis=0)]
    if len(points) <= MOST_TICKS and not _crowded(axes, points):
        axes.set_xticks(points, [f"{point:g}" for point in points])
        axes.minorticks_off()
    marks = _draw_published(dict.fromkeys(above, top), axes, data, schemes)
    _legend(axes, *_experiment_lines(data, schemes, experiments), *marks)


def _crowded(axes: Axes, points: NDArray[np.float64]) -> bool:
    """Return whether labels at the points would run into one another."""
    places = np.sort(axes.get_xaxis_transform().transform([(x, 0.0) for x in points])[:, 0])
    return bool((np.diff(places) < 0.04 * axes.bbox.width).any())


def _experiment_lines(
    data: xr.Dataset, schemes: Schemes, experiments: Mapping[str, str]
) -> list[Line2D]:
    """Return the legend of a figure of several experiments: schemes by colour, then dashes."""
    names = list(dict.fromkeys(data["experiment"].values.tolist()))
    if len(names) < 2:
        return []
    curves = _in_order(data, schemes)
    shown = {str(data["scheme"].sel(curve=curve).item()): None for curve in curves}
    entries = [_entry(look(schemes, scheme)) for scheme in shown]
    for place, name in enumerate(names):
        dashes = DASHES[place % len(DASHES)]
        entries.append(
            Line2D([], [], color=GREY, linestyle=dashes, label=experiments.get(name, name))
        )
    return entries


def _entry(drawn: Look) -> Line2D:
    return Line2D([], [], color=drawn.colour, marker=drawn.marker, linewidth=drawn.width,
                  label=drawn.label)  # fmt: skip


def _draw_distributions(axes: Axes, data: xr.Dataset, schemes: Schemes) -> None:
    """Draw cumulative distributions as steps, the median with its interval as a mark."""
    held = list(dict.fromkeys(data["held"].values.tolist()))
    unit = data["held"].attrs["units"]
    shown: dict[str, Look] = {}
    for name in _in_order(data, schemes):
        curve, scheme = data.sel(curve=name), str(data["scheme"].sel(curve=name).item())
        drawn = shown.setdefault(scheme, look(schemes, scheme))
        dashes = DASHES[held.index(curve["held"].item()) % len(DASHES)]
        curve = curve.isel(level=np.isfinite(curve["value"].values))
        value, levels = curve["value"].values, curve["level"].values
        axes.step([value[0], *value], [0.0, *levels], where="post", color=drawn.colour,
                  linestyle=dashes, linewidth=drawn.width)  # fmt: skip
        middle = curve.isel(level=(len(levels) - 1) // 2)
        median, low, high = (float(middle[each]) for each in ("value", "lower", "upper"))
        axes.errorbar([median], [0.5], xerr=[[median - low], [high - median]], color=drawn.colour,
                      marker=drawn.marker, elinewidth=0.9, capsize=2.5)  # fmt: skip
    entries = [
        Line2D(
            [], [], color=each.colour, marker=each.marker, linewidth=each.width, label=each.label
        )
        for each in shown.values()
    ]
    for place, point in enumerate(held):
        label = f"{point:g} {unit}" if unit != "1" else f"{point:g}"
        entries.append(
            Line2D([], [], color=GREY, linestyle=DASHES[place % len(DASHES)], label=label)
        )
    axes.set_ylim(0, 1)
    _legend(axes, *entries, *_draw_published({}, axes, data, schemes))


def _draw_trace(
    axes: Axes, data: xr.Dataset, schemes: Schemes, experiments: Mapping[str, str]
) -> None:
    iterations = data["iteration"].values
    every = max(1, len(iterations) // 8)
    shown = looks(data, schemes)
    for place, (name, drawn) in enumerate(shown.items()):
        curve = data.sel(curve=name)
        axes.fill_between(
            iterations,
            _finite(curve["lower"]),
            _finite(curve["upper"]),
            color=drawn.colour,
            alpha=0.16,
            linewidth=0,
        )
        axes.plot(
            iterations,
            curve["value"].values,
            color=drawn.colour,
            linestyle=drawn.dashes,
            linewidth=drawn.width,
            marker=drawn.marker,
            markevery=(place * every // max(1, len(shown)), every),
            label=drawn.label,
        )
        if int(data.attrs["long_run"]) > iterations[-1]:
            axes.axhline(float(curve["limit"]), color=drawn.colour, linestyle=":", linewidth=1.1)
    axes.margins(x=0.015)
    more = _experiment_lines(data, schemes, experiments)
    if int(data.attrs["long_run"]) > iterations[-1]:
        more.append(Line2D([], [], color=GREY, linestyle=":", linewidth=1.1,
                           label=f"after {data.attrs['long_run']} iterations"))  # fmt: skip
    _legend(axes, *more, *_draw_published({}, axes, data, schemes))


def _draw_published(
    tops: Mapping[str, Axes], axes: Axes, data: xr.Dataset, schemes: Schemes
) -> list[Line2D]:
    """Draw the points of the printed figure as open markers; return their entry of the legend.

    Args:
        tops: axes on top, by the experiment drawn over them.
        axes: those of all others.
        data: figure data, perhaps with points, see ``deviations.with_published``.
        schemes: as in ``render``.
    """
    if "published" not in data:
        return []
    marks: dict[str, Any] = {
        "linestyle": "none",
        "markerfacecolor": "none",
        "markersize": 8,
        "zorder": 4,
    }
    for name in np.unique(data["published_curve"].values):
        curve = data.sel(curve=name)
        drawn = look(schemes, str(curve["scheme"].item()))
        own = data.isel(mark=data["published_curve"].values == name)
        place = tops.get(str(curve["experiment"].item()), axes)
        place.plot(own["published_x"].values, own["published"].values, marker=drawn.marker,
                   color=drawn.colour, **marks)  # fmt: skip
    return [Line2D([], [], color=GREY, marker="o", label="published", **marks)]


def _draw_layout(axes: Axes, data: xr.Dataset) -> None:
    """Draw the first realisation large and all others as dots, seen from above."""
    classes = node_classes(data)
    for place, (name, positions) in enumerate(classes.items()):
        x, y = positions.values[..., 0], positions.values[..., 1]
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(x[1:].ravel(), y[1:].ravel(), ".", color=colour, markersize=2.5, alpha=0.45,
                  markeredgewidth=0, zorder=2)  # fmt: skip
        axes.plot(x[0], y[0], MARKERS[place % len(MARKERS)], color=colour, markersize=7,
                  markeredgecolor="white", markeredgewidth=0.7, linestyle="none", zorder=3,
                  label=_class_label(name, positions))  # fmt: skip
        if f"{name}_normal" in data:
            _draw_normals(axes, positions[0], data[f"{name}_normal"][0], colour)
    axes.margins(0.05, 0.1)
    if _to_scale(classes):
        axes.set_aspect("equal")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False,
                borderaxespad=0.2, handletextpad=0.2, columnspacing=1.2)  # fmt: skip


def _draw_normals(axes: Axes, positions: xr.DataArray, normals: xr.DataArray, colour: str) -> None:
    """Draw where surfaces face, and number several of them.

    The angle is the true one also where axes are not to scale.
    """
    (x, y), (u, v) = positions.values[:, :2].T, normals.values[:, :2].T
    axes.quiver(x, y, u, v, angles=np.rad2deg(np.arctan2(v, u)), color=colour, scale=12,
                width=0.006, zorder=2)  # fmt: skip
    if len(x) > 1:
        for number, place in enumerate(zip(x, y, u, v, strict=True), 1):
            behind = (-11 * place[2], -11 * place[3])  # points
            axes.annotate(f"{number}", place[:2], behind, textcoords="offset points", ha="center",
                          va="center", color=colour, fontsize=8, annotation_clip=True)  # fmt: skip


def _to_scale(classes: Mapping[str, xr.DataArray]) -> bool:
    points = np.concatenate([each.values[..., :2].reshape(-1, 2) for each in classes.values()])
    sides = np.ptp(points, axis=0)
    return bool(sides.max() <= LONGEST_TO_SCALE * sides.min())


def _layout_height(axes: Axes) -> float:
    """Return the height in inches at which a layout to scale fills the width."""
    if axes.get_aspect() == "auto":
        return HEIGHT + 0.6
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    return float(np.clip(1.25 + 4.1 * (top - bottom) / (high - low), 2.2, 6.0))


def _class_label(name: str, positions: xr.DataArray) -> str:
    label = re.sub("^position of ((an?|the) )?", "", positions.attrs.get("long_name", name))
    return label[:1].upper() + label[1:]


def _finite(values: xr.DataArray) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.values
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _legend(axes: Axes, *more: Line2D) -> None:
    entries = [*axes.get_legend_handles_labels()[0], *more]
    if len(entries) > MOST_INSIDE:
        columns = _legend_columns([str(entry.get_label()) for entry in entries])
        axes.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.46, -0.17),
                    ncols=columns, frameon=False, fontsize=8,
                    handlelength=2.4, columnspacing=1.2)  # fmt: skip
    elif entries:
        axes.legend(handles=entries, loc="best")


def _legend_height(axes: Axes) -> float:
    """Return the height in inches that a legend below the axes adds to a picture."""
    legend = axes.get_legend()
    texts = [text.get_text() for text in legend.get_texts()] if legend else []
    if len(texts) <= MOST_INSIDE:
        return 0.0
    return LINE * math.ceil(len(texts) / _legend_columns(texts))


def _legend_columns(labels: list[str]) -> int:
    return 2 if max(map(len, labels)) <= LONGEST_OF_TWO else 1


def _label(axes: Axes, figure: Mapping[str, Any], *, legend_above: bool) -> None:
    above = 22 if legend_above else None
    axes.set_title(textwrap.fill(figure["title"], 56), pad=above)
    for side, section in (("x", figure.get("x", {})), ("y", figure.get("y", {}))):
        axes.set(**{f"{side}label": section.get("label", "")})
        if "limits" in section:
            axes.set(**{f"{side}lim": section["limits"]})


def _write_face(picture: Figure, panels: Sequence[xr.Dataset]) -> int:
    """Write the small print and the warnings; return the number of lines of the latter."""
    small_print = textwrap.fill(_small_print(panels), 92 * len(panels))
    picture.supxlabel(small_print, x=0.99, ha="right", color=GREY, fontsize=7)
    lines = [line for each in warnings(*panels) for line in textwrap.wrap(each, 50 * len(panels))]
    if lines:
        picture.suptitle("\n".join(lines), color=RED, fontsize=10, fontweight="bold")
    return len(lines)


def _small_print(panels: Sequence[xr.Dataset]) -> str:
    data = panels[0]
    said = [f"{data.attrs['document']}/{data.attrs['figure']}", _count(panels, "realisations")]
    if "value" in data:
        level = re.match(r"\d+(\.\d+)? ?%", data.attrs["interval"])
        said.append(f"{level.group()} intervals" if level else "intervals")
        failures = data["failures"]
        if int(failures.sum()):
            attempts = failures + data["realisations"]
            for along in {"iteration", "level"} & {*map(str, failures.dims)}:
                failures, attempts = failures.max(along), attempts.max(along)
            said.append(f"{int(failures.sum())} of {int(attempts.sum())} solutions failed")
        if "rounding" in data:
            share = (data["rounding"] / ((data["upper"] - data["lower"]) / 2.0)).values
            largest = float(np.max(share, where=np.isfinite(share), initial=0.0))
            if largest >= NOTICEABLE:
                said.append(f"rounding moves points by up to {100 * largest:.0f} % of intervals")
    return ", ".join(said)


def _count(panels: Sequence[xr.Dataset], of: str = "") -> str:
    """Return the number of realisations asked for, or its range where curves differ."""
    numbers = []
    for data in panels:
        if "value" in data:
            counts = (data["realisations"] + data["failures"]).values
            numbers += counts[counts > 0].tolist()
        else:
            numbers.append(data.sizes["realisation"])
    fewest, most = min(numbers, default=0), max(numbers, default=0)
    said = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"n = {said} {of}".strip()


def _metadata(data: xr.Dataset, figure: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the file says of itself, under the keys that each format has."""
    attributes = data.attrs
    title = f"{attributes['document']} {attributes['figure']}: {figure['title']}"
    maker = f"irsrepro {attributes.get('code_version', 'unknown')}"
    names = ("document", "figure", "reading", "engine", "fidelity", "parameters_hash")
    facts = [f"{name}={attributes[name]}" for name in names]
    facts.append(f"code_version={attributes.get('code_version', 'unknown')}")
    about = "; ".join([*warnings(data), _small_print([data])])
    return {
        "pdf": {"Title": title, "Subject": about, "Keywords": ", ".join(facts), "Creator": maker,
                "CreationDate": None},
        "svg": {"Title": title, "Description": about, "Keywords": facts, "Creator": maker,
                "Date": None},
        "png": {"Title": title, "Description": about, "Comment": ", ".join(facts),
                "Software": maker},
    }  # fmt: skip


def _saved(picture: Figure, ending: str, metadata: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    picture.savefig(buffer, format=ending, metadata=metadata)
    return buffer.getvalue()
