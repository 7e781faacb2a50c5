"""Random streams, layouts, path loss and fading."""

import numpy as np
import pytest
import scipy.stats

from irsrepro.channels.fading import rayleigh, uniform_phases
from irsrepro.channels.layouts import uniform_in_disc, uniform_in_mirrored_rectangle
from irsrepro.channels.path_loss import distances, log_distance_gain
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.documents.he2020 import system

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
    small = system.draw(PARAMETERS, streams(0, 3))
    large = system.draw(PARAMETERS | {name: more}, streams(0, 3))
    for variable, values in small.data_vars.items():
        within = {dimension: slice(0, size) for dimension, size in values.sizes.items()}
        np.testing.assert_array_equal(
            large[variable].isel(within).values, values.values, err_msg=str(variable)
        )


def test_he2020_channel_power_follows_the_path_loss() -> None:
    drawn = system.draw(PARAMETERS | {"elements": 200}, streams(0, 20))
    gain = log_distance_gain(
        distances(drawn["source_position"].values, drawn["irs_position"].values), 30.0, 2.2
    )
    power = (np.abs(drawn["source_to_irs"].values) ** 2).mean(axis=-1)
    ratio = power / gain
    assert abs(ratio.mean() - 1.0) < 4.0 / np.sqrt(ratio.size * 200)
    assert np.all(np.abs(ratio - 1.0) < 6.0 / np.sqrt(200))


def test_too_few_fixed_positions_is_one_line() -> None:
    with pytest.raises(ValueError, match="irs_positions: 1 given, irss = 3"):
        system.draw(PARAMETERS | {"irs_placement": "fixed"}, streams(0, 1))
