"""From solutions to what a figure draws: who is averaged, distributions, curves cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from irsrepro.build.experiments import compare, read_experiment, read_solutions
from irsrepro.build.storage import variable, write_groups
from irsrepro.build.sweeps import TIMED_BATCH, Problem, run
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.errors import ConfigurationError
from irsrepro.figures.data import curves, distributions, make

ONE = ("realisation",)


def solution(rate: Any, first: int = 0, points: tuple[float, ...] = (0.0, 5.0)) -> xr.Dataset:
    values = np.asarray(rate, float)
    trace = np.stack([values - 2.0, values - 1.0, values], axis=-1)
    numbers = np.arange(first, first + values.shape[1])
    return xr.Dataset(
        {
            "rate": variable(("point", *ONE), values, "rate", "bit/s/Hz"),
            "trace": variable(("point", *ONE, "iteration"), trace, "rate", "bit/s/Hz"),
        },
        coords={
            "point": variable(("point",), points, "power", "dBm"),
            "realisation": variable(ONE, numbers, "number", "1"),
            "iteration": variable(("iteration",), np.arange(3), "iteration", "1"),
        },
    )


CHEAP = solution([[1.0, 2.0, np.nan, 4.0], [5.0, 6.0, 7.0, 8.0]])
COSTLY = solution([[10.0, 20.0], [30.0, 40.0]])
TABLE = compare({"cheap": CHEAP, "costly": COSTLY}, "rate")


def wanted(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "experiment": "power", "scheme": name, **more} for name in names]


def test_what_was_not_asked_for_is_neither_averaged_nor_a_failure() -> None:
    made = make("curves", {"power": TABLE}, {}, wanted("cheap", "costly"))
    np.testing.assert_allclose(made["value"], [[7 / 3, 6.5], [15.0, 35.0]])
    np.testing.assert_array_equal(made["realisations"], [[3, 4], [2, 2]])
    np.testing.assert_array_equal(made["failures"], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(TABLE["asked"], [[1, 1, 1, 1], [1, 1, 0, 0]])


def test_schemes_that_report_and_ran_less_stand_beside_the_others_with_nan() -> None:
    status = variable(("point", *ONE), np.zeros((2, 1), np.int8), "status", "1")
    short = COSTLY.isel(realisation=[1], iteration=[0, 1]).assign(status=status)
    table = compare({"cheap": CHEAP, "short": short}, "rate")
    np.testing.assert_array_equal(table["asked"], [[1, 1, 1, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(table["rate"][1, 0], [np.nan, 20.0, np.nan, np.nan])
    np.testing.assert_array_equal(table["trace"][1, 0, 1], [18.0, 19.0, np.nan])
    np.testing.assert_array_equal(table["trace"][0], CHEAP["trace"])
    assert table["status"].isel(scheme=0).isnull().all() and table["status"][1, 0, 1] == 0
    assert table["iteration"].values.tolist() == [0, 1, 2]
    whole = {name: each.assign(status=each["rate"].notnull().astype(int)) for name, each in
             {"cheap": CHEAP, "other": CHEAP}.items()}  # fmt: skip
    assert compare(whole, "rate")["status"].dtype.kind == "i", "of everyone, everywhere"


def test_what_is_not_compared_and_traces_that_are_not_wanted_are_not_read(tmp_path: Path) -> None:
    beams = variable((*ONE, "antenna"), np.full((4, 2), 1j), "beams", "1")
    stored = CHEAP.assign(beams=beams).assign_attrs(scheme="cheap")
    path = tmp_path / "solutions.nc"
    write_groups(path, {"cheap": stored})
    plain = {"rate", "metric", "asked"}
    for traces, expected in (
        (None, plain | {"trace"}),
        (["trace"], plain | {"trace"}),
        ((), plain),
    ):
        made = read_experiment([str(path)], ["cheap"], "rate", traces)
        assert set(made) == expected
        np.testing.assert_array_equal(made["metric"][0], CHEAP["rate"])
    assert set(read_solutions([str(path)])["cheap"]) == {"rate", "trace", "beams"}


def test_schemes_at_other_points_are_refused() -> None:
    other = solution([[1.0], [2.0]], points=(0.0, 6.0))
    with pytest.raises(ConfigurationError, match="different points"):
        compare({"cheap": CHEAP, "other": other}, "rate")


def test_a_median_is_a_median() -> None:
    made = make("curves", {"power": TABLE}, {"statistic": "median"}, wanted("cheap"))
    np.testing.assert_allclose(made["value"], [[2.0, 6.5]])
    assert made.attrs["statistic"] == "median" and "median" in made.attrs["interval"]


def test_a_curve_may_be_cut_short() -> None:
    made = make("curves", {"power": TABLE}, {}, wanted("costly", after=1))
    np.testing.assert_allclose(made["value"], [[14.0, 34.0]])
    assert made["after"].values.tolist() == [1]
    with pytest.raises(ConfigurationError, match="no iteration 3"):
        make("curves", {"power": TABLE}, {}, wanted("costly", after=3))


def test_a_single_realisation_may_be_drawn() -> None:
    section = {"iterations": 2, "realisation": 1}
    single = compare({"costly": COSTLY.isel(point=[0])}, "rate")
    made = make("trace", {"power": single}, section, wanted("costly"))
    np.testing.assert_allclose(made["value"], [[18.0, 19.0, 20.0]])
    assert (made["realisations"] == 1).all()


def test_points_of_several_experiments_stand_side_by_side() -> None:
    samples = {
        name: xr.DataArray(
            np.full((len(points), 3), value),
            dims=("point", "realisation"),
            coords={"point": variable(("point",), points, "size", "1")},
            attrs={"long_name": "rate", "units": "bit/s/Hz"},
        )
        for name, points, value in (("a", [1.0, 2.0], 5.0), ("b", [2.0, 3.0], 7.0))
    }
    made = curves(samples)
    assert made["point"].values.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(made["value"], [[5.0, 5.0, np.nan], [np.nan, 7.0, 7.0]])
    np.testing.assert_array_equal(made["realisations"], [[3, 3, 0], [0, 3, 3]])


def sample(values: Any) -> xr.DataArray:
    return xr.DataArray(
        np.asarray(values, float), dims=ONE, attrs={"long_name": "rate", "units": "bit/s/Hz"}
    )


def test_a_distribution_is_its_sorted_sample() -> None:
    made = distributions({"a": sample([3.0, 1.0, 2.0, 5.0])})
    np.testing.assert_allclose(made["level"], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_array_equal(made["value"], [[1.0, 2.0, 3.0, 5.0]])


def test_failures_leave_the_distribution_of_the_others() -> None:
    made = distributions({"a": sample([3.0, np.nan, 2.0, 5.0])})
    np.testing.assert_array_equal(made["value"], [[2.0, 3.0, 5.0, 5.0]])
    assert (made["failures"] == 1).all() and (made["realisations"] == 3).all()


def test_distributions_are_drawn_at_points() -> None:
    section = {"points": [5.0]}
    made = make("distributions", {"power": TABLE}, section, wanted("cheap", "costly"))
    assert made["curve"].values.tolist() == ["cheap@5", "costly@5"]
    assert made["held"].values.tolist() == [5.0, 5.0] and made["held"].attrs["units"] == "dBm"
    assert np.isfinite(made["value"].sel(curve="costly@5")).sum() == 2


@pytest.mark.parametrize(("seconds", "copies"), [(0.3, 0), (0.1, 3), (0.001, TIMED_BATCH)])
def test_a_timed_sweep_tells_the_seconds_of_every_realisation(
    seconds: float, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long design is timed as it is made, a short one again, with copies that take as long."""
    clock = [0.0]
    monkeypatch.setattr("irsrepro.build.sweeps.time.perf_counter", lambda: clock[0])
    channels = xr.Dataset({"gain": variable(ONE, np.ones(3), "gain", "1")})
    channels = channels.assign_coords(realisation=variable(ONE, np.arange(3), "number", "1"))
    sizes = []

    def design(problem: Problem) -> xr.Dataset:
        sizes.append(problem.channels.sizes["realisation"])
        clock[0] += seconds * sizes[-1]
        assert len(problem.streams) == sizes[-1]
        return xr.Dataset({"x": variable(ONE, problem.channels["gain"].values, "x", "1")})

    streams = realisation_streams(RandomStream(1), range(3))
    sweep = {"parameter": "power", "values": [1.0], "unit": "dBm", "design_once": False}
    done = run(design, lambda *_: xr.Dataset(), Problem(channels, {}, "fast", streams),
               sweep | {"timed": True})  # fmt: skip
    assert done["seconds"].dims == ("point", *ONE)
    np.testing.assert_allclose(done["seconds"], seconds)
    assert sizes == [1] + [1] * 3 + ([copies] * 3 if copies else [])  # once before, for kernels
    plain = run(design, lambda *_: xr.Dataset(), Problem(channels, {}, "fast", streams),
                sweep | {"timed": False})  # fmt: skip
    assert "seconds" not in plain


