"""The kernel that runs the cells of a report, with the libraries that most of them use."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import cvxpy  # noqa: F401
from ipykernel.kernelapp import launch_new_instance

import irsrepro.report.notebooks  # noqa: F401


def launch() -> None:
    """Be a kernel, as the command line says."""
    launch_new_instance()
