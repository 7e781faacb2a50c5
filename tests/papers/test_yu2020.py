"""yu2020: its ensemble, its system model, and what its schemes return."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import xarray as xr

from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.streams import RandomStream, children, realisation_streams
from irsrepro.errors import ConfigurationError
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp
from irsrepro.papers.yu2020.ensemble import draw
from irsrepro.papers.yu2020.schemes.alternating_minimisation import (
    margins,
    phase_problem,
    slack_sum,
)
from irsrepro.papers.yu2020.system import downlink, evaluate

ENSEMBLE: dict[str, Any] = {
    "users": 2,
    "elements": 6,
    "antennas": 3,
    "cell_radius": 50.0,
    "exclusion_radius": 5.0,
    "sector_angle": 120.0,
    "irs_distance": 50.0,
    "carrier_frequency": 2.4,
    "irs_exponent": 2.0,
    "direct_exponent": 4.0,
    "direct_shadowing": 0.0,
    "rician_factor": 3.0,
    "line_of_sight_angles": "geometry",
}
PARAMETERS: dict[str, Any] = ENSEMBLE | {
    "noise_power": -90.0,
    "sinr_target": 10.0,
    "amplifier_efficiency": 0.5,
    "static_power": 30.0,
    "antenna_power": 30.0,
    "rank_mode": "penalty",
    "rank_penalty": 0.03,
    "rank_slack": 0.005,
    "scaling": 0.35,
    "tolerance": 1e-3,
    "max_iterations": 8,
    "alternation_max_iterations": 8,
    "alternation_tolerance": 0.0,
    "relaxation": "margin",
    "relaxation_tolerance": 1e-4,
    "randomisations": 100,
    "draw_selection": "any",
    "kept_design": "last",
    "starts": 2,
    "gradient_tolerance": 1e-6,
    "riemannian_max_iterations": 1000,
    "bound_tolerance": 1e-4,
    "subproblem_accuracy": 1e-5,
}
COUNT = 4


def streams(count: int = COUNT, name: str = "fixed") -> list[RandomStream]:
    return realisation_streams(RandomStream(2020, ("yu2020", name)), range(count))


def problem(engine: str = "fast", count: int = COUNT, **changes: Any) -> Problem:
    parameters = PARAMETERS | changes
    scheme = children(streams(count), "scheme")
    return Problem(draw(parameters, streams(count)), parameters, engine, scheme)


def design(name: str, given: Problem) -> xr.Dataset:
    module = import_module(f"irsrepro.papers.yu2020.schemes.{name}")
    variables: xr.Dataset = module.design(given)
    return variables


def powers(name: str, given: Problem) -> Any:
    return evaluate(given, design(name, given))["transmit_power"].values


def test_larger_ensembles_begin_with_the_smaller_ones() -> None:
    small = draw(ENSEMBLE, streams())
    large = draw(ENSEMBLE | {"users": 4, "elements": 9, "antennas": 5}, streams(6))
    for name, values in small.data_vars.items():
        begun = large[name].isel({d: slice(0, n) for d, n in values.sizes.items()})
        np.testing.assert_allclose(values.values, begun.values, rtol=1e-12)
    randomly = draw(ENSEMBLE | {"line_of_sight_angles": "random"}, streams())
    assert not np.allclose(randomly["ap_to_irs"], small["ap_to_irs"])
    np.testing.assert_array_equal(randomly["direct"], small["direct"])


def test_users_fill_the_sector_and_the_surface_stands_at_its_edge() -> None:
    channels = draw(ENSEMBLE | {"elements": 1, "antennas": 1}, streams(1500))
    position = channels["user_position"].values.reshape(-1, 2)
    distance, angle = np.hypot(*position.T), np.degrees(np.arctan2(*position.T[::-1]))
    assert 5.0 <= distance.min() < 6.5
    assert 49.5 < distance.max() <= 50.0
    assert 59.0 < np.abs(angle).max() <= 60.0
    # Uniform by area: the squared distance is uniform on (25, 2500), its mean 1262.5.
    assert (distance**2).mean() == pytest.approx(1262.5, rel=0.03)
    np.testing.assert_array_equal(channels["irs_position"], np.tile([50.0, 0.0], (1500, 1)))


def test_mean_gains_follow_distance_and_the_line_of_sight_is_a_product_of_responses() -> None:
    channels = draw(ENSEMBLE | {"rician_factor": 200.0}, streams(400))
    wavelength = 299_792_458.0 / 2.4e9
    loss = (wavelength / (4.0 * np.pi)) ** 2
    F = channels["ap_to_irs"].values
    np.testing.assert_allclose(np.abs(F), np.sqrt(loss / 2500.0), rtol=1e-9)
    assert np.linalg.matrix_rank(F[0], tol=1e-6 * np.abs(F[0]).max()) == 1
    # The access point faces the surface broadside: equal phases over both arrays.
    np.testing.assert_allclose(F / F[:, :1, :1], 1.0, atol=1e-9)
    to_user = channels["user_position"].values - channels["irs_position"].values[:, None]
    away = np.linalg.norm(to_user, axis=-1)
    h = channels["irs_to_user"].values
    np.testing.assert_allclose(np.abs(h), np.sqrt(loss) / away[..., None] * np.ones(6), rtol=1e-9)
    turn = np.angle(h[..., 1] / h[..., 0])
    wanted = -np.pi * to_user[..., 1] / away
    np.testing.assert_allclose(np.exp(1j * turn), np.exp(1j * wanted), atol=1e-9)
    distance = np.linalg.norm(channels["user_position"].values, axis=-1)
    direct = np.abs(channels["direct"].values) ** 2 / (loss * distance[..., None] ** -4.0)
    assert direct.mean() == pytest.approx(1.0, abs=0.1)
    scattered = draw(ENSEMBLE, streams(400))["ap_to_irs"].values
    assert (np.abs(scattered) ** 2).mean() * 2500.0 / loss == pytest.approx(1.0, abs=0.05)


def test_the_metrics_are_those_of_the_paper_recomputed_from_the_files() -> None:
    given = problem()
    variables = design("riemannian", given)
    metrics = evaluate(given, variables)
    c, noise = given.channels, 1e-12
    for r in range(COUNT):
        F, w = c["ap_to_irs"].values[r], variables["beamformer"].values[r]
        phi = np.diag(variables["reflection"].values[r])
        rates = 0.0
        for k in range(2):
            h, d = c["irs_to_user"].values[r, k], c["direct"].values[r, k]
            heard = np.abs((h.conj() @ phi @ F + d.conj()) @ w.T) ** 2
            sinr = heard[k] / (heard.sum() - heard[k] + noise)
            assert metrics["sinr"].values[r, k] == pytest.approx(sinr, rel=1e-8)
            assert sinr == pytest.approx(10.0, rel=1e-6)
            rates += np.log2(1.0 + sinr)
        power = (np.abs(w) ** 2).sum()
        assert metrics["transmit_power"].values[r] == pytest.approx(power)
        assert metrics["transmit_power_dbm"].values[r] == pytest.approx(
            10.0 * np.log10(1e3 * power)
        )
        efficiency = rates / (power / 0.5 + 1.0 + 3 * 1.0)
        assert metrics["energy_efficiency"].values[r] == pytest.approx(efficiency)
    assert (metrics["targets_met"] == 1).all()


def test_a_design_that_misses_a_target_has_no_power() -> None:
    given = problem()
    variables = design("random_phases", given)
    weak = variables.assign(beamformer=variables["beamformer"] * 0.99)
    metrics = evaluate(given, weak)
    assert (metrics["targets_met"] == 0).all()
    assert np.isnan(metrics["transmit_power"]).all()
    failed = problem(users=3, antennas=2)
    metrics = evaluate(failed, design("random_phases", failed))
    assert np.isnan(metrics["transmit_power"]).all()
    assert (metrics["targets_met"] == 0).all()


def test_schemes_are_ordered_as_they_must_be() -> None:
    given = problem()
    reached = {name: powers(name, given) for name in ("no_irs", "random_phases", "riemannian")}
    reached["alternating"] = powers("alternating_minimisation", given)
    bound = powers("lower_bound", given)
    for values in reached.values():
        assert (bound < values).all()
    for name in ("riemannian", "alternating"):
        assert (reached[name] < reached["random_phases"]).all()
    residual = evaluate(given, design("riemannian", given))["kkt_residual"].values
    assert residual.max() < 1e-5
    absent = evaluate(given, design("no_irs", given))
    assert np.isnan(absent["kkt_residual"]).all()
    assert np.isfinite(absent["transmit_power"]).all()


def test_any_certificate_gives_a_valid_bound_and_the_best_one_is_tight_for_one_user() -> None:
    given = problem()
    variables = design("lower_bound", given)
    best = evaluate(given, variables)["transmit_power"].values
    rng = np.random.default_rng(0)
    factor = rng.uniform(0.2, 5.0, variables["certificate"].shape)
    spoiled = variables.assign(certificate=variables["certificate"] * factor)
    loose = evaluate(given, spoiled)["transmit_power"].values
    assert (loose < best).all()
    alone = problem(users=1, antennas=1)
    bound, power = powers("lower_bound", alone), powers("riemannian", alone)
    assert (bound <= power).all()
    np.testing.assert_allclose(bound, power, rtol=1e-3)


def test_alternation_says_where_randomised_phases_miss_targets() -> None:
    given = problem(alternation_max_iterations=6, randomisations=3)
    variables = design("alternating_minimisation", given)
    power, violated = variables["projected_power"].values, variables["violated"].values
    assert violated[:, 1:].mean() > 0.2
    # Phases that keep the targets with the old beamformers cannot raise the power.
    kept = violated[:, 1:] == 0
    assert (power[:, 1:] <= power[:, :-1] * (1.0 + 1e-5))[kept].all()
    assert (power[:, 1:] > power[:, :-1])[~kept].any()
    np.testing.assert_allclose(evaluate(given, variables)["transmit_power"], power[:, -1])
    best = problem(alternation_max_iterations=6, randomisations=3, kept_design="best")
    np.testing.assert_allclose(powers("alternating_minimisation", best), power.min(axis=1))
    safe = problem(alternation_max_iterations=6, randomisations=3, draw_selection="feasible")
    careful = design("alternating_minimisation", safe)
    assert (careful["violated"] == 0).all()
    assert (np.diff(careful["projected_power"].values, axis=1) <= 1e-12).all()
    with pytest.raises(ConfigurationError, match="relaxation"):
        design("alternating_minimisation", problem(relaxation="none"))


def test_alternation_ends_when_the_power_has_settled() -> None:
    options: dict[str, Any] = {"alternation_max_iterations": 60, "randomisations": 300}
    whole = design("alternating_minimisation", problem(**options))
    settled = design("alternating_minimisation", problem(**options, alternation_tolerance=1e-5))
    assert (whole["iterations"] == 60).all()
    assert (settled["iterations"] < 60).all()
    assert (settled["iterations"] >= 10).all()
    first, last = (each["projected_power"].values[:, -1] for each in (whole, settled))
    np.testing.assert_allclose(first, last, rtol=1e-3)
    for r, end in enumerate(settled["iterations"].values):
        one, other = (each["projected_power"].values[r, : end + 1] for each in (whole, settled))
        np.testing.assert_array_equal(one, other)


def test_shadowing_weakens_direct_links_only() -> None:
    plain, shadowed = (draw(ENSEMBLE | {"direct_shadowing": s}, streams()) for s in (0.0, 20.0))
    np.testing.assert_allclose(10.0 * np.abs(shadowed["direct"]), np.abs(plain["direct"]))
    np.testing.assert_array_equal(shadowed["irs_to_user"], plain["irs_to_user"])


def test_the_sum_of_slacks_is_maximised_with_no_target_missed() -> None:
    given = problem()
    system = downlink(given.channels, given.parameters)
    variables = design("random_phases", given)
    ratios = phase_problem(system.responses, variables["beamformer"].values, system.target)
    start = np.append(system.starting_reflection, np.ones((COUNT, 1)), axis=1).astype(complex)
    np.testing.assert_allclose(ratios.values(start), 1.0, rtol=1e-8)
    linear = margins(ratios)
    fair = linear.values(solve_diagonal_sdp(linear).factor)
    total = linear.values(solve_diagonal_sdp(slack_sum(linear)).factor)
    assert total.min() > -1e-3
    assert (total.sum(axis=1) > fair.sum(axis=1) * (1.0 - 1e-3)).all()
    assert (total.sum(axis=1) > fair.sum(axis=1) * 1.01).any()


@pytest.mark.filterwarnings("ignore")
def test_public_solvers_agree_with_ours() -> None:
    changes: dict[str, Any] = {
        "elements": 4,
        "max_iterations": 2,
        "alternation_max_iterations": 2,
        "starts": 1,
    }
    ours = problem(count=2, **changes)
    theirs = problem("reference", count=2, **changes)
    for name in ("no_irs", "random_phases", "riemannian"):
        np.testing.assert_allclose(powers(name, ours), powers(name, theirs), rtol=1e-4)
    first, second = (design("alternating_minimisation", p) for p in (ours, theirs))
    for variables, given in ((first, ours), (second, theirs)):
        assert (evaluate(given, variables)["targets_met"] == 1).all()


def test_sweeps_over_sizes_share_their_channels() -> None:
    given = problem(elements=6, antennas=4)
    scheme = import_module("irsrepro.papers.yu2020.schemes.riemannian")
    sweep = {"parameter": "elements", "values": [2, 4, 6], "unit": "1", "design_once": False}
    result = run(scheme.design, evaluate, given, sweep)
    power = result["transmit_power"].values
    assert (np.diff(power, axis=0) < 1e-9).all()  # elements more can only help from good starts
    assert np.isnan(result["reflection"].values[0, :, 2:]).all()
    alone = Problem(
        given.channels.isel(realisation=slice(1, 2)),
        {**given.parameters, "elements": 4},
        "fast",
        given.streams[1:2],
    )
    np.testing.assert_array_equal(
        scheme.design(alone)["reflection"].values[0], result["reflection"].values[1, 1, :4]
    )
    sweep = {"parameter": "antennas", "values": [3, 4], "unit": "1", "design_once": False}
    result = run(scheme.design, evaluate, given, sweep)
    assert result["beamformer"].shape == (2, COUNT, 2, 4)
