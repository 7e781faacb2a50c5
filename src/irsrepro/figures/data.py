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
from irsrepro.metrics import difference_unit
from irsrepro.optimize.result import FAILURE, ITERATION_LIMIT
from irsrepro.statistics import LEVEL, binomial_quantile, mean_interval, median_interval

Curve = Mapping[str, Any]
FILL = {"value": np.nan, "lower": np.nan, "upper": np.nan, "realisations": 0, "failures": 0}
AVERAGES = {"mean": mean_interval, "median": median_interval}
CENTRAL = {"mean": partial(np.nanmean, axis=0), "median": partial(np.nanmedian, axis=0)}


def curves(samples: Mapping[str, xr.DataArray], statistic: str = "mean") -> xr.Dataset:
    """Average curves over realisations, point by point.

    Args:
        samples: by name of the curve, each (point, realisation), NaN where a realisation failed.
            Points that a curve does not have are NaN in the result.
        statistic: one of ``AVERAGES``.

    Returns:
        ``value``, ``lower``, ``upper``, ``realisations`` and ``failures`` (curve, point).
    """
    return _concat({name: _average(sample, "point", statistic) for name, sample in samples.items()})


def distributions(samples: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return the empirical distribution over realisations, as quantiles.

    Args:
        samples: by name of the curve, each (realisation,), NaN where a realisation failed.

    Returns:
        As ``curves`` with ``level`` for ``point``: of n realisations, the i-th smallest value at
        level i / n. The intervals are exact for any distribution: order statistics whose ranks
        enclose that of the quantile, infinite where no rank does.
    """
    return _concat({name: _quantiles(sample) for name, sample in samples.items()})


def _quantiles(samples: xr.DataArray) -> xr.Dataset:
    values: NDArray[np.float64] = samples.values
    valid = np.sort(values[np.isfinite(values)])
    n, total = len(valid), len(values)
    levels = np.arange(1, total + 1) / total
    order = np.concatenate([[-np.inf], valid, [np.inf]])
    # A rank counts from 1; of n values, B(n, level) are expected not to exceed the quantile.
    rank = np.ceil(levels * n - 1e-9).astype(int)
    tail = (1 - LEVEL) / 2
    low, high = (binomial_quantile(share, n, levels) for share in (tail, 1 - tail))
    dataset = _curve_dataset(
        samples,
        "level",
        order[rank],
        order[low],
        order[np.minimum(high, n) + 1],
        np.full(total, n),
        np.full(total, total - n),
        "quantile of",
    )
    return dataset.assign_coords(level=variable(("level",), levels, "share not above", "1"))


def trace(samples: Mapping[str, xr.DataArray], iterations: int) -> xr.Dataset:
    """Average curves per iteration.

    Args:
        samples: by name of the curve, each (realisation, iteration).
        iterations: last iteration to draw.

    Returns:
        As ``curves`` with ``iteration`` for ``point``, and ``limit`` (curve): the mean after the
        last iteration of the run, whose number is the attribute ``long_run``.
    """
    traces = {name: sample.sel(iteration=slice(0, iterations)) for name, sample in samples.items()}
    dataset = _concat({name: _average(sample, "iteration") for name, sample in traces.items()})
    last = [sample.isel(iteration=-1, drop=True).mean("realisation") for sample in samples.values()]
    dataset["limit"] = variable(
        ("curve",),
        np.array([float(value) for value in last]),
        "mean after the last iteration of the long run",
        dataset["value"].attrs["units"],
    )
    long_run = max(int(sample["iteration"][-1]) for sample in samples.values())
    return dataset.assign_attrs(long_run=str(long_run))


def layout(channels: xr.Dataset) -> xr.Dataset:
    """Keep the positions of every class of nodes, and the normals of surfaces.

    Args:
        channels: an ensemble with variables ``CLASS_position`` (realisation, node, coordinate), and
            ``CLASS_normal`` likewise where surfaces face somewhere.
    """
    names = [name for name in channels.data_vars if str(name).endswith(("_position", "_normal"))]
    return channels[names].drop_attrs(deep=False)


def traces_of(kind: str, curve_specs: Sequence[Curve]) -> list[str]:
    """Return the traces that a figure is made from; most need none, and they are large."""
    after_iterations = any("after" in spec for spec in curve_specs)
    return ["trace"] if kind == "trace" or after_iterations else []


def make(
    kind: str,
    data: Mapping[str, xr.Dataset],
    section: Mapping[str, Any],
    curve_specs: Sequence[Curve],
    changes: Mapping[str, xr.Dataset] | None = None,
) -> xr.Dataset:
    """Return the data of a figure of any kind.

    Args:
        kind: ``layout``, ``trace``, ``curves`` or ``distributions``.
        data: the ensemble of a layout, or the experiments of the others, by name.
        section: the figure's section of the configuration, as far as its data depends on it.
        curve_specs: its curves, see ``configuration.Paper.curves``.
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
        curve_specs = [
            {**spec, "name": f"{spec['name']}@{point:g}", "point": point}
            for spec in curve_specs
            for point in section["points"]
        ]
    samples = {spec["name"]: _curve_samples(kind, spec, data, section) for spec in curve_specs}
    if kind == "trace":
        curve_specs = _distinct(curve_specs, samples)
        samples = {spec["name"]: samples[spec["name"]] for spec in curve_specs}
        dataset = trace(samples, section["iterations"])
        if section.get("against") == "seconds":
            dataset["seconds"] = _seconds(dataset["iteration"], data, curve_specs)
    elif kind == "distributions":
        dataset = distributions(samples)
        interval = "95 % exact interval of each quantile from order statistics"
    else:
        dataset = curves(samples, statistic)
    if "points" in section:
        at = np.array([spec["point"] for spec in curve_specs], float)
        parameter = data[curve_specs[0]["experiment"]]["point"].attrs
        held = variable(("curve",), at, parameter["long_name"], parameter["units"])
        dataset = dataset.assign_coords(held=held)
    if changes:
        shifts = {spec["name"]: _curve_samples(kind, spec, changes, section)
                 for spec in curve_specs if spec["experiment"] in changes}  # fmt: skip
        dataset["rounding"] = _rounding(dataset["value"], samples, shifts, statistic)
    for name in ("scheme", "experiment"):
        values = np.array([spec[name] for spec in curve_specs])
        dataset = dataset.assign_coords(
            {name: variable(("curve",), values, f"{name} of a curve", "1")}
        )
    dataset = dataset.assign(_ends(data, curve_specs))
    cut = np.array([spec.get("after", -1) for spec in curve_specs])
    about = "iterations after which a curve is drawn, -1 for its end"
    other = np.array([spec.get("quantity", "") for spec in curve_specs])
    quantity_about = "quantity of a curve, empty for the metric of its experiment"
    dataset = dataset.assign_coords(
        after=variable(("curve",), cut, about, "1"),
        quantity=variable(("curve",), other, quantity_about, "1"),
    )
    return dataset.assign_attrs(kind=kind, statistic=statistic, interval=interval)


def _distinct(curve_specs: Sequence[Curve], samples: Mapping[str, xr.DataArray]) -> Sequence[Curve]:
    """Leave out points that are nothing to a scheme: its curve is there already."""
    distinct: dict[tuple[Any, ...], Curve] = {}
    for spec in curve_specs:
        numbers = samples[spec["name"]].values.tobytes()
        distinct.setdefault((spec["experiment"], spec["scheme"], numbers), spec)
    return list(distinct.values())


def _curve_samples(
    kind: str, curve: Curve, data: Mapping[str, xr.Dataset], section: Mapping[str, Any]
) -> xr.DataArray:
    """Return what a curve is made from, realisation by realisation."""
    if kind == "trace":
        return _trace(curve, data, section)
    metric = section.get("metric", "metric")
    samples = _samples(curve, data, metric)
    if "minus" in section:
        baseline = _samples({**curve, "scheme": section["minus"]}, data, metric)
        samples, baseline = xr.align(samples, baseline, join="inner")
        attrs = {
            "long_name": f"difference of {samples.attrs['long_name']}",
            "units": difference_unit(samples.attrs["units"]),
        }
        samples = (samples - baseline.values).assign_attrs(attrs)
    return samples if kind == "curves" else samples.sel(point=curve["point"], drop=True)


def _ends(data: Mapping[str, xr.Dataset], curve_specs: Sequence[Curve]) -> dict[str, Any]:
    """Lay out how runs ended, (curve,): the largest over points, NaN where a scheme tells nothing.

    ``capped`` is the share of runs that ended at the iteration limit, ``rounding_loss`` the mean
    share that rounding a relaxation loses at most. ``undefined`` counts solutions, of all points,
    whose status says why there can be none, which is no failure.
    """
    capped, losses, undefined = [], [], []
    for spec in curve_specs:
        table = _curve_table(spec, data)
        none = 0
        if "status" in table:
            has_reason = table["status"].notnull() & (table["status"] != FAILURE)
            none = int((table["metric"].isnull() & has_reason).sum())
        undefined.append(none)
        worst = {}
        for name in ("status", "rounding_loss"):
            values = table[name] if name in table else table["metric"] * np.nan
            if name == "status":
                values = (values == ITERATION_LIMIT).where(values.notnull())
            worst[name] = float(values.mean("realisation").max())
        capped.append(worst["status"])
        losses.append(worst["rounding_loss"])
    return {
        "capped": variable(("curve",), capped, "share of runs at the iteration limit", "1"),
        "rounding_loss": variable(("curve",), losses, "share lost by rounding at most, mean", "1"),
        "undefined": variable(("curve",), undefined, "solutions that cannot be", "1"),
    }


def _rounding(
    value: xr.DataArray,
    samples: Mapping[str, xr.DataArray],
    shifts: Mapping[str, xr.DataArray],
    statistic: str,
) -> Any:
    """Lay out how far rounding moves the values of curves (curve, ...), NaN where unknown."""
    along = str(value.dims[1])
    half_widths = value.copy(data=np.full(value.shape, np.nan))
    for name, changes in shifts.items():
        values = samples[name].transpose("realisation", ...)
        changes = changes.transpose("realisation", ...)
        if along == "level":
            half_width = spread(values, changes, lambda sample: np.sort(sample, axis=0))
            places = np.arange(1, len(half_width) + 1) / len(half_width)
        else:
            window = slice(0, value.sizes[along]) if along == "iteration" else slice(None)
            values, changes = values[:, window], changes[:, window]
            half_width = spread(values, changes, CENTRAL[statistic])
            places = values[along].values
        half_widths.loc[{"curve": name, along: places}] = half_width
    about = "half-width within which another rounding leaves the value, 95 %"
    return variable(("curve", along), half_widths.values, about, str(value.attrs["units"]))


def _curve_table(curve: Curve, data: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return what a scheme reached, on the realisations it ran on."""
    table = data[curve["experiment"]].sel(scheme=curve["scheme"])
    return table.isel(realisation=table["asked"].values)


def _trace(
    curve: Curve, data: Mapping[str, xr.Dataset], section: Mapping[str, Any]
) -> xr.DataArray:
    """Return a trace (realisation, iteration), held after a run has stopped, of all or of one."""
    whole = _curve_table(curve, data)["trace"]
    first = whole["point"].values[0]
    whole = whole.sel(point=curve.get("point", first), drop=True)
    if "realisation" in section:
        whole = whole.sel(realisation=[section["realisation"]])
    return whole.transpose("realisation", "iteration")


def _seconds(
    iterations: xr.DataArray, data: Mapping[str, xr.Dataset], curve_specs: Sequence[Curve]
) -> Any:
    """Lay out the mean seconds after every iteration (curve, iteration) of timed experiments.

    Iterations of a run take equally long, and none any after its end.
    """
    seconds = []
    for spec in curve_specs:
        table = _curve_table(spec, data).isel(point=0, drop=True)
        count = table["iterations"]
        share = iterations.clip(max=count) / count.clip(min=1)
        seconds.append((share * table["seconds"]).mean("realisation").values)
    return variable(("curve", "iteration"), seconds, "mean time after an iteration", "s")


def _samples(curve: Curve, data: Mapping[str, xr.Dataset], metric: str) -> xr.DataArray:
    """Return a metric of a curve, or its trace after some iterations, (point, realisation).

    A curve may have a quantity of its own instead of the metric that the figure shows.
    """
    table, metric = _curve_table(curve, data), curve.get("quantity", metric)
    if metric not in table:
        raise ConfigurationError(
            f"{curve['name']}: no quantity {metric!r}; {', '.join(map(str, table))} are there"
        )
    if "after" not in curve:
        return table[metric]
    if "trace" not in table or curve["after"] >= table.sizes["iteration"]:
        raise ConfigurationError(f"no iteration {curve['after']} in the trace of {curve['name']}")
    return table["trace"].sel(iteration=curve["after"], drop=True).where(table["metric"].notnull())


def _concat(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Put curves side by side; where one has no point of another, it is NaN."""
    dataset = xr.concat(
        list(parts.values()),
        dim="curve",
        join="outer",
        fill_value=FILL,
        combine_attrs="override",
    )
    names = variable(("curve",), np.array(list(parts)), "curve", "1")
    return dataset.assign_coords(curve=names)


def _average(samples: xr.DataArray, along: str, statistic: str = "mean") -> xr.Dataset:
    values: NDArray[np.float64] = samples.transpose("realisation", along).values
    valid = np.isfinite(values)
    average, lower, upper = AVERAGES[statistic](values)
    counts = valid.sum(axis=0), (~valid).sum(axis=0)
    dataset = _curve_dataset(samples, along, average, lower, upper, *counts, statistic)
    return dataset.assign_coords({along: samples[along]})


def _curve_dataset(
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
