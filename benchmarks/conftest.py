"""Loads `beside`, a module of its own since mypy knows one conftest only."""

import irsrepro  # noqa: F401  before NumPy, which then uses the kernels that irsrepro chooses

pytest_plugins = ["beside"]
