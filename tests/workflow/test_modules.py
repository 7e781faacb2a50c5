"""The map of modules, docs/modules.md, and which part may import which.

`python tests/workflow/test_modules.py` rewrites the map.
"""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "src" / "irsrepro"
MAP = ROOT / "docs" / "modules.md"
FIRST = (
    "channels",
    "optimize",
    "papers",
    "config",
    "build",
    "claims",
    "multiverse",
    "figures",
    "report",
)
PREFACE = """\
# Modules

Every module of `src/irsrepro` by the first line of its docstring, from the floor of physics upwards
(see [architecture](architecture.md)). `python tests/workflow/test_modules.py` rewrites this page,
and a test compares it with the source.
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


def test_the_map_is_complete_and_current() -> None:
    assert MAP.read_text(encoding="utf-8") == module_map(), (
        "run python tests/workflow/test_modules.py"
    )


def test_imports_keep_the_contracts() -> None:
    """Floors, independence of papers, kernels without references: see pyproject.toml."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


if __name__ == "__main__":
    MAP.write_text(module_map(), encoding="utf-8")