def test_curves_can_be_paired_differences_to_a_scheme() -> None:
    made = make("curves", {"power": TABLE}, {"minus": "cheap"}, wanted("costly"))
    np.testing.assert_allclose(made["value"], [[(9.0 + 18.0) / 2, (25.0 + 34.0) / 2]])
    assert made["realisations"].values.tolist() == [[2, 2]]
    assert made["value"].attrs["long_name"] == "mean difference of rate"


def test_levels_in_dbm_differ_by_db() -> None:
    described = TABLE["metric"].assign_attrs(units="dBm")
    made = make("curves", {"power": TABLE.assign(metric=described)}, {"minus": "cheap"},
                wanted("costly"))  # fmt: skip
    assert made["value"].attrs["units"] == "dB"


def test_a_figure_can_show_another_metric_than_its_experiment() -> None:
    table = TABLE.assign(twice=2.0 * TABLE["metric"])
    table["twice"].attrs.update(long_name="twice the rate", units="1")
    made = make("curves", {"power": table}, {"metric": "twice"}, wanted("costly"))
    np.testing.assert_allclose(made["value"], [[30.0, 70.0]])
    assert made["value"].attrs["long_name"] == "mean twice the rate"
    with pytest.raises(ConfigurationError, match="no quantity 'none'"):
        make("curves", {"power": table}, {"metric": "none"}, wanted("costly"))


