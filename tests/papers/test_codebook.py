"""DFT codebook search: the plain double loop, its metric, ties, sizes, bad input."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import irsrepro.papers.zheng2021.algorithms.codebook as codebook_module
from draws import gaussian
from irsrepro.optimize.beamforming.receivers import RECEIVERS, linear_receivers, receive_sinr
from irsrepro.papers.zheng2021.algorithms.codebook import Codewords, search_codebooks
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel, joint_cascade
from irsrepro.papers.zheng2021.reference.codebook import (
    search_codebooks as search_codebooks_reference,
)

Complex = NDArray[np.complex128]


def draw_links(
    rng: np.random.Generator,
    count: int,
    antennas: int,
    size1: int,
    size2: int,
    users: int = 0,
    rank: int = 99,
) -> Links:
    """Channels of the order of one, those to the receiver of limited rank."""
    several = (users,) if users else ()
    rank = min(rank, antennas)
    return Links(
        gaussian(rng, count, *several, size1),
        gaussian(rng, count, *several, size2),
        gaussian(rng, count, size2, size1) / np.sqrt(max(size1, 1)),
        gaussian(rng, count, antennas, rank) @ gaussian(rng, count, rank, size1),
        gaussian(rng, count, antennas, rank) @ gaussian(rng, count, rank, size2),
    )


def assert_same(ours: Codewords, theirs: Codewords, rtol: float = 1e-7) -> None:
    np.testing.assert_array_equal(ours.index1, theirs.index1)
    np.testing.assert_array_equal(ours.index2, theirs.index2)
    np.testing.assert_allclose(ours.reflection1, theirs.reflection1, atol=1e-12)
    np.testing.assert_allclose(ours.reflection2, theirs.reflection2, atol=1e-12)
    np.testing.assert_allclose(ours.smallest_sinr, theirs.smallest_sinr, rtol=rtol, atol=1e-300)
    for field in fields(Codewords):
        assert getattr(ours, field.name).dtype == getattr(theirs, field.name).dtype


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("users", [0, 1, 3])
@pytest.mark.parametrize(("size1", "size2"), [(4, 5), (7, 7), (6, 0), (0, 6), (1, 3), (0, 0)])
@pytest.mark.parametrize("noise", [1e-3, 10.0])
def test_the_winner_is_that_of_the_double_loop(
    receiver: str, users: int, size1: int, size2: int, noise: float
) -> None:
    rng = np.random.default_rng(0)
    links = draw_links(rng, 3, 5, size1, size2, users)
    options: Any = {"receiver": receiver, "noise": noise, "powers": rng.uniform(0.5, 2)}
    ours = search_codebooks(links, **options)
    assert_same(ours, search_codebooks_reference(links, **options))


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_more_users_than_dimensions(receiver: str) -> None:
    """Zero forcing is then the pseudo-inverse, pair by pair."""
    rng = np.random.default_rng(1)
    for links in (draw_links(rng, 3, 8, 4, 4, 6, rank=2), draw_links(rng, 3, 3, 5, 2, 4)):
        options: Any = {"receiver": receiver, "noise": 0.01}
        ours = search_codebooks(links, **options)
        assert_same(ours, search_codebooks_reference(links, **options))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(*[st.integers(1, 4)] * 2, st.integers(0, 4), st.integers(0, 4)),
    rank=st.integers(1, 4),
    snr=st.floats(-60, 60),
    receiver=st.sampled_from(RECEIVERS),
)
def test_any_sizes_and_any_snr(
    seed: int, sizes: tuple[int, int, int, int], rank: int, snr: float, receiver: str
) -> None:
    users, antennas, size1, size2 = sizes
    rng = np.random.default_rng(seed)
    links = draw_links(rng, 1, antennas, size1, size2, users, rank)
    powers = rng.uniform(0.1, 1, users)
    options: Any = {"receiver": receiver, "noise": 10 ** (-snr / 10), "powers": powers}
    ours = search_codebooks(links, **options)
    assert_same(ours, search_codebooks_reference(links, **options), rtol=1e-5)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_the_metric_is_reached_by_the_returned_codewords(receiver: str) -> None:
    rng = np.random.default_rng(2)
    links, powers = draw_links(rng, 10, 8, 6, 9, 4), rng.uniform(0.5, 2, (10, 4))
    found = search_codebooks(links, receiver=receiver, powers=powers, noise=0.1)
    channel = effective_channel(links, found.reflection1, found.reflection2)
    receivers, _ = linear_receivers(channel, receiver, powers, 0.1)
    sinr = receive_sinr(channel, receivers, powers, 0.1)
    np.testing.assert_allclose(found.smallest_sinr, sinr.min(axis=1))


def test_one_user_has_one_metric() -> None:
    """The gain ||h||^2 over the noise, whatever the receiver, largest over all pairs."""
    rng = np.random.default_rng(3)
    links = draw_links(rng, 4, 6, 5, 8)
    found = [search_codebooks(links, receiver=receiver, noise=0.5) for receiver in RECEIVERS]
    assert_same(found[1], found[0], rtol=0)
    assert_same(found[2], found[0], rtol=0)
    best = np.zeros(4)
    for i in range(5):
        for j in range(8):
            theta1 = np.exp(-2j * np.pi * i * np.arange(5) / 5) * np.ones((4, 1))
            theta2 = np.exp(-2j * np.pi * j * np.arange(8) / 8) * np.ones((4, 1))
            h = effective_channel(links, theta1, theta2)
            best = np.maximum(best, np.linalg.norm(h, axis=1) ** 2)
    np.testing.assert_allclose(found[0].smallest_sinr, best / 0.5)


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("users", [0, 3])
def test_one_surface_is_two_with_one_empty(receiver: str, users: int) -> None:
    rng = np.random.default_rng(4)
    links = draw_links(rng, 5, 4, 7, 0, users)
    alone = search_codebooks(links, receiver=receiver, noise=0.1)
    assert_same(alone, search_codebooks_reference(links, receiver=receiver, noise=0.1))
    nothing = np.zeros((5, 7, 0), complex)
    turned = Links(links.second, links.first, nothing, links.second_to_receiver, links[3])
    other = search_codebooks(turned, receiver=receiver, noise=0.1)
    np.testing.assert_array_equal(other.index2, alone.index1)
    np.testing.assert_array_equal(other.smallest_sinr, alone.smallest_sinr)
    assert not other.index1.any()
    if not users:
        channels = joint_cascade(links) @ np.fft.fft(np.eye(7))
        np.testing.assert_array_equal(alone.index1, np.linalg.norm(channels, axis=1).argmax(axis=1))


def test_equal_pairs_give_the_first() -> None:
    """Channels real but for one phase, to one antenna: codewords i and M - i have equal gains."""
    rng = np.random.default_rng(5)
    shapes = (40, 8), (40, 8), (40, 8, 8), (40, 1, 8), (40, 1, 8)
    links = Links(*(rng.standard_normal(shape).astype(complex) for shape in shapes))
    turned = np.exp(0.3j)  # equal gains then differ by rounding
    links = links._replace(first=turned * links.first, second=turned * links.second)
    found = search_codebooks(links)
    mirrored = [(-found.index1) % 8, (-found.index2) % 8]
    assert (8 * found.index1 + found.index2 <= 8 * mirrored[0] + mirrored[1]).all()
    assert (mirrored[0] != found.index1).any()
    assert_same(found, search_codebooks_reference(links))
    dark = search_codebooks(Links(*(0 * array for array in links)))
    assert not (dark.index1.any() or dark.index2.any() or dark.smallest_sinr.any())


def test_a_plane_wave_finds_its_codeword() -> None:
    steps = np.arange(16)
    wave = np.exp(2j * np.pi * 5 * steps / 16)[None]
    to_receiver = np.ones((1, 3, 16), complex)
    # The second surface has no elements.
    links = Links(wave, wave[:, :0], to_receiver[:, :0], to_receiver, to_receiver[..., :0])
    found = search_codebooks(links)
    assert found.index1[0] == 5
    assert found.smallest_sinr[0] == pytest.approx(3 * 16**2)


def test_the_block_size_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    links = draw_links(np.random.default_rng(6), 3, 4, 9, 6, 3)
    whole = search_codebooks(links, noise=0.1)
    monkeypatch.setattr(codebook_module, "_BLOCK", 200)
    pieces = search_codebooks(links, noise=0.1)
    for field in fields(Codewords):
        np.testing.assert_array_equal(getattr(pieces, field.name), getattr(whole, field.name))


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_realisation_does_not_depend_on_its_batch(receiver: str) -> None:
    rng = np.random.default_rng(7)
    links, powers = draw_links(rng, 6, 3, 5, 4, 4), rng.uniform(0.5, 2, (6, 4))

    def solve(chosen: Any) -> Codewords:
        part = Links(*(array[chosen] for array in links))
        return search_codebooks(part, receiver=receiver, powers=powers[chosen], noise=0.01)

    whole, order = solve(slice(None)), np.array([3, 0, 5, 1, 4, 2])
    shuffled, singles = solve(order), [solve([r]) for r in range(6)]
    for field in fields(Codewords):
        expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(shuffled, field.name), expected[order])
        joined = np.concatenate([getattr(single, field.name) for single in singles])
        np.testing.assert_array_equal(joined, expected)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_the_unit_of_the_amplitudes_does_not_matter(receiver: str) -> None:
    links = draw_links(np.random.default_rng(8), 5, 4, 6, 6, 3)
    scaled = links._replace(first=1e-12 * links.first, second=1e-12 * links.second)
    plain = search_codebooks(links, receiver=receiver, noise=0.1)
    assert_same(search_codebooks(scaled, receiver=receiver, noise=1e-25), plain)


def test_a_tiny_sinr_keeps_its_digits() -> None:
    links = draw_links(np.random.default_rng(10), 5, 4, 6, 6, 3)
    found = search_codebooks(links, noise=1e14)
    assert_same(found, search_codebooks_reference(links, noise=1e14), rtol=1e-10)
    assert found.smallest_sinr.max() < 1e-10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"receiver": "best"}, "receiver 'best' must be one of"),
        ({"powers": np.ones(2)}, "powers .* must be"),
        ({"noise": -1.0}, "powers and noise must be positive"),
        ({"links": Links(*[np.ones((2, 3, 4), complex)] * 5)}, "links .* must be"),
        ({"links": Links(*[np.full(s, np.nan + 0j) for s in ((1, 2), (1, 2), *[(1, 2, 2)] * 3)])},
         "links must be finite"),
    ],
)  # fmt: skip
def test_bad_arguments_raise_one_clear_line(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"links": draw_links(np.random.default_rng(9), 2, 3, 2, 2, 3)}
    with pytest.raises(ValueError, match=message) as caught:
        search_codebooks(**(good | change))
    assert "\n" not in str(caught.value)
