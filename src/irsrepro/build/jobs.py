"""What every job of the workflow shares: its log, its one-line failure, the stamp on its data."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

from irsrepro import arithmetic
from irsrepro.build.failures import STARTED
from irsrepro.build.provenance import digest, kernel_files
from irsrepro.build.storage import read_groups
from irsrepro.errors import IrsreproError, StorageError


@contextmanager
def job(name: str, log: str) -> Iterator[None]:
    """Run the body of a workflow script.

    Its log says that it has started, then that it is done and in how long, or why it failed: one
    line for what a person can fix, a traceback for the rest. See ``failures`` for what the
    workflow makes of it. Where no one watches a progress bar, the end is told on the terminal, too.

    Args:
        name: what the job makes.
        log: path of its log file.
    """
    started = time.perf_counter()
    _note(log, f"{name}: {STARTED}")
    try:
        if arithmetic.loaded_too_early:
            raise IrsreproError(f"{name}: NumPy was loaded before irsrepro fixed its arithmetic")
        yield
    except Exception as error:
        _note(log, _failure_message(name, error))
        sys.exit(1)
    line = f"{name}: done in {time.perf_counter() - started:.1f} s"
    _note(log, line)
    if not sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def notify(line: str) -> None:
    """Say what a person ought to know of a job that does not fail for it."""
    print(line, file=sys.stderr, flush=True)


def _failure_message(name: str, error: Exception) -> str:
    """Return one line for what a person or the system can fix, else the traceback."""
    match error:
        case IrsreproError():
            return str(error)
        case MemoryError():
            return f"{name}: out of memory"
        case OSError(filename=str(place), strerror=str(reason)):
            return f"{place}: {reason.lower()}, needed for {name}"
    return f"{name}: {traceback.format_exc()}"


def _note(log: str, text: str) -> None:
    """Write the log of a job; where that is impossible, say it on the terminal."""
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text(f"{text.rstrip()}\n", encoding="utf-8")
    except OSError:
        print(text, file=sys.stderr, flush=True)


def keep_compiled_kernels(root: Path = Path()) -> Path:
    """Choose where numba keeps compiled kernels: a folder named by all that makes them.

    Numba recompiles a cached function when its own file changes, not when a function of another
    file that it calls does. All jobs share the folder, so that a kernel is compiled once; a scheme
    or a paper without kernels of its own can be edited or added, and no kernel is compiled for it.
    Must be called before a kernel is imported.

    Args:
        root: the checkout whose ``.numba`` holds the folder; by default the working directory.

    Returns:
        The folder.
    """
    folder = (root / ".numba" / digest(kernel_files())).resolve()
    for path in folder.rglob("*.nb?"):
        if not path.stat().st_size:  # left by a power cut; numba would stop at it
            path.unlink(missing_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def content_hash(*facts: Any) -> str:
    """Return a short hash of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def still_valid(path: str, hashes: Mapping[str, str]) -> dict[str, xr.Dataset]:
    """Return the datasets of an earlier output that would come out the same.

    Args:
        path: of the output; it may be missing or broken.
        hashes: by the name of a group, what its attribute ``inputs_hash`` has to be.
    """
    try:
        groups = read_groups(path)
    except StorageError:
        return {}
    return {
        name: group
        for name, group in groups.items()
        if group.attrs.get("inputs_hash") == hashes.get(name)
    }


def facts(
    identity: Mapping[str, Any], parameters: Mapping[str, Any], library: str
) -> dict[str, str]:
    """Return what data is and what made it; nothing that varies between equal runs.

    Args:
        identity: paper, ensemble or experiment, scheme, reading, engine, fidelity, seed.
        parameters: every parameter that was used.
        library: digest of the files of this library that the data depends on.
    """
    return {name: str(value) for name, value in sorted(identity.items())} | {
        "parameters": json.dumps(parameters, sort_keys=True),
        "parameters_hash": content_hash(parameters),
        "library_hash": library,
    }


def stamp(
    dataset: xr.Dataset,
    identity: Mapping[str, Any],
    parameters: Mapping[str, Any],
    library: str,
) -> xr.Dataset:
    """Write onto a dataset what it is and what made it, see ``facts``."""
    return dataset.assign_attrs(facts(identity, parameters, library))
