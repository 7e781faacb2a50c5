"""Files: NetCDF in and out, and atomic writes of everything.

Datasets in memory hold complex arrays; on disk a complex array is float64 with a trailing dimension
``part`` = (real, imag), readable in any language. ``with_complex_parts`` and ``with_complex`` turn
one into the other and are the only place that knows.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from irsrepro.errors import StorageError

COMPRESSION = {"zlib": True, "complevel": 4, "shuffle": True}


def variable(
    dims: Sequence[str], values: ArrayLike, long_name: str, units: str
) -> tuple[Sequence[str], NDArray[Any], dict[str, str]]:
    """Return a variable of a dataset with the two attributes that every one must have."""
    return dims, np.asarray(values), {"long_name": long_name, "units": units}


def write_atomically(path: Path | str, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then moved into place.

    Raises:
        StorageError: the disk is full or the place cannot be written; nothing half-written remains.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else (error.strerror or str(error)).lower()
        size = f"{len(content) / 1e6:.1f} MB"
        raise StorageError(f"{path}: cannot write {size}, {reason}; nothing was kept") from error


def with_complex_parts(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset as it is stored: complex variables with a last dimension ``part``."""
    stored = dataset.copy()
    for name, variable in dataset.data_vars.items():
        if np.iscomplexobj(variable.values):
            parts = np.stack([variable.values.real, variable.values.imag], axis=-1)
            stored[name] = ((*variable.dims, "part"), parts, dict(variable.attrs))
    if "part" in stored.dims:
        stored = stored.assign_coords(part=("part", ["real", "imag"]))
        stored["part"].attrs.update(long_name="part of a complex number", units="1")
    return stored


def with_complex(dataset: xr.Dataset) -> xr.Dataset:
    """Return a stored dataset with its complex variables put together again."""
    joined = dataset.copy()
    for name, variable in dataset.data_vars.items():
        if "part" in variable.dims:
            values = variable.values[..., 0] + 1j * variable.values[..., 1]
            joined[name] = (variable.dims[:-1], values, dict(variable.attrs))
    return joined.drop_vars("part", errors="ignore")


def write_dataset(path: Path | str, dataset: xr.Dataset) -> None:
    """Write a dataset as compressed NetCDF-4, atomically.

    The same data gives the same bytes.

    Raises:
        StorageError: a variable lacks ``long_name`` or ``units``, or the file cannot be written.
    """
    write_groups(path, {"/": dataset})


def write_groups(path: Path | str, datasets: Mapping[str, xr.Dataset]) -> None:
    """Write datasets as the groups of one NetCDF-4 file, see `write_dataset`.

    Args:
        path: of the file.
        datasets: by the name of their group.
    """
    stored = {name: with_complex_parts(dataset) for name, dataset in datasets.items()}
    for group, dataset in stored.items():
        for name, variable in dataset.variables.items():
            for attribute in ("long_name", "units"):
                if attribute not in variable.attrs:
                    place = "" if group == "/" else f" of {group}"
                    raise StorageError(f"{path}: variable {name}{place} has no {attribute}")
    write_atomically(path, _netcdf(stored))


def _netcdf(datasets: Mapping[str, xr.Dataset]) -> bytes:
    """Return the bytes of a NetCDF file, made in a scratch folder.

    Not in memory: the library then writes the time into the file, and equal data would give
    unequal bytes. Not in place: it would not say when the disk is full.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="irsrepro-") as folder:
            scratch = Path(folder, "dataset.nc")
            for number, (group, dataset) in enumerate(datasets.items()):
                dataset.to_netcdf(
                    scratch,
                    mode="a" if number else "w",
                    group=group,
                    engine="netcdf4",
                    format="NETCDF4",
                    encoding=_encoding(dataset),
                )
            return scratch.read_bytes()
    except (OSError, RuntimeError) as error:
        place = tempfile.gettempdir()
        raise StorageError(f"{place}: scratch folder, full or not writable ({error})") from error


def _encoding(dataset: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    """Return how the variables of a dataset are compressed."""
    packed = {
        name: COMPRESSION if variable.dtype.kind in "fiub" and variable.ndim else {}
        for name, variable in dataset.variables.items()
    }
    return {name: {**how, "_FillValue": None} for name, how in packed.items()}


PLACE = ("fidelity", "document", "reading", "engine", "experiment", "ensemble")


def read_dataset(path: Path | str, **expected: str) -> xr.Dataset:
    """Read a whole dataset into memory, complex variables put together.

    A file of the cache lies in folders named by what it is; one that lies elsewhere is foreign.

    Args:
        path: a NetCDF file of this project.
        expected: global attributes the file must carry, for example ``document="he2020"``.

    Raises:
        StorageError: the file is missing, truncated, not NetCDF, or belongs to something else.
    """
    return read_groups(path, ["/"], **expected)["/"]


def read_groups(
    path: Path | str, names: Collection[str] | None = None, **expected: str
) -> dict[str, xr.Dataset]:
    """Read datasets from the groups of one file, see `read_dataset`.

    Args:
        path: a NetCDF file of this project.
        names: groups to read, as far as they are there; without any all, but for the root.
        expected: attributes that every group must carry.
    """
    path = Path(path)
    mend = "delete it and run again"
    if not path.is_file():
        raise StorageError(f"{path}: no such file")
    found = {}
    try:
        with netCDF4.Dataset(path) as stream:
            there = ["/", *stream.groups]
            for name in there[1:] if names is None else [each for each in there if each in names]:
                group = xr.backends.NetCDF4DataStore(stream, group=name)  # type: ignore[no-untyped-call]
                found[name] = with_complex(xr.open_dataset(group).load())
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(f"{path}: truncated or not a NetCDF file; {mend}") from error
    for dataset in found.values():
        if "results" in path.parts:
            for attribute in PLACE:
                if dataset.attrs.get(attribute, path.parts[0]) not in path.parts:
                    raise StorageError(
                        f"{path}: holds {attribute} {dataset.attrs[attribute]!r}, not what its "
                        f"place says; {mend}"
                    )
        for attribute, value in expected.items():
            has = dataset.attrs.get(attribute)
            if has != value:
                raise StorageError(f"{path}: {attribute} is {has!r}, not {value!r}; {mend}")
    return found
