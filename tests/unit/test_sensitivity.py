"""How rounding is measured: deterministic, realisation by realisation, and of the right size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from irsrepro.build.experiments import compare
from irsrepro.build.sensitivity import DISTURBANCE, differences, disturb, roundings, spread
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.claims import evaluate, evaluation
from irsrepro.figures.data import make

ONE = ("realisation",)
COUNT, SAMPLE = 60, 20
SWEEP = {"parameter": "power", "values": [1.0, 2.0], "unit": "W"}


def streams(count: int) -> list[RandomStream]:
    return realisation_streams(RandomStream(4), range(count))


def channels(count: int = COUNT) -> xr.Dataset:
    gains = np.stack([each.generator().standard_normal((3, 2)) for each in streams(count)])
    return xr.Dataset(
        {
            "gain": variable((*ONE, "user", "part_of"), gains, "gain", "1"),
            "phase": variable((*ONE, "user"), gains[..., 0] + 1j * gains[..., 1], "phase", "1"),
            "kind": variable(ONE, np.arange(count), "kind", "1"),
            "length": variable((), 7.0, "length", "m"),
        },
        coords={"realisation": variable(ONE, np.arange(count), "number", "1")},
    )


def design(problem: Problem) -> xr.Dataset:
    return problem.channels[["gain"]]


def smooth(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    rate = problem.parameters["power"] * (variables["gain"].values ** 2).sum(axis=(1, 2))
    return xr.Dataset({"rate": variable(ONE, rate, "rate", "bit/s/Hz")})


def chaotic(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """What a bit changes here is of the order of one."""
    rate = smooth(problem, variables)["rate"].values
    digits = np.modf(1e11 * rate)[0]
    return xr.Dataset({"rate": variable(ONE, 10.0 + rate + digits, "rate", "bit/s/Hz")})


def solutions(of: xr.Dataset) -> dict[str, xr.Dataset]:
    problem = Problem(of, {}, "fast", streams(of.sizes["realisation"]))
    return {
        name: run(design, evaluated, problem, SWEEP)
        for name, evaluated in (("smooth", smooth), ("chaotic", chaotic))
    }


PLAIN = solutions(channels())
OTHER = solutions(disturb(channels(SAMPLE), streams(SAMPLE)))
CHANGES = differences(PLAIN, OTHER, "rate")
TABLE = compare(PLAIN, "rate")


def test_the_disturbance_is_small_deterministic_and_each_realisations_own() -> None:
    before, after = channels(5), disturb(channels(5), streams(5))
    xr.testing.assert_identical(after, disturb(channels(5), streams(5)))
    alone = disturb(channels(5).isel(realisation=[3]), streams(5)[3:4])
    xr.testing.assert_identical(after.isel(realisation=[3]), alone)
    for name in ("gain", "phase"):
        relative = np.abs(after[name].values / before[name].values - 1.0)
        assert 0.3 * DISTURBANCE < relative.mean() < 2.0 * DISTURBANCE
        assert after[name].attrs == before[name].attrs
    for name in ("kind", "length"):
        xr.testing.assert_identical(after[name], before[name])


def test_changes_are_those_of_the_sample() -> None:
    assert CHANGES["rate"].dims == ("scheme", "point", "realisation")
    assert CHANGES.sizes["realisation"] == SAMPLE
    assert float(np.abs(CHANGES["metric"].sel(scheme="smooth")).max()) < 1e-11
    moved = CHANGES["metric"].sel(scheme="chaotic").values
    assert 0.1 < moved.std() < 1.0


def test_the_spread_is_that_of_a_mean_of_independent_changes() -> None:
    rng = np.random.default_rng(1)
    samples = xr.DataArray(rng.standard_normal((400, 3)), dims=("realisation", "point"))
    found = xr.DataArray(rng.standard_normal((200, 3)) * [0.0, 0.1, 1.0], dims=samples.dims)
    half_width = spread(samples, found, lambda drawn: drawn.mean(axis=0))
    np.testing.assert_allclose(half_width, 1.96 * np.array([0, 0.1, 1.0]) / 20, rtol=0.3, atol=1e-9)
    none = xr.DataArray(np.full((2, 3), np.nan), dims=samples.dims)
    assert np.isnan(spread(samples, none, lambda drawn: drawn.mean(axis=0))).all()


def wanted() -> list[dict[str, Any]]:
    return [{"name": name, "experiment": "power", "scheme": name} for name in PLAIN]


@pytest.mark.parametrize(
    ("kind", "section"),
    [("curves", {}), ("curves", {"statistic": "median"}), ("distributions", {"points": [2.0]})],
)
def test_figure_data_says_how_far_rounding_moves_a_point(
    kind: str, section: dict[str, Any]
) -> None:
    plain = make(kind, {"power": TABLE}, section, wanted())
    made = make(kind, {"power": TABLE}, section, wanted(), {"power": CHANGES})
    xr.testing.assert_identical(made.drop_vars("rounding"), plain)
    assert made["rounding"].attrs["units"] == "bit/s/Hz"
    steady, moving = made["rounding"].values
    assert (steady < 1e-10).all() and (moving > 1e-3).all() and (moving < 2.0).all()


def claim(level: float, *, above: bool = True, every: bool = False) -> dict[str, Any]:
    bounds = [level, None] if above else [None, level]
    check = {"kind": "value_between", "experiment": "power", "bounds": bounds, "points": [1.0],
             "schemes": ["chaotic"]}  # fmt: skip
    if every:
        check |= {"kind": "every_realisation", "property": "between"}
    return {"id": "a-claim", "checks": [check]}


def test_a_claim_that_rounding_turns_is_undecided() -> None:
    experiments = {"power": TABLE}
    others = roundings(experiments, {"power": CHANGES})
    firm = evaluate(claim(0.0), experiments, {}, others)
    assert (firm.verdict, firm.turned_by_rounding) == ("replicated", False)
    lower = evaluate(claim(0.0), experiments).checks[0].contrasts[0].lower
    narrow = evaluate(claim(lower - 1e-4), experiments)
    assert narrow.verdict == "replicated" and not narrow.turned_by_rounding
    turned = evaluate(claim(lower - 1e-4), experiments, {}, others)
    assert (turned.verdict, turned.turned_by_rounding) == ("undecided", True)
    assert turned.sentence.endswith("; rounding alone turns it")


def test_realisations_are_counted_as_rounding_leaves_that_very_one() -> None:
    experiments = {"power": TABLE}
    others = roundings(experiments, {"power": CHANGES})
    first = others[0]["power"]["metric"].sel(scheme="chaotic")
    np.testing.assert_allclose(first[:, :SAMPLE], OTHER["chaotic"]["rate"], rtol=1e-12)
    np.testing.assert_array_equal(first[:, SAMPLE:], PLAIN["chaotic"]["rate"][:, SAMPLE:])
    lowest = float(TABLE["metric"].sel(scheme="chaotic", point=1.0).min())
    assert evaluate(claim(lowest - 2.0, every=True), experiments, {}, others).verdict == (
        "replicated"
    )


def test_nothing_is_looked_at_again_where_nothing_moves() -> None:
    still = CHANGES.sel(scheme=["smooth"])
    assert (
        roundings({"power": compare({"smooth": PLAIN["smooth"]}, "rate")}, {"power": still}) == []
    )


def test_schemes_that_rounding_leaves_alone_are_not_checked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiments = {"power": TABLE}
    others = roundings(experiments, {"power": CHANGES, "another": CHANGES})
    for other in others:
        moved = (other["power"]["metric"] != TABLE["metric"]).any(["point", "realisation"])
        assert dict(zip(moved["scheme"].values, moved.values, strict=True)) == {
            "smooth": False, "chaotic": True,
        }  # fmt: skip
    looks: list[object] = []
    look = evaluation._check

    def noted(check: Any, *others: Any) -> Any:
        looks.append(check)
        return look(check, *others)

    monkeypatch.setattr(evaluation, "_check", noted)
    for scheme, expected in (("smooth", 1), ("chaotic", len(others))):
        looks.clear()
        made = claim(0.0)
        made["checks"][0]["schemes"] = [scheme]
        assert evaluate(made, experiments, {}, others).verdict == "replicated"
        assert len(looks) == expected
