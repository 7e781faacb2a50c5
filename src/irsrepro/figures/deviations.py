"""How far our curves are from the points of a printed figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.figures.published import Point


def with_published(data: xr.Dataset, points: Sequence[Point], scale: str = "linear") -> xr.Dataset:
    """Return figure data with the points of the printed figure, and ours beside each.

    Args:
        data: figure data with ``value`` (curve, along).
        points: of its curves, see ``published.read_published``.
        scale: ``linear``, ``log`` or ``log2``, of the horizontal axis. Ours lies on the straight
            line that the figure draws between two of its points; of a distribution it is the share.

    Returns:
        The data with ``published_curve``, ``published_x``, ``published``, ``ours``, ``deviation``
        (ours minus published) and ``percent`` (of published, NaN where that is zero), each (mark,).
        Ours is NaN where the realisations failed beyond which it would have to be guessed.
    """
    distributed = data.attrs["kind"] == "distributions"
    along = data[str(data["value"].dims[1])]
    x_unit = str((data["value"] if distributed else along).attrs["units"])
    unit = "1" if distributed else str(data["value"].attrs["units"])
    find = _share if distributed else _between
    ours = np.array([find(data.sel(curve=point.curve), point.x, scale) for point in points], float)
    x = np.array([point.x for point in points], float)
    y = np.array([point.y for point in points], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.where(y == 0, np.nan, 100 * (ours - y) / np.abs(y))
    dims, names = ("mark",), np.array([point.curve for point in points], dtype=str)
    return data.assign(
        published_curve=variable(dims, names, "curve of a published point", "1"),
        published_x=variable(dims, x, "place of a published point", x_unit),
        published=variable(dims, y, "published value", unit),
        ours=variable(dims, ours, "our value", unit),
        deviation=variable(dims, ours - y, "our value minus the published one", unit),
        percent=variable(dims, percent, "deviation by published value", "%"),
    )


def _between(curve: xr.Dataset, x: float, scale: str) -> float:
    """Return the value at x on the lines between the points of a curve."""
    (along,) = curve["value"].dims
    own = curve.isel({along: (curve["realisations"] + curve["failures"]).values > 0})
    own = own.sortby(str(along))
    places, values = own[along].values.astype(float), own["value"].values
    x = float(np.clip(x, places[0], places[-1]))  # a point taken off by hand may miss the end
    if scale != "linear":
        places, x = np.log(places), float(np.log(x))
    valid = np.isfinite(values)
    if not valid.any():
        return np.nan
    return float(np.interp(x, places[valid], values[valid], left=np.nan, right=np.nan))


def _share(curve: xr.Dataset, x: float, _scale: str) -> float:
    """Return the share of realisations not above x."""
    return float(curve["level"].values[curve["value"].values <= x].max(initial=0.0))
