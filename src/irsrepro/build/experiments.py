"""Experiments: the solutions of all schemes put side by side, realisation by realisation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.build.storage import read_dataset, read_groups, variable
from irsrepro.errors import ConfigurationError, StorageError

_PLAIN = ("point", "realisation")
_TRACED = (*_PLAIN, "iteration")


def is_compared(
    name: str, dims: tuple[Hashable, ...], traces: Collection[str] | None = None
) -> bool:
    """Whether `compare` takes a variable of a solution; designs it does not.

    Args:
        name: of the variable.
        dims: its dimensions.
        traces: those to take; without any, all.
    """
    return dims == _PLAIN or (dims == _TRACED and (traces is None or name in traces))


def compared_quantities(solution: xr.Dataset) -> xr.Dataset:
    """Return a solution without its design, with what `compare` takes of it."""
    return solution[[name for name, each in solution.items() if is_compared(str(name), each.dims)]]


def gather(paths: Sequence[str], **expected: object) -> xr.Dataset:
    """Read the chunks of one ensemble or solution and join them along ``realisation``.

    Args:
        paths: files in order of their realisations.
        expected: global attributes that every file must carry.

    Raises:
        StorageError: a file is broken or foreign, or a realisation is missing or doubled.
    """
    return join([read_dataset(path, **expected) for path in paths], paths[0])


def read_solutions(
    paths: Sequence[str], schemes: Collection[str] | None = None, **expected: object
) -> dict[str, xr.Dataset]:
    """Read the solutions of schemes and join their chunks along ``realisation``.

    Args:
        paths: in order of their realisations. Those of a reading come before those that it shares
            with the default one.
        schemes: those to read; without any, all.
        expected: attributes that every solution must carry.

    Raises:
        StorageError: a file is broken or foreign, or a realisation is missing or doubled.
    """
    return _read_and_join(paths, schemes, expected)


def _read_and_join(
    paths: Sequence[str],
    schemes: Collection[str] | None,
    expected: Mapping[str, object],
    is_wanted: Callable[[str, tuple[str, ...]], bool] | None = None,
) -> dict[str, xr.Dataset]:
    """Read variables of solutions and join their chunks."""
    chunks: dict[str, dict[str, xr.Dataset]] = {}
    for path in paths:
        for scheme, dataset in read_groups(path, schemes, is_wanted, **expected).items():
            chunks.setdefault(scheme, {}).setdefault(Path(path).stem, dataset)
    order = chunks if schemes is None else schemes
    return {
        scheme: join(list(chunks.get(scheme, {}).values()), f"{paths[0]}, {scheme}")
        for scheme in order
    }


def join(chunks: Sequence[xr.Dataset], name: str) -> xr.Dataset:
    """Join chunks along ``realisation``.

    Args:
        chunks: in order of their realisations.
        name: what they are, for an error.

    Raises:
        StorageError: a realisation is missing or doubled.
    """
    if not chunks:
        raise StorageError(f"{name}: no realisations; delete the file and run again")
    whole = xr.concat(
        chunks,
        dim="realisation",
        data_vars="minimal",
        join="exact",
        combine_attrs="override",
    )
    numbers = whole["realisation"].values
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise StorageError(f"{name}: realisations of its chunks are not 0 to {len(numbers) - 1}")
    return whole


def read_experiment(
    paths: Sequence[str],
    schemes: Collection[str],
    metric: str,
    traces: Collection[str] | None = None,
    /,
    **expected: object,
) -> xr.Dataset:
    """Read the solutions of an experiment and put its schemes side by side, see ``compare``.

    Designs are left out: what is in memory grows with the quantities alone.

    Args:
        paths: see `read_solutions`.
        schemes: the schemes.
        metric: name of the variable that the figure plots.
        traces: those that are wanted, since they are large; without any, all.
        expected: attributes that every solution must carry.
    """
    wanted = partial(is_compared, traces=traces)
    return compare(_read_and_join(paths, schemes, expected, wanted), metric)


def read_changes(paths: Iterable[str], **expected: object) -> dict[str, xr.Dataset]:
    """Read how rounding changes experiments, by the name that each file carries.

    Args:
        paths: one file per experiment.
        expected: attributes that every file must carry.

    Raises:
        StorageError: a file is broken or foreign.
    """
    datasets = (read_dataset(path, **expected) for path in paths)
    return {str(dataset.attrs["experiment"]): dataset for dataset in datasets}


def compare(solutions: Mapping[str, xr.Dataset], metric: str) -> xr.Dataset:
    """Put the solutions of an experiment's schemes side by side, realisation by realisation.

    Args:
        solutions: by scheme, each (point, realisation, ...).
        metric: name of the variable that the figure plots.

    Returns:
        ``metric``, ``status`` and every other quantity that a scheme reports per point and
        realisation, as (scheme, point, realisation); traces with a last dimension ``iteration``.
        NaN where a scheme does not report a quantity. ``asked`` (scheme, realisation): whether the
        scheme ran on the realisation at all.

    Raises:
        ConfigurationError: no scheme reports the metric, or schemes have other points.
    """
    plain, traced = (_names(solutions, dims) for dims in (_PLAIN, _TRACED))
    if metric not in plain:
        raise ConfigurationError(
            f"metric {metric!r} is not there; solutions hold {', '.join(plain)}"
        )
    points = {tuple(dataset["point"].values.tolist()) for dataset in solutions.values()}
    if len(points) > 1:
        raise ConfigurationError(f"schemes were solved at different points: {sorted(points)}")
    numbers = np.unique(np.concatenate([each["realisation"] for each in solutions.values()]))
    has_run = np.stack([np.isin(numbers, each["realisation"]) for each in solutions.values()])
    first, *_ = solutions.values()
    coordinates: dict[str, Any] = {
        "scheme": variable(("scheme",), list(solutions), "scheme", "1"),
        "point": first["point"].variable,
        "realisation": (("realisation",), numbers, first["realisation"].attrs),
    }
    if traced:
        longest = max(solutions.values(), key=lambda each: each.sizes.get("iteration", 0))
        coordinates["iteration"] = longest["iteration"].variable
    table = xr.Dataset(coords=coordinates, attrs=first.attrs)
    quantities: dict[str, Any] = {
        name: _side_by_side(solutions, name, ("scheme", *dims), table)
        for dims, names in ((_PLAIN, plain), (_TRACED, traced))
        for name in names
    }
    about = {"long_name": "whether the scheme ran on the realisation", "units": "1"}
    asked = (("scheme", "realisation"), has_run, about)
    return table.assign(quantities | {"asked": asked, "metric": quantities[metric]})


def _names(solutions: Mapping[str, xr.Dataset], dims: tuple[str, ...]) -> list[str]:
    """Return the names of what solutions have along some dimensions, each once."""
    named = {
        str(name): None
        for solution in solutions.values()
        for name, values in solution.data_vars.items()
        if values.dims == dims
    }
    return list(named)


def _side_by_side(
    solutions: Mapping[str, xr.Dataset], name: str, dims: tuple[str, ...], table: xr.Dataset
) -> xr.Variable:
    """Put a quantity of schemes side by side, NaN where one has no such number.

    Args:
        solutions: by scheme; some may not have the quantity, or not on every realisation.
        name: of the quantity.
        dims: of the result, ``scheme`` first.
        table: has the coordinates of the result.
    """
    parts = [each[name].variable if name in each else None for each in solutions.values()]
    known = [part for part in parts if part is not None]
    shape = tuple(table.sizes[dimension] for dimension in dims)
    if len(known) == len(parts) and all(part.shape == shape[1:] for part in known):
        return xr.Variable(dims, np.stack([part.values for part in known]), known[0].attrs)
    values = np.full(shape, np.nan)
    for row, part, solution in zip(values, parts, solutions.values(), strict=True):
        if part is not None:
            places = np.searchsorted(table["realisation"], solution["realisation"])
            row[(slice(None), places, *map(slice, part.shape[2:]))] = part.values
    return xr.Variable(dims, values, known[0].attrs)
