"""Designs that fail, hang, crash, or return NaN or nothing: counted, named, harmless to others."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
import pytest
import xarray as xr

from irsrepro.build import sweeps
from irsrepro.build.isolation import alive, answers
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem, run, solve_each
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.optimize.result import FAILURE, SolverError

COUNT, DOOMED = 4, 2
SWEEP = {"parameter": "power", "values": [1.0, 2.0], "unit": "1"}


def test_answers_come_in_order_from_another_process() -> None:
    calls: list[Callable[[], int]] = [os.getpid, partial(sum, [1, 2])]
    (process, _), (total, lost) = answers(calls, 20)
    assert process != os.getpid() and (total, lost) == (3, "")


def test_what_hangs_or_dies_is_named_and_the_rest_goes_on() -> None:
    calls: list[Callable[[], Any]] = [
        partial(sum, [1]), partial(time.sleep, 60), partial(os._exit, 3), partial(sum, [2]),
    ]  # fmt: skip
    found = list(answers(calls, 0.5))
    assert [answer for answer, _ in found] == [1, None, None, 2]
    told = ["", "no answer within 0.5 s", "the process ended, exit code 3", ""]
    assert [lost for _, lost in found] == told


def test_an_error_of_the_program_comes_through() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(answers([lambda: 1 // 0], 20))
    assert "Traceback" in caught.value.__notes__[0]


def slow() -> int:
    for _ in range(4):
        time.sleep(0.3)
        alive()
    return 7


def test_what_is_alive_may_take_longer() -> None:
    assert list(answers([slow], 0.9)) == [(7, "")]


@numba.njit
def forever(start: int) -> int:
    while start >= 0:
        start = (start + 1) % 1000
    return start


def hang() -> None:
    forever(1)  # type: ignore[type-var]


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise SolverError("on purpose")


def design(problem: Problem, fault: Callable[[], None] | str) -> Any:
    gain = problem.channels["gain"].values
    beams = np.outer(gain, [1.0, 2.0])
    doomed = problem.channels["realisation"].values == DOOMED
    if doomed.any():
        if fault == "nothing":
            return None
        if fault == "nan":
            beams[doomed, 1] = np.nan
        elif callable(fault):
            fault()
    return xr.Dataset({"beams": variable(("realisation", "user"), beams, "beams", "1")})


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    rate = problem.parameters["power"] * variables["beams"].sum("user", skipna=False).values
    return xr.Dataset({"rate": variable(("realisation",), rate, "rate", "1")})


def solved(fault: Callable[[], None] | str, *, apart: bool = False) -> xr.Dataset:
    numbers = variable(("realisation",), np.arange(COUNT), "number", "1")
    gain = variable(("realisation",), np.arange(1.0, COUNT + 1), "gain", "1")
    channels = xr.Dataset({"gain": gain}, coords={"realisation": numbers})
    streams = realisation_streams(RandomStream(1), range(COUNT))
    problem = Problem(channels, {}, "fast", streams, apart)
    return run(partial(design, fault=fault), evaluate, problem, SWEEP)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fail, "SolverError: on purpose"),
        (hang, "SolverError: no answer within 1 s"),
        (crash, "SolverError: the process ended, exit code -9"),
        ("nan", "beams is not a number"),
        ("nothing", "SolverError: the design is no dataset of 1 realisations"),
    ],
    ids=["raises", "hangs", "crashes", "nan", "nothing"],
)
def test_a_fault_costs_one_realisation(
    fault: Callable[[], None] | str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "CHUNK_LIMIT", 2)
    monkeypatch.setattr(sweeps, "REALISATION_LIMIT", 1)
    whole = solved("none")
    assert "failures" not in whole.attrs
    (found,) = solve_each([partial(solved, fault)])
    assert (found["status"].values[:, DOOMED] == FAILURE).all()
    assert found.attrs["failures"] == "; ".join(
        f"power {power}, realisation {DOOMED}: {reason}" for power in SWEEP["values"]
    )
    others = [number for number in range(COUNT) if number != DOOMED]
    for name in ("beams", "rate"):
        assert np.isnan(found[name].values[:, DOOMED]).all()
        np.testing.assert_array_equal(
            found[name].values[:, others], whole[name].values[:, others], err_msg=name
        )
