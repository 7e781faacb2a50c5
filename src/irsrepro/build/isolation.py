"""Calls in a process of their own, which may hang or crash without harm to anything else.

A kernel that loops in compiled code heeds no signal, so the process that runs it is ended from
outside. It is forked: it sees all that its parent has read, and only answers travel.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_ALIVE = ("alive", None)
_parent: Connection | None = None


def answers(
    calls: Sequence[Callable[[], Answer]], seconds: float
) -> Iterator[tuple[Answer | None, str]]:
    """Call functions one after the other in a forked process.

    Args:
        calls: without arguments; what they return is pickled.
        seconds: after which a call that neither returns nor says that it is `alive` is given up.

    Yields:
        What a call returns and an empty text, or None and why there is no answer. The next calls
        go on in a new process.

    Raises:
        Exception: what a call raises, with its traceback as a note.
    """
    done = 0
    while done < len(calls):
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(calls[done:], sender), daemon=True)
        process.start()
        sender.close()
        reason = ""
        try:
            while done < len(calls) and not reason:
                if not receiver.poll(seconds):
                    reason = f"no answer within {seconds:g} s"
                    break
                try:
                    kind, content = receiver.recv()
                except EOFError:
                    process.join()
                    reason = f"the process ended, exit code {process.exitcode}"
                    break
                if kind == "raised":
                    raise content
                if kind == "answer":
                    done += 1
                    yield content, ""
        finally:
            process.kill()
            process.join()
            receiver.close()
        if reason:
            done += 1
            yield None, reason


def alive() -> None:
    """Tell the parent, if there is one, that a call is getting on."""
    if _parent is not None:
        _parent.send(_ALIVE)


def die_with_parent() -> None:
    """End this process when its parent ends, where the system can; safe right after a fork."""
    if _LIBC is not None:
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _work(calls: Sequence[Callable[[], Any]], parent: Connection) -> None:
    """Call functions and send what they return."""
    global _parent
    _parent = parent
    die_with_parent()
    with closing(parent), suppress(BrokenPipeError):
        for call in calls:
            try:
                answer = call()
            except Exception as error:
                error.add_note(traceback.format_exc())
                parent.send(("raised", error))
                return
            parent.send(("answer", answer))
