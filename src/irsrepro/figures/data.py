"""From solutions to what a figure draws: averages with intervals, distributions, layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.sensitivity import spread
from irsrepro.build.storage import variable
from irsrepro.errors import ConfigurationError
from irsrepro.lazy_import import lazily
from irsrepro.metrics import difference_unit
from irsrepro.optimize.result import FAILURE, ITERATION_LIMIT
from irsrepro.statistics import mean_interval, median_interval

stats = lazily("scipy.stats")

Curve = Mapping[str, Any]
FILL = {"value": np.nan, "lower": np.nan, "upper": np.nan, "realisations": 0, "failures": 0}
AVERAGES = {"mean": mean_interval, "median": median_interval}
CENTRAL = {"mean": partial(np.nanmean, axis=0), "median": partial(np.nanmedian, axis=0)}
CONFIDENCE = 0.95


def curves(samples: Mapping[str, xr.DataArray], statistic: str = "mean") -> xr.Dataset:
    """Average curves over realisations, point by point.

    Args:
        samples: by name of the curve, each (point, realisation), NaN where a realisation failed.
            Points that a curve does not have are NaN in the result.
        statistic: one of ``AVERAGES``.

    Returns:
        ``value``, ``lower``, ``upper``, ``realisations`` and ``failures`` (curve, point).
    """
    return _joined({name: _average(each, "point", statistic) for name, each in samples.items()})


def distributions(samples: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return the empirical distribution over realisations, as quantiles.

    Args:
        samples: by name of the curve, each (realisation,), NaN where a realisation failed.

    Returns:
        As ``curves`` with ``level`` for ``point``: of n realisations, the i-th smallest value at
        level i / n. The intervals are exact for any distribution: order statistics whose ranks
        enclose that of the quantile, infinite where no rank does.
    """
    return _joined({name: _quantiles(each) for name, each in samples.items()})


def _quantiles(samples: xr.DataArray) -> xr.Dataset:
    values: NDArray[np.float64] = samples.values
    valid = np.sort(values[np.isfinite(values)])
    n, total = len(valid), len(values)
    levels = np.arange(1, total + 1) / total
    order = np.concatenate([[-np.inf], valid, [np.inf]])
    # A rank counts from 1; of n values, B(n, level) are expected not to exceed the quantile.
    rank = np.ceil(levels * n - 1e-9).astype(int)
    tail = (1 - CONFIDENCE) / 2
    low, high = (stats.binom.ppf(share, n, levels).astype(int) for share in (tail, 1 - tail))
    described = _described(
        samples,
        "level",
        order[rank],
        order[low],
        order[np.minimum(high, n) + 1],
        np.full(total, n),
        np.full(total, total - n),
        "quantile of",
    )
    return described.assign_coords(level=variable(("level",), levels, "share not above", "1"))


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
    averaged = _joined({name: _average(each, "iteration") for name, each in shown.items()})
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
    kind: str,
    data: Mapping[str, xr.Dataset],
    section: Mapping[str, Any],
    wanted: Sequence[Curve],
    changes: Mapping[str, xr.Dataset] | None = None,
) -> xr.Dataset:
    """Return the data of a figure of any kind.

    Args:
        kind: ``layout``, ``trace``, ``curves`` or ``distributions``.
        data: the ensemble of a layout, or the experiments of the others, by name.
        section: the figure's section of the configuration, as far as its data depends on it.
        wanted: its curves, see ``configuration.Paper.curves``.
        changes: how rounding changes experiments, see ``sensitivity.differences``. With it comes
            ``rounding`` (curve, ...), the half-width within which another rounding leaves a value.

    Raises:
        ConfigurationError: a curve after some iterations is asked for where there are fewer.
    """
    statistic = section.get("statistic", "mean")
    interval = f"95 % bootstrap interval of the {statistic} over realisations, point by point"
    if kind == "layout":
        (channels,) = data.values()
        return layout(channels).assign_attrs(kind=kind, statistic=statistic, interval=interval)
    if "points" in section:
        wanted = [
            {**each, "name": f"{each['name']}@{point:g}", "point": point}
            for each in wanted
            for point in section["points"]
        ]
    samples = {each["name"]: _drawn(kind, each, data, section) for each in wanted}
    if kind == "trace":
        wanted = _distinct(wanted, samples)
        samples = {each["name"]: samples[each["name"]] for each in wanted}
    if kind == "trace":
        made = trace(samples, section["iterations"])
        if section.get("against") == "seconds":
            made["seconds"] = _seconds(made["iteration"], data, wanted)
    elif kind == "distributions":
        made = distributions(samples)
        interval = "95 % exact interval of each quantile from order statistics"
    else:
        made = curves(samples, statistic)
    if "points" in section:
        at = np.array([each["point"] for each in wanted], float)
        parameter = data[wanted[0]["experiment"]]["point"].attrs
        held = variable(("curve",), at, parameter["long_name"], parameter["units"])
        made = made.assign_coords(held=held)
    if changes:
        moved = {each["name"]: _drawn(kind, each, changes, section)
                 for each in wanted if each["experiment"] in changes}  # fmt: skip
        made["rounding"] = _rounding(made["value"], samples, moved, statistic)
    for name in ("scheme", "experiment"):
        values = np.array([each[name] for each in wanted])
        made = made.assign_coords({name: variable(("curve",), values, f"{name} of a curve", "1")})
    made = made.assign(_ends(data, wanted))
    cut = np.array([each.get("after", -1) for each in wanted])
    about = "iterations after which a curve is drawn, -1 for its end"
    other = np.array([each.get("quantity", "") for each in wanted])
    told = "quantity of a curve, empty for the metric of its experiment"
    made = made.assign_coords(
        after=variable(("curve",), cut, about, "1"), quantity=variable(("curve",), other, told, "1")
    )
    return made.assign_attrs(kind=kind, statistic=statistic, interval=interval)


