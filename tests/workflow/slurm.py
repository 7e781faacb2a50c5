"""A Slurm cluster on this machine: authentication, a controller, and several nodes of one core.

Everything lies in a folder of its own and ends with the block that started it; no service of the
machine is touched. There is no accounting, as on many small clusters.
"""

from __future__ import annotations

import ctypes
import getpass
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "srun", "scancel", "scontrol")
# Debian keeps daemons where only root looks for programs.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
NODES = 3
PARTITION = "trial"  # by no default: whoever submits has to name it
# A job whose node is lost starts again when its credential has run out, by default in two minutes.
CREDENTIAL_SECONDS = 5


class NoClusterError(Exception):
    """A cluster cannot be started here; the text says why."""


@dataclass(frozen=True)
class Ended:
    """A job that has ended, as the cluster remembers it.

    Attributes:
        number: of the job.
        name: of the job.
        state: COMPLETED, FAILED, CANCELLED, NODE_FAIL, ...
        node: on which it ran last.
        megabytes: of memory that it asked for.
        waited: seconds from its submission to its start.
        seconds: during which it held its core.
    """

    number: int
    name: str
    state: str
    node: str
    megabytes: int
    waited: float
    seconds: float


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        folder: where its files lie.
        daemons: its processes by name; those of nodes have the names of the nodes.
    """

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which the commands of Slurm find this cluster."""
        path = f"{self.folder / 'bin'}{os.pathsep}{PATH}"
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def command(self, *arguments: str) -> str:
        """Run a command of Slurm and return what it says."""
        done = subprocess.run(
            arguments, env=os.environ | self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise NoClusterError(f"{shlex.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def running(self) -> dict[int, str]:
        """Return the node of every job that runs, by its number."""
        told = self.command("squeue", "--noheader", "--states=RUNNING", "--format=%i %N")
        return {int(line.split()[0]): line.split()[1] for line in told.splitlines()}

    def processes(self, job: int) -> list[psutil.Process]:
        """Return the processes of a job, first those of Slurm that watch over its steps."""
        mark = {"SLURM_CONF": self.environment["SLURM_CONF"], "SLURM_JOB_ID": str(job)}
        own = [
            process
            for process in psutil.process_iter(["environ"])
            if mark.items() <= (process.info["environ"] or {}).items()
        ]
        watchers = []
        for process in own:
            with suppress(psutil.NoSuchProcess):
                parent = process.parent()
                if parent and parent.name() == "slurmstepd":
                    watchers.append(parent)
        return watchers + own

    def take_down(self, node: str) -> None:
        """Lose a node with all that runs on it, and let the controller know at once."""
        lost = [each for job, at in self.running().items() if at == node
                for each in self.processes(job)]  # fmt: skip
        self.daemons[node].kill()
        self.daemons[node].wait()
        for process in lost:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.command("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def ended(self) -> list[Ended]:
        """Return every job that has ended, in the order of their ends."""
        path = self.folder / "ended.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [_ended(dict(re.findall(r"(\w+)=(\S*)", line))) for line in lines]


def _ended(told: dict[str, str]) -> Ended:
    """Read a line of the file that the controller writes of jobs."""
    submitted, started, ended = (
        time.mktime(time.strptime(told[name], "%Y-%m-%dT%H:%M:%S"))
        for name in ("SubmitTime", "StartTime", "EndTime")
    )
    memory = re.search(r"mem=(\d+)M", told["Tres"])
    return Ended(
        number=int(told["JobId"]),
        name=told["Name"],
        state=told["JobState"],
        node=told["NodeList"],
        megabytes=int(memory[1]) if memory else 0,
        waited=started - submitted,
        seconds=ended - started,
    )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a cluster until the end of the block.

    Raises:
        NoClusterError: if programs are missing, or one of them does not start.
    """
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing:
        raise NoClusterError(f"no {', '.join(missing)}: install slurmctld, slurmd and munge")
    with ExitStack() as stack:
        # Not under the folder of the test: the name of a socket has at most 107 characters.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        names = [f"node{number}" for number in range(1, NODES + 1)]
        here = Cluster(folder)
        _configure(folder, names)
        stack.callback(_end, here)
        _start(here, "munged", *_munge_options(folder), until=(folder / "munge.socket").exists)
        _start(here, "slurmctld", "-D", until=lambda: _answers(here, "scontrol", "ping"))
        for name in names:
            _start(here, "slurmd", "-D", "-N", name, name=name)
        idle = ("sinfo", "--noheader", "--states=idle", "--format=%D")
        _wait(lambda: here.command(*idle).strip() == str(NODES), "no idle nodes", folder)
        try:
            here.command("srun", f"--partition={PARTITION}", "--immediate=10", "true")
        except NoClusterError as error:
            raise NoClusterError(f"{error}{_last_words(folder)}") from error
        yield here


def _configure(folder: Path, nodes: list[str]) -> None:
    """Write key, configuration and wrapper of a cluster."""
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    (folder / "state").mkdir()
    host, user = socket.gethostname().split(".")[0], getpass.getuser()
    control, *ports = _free_ports(1 + len(nodes))
    lines = [
        "ClusterName=trial",
        f"SlurmctldHost={host}(127.0.0.1)",
        f"SlurmctldPort={control}",
        f"SlurmUser={user}",
        f"SlurmdUser={user}",
        "AuthType=auth/munge",
        f"AuthInfo=socket={folder}/munge.socket,cred_expire={CREDENTIAL_SECONDS}",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/%n",
        f"SlurmctldPidFile={folder}/slurmctld.pid",
        f"SlurmdPidFile={folder}/%n.pid",
        f"SlurmctldLogFile={folder}/slurmctld.log",
        f"SlurmdLogFile={folder}/%n.log",
        f"JobCompType=jobcomp/filetxt\nJobCompLoc={folder}/ended.txt",
        # Nodes tell more cores and memory than a small machine has, and need no control groups.
        "SlurmdParameters=config_overrides",
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none",
        "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory",
        "SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1",
        "MpiDefault=none\nKillWait=1\nReturnToService=0",
        *(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            " CPUs=1 RealMemory=8000"
            for name, port in zip(nodes, ports, strict=True)
        ),
        f"PartitionName={PARTITION} Nodes=ALL State=UP",
    ]
    (folder / "slurm.conf").write_text("\n".join(lines) + "\n")
    # The executor keeps this variable from the steps of its jobs, which then look in /etc.
    step = folder / "bin/srun"
    step.parent.mkdir()
    step.write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n'
    )
    step.chmod(0o755)


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _munge_options(folder: Path) -> list[str]:
    """Arguments with which munge uses nothing of the machine's own."""
    files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed"}
    named = [f"--{option}={folder}/munge.{end}" for option, end in files.items()]
    # A temporary folder is closed to other users, which munge takes for a mistake.
    return ["--foreground", "--force", f"--log-file={folder}/munge.log", *named]


def _start(
    here: Cluster,
    program: str,
    *arguments: str,
    name: str = "",
    until: Callable[[], bool] = lambda: True,
) -> None:
    """Start a daemon and wait until it answers."""
    name = name or program
    path = shutil.which(program, path=PATH)
    assert path
    with (here.folder / f"{name}.said").open("wb") as said:
        here.daemons[name] = subprocess.Popen(
            [path, *arguments],
            env=os.environ | here.environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    _wait(until, f"{name} does not start", here.folder, here.daemons[name])


def _die_with_parent() -> None:
    """Let Linux end a daemon with the process that started it, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _answers(here: Cluster, *command: str) -> bool:
    """Whether a command of Slurm succeeds."""
    try:
        return "UP" in here.command(*command)
    except NoClusterError:
        return False


def _wait(
    until: Callable[[], bool],
    otherwise: str,
    folder: Path,
    daemon: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait for something, but not for ever, and not after the end of a daemon."""
    end = time.monotonic() + 20.0
    while not until():
        ended = daemon is not None and daemon.poll() is not None
        if ended or time.monotonic() > end:
            raise NoClusterError(f"{otherwise}{_last_words(folder)}")
        time.sleep(0.1)


def _last_words(folder: Path) -> str:
    """Errors that daemons wrote, a few of each."""
    said = [
        f"{path.name}: {line}"
        for path in sorted([*folder.glob("*.said"), *folder.glob("*.log")])
        for line in path.read_text(errors="replace").splitlines()
        if re.search("error|fatal", line, re.IGNORECASE)
    ]
    return "\n".join(["", *said[-6:]])


def _end(here: Cluster) -> None:
    """End all jobs and daemons."""
    with suppress(NoClusterError):
        for job in here.running():
            for process in here.processes(job):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
    for daemon in reversed(here.daemons.values()):
        daemon.terminate()
    for daemon in here.daemons.values():
        try:
            daemon.wait(5)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
