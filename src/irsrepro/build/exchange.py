"""Files for programs that are not ours: channels and parameters out, solutions in.

Plain NetCDF-4 without anything of this project's own at its end, and JSON. A solution says which
problem it solves, in words that its program copies from the parameters, so that one of another
ensemble, point or seed is not taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.jobs import content_hash
from irsrepro.build.solution_format import SolutionFormat
from irsrepro.build.storage import with_complex_parts
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.parameters import parameters_of
from irsrepro.errors import IrsreproError

PART = "part"
PROBLEM = "problem"


class ExchangeError(IrsreproError):
    """A program or its solution is not as it must be: one line."""


def problem_name(problem: Problem, swept: str) -> str:
    """Return the name of a problem: paper, ensemble, point, number of realisations, and a hash.

    The hash is of everything that the problem depends on; the rest is for people.

    Args:
        problem: with the swept parameter among the others.
        swept: name of that parameter.
    """
    known = problem.channels.attrs
    drawn = {name: known.get(name) for name in ("paper", "ensemble", "seed", "parameters_hash")}
    numbers = problem.channels["realisation"].values.tolist()
    place = f"{known.get('paper')} {known.get('ensemble')}"
    whole = content_hash(drawn, dict(problem.parameters), numbers)
    return f"{place} {swept}={problem.parameters[swept]} n={len(numbers)} {whole}"


def write_channels(path: Path, channels: xr.Dataset) -> None:
    """Write channels as plain NetCDF-4: complex numbers with a last dimension ``part`` of two.

    Args:
        path: of the file.
        channels: realisations of an ensemble.
    """
    stored = with_complex_parts(channels).drop_vars(PART, errors="ignore")
    facts = {name: stored.attrs[name] for name in ("paper", "ensemble") if name in stored.attrs}
    stored.attrs = facts
    coding = {name: {"_FillValue": None} for name in stored.variables}
    stored.to_netcdf(path, engine="netcdf4", format="NETCDF4", encoding=coding)


def described(problem: Problem, swept: str, declared: SolutionFormat) -> bytes:
    """Return the parameters of a problem as JSON.

    Args:
        problem: with the swept parameter among the others.
        swept: name of that parameter.
        declared: what a solution holds.

    Returns:
        ``problem``, ``paper``, ``ensemble``, ``swept``, ``parameters``, their ``units``, the
        ``sizes`` of the axes of a solution, ``realisations`` by number and for each a seed of the
        program's own draws, ``seeds``, which are the same whatever a scheme is called and wherever
        it runs.
    """
    known, parameters = problem.channels.attrs, dict(sorted(problem.parameters.items()))
    units = parameters_of(known["paper"]).unit
    numbers = problem.channels["realisation"].values.tolist()
    drawn = RandomStream(int(known["seed"])).child(known["paper"], known["ensemble"], "outside")
    sizes = {axis: size for axis, size in declared.sizes(parameters).items() if size is not None}
    content = {
        PROBLEM: problem_name(problem, swept),
        "paper": known["paper"],
        "ensemble": known["ensemble"],
        "swept": swept,
        "parameters": parameters,
        "units": {name: units(name) for name in parameters},
        "sizes": {"realisation": len(numbers), **sizes},
        "realisations": numbers,
        "seeds": [
            int(each.generator().integers(2**31)) for each in realisation_streams(drawn, numbers)
        ],
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def read_solution(
    path: Path, called: str, problem: Problem, swept: str, declared: SolutionFormat
) -> tuple[xr.Dataset, dict[int, str]]:
    """Read a solution and check its form and its limits.

    Args:
        path: of the file.
        called: what errors call it.
        problem: what it must solve.
        swept: name of the swept parameter.
        declared: what a solution holds.

    Returns:
        The variables (realisation, ...) of all realisations of the problem, NaN where there are
        none, and why realisations are no designs, by their positions: not in the file, not a
        number, or beyond a limit.

    Raises:
        ExchangeError: the file is missing or of another problem, or lacks a variable or has it in
            another shape.
    """
    numbers = problem.channels["realisation"].values
    try:
        with netCDF4.Dataset(path) as stored:
            name = str(getattr(stored, PROBLEM, ""))
            expected = problem_name(problem, swept)
            if name != expected:
                told = f"{name!r} is" if name else "nothing is"
                raise ExchangeError(
                    f"{called}: its attribute {PROBLEM} must be {expected!r}, as the parameters "
                    f"have it; {told} there"
                )
            rows = _rows(stored, called, numbers)
            found = {
                name: _variable(stored, called, name, rows, problem, declared)
                for name in declared.variables
            }
    except OSError as error:
        told = "is not there" if not path.exists() else "is no NetCDF file"
        raise ExchangeError(f"{called}: {told}") from error
    variables = xr.Dataset(found)
    absent = sorted(set(range(len(numbers))) - set(rows.tolist()))
    missing = dict.fromkeys(absent, "not in the solution")
    return variables, declared.violations(problem, variables) | missing


def _rows(stored: Any, called: str, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of the realisations that a file holds, in its order."""
    size = len(stored.dimensions["realisation"]) if "realisation" in stored.dimensions else None
    if "realisation" not in stored.variables:
        if size != len(numbers):
            raise ExchangeError(
                f"{called}: {size or 'no'} realisations; expected a dimension realisation of "
                f"{len(numbers)}, or a variable realisation with the numbers of those there are"
            )
        return np.arange(len(numbers))
    places = {int(number): place for place, number in enumerate(numbers)}
    told = _filled(stored["realisation"][...])
    if told.ndim != 1 or len(set(told.tolist())) != told.size or not {*told.tolist()} <= {*places}:
        raise ExchangeError(f"{called}: realisation: expected different numbers, each one of those "
                            f"of the problem, {numbers.min()} to {numbers.max()}")  # fmt: skip
    return np.array([places[int(number)] for number in told], dtype=np.int64)


