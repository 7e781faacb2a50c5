"""Snakemake in forks of one process that has imported it: three quarters of a short run are that.

Only Snakemake and what it imports are shared. The library is imported anew by every run, from the
checkout that it runs in.
"""

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

IMPORTED = [
    "snakemake.report",
    "snakemake.storage",
    "snakemake_logger_plugin_rich",
    "smart_open",
    "grimp",
]


def run_snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m snakemake`` to its end, as `subprocess.run` with its output captured."""
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    with tempfile.TemporaryDirectory() as place:
        names = [f"{place}/stdout", f"{place}/stderr"]
        asked = [list(arguments), str(folder), dict(environment), names]
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        said = [Path(name).read_text(encoding="utf-8") for name in names]
    return subprocess.CompletedProcess(list(arguments), code, *said)


@cache
def _server() -> "subprocess.Popen[str]":
    """Start the process that has imported Snakemake; it ends when its standard input closes."""
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _serve() -> None:
    """Fork a child for every line, and tell its exit code."""
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # which imports its plug-ins
    for name in IMPORTED:
        importlib.import_module(name)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _be_snakemake(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_snakemake(
    arguments: list[str], folder: str, environment: dict[str, str], names: list[str]
) -> None:
    """Run Snakemake in this process, as a command line of its own would."""
    opened = [os.open(os.devnull, os.O_RDONLY)]
    opened += [os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in names]
    for number, descriptor in enumerate(opened):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv[1:] = arguments
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    _serve()
