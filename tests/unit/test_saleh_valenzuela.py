"""Saleh-Valenzuela channels, free-space loss and blockage by length, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from irsrepro.channels.arrays import directions, response
from irsrepro.channels.blockage import blockage_probability
from irsrepro.channels.path_loss import friis_gain
from irsrepro.channels.saleh_valenzuela import saleh_valenzuela, upright_array
from irsrepro.channels.streams import RandomStream, realisation_streams


def streams(count: int, first: int = 0) -> list[RandomStream]:
    return realisation_streams(RandomStream(5), range(first, first + count))


def test_the_response_is_equation_47() -> None:
    azimuth, inclination = 0.7, 1.9
    towards = directions(azimuth, 0.5 * np.pi - inclination)
    seen = response(upright_array(12, 4), towards)
    for index, value in enumerate(seen):
        n, m = divmod(index, 4)
        phase = np.pi * (m * np.sin(azimuth) * np.sin(inclination) + n * np.cos(inclination))
        assert value == pytest.approx(np.exp(1j * phase))


def test_larger_arrays_and_more_paths_contain_the_smaller_and_fewer() -> None:
    whole = saleh_valenzuela(streams(3), upright_array(12, 4), upright_array(8, 4), 3, 0.1)
    part = saleh_valenzuela(streams(3), upright_array(8, 4), upright_array(4, 4), 3, 0.1)
    np.testing.assert_allclose(whole[:, :8, :4], part, rtol=1e-12)
    last = saleh_valenzuela(streams(1, 2), upright_array(12, 4), upright_array(8, 4), 3, 0.1)
    np.testing.assert_array_equal(whole[2:], last)
    # Without power in the scattered paths only the normalisation tells how many there are.
    few, many = (
        saleh_valenzuela(streams(2), upright_array(8, 4), upright_array(4, 4), count, 0.0)
        for count in (1, 7)
    )
    np.testing.assert_allclose(few / 2.0, many, rtol=1e-12)


def test_power_and_rank_are_those_of_the_paths() -> None:
    drawn = saleh_valenzuela(streams(2000), upright_array(8, 4), upright_array(8, 4), 2, 0.25)
    assert (np.abs(drawn) ** 2).mean() == pytest.approx((1 + 2 * 0.25) / 3, rel=0.05)
    assert set(np.linalg.matrix_rank(drawn[:50])) == {3}


def test_free_space_loss_at_3_ghz() -> None:
    """20 log10(4 pi d f / c): 42.0 dB at one metre and 76.0 dB at fifty."""
    np.testing.assert_allclose(
        10 * np.log10(friis_gain([1.0, 50.0], 3e9)), [-41.99, -75.97], atol=0.002
    )


def test_a_link_of_several_stretches_is_open_if_all_of_them_are() -> None:
    probability = blockage_probability([0.0, 10.0, 30.0], 0.2, 10.0)
    np.testing.assert_allclose(probability, [0.0, 0.2, 1 - 0.8**3], rtol=1e-12)
    rng = np.random.default_rng(0)
    blocked = (rng.random((200_000, 3)) < 0.2).any(axis=1).mean()
    assert blocked == pytest.approx(probability[2], abs=0.005)
    np.testing.assert_array_equal(blockage_probability([5.0, 5.0], [0.0, 1.0], 10.0), [0.0, 1.0])
