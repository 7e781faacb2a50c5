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

from irsrepro.build.storage import (
    NETCDF,
    read_dataset,
    read_groups,
    read_sealed,
    variable,
    write_atomically,
    write_dataset,
    write_groups,
    write_sealed,
)
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
        attrs={"paper": "he2020"},
    )


def test_round_trip_is_exact(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    xr.testing.assert_identical(read_dataset(tmp_path / "a.nc", paper="he2020"), example())


def test_complex_convention_is_readable_without_us(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    with netCDF4.Dataset(tmp_path / "a.nc") as stored:
        assert stored["h"].dimensions == ("realisation", "element", "part")
        assert stored["h"].dtype == np.float64
        assert list(stored["part"][:]) == ["real", "imag"]
        np.testing.assert_array_equal(stored["h"][..., 1], example()["h"].values.imag)
        assert stored["h"].filters()["zlib"]


def test_data_that_was_read_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    """A file of several schemes is written again when one of them is solved again."""
    path = tmp_path / "a.nc"
    many = {f"fact {number}": "x" for number in range(12, 0, -1)}  # HDF5 orders more than 8 by name
    groups = {name: example().assign_attrs(many, scheme=name) for name in ("own", "none")}
    write_groups(path, groups)
    first = path.read_bytes()
    write_groups(path, read_groups(path))
    assert path.read_bytes() == first


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


def cached(root: Path, **changed: str) -> tuple[Path, xr.Dataset]:
    """A file of channels where the cache has it, and what it should hold."""
    facts = {"paper": "he2020", "fidelity": "preview", "reading": "default", "seed": "1"}
    data = example().assign_attrs(facts | {"ensemble": "fixed"} | changed)
    path = root / "results/preview/he2020/default/channels/fixed/00000-00001.nc"
    return path, data


DAMAGED = r"a\.nc: not as it was written \(truncated, changed, foreign\); delete it and run again"


@pytest.mark.parametrize("length", [0, 10, 3000, -1])
def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.nc"
    write_dataset(path, example())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StorageError, match=DAMAGED) as caught:
        read_dataset(path)
    assert "\n" not in str(caught.value)


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path, draws = tmp_path / "a.nc", np.random.default_rng(7)
    write_groups(path, {"one": example(), "two": example()})
    whole = path.read_bytes()
    for place in draws.integers(8 * len(whole), size=500).tolist():
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(StorageError, match=DAMAGED):
            read_groups(path)


def test_a_value_changed_by_other_means_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    write_dataset(path, example())
    with netCDF4.Dataset(path, "a") as stored:
        stored["rate"][0] = 2.0
    with pytest.raises(StorageError, match=DAMAGED):
        read_dataset(path)


def test_what_the_system_says_is_passed_on(tmp_path: Path) -> None:
    """A file that cannot be read may be good: nobody is told to delete it."""
    with pytest.raises(StorageError, match=r"a\.nc: no such file$"):
        read_dataset(tmp_path / "a.nc")
    (tmp_path / "a.nc").mkdir()
    with pytest.raises(StorageError, match=r"a\.nc: cannot read it, is a directory$"):
        read_dataset(tmp_path / "a.nc")


def test_a_file_that_is_not_what_is_expected_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", example())
    with pytest.raises(StorageError, match="paper is 'he2020', not 'yu2020'"):
        read_dataset(tmp_path / "a.nc", paper="yu2020")


def test_a_file_must_hold_all_that_its_path_says(tmp_path: Path) -> None:
    path, data = cached(tmp_path)
    write_dataset(path, data)
    xr.testing.assert_identical(read_dataset(path, seed=1), data)
    with pytest.raises(StorageError, match="seed is '1', not '2'"):
        read_dataset(path, seed=2)
    for name, other in {
        "fidelity": "paper", "paper": "yu2020", "reading": "ring", "ensemble": "moving",
    }.items():  # fmt: skip
        write_dataset(path, cached(tmp_path, **{name: other})[1])
        with pytest.raises(StorageError, match=f"{name} is '{other}', not "):
            read_dataset(path)
    for chunk in ("00000-00002", "00001-00002", "00000-00000"):
        write_dataset(path.with_name(f"{chunk}.nc"), data)
        with pytest.raises(StorageError, match=f"holds other realisations than {chunk}"):
            read_dataset(path.with_name(f"{chunk}.nc"))


def test_a_group_must_be_of_the_scheme_that_names_it(tmp_path: Path) -> None:
    write_groups(tmp_path / "a.nc", {"power": example().assign_attrs(scheme="phase")})
    with pytest.raises(StorageError, match="scheme is 'phase', not 'power'"):
        read_groups(tmp_path / "a.nc")


def test_two_writers_and_a_reader_see_whole_files_only(tmp_path: Path) -> None:
    """Two processes write one path; every read is of one whole content."""
    path = tmp_path / "a.nc"
    program = (
        "import sys\n"
        "from irsrepro.build.storage import NETCDF, write_sealed\n"
        "for _ in range(200):\n"
        "    write_sealed(sys.argv[1], sys.argv[2].encode() * 50_000, NETCDF)\n"
    )
    write_sealed(path, b"0", NETCDF)
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path), letter]) for letter in "ab"
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(read_sealed(path, NETCDF))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {b"0", b"a" * 50_000, b"b" * 50_000} and len(seen) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.nc"]


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
