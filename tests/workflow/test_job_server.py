"""Scripts run as forks of the job server end, fail and die as processes of their own would."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from irsrepro.build.job_server import start_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no server")
Server = tuple[list[str], "subprocess.Popen[bytes]"]

TELLING = """
import os, sys
import irsrepro.build.storage
print(os.getcwd(), os.environ["TOLD"], sys.argv[0], __name__, os.getppid())
sys.exit(int(os.environ["CODE"]))
"""
STARTING = """
import subprocess
from pathlib import Path
from irsrepro.build.job_server import forking
subprocess.run([*forking(Path("other.py")), "-f", "a b"], check=True)
"""
WAITING = """
import os, pathlib, time
pathlib.Path("child").write_text(str(os.getpid()))
time.sleep(600)
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A server that works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    client, process = start_server()
    yield client, process
    process.communicate()


def child(client: list[str], folder: Path) -> tuple["subprocess.Popen[bytes]", psutil.Process]:
    """Start a script that waits; return the client and the process of the script."""
    (folder / "script.py").write_text(WAITING)
    started = subprocess.Popen([*client, sys.executable, "script.py"])
    return started, psutil.Process(read_pid(folder / "child"))


def read_pid(place: Path) -> int:
    """Wait for a file that `WAITING` writes."""
    deadline = time.monotonic() + 60
    while not (place.is_file() and place.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(place.read_text())


@pytest.mark.parametrize("code", ["0", "3"])
def test_a_script_has_folder_environment_output_and_exit_code(
    server: Server, tmp_path: Path, code: str
) -> None:
    client, process = server
    other = tmp_path / "other"
    other.mkdir()
    (other / "script.py").write_text(TELLING)
    done = subprocess.run(
        [*client, sys.executable, "script.py"],
        cwd=other, env=os.environ | {"TOLD": "ä b", "CODE": code}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == f"{other} ä b script.py __main__ {process.pid}\n"
    assert done.returncode == int(code)


def test_a_script_starts_another_with_arguments_as_a_fork(server: Server, tmp_path: Path) -> None:
    client, process = server
    (tmp_path / "script.py").write_text(STARTING)
    (tmp_path / "other.py").write_text("import os, sys\nprint(sys.argv, os.getppid())\n")
    done = subprocess.run([*client, sys.executable, "script.py"], capture_output=True, text=True)
    assert done.stdout == f"['other.py', '-f', 'a b'] {process.pid}\n", done.stderr
    alone = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert alone.stdout.startswith("['other.py', '-f', 'a b'] "), alone.stderr
    assert str(process.pid) not in alone.stdout


def test_kernels_are_loaded_and_public_solvers_left_alone(server: Server, tmp_path: Path) -> None:
    client, _ = server
    (tmp_path / "script.py").write_text(
        "import sys\n"
        "import irsrepro.optimize.reference.public_solvers, irsrepro.optimize.fractional\n"
        "print(*(each in sys.modules for each in ('numba', 'cvxpy.atoms', 'pymanopt.manifolds')))\n"
    )
    done = subprocess.run([*client, sys.executable, "script.py"], capture_output=True, text=True)
    assert done.stdout == "True False False\n", done.stderr


def test_a_script_ends_with_who_waits_for_its_client(server: Server, tmp_path: Path) -> None:
    client, _ = server
    (tmp_path / "script.py").write_text(WAITING)
    command = shlex.join([*client, sys.executable, "script.py"])
    waiting = subprocess.Popen(["sh", "-c", f"{command}; exit 0"])
    script = psutil.Process(read_pid(tmp_path / "child"))
    waiting.kill()
    waiting.wait()
    script.wait(30)


def test_an_error_of_a_script_is_told_and_harms_no_other(server: Server, tmp_path: Path) -> None:
    client, _ = server
    (tmp_path / "wrong.py").write_text("import irsrepro.nothing\n")
    (tmp_path / "right.py").write_text("print('right')\n")
    wrong, right = (
        subprocess.run([*client, sys.executable, name], capture_output=True, text=True)
        for name in ("wrong.py", "right.py")
    )
    assert wrong.returncode == 1 and "No module named 'irsrepro.nothing'" in wrong.stderr
    assert (right.returncode, right.stdout) == (0, "right\n")


def test_a_script_ends_with_its_client(server: Server, tmp_path: Path) -> None:
    started, script = child(server[0], tmp_path)
    started.kill()
    script.wait(30)


def test_who_asks_for_nothing_is_turned_away_and_others_are_served(
    server: Server, tmp_path: Path
) -> None:
    client, _ = server
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.connect(f"\0{client[-1]}")
        other.send(b"nothing")
        assert other.recv(1) == b""
    (tmp_path / "script.py").write_text("print('served')\n")
    done = subprocess.run([*client, sys.executable, "script.py"], capture_output=True, text=True)
    assert done.stdout == "served\n"


def test_a_client_tells_that_its_script_was_killed(server: Server, tmp_path: Path) -> None:
    started, script = child(server[0], tmp_path)
    script.kill()
    assert started.wait(30) == 128 + 9


def test_scripts_end_with_the_server_and_run_without_it(server: Server, tmp_path: Path) -> None:
    client, process = server
    started, script = child(client, tmp_path)
    process.kill()
    assert started.wait(30) == 1
    script.wait(30)
    (tmp_path / "script.py").write_text("print('alone')\n")
    done = subprocess.run([*client, sys.executable, "script.py"], capture_output=True, text=True)
    assert done.stdout == "alone\n"
    other = subprocess.run([*client, "echo", "another"], capture_output=True, text=True)
    assert other.stdout == "another\n"
