"""Figures that answer: what a picture draws, as a script that a page loads when it is asked.

The script calls `irsreproChart(name, content)`, which `report/templates/charts.js.j2` defines. It
holds curves with their intervals, looks and axes, and knows nothing of the library that draws them.
Equal data gives equal bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.figures.style import COLOURS, DASHES, DOTTED, CurveStyle, Schemes, curve_styles
from irsrepro.figures.tables import node_classes

DIGITS = 7  # significant ones; the table beside the figure has all
FACTS = ("paper", "reading", "fidelity", "engine", "changes")
PATTERNS = {"-": [], "--": [7, 4], "-.": [7, 4, 2, 4], ":": [2, 4]}
POINTS_OF_LAYOUT = 400  # of a class: the first realisation and what fits

Panel = tuple[xr.Dataset, Mapping[str, Any]]


def chart(
    panels: Sequence[Panel],
    name: str,
    figure: Mapping[str, Any],
    schemes: Schemes,
    experiments: Mapping[str, str],
) -> str:
    """Return the script of a figure, or of a sheet of several.

    Args:
        panels: data and section of the figure, or of every figure of the sheet.
        name: of the figure.
        figure: its section of the configuration.
        schemes: the schemes of the paper, for looks and legend titles.
        experiments: legend titles of the experiments.
    """
    facts = {key: str(panels[0][0].attrs.get(key, "")) for key in FACTS}
    content = {
        "title": figure["title"],
        "facts": facts,
        "panels": [_panel(data, section, schemes, experiments) for data, section in panels],
    }
    key = json.dumps(f"{facts['reading']}/{facts['paper']}/{name}")
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"irsreproChart({key},{text});\n"


def _panel(
    data: xr.Dataset, section: Mapping[str, Any], schemes: Schemes, experiments: Mapping[str, str]
) -> dict[str, Any]:
    """Return one pair of axes with its curves."""
    axes = {side: dict(section.get(side, {})) for side in ("x", "y")}
    panel: dict[str, Any] = {"title": section["title"], "kind": data.attrs["kind"]}
    if data.attrs["kind"] == "layout":
        return panel | axes | {"curves": _places(data), "unit": "m", "along": ""}
    titles = {**experiments, **section.get("titles", {})}
    along = str(data["value"].dims[1])
    curves = []
    for curve, look in _looks(data, schemes, section).items():
        entry = data.sel(curve=curve)
        label = look.label or f"{schemes[entry['scheme'].item()]['title']}"
        if len(set(data["experiment"].values.tolist())) > 1:
            label += f", {titles.get(entry['experiment'].item(), entry['experiment'].item())}"
        valid = np.isfinite(entry["value"].values)
        x = entry["seconds"] if "seconds" in entry else entry[along]
        curves.append(
            {
                "name": str(curve),
                "label": label,
                "colour": look.colour,
                "dash": _pattern(look.dashes),
                "width": look.width,
                "x": _numbers(x.values[valid]),
                **{key: _numbers(entry[key].values[valid]) for key in ("value", "lower", "upper")},
                "n": [int(count) for count in entry["realisations"].values[valid]],
                "failures": [int(count) for count in entry["failures"].values[valid]],
                "top": entry["experiment"].item() in section.get("top", {}).get("experiments", []),
            }
        )
    panel |= axes | {"curves": curves, "along": str(data[along].attrs.get("long_name", along))}
    if "top" in section:
        panel["top"] = {"label": section["top"]["label"]}
    return panel | {"unit": str(data["value"].attrs["units"])}


def _looks(data: xr.Dataset, schemes: Schemes, section: Mapping[str, Any]) -> dict[str, CurveStyle]:
    """Return how curves look, by name; where a scheme has several points, labels tell which."""
    looks = curve_styles(data, schemes, section)
    if "held" not in data.coords or len(set(data["held"].values.tolist())) < 2:
        return looks
    held, unit = data["held"], data["held"].attrs["units"]
    held_looks = {}
    for place, (name, look) in enumerate(looks.items()):
        entry = data.sel(curve=name)
        value = f"{held.sel(curve=name).item():g}" + (f" {unit}" if unit != "1" else "")
        title = look.label or schemes[entry["scheme"].item()]["title"]
        colour = look.colour
        dashes: Any = look.dashes
        if data.attrs["kind"] == "trace":
            colour = COLOURS[place % len(COLOURS)]
        elif dashes != DOTTED:
            points = list(dict.fromkeys(held.values.tolist()))
            dashes = DASHES[points.index(held.sel(curve=name).item()) % len(DASHES)]
        held_looks[name] = CurveStyle(colour, look.marker, look.width, dashes, f"{title}, {value}")
    return held_looks


def _pattern(dashes: Any) -> list[int]:
    """Return lengths of strokes and gaps in pixels for a line style of matplotlib."""
    if isinstance(dashes, str):
        return PATTERNS[dashes]
    return [2, 3] if dashes == DOTTED else [max(1, round(2 * length)) for length in dashes[1]]


def _places(data: xr.Dataset) -> list[dict[str, Any]]:
    """Return where nodes are as curves of points, those of the first realisation marked."""
    curves = []
    for place, (name, positions) in enumerate(node_classes(data).items()):
        values = positions.values
        flat = values.reshape(-1, values.shape[2])[:POINTS_OF_LAYOUT]
        curves.append(
            {
                "name": name,
                "label": name.replace("_", " "),
                "colour": COLOURS[place % len(COLOURS)],
                "x": _numbers(flat[:, 0]),
                "value": _numbers(flat[:, 1]),
                "first": int(values.shape[1]),
            }
        )
    return curves


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers of a few digits; JSON has none that are not finite."""
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values]
