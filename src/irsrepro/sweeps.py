"""Sweeps: a scheme run at every value of one parameter, on the same channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.storage import variable

Scheme = Callable[[xr.Dataset, Mapping[str, Any], str], xr.Dataset]


def run(
    solve: Scheme,
    channels: xr.Dataset,
    parameters: Mapping[str, Any],
    sweep: str,
    unit: str,
    values: Sequence[float],
    engine: str,
) -> xr.Dataset:
    """Run a scheme at every point of a sweep on the same channels.

    Args:
        solve: the scheme, ``solve(channels, parameters, engine)``.
        channels: a chunk of the ensemble.
        parameters: the scheme's parameters but for the swept one.
        sweep: name of the swept parameter.
        unit: its unit.
        values: its values.
        engine: ``fast`` or ``reference``.

    Returns:
        The solutions (point, realisation, ...), with the swept values as coordinate ``point``.
        Where a sweep changes the size of an array, entries beyond the size in use are NaN.
    """
    points = [solve(channels, {**parameters, sweep: value}, engine) for value in values]
    joined = xr.concat(
        [_indexed(point) for point in points], dim="point", join="outer", combine_attrs="override"
    )
    for dimension in joined.dims:
        if dimension not in ("point", "iteration"):
            joined = joined.drop_vars(str(dimension), errors="ignore")
    joined = joined.assign_coords(
        point=variable(("point",), np.asarray(values, dtype=float), sweep, unit),
        realisation=channels["realisation"],
    )
    if "iteration" in joined.dims:
        count = np.arange(joined.sizes["iteration"])
        joined = joined.assign_coords(iteration=variable(("iteration",), count, "iteration", "1"))
    return joined.transpose("point", "realisation", ...)


def _indexed(dataset: xr.Dataset) -> xr.Dataset:
    """Number every dimension, so that arrays of several sizes line up at their beginnings."""
    return dataset.assign_coords({name: np.arange(size) for name, size in dataset.sizes.items()})
