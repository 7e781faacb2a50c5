"""noh2022: layout and blockage, the closed form, power allocation, every scheme on small arrays."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
import scipy.stats
import xarray as xr

from irsrepro.build.sweeps import Problem, run
from irsrepro.channels.blockage import in_front, inward_circle
from irsrepro.channels.rician_network import draw_fading
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.errors import ConfigurationError
from irsrepro.papers.noh2022 import ensemble, system
from irsrepro.papers.noh2022.algorithms.precoder_power import SampledPowers
from irsrepro.papers.noh2022.algorithms.zero_forcing import precoder_powers_of
from irsrepro.papers.noh2022.schemes import direct, no_irs, proposed, random_phases, sum_rate_max

PARAMETERS: dict[str, Any] = {
    "access_points": 4,
    "antennas": 2,
    "irs_sites": 8,
    "surfaces": 8,
    "elements": 4,
    "elements_per_column": 2,
    "users": 3,
    "area_side": 300.0,
    "hotspot_centre": 40.0,
    "hotspot_radius": 20.0,
    "ap_height": 10.0,
    "irs_height": 10.0,
    "ue_height": 1.5,
    "reference_gain": -30.0,
    "direct_exponent": 3.5,
    "ap_irs_exponent": 2.2,
    "irs_user_exponent": 2.2,
    "hotspot_step": 30.0,
    "hotspot_place": 0,
    "spacing": 0.5,
    "direct_rician_factor": -3.0,
    "reflected_rician_factor": 3.0,
    "noise_power": -94.0,
    "transmit_power": 20.0,
    "channels_per_drop": 30,
    "sdp_tolerance": 1e-5,
    "randomisation_draws": 100,
    "rounding": "randomised",
    "instantaneous_channels": 3,
    "sum_rate_start": "duality",
    "sum_rate_modulus": "one",
    "sum_rate_tolerance": 1e-4,
    "sum_rate_max_iterations": 300,
    "phase_accuracy": 1e-3,
    "phase_sweeps": 100,
}
STREAM = RandomStream(1).child("noh2022", "near")


def problem(count: int = 2, engine: str = "fast", **changes: Any) -> Problem:
    parameters = PARAMETERS | changes
    channels = ensemble.draw(parameters, realisation_streams(STREAM, range(count)))
    channels = channels.assign_coords(realisation=np.arange(count))
    streams = realisation_streams(STREAM.child("scheme", "any"), range(count))
    return Problem(channels, parameters, engine, streams)


def test_the_layout_blocks_what_the_paper_says() -> None:
    seen = problem().channels["visible"].values
    blocked = [(np.flatnonzero(row == 0) + 1).tolist() for row in seen]
    assert blocked == [[1, 2, 8], [2, 3, 4, 5], [4, 5, 6], [5, 6, 7, 8]]


def test_surfaces_stand_on_the_circle_face_its_centre_and_see_half_the_plane() -> None:
    centre = np.array([3.0, -2.0, 5.0])
    places, normals = inward_circle(centre, 2.0, 5, 0.3)
    np.testing.assert_allclose(np.linalg.norm(places - centre, axis=1), 2.0)
    np.testing.assert_allclose(normals, (centre - places) / 2.0, atol=1e-15)
    np.testing.assert_allclose(places[0] - centre, 2.0 * np.array([np.cos(0.3), np.sin(0.3), 0]))
    nodes = np.stack([centre, places[0] + 0.1 * normals[0], places[0] - 0.1 * normals[0]])
    assert in_front(nodes, places, normals)[:, 0].tolist() == [True, True, False]
    assert in_front(nodes, places, normals)[0].all()
    assert not in_front(places[:1], places[:1], normals[:1])[0, 0]


@pytest.mark.parametrize(
    ("name", "more"), [("users", 5), ("antennas", 4), ("elements", 10), ("access_points", 4)]
)
def test_growing_the_arrays_keeps_what_was_drawn(name: str, more: int) -> None:
    less: dict[str, Any] = {"access_points": 2} if name == "access_points" else {}
    small, large = problem(**less).channels, problem(2, "fast", **{name: more}).channels
    for variable, values in small.data_vars.items():
        within = {dimension: slice(0, size) for dimension, size in values.sizes.items()}
        np.testing.assert_array_equal(
            large[variable].isel(within).values, values.values, err_msg=str(variable)
        )


def test_fewer_surfaces_are_spread_around_and_keep_their_fading() -> None:
    whole = problem()
    links = system.network(whole.channels, PARAMETERS)
    for surfaces, numbers in ((2, [0, 4]), (4, [0, 2, 4, 6])):
        some = system.network(whole.channels, PARAMETERS | {"surfaces": surfaces})
        assert some.numbers.tolist() == numbers
        np.testing.assert_array_equal(some.arrival, links.arrival[:, :, numbers])
        fading, part = draw_fading(links, 1, range(2)), draw_fading(some, 1, range(2))
        np.testing.assert_array_equal(part.surface_to_user, fading.surface_to_user[:, numbers])
        np.testing.assert_array_equal(part.site_to_surface, fading.site_to_surface[:, :, numbers])
    with pytest.raises(ConfigurationError, match="surfaces: 3 must divide irs_sites = 8"):
        system.network(whole.channels, PARAMETERS | {"surfaces": 3})
    with pytest.raises(ConfigurationError, match="access_points: 5 does not fit"):
        problem(access_points=5)


def test_hotspots_step_along_the_diagonal_with_the_same_users() -> None:
    near, far = problem().channels, problem(hotspot_place=2).channels
    for name in ("user_position", "irs_position"):
        moved = (far[name] - near[name]).values
        np.testing.assert_allclose(moved, np.broadcast_to([60.0, 60.0, 0.0], moved.shape))
    np.testing.assert_array_equal(far["fading_seed"], near["fading_seed"])


def test_links_have_the_power_of_their_path_and_the_rician_factor() -> None:
    at_hand = problem(1)
    links = system.network(at_hand.channels, PARAMETERS)
    drop = at_hand.channels.isel(realisation=0)
    noise = 10 ** (-9.4) * 1e-3
    ap, ue = drop["access_point_position"].values, drop["user_position"].values
    length = np.linalg.norm(ap[2] - ue[1])
    power = (np.abs(links.direct_mean[0, 2, 1]) ** 2)[0] + links.direct_scatter[0, 2, 1] ** 2
    assert power == pytest.approx(1e-3 * length**-3.5 / noise)
    ratio = (np.abs(links.direct_mean[0, 2, 1]) ** 2)[0] / links.direct_scatter[0, 2, 1] ** 2
    assert ratio == pytest.approx(10**-0.3)
    surface = drop["irs_position"].values[4]
    assert surface[2] == 10.0
    length = np.linalg.norm(surface - ue[0])
    power = (np.abs(links.surface_mean[0, 4, 0]) ** 2)[0] + links.surface_scatter[0, 4, 0] ** 2
    assert power == pytest.approx(1e-3 * length**-2.2)
    assert (links.arrival[0, 0, 0] == 0).all() and links.site_scatter[0, 0, 0] == 0
    assert links.site_scatter[0, 0, 3] > 0


def test_the_columns_of_the_relaxed_problem_are_the_channel_without_scattering() -> None:
    at_hand = problem(2)
    links = system.network(at_hand.channels, PARAMETERS)
    still = links._replace(
        direct_scatter=0 * links.direct_scatter,
        site_scatter=0 * links.site_scatter,
        surface_scatter=0 * links.surface_scatter,
    )
    reflection = system.random_reflection(at_hand.channels, PARAMETERS)
    extended = np.concatenate([reflection.conj().reshape(2, -1), np.ones((2, 1))], axis=1)
    relaxed = system.smallest_gain_problem(links)
    forms = (relaxed.dense().columns.conj().mT @ extended[..., None])[..., 0]
    users, sites, antennas = (PARAMETERS[x] for x in ("users", "access_points", "antennas"))
    mapped = forms.reshape(2, users, sites, antennas).transpose(0, 2, 3, 1)
    for r in range(2):
        channel = draw_fading(still, r, range(1)).composite(reflection[r][None])[0]
        np.testing.assert_allclose(mapped[r], channel, rtol=1e-10)


@pytest.mark.parametrize("amplitude", [1.0, 0.6, 0.0])
def test_the_closed_form_is_the_mean_gain_for_every_link(amplitude: float) -> None:
    """Eqs. (16) to (18) against channels drawn in full, blocked links included."""
    at_hand = problem(2)
    links = system.network(at_hand.channels, PARAMETERS)
    reflection = amplitude * system.random_reflection(at_hand.channels, PARAMETERS)
    closed = system.average_gain(links, reflection)
    count = 1500
    for r in range(2):
        channels = draw_fading(links, r, range(count)).composite(reflection[r][None])
        gain = (np.abs(channels) ** 2).sum(axis=2)
        error = gain.std(axis=0, ddof=1) / np.sqrt(count)
        deviation = (gain.mean(axis=0) - closed[r]) / error
        # All twelve links at once, at one per mille.
        assert np.abs(deviation).max() < scipy.stats.norm.isf(0.0005 / deviation.size)
        assert (error < 0.05 * closed[r]).all()


def test_the_relaxed_problem_has_the_mean_gains_as_values() -> None:
    at_hand = problem(2)
    links = system.network(at_hand.channels, PARAMETERS)
    reflection = system.random_reflection(at_hand.channels, PARAMETERS)
    extended = np.concatenate([reflection.conj().reshape(2, -1), np.ones((2, 1))], axis=1)
    values = system.smallest_gain_problem(links).values(1j * extended)
    np.testing.assert_allclose(values, system.average_gain(links, reflection).sum(axis=1))


def test_the_evaluation_estimates_what_the_definition_says() -> None:
    """Without surfaces both see the same channels, so they agree to rounding."""
    at_hand = problem(2)
    found = system.evaluate(at_hand, no_irs.design(at_hand))
    links = system.network(at_hand.channels, PARAMETERS)
    for r in range(2):
        direct = draw_fading(links, r, range(30)).direct
        stacked = direct.transpose(0, 1, 3, 2).reshape(30, 8, 3)
        precoder = np.linalg.pinv(stacked.conj().swapaxes(1, 2))
        per_user = (np.abs(precoder) ** 2).reshape(30, 4, 2, 3).sum(axis=2).mean(axis=0)
        np.testing.assert_allclose(found["precoder_power"][r], per_user.sum(axis=1), rtol=1e-9)
        # No other powers do better: a linear program over all allocations, eq. (9).
        level: Any = cp.Variable()
        powers: Any = cp.Variable(3)
        limit = [per_user @ powers <= 0.1, powers >= level]
        program: Any = cp.Problem(cp.Maximize(level), limit)
        program.solve(solver=cp.CLARABEL)
        assert float(found["min_rate"][r]) == pytest.approx(np.log2(1 + level.value), rel=1e-6)
        np.testing.assert_allclose(powers.value, level.value, rtol=1e-4)
        # And zero forcing makes the SINR the power, channel by channel.
        shaped = (np.sqrt(level.value) * precoder).reshape(30, 4, 2, 3)
        heard = np.einsum("takm,tamj->tkj", direct.conj(), shaped)
        rates = system.hardening_rates(heard[None])
        np.testing.assert_allclose(rates, float(found["min_rate"][r]), rtol=1e-6)
        np.testing.assert_allclose(np.abs(heard) ** 2, [np.eye(3) * level.value] * 30, atol=1e-5)


def test_the_standard_error_is_that_of_repeated_drops() -> None:
    """The same drop under other seeds: rates scatter by the error reported."""
    at_hand = problem(1, channels_per_drop=200)
    count = 300
    copies = at_hand.channels.isel(realisation=np.zeros(count, int))
    seeds = np.random.default_rng(0).integers(2**63, size=count)
    copies = copies.assign(fading_seed=("realisation", seeds))
    repeated = Problem(copies, at_hand.parameters, "fast", [])
    found = system.evaluate(repeated, random_phases.design(repeated))
    spread = float(found["min_rate"].std() / found["min_rate"].mean())
    assert 0.8 < spread / float(found["min_rate_error"].mean()) < 1.25
    # P-values of the closed form are uniform, as far as 200 skewed gains have a normal mean.
    assert (found["gain_p_value"] < 0.01).mean() < 0.05
    assert 0.4 < float(found["gain_p_value"].mean()) < 0.6


@pytest.mark.parametrize("rounding", ["randomised", "polished"])
def test_the_proposed_design_beats_random_phases_and_reports_what_it_reaches(rounding: str) -> None:
    at_hand = problem(3, elements=8, rounding=rounding)
    designed = proposed.design(at_hand)
    assert (designed["status"] == 0).all()
    np.testing.assert_allclose(np.abs(designed["reflection"]), 1.0)
    found = system.evaluate(at_hand, designed)
    np.testing.assert_allclose(found["smallest_average_gain"], designed["design_gain"])
    assert (designed["randomised_gain"] <= designed["design_gain"]).all()
    assert (designed["design_gain"] <= designed["gain_bound"]).all()
    np.testing.assert_allclose(
        designed["rounding_loss"], 1 - designed["design_gain"] / designed["gain_bound"]
    )
    if rounding == "randomised":
        np.testing.assert_array_equal(designed["randomised_gain"], designed["design_gain"])
    other = system.evaluate(at_hand, random_phases.design(at_hand))
    assert (found["smallest_average_gain"] > 1.05 * other["smallest_average_gain"]).all()


def test_the_reference_engine_finds_the_same_bound() -> None:
    small: dict[str, Any] = {"surfaces": 4, "elements": 3, "rounding": "polished"}
    fast = proposed.design(problem(2, **small))
    reference = proposed.design(problem(2, "reference", **small))
    np.testing.assert_allclose(fast["gain_bound"], reference["gain_bound"], rtol=2e-5)
    np.testing.assert_allclose(fast["design_gain"], reference["design_gain"], rtol=1e-3)


@pytest.mark.parametrize(
    ("start", "modulus"), [("duality", "one"), ("duality", "disc"), ("equal", "disc")]
)
def test_the_sum_rate_scheme_reports_rates_its_variables_reach(start: str, modulus: str) -> None:
    at_hand = problem(2, sum_rate_start=start, sum_rate_modulus=modulus, instantaneous_channels=5)
    designed = sum_rate_max.design(at_hand)
    assert (designed["status"] == 0).all()
    used = (np.abs(designed["precoder"].values) ** 2).sum(axis=(3, 4))
    assert float(used.max()) <= 0.1 * (1 + 1e-9)
    modulus_of = np.abs(designed["reflection"].values)
    assert modulus_of.max() <= 1 + 1e-12
    assert modulus == "disc" or modulus_of.min() >= 1 - 1e-12
    found = system.evaluate(at_hand, designed)
    links = system.network(at_hand.channels, PARAMETERS)
    for r in range(2):
        fading = draw_fading(links, r, range(5))
        rates, wanted, heard = np.zeros((5, 3)), np.zeros((5, 3)), np.zeros((5, 3))
        for t in range(5):
            h = fading.composite(designed["reflection"].values[r])[t].reshape(8, 3)
            powers = np.abs(h.conj().T @ designed["precoder"].values[r, t].reshape(8, 3)) ** 2
            own = np.diag(powers)
            rates[t] = np.log2(1 + own / (powers.sum(axis=1) - own + 1))
            wanted[t], heard[t] = np.sqrt(own), powers.sum(axis=1)
        assert rates.sum(axis=1).mean() == pytest.approx(float(designed["mean_sum_rate"][r]))
        assert rates.mean(axis=0).min() == pytest.approx(float(found["min_mean_rate"][r]))
        assert rates.min(axis=1).mean() == pytest.approx(float(found["mean_min_rate"][r]))
        # Eq. (6) with every beam turned so that its own user hears it real and positive.
        known = wanted.mean(axis=0) ** 2
        bound = np.log2(1 + known / (heard.mean(axis=0) - known + 1))
        assert bound.min() == pytest.approx(float(found["min_rate"][r]))
        np.testing.assert_allclose(found["user_rate"][r], bound)
    assert (found["min_rate"] <= found["min_mean_rate"]).all()
    assert (found["mean_min_rate"] <= found["min_mean_rate"]).all()


def test_a_converged_sum_rate_is_above_all_that_stops_earlier_or_serves_all_alike() -> None:
    size: dict[str, Any] = {"antennas": 4, "elements": 20, "transmit_power": 20.0}
    at_hand = problem(3, **size)
    found = sum_rate_max.design(at_hand)["mean_sum_rate"]
    rule = size | {"sum_rate_tolerance": 1e-2, "sum_rate_max_iterations": 30}
    early = sum_rate_max.design(problem(3, sum_rate_start="equal", **rule))["mean_sum_rate"]
    assert (found > 1.05 * early).all()
    # Zero forcing is one of the choices that it has, on channels it knows.
    simple = system.evaluate(at_hand, proposed.design(at_hand))["min_rate"]
    assert (found > 3 * simple).all()


def test_signalling_counts_what_has_to_be_known_and_sent() -> None:
    """By hand: 4 x 2 antennas, 3 users, 8 surfaces of 4 elements, 18 links not blocked."""
    at_hand = problem(1)
    long_term = system.evaluate(at_hand, random_phases.design(at_hand))
    assert int(long_term["channel_scalars"][0]) == int(long_term["fronthaul_scalars"][0]) == 48
    every_channel = system.evaluate(at_hand, sum_rate_max.design(at_hand))
    assert int(every_channel["channel_scalars"][0]) == 48 + 2 * 18 * 4 * 2 + 2 * 8 * 3 * 4
    assert int(every_channel["fronthaul_scalars"][0]) == 48 + 8 * 4


def test_the_reference_engine_runs_the_sum_rate_scheme() -> None:
    small: dict[str, Any] = {"elements": 2, "instantaneous_channels": 2}
    rates = [
        float(sum_rate_max.design(problem(1, engine, **small))["mean_sum_rate"][0])
        for engine in ("fast", "reference")
    ]
    # Two ways to a local optimum of few elements.
    assert rates[0] == pytest.approx(rates[1], rel=5e-2)


@pytest.mark.parametrize("scheme", [no_irs, random_phases, proposed, sum_rate_max])
def test_a_drop_does_not_depend_on_its_batch(scheme: Any) -> None:
    whole = problem(3)
    alone = Problem(
        whole.channels.isel(realisation=[1]), whole.parameters, "fast", whole.streams[1:2]
    )
    results = []
    for each in (whole, alone):
        designed = scheme.design(each)
        results.append(designed.assign(system.evaluate(each, designed).data_vars))
    for name, values in results[0].data_vars.items():
        np.testing.assert_array_equal(
            values.isel(realisation=[1]).values, results[1][name].values, err_msg=str(name)
        )


def test_sweeps_over_power_and_size_fit_the_workflow() -> None:
    at_hand = problem(2)
    power = {"parameter": "transmit_power", "values": [10, 20], "unit": "dBm", "design_once": True}
    swept: xr.Dataset = run(random_phases.design, system.evaluate, at_hand, power)
    low, high = swept["min_rate"].values
    assert (high > low).all()
    np.testing.assert_array_equal(*swept["precoder_power"].values)
    # Sampled once for all powers, the numbers are those sampled for each.
    asked: list[xr.Dataset] = []

    def statistics(given: Problem, variables: xr.Dataset) -> xr.Dataset:
        asked.append(system.statistics(given, variables))
        return asked[-1]

    once = run(random_phases.design, system.evaluate, at_hand, power, statistics)
    assert len(asked) == 1
    names = [str(name) for name in swept.data_vars]
    xr.testing.assert_identical(once[names], swept)
    size = {"parameter": "elements", "values": [2, 4], "unit": "1", "design_once": False}
    swept = run(proposed.design, system.evaluate, at_hand, size)
    assert np.isnan(swept["reflection"].values[0, ..., 2:]).all()
    gains = swept["smallest_average_gain"].values
    assert (gains[1] > gains[0]).all()
    smaller = proposed.design(problem(2, elements=2))
    np.testing.assert_array_equal(
        smaller["reflection"].values, swept["reflection"].values[0, ..., :2]
    )


def test_the_derivatives_of_the_precoder_powers_are_differences() -> None:
    at_hand = problem(1)
    links = system.network(at_hand.channels, PARAMETERS)
    fading = draw_fading(links, 0, range(5))
    reflection = system.random_reflection(at_hand.channels, PARAMETERS)[0]
    sample = SampledPowers(fading)
    powers = sample.powers(reflection)
    np.testing.assert_allclose(powers, precoder_powers_of(fading, reflection).mean(axis=0))
    turn = 1e-6 * np.random.default_rng(1).standard_normal(reflection.shape)
    slopes = np.stack([sample.gradient(reflection, only) for only in np.eye(powers.size)])
    ahead, behind = (sample.powers(reflection * np.exp(sign * 1j * turn)) for sign in (1, -1))
    predicted = np.einsum("asn,sn->a", (slopes.conj() * 1j * reflection).real, turn)
    measured, largest = (ahead - behind) / 2, np.abs(predicted).max()
    np.testing.assert_allclose(measured, predicted, rtol=1e-5, atol=1e-5 * largest)


def test_direct_minimisation_reaches_stationary_phases_below_both_starts() -> None:
    at_hand = problem(2, surfaces=4, direct_channels=40, direct_max_iterations=200)
    designed = direct.design(at_hand)
    np.testing.assert_allclose(np.abs(designed["reflection"]), 1.0)
    assert (
        designed["sample_precoder_power"] <= 1.0001 * designed["surrogate_precoder_power"]
    ).all()
    links = system.network(at_hand.channels, at_hand.parameters)
    fading = draw_fading(links, 0, range(2**20, 2**20 + 40))
    best = designed["reflection"].values[0]
    sample = SampledPowers(fading)
    largest = sample.powers(best).max()
    assert largest == pytest.approx(float(designed["sample_precoder_power"][0]))
    rng = np.random.default_rng(2)
    for _ in range(20):
        nearby = best * np.exp(0.3j * rng.standard_normal(best.shape))
        assert sample.powers(nearby).max() > largest
