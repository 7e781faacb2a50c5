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
    attributes = problem.channels.attrs
    identity = {
        name: attributes.get(name) for name in ("paper", "ensemble", "seed", "parameters_hash")
    }
    numbers = problem.channels["realisation"].values.tolist()
    place = f"{attributes.get('paper')} {attributes.get('ensemble')}"
    digest = content_hash(identity, dict(problem.parameters), numbers)
    return f"{place} {swept}={problem.parameters[swept]} n={len(numbers)} {digest}"


def write_channels(path: Path, channels: xr.Dataset) -> None:
    """Write channels as plain NetCDF-4: complex numbers with a last dimension ``part`` of two.

    Args:
        path: of the file.
        channels: realisations of an ensemble.
    """
    dataset = with_complex_parts(channels).drop_vars(PART, errors="ignore")
    facts = {name: dataset.attrs[name] for name in ("paper", "ensemble") if name in dataset.attrs}
    dataset.attrs = facts
    coding = {name: {"_FillValue": None} for name in dataset.variables}
    dataset.to_netcdf(path, engine="netcdf4", format="NETCDF4", encoding=coding)


def parameters_json(problem: Problem, swept: str, spec: SolutionFormat) -> bytes:
    """Return the parameters of a problem as JSON.

    Args:
        problem: with the swept parameter among the others.
        swept: name of that parameter.
        spec: what a solution holds.

    Returns:
        ``problem``, ``paper``, ``ensemble``, ``swept``, ``parameters``, their ``units``, the
        ``sizes`` of the axes of a solution, ``realisations`` by number and for each a seed of the
        program's own draws, ``seeds``, which are the same whatever a scheme is called and wherever
        it runs.
    """
    attributes, parameters = problem.channels.attrs, dict(sorted(problem.parameters.items()))
    units = parameters_of(attributes["paper"]).unit
    numbers = problem.channels["realisation"].values.tolist()
    stream = RandomStream(int(attributes["seed"])).child(
        attributes["paper"], attributes["ensemble"], "outside"
    )
    sizes = {axis: size for axis, size in spec.sizes(parameters).items() if size is not None}
    content = {
        PROBLEM: problem_name(problem, swept),
        "paper": attributes["paper"],
        "ensemble": attributes["ensemble"],
        "swept": swept,
        "parameters": parameters,
        "units": {name: units(name) for name in parameters},
        "sizes": {"realisation": len(numbers), **sizes},
        "realisations": numbers,
        "seeds": [
            int(child.generator().integers(2**31)) for child in realisation_streams(stream, numbers)
        ],
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def read_solution(
    path: Path, label: str, problem: Problem, swept: str, spec: SolutionFormat
) -> tuple[xr.Dataset, dict[int, str]]:
    """Read a solution and check its form and its limits.

    Args:
        path: of the file.
        label: what errors call it.
        problem: what it must solve.
        swept: name of the swept parameter.
        spec: what a solution holds.

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
        with netCDF4.Dataset(path) as dataset:
            name = str(getattr(dataset, PROBLEM, ""))
            expected = problem_name(problem, swept)
            if name != expected:
                actual = f"{name!r} is" if name else "nothing is"
                raise ExchangeError(
                    f"{label}: its attribute {PROBLEM} must be {expected!r}, as the parameters "
                    f"have it; {actual} there"
                )
            rows = _rows(dataset, label, numbers)
            data = {
                name: _variable(dataset, label, name, rows, problem, spec)
                for name in spec.variables
            }
    except (OSError, RuntimeError) as error:  # the latter of data that cannot be unpacked
        reason = "is not there" if not path.exists() else "is no NetCDF file, or a broken one"
        raise ExchangeError(f"{label}: {reason}") from error
    variables = xr.Dataset(data)
    missing_rows = sorted(set(range(len(numbers))) - set(rows.tolist()))
    reasons = dict.fromkeys(missing_rows, "not in the solution")
    return variables, spec.violations(problem, variables) | reasons


def _rows(dataset: Any, label: str, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of the realisations that a file holds, in its order."""
    size = len(dataset.dimensions["realisation"]) if "realisation" in dataset.dimensions else None
    if "realisation" not in dataset.variables:
        if size != len(numbers):
            raise ExchangeError(
                f"{label}: {size or 'no'} realisations; expected a dimension realisation of "
                f"{len(numbers)}, or a variable realisation with the numbers of those there are"
            )
        return np.arange(len(numbers))
    places = {int(number): place for place, number in enumerate(numbers)}
    stored = dataset["realisation"]
    values = _filled(stored[...]) if _is_numeric(stored) else np.empty((0, 0))
    found = values.ravel().tolist()
    if values.ndim != 1 or len({*found}) != len(found) or not {*found} <= {*places}:
        raise ExchangeError(f"{label}: realisation: expected different numbers, each one of those "
                            f"of the problem, {numbers.min()} to {numbers.max()}")  # fmt: skip
    return np.array([places[int(number)] for number in values], dtype=np.int64)


def _variable(
    dataset: Any,
    label: str,
    name: str,
    rows: NDArray[np.int64],
    problem: Problem,
    spec: SolutionFormat,
) -> tuple[Sequence[str], NDArray[Any], dict[str, str]]:
    """Read a variable of all realisations, NaN where a file has none."""
    kind, inner = spec.variables[name], spec.shape(name, problem.parameters)
    expected = {"realisation": len(rows), **inner} | ({PART: 2} if kind.complex else {})
    if name not in dataset.variables:
        raise ExchangeError(f"{label}: {name}: missing; expected {_shape(expected)}")
    variable = dataset[name]
    actual = dict(zip(variable.dimensions, variable.shape, strict=True))
    if list(actual.items()) != list(expected.items()):
        is_reversed = list(actual.items())[::-1] == list(expected.items())
        hint = "; MATLAB and Octave list dimensions in reverse" if is_reversed else ""
        raise ExchangeError(
            f"{label}: {name}: {_shape(actual)}; expected {_shape(expected)} as other languages "
            f"list them, {_shape(dict(reversed(expected.items())))} as MATLAB and Octave do{hint}"
        )
    if not _is_numeric(variable):
        raise ExchangeError(f"{label}: {name}: not numbers; expected {_shape(expected)}")
    values: NDArray[Any] = _filled(variable[...])
    values = values[..., 0] + 1j * values[..., 1] if kind.complex else values
    array = np.full((len(problem.streams), *inner.values()), np.nan, values.dtype)
    array[rows] = values
    about = {"long_name": kind.about, "units": kind.unit}
    return ("realisation", *inner), array, about


def _is_numeric(variable: Any) -> bool:
    """Whether a variable holds real numbers; text has no kind."""
    return getattr(variable.dtype, "kind", "") in tuple("fiu")


def _filled(values: Any) -> NDArray[Any]:
    """Return numbers, NaN where nothing was written."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))


def _shape(sizes: Mapping[str, int]) -> str:
    return "(" + ", ".join(f"{name} {size}" for name, size in sizes.items()) + ")"
