"""zhang2022: its channels, its system model, and its schemes against independent answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from conftest import ROOT
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.strict_yaml import read_yaml
from irsrepro.errors import ConfigurationError
from irsrepro.optimize.result import CONVERGED, NO_CHANNEL, NO_INVERSE
from irsrepro.papers.zhang2022 import ensemble, system
from irsrepro.papers.zhang2022.algorithms.surface_downlink import composite_channel
from irsrepro.papers.zhang2022.schemes import aif, alternation, socp_sdr

SOURCE = read_yaml(ROOT, "config/zhang2022.yaml")
SIZES = {"antennas": 16, "elements": 12, "users": 10}
PAIRED = {"draw_inter_irs": True}
SMALL = {"antennas": 8, "elements": 8, "users": 3, "outer_iterations": 6, "beam_steps": 10,
         "reflection_steps": 10}  # fmt: skip


def values(inter: bool) -> dict[str, Any]:
    return {
        name: entry["value"]
        for name, entry in SOURCE["parameters"].items()
        if inter or "ensembles" not in entry
    } | ({"total_elements": 16} | PAIRED if inter else {})


def streams(count: int, first: int = 0) -> list[RandomStream]:
    return realisation_streams(RandomStream(3), range(first, first + count))


@lru_cache
def drawn(count: int, inter: bool = False, first: int = 0) -> xr.Dataset:
    return ensemble.draw(values(inter) | SIZES, streams(count, first))


def problem(count: int, inter: bool = False, engine: str = "fast", **changed: Any) -> Problem:
    parameters: Mapping[str, Any] = values(inter) | SMALL | changed
    return Problem(drawn(count, inter), parameters, engine, streams(count))


def rates(of: Problem, design: xr.Dataset, name: str) -> NDArray[np.float64]:
    return np.asarray(system.evaluate(of, design)[name].values)


def test_a_realisation_depends_on_no_other() -> None:
    whole, last = drawn(3, True), drawn(1, True, 2)
    for name, variable in whole.data_vars.items():
        if "realisation" in variable.dims:
            np.testing.assert_array_equal(variable[2], last[name][0], err_msg=str(name))


def test_larger_arrays_contain_the_smaller_ones() -> None:
    small = values(True) | {"antennas": 4, "elements": 5, "users": 2}
    part = ensemble.draw(small, streams(3))
    for name, variable in part.data_vars.items():
        sizes = {dim: slice(size) for dim, size in variable.sizes.items()}
        kept = drawn(3, True)[name].isel(sizes)
        np.testing.assert_allclose(kept, variable, rtol=1e-12, err_msg=str(name))


def test_links_have_the_power_and_the_rank_of_their_paths() -> None:
    channels = drawn(60, True)
    paths = (1 + 3 * 0.1) / 4
    for name, length in (("bs_to_irs1", np.hypot(50, 10)), ("irs1_to_irs2", 20.0)):
        loss = (299_792_458 / 3e9 / (4 * np.pi * length)) ** 2
        power = float((np.abs(channels[name]) ** 2).mean()) / loss
        assert power == pytest.approx(paths, rel=0.4), name
        assert set(np.linalg.matrix_rank(channels[name].values)) == {4}, name
    lengths = channels["irs2_to_users_length"].values
    to_users = (channels["users_position"] - np.array([50, -10, 0])).values
    np.testing.assert_allclose(lengths, np.linalg.norm(to_users, axis=-1), rtol=1e-12)
    assert (np.linalg.norm(to_users - [10, 10, 0], axis=-1) <= 5).all()


def test_the_system_is_equation_6() -> None:
    here = problem(2, inter=True, elements1=5, total_elements=12, users=3)
    channels, first = here.channels, 5
    links = system.surface_links(here, system.WITH)
    rng = np.random.default_rng(0)
    x = np.exp(2j * np.pi * rng.random((2, 12)))
    found = composite_channel(links, x)
    scale = np.sqrt(10 ** (3.0 - (-11.0)))
    for r in range(2):
        g1, g2 = channels["bs_to_irs1"].values[r, :5, :8], channels["bs_to_irs2"].values[r, :7, :8]
        h1, h2 = (channels[f"irs{i}_to_users"].values[r, :3] for i in (1, 2))
        s = channels["irs1_to_irs2"].values[r, :7, :5]
        one, two = np.diag(x[r, :first]), np.diag(x[r, first:])
        wanted = h1[:, :5] @ one @ g1 + h2[:, :7] @ two @ (g2 + s @ one @ g1)
        np.testing.assert_allclose(found[r], scale * wanted, rtol=1e-10)


def test_rates_are_equations_3_and_4_by_hand() -> None:
    here = problem(1)
    rng = np.random.default_rng(1)
    beams = rng.standard_normal((1, 3, 8)) + 1j * rng.standard_normal((1, 3, 8))
    x = np.exp(2j * np.pi * rng.random((1, 16)))
    channel = composite_channel(system.surface_links(here, system.WITHOUT), x)[0]
    total, lowest = 0.0, np.inf
    for k in range(3):
        heard = [abs(channel[k] @ beams[0, j]) ** 2 for j in range(3)]
        rate = np.log2(1 + heard[k] / (sum(heard) - heard[k] + 1))
        total, lowest = total + rate, min(lowest, rate)
    design = system.design_variables(beams, x)
    assert rates(here, design, "sum_rate")[0] == pytest.approx(total)
    assert rates(here, design, "min_rate")[0] == pytest.approx(lowest)


@pytest.mark.parametrize(
    ("blocked", "names"),
    [("all", 5), ("crossed", 2), ("station", 1), ("users", 1), ("none", 0)],
)
def test_blocked_links(blocked: str, names: int) -> None:
    links = ("bs_to_irs1", "bs_to_irs2", "irs1_to_users", "irs2_to_users", "irs1_to_irs2")
    here = problem(60, inter=True, blocked_links=blocked, blockage=0.3)
    shares = {name: 1.0 - system.open_links(here, name).mean() for name in links}
    assert sum(share > 0 for share in shares.values()) == names
    if blocked == "all":
        assert shares["irs1_to_irs2"] == pytest.approx(1 - 0.7**2, abs=0.2)
        assert shares["bs_to_irs1"] > shares["irs1_to_users"]
    same = problem(60, inter=True, blocked_links=blocked, blockage=0.3,
                   blockage_distance="inter-IRS")  # fmt: skip
    if blocked == "crossed":
        share = 1.0 - system.open_links(same, "irs1_to_users").mean()
        assert share == pytest.approx(1 - 0.7**2, abs=0.1)
        # More blockage blocks what less blocks already.
        more = problem(60, inter=True, blocked_links=blocked, blockage=0.5)
        before, after = (system.open_links(each, "irs1_to_users") for each in (here, more))
        assert (after <= before).all() and after.sum() < before.sum()


def test_three_treatments_of_the_inter_irs_channel() -> None:
    """With both crossed links shut only the path over both surfaces is left, for Scheme 3 alone."""
    made = {}
    for name in ("scheme1", "scheme2", "scheme3"):
        here = problem(4, inter=True, blocked_links="crossed", blockage=0.999999,
                       **SOURCE["schemes"][name]["set"])  # fmt: skip
        design = alternation.design(here)
        made[name] = rates(here, design, "sum_rate")
        dead = design["status"].values == NO_CHANNEL
        assert dead.all() if name != "scheme3" else not dead.any()
    assert not made["scheme1"].any() and not made["scheme2"].any()
    assert (made["scheme3"] > 0).all()
    open_air = {}
    for name in ("scheme1", "scheme2", "scheme3"):
        here = problem(4, inter=True, **SOURCE["schemes"][name]["set"])
        open_air[name] = rates(here, alternation.design(here), "sum_rate").mean()
    assert open_air["scheme1"] == pytest.approx(open_air["scheme2"], rel=0.01)
    assert open_air["scheme3"] == pytest.approx(open_air["scheme2"], rel=0.05)


def test_both_directions_add_the_way_back() -> None:
    given = system.surface_links(problem(1, inter=True, inter_irs_directions="both"), system.WITH)
    np.testing.assert_array_equal(given.irs2_to_irs1, given.irs1_to_irs2.mT)


def test_colocated_is_the_end_of_the_split() -> None:
    end = problem(2, inter=True, elements1=12, total_elements=12)
    one = problem(2, inter=True, elements1=3, total_elements=12, deployment="co-located")
    for each in ("beams", "reflection"):
        np.testing.assert_array_equal(alternation.design(end)[each], alternation.design(one)[each])


@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
@pytest.mark.parametrize("scheme", ["domalo", "mrt", "zf", "mmse", "random"])
def test_a_trace_ends_at_what_the_variables_reach(scheme: str, objective: str) -> None:
    changed = {"objective": objective} | SOURCE["schemes"][scheme]["set"]
    changed["objective"] = objective
    here = problem(3, **changed)
    design = alternation.design(here)
    metric = "sum_rate" if objective == "sum-rate" else "min_rate"
    np.testing.assert_allclose(design["trace"][:, -1], rates(here, design, metric), rtol=1e-8)


def test_zero_forcing_is_invalid_beyond_the_rank_of_the_paths() -> None:
    for users, valid in ((8, True), (9, False)):
        here = problem(3, users=users, antennas=16, elements=12, beams="zf", outer_iterations=1)
        design = alternation.design(here)
        made = system.evaluate(here, design)
        assert np.isfinite(made["sum_rate"]).all() == valid
        assert (design["status"].values == NO_INVERSE).all() != valid
        assert (made["rank"] == 8).all()


def test_the_relaxation_bounds_what_rounding_and_climbing_reach() -> None:
    reached = []
    tries: list[dict[str, Any]] = [
        {"randomisations": 2000},
        {"randomisations": 50, "polish": True},
    ]
    for changed in tries:
        here = problem(3, **changed)
        design = socp_sdr.design(here)
        assert (design["bound_over_rounded"] >= 1 - 1e-6).all()
        assert (design["trace"].diff("iteration") >= -1e-6).all()
        made = rates(here, design, "min_rate")
        np.testing.assert_allclose(design["trace"][:, -1], made, rtol=1e-8)
        reached.append(made.mean())
    assert reached[1] == pytest.approx(reached[0], rel=0.1)


def test_the_reflection_problem_is_the_sinr() -> None:
    here = problem(2)
    links = system.surface_links(here, system.WITHOUT)
    rng = np.random.default_rng(3)
    beams = rng.standard_normal((2, 3, 8)) + 1j * rng.standard_normal((2, 3, 8))
    x = np.exp(2j * np.pi * rng.random((2, 16)))
    weights = np.array([1.0, 3.0, 0.5])
    wanted = weights * system.sinr(composite_channel(links, x), beams)
    stated = socp_sdr.reflection_problem(links, beams, weights)
    np.testing.assert_allclose(stated.values(x), wanted)
    lit = links._replace(direct=rng.standard_normal((2, 3, 8)).astype(np.complex128))
    wanted = weights * system.sinr(composite_channel(lit, x), beams)
    longer = np.concatenate([x, np.ones((2, 1))], axis=1)
    stated = socp_sdr.reflection_problem(lit, beams, weights)
    np.testing.assert_allclose(stated.values(longer), wanted)


def test_a_dead_realisation_of_socp_sdr_costs_no_other_and_ends_are_told() -> None:
    few: dict[str, Any] = {"randomisations": 300, "outer_iterations": 5}
    whole = socp_sdr.design(problem(3, **few))
    here = problem(3, **few)
    dead = here.channels.copy(deep=True)
    for name in ("irs1_to_users", "irs2_to_users"):
        dead[name][1] = 0.0
    broken = socp_sdr.design(replace(here, channels=dead))
    assert broken["status"][1] == NO_CHANNEL and not broken["trace"][1].any()
    assert not broken["beams"][1].values.any()
    for r in (0, 2):
        for name in ("beams", "reflection", "trace", "status", "bound_over_rounded"):
            np.testing.assert_array_equal(broken[name][r], whole[name][r], err_msg=name)
    assert (whole["relaxation_gap"] <= 2e-3).all()
    stuck = whole["status"].values == CONVERGED
    assert (whole["iterations"].values[~stuck] == 5).all()


def test_weights_count_in_the_rates_and_in_what_schemes_maximise() -> None:
    """Two weights that alternate; each objective gains by knowing them."""
    known: dict[str, Any] = {"weights": [1, 4]}
    for objective, metric in (("sum-rate", "sum_rate"), ("min-rate", "min_rate")):
        here = problem(8, objective=objective, **known)
        plain = alternation.design(problem(8, objective=objective))
        design = alternation.design(here)
        np.testing.assert_allclose(design["trace"][:, -1], rates(here, design, metric), rtol=1e-8)
        assert rates(here, design, metric).mean() > rates(here, plain, metric).mean()
    links, design = system.surface_links(problem(4), system.WITHOUT), alternation.design(problem(4))
    channel = composite_channel(links, design["reflection"].values)
    each = np.log2(1.0 + system.sinr(channel, design["beams"].values))
    total = each @ np.array([1.0, 4.0, 1.0])
    np.testing.assert_allclose(rates(problem(4, **known), design, "sum_rate"), total)


def test_amplitude_is_a_loss_of_every_reflection() -> None:
    """One reflection: as if the noise were louder. Two: the loss counts twice."""
    weak = system.surface_links(problem(1, inter=True, amplitude=0.5), system.WITH)
    whole = system.surface_links(problem(1, inter=True), system.WITH)
    x = np.exp(1j * np.arange(16.0))[None]
    first, second = np.split(x, 2, axis=1)
    mute = np.zeros_like(first)
    for part, power in (((first, mute), 1), ((mute, second), 1)):
        at = np.concatenate(part, axis=1)
        np.testing.assert_allclose(
            composite_channel(weak, at), 0.5**power * composite_channel(whole, at)
        )
    single = sum(
        composite_channel(whole, np.concatenate(part, axis=1))
        for part in ((first, mute), (mute, second))
    )
    double = composite_channel(whole, x) - single
    np.testing.assert_allclose(composite_channel(weak, x), 0.5 * single + 0.25 * double)
    designs = [
        alternation.design(problem(2, amplitude=0.5)),
        alternation.design(problem(2, noise_power=-110 + 20 * np.log10(2.0))),
    ]
    np.testing.assert_allclose(designs[0]["trace"], designs[1]["trace"], rtol=1e-6)


def test_a_direct_link_is_drawn_with_its_loss_and_every_scheme_takes_it() -> None:
    open_air = ensemble.draw(values(False) | SIZES | {"direct_loss": 20}, streams(20))
    assert "bs_to_users" not in drawn(2)
    for name, variable in drawn(2).data_vars.items():
        if "realisation" in variable.dims:
            np.testing.assert_array_equal(open_air[name][:2], variable)
    size = (np.abs(open_air["bs_to_users"].values[:, :, :8]) ** 2).mean()
    loss = (299_792_458 / 3e9 / (4 * np.pi * 60.0)) ** 2 * 1e-2 * (1 + 3 * 0.1) / 4
    assert size == pytest.approx(loss, rel=0.5)
    for module in (alternation, aif, socp_sdr):
        here = problem(3, randomisations=200)
        lit = replace(here, channels=open_air.isel(realisation=slice(0, 3)))
        gained = rates(lit, module.design(lit), "sum_rate") - rates(
            here, module.design(here), "sum_rate"
        )
        assert gained.mean() > 0.0


def test_engines_agree_in_the_mean() -> None:
    for objective, metric in (("sum-rate", "sum_rate"), ("min-rate", "min_rate")):
        made = []
        for engine in ("fast", "reference"):
            here = problem(8, engine=engine, objective=objective, outer_iterations=8,
                           beam_steps=30, reflection_steps=30)  # fmt: skip
            made.append(rates(here, alternation.design(here), metric))
        spread = np.std(made[0] - made[1], ddof=1) / np.sqrt(8) + 0.02 * made[1].mean()
        assert abs(made[0].mean() - made[1].mean()) < 2 * spread


def test_aif_and_sdr_have_reference_engines() -> None:
    both = [aif.design(problem(2, engine=engine)) for engine in ("fast", "reference")]
    np.testing.assert_allclose(both[0]["trace"][:, 0], both[1]["trace"][:, 0], rtol=1e-8)
    few: dict[str, Any] = {"outer_iterations": 1, "randomisations": 500, "elements": 3, "users": 2}
    ours, theirs = (
        socp_sdr.design(problem(1, engine=engine, **few)) for engine in ("fast", "reference")
    )
    assert float(ours["trace"][0, 0]) == pytest.approx(float(theirs["trace"][0, 0]), rel=1e-3)
    assert float(ours["trace"][0, 1]) == pytest.approx(float(theirs["trace"][0, 1]), rel=0.1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"elements1": 17}, "elements1"), ({"total_elements": 30}, "total_elements")],
)
def test_sizes_beyond_what_is_drawn_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        system.surface_links(problem(1, inter=True, **changed), system.WITHOUT)
