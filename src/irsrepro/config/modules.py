"""Modules of this library by their names, without importing them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]


def module_file(name: str) -> Path | None:
    """Return the source file of a library module, None if there is none of that name."""
    base = LIBRARY.joinpath(*name.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def is_scheme(name: str) -> bool:
    """Whether a library module defines ``design``, told without importing it."""
    path = module_file(name)
    return path is not None and bool(re.search(r"^def design\(", path.read_text("utf-8"), re.M))


def quantities_of(key: str) -> tuple[set[str], set[str]]:
    """Return the names in the code of a paper that may be quantities it reports.

    Args:
        key: citation key.

    Returns:
        Every word in quotes or before an equals sign, and those of them that stand before a call of
        ``variable``, told without importing the modules.
    """
    folder = LIBRARY / "papers" / key
    paths = [*folder.glob("*.py"), *folder.glob("schemes/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in paths if path.stem != "parameters")
    words = {first or second for first, second in re.findall(r"""["'](\w+)["']|(\w+)=""", text)}
    return words, set(re.findall(r"""\b([a-z]\w*)["']?\]?\s*[:=]\s*variable\(""", text))


def documentation(name: str) -> str:
    """Return the first paragraph of the docstring of a scheme's module, without importing it.

    Args:
        name: dotted name of a library module.

    Returns:
        The text without its full stop, empty if there is no such module, ``design`` or docstring.
    """
    path = module_file(name)
    if path is None or not is_scheme(name):
        return ""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")
