"""From solutions to what a figure draws: a mean with its interval at every point of every curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.errors import ConfigurationError
from irsrepro.statistics import mean_interval
from irsrepro.storage import variable

Curve = Mapping[str, Any]
FILL = {"value": np.nan, "lower": np.nan, "upper": np.nan, "realisations": 0, "failures": 0}
INTERVAL = "95 % bootstrap interval of the mean over realisations, point by point"


def curves(samples: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Average curves over realisations, point by point.

    Args:
        samples: by name of the curve, each (point, realisation), NaN where a realisation failed.
            Points that a curve does not have are NaN in the result.

    Returns:
        ``value``, ``lower``, ``upper``, ``realisations`` and ``failures`` (curve, point).
    """
    return _averaged(samples, "point")


def trace(samples: Mapping[str, xr.DataArray], iterations: int) -> xr.Dataset:
    """Average curves per iteration.

    Args:
        samples: by name of the curve, each (realisation, iteration).
        iterations: last iteration to draw.

    Returns:
        As ``curves`` with ``iteration`` for ``point``, and ``limit`` (curve): the mean after the
        last iteration of the run, whose number is the attribute ``long_run``.
    """
    shown = {name: each.sel(iteration=slice(0, iterations)) for name, each in samples.items()}
    averaged = _averaged(shown, "iteration")
    last = [each.isel(iteration=-1, drop=True).mean("realisation") for each in samples.values()]
    averaged["limit"] = variable(
        ("curve",),
        np.array([float(value) for value in last]),
        "mean after the last iteration of the long run",
        averaged["value"].attrs["units"],
    )
    long_run = max(int(each["iteration"][-1]) for each in samples.values())
    return averaged.assign_attrs(long_run=str(long_run))


def layout(channels: xr.Dataset) -> xr.Dataset:
    """Keep the positions of every class of nodes, and the normals of surfaces.

    Args:
        channels: an ensemble with variables ``CLASS_position`` (realisation, node, coordinate), and
            ``CLASS_normal`` likewise where surfaces face somewhere.
    """
    names = [name for name in channels.data_vars if str(name).endswith(("_position", "_normal"))]
    return channels[names].drop_attrs(deep=False)


def make(
    kind: str, data: Mapping[str, xr.Dataset], section: Mapping[str, Any], wanted: Sequence[Curve]
) -> xr.Dataset:
    """Return the data of a figure of any kind.

    Args:
        kind: ``layout``, ``trace`` or ``curves``.
        data: the ensemble of a layout, or the experiments of the others, by name.
        section: the figure's section of the configuration, as far as its data depends on it.
        wanted: its curves, see ``configuration.Document.curves``.

    Raises:
        ConfigurationError: a curve after some iterations is asked for where there are fewer.
    """
    if kind == "layout":
        (channels,) = data.values()
        made = layout(channels)
    else:
        if kind == "trace":
            samples = {
                each["name"]: _of(each, data)["trace"].isel(point=0, drop=True) for each in wanted
            }
            made = trace(samples, section["iterations"])
        else:
            made = curves({each["name"]: _samples(each, data) for each in wanted})
        for name in ("scheme", "experiment"):
            values = np.array([each[name] for each in wanted])
            made = made.assign_coords(
                {name: variable(("curve",), values, f"{name} of a curve", "1")}
            )
        cut = np.array([each.get("after", -1) for each in wanted])
        about = "iterations after which a curve is drawn, -1 for its end"
        made = made.assign_coords(after=variable(("curve",), cut, about, "1"))
    return made.assign_attrs(kind=kind, statistic="mean", interval=INTERVAL)


def _of(curve: Curve, data: Mapping[str, xr.Dataset]) -> xr.Dataset:
    return data[curve["experiment"]].sel(scheme=curve["scheme"])


def _samples(curve: Curve, data: Mapping[str, xr.Dataset]) -> xr.DataArray:
    """Return the metric of a curve, or its trace after some iterations, (point, realisation)."""
    table = _of(curve, data)
    if "after" not in curve:
        return table["metric"]
    if "trace" not in table or curve["after"] >= table.sizes["iteration"]:
        raise ConfigurationError(f"no iteration {curve['after']} in the trace of {curve['name']}")
    return table["trace"].sel(iteration=curve["after"], drop=True).where(table["metric"].notnull())


def _averaged(samples: Mapping[str, xr.DataArray], along: str) -> xr.Dataset:
    parts = [_average(each.transpose("realisation", along), along) for each in samples.values()]
    averaged = xr.concat(
        parts, dim="curve", join="outer", fill_value=FILL, combine_attrs="override"
    )
    names = variable(("curve",), np.array(list(samples)), "curve", "1")
    return averaged.assign_coords(curve=names)


def _average(samples: xr.DataArray, along: str) -> xr.Dataset:
    values: NDArray[np.float64] = samples.values
    valid = np.isfinite(values)
    mean, lower, upper = mean_interval(values)
    dims, unit = (along,), samples.attrs["units"]
    averaged = xr.Dataset(
        {
            "value": variable(dims, mean, f"mean {samples.attrs['long_name']}", unit),
            "lower": variable(dims, lower, "lower end of the interval", unit),
            "upper": variable(dims, upper, "upper end of the interval", unit),
            "realisations": variable(dims, valid.sum(axis=0), "realisations averaged", "1"),
            "failures": variable(dims, (~valid).sum(axis=0), "realisations that failed", "1"),
        }
    )
    return averaged.assign_coords({along: samples[along]})