def _distinct(wanted: Sequence[Curve], samples: Mapping[str, xr.DataArray]) -> Sequence[Curve]:
    """Leave out points that are nothing to a scheme: its curve is there already."""
    kept: dict[tuple[Any, ...], Curve] = {}
    for each in wanted:
        numbers = samples[each["name"]].values.tobytes()
        kept.setdefault((each["experiment"], each["scheme"], numbers), each)
    return list(kept.values())


def _drawn(
    kind: str, curve: Curve, data: Mapping[str, xr.Dataset], section: Mapping[str, Any]
) -> xr.DataArray:
    """Return what a curve is made from, realisation by realisation."""
    if kind == "trace":
        return _trace(curve, data, section)
    metric = section.get("metric", "metric")
    samples = _samples(curve, data, metric)
    if "minus" in section:
        less = _samples({**curve, "scheme": section["minus"]}, data, metric)
        samples, less = xr.align(samples, less, join="inner")
        attrs = {
            "long_name": f"difference of {samples.attrs['long_name']}",
            "units": difference_unit(samples.attrs["units"]),
        }
        samples = (samples - less.values).assign_attrs(attrs)
    return samples if kind == "curves" else samples.sel(point=curve["point"], drop=True)


def _ends(data: Mapping[str, xr.Dataset], wanted: Sequence[Curve]) -> dict[str, Any]:
    """Lay out how runs ended, (curve,): the largest over points, NaN where a scheme tells nothing.

    ``capped`` is the share of runs that ended at the iteration limit, ``rounding_loss`` the mean
    share that rounding a relaxation loses at most. ``undefined`` counts solutions, of all points,
    whose status says why there can be none, which is no failure.
    """
    capped, lost, undefined = [], [], []
    for each in wanted:
        table = _of(each, data)
        none = 0
        if "status" in table:
            told = table["status"].notnull() & (table["status"] != FAILURE)
            none = int((table["metric"].isnull() & told).sum())
        undefined.append(none)
        worst = {}
        for name in ("status", "rounding_loss"):
            values = table[name] if name in table else table["metric"] * np.nan
            if name == "status":
                values = (values == ITERATION_LIMIT).where(values.notnull())
            worst[name] = float(values.mean("realisation").max())
        capped.append(worst["status"])
        lost.append(worst["rounding_loss"])
    return {
        "capped": variable(("curve",), capped, "share of runs at the iteration limit", "1"),
        "rounding_loss": variable(("curve",), lost, "share lost by rounding at most, mean", "1"),
        "undefined": variable(("curve",), undefined, "solutions that cannot be", "1"),
    }


