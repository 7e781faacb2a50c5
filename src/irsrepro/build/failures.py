"""What a person is told of jobs that failed: one line each, whole, after all that Snakemake says.

Logs are written by the jobs (``build.jobs``). One that was killed leaves a log that only says that
it has started, or none at all; this is then said in its log.
"""

from __future__ import annotations

import atexit
import logging
import sys
from pathlib import Path
from typing import Any

STARTED = "started"
SHOWN = 20
ALONE = "killed before its end: out of memory, out of time, or cancelled"


class Failures(logging.Filter):
    """Takes note of failed jobs on their way into Snakemake's log; lets everything pass."""

    def __init__(self) -> None:
        super().__init__()
        self._logs: dict[Any, list[Path]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Note the logs of a job that failed, forget one that succeeded when tried again."""
        event = getattr(record, "event", None)
        if event == "job_error":
            self._logs[record.jobid] = logs = [Path(name) for name in record.log or ()]  # type: ignore[attr-defined]
            for path, output in zip(logs, record.output or (), strict=False):  # type: ignore[attr-defined]
                _complete(path, str(output).split(" (")[0])
        elif event == "job_finished":
            self._logs.pop(record.job_id, None)  # type: ignore[attr-defined]
        return True

    def lines(self) -> list[str]:
        """Return a line for every failure: a log of one line, or the end of a longer one."""
        unique_lines = dict.fromkeys(_line(path) for logs in self._logs.values() for path in logs)
        lines = list(unique_lines)
        rest = [f"and {len(lines) - SHOWN} more, see logs/"] if len(lines) > SHOWN else []
        return lines[:SHOWN] + rest


def report_failures_at_exit() -> None:
    """Tell of failed jobs when this process ends."""
    from snakemake.logging import logger

    failures = Failures()
    logger.addFilter(failures)
    atexit.register(lambda: [print(line, file=sys.stderr) for line in failures.lines()])


def _complete(path: Path, output: str) -> None:
    """Let the log of a job that could not write its end say so."""
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not text or text.endswith(f": {STARTED}\n"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{output}: {ALONE}\n", encoding="utf-8")
    except OSError:
        pass  # the disk is full: the job said so on the terminal


def _line(path: Path) -> str:
    try:
        first, *rest = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return f"{path}: no log could be written"
    return f"{rest[-1]} ({path})" if rest else first
