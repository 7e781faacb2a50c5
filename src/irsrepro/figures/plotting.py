"""Pictures of figure data: one style for all papers.

A picture states on its face how many realisations it rests on, and in red whatever makes it
something else than the figure itself: few realisations, another engine, another reading. The same
data gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from irsrepro.errors import IrsreproError
from irsrepro.figures.annotation import annotate, metadata
from irsrepro.figures.formats import encode
from irsrepro.figures.layout import draw_layout, layout_height
from irsrepro.figures.legend import draw_legend, label_axes, legend_height
from irsrepro.figures.style import (
    COLOURS,
    DASHES,
    DOTTED,
    GREY,
    HEIGHT,
    LINE,
    MOST_TICKS,
    STYLE,
    WIDTH,
    CurveStyle,
    Schemes,
    curve_style,
    curve_styles,
    in_order,
)


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
        schemes: the schemes of the paper, for looks and legend titles.
        experiments: legend titles of the experiments, where the figure draws several.

    Returns:
        The files by ending: ``pdf``, ``svg`` and ``png``.

    Raises:
        IrsreproError: the data is of a kind, or names a scheme, that is not known.
    """
    with style.context(["default", STYLE]):
        picture = Figure(layout="constrained")
        height = _draw(picture.subplots(), data, figure, schemes, experiments or {})
        lines = annotate(picture, [data], schemes)
        picture.set_size_inches(WIDTH, height + LINE * lines)
        return encode(picture, metadata(data, figure, schemes))


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
        lines = annotate(picture, [first, *(data for data, _ in panels[1:])], schemes)
        picture.set_size_inches(WIDTH * len(panels), max(heights) + LINE * lines)
        return encode(picture, metadata(first, figure, schemes))


def _draw(
    axes: Axes,
    data: xr.Dataset,
    figure: Mapping[str, Any],
    schemes: Schemes,
    experiments: Mapping[str, str],
) -> float:
    """Draw a figure on its axes; return the height in inches that it needs."""
    name = f"{data.attrs['paper']}/{data.attrs['figure']}"
    for scheme in _schemes_of(data):
        if scheme not in schemes:
            raise IrsreproError(
                f"{name}: no scheme {scheme!r} in the configuration; known are {', '.join(schemes)}"
            )
    height, turned = HEIGHT, False
    experiments = {**experiments, **figure.get("titles", {})}
    match data.attrs["kind"]:
        case "curves":
            _set_scale(axes, figure["x"].get("scale", "linear"))
            _draw_curves(axes, data, schemes, experiments, figure)
        case "trace":
            _draw_trace(axes, data, schemes, experiments, figure)
        case "distributions":
            _draw_distributions(axes, data, schemes, figure)
        case "layout":
            turned = draw_layout(axes, data)
            height = layout_height(axes)
        case kind:
            raise IrsreproError(
                f"{name}: kind {kind!r} cannot be drawn; known are curves, trace, distributions, "
                "layout"
            )
    if data.attrs["kind"] != "layout":
        height += legend_height(axes)
    if turned:
        figure = {**figure, "x": figure.get("y", {}), "y": figure.get("x", {})}
    label_axes(axes, figure, legend_above=data.attrs["kind"] == "layout")
    return height


def _set_scale(axes: Axes, scale: str) -> None:
    if scale == "log2":
        axes.set_xscale("log", base=2)
    else:
        axes.set_xscale(scale)


def _schemes_of(data: xr.Dataset) -> list[str]:
    return [str(scheme) for scheme in data["scheme"].values] if "scheme" in data.coords else []


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
    for name, look in curve_styles(data, schemes, figure).items():
        curve = data.sel(curve=name).isel(point=np.isfinite(data["value"].sel(curve=name).values))
        value = curve["value"].values
        (top if curve["experiment"].item() in above else axes).errorbar(
            curve["point"].values,
            value,
            yerr=np.abs(np.stack([_finite(curve["lower"]), _finite(curve["upper"])]) - value),
            color=look.colour,
            marker=look.marker,
            linestyle=look.dashes,
            elinewidth=0.9,
            capsize=2.5,
            label=look.label or None,
            **look.line,
        )
    for names in figure.get("joined", []):
        x, y = np.array([_place(data, name) for name in names]).T
        axes.plot(x, y, color=GREY, linewidth=0.8, linestyle=DOTTED, zorder=1)
    lower = ~np.isin(data["experiment"].values, above)
    points = data["point"].values[np.isfinite(data["value"].values[lower]).any(axis=0)]
    if len(points) <= MOST_TICKS and not _crowded(axes, points):
        axes.set_xticks(points, [f"{point:g}" for point in points])
        axes.minorticks_off()
    if "minus" in figure:
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    marks = _draw_published(dict.fromkeys(above, top), axes, data, schemes, figure)
    draw_legend(axes, *_experiment_lines(data, schemes, experiments, figure), *marks)


