"""Libraries that most jobs do without, imported at their first use."""

from __future__ import annotations

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from typing import Any


def lazily(name: str) -> Any:
    """Return a library that is imported when something of it is first used.

    Every scheme can hand its problem to public solvers and so imports the modules that do; but a
    job with our own kernels is often over before these solvers would have been imported.

    Args:
        name: of a module; a package that it lies in is imported at once.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
