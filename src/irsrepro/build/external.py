"""Schemes of other programs: a command is given channels and parameters, and returns variables.

The program runs in a folder of its own that is gone afterwards. What it returns is checked and then
evaluated like the design of any scheme. A realisation that is missing, not a number or beyond a
limit has failed, with the reason; a program that crashes, hangs, writes what is no solution or
writes elsewhere is an error, in one line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.build.exchange import ExchangeError, parameters_json, read_solution, write_channels
from irsrepro.build.isolation import alive, die_with_parent
from irsrepro.build.solution_format import solution_format
from irsrepro.build.sweeps import Problem, run
from irsrepro.build.sweeps import solve as solve_by_module
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.commands import CHECKOUT, is_file_of, named_files, words
from irsrepro.config.modules import LIBRARY
from irsrepro.optimize.result import CONVERGED, FAILURE

CHECKED_OUT = LIBRARY.parents[1]
LAST_WORDS, LONGEST = 6, 400
_LOOK, _BEAT = 0.02, 5.0  # seconds between looks at a program, and between signs of life

Reader = Callable[[Problem], tuple[xr.Dataset, dict[int, str]]]
State = dict[Path, tuple[int, int]]


COPIES = ("~", ".asv", ".bak", ".swp")  # that editors keep of what is open
LEGEND = "status: 0 as it was returned, 1 not used, 2 rejected"


def solve(
    channels: xr.Dataset,
    stream: RandomStream,
    plan: Mapping[str, Any],
    system: str,
    engine: str,
    sweep: Mapping[str, Any],
    *,
    apart: bool = False,
) -> xr.Dataset:
    """Run a scheme, by its module or by its command, see `sweeps.run`.

    Args:
        channels: realisations of the ensemble, numbered by the coordinate ``realisation``.
        stream: the scheme's, whose children are those of the realisations.
        plan: see `Paper.plan_of`.
        system: dotted name of the module with ``evaluate`` and perhaps ``statistics``.
        engine: ``fast`` or ``reference``.
        sweep: see `sweeps.run`.
        apart: see `sweeps.Problem`.

    Raises:
        ExchangeError: a program gives no solution.
    """
    if "external" not in plan:
        return solve_by_module(channels, stream, plan["module"], system, plan["section"], engine,
                               sweep, apart=apart)  # fmt: skip
    command = Command(swept=sweep["parameter"], **plan["external"])
    return evaluate(channels, stream, plan["section"], system, sweep, command.design, engine)


def evaluate(
    channels: xr.Dataset,
    stream: RandomStream,
    section: Mapping[str, Any],
    system: str,
    sweep: Mapping[str, Any],
    reader: Reader,
    engine: str = "fast",
) -> xr.Dataset:
    """Evaluate solutions from outside with the system model of their paper.

    Args:
        channels: as of `solve`.
        stream: likewise.
        section: parameters but the swept one.
        system: as of `solve`.
        sweep: likewise.
        reader: returns the variables of a problem and which realisations are no designs, and why.
        engine: as of `solve`.
    """
    outside = _Outside(reader, import_module(system), sweep["parameter"])
    streams = realisation_streams(stream, channels["realisation"].values.tolist())
    problem = Problem(channels, section, engine, streams)
    statistics = outside.statistics if hasattr(outside.model, "statistics") else None
    solution = run(outside.design, outside.evaluate, problem, sweep, statistics)
    numbers = channels["realisation"].values.tolist()
    others = solution.attrs.get("failures", "")
    return solution.assign_attrs(outside.failures(sweep, numbers, others))


@dataclass
class _Outside:
    """Designs of a reader, and the system model on those that are designs.

    A rejected realisation is NaN with the status of a failure; the system model does not see it.
    """

    reader: Reader
    model: Any
    swept: str
    reasons: dict[Any, dict[int, str]] = field(default_factory=dict)

    def design(self, problem: Problem) -> xr.Dataset:
        """Return variables (realisation, ...), with a ``status`` where some are rejected."""
        variables, reasons = self.reader(problem)
        spec = solution_format(problem.channels.attrs["paper"])
        valid = [r for r in range(len(problem.streams)) if r not in reasons]
        if spec.targets and valid:
            subset = problem.of(valid)
            quantities = self.model.evaluate(subset, variables.isel(realisation=valid))
            misses = spec.misses(subset, quantities)
            reasons = reasons | {valid[r]: reason for r, reason in misses.items()}
        if not reasons:
            return variables
        numbers = problem.channels["realisation"].values.tolist()
        point_reasons = self.reasons.setdefault(problem.parameters[self.swept], {})
        point_reasons |= {numbers[r]: reason for r, reason in reasons.items()}
        mask = np.isin(np.arange(len(numbers)), list(reasons))
        status = np.where(mask, FAILURE, CONVERGED).astype(np.int8)
        about = {"long_name": LEGEND, "units": "1"}
        rejected = xr.DataArray(mask, dims="realisation")
        return variables.where(~rejected).assign(status=(("realisation",), status, about))

    def evaluate(self, problem: Problem, variables: xr.Dataset) -> xr.Dataset:
        """Evaluate what is not rejected; NaN for the rest, nothing if nothing is left."""
        return self._on_designs(self.model.evaluate, problem, variables)

    def statistics(self, problem: Problem, variables: xr.Dataset) -> xr.Dataset:
        """Sample what is not rejected, likewise."""
        return self._on_designs(self.model.statistics, problem, variables)

    def _on_designs(
        self,
        function: Callable[[Problem, xr.Dataset], xr.Dataset],
        problem: Problem,
        variables: xr.Dataset,
    ) -> xr.Dataset:
        if "status" not in variables:
            return function(problem, variables)
        positions = np.flatnonzero(variables["status"].values != FAILURE).tolist()
        if not positions:
            return xr.Dataset()
        result = function(
            problem.of(positions), variables.drop_vars("status").isel(realisation=positions)
        )
        places = {"realisation": range(len(problem.streams))}
        return result.assign_coords(realisation=positions).reindex(places).drop_vars("realisation")

    def failures(
        self, sweep: Mapping[str, Any], numbers: Sequence[int], others: str
    ) -> dict[str, str]:
        """Return the attribute ``failures``: why realisations were rejected, and other reasons."""
        values = sweep["values"]
        lines = [
            f"{self.swept} {value}, realisation {numbers[position]}: {reason}"
            for value in values
            for position, reason in sorted(
                self.reasons.get(values[0] if sweep.get("design_once") else value, {}).items()
            )
        ]
        lines += [others] if others else []
        return {"failures": "; ".join(lines)} if lines else {}


@dataclass(frozen=True)
class Command:
    """A program that designs.

    Attributes:
        place: of the scheme in the configuration, for errors.
        command: with places for the three files.
        time_limit: seconds for the realisations of a file at one point of a sweep.
        swept: the swept parameter.
        listed: patterns of files that it depends on and does not name itself.
        checkout: folder that its files are in.
    """

    place: str
    command: str
    time_limit: float
    swept: str
    listed: Sequence[str] = ()
    checkout: Path = CHECKED_OUT

    def design(self, problem: Problem) -> tuple[xr.Dataset, dict[int, str]]:
        """Run the program on a problem and read its solution, see `exchange.read_solution`.

        Raises:
            ExchangeError: the program is not there, crashes or hangs, writes no solution or writes
                outside its folder.
        """
        spec = solution_format(problem.channels.attrs["paper"])
        with tempfile.TemporaryDirectory(prefix="irsrepro-") as name:
            folder = Path(name).resolve()
            files = {
                "{channels}": folder / "channels.nc",
                "{parameters}": folder / "parameters.json",
                "{solution}": folder / "solution.nc",
            }
            write_channels(files["{channels}"], problem.channels)
            files["{parameters}"].write_bytes(parameters_json(problem, self.swept, spec))
            before = self._state(folder)
            self._run(self._words(files), folder, problem.parameters[self.swept])
            after = self._state(folder)
            for path in sorted({*before, *after}):
                if before.get(path) != after.get(path):
                    raise ExchangeError(
                        f"{self.place}: {self._name_of(path, folder)} changed while it ran; it may "
                        "write {solution} and what it likes in its working folder, nothing else"
                    )
            if not files["{solution}"].exists():
                raise ExchangeError(f"{self.place}: it ended without an error, but wrote no file "
                                    "{solution}")  # fmt: skip
            label = f"{self.place}: solution at {self.swept} {problem.parameters[self.swept]}"
            return read_solution(files["{solution}"], label, problem, self.swept, spec)

    def _words(self, files: Mapping[str, Path]) -> list[str]:
        """Return the command with paths for places and for the files of the checkout it names."""
        arguments = []
        for word in words(self.command):
            if is_file_of(self.checkout, word):
                word = str(self.checkout / word)
            for place, path in {**files, CHECKOUT: self.checkout}.items():
                word = word.replace(place, str(path))
            arguments.append(word)
        return arguments

    def _run(self, command: list[str], folder: Path, value: Any) -> None:
        """Run the program to its end, or to that of its time."""
        output = folder / ".said"
        label = f"{self.place}: {self.swept} {value}"
        environment = os.environ | {"TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        with output.open("wb") as stream:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise ExchangeError(
                    f"{self.place}: {words(self.command)[0]!r}: {reason}; expected a program that "
                    "is on the path, or a file of the checkout that may be run"
                ) from error
        try:
            code = self._wait_for(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        last_words = _last_words(output)
        if code is None:
            raise ExchangeError(f"{label}: no end within its time_limit of {self.time_limit:g} s; "
                                f"last words: {last_words}")  # fmt: skip
        if code:
            ending = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise ExchangeError(f"{label}: ended with {ending}; last words: {last_words}")

    def _wait_for(self, process: subprocess.Popen[bytes]) -> int | None:
        """Wait for a program; return its exit code, None if its time is over before it is."""
        begin = beat = time.monotonic()
        while (code := process.poll()) is None:
            now = time.monotonic()
            if now - begin > self.time_limit:
                return None
            if now - beat > _BEAT:
                alive()
                beat = now
            time.sleep(_LOOK)
        return code

    def _state(self, folder: Path) -> State:
        """Return size and time of what the program must leave alone, as far as one can look.

        Its input, the configuration, and the folders of its own files.
        """
        watched_files = named_files(self.checkout, {"command": self.command, "files": self.listed})
        places = {self.checkout / "config"} | {
            path.parent for path in watched_files if path.parent != self.checkout
        }
        paths = {*watched_files, folder / "channels.nc", folder / "parameters.json"}
        for place in places:
            paths |= {
                path
                for path in place.glob("*")
                if not path.name.startswith((".", "__")) and not path.name.endswith(COPIES)
            }
        state = {}
        for path in paths:
            with suppress(OSError):
                if path.is_file():
                    status = path.stat()
                    state[path] = (status.st_size, status.st_mtime_ns)
        return state

    def _name_of(self, path: Path, folder: Path) -> str:
        return path.relative_to(folder if folder in path.parents else self.checkout).as_posix()


def rejections(solution: xr.Dataset) -> str:
    """Return how many designs of a solution failed and why the first did; nothing if none did.

    Args:
        solution: as `solve` returns it.
    """
    if "failures" not in solution.attrs:
        return ""
    reasons = solution.attrs["failures"].split("; ")
    count = solution.sizes["point"] * solution.sizes["realisation"]
    return f"{len(reasons)} of {count} designs failed, first {reasons[0]}"


def _last_words(path: Path) -> str:
    """Return the last lines that a program wrote, as one printable line."""
    text = path.read_bytes()[-10_000:].decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    tail = " / ".join(lines[-LAST_WORDS:])[-LONGEST:]
    return "".join(char if char.isprintable() else " " for char in tail) or "none"
