"""Snakemake ends when it is terminated, also where the signal comes while it holds its own lock.

Its handler asks for the lock of its scheduler. Handlers run in the main thread; where that holds
the lock, as when it selects jobs, it waits for itself, and the build hangs after its last jobs. So
the handler runs in a thread, which waits until the main thread has let go.
"""

from __future__ import annotations

from threading import Thread
from typing import Any


def end_when_terminated() -> None:
    """Let the handler of a scheduler that is made from now on run in a thread of its own."""
    from snakemake.scheduling.job_scheduler import JobScheduler

    end = JobScheduler.exit_gracefully

    def end_in_a_thread(scheduler: JobScheduler, *_: Any) -> None:
        Thread(target=end, args=(scheduler,), daemon=True).start()

    JobScheduler.exit_gracefully = end_in_a_thread
