"""Which files of this library a job depends on, read off the import statements.

Snakemake sees a script change but not a module that the script imports, so every rule declares the
files that its script and its scheme reach. Nothing is imported to find them out.

Left out is what no content depends on: logging, hashing, error messages, lists of names. Channels
and solutions depend on the sources of their numbers only: physics, kernels, the scheme, and of the
engines the one in use.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import grimp

from irsrepro.config.modules import LIBRARY, module_file

VERSION_GIVEN = "IRSREPRO_VERSION"
"""Environment variable that tells the version of a copy that git knows nothing of."""

_WITHOUT_CONTENT = (
    "__init__.py", "array_types.py", "build/__init__.py", "build/failures.py", "build/jobs.py",
    "build/provenance.py", "errors.py", "lazy_import.py", "optimize/__init__.py",
)  # fmt: skip
_NUMBERS = (
    "arithmetic.py", "build/sweeps.py", "channels/", "compiled.py", "metrics.py",
    "nested_code.py", "optimize/", "papers/",
)  # fmt: skip


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
    graph = _import_graph()
    queue: list[str] = []
    for start in starts:
        if not isinstance(start, Path) and start not in graph.modules:
            raise FileNotFoundError(f"{start}: no module of this library has that name")
        queue += _imports(start) & graph.modules if isinstance(start, Path) else {start}
    modules: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in modules:
            modules.add(name)
            queue += graph.find_modules_directly_imported_by(name)
            queue += [name.rpartition(".")[0]] * ("." in name)  # importing it runs its package
    paths = {path for name in modules if (path := module_file(name)) is not None}
    if LIBRARY / "report" / "pages.py" in paths:
        paths.update((LIBRARY / "report" / "templates").glob("*.j2"))
    return sorted(path for path in paths if _name(path) not in _WITHOUT_CONTENT)


def number_files(engine: str, *starts: str | Path) -> list[Path]:
    """Return those of `library_files` that channels and solutions depend on.

    Args:
        engine: with ``reference``, all of its solvers count: a scheme takes them by name.
        starts: as for `library_files`.
    """
    twins = reference_modules() if engine == "reference" else ()
    files = library_files(*starts, *twins)
    return [path for path in files if _name(path).startswith(_NUMBERS)]


@cache
def kernel_files() -> list[Path]:
    """Return the library files that compiled code depends on: of kernels and what they import."""
    return library_files(*_import_graph().find_modules_that_directly_import("irsrepro.compiled"))


def external_files(key: str) -> list[Path]:
    """Return the library files about solutions from outside: how they are read and checked."""
    names = ("build.exchange", "build.external", "build.solution_format", f"papers.{key}.solution")
    return [path for name in names if (path := module_file(f"irsrepro.{name}")) is not None]


def reference_modules() -> list[str]:
    """Return the dotted names of all modules of the reference engine."""
    return sorted(name for name in _import_graph().modules if ".reference." in name)


def _name(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def digest(files: Iterable[Path]) -> str:
    """Return a short hash of the names and contents of library files."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(_file_digest(path))
    return total.hexdigest()[:16]


@cache
def _file_digest(path: Path) -> bytes:
    name = str(path.resolve().relative_to(LIBRARY)).encode()
    return hashlib.sha256(name + b"\0" + path.read_bytes()).digest()


@cache
def _import_graph() -> grimp.ImportGraph:
    """The imports of this library, read from its source."""
    return grimp.build_graph("irsrepro", cache_dir=None)


def _imports(script: Path) -> set[str]:
    """Return the dotted names of what a script imports, modules and what is in them alike."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def code_version() -> str:
    """Return ``git describe`` of this checkout; outside one what ``VERSION_GIVEN`` tells."""
    command = ["git", "-C", str(LIBRARY.parents[1]), "describe", "--always", "--dirty", "--tags"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get(VERSION_GIVEN, "unknown")
    return result.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the installed version of every library that the package names, tools aside."""
    tools = ('extra == "dev"', 'extra == "docs"')
    lines = [
        line
        for line in metadata.requires("irsrepro") or []
        if not any(extra in line for extra in tools)
    ]
    names = {re.split(r"[<>=!~; ]", line, maxsplit=1)[0] for line in lines}
    return {name: metadata.version(name) for name in sorted(names)}
