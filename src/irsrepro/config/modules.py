"""Modules of this library by their names, without importing them."""

from __future__ import annotations

import ast
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]


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
