"""A kernel beside the obvious way in one process, and that ratio beside the committed one.

Seconds of two machines do not compare; the ratio of two ways on one machine nearly does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import irsrepro  # noqa: F401  before NumPy, which then uses the kernels that irsrepro chooses

# isort: split
import pytest

from irsrepro.build.jobs import keep_compiled_kernels
from timing import (
    ROOT,
    cpu_seconds,
    machine,
    read_results,
    record,
    rounded,
    times,
    warn_unless_quiet,
)

keep_compiled_kernels(ROOT)  # before a kernel is imported

NAME = "ratios"
SLACK = 1.5
"""How many times slower than committed, against the obvious way, is an error."""
ROUNDS, FEW_ROUNDS, LONG = 7, 3, 0.5
"""Calls of either way, fewer where the obvious one takes more than `LONG` seconds."""

Row = dict[str, float | str]
FOUND = pytest.StashKey[dict[str, dict[str, Row]]]()
COMMITTED = pytest.StashKey[dict[str, dict[str, Row]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes what was measured."""
    told = "write what was measured, to be committed, and hold it against nothing"
    parser.addoption("--record", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Remember what is committed; nothing is found yet."""
    config.stash[FOUND] = {}
    config.stash[COMMITTED] = read_results(NAME)
    warn_unless_quiet(machine())


@pytest.fixture
def beside(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return the measurement of a pair: the two ways take turns, CPU seconds count."""

    def measure(
        group: str,
        name: str,
        ours: Callable[[], object],
        obvious: Callable[[], object],
        *,
        way: str,
        many: int = 1,
        few: int = 1,
    ) -> None:
        """Measure and compare.

        Args:
            group: of the table.
            name: in the table.
            ours: the kernel, on `many` instances.
            obvious: the other way, on `few` instances.
            way: what the other way is.
            many: instances of ours.
            few: instances of the other one.
        """
        ours()  # compiles
        theirs = [cpu_seconds(obvious)]
        rounds = ROUNDS if theirs[0] < LONG else FEW_ROUNDS
        benchmark.group = group
        benchmark.pedantic(
            ours, setup=lambda: theirs.append(cpu_seconds(obvious)), rounds=rounds - 1
        )
        stats = benchmark.stats.stats
        ratio = min(theirs) / few / (stats.min / many)
        row: Row = {
            "seconds": rounded(stats.min / many),
            "median": rounded(stats.median / many),
            "obvious": rounded(times(theirs).minimum / few),
            "obvious median": rounded(times(theirs).median / few),
            "ratio": rounded(ratio),
            "way": way,
        }
        request.config.stash[FOUND].setdefault(group, {})[name] = row
        benchmark.extra_info.update(row)
        committed = request.config.stash[COMMITTED].get(group, {}).get(name)
        if request.config.getoption("--record"):
            record(NAME, group, name, row)
        elif committed:
            assert ratio * SLACK > committed["ratio"], (
                f"{name}: {ratio:.3g} times as fast as {way}, committed are {committed['ratio']}"
            )

    return measure


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print ratios beside the committed ones."""
    for group, rows in config.stash[FOUND].items():
        terminalreporter.section(f"{group}: how many times as fast as the obvious way")
        for name, row in rows.items():
            last = config.stash[COMMITTED].get(group, {}).get(name, {}).get("ratio", "none")
            terminalreporter.line(
                f"{name:38}{row['ratio']:>10}   committed {last:>8}   {row['way']}"
            )
