"""Whether GNU Octave is here, with what the schemes of others need of it."""

import shutil
import subprocess
from functools import cache

import pytest


@cache
def why_not() -> str:
    """Why Octave cannot run here; nothing if it can."""
    program = shutil.which("octave-cli")
    if program is None:
        return "octave-cli is not installed (Debian: octave, octave-netcdf)"
    load = "pkg('load', 'netcdf'); jsondecode('{}');"
    done = subprocess.run([program, "--no-gui", "--eval", load], capture_output=True, text=True)
    return f"octave-cli: {done.stderr.splitlines()[0]}" if done.returncode else ""


def needed() -> None:
    """Skip the test, with the reason, where Octave cannot run."""
    if reason := why_not():
        pytest.skip(reason)