def _variable(
    stored: Any,
    called: str,
    name: str,
    rows: NDArray[np.int64],
    problem: Problem,
    declared: SolutionFormat,
) -> tuple[Sequence[str], NDArray[Any], dict[str, str]]:
    """Read a variable of all realisations, NaN where a file has none."""
    kind, inner = declared.variables[name], declared.shape(name, problem.parameters)
    wanted = {"realisation": len(rows), **inner} | ({PART: 2} if kind.complex else {})
    if name not in stored.variables:
        raise ExchangeError(f"{called}: {name}: missing; expected {_shape(wanted)}")
    variable = stored[name]
    there = dict(zip(variable.dimensions, variable.shape, strict=True))
    if list(there.items()) != list(wanted.items()):
        turned = list(there.items())[::-1] == list(wanted.items())
        more = "; MATLAB and Octave list dimensions in reverse" if turned else ""
        raise ExchangeError(
            f"{called}: {name}: {_shape(there)}; expected {_shape(wanted)} as other languages list "
            f"them, {_shape(dict(reversed(wanted.items())))} as MATLAB and Octave do{more}"
        )
    if variable.dtype.kind not in "fiu":
        raise ExchangeError(f"{called}: {name}: not numbers; expected {_shape(wanted)}")
    values: NDArray[Any] = _filled(variable[...])
    values = values[..., 0] + 1j * values[..., 1] if kind.complex else values
    whole = np.full((len(problem.streams), *inner.values()), np.nan, values.dtype)
    whole[rows] = values
    about = {"long_name": kind.about, "units": kind.unit}
    return ("realisation", *inner), whole, about


def _filled(values: Any) -> NDArray[Any]:
    """Return numbers, NaN where nothing was written."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))


def _shape(sizes: Mapping[str, int]) -> str:
    return "(" + ", ".join(f"{name} {size}" for name, size in sizes.items()) + ")"
