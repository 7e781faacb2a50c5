"""NetCDF and atomic writes."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from irsrepro.build.storage import read_dataset, variable, write_atomically, write_dataset
from irsrepro.errors import StorageError


def example() -> xr.Dataset:
    generator = np.random.default_rng(3)
    values = generator.standard_normal((2, 3)) + 1j * generator.standard_normal((2, 3))
    return xr.Dataset(
        {
            "h": variable(("realisation", "element"), values, "channel", "1"),
            "rate": variable(("realisation",), [1.0, np.nan], "rate", "bit/s/Hz"),
            "status": variable(("realisation",), np.array([0, 2], np.int8), "status", "1"),
        },
        coords={"realisation": variable(("realisation",), [0, 1], "number", "1")},
        attrs={"document": "he2020"},
    )


def test_round_trip_is_exact(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    xr.testing.assert_identical(read_dataset(tmp_path / "a.nc", document="he2020"), example())


def test_complex_convention_is_readable_without_us(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    with netCDF4.Dataset(tmp_path / "a.nc") as stored:
        assert stored["h"].dimensions == ("realisation", "element", "part")
        assert stored["h"].dtype == np.float64
        assert list(stored["part"][:]) == ["real", "imag"]
        np.testing.assert_array_equal(stored["h"][..., 1], example()["h"].values.imag)
        assert stored["h"].filters()["zlib"]


def test_equal_data_gives_equal_bytes(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    time.sleep(1.1)  # a time kept in whole seconds would differ
    write_dataset(tmp_path / "b.nc", example())
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_variable_without_units_is_refused(tmp_path: Path) -> None:
    bad = example()
    del bad["rate"].attrs["units"]
    with pytest.raises(StorageError, match=r"a\.nc: variable rate has no units"):
        write_dataset(tmp_path / "a.nc", bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("length", [0, 10, 3000])
def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.nc"
    write_dataset(path, example())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StorageError, match="truncated or not a NetCDF file; delete it") as caught:
        read_dataset(path)
    assert "\n" not in str(caught.value)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    with pytest.raises(StorageError, match="document is 'he2020', not 'yu2020'"):
        read_dataset(tmp_path / "a.nc", document="yu2020")


def test_a_file_of_another_place_in_the_cache_is_refused(tmp_path: Path) -> None:
    here, there = (tmp_path / "results" / "preview" / key / "a.nc" for key in ("he2020", "yu2020"))
    write_dataset(here, example())
    assert read_dataset(here).attrs["document"] == "he2020"
    there.parent.mkdir()
    there.write_bytes(here.read_bytes())
    with pytest.raises(StorageError, match="holds document 'he2020', not what its place says"):
        read_dataset(there)


def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.nc"
    write_atomically(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full; nothing was kept"):
        write_atomically(path, b"new" * 1000)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.nc"]


def test_a_real_file_size_limit_is_one_line(tmp_path: Path) -> None:
    """The kernel itself refuses to write, as it does on a full disk."""
    program = (
        "from irsrepro.build.storage import write_atomically\n"
        "from irsrepro.errors import StorageError\n"
        "try:\n    write_atomically('big.bin', b'x' * 100_000)\n"
        "except StorageError as error:\n    print(error)\n"
    )

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == ("big.bin: cannot write 0.1 MB, the disk is full; nothing was kept\n")
    assert not list(tmp_path.iterdir())
