"""The kernel that runs the cells of a report, with the libraries that most of them use."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os

import cvxpy  # noqa: F401
import matplotlib
from ipykernel.kernelapp import launch_new_instance

import irsrepro.report.notebooks  # noqa: F401


def launch() -> None:
    """Be a kernel, as the command line says."""
    # What ipykernel asks of a matplotlib that is yet to be imported.
    inline = "module://matplotlib_inline.backend_inline"
    matplotlib.rcParams["backend"] = os.environ.get("MPLBACKEND", inline)
    launch_new_instance()
