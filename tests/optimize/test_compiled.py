"""What compiled functions may do, so that rounding does not depend on numba's cache.

A function just compiled can be inlined into its callers, one read from the cache cannot. With fast
mathematics that decides how sums are ordered. So a function with it is compiled on its own: nothing
compiled calls it, and it calls only what numba itself puts in place (`inline="always"`).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "src" / "irsrepro"
FLOORS = [LIBRARY / name for name in ("channels", "optimize", "papers")]


def compiled(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, dict[str, ast.expr]]]:
    """Functions compiled by numba, with the options given."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                call = mark.func if isinstance(mark, ast.Call) else mark
                if isinstance(call, ast.Name) and call.id in ("njit", "kernel"):
                    options = mark.keywords if isinstance(mark, ast.Call) else []
                    yield node, {each.arg: each.value for each in options if each.arg}


def calls(function: ast.FunctionDef) -> set[str]:
    named = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {each.id for each in named if isinstance(each, ast.Name)}


def origins(tree: ast.Module, module: str) -> dict[str, str]:
    """Modules of the names that a module knows: defined in it, or imported."""
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    found = {alias.name: str(node.module) for node in imported for alias in node.names}
    return found | {function.name: module for function, _ in compiled(tree)}


def breaches(sources: dict[str, str]) -> list[str]:
    trees = {module: ast.parse(source) for module, source in sources.items()}
    options = {
        (module, function.name): given
        for module, tree in trees.items()
        for function, given in compiled(tree)
    }
    wrong = []
    for module, tree in trees.items():
        known = origins(tree, module)
        for function, given in compiled(tree):
            for name in sorted(calls(function)):
                called = options.get((known.get(name, ""), name))
                if called is None or "inline" in called:
                    continue
                if "fastmath" in given:
                    wrong.append(f"{module}.{function.name} has fast mathematics, calls {name}")
                if "fastmath" in called:
                    wrong.append(f"{module}.{function.name} calls {name} with fast mathematics")
    return wrong


def test_functions_with_fast_mathematics_are_compiled_alone() -> None:
    paths = [path for floor in FLOORS for path in floor.rglob("*.py")]
    sources = {
        ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts): path.read_text()
        for path in paths
    }
    assert any("fastmath" in source for source in sources.values())
    assert breaches(sources) == []


@pytest.mark.parametrize(
    ("callee", "caller", "wrong"),
    [
        ("", ", fastmath=True", "outer has fast mathematics, calls inner"),
        (", fastmath=True", "", "outer calls inner with fast mathematics"),
        (', inline="always"', ", fastmath=True", None),
    ],
)
def test_breaches_are_found(callee: str, caller: str, wrong: str | None) -> None:
    source = (
        f"@njit(cache=True{callee})\ndef inner(x):\n    return x\n\n"
        f"@njit(cache=True{caller})\ndef outer(x):\n    return inner(x)\n"
    )
    assert breaches({"kernel": source}) == ([f"kernel.{wrong}"] if wrong else [])
    apart = {
        "here": source.split("\n\n")[0],
        "there": "from here import inner\n" + source.split("\n\n")[1],
    }
    assert breaches(apart) == ([f"there.{wrong}"] if wrong else [])
