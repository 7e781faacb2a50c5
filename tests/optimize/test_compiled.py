"""No compiled function lets the compiler reorder sums.

With fast mathematics their last bits depend on what can be inlined, which differs between a
function just compiled and one read from the cache, and on what the process has compiled before.
"""

import ast
from pathlib import Path

import pytest

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
