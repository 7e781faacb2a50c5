"""What Snakemake starts in place of a script: it lets the job server run it, see `job_server`.

A file for an interpreter without libraries, which starts in a hundredth of a second.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import struct
import sys

STANDARD_FILES = [0, 1, 2]


def main(address: str, *command: str) -> int:
    """Have a script run, and return its exit code; without a server, become the command itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        try:
            interpreter, script, *_ = *command, "-"
            if interpreter != sys.executable or script.startswith("-"):
                raise OSError  # of another environment, not a script
            server.connect(f"\0{address}")
            check_owner(server)
            folder = os.getcwd()  # noqa: PTH109  pathlib takes as long as all of this
            request = marshal.dumps((folder, command[1:], dict(os.environ)))
            socket.send_fds(server, [request], STANDARD_FILES)
        except OSError:
            os.execvp(command[0], command)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the script has it, too, and says how it ends
        parent = os.getppid()
        server.settimeout(1.0)
        while True:
            try:
                return (server.recv(1) or b"\1")[0]
            except TimeoutError:
                if os.getppid() != parent:  # no one waits for the script, which ends with this
                    return 1


def check_owner(other: socket.socket) -> None:
    """Raise OSError where the process at the other end is of another person."""
    credentials = other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, owner, _ = struct.unpack("3i", credentials)
    if owner != os.getuid():
        raise OSError(f"user {owner} is at the other end")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
