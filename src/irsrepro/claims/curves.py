"""The curves that a check names, read from collated experiments and paired by realisation.

An experiment is a dataset with ``metric`` (scheme, point, realisation), NaN where a solver failed,
and perhaps ``trace`` (scheme, point, realisation, iteration) and further quantities of the same
dimensions; coordinate ``point`` holds the values of the swept parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.array_types import Real
from irsrepro.config import checks
from irsrepro.config.checks import Curve, experiments_of
from irsrepro.metrics import difference_unit

_POINT = ("scheme", "point", "realisation")


def checks_of(claim: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the checks of a claim, which may be written as one or as a list."""
    return list(claim["checks"]) if "checks" in claim else [claim["check"]]


def traces_of(claims: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the traces that checks of claims look at, by all experiments that they read."""
    found: dict[str, set[str]] = {}
    for check in (check for claim in claims for check in checks_of(claim)):
        for experiment in experiments_of(check):
            found.setdefault(experiment, set()).update(checks.traces_of(check))
    return found


def plans_of(experiments: Mapping[str, xr.Dataset]) -> dict[str, dict[str, Any]]:
    """Return what ``checks.resolve`` has to know about experiments whose data is there."""
    plans = {}
    for name, table in experiments.items():
        plain = [key for key, values in table.data_vars.items() if set(values.dims) == {*_POINT}]
        traces = [
            key
            for key, values in table.data_vars.items()
            if set(values.dims) == {*_POINT, "iteration"}
        ]
        plans[name] = {
            "schemes": [str(scheme) for scheme in table["scheme"].values],
            "values": [float(value) for value in table["point"].values],
            "trace": bool(traces),
            "quantities": [str(key) for key in plain],
            "traces": [str(key) for key in traces],
            "iterations": table.sizes.get("iteration", 0),
        }
    return plans


class Curves:
    """Reads the curves of one check.

    Attributes:
        points: values of the swept parameter, [None] if every curve is held at a point.
        realisations: number of realisations that all curves of the check share.
    """

    def __init__(
        self,
        check: Mapping[str, Any],
        curves: list[Curve],
        experiments: Mapping[str, xr.Dataset],
        first: int | None = None,
    ) -> None:
        """Select the realisations that all curves were asked for.

        Args:
            check: as ``checks.resolve`` returns it.
            curves: every curve the check names.
            experiments: collated experiments by name.
            first: take only so many of these realisations.
        """
        self._quantity = check["quantity"]
        names = dict.fromkeys(curve.experiment for curve in curves)
        shared = reduce(
            np.intersect1d, [_realisations_of(experiments[c.experiment], c) for c in curves]
        )
        shared = shared[:first]
        self._tables = {name: experiments[name] for name in names}
        # Only what is read is selected: traces are large, and few checks look at them.
        self._rows = {
            name: _positions(_numbers(table), shared) for name, table in self._tables.items()
        }
        self._first = self._tables[next(iter(names))]
        self.points: list[Any] = check["points"]
        self.realisations = len(shared)

    def values(self, curve: Curve) -> Real:
        """Return a curve, shape (realisation, point), NaN where a realisation failed."""
        return self._read(curve, self._quantity or "metric", _POINT)

    def trace(self, curve: Curve) -> Real:
        """Return a curve per iteration, shape (realisation, point, iteration).

        A run that stopped early keeps its last value; one that failed is NaN throughout.
        """
        quantity = self._quantity or "trace"
        trace = self._read(curve, quantity, (*_POINT, "iteration"))
        # The last valid iteration of each run; what follows it is padding, not failure.
        last = trace.shape[-1] - 1 - np.isfinite(trace)[..., ::-1].argmax(axis=-1)
        padding = np.arange(trace.shape[-1]) > last[..., None]
        values = np.where(padding, np.take_along_axis(trace, last[..., None], axis=-1), trace)
        failed = np.isnan(self._read(curve, "metric", _POINT))
        values[failed] = np.nan
        return values

    def unit(self, traced: bool = False) -> str:
        """Return the unit of the quantity that the check looks at, empty if it has none."""
        name = self._quantity or ("trace" if traced else "metric")
        unit = str(self._first[name].attrs.get("units", ""))
        return "" if unit == "1" else unit

    def difference_unit(self, traced: bool = False) -> str:
        """Return the unit in which two values of that quantity differ."""
        return difference_unit(self.unit(traced))

    def point_unit(self) -> str:
        """Return the unit of the swept parameter."""
        unit = str(self._first["point"].attrs.get("units", "1"))
        return "1" if unit == "" else unit

    def place(self, index: int, end: int | None = None) -> str:
        """Return a point, or a step from one to another, in words; empty without a sweep."""
        if self.points[index] is None:
            return ""
        name = str(self._first["point"].attrs.get("long_name", "point"))
        unit = "" if self.point_unit() == "1" else f" {self.point_unit()}"
        if end is None:
            return f"at {name} = {self.points[index]:g}{unit}"
        return f"from {name} = {self.points[index]:g} to {self.points[end]:g}{unit}"

    def _read(self, curve: Curve, quantity: str, dims: tuple[str, ...]) -> Real:
        table = self._tables[curve.experiment]
        ordered = _of_scheme(table, quantity, curve.scheme).transpose(*dims[1:])
        points = self.points if curve.point is None else [curve.point] * len(self.points)
        swept = table["point"].values
        indices = [int(np.abs(swept - value).argmin()) for value in points]
        rows = self._rows[curve.experiment]
        return np.moveaxis(ordered.values[np.ix_(np.array(indices), rows)].astype(float), 1, 0)


def are_changed(
    check: Mapping[str, Any],
    curves: Iterable[Curve],
    experiments: Mapping[str, xr.Dataset],
    others: Mapping[str, xr.Dataset],
) -> bool:
    """Whether any curve of a check differs between experiments and other versions of these."""
    quantities = {"metric", check["quantity"] or "trace"}
    for experiment, scheme in {(curve.experiment, curve.scheme) for curve in curves}:
        table, other = experiments[experiment], others[experiment]
        if table is other:
            continue
        for quantity in quantities & set(table.data_vars):
            before, after = (_of_scheme(each, quantity, scheme).values for each in (table, other))
            if not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                return True
    return False


def _of_scheme(table: xr.Dataset, quantity: str, scheme: str) -> xr.Variable:
    """Return a quantity of a scheme, without coordinates: to select these costs more than it."""
    return table.variables[quantity].isel(scheme=table.indexes["scheme"].get_loc(scheme))


def _positions(numbers: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.intp]:
    """Return the positions of targets among numbers in any order."""
    order = np.argsort(numbers)
    return order[np.searchsorted(numbers, targets, sorter=order)]


def _realisations_of(table: xr.Dataset, curve: Curve) -> NDArray[Any]:
    """Return the numbers of the realisations that a scheme ran on."""
    numbers = _numbers(table)
    return numbers[_of_scheme(table, "asked", curve.scheme).values] if "asked" in table else numbers


def _numbers(table: xr.Dataset) -> NDArray[Any]:
    return np.asarray(table.get_index("realisation"))
