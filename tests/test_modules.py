"""The map of modules, docs/modules.md, and the floors: which part may import which.

`python tests/test_modules.py` writes the map anew.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "src" / "irsrepro"
MAP = ROOT / "docs" / "modules.md"
# What the parts of each floor may import of the others, and what else may import from a floor.
FLOORS = {
    "channels": set[str](),
    "metrics": set[str](),
    "optimize": {"channels", "metrics", "lazily"},
    "documents": {"channels", "metrics", "optimize", "sweeps", "storage", "errors"},
}
BESIDE = {"sweeps": {"channels", "optimize"}, "sensitivity": {"channels"}}
FIRST = ("channels", "optimize", "documents", "claims")
PREFACE = """\
# Modules

Every module of `src/irsrepro` by the first line of its docstring, from the floor of physics upwards
(see [architecture](architecture.md)). `python tests/test_modules.py` writes this page anew, and a
test compares it with the source.
"""
SOURCES = sorted(LIBRARY.rglob("*.py"))


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]


def module_map() -> str:
    """Sections of folders, and the lone modules of the library at the end."""
    folders = sorted({path.parent for path in SOURCES})

    def rank(folder: Path) -> tuple[int, str]:
        place = folder.relative_to(LIBRARY).parts
        return FIRST.index(place[0]) if place else len(FIRST), folder.as_posix()

    lines = [PREFACE]
    for folder in sorted(folders, key=rank):
        name = folder.relative_to(LIBRARY.parent).as_posix()
        lines += [f"## `{name}`", "", first_line(folder / "__init__.py"), ""]
        modules = [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
        lines += [f"* `{path.stem}`: {first_line(path)}" for path in modules]
        lines += [""] * bool(modules)
    return "\n".join(lines)


def imports(path: Path) -> set[tuple[str, ...]]:
    """Places in the library that a module imports, as parts of a dotted name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    parts = (tuple(name.split(".")) for name in found)
    return {place[1:] for place in parts if place[0] == "irsrepro" and len(place) > 1}


def test_the_map_is_complete_and_current() -> None:
    assert MAP.read_text(encoding="utf-8") == module_map(), "run python tests/test_modules.py"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_imports_go_down_the_floors_only(path: Path) -> None:
    place = path.relative_to(LIBRARY).with_suffix("").parts
    others = {target for target in imports(path) if target[0] != place[0]}
    if place[0] in FLOORS:
        assert {target[0] for target in others} <= FLOORS[place[0]]
    else:
        assert {target[0] for target in others} & set(FLOORS) <= BESIDE.get(place[0], set())
    inside = {target for target in imports(path) if target[0] == place[0]}
    if place[0] == "documents" and len(place) > 2:
        assert {target[1] for target in inside} <= {place[1]}, "another paper"
    if place[0] == "optimize" and "reference" not in place:
        assert not any("reference" in target for target in inside), "a kernel needs a reference"


if __name__ == "__main__":
    MAP.write_text(module_map(), encoding="utf-8")
