"""No compiled function lets the compiler reorder sums, and none is compiled for literal numbers.

With fast mathematics their last bits depend on what can be inlined, which differs between a
function just compiled and one read from the cache, and on what the process has compiled before.
"""

import ast
import os
import subprocess
import sys
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


def test_a_kernel_within_another_has_no_code_of_its_own() -> None:
    calls_with_literals(np.array([1.0, 2.0]))
    calls_with_literals.recompile()  # type: ignore[attr-defined]
    (code,) = power_sum.nested.overloads.values()  # type: ignore[attr-defined]
    assert code.library.get_function(code.fndesc.llvm_func_name)
    with pytest.raises(NameError):  # no way in for Python
        code.library.get_function(code.fndesc.llvm_cpython_wrapper_name)
    assert power_sum(np.array([1.0, 2.0]), 2) == 5.0  # which gets one when it calls


KERNELS = """
import sys
import irsrepro
import numpy as np
from irsrepro.compiled import kernel

@kernel
def innermost(values):
    return np.sum(2.0 * values)

@kernel
def inner(values, limit):
    total = innermost(values)
    if total > limit:
        raise ValueError("the sum is above", limit)
    if limit == 0.0:
        print("sum:", total)
    return total

@kernel
def outer(values, limit):
    return 2.0 * inner(values, limit)

if "load" in sys.argv:
    outer.load_compiled()
    print(len(outer.overloads), sum(outer.stats.cache_misses.values()))
    sys.exit()
for sign, limit in ((1.0, 4.0), (1.0, 1.0), (-1.0, 0.0)):
    try:
        print(outer(sign * np.array([0.5, 1.0]), limit))
    except ValueError as error:
        print(error.args)
hits = (sum(each.stats.cache_hits.values()) for each in (outer, inner.nested, innermost.nested))
print(*hits, inner(np.zeros(2), 1.0))
"""


def run_kernels(folder: Path, *arguments: str) -> list[str]:
    """Run `KERNELS` with a cache in a folder; return the lines that it prints."""
    script = folder / "kernels.py"
    if not script.exists():  # a file written again would be another one for the cache
        script.write_text(KERNELS)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return str(done.stdout).splitlines()


@pytest.mark.parametrize(
    ("kept", "hits"),
    [("", "0 0 0"), ("*inner-*", "0 1 0"), ("*", "1 0 0")],
    ids=["nothing", "what is called", "everything"],
)
def test_a_kernel_prints_and_fails_alike_whatever_comes_from_the_cache(
    tmp_path: Path, kept: str, hits: str
) -> None:
    expected = ["6.0", "('the sum is above', 1.0)", "sum: -3.0", "-6.0"]
    if kept:
        assert run_kernels(tmp_path) == [*expected, "0 0 0 0.0"]
        for path in tmp_path.rglob("*.nb?"):
            if not path.match(kept):
                path.unlink()
    assert run_kernels(tmp_path) == [*expected, f"{hits} 0.0"]


def test_what_other_processes_have_compiled_is_loaded(tmp_path: Path) -> None:
    assert run_kernels(tmp_path, "load") == ["0 0"]
    run_kernels(tmp_path)
    assert run_kernels(tmp_path, "load") == ["1 0"]
