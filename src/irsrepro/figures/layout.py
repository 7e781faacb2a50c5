"""Layouts: nodes and surfaces seen from above."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from irsrepro.figures.style import COLOURS, HEIGHT, LONGEST_TO_SCALE, MARKERS
from irsrepro.figures.tables import node_classes


def draw_layout(axes: Axes, data: xr.Dataset) -> None:
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
        elif len(x) > 1 and x.shape[1] > 1 and not np.ptp(positions.values, axis=0).any():
            _number(axes, positions[0], colour)
    axes.margins(0.05, 0.1)
    if _to_scale(classes):
        axes.set_aspect("equal")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False,
                borderaxespad=0.2, handletextpad=0.2, columnspacing=1.2)  # fmt: skip


def _number(axes: Axes, positions: xr.DataArray, colour: str) -> None:
    """Number nodes that stand in the same place in every realisation, on the outer side."""
    middle = positions.values[:, :2].mean(axis=0)
    for number, place in enumerate(positions.values[:, :2], 1):
        outward = 9 * np.sign(place - middle)
        axes.annotate(f"{number}", place, outward, textcoords="offset points", ha="center",
                      va="center", color=colour, fontsize=8, annotation_clip=True)  # fmt: skip


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


def layout_height(axes: Axes) -> float:
    """Return the height in inches at which a layout to scale fills the width."""
    if axes.get_aspect() == "auto":
        return HEIGHT + 0.6
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    return float(np.clip(1.25 + 4.1 * (top - bottom) / (high - low), 2.2, 6.0))


def _class_label(name: str, positions: xr.DataArray) -> str:
    label = re.sub("^position of ((an?|the) )?", "", positions.attrs.get("long_name", name))
    return label[:1].upper() + label[1:]
