"""Files: NetCDF in and out, and atomic writes of everything.

Datasets in memory hold complex arrays; on disk a complex array is float64 with a trailing dimension
``part`` = (real, imag), readable in any language. ``with_complex_parts`` and ``with_complex`` turn
one into the other and are the only place that knows.

What is read again by a later job ends in a seal: the SHA-256 of all bytes before it. It is verified
before anything looks into the file, and what the file says of itself is held against its name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from irsrepro.build.places import fields_of_path
from irsrepro.errors import StorageError

COMPRESSION = {"zlib": True, "complevel": 4, "shuffle": True}
REMEDY = "delete it and run again"


class Seal(NamedTuple):
    """How the digest at the end of a file is framed, so that other readers pass over it."""

    before: bytes
    after: bytes


NETCDF = Seal(b"\nsha256 ", b"\n")  # behind the end that the file states
JSON = Seal(b',\n "sha256": "', b'"\n}\n')  # the last key


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
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")  # no other writer has this name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else _error_text(error)
        size = f"{len(content) / 1e6:.1f} MB"
        raise StorageError(f"{path}: cannot write {size}, {reason}; nothing was kept") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a power cut undoes no move into place."""
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # not every file system can
        os.fsync(descriptor)
    os.close(descriptor)


def _error_text(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def write_sealed(path: Path | str, content: bytes, seal: Seal) -> None:
    """Write a file atomically, with the digest of its content at its end."""
    write_atomically(path, content + _digest(content, seal))


def read_sealed(path: Path | str, seal: Seal) -> bytes:
    """Read what ``write_sealed`` wrote, without the seal.

    Raises:
        StorageError: the file cannot be read, or is not as it was written.
    """
    path = Path(path)
    try:
        whole = path.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(f"{path}: no such file") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot read it, {_error_text(error)}") from error
    content = whole[: -len(_digest(b"", seal))]
    if whole != content + _digest(content, seal):
        raise StorageError(f"{path}: not as it was written (truncated, changed, foreign); {REMEDY}")
    return content


def _digest(content: bytes, seal: Seal) -> bytes:
    return seal.before + hashlib.sha256(content).hexdigest().encode() + seal.after


def with_complex_parts(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset as it is stored: complex variables with a last dimension ``part``.

    Nothing is left of a file that the dataset may have been read from: neither how it was encoded
    there nor an order of attributes, so that a group written again has the bytes of the first time.
    """
    stored = dataset.drop_encoding()
    for name, variable in dataset.data_vars.items():
        if np.iscomplexobj(variable.values):
            parts = np.stack([variable.values.real, variable.values.imag], axis=-1)
            stored[name] = ((*variable.dims, "part"), parts, dict(variable.attrs))
    if "part" in stored.dims:
        stored = stored.assign_coords(part=("part", ["real", "imag"]))
        stored["part"].attrs.update(long_name="part of a complex number", units="1")
    for entry in stored.variables.values():
        entry.attrs = dict(sorted(entry.attrs.items()))
    stored.attrs = dict(sorted(stored.attrs.items()))
    return stored


def with_complex(dataset: xr.Dataset) -> xr.Dataset:
    """Return a stored dataset with its complex variables put together again."""
    if "part" not in dataset.dims:
        return dataset
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
    write_sealed(path, _netcdf(stored), NETCDF)


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
    compression = {
        name: COMPRESSION if variable.dtype.kind in "fiub" and variable.ndim else {}
        for name, variable in dataset.variables.items()
    }
    return {name: {**options, "_FillValue": None} for name, options in compression.items()}


def read_dataset(path: Path | str, **expected: object) -> xr.Dataset:
    """Read a whole dataset into memory, complex variables put together.

    Args:
        path: a NetCDF file of this project.
        expected: global attributes that the file must carry beyond what its path says, for example
            ``seed=1``.

    Raises:
        StorageError: the file cannot be read, is not as it was written, or holds something else
            than its path says.
    """
    return read_groups(path, ["/"], **expected)["/"]


def read_groups(
    path: Path | str,
    names: Collection[str] | None = None,
    is_wanted: Callable[[str, tuple[str, ...]], bool] | None = None,
    /,
    **expected: object,
) -> dict[str, xr.Dataset]:
    """Read datasets from the groups of one file, see `read_dataset`.

    Args:
        path: a NetCDF file of this project.
        names: groups to read, as far as they are there; without any all, but for the root.
        is_wanted: tells by name and dimensions of a variable whether to read it, coordinates aside;
            without it, all are read.
        expected: attributes that every group must carry.
    """
    content, datasets = read_sealed(path, NETCDF), {}
    try:
        with netCDF4.Dataset("sealed.nc", memory=content) as stream:
            groups = ["/", *stream.groups]
            for name in (
                groups[1:] if names is None else [group for group in groups if group in names]
            ):
                group = xr.backends.NetCDF4DataStore(stream, group=name)  # type: ignore[no-untyped-call]
                stored = stream if name == "/" else stream[name]
                left = [
                    key
                    for key, variable in stored.variables.items()
                    if is_wanted is not None
                    and variable.dimensions != (key,)
                    and not is_wanted(key, tuple(d for d in variable.dimensions if d != "part"))
                ]
                read = xr.open_dataset(group, drop_variables=left).load()
                datasets[name] = with_complex(read)
    except (OSError, RuntimeError, ValueError, AttributeError) as error:
        raise StorageError(f"{path}: not a NetCDF file of this project; {REMEDY}") from error
    for name, dataset in datasets.items():
        scheme = {} if name == "/" else {"scheme": name}
        check_facts(path, dataset.attrs, **scheme, **expected)
        if chunk := fields_of_path(path).get("chunk"):
            first, last = map(int, chunk.split("-"))
            if not np.array_equal(dataset["realisation"], np.arange(first, last + 1)):
                raise StorageError(f"{path}: holds other realisations than {chunk}; {REMEDY}")
    return datasets


def check_facts(path: Path | str, facts: Mapping[str, object], **expected: object) -> None:
    """Refuse a file that is not what its path says, or what is expected of it.

    Raises:
        StorageError: with the first fact that differs.
    """
    for name, value in {**fields_of_path(path), **expected}.items():
        if name != "chunk" and facts.get(name) != str(value):
            difference = f"{name} is {facts.get(name)!r}, not {str(value)!r}"
            raise StorageError(f"{path}: {difference}; {REMEDY}")
