"""Experiments: the solutions of all schemes put side by side, realisation by realisation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.build.storage import read_dataset, read_groups
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


def read_metric(
    paths: Sequence[str], schemes: Collection[str], metric: str, **expected: object
) -> xr.Dataset:
    """Read what an experiment plots and nothing else; otherwise as `read_experiment`."""
    return compare(_read_and_join(paths, schemes, expected, lambda name, _: name == metric), metric)


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
    names = {
        str(name): values.attrs
        for dataset in solutions.values()
        for name, values in dataset.data_vars.items()
        if values.dims == _PLAIN
    }
    if metric not in names:
        raise ConfigurationError(
            f"metric {metric!r} is not there; solutions hold {', '.join(names)}"
        )
    schemes = _scheme_axis(solutions)
    points = {tuple(dataset["point"].values.tolist()) for dataset in solutions.values()}
    if len(points) > 1:
        raise ConfigurationError(f"schemes were solved at different points: {sorted(points)}")
    table = xr.concat(
        [_select_quantities(dataset, names) for dataset in solutions.values()],
        dim=schemes,
        join="outer",
        combine_attrs="override",
    )
    has_run = [
        np.isin(table["realisation"], solution["realisation"]) for solution in solutions.values()
    ]
    about = {"long_name": "whether the scheme ran on the realisation", "units": "1"}
    table["asked"] = (("scheme", "realisation"), np.stack(has_run), about)
    trace_names = {
        str(name): None
        for dataset in solutions.values()
        for name, values in dataset.data_vars.items()
        if values.dims == _TRACED
    }
    iterations = max(
        (solution.sizes.get("iteration", 0) for solution in solutions.values()), default=0
    )
    for name in trace_names:
        trace_by_scheme = {
            scheme: solution[name] for scheme, solution in solutions.items() if name in solution
        }
        traces = xr.concat(
            list(trace_by_scheme.values()),
            dim=_scheme_axis(trace_by_scheme),
            join="outer",
            combine_attrs="override",
        )
        table[name] = traces.reindex(
            scheme=schemes.values,
            realisation=table["realisation"].values,
            iteration=np.arange(iterations),
        )
    table["metric"] = table[metric]
    table["scheme"].attrs.update(long_name="scheme", units="1")
    return table


def _select_quantities(dataset: xr.Dataset, names: Mapping[str, dict[str, Any]]) -> xr.Dataset:
    """Keep the named quantities (point, realisation), NaN for those that are not there."""
    shape = tuple(dataset.sizes[dimension] for dimension in ("point", "realisation"))
    missing = {
        name: (("point", "realisation"), np.full(shape, np.nan), attributes)
        for name, attributes in names.items()
        if name not in dataset
    }
    return dataset.assign(missing)[list(names)]


def _scheme_axis(schemes: Iterable[str]) -> xr.DataArray:
    return xr.DataArray(list(schemes), dims="scheme", name="scheme")