def _place(data: xr.Dataset, name: str) -> tuple[float, float]:
    """Return where a figure draws CURVE@POINT."""
    curve, point = name.rsplit("@", 1)
    if curve not in data["curve"].values or float(point) not in data["point"].values:
        raise IrsreproError(
            f"{data.attrs['paper']}/{data.attrs['figure']}: joined: {name} is not drawn"
        )
    return float(point), float(data["value"].sel(curve=curve, point=float(point)))


def _crowded(axes: Axes, points: NDArray[np.float64]) -> bool:
    """Return whether labels at the points would run into one another."""
    places = np.sort(axes.get_xaxis_transform().transform([(x, 0.0) for x in points])[:, 0])
    return bool((np.diff(places) < 0.04 * axes.bbox.width).any())


def _experiment_lines(
    data: xr.Dataset,
    schemes: Schemes,
    experiments: Mapping[str, str],
    figure: Mapping[str, Any],
) -> list[Line2D]:
    """Return the legend of a figure of several experiments: schemes by colour, then dashes."""
    names = list(dict.fromkeys(data["experiment"].values.tolist()))
    if len(names) < 2:
        return []
    curves = in_order(data, schemes)
    scheme_names = {str(data["scheme"].sel(curve=curve).item()): None for curve in curves}
    looks = [curve_style(schemes, scheme, figure) for scheme in scheme_names]
    if set(names) <= set(figure.get("colours", {})):  # colour tells the experiment
        looks = [replace(look, colour=GREY) for look in looks]
    entries = [_entry(look) for look in looks]
    for place, name in enumerate(names):
        colour = figure.get("colours", {}).get(name, GREY)
        entries.append(
            Line2D(
                [],
                [],
                color=colour,
                linestyle=DASHES[place % len(DASHES)],
                label=experiments.get(name, name),
            )
        )
    return entries


def _entry(look: CurveStyle) -> Line2D:
    return Line2D([], [], color=look.colour, marker=look.marker, label=look.label, **look.line)


