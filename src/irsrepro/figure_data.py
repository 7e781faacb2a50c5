"""From solutions to what a figure draws: a mean with its interval at every point of every curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.statistics import mean_interval
from irsrepro.storage import variable

INTERVAL = "95 % bootstrap interval of the mean over realisations, point by point"


def curves(table: xr.Dataset) -> xr.Dataset:
    """Average the metric over realisations, for every scheme and point.

    Args:
        table: an experiment, see ``experiments.compare``.

    Returns:
        ``value``, ``lower``, ``upper``, ``realisations`` and ``failures`` (scheme, point).
    """
    return _averaged(table["metric"], "point")


def trace(table: xr.Dataset, iterations: int) -> xr.Dataset:
    """Average the metric per iteration, for an experiment of one point.

    Args:
        table: an experiment, see ``experiments.compare``.
        iterations: last iteration to draw.

    Returns:
        As ``curves`` with ``iteration`` for ``point``, and ``limit`` (scheme): the mean after the
        last iteration of the run, whose number is the attribute ``long_run``.
    """
    whole = table["trace"].isel(point=0, drop=True)
    shown = whole.sel(iteration=slice(0, iterations))
    averaged = _averaged(shown, "iteration")
    limit = whole.isel(iteration=-1, drop=True).mean("realisation")
    averaged["limit"] = variable(
        ("scheme",),
        limit.transpose("scheme").values,
        "mean after the last iteration of the long run",
        table["metric"].attrs["units"],
    )
    return averaged.assign_attrs(long_run=str(int(whole["iteration"][-1])))


def layout(channels: xr.Dataset) -> xr.Dataset:
    """Keep the positions of every class of nodes.

    Args:
        channels: an ensemble with variables ``CLASS_position`` (realisation, node, coordinate).
    """
    names = [name for name in channels.data_vars if str(name).endswith("_position")]
    return channels[names].drop_attrs(deep=False)


def make(kind: str, data: xr.Dataset, section: Mapping[str, Any]) -> xr.Dataset:
    """Return the data of a figure of any kind.

    Args:
        kind: ``layout``, ``trace`` or ``curves``.
        data: the ensemble of a layout, or the experiment of the others.
        section: the figure's section of the configuration, as far as its data depends on it.
    """
    match kind:
        case "layout":
            made = layout(data)
        case "trace":
            made = trace(data, section["iterations"])
        case _:
            made = curves(data)
    return made.assign_attrs(kind=kind, statistic="mean", interval=INTERVAL)


def _averaged(samples: xr.DataArray, along: str) -> xr.Dataset:
    ordered = samples.transpose("realisation", "scheme", along)
    values: NDArray[np.float64] = ordered.values
    valid = np.isfinite(values)
    mean, lower, upper = mean_interval(values)
    dims = ("scheme", along)
    unit = samples.attrs["units"]
    averaged = xr.Dataset(
        {
            "value": variable(dims, mean, f"mean {samples.attrs['long_name']}", unit),
            "lower": variable(dims, lower, "lower end of the interval", unit),
            "upper": variable(dims, upper, "upper end of the interval", unit),
            "realisations": variable(dims, valid.sum(axis=0), "realisations averaged", "1"),
            "failures": variable(dims, (~valid).sum(axis=0), "realisations that failed", "1"),
        }
    )
    return averaged.assign_coords({name: ordered[name] for name in dims})
