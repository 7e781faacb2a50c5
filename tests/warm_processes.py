"""Snakemake and its job servers as forks of processes that have imported what they need.

Three quarters of a short run are imports, of Snakemake and what it imports, and of what the jobs of
a first run need of other libraries. The library itself is imported anew by every run, from the
checkout that it runs in. A run with environment variables of its own, which may stand for another
machine, starts its job server anew, too.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

# With what Snakemake imports when it parses its arguments.
OF_SNAKEMAKE = [
    "snakemake.cli",
    "snakemake.report",
    "snakemake.storage",
    "snakemake_logger_plugin_rich",
    "smart_open",
    "grimp",
]
OF_JOBS = [
    "irsrepro",  # before NumPy, which then uses the kernels that it chooses
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "nbconvert",
    "netCDF4",
    "numba",
    "papermill",
    "pydantic",
    "scipy.linalg",
    "scipy.special",
    "xarray",
    "yaml",
]
JOB_SERVER = "irsrepro.build.job_server"
MESSAGE_LIMIT, MOST_FILES = 1 << 20, 8


class Forks:
    """A process that has imported modules, and starts others as its forks."""

    def __init__(self, kind: str) -> None:
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        handle = other.fileno()
        subprocess.Popen([sys.executable, __file__, kind, str(handle)], pass_fds=[handle])
        other.close()

    def start(
        self,
        arguments: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        files: list[int],
    ) -> int:
        """Start a process, with files as its first ones.

        Returns:
            A file from which its exit code can be read, one byte, once it has ended.
        """
        ended, told = os.pipe()
        asked = json.dumps([list(arguments), folder, dict(environment)])
        socket.send_fds(self.socket, [asked.encode()], [told, *files])
        os.close(told)
        return ended


class JobServer:
    """What Snakemake sees of its job server: as much of `subprocess.Popen` as it uses."""

    def __init__(self, stdin: int, ended: int) -> None:
        self._stdin, self._ended = stdin, ended

    def communicate(self) -> None:
        """Close its standard input, and wait for its end."""
        os.close(self._stdin)
        os.read(self._ended, 1)
        os.close(self._ended)


def run_snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m snakemake`` to its end, as `subprocess.run` with its output captured."""
    with (
        Path(os.devnull).open() as nothing,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
    ):
        files = [stream.fileno() for stream in (nothing, stdout, stderr)]
        ended = _snakemake().start(arguments, str(folder), environment, files)
        (code,) = os.read(ended, 1)
        os.close(ended)
        said = []
        for stream in (stdout, stderr):
            stream.seek(0)
            said.append(stream.read())
    return subprocess.CompletedProcess(list(arguments), code, *said)


@cache
def _snakemake() -> Forks:
    return Forks("snakemake")


def _serve(asking: socket.socket, become: Callable[..., NoReturn]) -> None:
    """Fork a child for every message; ends with those who could send one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # those who asked get it, too, and end
    while True:
        message, files, _, _ = socket.recv_fds(asking, MESSAGE_LIMIT, MOST_FILES)
        if not message:
            return
        if os.fork() == 0:
            asking.close()
            _tell_the_end(files.pop(0))
            become(*json.loads(message), files)
        for descriptor in files:
            os.close(descriptor)


def _serve_snakemake(asking: socket.socket) -> None:
    jobs, own = Forks("jobs"), _of_other_libraries(os.environ)
    for name in OF_SNAKEMAKE:
        importlib.import_module(name)
    sys.modules["snakemake.cli"].get_argument_parser()  # imports its plug-ins

    def become(
        arguments: list[str], folder: str, environment: dict[str, str], files: list[int]
    ) -> NoReturn:
        _enter(folder, environment, files)
        if _of_other_libraries(environment) == own:
            _fork_job_servers(jobs)
        _run("snakemake", arguments)

    _serve(asking, become)


def _serve_jobs(asking: socket.socket) -> None:
    for name in OF_JOBS:
        importlib.import_module(name)
    from numba.core import config
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    for name in [name for name in sys.modules if name.partition(".")[0] == "irsrepro"]:
        del sys.modules[name]

    def become(
        arguments: list[str], folder: str, environment: dict[str, str], files: list[int]
    ) -> NoReturn:
        *files, listener = files
        _enter(folder, environment, files)
        from irsrepro.build.jobs import keep_compiled_kernels

        keep_compiled_kernels()
        config.reload_config()  # Numba has been imported: it looks where kernels are kept
        _run(JOB_SERVER, [*arguments, str(listener)])

    _serve(asking, become)


def _tell_the_end(told: int) -> None:
    """Go on in a child, whose exit code this process tells."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os.write(told, bytes([os.waitstatus_to_exitcode(status) % 256]))
        os._exit(0)
    os.close(told)


def _enter(folder: str, environment: Mapping[str, str], files: list[int]) -> None:
    """Take the folder, environment and standard files of the process asked for."""
    for number, descriptor in enumerate(files):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]


def _run(module: str, arguments: Sequence[str]) -> NoReturn:
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


def _of_other_libraries(environment: Mapping[str, str]) -> dict[str, str]:
    """What they may depend on; a test has its name and the path of its checkout."""
    own = ("PYTEST_CURRENT_TEST", "PYTHONPATH")
    return {name: value for name, value in environment.items() if name not in own}


def _fork_job_servers(jobs: Forks) -> None:
    """Have the library of this process start its job server as a fork."""
    from irsrepro.build import job_server

    def start(command: list[str], *, stdin: int, pass_fds: list[int]) -> JobServer:
        assert command[1:3] == ["-m", JOB_SERVER]
        read, write = os.pipe()
        ended = jobs.start([], str(Path.cwd()), os.environ, [read, 1, 2, *pass_fds])
        os.close(read)
        return JobServer(write, ended)

    processes = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE)
    job_server.subprocess = processes  # type: ignore[assignment,attr-defined]


if __name__ == "__main__":
    serve = {"snakemake": _serve_snakemake, "jobs": _serve_jobs}[sys.argv[1]]
    serve(socket.socket(fileno=int(sys.argv[2])))