def _rounding(
    value: xr.DataArray,
    samples: Mapping[str, xr.DataArray],
    moved: Mapping[str, xr.DataArray],
    statistic: str,
) -> Any:
    """Lay out how far rounding moves the values of curves (curve, ...), NaN where unknown."""
    along = str(value.dims[1])
    found = value.copy(data=np.full(value.shape, np.nan))
    for name, changes in moved.items():
        values = samples[name].transpose("realisation", ...)
        changes = changes.transpose("realisation", ...)
        if along == "level":
            half_width = spread(values, changes, lambda drawn: np.sort(drawn, axis=0))
            places = np.arange(1, len(half_width) + 1) / len(half_width)
        else:
            kept = slice(0, value.sizes[along]) if along == "iteration" else slice(None)
            values, changes = values[:, kept], changes[:, kept]
            half_width = spread(values, changes, CENTRAL[statistic])
            places = values[along].values
        found.loc[{"curve": name, along: places}] = half_width
    about = "half-width within which another rounding leaves the value, 95 %"
    return variable(("curve", along), found.values, about, str(value.attrs["units"]))


def _of(curve: Curve, data: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return what a scheme reached, on the realisations it ran on."""
    table = data[curve["experiment"]].sel(scheme=curve["scheme"])
    return table.isel(realisation=table["asked"].values)


def _trace(
    curve: Curve, data: Mapping[str, xr.Dataset], section: Mapping[str, Any]
) -> xr.DataArray:
    """Return a trace (realisation, iteration), held after a run has stopped, of all or of one."""
    whole = _of(curve, data)["trace"]
    first = whole["point"].values[0]
    whole = whole.sel(point=curve.get("point", first), drop=True)
    if "realisation" in section:
        whole = whole.sel(realisation=[section["realisation"]])
    return whole.transpose("realisation", "iteration")


def _seconds(
    iterations: xr.DataArray, data: Mapping[str, xr.Dataset], wanted: Sequence[Curve]
) -> Any:
    """Lay out the mean seconds after every iteration (curve, iteration) of timed experiments.

    Iterations of a run take equally long, and none any after its end.
    """
    spent = []
    for each in wanted:
        table = _of(each, data).isel(point=0, drop=True)
        count = table["iterations"]
        share = iterations.clip(max=count) / count.clip(min=1)
        spent.append((share * table["seconds"]).mean("realisation").values)
    return variable(("curve", "iteration"), spent, "mean time after an iteration", "s")


def _samples(curve: Curve, data: Mapping[str, xr.Dataset], metric: str) -> xr.DataArray:
    """Return a metric of a curve, or its trace after some iterations, (point, realisation).

    A curve may have a quantity of its own instead of the metric that the figure shows.
    """
    table, metric = _of(curve, data), curve.get("quantity", metric)
    if metric not in table:
        raise ConfigurationError(
            f"{curve['name']}: no quantity {metric!r}; {', '.join(map(str, table))} are there"
        )
    if "after" not in curve:
        return table[metric]
    if "trace" not in table or curve["after"] >= table.sizes["iteration"]:
        raise ConfigurationError(f"no iteration {curve['after']} in the trace of {curve['name']}")
    return table["trace"].sel(iteration=curve["after"], drop=True).where(table["metric"].notnull())


def _joined(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Put curves side by side; where one has no point of another, it is NaN."""
    joined = xr.concat(
        list(parts.values()),
        dim="curve",
        join="outer",
        fill_value=FILL,
        combine_attrs="override",
    )
    names = variable(("curve",), np.array(list(parts)), "curve", "1")
    return joined.assign_coords(curve=names)


def _average(samples: xr.DataArray, along: str, statistic: str = "mean") -> xr.Dataset:
    values: NDArray[np.float64] = samples.transpose("realisation", along).values
    valid = np.isfinite(values)
    average, lower, upper = AVERAGES[statistic](values)
    counts = valid.sum(axis=0), (~valid).sum(axis=0)
    described = _described(samples, along, average, lower, upper, *counts, statistic)
    return described.assign_coords({along: samples[along]})


def _described(
    samples: xr.DataArray,
    along: str,
    value: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    realisations: NDArray[np.int64],
    failures: NDArray[np.int64],
    statistic: str,
) -> xr.Dataset:
    """Lay out one curve (``along``,)."""
    dims, unit = (along,), samples.attrs["units"]
    return xr.Dataset(
        {
            "value": variable(dims, value, f"{statistic} {samples.attrs['long_name']}", unit),
            "lower": variable(dims, lower, "lower end of the interval", unit),
            "upper": variable(dims, upper, "upper end of the interval", unit),
            "realisations": variable(dims, realisations, "realisations averaged", "1"),
            "failures": variable(dims, failures, "realisations that failed", "1"),
        }
    )
