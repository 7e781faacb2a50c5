"""Faults done to builds on purpose, and what came of them.

``python tests/workflow/faults.py`` does all of them and writes docs/reliability.md;
``test_faults.py`` does a few of each kind.
"""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import ROOT, SNAKEMAKE, Workflow, copy_checkout

# isort: split
import netCDF4
import psutil

from irsrepro.build.storage import NETCDF, read_dataset, read_groups, read_sealed
from irsrepro.claims import read_verdicts
from irsrepro.errors import StorageError

TINY = ["--config", "fidelity=preview", "realisations=4", "chunk=2"]
FIGURE, OTHER = "figures/he2020/fig04.csv", "figures/he2020/fig05.csv"
DATA = "results/preview/he2020/default"
SIGNALS = {
    "every process killed": (signal.SIGKILL, "all"),
    "Snakemake killed, its jobs live on": (signal.SIGKILL, "main"),
    "one job killed": (signal.SIGKILL, "job"),
    "Snakemake terminated": (signal.SIGTERM, "main"),
    "interrupted from the keyboard": (signal.SIGINT, "all"),
    "power cut: what was not synced is empty": (signal.SIGKILL, "power"),
}
ODD = {
    "LC_ALL": "C", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "8",
    "OPENBLAS_NUM_THREADS": "8", "HOME": "/proc", "COLUMNS": "40",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a kind of fault came to.

    Attributes:
        fault: what was done.
        tried: how often.
        wrong: what should not have come of it, one entry per case.
        good: what should.
    """

    fault: str
    tried: int
    wrong: list[str]
    good: str


def everything(workflow: Workflow) -> dict[str, bytes]:
    """The bytes of all data, tables and pictures."""
    return workflow.payloads() | workflow.payloads("figures/he2020/fig0*")


def build_all(workflow: Workflow) -> dict[str, bytes]:
    """Build what faults are done to; return what the figure among it comes to."""
    workflow.build(FIGURE, *TINY)
    wanted = everything(workflow)
    workflow.build(OTHER, f"{DATA}/fast/claims.json", *TINY)
    return wanted


def difference(workflow: Workflow, wanted: dict[str, bytes]) -> list[str]:
    """What of a build is missing, different or half-written."""
    found = everything(workflow)
    bad = [name for name, content in wanted.items() if found.get(name) != content]
    return bad + [str(path) for path in workflow.root.glob("figures/**/*.partial")]


def start(workflow: Workflow, *targets: str) -> subprocess.Popen[bytes]:
    """Start a build in a group of its own."""
    return subprocess.Popen(
        [*SNAKEMAKE, "--cores", "2", *targets, *TINY],
        cwd=workflow.root,
        env=workflow.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def forget(workflow: Workflow) -> None:
    """Delete what a build has made."""
    shutil.rmtree(workflow.root / "results")
    shutil.rmtree(workflow.root / "figures")


def strike(running: subprocess.Popen[bytes], workflow: Workflow, kind: str, begun: float) -> bool:
    """Do what is done to a running build; return whether it ends then."""
    number, whom = SIGNALS[kind]
    if whom == "job":
        for job in _jobs(running)[-1:]:
            with suppress(psutil.NoSuchProcess):
                job.send_signal(number)
    elif whom == "main":
        running.send_signal(number)
    else:
        os.killpg(running.pid, number)
    try:
        running.wait(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        return False
    if whom == "power":
        for path in workflow.root.rglob("*"):
            ours = path.suffix in (".nc", ".json", ".csv", ".js", ".pdf", ".png", ".svg")
            synced = ours and ".snakemake" not in path.parts
            hidden = ".numba" in path.parts  # shared with the checkout
            if path.is_file() and path.stat().st_mtime >= begun and not synced and not hidden:
                path.write_bytes(b"")
    return True


def _jobs(running: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes of a build that run a script; one that has just ended does not."""
    jobs = []
    for child in psutil.Process(running.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if ".snakemake/scripts" in " ".join(child.cmdline()):
                jobs.append(child)
    return jobs


def kills(workflow: Workflow, wanted: dict[str, bytes], count: int) -> Iterator[Outcome]:
    """Strike a build at random moments, unlock, build again, compare."""
    draws, kinds = random.Random(1), list(SIGNALS)
    seconds = 10.0
    wrong: dict[str, list[str]] = {kind: [] for kind in kinds}
    tried = dict.fromkeys(kinds, 0)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        forget(workflow)
        begun, running = time.time(), start(workflow, FIGURE)
        time.sleep(draws.uniform(2.0, seconds))
        if running.poll() is None and not strike(running, workflow, kind, begun):
            wrong[kind].append(f"{number}: still there after two minutes")
        seconds = max(6.0, min(60.0, 1.2 * seconds if running.returncode else time.time() - begun))
        wrong[kind] += [f"{number}: {bad}" for bad in unlock(workflow)]
        done = workflow.run(FIGURE, *TINY)
        tried[kind] += 1
        bad = difference(workflow, wanted)
        if done.returncode or bad:
            wrong[kind].append(f"{number}: {bad or done.stderr[-300:]}")
    wrong[kinds[0]] += prune(workflow, wanted)
    for kind in kinds:
        if tried[kind]:
            yield Outcome(kind, tried[kind], wrong[kind], "the same bytes after the next run")


def unlock(workflow: Workflow) -> Iterator[str]:
    """Free what a run that was struck had locked, if anything; yield what is amiss."""
    # A power cut leaves empty locks, which lock nothing.
    if not any(path.stat().st_size for path in workflow.root.glob(".snakemake/locks/*")):
        return
    if not (workflow.root / FIGURE).exists():  # or there may be nothing left to do
        refused = workflow.run(FIGURE, *TINY)
        if not refused.returncode or "unlock" not in refused.stdout + refused.stderr:
            yield f"not refused while locked, exit {refused.returncode}"
    workflow.run("--unlock", *TINY)


def prune(workflow: Workflow, wanted: dict[str, bytes]) -> Iterator[str]:
    """Delete what writers struck in the middle have left; yield what is amiss."""
    done = workflow.command("prune", *TINY[1:])
    if done.returncode:
        yield f"prune: {done.stderr[-300:]}"
    yield from difference(workflow, wanted)
    yield from map(str, workflow.root.rglob("*.partial"))


def full_disk(workflow: Workflow, wanted: dict[str, bytes], sizes: list[int]) -> Outcome:
    """Refuse every file above a size, then build again without a limit."""
    wrong = []
    for size in sizes:
        forget(workflow)
        done = subprocess.run(
            [*SNAKEMAKE, "--cores", "2", FIGURE, *TINY],
            cwd=workflow.root,
            env=workflow.environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),  # noqa: B023
            capture_output=True,
            text=True,
        )
        last = [line for line in done.stderr.splitlines() if line.strip()][-1]
        if not done.returncode:
            wrong.append(f"{size} bytes: built all the same")
        elif not re.search("the disk is full|scratch folder, full", last):
            wrong.append(f"{size} bytes: ends in {last!r}")
        workflow.run("--unlock", *TINY)
        workflow.build(FIGURE, *TINY)
        wrong += [f"{size} bytes: {bad}" for bad in difference(workflow, wanted)]
    return Outcome("no file above a size", len(sizes), wrong, "one line; then the same bytes")


def corruptions() -> dict[str, tuple[str, Callable[[Path], None]]]:
    """What is done by hand to a file of the cache: which one, and how."""

    def copied(name: str) -> Callable[[Path], None]:
        return lambda path: write(path, (path.parent / name).read_bytes())

    def write(path: Path, content: bytes) -> None:
        path.write_bytes(content)

    def changed(name: str, value: float, group: str = "") -> Callable[[Path], None]:
        def change(path: Path) -> None:
            with netCDF4.Dataset(path, "a") as stored:
                stored[f"{group}/{name}"][...] = value

        return change

    figure = f"{DATA}/fast/figures/fig04.nc"
    channels = f"{DATA}/channels/fixed/00000-00001.nc"
    solution = f"{DATA}/fast/snr/00000-00001.nc"
    return {
        "another figure's data": (figure, copied("fig05.nc")),
        "a value of figure data": (figure, changed("value", 1.0)),
        "NaN in figure data": (figure, changed("value", float("nan"))),
        "truncated figure data": (figure, lambda path: os.truncate(path, 4000)),
        "another chunk of channels": (channels, copied("00002-00003.nc")),
        "empty channels": (channels, lambda path: os.truncate(path, 0)),
        "another chunk of solutions": (solution, copied("00002-00003.nc")),
        "a value of a solution": (solution, changed("sum_rate", 1.0, "joint")),
        "another experiment's solutions": (solution, copied("../irs_count/00000-00001.nc")),
        "text": (solution, lambda path: write(path, b"not NetCDF")),
    }


def by_hand(workflow: Workflow, names: list[str]) -> Outcome:
    """Put wrong content into the cache under times that Snakemake takes for old."""
    wrong = []
    for name in names:
        place, corrupt = corruptions()[name]
        path = workflow.root / place
        kept, stat = path.read_bytes(), path.stat()
        corrupt(path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        gone = [f"{DATA}/fast/figures/fig04.nc"] if "figures" not in place else []
        if "channels" in place:
            gone.append(f"{DATA}/fast/snr/00000-00001.nc")
        saved = {each: (workflow.root / each).read_bytes() for each in gone}
        for each in [*gone, FIGURE]:
            (workflow.root / each).unlink(missing_ok=True)
        done = workflow.run(FIGURE, *TINY)
        said = [line for line in done.stderr.splitlines() if line.strip()]
        if not done.returncode or not said[-1].startswith(f"{place}: "):
            wrong.append(f"{name}: exit {done.returncode}, {said[-1]!r}")
        if "Traceback" in done.stderr:
            wrong.append(f"{name}: a traceback")
        for each, content in (saved | {place: kept}).items():
            (workflow.root / each).write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        workflow.build(FIGURE, *TINY)  # or the next run would solve what the refused one did not
    return Outcome("files of the cache changed by hand", len(names), wrong, "refused, in one line")


def flips(workflow: Workflow, count: int) -> Outcome:
    """Flip random bits of every kind of cached file, and read it."""
    draws, wrong, tried = random.Random(2), [], 0
    readers: dict[str, Callable[[Path], object]] = {
        "channels/fixed/00000-00001.nc": read_dataset,
        "fast/snr/00000-00001.nc": read_groups,
        "fast/figures/fig04.nc": read_dataset,
        "fast/claims.json": read_verdicts,
    }
    for name, read in readers.items():
        path = workflow.root / DATA / name
        whole = path.read_bytes()
        for _ in range(count // len(readers)):
            place, tried = draws.randrange(8 * len(whole)), tried + 1
            path.write_bytes(
                whole[: place // 8]
                + bytes([whole[place // 8] ^ 1 << place % 8])
                + whole[place // 8 + 1 :]
            )
            try:
                read(path)
                wrong.append(f"{name}: bit {place} is silent")
            except StorageError:
                pass
        path.write_bytes(whole)
    return Outcome("one bit of a cached file flipped", tried, wrong, "refused")


def writers(folder: Path, count: int) -> Outcome:
    """Let two processes write one path while a third reads it."""
    path, wrong, reads = folder / "shared.nc", [], 0
    program = (
        "import sys\nfrom irsrepro.build.storage import NETCDF, write_sealed\n"
        f"for _ in range({count}):\n"
        "    write_sealed(sys.argv[1], sys.argv[2].encode() * 100_000, NETCDF)\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path), letter]) for letter in "ab"
    ]
    while any(each.poll() is None for each in running):
        if path.exists():
            reads += 1
            content = read_sealed(path, NETCDF)
            if content not in (b"a" * 100_000, b"b" * 100_000):
                wrong.append(f"read {reads} is torn")
    wrong += [f"a writer ended in {each.returncode}" for each in running if each.returncode]
    told = f"two writers of one path, {2 * count} writes"
    return Outcome(f"{told}: reads meanwhile", reads, wrong, "whole files only")


def odd_surroundings(folder: Path, wanted: dict[str, bytes]) -> Outcome:
    """Build in a folder with spaces and other letters, by a person whose settings are unusual."""
    root = folder / "zwei Wörter 測試"
    root.mkdir()
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}  # Snakemake's own
    workflow = Workflow(copy_checkout(root, "he2020"), ODD | cache)
    mask = os.umask(0o077)
    try:
        done = workflow.run(FIGURE, *TINY)
    finally:
        os.umask(mask)
    bad = difference(workflow, wanted) if not done.returncode else [done.stderr[-500:]]
    told = "path with spaces, locale, time zone, hash seed, threads, umask, no writable home"
    return Outcome(told, 1, bad, "the same bytes")


def without_permission(workflow: Workflow, folder: Path) -> Outcome:
    """Write where nothing can be written: below a file, and below /proc."""
    program = (
        "import sys\nfrom irsrepro.build.storage import write_atomically\n"
        "from irsrepro.errors import StorageError\n"
        "try:\n    write_atomically(sys.argv[1], b'x')\n"
        "except StorageError as error:\n    print(error)\n"
    )
    (folder / "file").write_text("")
    wrong = []
    for place in (f"{folder}/file/a.nc", "/proc/a.nc", "/proc/none/a.nc"):
        done = subprocess.run(
            [sys.executable, "-c", program, place],
            env=workflow.environment(), capture_output=True, text=True,
        )  # fmt: skip
        if not done.stdout.startswith(f"{place}: cannot write") or done.returncode:
            wrong.append(f"{place}: {done.stdout}{done.stderr[-200:]}")
    return Outcome("places where nothing can be written", 3, wrong, "one line")


def two_runs(workflow: Workflow) -> Outcome:
    """Start a second run of the same files, and one of others, while a first is under way."""
    wrong, before = [], everything(workflow)
    forget(workflow)
    first = start(workflow, FIGURE)
    while not list(workflow.root.glob(".snakemake/locks/*")) and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)  # or it could end before the second looks
    same = workflow.run(FIGURE, *TINY)
    first.send_signal(signal.SIGCONT)
    if not same.returncode or "cannot be locked" not in same.stderr:
        wrong.append(f"a second run of the same files: exit {same.returncode}")
    other = workflow.run(OTHER, *TINY)
    if other.returncode:
        wrong.append(f"a second run of other files: {other.stderr[-300:]}")
    if first.wait():
        wrong.append(f"the first run ended in {first.returncode}")
    made = set(everything(workflow)) | {FIGURE, OTHER}
    wrong += difference(workflow, {name: before[name] for name in made})
    return Outcome(
        "a second run in one checkout", 2, wrong,
        "refused for the same files, side by side for others",
    )  # fmt: skip


def page(outcomes: list[Outcome]) -> str:
    """Return docs/reliability.md."""
    rows = [
        f"| {each.fault} | {each.tried} | {each.good} | {len(each.wrong)} |" for each in outcomes
    ]
    said = [f"* {each.fault}: {bad}" for each in outcomes for bad in each.wrong]
    return "\n".join([
        "# Which faults a build survives", "",
        "Made by `python tests/workflow/faults.py`: faults are done on purpose to builds of Fig. 4",
        "of he2020 (4 realisations, chunks of 2), and every file is compared with that of",
        "an undisturbed build. A few of each kind run in `tests/workflow/test_faults.py`.",
        "Kernels and public solvers that raise are tested with every scheme in",
        "`tests/papers/test_solver_failures.py`; those that hang, crash, or return NaN or nothing",
        "with a made-up scheme in `tests/processes/test_isolation.py`.", "",
        "| done on purpose | times | what should come of it | violations |", "|---|---|---|---|",
        *rows, "", *(["## What did not", "", *said] if said else ["Nothing else came of any."]), "",
    ])  # fmt: skip


def main(kill: int = 50, flip: int = 2000, write: int = 1000) -> int:
    """Do all of it; the page is written after every kind of fault."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name:
        for each in everything_done(Path(name), kill, flip, write):
            outcomes.append(each)
            print(each.fault, each.tried, each.wrong, flush=True)
            (ROOT / "docs/reliability.md").write_text(page(outcomes), encoding="utf-8")
    return any(each.wrong for each in outcomes)


def everything_done(folder: Path, kill: int, flip: int, write: int) -> Iterator[Outcome]:
    """Do every kind of fault, the quick ones first."""
    (folder / "built").mkdir()
    workflow = Workflow(copy_checkout(folder / "built", "he2020"))
    wanted = build_all(workflow)
    yield flips(workflow, flip)
    yield writers(folder, write)
    yield without_permission(workflow, folder)
    yield odd_surroundings(folder, wanted)
    yield by_hand(workflow, list(corruptions()))
    yield two_runs(workflow)
    yield from kills(workflow, wanted, kill)
    # Below some 10 kB it is the script of a job, which Snakemake writes, that finds no room.
    yield full_disk(workflow, wanted, [12_000, 16_000, 20_000, 30_000, 40_000, 60_000])


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
