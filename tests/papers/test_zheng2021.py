"""zheng2021: its channels, its system model, and its schemes against independent answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from conftest import ROOT
from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.arrays import rectangular_array, response, unit_vector
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.strict_yaml import read_yaml
from irsrepro.errors import ConfigurationError
from irsrepro.optimize.beamforming.receivers import receiver_sinr
from irsrepro.papers.zheng2021 import ensemble, system
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel
from irsrepro.papers.zheng2021.schemes import (
    algorithm1,
    closed_form,
    common_phase,
    joint_bound,
    ranks,
    relaxation,
    single_surface,
)

SOURCE = read_yaml(ROOT, "config/zheng2021.yaml")
VALUES = {name: entry["value"] for name, entry in SOURCE["parameters"].items()}
SEVERAL = SOURCE["ensembles"]["multipath"]["set"]


def streams(count: int, first: int = 0) -> list[RandomStream]:
    return realisation_streams(RandomStream(3), range(first, first + count))


@lru_cache
def drawn(count: int, several: bool, first: int = 0) -> xr.Dataset:
    parameters = VALUES | (SEVERAL if several else {})
    return ensemble.draw(parameters, streams(count, first))


def problem(count: int, several: bool, engine: str = "fast", **changed: Any) -> Problem:
    parameters: Mapping[str, Any] = VALUES | (SEVERAL if several else {}) | changed
    return Problem(drawn(count, several), parameters, engine, streams(count))


def rate(of: Problem, design: xr.Dataset) -> Any:
    return system.evaluate(of, design)["rate"].values


@pytest.mark.parametrize("several", [False, True])
def test_a_realisation_depends_on_no_other(several: bool) -> None:
    whole, last = drawn(3, several), drawn(1, several, 2)
    for name, values in whole.data_vars.items():
        if "realisation" in values.dims:
            np.testing.assert_array_equal(values[2], last[name][0])


@pytest.mark.parametrize("several", [False, True])
def test_larger_arrays_contain_the_smaller_ones(several: bool) -> None:
    big = VALUES | (SEVERAL if several else {})
    small = big | {"largest_surface": 7, "antennas": 4} | ({"users": 3} if several else {})
    whole, part = (ensemble.draw(each, streams(2)) for each in (big, small))
    for name, values in part.data_vars.items():
        sizes = {dim: slice(size) for dim, size in values.sizes.items()}
        kept = whole[name].isel(sizes)
        np.testing.assert_allclose(kept, values, rtol=1e-12, err_msg=str(name))


def test_links_have_unit_power_and_as_much_rank_as_paths() -> None:
    channels = drawn(40, True)
    for name, link in ensemble.links(VALUES | SEVERAL).items():
        power = float((np.abs(channels[name]) ** 2).mean())
        assert power == pytest.approx(1.0, rel=0.15), name
        if link.sender != "users":
            expected = VALUES["near_paths" if link.near else "far_paths"]
            assert set(np.linalg.matrix_rank(channels[name].values)) == {expected}, name
    assert float((np.abs(drawn(40, False)["irs1_to_irs2_scattered"]) ** 2).mean()) == pytest.approx(
        1.0, rel=0.02
    )


def test_path_gains_are_those_of_the_layout() -> None:
    """Symmetric distances (III-B): 1.5 m and 49.52 m, 49 m between the surfaces."""
    channels = drawn(1, False)
    near, far = 1e-3 * 1.5**-2.2, 1e-3 * np.hypot(49.5, np.hypot(1, 1)) ** -3
    for name, gain in (("users_to_irs1", near), ("irs2_to_bs", near), ("users_to_irs2", far),
                       ("irs1_to_bs", far), ("irs1_to_irs2", 1e-3 * 49.0**-3)):  # fmt: skip
        assert float(channels[f"{name}_gain"]) == pytest.approx(gain, rel=1e-3), name


@pytest.mark.parametrize("spacing", [0.5, 0.25])
def test_a_subsurface_of_25_elements_has_about_five_times_the_amplitude(spacing: float) -> None:
    """Errata 6: azimuth is specular at this layout, elevation is not."""
    place = {node: np.array(VALUES[f"{node}_position"]) for node in ("bs", "irs1", "irs2", "users")}
    for irs, before, after in (("irs1", "users", "irs2"), ("irs2", "irs1", "bs")):
        angle = np.deg2rad(VALUES[f"{irs}_azimuth"])
        along = (-np.sin(angle), np.cos(angle), 0.0)
        panel = rectangular_array(25, 5, spacing, along, (0, 0, 1))
        waves = [response(panel, unit_vector(place[irs], place[node])) for node in (before, after)]
        assert 4.9 < abs((waves[0] * waves[1]).sum()) < 5.9


@pytest.mark.parametrize("several", [False, True])
def test_the_system_is_equation_1(several: bool) -> None:
    here = problem(2, several, subsurfaces=9, subsurfaces1=4, users=3 if several else 1)
    channels, values = here.channels, here.parameters
    links = system.double_reflection(here)
    noise = np.sqrt(10 ** (values["noise_power"] / 10 - 3))

    def link(name: str, r: int, receiving: int, sending: int) -> Any:
        if several:
            whole = channels[name].values[r]
        else:
            near = name in ("users_to_irs1", "irs2_to_bs")
            k = 10 ** (values["near_rician_factor" if near else "far_rician_factor"] / 10)
            whole = np.sqrt(k / (k + 1)) * channels[f"{name}_direct"].values
            whole = whole + np.sqrt(1 / (k + 1)) * channels[f"{name}_scattered"].values[r]
        return np.sqrt(float(channels[f"{name}_gain"])) * whole[:receiving, :sending]

    rng = np.random.default_rng(0)
    theta = [np.exp(2j * np.pi * rng.random((2, size))) for size in (4, 5)]
    users, antennas = values["users"], values["antennas"]
    found = effective_channel(links, *theta)
    for r in range(2):
        first, second = (5 * np.diag(each[r]) for each in theta)
        h = (
            link("irs2_to_bs", r, antennas, 5) @ second @ link("irs1_to_irs2", r, 5, 4) @ first
            + link("irs1_to_bs", r, antennas, 4) @ first
        ) @ link("users_to_irs1", r, 4, users)
        h = h + link("irs2_to_bs", r, antennas, 5) @ second @ link("users_to_irs2", r, 5, users)
        np.testing.assert_allclose(found[r], (h if several else h[:, 0]) / noise, rtol=1e-9)


def test_more_subsurfaces_than_drawn_are_one_line() -> None:
    with pytest.raises(ConfigurationError, match=r"subsurfaces1: 41 of 60 .* 0 to 40, what the"):
        system.surfaces(VALUES | {"subsurfaces": 60, "subsurfaces1": 41})


def test_a_single_irs_larger_than_drawn_is_one_line() -> None:
    here = problem(1, True, subsurfaces=60, users=2)
    with pytest.raises(ConfigurationError, match=r"subsurfaces: 60 .* largest_surface = 40"):
        system.single_reflection(here)


def test_the_single_user_schemes_stand_in_their_order() -> None:
    """Proposition 1, the bound, and relaxation and both alternations at the same place."""
    here = problem(12, False)
    scheme = {
        "single": single_surface.design(here),
        "bound": joint_bound.design(here),
        "sdr": relaxation.design(problem(12, False, start="dft")),
    }
    for start in ("single IRS", "dft"):
        for optimise in (True, False):
            one = problem(12, False, start=start, optimise=optimise)
            scheme[f"{start} {optimise}"] = closed_form.design(one)
    reached = {name: rate(here, design) for name, design in scheme.items()}
    assert (reached["single IRS False"] >= reached["single"]).all()
    assert (reached["single IRS True"] >= reached["single IRS False"]).all()
    assert (reached["bound"] >= reached["single IRS True"]).all()
    for name in ("dft True", "sdr"):
        np.testing.assert_allclose(reached[name], reached["single IRS True"], rtol=2e-3)
    assert (scheme["sdr"]["step_gap"] < 0.01).all()
    for name, design in scheme.items():
        if "trace" in design:
            gain = np.log2(1 + 10**-1.5 * design["trace"].values[:, -1])
            np.testing.assert_allclose(gain, reached[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("first", [0, 40])
def test_one_surface_alone_is_the_single_irs(first: int) -> None:
    here = problem(5, False, subsurfaces1=first, optimise=False)
    alone, start = single_surface.design(here), closed_form.design(here)
    np.testing.assert_allclose(rate(here, start), rate(here, alone), rtol=1e-9)


@pytest.mark.parametrize("module", [closed_form, single_surface, joint_bound])
def test_both_engines_agree_for_one_user(module: Any) -> None:
    fast, reference = (
        module.design(problem(2, False, engine, subsurfaces=8, sdr_tolerance=1e-6))
        for engine in ("fast", "reference")
    )
    here = problem(2, False, subsurfaces=8)
    np.testing.assert_allclose(rate(here, fast), rate(here, reference), rtol=1e-5)


def test_both_engines_agree_on_relaxation_and_randomisation() -> None:
    made: dict[str, Any] = {"subsurfaces": 8, "sdr_iterations": 1, "start": "dft"}
    fast, reference = (
        relaxation.design(problem(2, False, engine, **made)) for engine in ("fast", "reference")
    )
    here = problem(2, False, **made)
    np.testing.assert_allclose(rate(here, fast), rate(here, reference), rtol=1e-3)


@pytest.mark.parametrize("receiver", ["mmse", "zf"])
@pytest.mark.parametrize("which", ["double", "single"])
def test_algorithm_1_keeps_what_it_has_and_its_bounds_hold(receiver: str, which: str) -> None:
    here = problem(3, True, users=4, receiver=receiver, system=which, transmit_power=25)
    design = algorithm1.design(here)
    trace = design["trace"].values
    if receiver == "mmse":  # zero forcing is not the best receiver, its update may fall
        assert (np.diff(trace, axis=1) >= -1e-9).all()
    np.testing.assert_allclose(rate(here, design), trace[:, -1], rtol=1e-9)
    assert (design["step_rate"] <= design["step_bound"] + 1e-9).all()
    start = algorithm1.design(
        problem(3, True, users=4, receiver=receiver, system=which, transmit_power=25,
                optimise=False)
    )  # fmt: skip
    np.testing.assert_allclose(start["trace"].values[:, 0], trace[:, 0], rtol=1e-12)


def test_without_the_incumbent_algorithm_1_may_fall() -> None:
    here = problem(8, True, users=8, system="single", transmit_power=35, keep_incumbent=False)
    assert (np.diff(algorithm1.design(here)["trace"].values, axis=1) < 0).any()


def test_both_engines_agree_on_algorithm_1() -> None:
    """The same relaxations, by certificate and by bisection, and the same random samples."""
    made: dict[str, Any] = {"users": 2, "subsurfaces": 6, "iterations": 1, "randomisations": 2000}
    fast, reference = (
        algorithm1.design(problem(2, True, engine, **made)) for engine in ("fast", "reference")
    )
    here = problem(2, True, **made)
    np.testing.assert_allclose(rate(here, fast), rate(here, reference), rtol=0.03)
    np.testing.assert_allclose(fast["step_bound"], reference["step_bound"], rtol=0.03)


def test_the_climb_of_both_engines_agrees() -> None:
    made: dict[str, Any] = {
        "users": 2,
        "subsurfaces": 6,
        "iterations": 2,
        "reflection_step": "climb",
    }
    fast, reference = (
        rate(problem(2, True, **made), algorithm1.design(problem(2, True, engine, **made)))
        for engine in ("fast", "reference")
    )
    np.testing.assert_allclose(fast, reference, rtol=0.03)


def test_zero_forcing_beyond_the_rank_is_marked() -> None:
    """Six users on the four paths of the single system; with three users nothing changes."""
    made: dict[str, Any] = {"system": "single", "receiver": "zf", "optimise": False}
    for users, valid in ((3, True), (6, False)):
        here = problem(2, True, users=users, zf_beyond_rank="invalid", **made)
        design = algorithm1.design(here)
        assert (np.isfinite(rate(here, design)) == valid).all()
        assert (system.evaluate(here, design)["rank"] == min(users, 4)).all()
        pseudo = problem(2, True, users=users, **made)
        assert np.isfinite(rate(pseudo, design)).all()


@pytest.mark.parametrize("users", [2, 6, 10])
def test_ranks_are_those_of_generic_phases(users: int) -> None:
    """min(K, N, r_G1 + r_G2) against min(K, N, r_G2): 4 near and 8 far paths, 16 antennas."""
    found = ranks.design(problem(4, True, users=users))
    assert (found["double_rank"] == min(users, 12)).all()
    assert (found["single_rank"] == min(users, 4)).all()
    promised = min(users, 4) + min(users, 8)
    assert (found["printed_excess"] == min(users, 12) - promised).all()
    assert (found["generic_excess"] == 0).all()
    assert (found["capped_excess"] == min(users, 12) - min(promised, users)).all()
    assert not system.evaluate(problem(4, True), found).data_vars


@pytest.mark.parametrize("receiver", ["mmse", "zf"])
@pytest.mark.parametrize("which", ["double", "single"])
def test_a_sweep_that_goes_on_never_falls(receiver: str, which: str) -> None:
    """With what was designed at a lower power available, no realisation loses by more power."""
    made: dict[str, Any] = {"users": 8, "receiver": receiver, "system": which, "start": "dft",
                            "randomisations": 50, "iterations": 2}  # fmt: skip
    sweep = {"parameter": "transmit_power", "values": [25, 30, 35], "unit": "dBm"}
    here = problem(6, True, **made)
    on, fresh = (
        run(algorithm1.design, system.evaluate, here, sweep | {"continued": each})["rate"].values
        for each in (True, False)
    )
    assert (np.diff(on, axis=0) >= -1e-9).all()
    np.testing.assert_array_equal(on[0], fresh[0])
    assert on[-1].mean() > fresh[-1].mean()
    if which == "single":
        assert (np.diff(fresh, axis=0) < 0).any()


def test_a_design_that_failed_before_is_not_gone_on_from() -> None:
    made: dict[str, Any] = {"users": 4, "start": "dft", "optimise": False}
    here = problem(2, True, **made)
    lost = algorithm1.design(here)
    lost["reflection1"][0] = np.nan
    again = algorithm1.design(replace(here, before=lost))
    np.testing.assert_array_equal(again["reflection1"], algorithm1.design(here)["reflection1"])


def test_the_rounding_loss_is_the_share_of_the_bound() -> None:
    for which in ("double", "single"):
        here = problem(3, True, users=4, system=which, transmit_power=35, randomisations=20)
        design = algorithm1.design(here)
        last = 1 - (design["step_rate"] / design["step_bound"]).values[:, -1]
        assert (design["rounding_loss"].values >= last - 1e-12).all()
        assert which == "double" or np.allclose(design["rounding_loss"], last)
        assert ((design["rounding_loss"] >= -1e-9) & (design["rounding_loss"] < 1)).all()
    one = relaxation.design(problem(3, False, start="dft"))
    np.testing.assert_allclose(1 / (1 - one["rounding_loss"]) - 1, one["step_gap"], rtol=1e-9)


def test_algorithm_1_for_one_user_reaches_the_closed_form() -> None:
    here = problem(4, False, start="dft", iterations=8)
    several, one = algorithm1.design(here), closed_form.design(here)
    assert several["receiver"].dims == ("realisation", "antenna")
    np.testing.assert_allclose(rate(here, several), rate(here, one), rtol=5e-3)


def test_random_starts_differ_from_the_search_and_between_realisations() -> None:
    made: dict[str, Any] = {"users": 3, "optimise": False}
    random, dft = (algorithm1.design(problem(3, True, start=each, **made))
                   for each in ("random", "dft"))  # fmt: skip
    np.testing.assert_allclose(np.abs(random["reflection1"]), 1.0)
    assert (random["trace"][:, 0] < dft["trace"][:, 0]).all()
    assert not np.allclose(random["reflection1"][0], random["reflection1"][1])


def test_double_reflection_alone_is_the_middle_path_of_equation_1() -> None:
    here = problem(3, False, paths="double", start="dft")
    links, whole = system.double_reflection(here), system.double_reflection(problem(3, False))
    theta = [np.exp(2j * np.pi * np.random.default_rng(1).random((3, 20))) for _ in range(2)]
    passed = whole.between @ (theta[0] * whole.first)[..., None]
    expected = whole.second_to_receiver @ (theta[1][..., None] * passed)
    np.testing.assert_allclose(effective_channel(links, *theta), expected[..., 0], rtol=1e-12)
    rates = rate(here, closed_form.design(here))
    assert (rates < rate(problem(3, False), closed_form.design(problem(3, False)))).all()


def test_zero_forcing_as_written_fails_beyond_the_rank() -> None:
    """One design of the single system, whose rank is four, under all three meanings of (49)."""
    for users in (3, 5):
        made: dict[str, Any] = {"users": users, "system": "single", "transmit_power": 35,
                                "reflection_step": "climb", "start": "dft"}  # fmt: skip
        design = algorithm1.design(problem(5, True, **made))
        share = {
            meant: system.evaluate(problem(5, True, zf_beyond_rank=meant, **made), design)[
                "zf_share"
            ]
            for meant in ("pseudo-inverse", "invalid", "literal")
        }
        assert (share["pseudo-inverse"] <= 1 + 1e-9).all()  # MMSE is the best for every user
        if users == 3:
            np.testing.assert_array_equal(share["invalid"], share["pseudo-inverse"])
            np.testing.assert_array_equal(share["literal"], share["pseudo-inverse"])
        else:
            assert np.isnan(share["invalid"]).all()
            assert share["literal"].mean() < 0.5 * share["pseudo-inverse"].mean()


def test_one_user_gains_by_the_common_phase_and_several_need_not() -> None:
    one, several = (common_phase.design(problem(6, True, users=users))["worst_ratio"]
                    for users in (1, 8))  # fmt: skip
    assert (one >= 1).all() and (several < 1).any()


def test_proposition_1_fails_for_two_users() -> None:
    """The path over both surfaces takes user 2 to the antenna of user 1, whatever the phases."""
    links = Links(
        first=np.eye(2, dtype=complex)[None],
        second=np.zeros((1, 2, 1), complex),
        between=np.array([[[0.0, 0.7]]], complex),
        first_to_receiver=np.eye(2, dtype=complex)[None],
        second_to_receiver=np.array([[[1.0], [0.0]]], complex),
    )
    alone = links._replace(between=0.0 * links.between)
    rng = np.random.default_rng(2)
    for power in (0.1, 10.0):
        for phases in 2 * np.pi * rng.random((200, 3)):
            theta = np.exp(1j * phases)[None]
            both, one = (
                receiver_sinr(effective_channel(each, theta[:, :2], theta[:, 2:]), "mmse", power)
                for each in (links, alone)
            )
            np.testing.assert_allclose(one, power)  # users on antennas of their own
            assert both.min() < power * (1 - 1e-3)
