"""Which files of this library a job depends on, read off the import statements.

Snakemake sees a script change but not a module that the script imports, so every rule declares the
files that its script and its scheme reach. Nothing is imported to find them out.

Left out is what no content depends on: logging, hashing, error messages. Channels and solutions
depend on the sources of their numbers only: physics, kernels, the scheme, and of the engines the
one in use.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent

_WITHOUT_CONTENT = ("__init__.py", "errors.py", "jobs.py", "lazily.py", "provenance.py")
_NUMBERS = ("arithmetic.py", "channels/", "documents/", "metrics.py", "optimize/", "sweeps.py")


def library_files(*starts: str | Path) -> list[Path]:
    """Return every library file that the given modules and scripts import, directly or not.

    With the module that fills in page templates come the templates. Modules that no content depends
    on are left out.

    Args:
        starts: dotted names of library modules, which are part of the answer, and paths of
            scripts, which are not.

    Raises:
        FileNotFoundError: a start is not there.
    """
    found: dict[Path, None] = {}
    waiting: list[str | Path] = []
    for start in starts:
        if isinstance(start, Path):
            waiting += _imports(start)
        elif module_file(start) is None:
            raise FileNotFoundError(f"{start}: no module of this library has that name")
        else:
            waiting.append(start)
    while waiting:
        name = str(waiting.pop())
        for path in _files_of(name):
            if path not in found:
                found[path] = None
                waiting += _imports(path)
    if LIBRARY / "pages.py" in found:
        found |= dict.fromkeys((LIBRARY / "templates").glob("*.j2"))
    return sorted(path for path in found if _name(path) not in _WITHOUT_CONTENT)


def number_files(engine: str, *starts: str | Path) -> list[Path]:
    """Return those of `library_files` that channels and solutions depend on.

    Args:
        engine: with ``reference``, all of its solvers count: a scheme takes them by name.
        starts: as for `library_files`.
    """
    folder = LIBRARY / "optimize" / "reference"
    twins = [f"irsrepro.optimize.reference.{path.stem}" for path in folder.glob("*.py")]
    reached = library_files(*starts, *(twins if engine == "reference" else ()))
    return [path for path in reached if _name(path).startswith(_NUMBERS)]


def _name(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def digest(files: Iterable[Path]) -> str:
    """Return a short hash of the names and contents of library files."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(str(path.resolve().relative_to(LIBRARY)).encode() + b"\0")
        total.update(path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def module_file(name: str) -> Path | None:
    """Return the source file of a library module, None if there is none of that name."""
    base = LIBRARY.joinpath(*name.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def documentation(name: str, function: str) -> str:
    """Return the first paragraph of a module's docstring, without importing the module.

    Args:
        name: dotted name of a library module.
        function: what the module must define at its top to count.

    Returns:
        The text without its full stop, empty if there is no such module, function or docstring.
    """
    path = module_file(name)
    tree = ast.parse(path.read_text(encoding="utf-8") if path else "")
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    text = (ast.get_docstring(tree) or "") if function in defined else ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def _files_of(name: str) -> list[Path]:
    """Return the file of a module and those of the packages it lies in."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return [path for prefix in prefixes if (path := module_file(prefix)) is not None]


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == "irsrepro"]


def code_version(root: Path) -> str:
    """Return ``git describe`` of a checkout, or ``unknown`` outside one."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the installed version of every direct dependency."""
    requirements = metadata.requires("irsrepro") or []
    names = [re.split(r"[<>=!~; ]", line, maxsplit=1)[0] for line in requirements]
    wanted = [name for name, line in zip(names, requirements, strict=True) if "extra" not in line]
    return {name: metadata.version(name) for name in sorted(wanted)}
