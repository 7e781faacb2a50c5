"""Jobs as forks of one process, which has imported what their scripts import.

Most jobs take a tenth of a second, and what they import takes one. So where Snakemake runs jobs
itself, a server imports the modules that the scripts name, each once, and forks a child per job.
Snakemake still starts a command and waits for its end: a small client (`job_client`) hands its
files and environment to the server and ends as the child does. A command that is no script of this
interpreter runs as ever, and so does every command once there is no server.

Nothing outlives another: the server ends with Snakemake, a child with its client and the server.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import marshal
import multiprocessing
import os
import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from irsrepro.build import job_client
from irsrepro.build.isolation import die_with_parent
from irsrepro.build.job_client import STANDARD_FILES, check_owner

CLIENT = "IRSREPRO_JOB_CLIENT"
"""Environment variable with what jobs of a server put before the command of another script."""

MESSAGE_LIMIT = 1 << 20  # bytes of an environment; Linux allows commands no more than twice that
MODULE_NAME = re.compile(r"irsrepro(?:\.\w+)+")


def serve_jobs() -> None:
    """Start a server, and let Snakemake start its commands through the client; on Linux only."""
    from snakemake.shell import shell

    if sys.platform == "linux":
        client = shlex.join(start_server()[0])
        shell.prefix(client.replace("{", "{{").replace("}", "}}") + " ")


def start_server() -> tuple[list[str], subprocess.Popen[bytes]]:
    """Start a server, which ends with this process.

    Returns:
        What to put before a command, and the server.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind("")  # the system finds a name, which is in no folder and left by no one
        listener.listen(1024)
        handle = listener.fileno()
        # The pipe to its standard input closes when this process ends, in whatever way it does.
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(handle)],
            stdin=subprocess.PIPE,
            pass_fds=[handle],
        )
        atexit.register(server.communicate)
        address = listener.getsockname()[1:].decode()
    return _client(address), server


def forking(script: Path) -> list[str]:
    """Return the command that runs a script, in a job as a fork of the server that started it."""
    return [*shlex.split(os.environ.get(CLIENT, "")), sys.executable, str(script)]


def _client(address: str) -> list[str]:
    """What to put before the command of a script that a server is to run."""
    return [sys.executable, "-I", "-S", job_client.__file__, address]


def serve(listener: socket.socket) -> None:
    """Fork a child for every client; ends when the standard input closes."""
    running: dict[socket.socket, ForkProcess] = {}
    os.environ[CLIENT] = shlex.join(_client(listener.getsockname()[1:].decode()))
    while True:
        ready = wait([0, listener, *running, *(child.sentinel for child in running.values())])
        if 0 in ready:
            os._exit(0)  # children see it and end
        for client, child in list(running.items()):
            if client in ready:  # it never says more: it has gone
                child.kill()
            if child.sentinel in ready or client in ready:
                child.join()
                code = child.exitcode or 0
                with suppress(OSError):
                    client.send(bytes([code if code >= 0 else 128 - code]))
                client.close()
                del running[client]
        if listener in ready:
            client, _ = listener.accept()
            try:
                running[client] = _start_job(client)
            except (OSError, EOFError, ValueError):  # no room for another process, say
                client.close()  # which tells the client that its job has failed


def _start_job(client: socket.socket) -> ForkProcess:
    """Start the job that a client asks for."""
    check_owner(client)
    message, files, _, _ = socket.recv_fds(client, MESSAGE_LIMIT, len(STANDARD_FILES))
    try:
        folder, arguments, environment = marshal.loads(message)
        import_modules(Path(folder, arguments[0]))
        child = multiprocessing.get_context("fork").Process(
            target=_run, args=(files, folder, arguments, environment)
        )
        child.start()
    finally:
        for descriptor in files:
            os.close(descriptor)
    return child


def import_modules(script: Path) -> None:
    """Import the modules of this library that the text of a script names.

    Those that it imports, and those that Snakemake has put into it as values of ``params``.
    """
    for name in sorted(set(MODULE_NAME.findall(script.read_text(encoding="utf-8")))):
        with suppress(Exception):  # not a module; or it fails again in the job, which tells of it
            importlib.import_module(name)
    if "numba" in sys.modules:
        _load_numba()
        _load_kernels()
    gc.freeze()  # so that a collection in a child copies no pages of the server


@cache
def _load_numba() -> None:
    """Let Numba load what it needs for any kernel, compiled before or not: a third of a second."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _load_kernels() -> None:
    """Load what jobs have compiled by now, so that no other has to: a tenth of a second each."""
    from irsrepro.nested_code import KernelDispatcher

    kernels = {
        value
        for name, module in list(sys.modules.items())
        if name.startswith("irsrepro.")
        for value in vars(module).values()
        if issubclass(type(value), KernelDispatcher)  # `isinstance` would import lazy modules
    }
    for kernel in kernels:
        with suppress(Exception):  # a broken file, which the job compiles anew
            kernel.load_compiled()


def _run(
    files: list[int], folder: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Be the process that the client was asked to start."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(files):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    client = os.environ[CLIENT]
    os.environ.clear()
    os.environ.update(environment, **{CLIENT: client})
    tempfile.tempdir = None
    sys.argv[1:] = arguments[1:]
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # jobs have it, too, and are waited for
    from irsrepro.build.collection import collect_rarely
    from irsrepro.build.jobs import keep_compiled_kernels

    collect_rarely()
    keep_compiled_kernels()  # before a script imports a kernel
    serve(socket.socket(fileno=int(sys.argv[1])))