def test_figure_data_tells_how_runs_ended() -> None:
    ended = COSTLY.assign(
        status=variable(("point", *ONE), [[0, 1], [1, 1]], "status", "1"),
        rounding_loss=variable(("point", *ONE), [[0.1, 0.2], [0.0, 0.1]], "loss", "1"),
    )
    table = compare({"cheap": CHEAP, "costly": ended}, "rate")
    made = make("curves", {"power": table}, {}, wanted("cheap", "costly"))
    np.testing.assert_allclose(made["capped"], [np.nan, 1.0])
    np.testing.assert_allclose(made["rounding_loss"], [np.nan, 0.15])


def test_a_solution_that_cannot_be_is_no_failure() -> None:
    """A status beyond those of solvers says why there is no value; FAILURE is a failure."""
    ended = solution([[1.0, np.nan], [np.nan, 4.0]]).assign(
        status=variable(("point", *ONE), [[0, 2], [4, 0]], "status", "1")
    )
    made = make("curves", {"power": compare({"costly": ended}, "rate")}, {}, wanted("costly"))
    assert made["undefined"].values.tolist() == [1]
    assert int(made["failures"].sum()) == 2


def test_a_trace_can_be_drawn_against_seconds() -> None:
    """A run of two iterations in 4 s and one of one iteration in 1 s."""
    timed = solution([[1.0, 2.0]], points=(0.0,)).assign(
        iterations=variable(("point", *ONE), [[2, 1]], "iterations", "1"),
        seconds=variable(("point", *ONE), [[4.0, 1.0]], "time", "s"),
    )
    table = {"power": compare({"costly": timed}, "rate")}
    section = {"iterations": 2, "against": "seconds"}
    made = make("trace", table, section, wanted("costly"))
    np.testing.assert_allclose(made["seconds"], [[0.0, 1.5, 2.5]])
    assert "seconds" not in make("trace", table, {"iterations": 2}, wanted("costly"))


def test_traces_can_be_held_at_several_points_and_equal_ones_are_drawn_once() -> None:
    same = solution([[1.0, 2.0], [1.0, 2.0]])
    table = {"power": compare({"same": same, "costly": COSTLY}, "rate")}
    section = {"iterations": 2, "points": [0.0, 5.0]}
    made = make("trace", table, section, wanted("same", "costly"))
    assert made["curve"].values.tolist() == ["same@0", "costly@0", "costly@5"]
    np.testing.assert_array_equal(made["held"], [0.0, 0.0, 5.0])
    np.testing.assert_allclose(made["limit"], [1.5, 15.0, 35.0])
