"""A build that is terminated ends, whatever its scheduler is doing."""

import threading

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from irsrepro.build.termination import end_when_terminated


def test_a_scheduler_is_told_although_the_main_thread_holds_its_lock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Snakemake does it by itself, the handler would wait for its own thread for ever."""
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    end_when_terminated()
    scheduler = object.__new__(JobScheduler)
    scheduler._lock, scheduler._user_kill = threading.Lock(), None
    scheduler._open_jobs = threading.Semaphore(0)
    returned = threading.Event()

    def select_jobs() -> None:
        with scheduler._lock:
            scheduler.exit_gracefully(15, None)
            returned.set()

    threading.Thread(target=select_jobs, daemon=True).start()
    assert returned.wait(timeout=60)
    assert scheduler._open_jobs.acquire(timeout=60)  # wakes the loop that looks at what follows
    assert scheduler._user_kill == "graceful"
