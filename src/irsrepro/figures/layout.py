"""Layouts: nodes and surfaces seen from above, always to scale."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from irsrepro.array_types import Real
from irsrepro.figures.style import COLOURS, GREY, LONGEST_TO_SCALE, MARKERS
from irsrepro.figures.tables import node_classes


def draw_layout(axes: Axes, data: xr.Dataset) -> bool:
    """Draw the first realisation large and all others as dots, to scale and seen from above.

    A long layout that is the same in every realisation lies along the horizontal axis, with both
    its ends enlarged, also to scale, and coordinates beside the nodes.

    Returns:
        Whether the layout is turned by a quarter: the first coordinate then points down.
    """
    classes = node_classes(data)
    points = np.concatenate(
        [positions.values[..., :2].reshape(-1, 2) for positions in classes.values()]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    sides = high - low
    fixed = all((positions.values == positions.values[:1]).all() for positions in classes.values())
    turned = False
    if fixed and sides.max() > LONGEST_TO_SCALE * sides.min():
        turned = bool(sides[1] > sides[0])
        if turned:
            data = data.assign({name: _turn(data[name]) for name, values in data.variables.items()
                                if values.dims[-1:] == ("coordinate",)})  # fmt: skip
            low, high = np.array([low[1], -high[0]]), np.array([high[1], -low[0]])
        _draw_long(axes, data, low, high, turned)
    else:
        _draw_nodes(axes, data, numbered=True)
        axes.margins(0.05, 0.1)
    axes.set_aspect("equal")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False,
                borderaxespad=0.2, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
    return turned


def _turn(vectors: xr.DataArray) -> xr.DataArray:
    """Turn positions or normals by a quarter: (x, y) becomes (y, -x). Heights stay."""
    x, y, *more = np.moveaxis(vectors.values, -1, 0)
    return vectors.copy(data=np.stack([y, -x, *more], axis=-1))


def _draw_nodes(axes: Axes, data: xr.Dataset, *, numbered: bool = False) -> None:
    for place, (name, positions) in enumerate(node_classes(data).items()):
        x, y = positions.values[..., 0], positions.values[..., 1]
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(x[1:].ravel(), y[1:].ravel(), ".", color=colour, markersize=2.5, alpha=0.45,
                  markeredgewidth=0, zorder=2)  # fmt: skip
        axes.plot(x[0], y[0], MARKERS[place % len(MARKERS)], color=colour, markersize=7,
                  markeredgecolor="white", markeredgewidth=0.7, linestyle="none", zorder=3,
                  label=_class_label(name, positions))  # fmt: skip
        if f"{name}_normal" in data:
            _draw_normals(axes, positions[0], data[f"{name}_normal"][0], colour)
        elif numbered and min(x.shape) > 1 and not np.ptp(positions.values, axis=0).any():
            _number(axes, positions[0], colour)


def _draw_long(axes: Axes, data: xr.Dataset, low: Real, high: Real, turned: bool) -> None:
    """Draw a layout that is far longer than wide, and its ends enlarged in the room above it.

    Beside a node are its coordinates before any turn, the height last.
    """
    _draw_nodes(axes, data.drop_vars([name for name in data if str(name).endswith("_normal")]))
    length, middle = high[0] - low[0], (low[0] + high[0]) / 2
    axes.set_xlim(low[0] - 0.06 * length, high[0] + 0.06 * length)
    axes.set_ylim(low[1] - 0.06 * length, low[1] + 0.64 * length)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    nodes = np.concatenate([positions.values[0] for positions in node_classes(data).values()])
    for place, at_end in ((0.06, nodes[:, 0] <= middle), (0.58, nodes[:, 0] > middle)):
        ends = nodes[at_end]
        centre = (ends.min(axis=0) + ends.max(axis=0)) / 2
        reach = max(np.ptp(ends[:, :2], axis=0).max(), 0.02 * length)
        part = axes.inset_axes((place, 0.3, 0.41, 0.68))
        _draw_nodes(part, data)
        part.set_xlim(centre[0] - reach, centre[0] + reach)
        part.set_ylim(centre[1] - 0.95 * reach, centre[1] + 0.95 * reach)
        part.set_aspect("equal")
        part.tick_params(labelsize=7)
        part.locator_params(nbins=4)
        if turned:
            part.yaxis.set_major_formatter(lambda value, _: f"{-value + 0.0:g}")
        for x, y, *more in ends:
            coordinates = ", ".join(
                f"{coordinate + 0.0:g}" for coordinate in [*((-y, x) if turned else (x, y)), *more]
            )
            above = y > centre[1]
            part.annotate(f"({coordinates}) m", (x, y), (0, 9 if above else -9), ha="center",
                          textcoords="offset points", va="bottom" if above else "top",
                          color=GREY, fontsize=7)  # fmt: skip
        axes.indicate_inset_zoom(part, edgecolor=GREY)


def _number(axes: Axes, positions: xr.DataArray, colour: str) -> None:
    """Number nodes that are in the same place in every realisation, on the outer side."""
    middle = positions.values[:, :2].mean(axis=0)
    for number, place in enumerate(positions.values[:, :2], 1):
        outward = 9 * np.sign(place - middle)
        axes.annotate(f"{number}", place, outward, textcoords="offset points", ha="center",
                      va="center", color=colour, fontsize=8, annotation_clip=True)  # fmt: skip


def _draw_normals(axes: Axes, positions: xr.DataArray, normals: xr.DataArray, colour: str) -> None:
    """Draw where surfaces face, and number several of them."""
    (x, y), (u, v) = positions.values[:, :2].T, normals.values[:, :2].T
    axes.quiver(x, y, u, v, angles=np.rad2deg(np.arctan2(v, u)), color=colour, scale=3,
                scale_units="inches", width=0.024, units="inches", zorder=2)  # fmt: skip
    if len(x) > 1:
        for number, place in enumerate(zip(x, y, u, v, strict=True), 1):
            behind = (-11 * place[2], -11 * place[3])  # points
            axes.annotate(f"{number}", place[:2], behind, textcoords="offset points", ha="center",
                          va="center", color=colour, fontsize=8, annotation_clip=True)  # fmt: skip


def layout_height(axes: Axes) -> float:
    """Return the height in inches at which a layout to scale fills the width."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    return float(np.clip(1.25 + 4.1 * (top - bottom) / (high - low), 2.2, 6.0))


def _class_label(name: str, positions: xr.DataArray) -> str:
    label = re.sub("^position of ((an?|the) )?", "", positions.attrs.get("long_name", name))
    return label[:1].upper() + label[1:]
