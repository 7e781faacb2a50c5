"""A few of the faults that ``faults.py`` does to builds by the hundred."""

from pathlib import Path

import faults
import pytest

from conftest import Workflow, copy_checkout

Built = tuple[Workflow, dict[str, bytes]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build of two figures, and the bytes of all its files."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("faults"), "he2020"))
    return workflow, faults.build_all(workflow)


def test_a_flipped_bit_is_noticed(built: Built) -> None:
    assert not faults.flips(built[0], 400).wrong


def test_two_writers_of_one_path_leave_whole_files(tmp_path: Path) -> None:
    assert not faults.writers(tmp_path, 50).wrong


def test_a_place_that_cannot_be_written_is_one_line(built: Built, tmp_path: Path) -> None:
    assert not faults.without_permission(built[0], tmp_path).wrong


def test_changed_files_of_the_cache_are_refused_in_the_last_line(built: Built) -> None:
    names = ["another figure's data", "another chunk of channels", "a value of a solution"]
    assert not faults.by_hand(built[0], names).wrong


def test_odd_surroundings_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    assert not faults.odd_surroundings(tmp_path, built[1]).wrong


def test_a_second_run_is_refused_for_the_same_files_only(built: Built) -> None:
    assert not faults.two_runs(built[0]).wrong


def test_a_full_disk_is_one_line(built: Built) -> None:
    assert not faults.full_disk(*built, [16_000]).wrong


def test_killed_in_any_way_the_next_run_gives_the_same_bytes(built: Built) -> None:
    assert not [bad for each in faults.kills(*built, len(faults.SIGNALS)) for bad in each.wrong]
