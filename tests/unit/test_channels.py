"""Random streams, layouts, path loss and fading."""

import numpy as np
import pytest
import scipy.stats

from irsrepro.channels.arrays import (
    directions,
    linear_array,
    rectangular_array,
    response,
    unit_vector,
)
from irsrepro.channels.fading import multipath, rayleigh, rician, uniform_phases
from irsrepro.channels.layouts import uniform_in_disc, uniform_in_mirrored_rectangle
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, realisation_streams, spawn_key
from irsrepro.errors import ConfigurationError
from irsrepro.papers.he2020 import ensemble

STREAM = RandomStream(7).child("paper", "ensemble")


def streams(first: int, last: int) -> list[RandomStream]:
    return realisation_streams(STREAM, range(first, last))


def test_a_realisation_does_not_depend_on_its_chunk() -> None:
    whole = rayleigh(streams(0, 10), (3,))
    np.testing.assert_array_equal(whole[4:7], rayleigh(streams(4, 7), (3,)))


def test_streams_of_different_names_and_kinds_differ() -> None:
    paths = [("a", "b"), ("b", "a"), ("ab",), ("a", 1), ("a", "1"), ("a",), ()]
    draws = {RandomStream(7).child(*path).generator().random() for path in paths}
    draws.add(RandomStream(8).generator().random())
    assert len(draws) == len(paths) + 1


def test_a_known_draw_stays_what_it_is() -> None:
    """The numbers are part of the contract: whoever changes the streams changes every result."""
    assert RandomStream(1).child("x", 2).generator().integers(2**32) == 1689616930


@pytest.mark.parametrize("zeros", [0, 1, 3, 12])
def test_words_in_one_number_make_the_same_stream(zeros: int) -> None:
    words = np.random.default_rng(1).integers(2**32, size=12, dtype="<u4")
    words[12 - zeros :] = 0
    one, each = (
        np.random.SeedSequence(5, spawn_key=key).generate_state(4).tolist()
        for key in (spawn_key(words.tobytes()), tuple(words.tolist()))
    )
    assert one == each and spawn_key(b"") == ()


def test_a_larger_array_begins_with_the_smaller_one() -> None:
    np.testing.assert_array_equal(
        rayleigh(streams(0, 4), (12, 2))[:, :5], rayleigh(streams(0, 4), (5, 2))
    )
    np.testing.assert_array_equal(
        uniform_phases(streams(0, 4), 9)[:, :3], uniform_phases(streams(0, 4), 3)
    )


def test_rayleigh_is_circular_with_unit_power() -> None:
    fading = rayleigh(streams(0, 200), (100,)).ravel()
    assert abs(np.mean(np.abs(fading) ** 2) - 1.0) < 4.0 / np.sqrt(fading.size)
    assert abs(np.mean(fading**2)) < 4.0 / np.sqrt(fading.size)
    assert scipy.stats.kstest(np.abs(fading) ** 2, "expon").pvalue > 1e-3


def test_disc_is_uniform_by_area_and_the_ring_lies_on_its_edge() -> None:
    inside = uniform_in_disc(streams(0, 2000), (300.0, 0.0), 50.0) - (300.0, 0.0)
    share = (np.linalg.norm(inside, axis=1) / 50.0) ** 2
    assert scipy.stats.kstest(share, "uniform").pvalue > 1e-3
    edge = uniform_in_disc(streams(0, 2000), (300.0, 0.0), 50.0, ring=True) - (300.0, 0.0)
    np.testing.assert_allclose(np.linalg.norm(edge, axis=1), 50.0)
    np.testing.assert_allclose(
        np.arctan2(*edge.T), np.arctan2(*inside.T), err_msg="both share the angle"
    )


def test_mirrored_rectangle_stays_in_its_two_halves() -> None:
    x, y = uniform_in_mirrored_rectangle(streams(0, 1000), (100, 300), (50, 60)).T
    assert x.min() >= 100 and x.max() <= 300
    assert np.abs(y).min() >= 50 and np.abs(y).max() <= 60
    assert scipy.stats.binomtest(int((y < 0).sum()), len(y)).pvalue > 1e-3


def test_distances_and_path_loss_on_known_numbers() -> None:
    first, second = np.array([[[0.0, 0.0], [3.0, 0.0]]]), np.array([[[0.0, 4.0]]])
    np.testing.assert_allclose(distances(first, second), [[[4.0], [5.0]]])
    np.testing.assert_allclose(log_distance_gain(np.array([10.0]), 30.0, 2.0), [10.0])
    np.testing.assert_allclose(log_distance_gain(np.array([0.1]), 30.0, 2.0), [1000.0])


def test_a_linear_array_sees_a_wave_in_closed_form() -> None:
    """Half-wavelength spacing along y: phase steps of pi times the direction's y."""
    array = linear_array(5, 0.5, (0, 1, 0))
    azimuth, elevation = 0.7, -0.3
    seen = response(array, directions(azimuth, elevation))
    step = np.pi * np.cos(elevation) * np.sin(azimuth)
    np.testing.assert_allclose(seen, np.exp(1j * step * np.arange(5)))


