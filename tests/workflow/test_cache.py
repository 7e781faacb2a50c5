"""What the cache holds, and that only what nothing reaches is deleted."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import copy_checkout
from irsrepro.build.paths import benchmark_of, channel_files, claims_file, solution_files
from irsrepro.config.loading import Project, load_project
from irsrepro.errors import IrsreproError
from irsrepro.report import cache

KERNELS = Path(".numba/0123456789abcdef")
DATA = "results/preview/he2020"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one paper, without the kernels that copies share."""
    copied = copy_checkout(tmp_path, "he2020")
    shutil.rmtree(copied / ".numba")
    return copied


def files_of(project: Project) -> list[str]:
    """Some of what a build of he2020 leaves, at one fidelity, by one engine."""
    found = [claims_file(project, "he2020", "ring")]
    for reading in project.papers["he2020"].readings:
        found += channel_files(project, "he2020", reading, "fixed")
        found += solution_files(project, "he2020", reading, "snr")
    return [*found, *map(benchmark_of, found[1:])]


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234567890")


def left(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def survey(root: Path, what_ifs: bool = True, **overrides: Any) -> list[cache.CachedFile]:
    projects = [load_project(root, {}), load_project(root, overrides)]
    return cache.survey(root, projects, root / KERNELS, what_ifs=what_ifs)


def test_what_either_fidelity_and_engine_reaches_is_kept(checkout: Path) -> None:
    plain = load_project(checkout, {})
    for fidelity in ("paper", "preview"):
        for engine in ("fast", "reference"):
            put(checkout, *files_of(replace(plain, fidelity=fidelity, engine=engine)))
    put(checkout, f"{DATA}/default/fast/figures/fig04.nc", str(KERNELS / "kernel.nbi"))
    before = left(checkout)
    assert not [each for each in survey(checkout) if each.reason]
    assert "Nothing is out of reach" in cache.prune(checkout, survey(checkout))
    assert left(checkout) == before


UNREACHED = {
    f"{DATA}/default/channels/fixed/00000-00001.nc": "chunks of another size",
    f"{DATA}/default/benchmarks/fast/snr/00000-00001.tsv": "chunks of another size",
    f"{DATA}/default/channels/moon/00000-00007.nc": "no ensemble moon",
    f"{DATA}/default/fast/tides/00000-00007.nc": "no experiment tides",
    f"{DATA}/ring/fast/figures/fig99.nc": "no figure fig99",
    f"{DATA}/tighter_stop/channels/fixed/00000-00007.nc": "the default reading has the same",
    f"{DATA}/ring/fast/snr/joint/00000-00007.nc": "nothing that this project makes",
    f"{DATA}/default/fast/snr/.00000-00007.nc.partial": "left by a run that was killed",
    f"{DATA}/default/notes.txt": "nothing that this project makes",
    "results/preview/she2020/default/fast/claims.nc": "no paper she2020",
}


def test_the_rest_is_deleted_and_said(checkout: Path) -> None:
    kept = files_of(load_project(checkout, {"fidelity": "preview"}))
    what_if = f"{DATA}/bigger/fast/snr/00000-00003.nc"
    old = ".numba/fedcba9876543210/irsrepro/kernel.nbi"
    put(checkout, *kept, *UNREACHED, what_if, old, ".numba/mine/notes", str(KERNELS / "kernel"))
    put(checkout, "figures/he2020/fig99.pdf", "results.txt")
    before = left(checkout)
    found = survey(checkout)
    assert {str(e.path): e.reason for e in found if e.reason} == {
        **UNREACHED, ".numba/fedcba9876543210": "kernels of an older source",
    }  # fmt: skip
    table = cache.listing(found)
    assert all(reason in table for reason in UNREACHED.values()) and "preview" in table
    assert left(checkout) == before, "a listing deletes nothing"
    said = cache.prune(checkout, found)
    assert f"Freed {10 * len(UNREACHED) + 10} B: {len(UNREACHED) + 1} files" in said
    assert left(checkout) == before - {*UNREACHED, old}
    assert not (checkout / "results/preview/she2020").exists(), "empty folders go"
    assert (checkout / DATA / "default").is_dir()


def test_what_ifs_go_when_asked_or_stay(checkout: Path) -> None:
    name = f"{DATA}/bigger/fast/snr/00000-00007.nc"
    put(checkout, name)
    assert [each.reason for each in survey(checkout)] == [""]
    assert [each.reason for each in survey(checkout, what_ifs=False)] == [cache.WHAT_IF]
    asked = survey(checkout, what_ifs=False, variant="bigger", he2020={"elements": 8})
    assert [each.reason for each in asked] == [""], "the what-if of this command line"
    cache.prune(checkout, survey(checkout, what_ifs=False))
    assert not (checkout / name).exists()


def test_sizes_of_the_command_line_are_kept_beside_those_of_the_files(checkout: Path) -> None:
    plain, larger = "00000-00007.nc", "00000-00015.nc"
    put(checkout, *(f"{DATA}/default/channels/fixed/{name}" for name in (plain, larger)))
    assert [each.path.name for each in survey(checkout) if each.reason] == [larger]
    assert not [each for each in survey(checkout, realisations=16) if each.reason]


def test_links_are_not_followed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    put(other, "precious.nc", "folder/precious.nc")
    put(checkout, f"{DATA}/default/channels/fixed/00000-00007.nc")
    (checkout / DATA / "default/channels/fixed/link.nc").symlink_to(other / "precious.nc")
    (checkout / DATA / "default/linked").symlink_to(other / "folder")
    cache.prune(checkout, survey(checkout))
    assert left(other) == {"precious.nc", "folder/precious.nc"}


def test_nothing_is_deleted_while_a_run_holds_the_lock(checkout: Path) -> None:
    put(checkout, *UNREACHED, ".snakemake/locks/0.output.lock")
    before = left(checkout)
    with pytest.raises(IrsreproError, match="a run is under way"):
        cache.prune(checkout, survey(checkout))
    assert left(checkout) == before


def test_sizes_are_for_people() -> None:
    given = (0, 999, 1000, 33_333, 12_345_678, 2.5e9)
    assert [cache.size(each) for each in given] == [
        "0 B", "999 B", "1.0 kB", "33 kB", "12 MB", "2.5 GB",
    ]  # fmt: skip
