"""Tables beside figures: what a figure draws as CSV, every number to its last digit."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np
import xarray as xr


def table(data: xr.Dataset) -> str:
    """Return what a figure draws as CSV, one row a point, every number to its last digit.

    Units end the names of columns. The level that a trace reaches in the long run
    is a row of its own, without an interval. Points of the printed figure, if there are any, follow
    after a blank line, with ours at the same place and the deviation.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if data.attrs["kind"] == "layout":
        _write_positions(writer, data)
    else:
        _write_points(writer, data)
    if "published" in data:
        text.write("\n")
        _write_published(writer, data)
    return text.getvalue()


def read_tables(text: str) -> list[tuple[list[str], list[list[str]]]]:
    """Return heads and rows of every table of a file that `table` or several of them made.

    Points of the printed figure are a table of their own, with ``published_x`` among its heads.
    """
    tables: list[tuple[list[str], list[list[str]]]] = []
    for row in csv.reader(io.StringIO(text)):
        if row and row[0] in ("curve", "class"):
            tables.append((row, []))
        elif row:
            tables[-1][1].append(row)
    return tables


def _write_points(writer: Any, data: xr.Dataset) -> None:
    along = str(data["value"].dims[1])
    x, value = f"x{_unit_ending(data[along])}", f"value{_unit_ending(data['value'])}"
    numbers = ["value", "lower", "upper", *["rounding"] * ("rounding" in data)]
    seconds = ["seconds"] * ("seconds" in data)
    heads = [value.replace("value", name, 1) for name in numbers]
    ends = [f"{name}{_unit_ending(data[name])}" for name in seconds]
    writer.writerow(["curve", x, *heads, "realisations", "failures", *ends])
    for name in data["curve"].values:
        curve = data.sel(curve=name)
        counts = [0, 0]
        for place, point in enumerate(curve[along].values):
            row = curve.isel({along: place})
            if int(row["realisations"]) + int(row["failures"]) == 0:
                continue
            counts = [int(row[name]) for name in ("realisations", "failures")]
            cells = [_exact(row[number]) for number in numbers]
            times = [_exact(row[name]) for name in seconds]
            writer.writerow([name, _exact(point), *cells, *counts, *times])
        if "limit" in curve and int(data.attrs["long_run"]) > data[along].values[-1]:
            limit = _exact(curve["limit"])
            unknown = ["nan"] * (len(numbers) - 1)
            long_run = [name, data.attrs["long_run"], limit, *unknown, *counts]
            writer.writerow([*long_run, *["nan"] * len(seconds)])


def _write_published(writer: Any, data: xr.Dataset) -> None:
    columns = ["published_x", "published", "ours", "deviation"]
    heads = [f"{name}{_unit_ending(data[name])}" for name in columns]
    writer.writerow(["curve", *heads, "deviation_percent"])
    for mark in range(data.sizes["mark"]):
        row = data.isel(mark=mark)
        numbers = [_exact(row[name]) for name in (*columns, "percent")]
        writer.writerow([str(row["published_curve"].item()), *numbers])


def _write_positions(writer: Any, data: xr.Dataset) -> None:
    classes = node_classes(data)
    size = max(positions.shape[2] for positions in classes.values())
    unit = _unit_ending(next(iter(classes.values())))
    writer.writerow(["class", "realisation", "node", *(f"{axis}{unit}" for axis in "xyz"[:size])])
    for name, positions in classes.items():
        numbers = positions["realisation"].values
        for (realisation, node), _ in np.ndenumerate(positions.values[..., 0]):
            place = [_exact(number) for number in positions.values[realisation, node]]
            writer.writerow([name, int(numbers[realisation]), node, *place])


def _unit_ending(values: xr.DataArray) -> str:
    """Return the unit as the end of a column's name, for example ``_bit_per_s_per_Hz``."""
    unit = str(values.attrs.get("units", "1"))
    if unit == "1" or " " in unit:
        return ""
    return "_" + re.sub(r"\W+", "_", unit.replace("/", "_per_"))


def _exact(number: Any) -> str:
    """Return a number so that reading it back gives the same one; whole numbers stay whole."""
    if isinstance(number, xr.DataArray):
        number = number.values
    scalar = np.asarray(number)
    return repr(int(scalar)) if scalar.dtype.kind in "iu" else repr(float(scalar))


def node_classes(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the positions (realisation, node, coordinate) of a layout by class of nodes."""
    # A class may be named as its dimension; xarray then takes it for a coordinate.
    return {
        str(name).removesuffix("_position"): data[name]
        for name, values in data.variables.items()
        if values.ndim == 3
        and values.dims[0] == "realisation"
        and values.dims[2] == "coordinate"
        and not str(name).endswith("_normal")
    }