def _draw_distributions(
    axes: Axes, data: xr.Dataset, schemes: Schemes, figure: Mapping[str, Any]
) -> None:
    """Draw cumulative distributions as steps, the median with its interval as a mark."""
    held = list(dict.fromkeys(data["held"].values.tolist()))
    unit = data["held"].attrs["units"]
    looks: dict[str, CurveStyle] = {}
    for name in in_order(data, schemes):
        curve, scheme = data.sel(curve=name), str(data["scheme"].sel(curve=name).item())
        other = str(curve["quantity"].item()) if "quantity" in curve.coords else ""
        look = looks.setdefault(f"{scheme} {other}", curve_style(schemes, scheme, figure))
        dashes = DASHES[held.index(curve["held"].item()) % len(DASHES)]
        if other:
            look = replace(look, width=1.0, label=figure["also"][scheme][other])
            looks[f"{scheme} {other}"], dashes = look, DOTTED
        curve = curve.isel(level=np.isfinite(curve["value"].values))
        value, levels = curve["value"].values, curve["level"].values
        axes.step([value[0], *value], [0.0, *levels], where="post", color=look.colour,
                  linestyle=dashes, linewidth=look.width)  # fmt: skip
        middle = curve.isel(level=(len(levels) - 1) // 2)
        median, low, high = (float(middle[key]) for key in ("value", "lower", "upper"))
        axes.errorbar([median], [0.5], xerr=[[median - low], [high - median]], color=look.colour,
                      marker=look.marker, elinewidth=0.9, capsize=2.5)  # fmt: skip
    entries = [
        Line2D(
            [],
            [],
            color=look.colour,
            marker=look.marker,
            linewidth=look.width,
            linestyle=DOTTED if name.split(" ", 1)[1] else "-",
            label=look.label,
        )
        for name, look in looks.items()
    ]
    for place, point in enumerate(held if len(held) > 1 else []):
        label = f"{point:g} {unit}" if unit != "1" else f"{point:g}"
        entries.append(
            Line2D([], [], color=GREY, linestyle=DASHES[place % len(DASHES)], label=label)
        )
    axes.set_ylim(0, 1)
    draw_legend(axes, *entries, *_draw_published({}, axes, data, schemes, figure))


def _draw_trace(
    axes: Axes,
    data: xr.Dataset,
    schemes: Schemes,
    experiments: Mapping[str, str],
    figure: Mapping[str, Any],
) -> None:
    iterations = data["iteration"].values
    step = max(1, len(iterations) // 8)
    looks = curve_styles(data, schemes, figure)
    if "held" in data:
        looks = _held_styles(data, looks)
    for place, (name, look) in enumerate(looks.items()):
        curve = data.sel(curve=name)
        along = curve["seconds"].values if "seconds" in data else iterations
        axes.fill_between(
            along,
            _finite(curve["lower"]),
            _finite(curve["upper"]),
            color=look.colour,
            alpha=0.16,
            linewidth=0,
        )
        axes.plot(
            along,
            curve["value"].values,
            color=look.colour,
            linestyle=look.dashes,
            linewidth=look.width,
            marker=look.marker,
            markevery=(place * step // max(1, len(looks)), step),
            label=look.label,
        )
        if int(data.attrs["long_run"]) > iterations[-1]:
            axes.axhline(float(curve["limit"]), color=look.colour, linestyle=":", linewidth=1.1)
    axes.margins(x=0.015)
    if "seconds" in data:
        _set_scale(axes, figure["x"].get("scale", "linear"))
    more = _experiment_lines(data, schemes, experiments, figure)
    if int(data.attrs["long_run"]) > iterations[-1]:
        more.append(Line2D([], [], color=GREY, linestyle=":", linewidth=1.1,
                           label=f"after {data.attrs['long_run']} iterations"))  # fmt: skip
    draw_legend(axes, *more, *_draw_published({}, axes, data, schemes, figure))


def _held_styles(data: xr.Dataset, styles: Mapping[str, CurveStyle]) -> dict[str, CurveStyle]:
    """Return styles whose colour tells the point of a curve where its scheme has several."""
    schemes = data["scheme"].values.tolist()
    looks, spare = {}, iter(COLOURS * len(styles))
    for name, look in styles.items():
        curve = data.sel(curve=name)
        if schemes.count(curve["scheme"].item()) == 1:
            looks[name] = look
            continue
        held = data["held"].attrs["long_name"]
        label = f"{look.label}, {held} = {curve['held'].item():g}"
        looks[name] = replace(look, colour=next(spare), label=label)
    return looks


def _draw_published(
    tops: Mapping[str, Axes],
    axes: Axes,
    data: xr.Dataset,
    schemes: Schemes,
    figure: Mapping[str, Any],
) -> list[Line2D]:
    """Draw the points of the printed figure as open markers; return their entry of the legend.

    Args:
        tops: axes on top, by the experiment drawn over them.
        axes: those of all others.
        data: figure data, perhaps with points, see ``deviations.with_published``.
        schemes: as in ``render``.
        figure: as in ``render``.
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
        experiment = str(curve["experiment"].item())
        look = curve_style(schemes, str(curve["scheme"].item()), figure, experiment)
        own = data.isel(mark=data["published_curve"].values == name)
        place = tops.get(experiment, axes)
        place.plot(own["published_x"].values, own["published"].values, marker=look.marker,
                   color=look.colour, **marks)  # fmt: skip
    return [Line2D([], [], color=GREY, marker="o", label="published", **marks)]


def _finite(values: xr.DataArray) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.values
    return np.where(np.isfinite(numbers), numbers, np.nan)
