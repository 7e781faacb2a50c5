"""No compiled function lets the compiler reorder sums, and none is compiled for literal numbers.

With fast mathematics their last bits depend on what can be inlined, which differs between a
function just compiled and one read from the cache, and on what the process has compiled before.
"""

import ast
from pathlib import Path

import numpy as np
import pytest

from irsrepro.array_types import Real
from irsrepro.compiled import kernel

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "src" / "irsrepro"


def fast_mathematics(source: str) -> list[int]:
    """Return the lines on which something is given the option ``fastmath``."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and any(each.arg == "fastmath" for each in node.keywords)
    ]


@pytest.mark.parametrize("folder", ["src", "workflow", "schemes"])
def test_no_function_has_fast_mathematics(folder: str) -> None:
    paths = list((ROOT / folder).rglob("*.py"))
    assert paths and [path for path in paths if fast_mathematics(path.read_text())] == []


def test_it_is_seen() -> None:
    source = '@njit(cache=True, fastmath={"reassoc"})\ndef f(x):\n    return x\n'
    assert fast_mathematics(source) == [1]


@kernel
def power_sum(values: Real, exponent: int) -> float:
    total = 0.0
    for n in range(values.size):
        total += values[n] ** exponent
    return total


@kernel
def calls_with_literals(values: Real) -> float:
    total, exponent = power_sum(values, 2), 3
    while exponent < 5:
        total += power_sum(values, exponent=exponent)
        exponent += 1
    return total


def test_a_kernel_is_compiled_once_for_all_literal_numbers() -> None:
    assert calls_with_literals(np.array([1.0, 2.0])) == 5.0 + 9.0 + 17.0
    # What comes from the cache of an earlier run does not tell what it was compiled from.
    calls_with_literals.recompile()  # type: ignore[attr-defined]
    assert len(power_sum.nested.signatures) == 1  # type: ignore[attr-defined]


@kernel
def checked_sum(values: Real, limit: float) -> float:
    total = power_sum(values, 1)
    if total > limit:
        raise ValueError("the sum is above", limit)
    if limit == 0.0:
        print("sum:", total)
    return total


@kernel
def twice(values: Real, limit: float) -> float:
    return 2.0 * checked_sum(values, limit)


def test_a_kernel_within_another_has_no_machine_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What it needs of Python, for errors and to print, it has nevertheless."""
    values = np.array([0.5, 1.0])
    for _ in range(2):  # just compiled, and as far as possible from the cache
        assert twice(values, 2.0) == 3.0
        with pytest.raises(ValueError, match="the sum is above") as raised:
            twice(values, 1.0)
        assert raised.value.args == ("the sum is above", 1.0)
        assert twice(-values, 0.0) == -3.0
        assert capfd.readouterr().out == "sum: -1.5\n"
        twice.recompile()  # type: ignore[attr-defined]
    assert not checked_sum.signatures  # type: ignore[attr-defined]
    entries = [code.entry_point for code in checked_sum.nested.overloads.values()]  # type: ignore[attr-defined]
    assert entries and not any(callable(entry) for entry in entries)


def test_a_kernel_serves_python_and_other_kernels() -> None:
    values = np.array([1.0, 2.0])
    assert twice(values, 4.0) == 2.0 * checked_sum(values, 4.0) == 6.0