def test_broadside_is_in_phase_and_endfire_alternates() -> None:
    array = linear_array(4, 0.5, (1, 0, 0))
    np.testing.assert_allclose(response(array, np.array([0.0, 1.0, 0.0])), 1.0)
    np.testing.assert_allclose(response(array, np.array([1.0, 0.0, 0.0])), [1, -1, 1, -1])


def test_a_rectangular_array_is_the_product_of_two_linear_ones() -> None:
    array = rectangular_array(12, 4, 0.5, (1, 0, 0), (0, 0, 1))
    wave = directions([0.2, 1.4], [0.5, -1.0])
    row, column = linear_array(4, 0.5, (1, 0, 0)), linear_array(3, 0.5, (0, 0, 1))
    product = response(column, wave)[:, :, None] * response(row, wave)[:, None, :]
    np.testing.assert_allclose(response(array, wave), product.reshape(2, 12))
    np.testing.assert_array_equal(array[:7], rectangular_array(7, 4, 0.5, (1, 0, 0), (0, 0, 1)))


def test_directions_are_unit_vectors_towards_a_point() -> None:
    np.testing.assert_allclose(np.linalg.norm(directions([0.1, 2.0], [0.3, -1.2]), axis=-1), 1.0)
    np.testing.assert_allclose(unit_vector((1, 0, 2), (1, 3, 6)), [0, 0.6, 0.8])


def test_a_rician_channel_has_unit_power_and_its_factor() -> None:
    scattered = rayleigh(streams(0, 400), (50,))
    direct = np.exp(1j * np.arange(50))
    channel = rician(direct, scattered, 6.0)
    assert abs(np.mean(np.abs(channel) ** 2) - 1.0) < 0.03
    mean = (channel * direct.conj()).mean()
    assert abs(abs(mean) ** 2 - 10**0.6 / (1 + 10**0.6)) < 0.02
    np.testing.assert_allclose(rician(direct, scattered, 200.0), direct + 0 * scattered)
    np.testing.assert_allclose(rician(direct, scattered, -200.0), scattered, atol=1e-9)


def test_a_multipath_channel_has_the_rank_of_its_paths_and_unit_power() -> None:
    generator = np.random.default_rng(5)
    gains = np.exp(2j * np.pi * generator.random((300, 3)))
    ends = [
        response(
            linear_array(count, 0.5, (0, 1, 0)),
            directions(2 * np.pi * generator.random((300, 3)), generator.random((300, 3))),
        )
        for count in (6, 8)
    ]
    channel = multipath(gains, *ends)
    assert channel.shape == (300, 6, 8)
    assert set(np.linalg.matrix_rank(channel, tol=1e-9)) == {3}
    assert abs(np.mean(np.abs(channel) ** 2) - 1.0) < 0.1
    by_hand = sum(
        gains[7, path] * np.outer(ends[0][7, path], ends[1][7, path]) for path in range(3)
    ) / np.sqrt(3)
    np.testing.assert_allclose(channel[7], by_hand)


PARAMETERS = {
    "pairs": 2,
    "irss": 3,
    "elements": 4,
    "source_centre": [0, 0],
    "destination_centre": [300, 0],
    "node_radius": 50,
    "drop": "disc",
    "irs_placement": "region",
    "irs_positions": [[100, 50]],
    "irs_region": {"x": [100, 300], "mirrored_y": [50, 60]},
    "reference_gain": 30,
    "source_irs_exponent": 2.2,
    "irs_destination_exponent": 2.8,
    "starting_phases": "random",
}


@pytest.mark.parametrize(("name", "more"), [("pairs", 4), ("irss", 5), ("elements", 9)])
def test_growing_he2020_keeps_what_was_drawn(name: str, more: int) -> None:
    small = ensemble.draw(PARAMETERS, streams(0, 3))
    large = ensemble.draw(PARAMETERS | {name: more}, streams(0, 3))
    for variable, values in small.data_vars.items():
        within = {dimension: slice(0, size) for dimension, size in values.sizes.items()}
        np.testing.assert_array_equal(
            large[variable].isel(within).values, values.values, err_msg=str(variable)
        )


def test_he2020_channel_power_follows_the_path_loss() -> None:
    drawn = ensemble.draw(PARAMETERS | {"elements": 200}, streams(0, 20))
    gain = log_distance_gain(
        distances(drawn["source_position"].values, drawn["irs_position"].values), 30.0, 2.2
    )
    power = (np.abs(drawn["source_to_irs"].values) ** 2).mean(axis=-1)
    ratio = power / gain
    assert abs(ratio.mean() - 1.0) < 4.0 / np.sqrt(ratio.size * 200)
    assert np.all(np.abs(ratio - 1.0) < 6.0 / np.sqrt(200))


def test_too_few_fixed_positions_is_one_line() -> None:
    with pytest.raises(ConfigurationError, match="irs_positions: 1 are given, irss = 3"):
        ensemble.draw(PARAMETERS | {"irs_placement": "fixed"}, streams(0, 1))
