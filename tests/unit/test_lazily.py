"""Libraries at first use."""

import subprocess
import sys

import pytest

from irsrepro.lazy_import import lazily


def test_a_scheme_does_not_import_public_solvers_until_it_calls_them() -> None:
    lines = (
        "import sys",
        "from irsrepro.optimize.reference import minimum_power, sdp as diagonal_sdp",
        "assert 'cvxpy.atoms' not in sys.modules and 'pymanopt.manifolds' not in sys.modules",
        "assert minimum_power.cp.Variable(2).shape == (2,)",
        "assert 'cvxpy.atoms' in sys.modules",
        "import cvxpy",
        "assert cvxpy is diagonal_sdp.cp",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_library_that_is_there_already_is_the_same() -> None:
    assert lazily("pytest") is pytest


def test_a_library_that_is_not_installed_is_missed_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match="'no_such_library'"):
        lazily("no_such_library")
