"""Receivers and their SINR: definitions, closed forms, optimality, deficient rank, bad input."""

# mypy: disable-error-code="no-untyped-call"

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from draws import gaussian
from irsrepro.optimize.beamforming.receivers import (
    RECEIVERS,
    combined_sinr,
    combiner_from_gram,
    linear_receivers,
    receive_sinr,
    receiver_sinr,
    sinr_from_gram,
    workspace,
)

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
POWERS = [3.0, np.array([1.0, 20.0, 0.05]), np.geomspace(0.01, 10, 15).reshape(5, 3)]


def sinr_by_definition(channel: Complex, receivers: Complex, powers: Real, noise: float) -> Real:
    """zheng2021, eq. (9), user by user."""
    sinr = np.zeros((len(channel), channel.shape[2]))
    for r, (h, w) in enumerate(zip(channel, receivers, strict=True)):
        for k in range(h.shape[1]):
            received = powers[r] * np.abs(w[:, k].conj() @ h) ** 2
            unwanted = np.delete(received, k).sum() + noise * np.linalg.norm(w[:, k]) ** 2
            sinr[r, k] = received[k] / unwanted
    return sinr


def every_power(powers: ArrayLike) -> Real:
    """Powers (5, 3)."""
    return np.broadcast_to(np.asarray(powers, float), (5, 3)).copy()


@pytest.mark.parametrize("powers", POWERS)
@pytest.mark.parametrize("noise", [1e-4, 0.3, 1e5])
def test_receivers_are_their_definitions(powers: ArrayLike, noise: float) -> None:
    rng = np.random.default_rng(0)
    channel, power = gaussian(rng, 5, 6, 3), every_power(powers)
    mrc = linear_receivers(channel, "mrc")[0]
    np.testing.assert_allclose(mrc, channel / np.linalg.norm(channel, axis=1, keepdims=True))
    zf, rank = linear_receivers(channel, "zf")
    np.testing.assert_allclose(zf, np.linalg.pinv(channel).mT.conj(), atol=1e-12)
    assert (rank == 3).all()
    mmse, _ = linear_receivers(channel, "mmse", powers, noise)
    for r, h in enumerate(channel):
        covariance = h @ np.diag(power[r]) @ h.conj().T + noise * np.eye(6)
        np.testing.assert_allclose(mmse[r], np.linalg.inv(covariance) @ h, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("powers", POWERS)
@pytest.mark.parametrize("noise", [1e-6, 0.3, 1e10])
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_closed_forms_are_the_general_formula(
    receiver: str, powers: ArrayLike, noise: float
) -> None:
    rng = np.random.default_rng(1)
    channel, power = gaussian(rng, 5, 4, 3), every_power(powers)
    receivers, _ = linear_receivers(channel, receiver, powers, noise)
    scaled = receivers * gaussian(rng, 5, 1, 3)
    expected = sinr_by_definition(channel, scaled, power, noise)
    sinr = receive_sinr(channel, scaled, powers, noise)
    np.testing.assert_allclose(sinr, expected, rtol=1e-10)
    reached = receiver_sinr(channel, receiver, powers, noise)
    np.testing.assert_allclose(reached, expected, rtol=1e-8)
    gram = channel.conj().mT @ channel
    if receiver == "zf":  # eq. (51)
        diagonal = np.einsum("rkk->rk", np.linalg.inv(gram)).real
        np.testing.assert_allclose(reached, power / (noise * diagonal), rtol=1e-10)
    if receiver == "mmse" and noise < 1e6:
        root = np.sqrt(power)
        regular = np.eye(3) + root[:, :, None] * gram * root[:, None] / noise
        diagonal = np.einsum("rkk->rk", np.linalg.inv(regular)).real
        np.testing.assert_allclose(reached, 1 / diagonal - 1, rtol=1e-6)


def test_zero_forcing_nulls_the_interference() -> None:
    channel = gaussian(np.random.default_rng(2), 50, 8, 8)
    receivers, _ = linear_receivers(channel, "zf")
    cross = receivers.conj().mT @ channel
    np.testing.assert_allclose(cross, np.broadcast_to(np.eye(8), cross.shape), atol=1e-8)


@pytest.mark.parametrize("noise", [1e-3, 1.0, 1e3])
def test_mmse_is_the_generalised_eigenvector(noise: float) -> None:
    """The largest SINR of user k is the largest eigenvalue of (P_k h_k h_k^H, the rest)."""
    rng = np.random.default_rng(3)
    channel, powers = gaussian(rng, 4, 5, 6), rng.exponential(size=(4, 6))
    reached = receiver_sinr(channel, "mmse", powers, noise)
    for r, h in enumerate(channel):
        for k in range(6):
            parts = [p * np.outer(g, g.conj()) for p, g in zip(powers[r], h.T, strict=True)]
            signal = parts.pop(k)
            unwanted = sum(parts) + noise * np.eye(5)
            best = scipy.linalg.eigh(signal, unwanted, eigvals_only=True)[-1]
            assert reached[r, k] == pytest.approx(best, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    antennas=st.integers(1, 6),
    users=st.integers(1, 6),
    rank=st.integers(1, 6),
    snr=st.floats(-80, 80),
    spread=st.floats(0, 4),
)
def test_nothing_beats_mmse(
    seed: int, antennas: int, users: int, rank: int, snr: float, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    channel = gaussian(rng, 1, antennas, rank) @ gaussian(rng, 1, rank, users)
    channel *= 10 ** rng.uniform(-spread / 2, spread / 2, users)
    powers, noise = rng.uniform(0.1, 1, users), 10 ** (-snr / 10)
    best = receiver_sinr(channel, "mmse", powers, noise)
    assert np.isfinite(best).all()
    assert (best > 0).all()
    rounding = 1e-9 + 1e-14 * (powers * (np.abs(channel) ** 2).sum(axis=1)).sum() / noise
    for receiver in RECEIVERS:
        receivers, found = linear_receivers(channel, receiver, powers, noise)
        sinr = receive_sinr(channel, receivers, powers, noise)
        assert (sinr <= best * (1 + rounding)).all()
        reached = receiver_sinr(channel, receiver, powers, noise)
        np.testing.assert_allclose(reached, sinr, rtol=1e-6 + rounding, atol=1e-9)
        if receiver == "zf":
            assert found[0] == min(antennas, users, rank)
    for _ in range(20):
        sinr = receive_sinr(channel, gaussian(rng, 1, antennas, users), powers, noise)
        assert (sinr <= best * (1 + rounding)).all()


@pytest.mark.parametrize(
    ("antennas", "rank", "users"), [(8, 3, 6), (4, 4, 7), (5, 1, 2), (6, 2, 3)]
)
def test_zero_forcing_beyond_the_rank_is_the_pseudo_inverse(
    antennas: int, rank: int, users: int
) -> None:
    rng = np.random.default_rng(4)
    channel = gaussian(rng, 30, antennas, rank) @ gaussian(rng, 30, rank, users)
    receivers, found = linear_receivers(channel, "zf")
    assert (found == rank).all()
    expected = np.asarray(np.linalg.pinv(channel, rcond=1e-8).mT.conj(), np.complex128)
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(receivers / scale, expected / scale, atol=1e-9)
    sinr = sinr_by_definition(channel, expected, np.ones((30, users)), 0.1)
    np.testing.assert_allclose(receiver_sinr(channel, "zf", 1.0, 0.1), sinr, rtol=1e-7)


def test_users_that_are_nearly_alike_still_count() -> None:
    """A part of 1e-4 of the amplitude outside the span of the others, and one of 1e-8."""
    channel = gaussian(np.random.default_rng(11), 2, 5, 3)
    channel[0, :, 2] = channel[0, :, 1] + 1e-4 * channel[0, :, 2]
    channel[1, :, 2] = channel[1, :, 1] + 1e-8 * channel[1, :, 2]
    receivers, rank = linear_receivers(channel, "zf")
    assert list(rank) == [3, 2]
    cross = receivers[0].conj().T @ channel[0]
    np.testing.assert_allclose(cross, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_users_that_are_silent_or_alike(receiver: str) -> None:
    rng = np.random.default_rng(5)
    channel = gaussian(rng, 3, 4, 3)
    channel[0, :, 1] = 0
    channel[1] = 0
    channel[2, :, 2] = 2j * channel[2, :, 0]
    receivers, rank = linear_receivers(channel, receiver, 1.0, 0.5)
    assert np.isfinite(receivers).all()
    assert list(rank) == ([2, 0, 2] if receiver == "zf" else [3, 3, 3])
    sinr = receiver_sinr(channel, receiver, 1.0, 0.5)
    np.testing.assert_allclose(sinr, receive_sinr(channel, receivers, 1.0, 0.5), atol=1e-15)
    assert not sinr[1].any()
    assert sinr[0, 1] == 0
    assert (sinr[0, [0, 2]] > 0).all()
    assert sinr[2, 0] < 1  # the other user of the same direction is stronger


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_the_unit_and_the_spread_of_the_amplitudes_do_not_matter(receiver: str) -> None:
    rng = np.random.default_rng(6)
    channel, powers = gaussian(rng, 8, 6, 4), rng.uniform(0.1, 10, 4)
    plain = receiver_sinr(channel, receiver, powers, 0.01)
    scaled = receiver_sinr(1e-12 * channel, receiver, powers, 1e-26)
    np.testing.assert_allclose(scaled, plain, rtol=1e-10)
    # Equal received powers from amplitudes 100 dB apart.
    spread = np.geomspace(1e-5, 1, 4)
    other = receiver_sinr(channel * spread, receiver, powers / spread**2, 0.01)
    np.testing.assert_allclose(other, plain, rtol=1e-7)
    receivers, rank = linear_receivers(channel * spread, receiver, powers / spread**2, 0.01)
    assert (rank == 4).all()
    again = receive_sinr(channel * spread, receivers, powers / spread**2, 0.01)
    np.testing.assert_allclose(again, plain, rtol=1e-7)


def test_a_tiny_mmse_sinr_keeps_its_digits() -> None:
    channel = gaussian(np.random.default_rng(7), 5, 3, 2)
    expected = (np.abs(channel) ** 2).sum(axis=1) / 1e14
    np.testing.assert_allclose(receiver_sinr(channel, "mmse", 1.0, 1e14), expected, rtol=1e-12)


def test_a_huge_snr_beyond_the_rank() -> None:
    """At 80 dB against the singular value decomposition, which does not square the condition."""
    rng = np.random.default_rng(8)
    channel, noise = gaussian(rng, 20, 6, 2) @ gaussian(rng, 20, 2, 5), 1e-8
    _, values, right = np.linalg.svd(channel)
    weight = (values[:, :2] ** 2 / (values[:, :2] ** 2 + noise))[:, :, None]
    useful = (weight * np.abs(right[:, :2]) ** 2).sum(axis=1)
    reached = receiver_sinr(channel, "mmse", 1.0, noise)
    np.testing.assert_allclose(reached, useful / (1 - useful), rtol=1e-5)
    # Beyond 150 dB no digit is left, but the result stays in its range.
    beyond = receiver_sinr(channel, "mmse", 1.0, 1e-30)
    assert np.isfinite(beyond).all()
    assert (beyond >= 0).all()


@pytest.mark.parametrize("kind", range(3))
def test_the_compiled_single_instance_versions(kind: int) -> None:
    rng = np.random.default_rng(9)
    channel, powers, noise = gaussian(rng, 6, 4), rng.exponential(size=4), 0.2
    gram, scratch, sinr = channel.conj().T @ channel, workspace(4), np.zeros(4)
    combiner_from_gram(kind, gram, powers, noise, scratch)
    receivers, _ = linear_receivers(channel[None], RECEIVERS[kind], powers, noise)
    np.testing.assert_allclose(channel @ scratch.combiner, receivers[0], rtol=1e-10)
    sinr_from_gram(kind, gram, powers, noise, sinr, scratch)
    expected = receiver_sinr(channel[None], RECEIVERS[kind], powers, noise)[0]
    np.testing.assert_allclose(sinr, expected)
    combiner = gaussian(rng, 4, 4)
    combined_sinr(gram, combiner, powers, noise, sinr)
    expected = receive_sinr(channel[None], (channel @ combiner)[None], powers, noise)[0]
    np.testing.assert_allclose(sinr, expected)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_realisation_does_not_depend_on_its_batch(receiver: str) -> None:
    rng = np.random.default_rng(10)
    channel, powers = gaussian(rng, 6, 5, 4), rng.exponential(size=(6, 4))
    channel[2, :, 3] = channel[2, :, 1]

    def solve(chosen: Any) -> list[NDArray[Any]]:
        part = channel[chosen], powers[chosen]
        receivers, rank = linear_receivers(part[0], receiver, part[1], 0.1)
        reached = receiver_sinr(part[0], receiver, part[1], 0.1)
        return [receivers, rank, reached, receive_sinr(part[0], receivers, part[1], 0.1)]

    whole, order = solve(slice(None)), np.array([3, 0, 5, 1, 4, 2])
    singles = [solve([r]) for r in range(6)]
    for position, expected in enumerate(whole):
        np.testing.assert_array_equal(solve(order)[position], expected[order])
        joined = np.concatenate([single[position] for single in singles])
        np.testing.assert_array_equal(joined, expected)


GOOD: dict[str, Any] = {
    "channel": np.ones((2, 3, 4), complex), "receiver": "zf", "powers": 1.0, "noise": 1.0
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel": np.ones((3, 4))}, r"channel .* must be \(R, N, K\)"),
        ({"channel": np.ones((2, 0, 4))}, r"channel .* must be \(R, N, K\)"),
        ({"channel": np.full((2, 3, 4), np.nan)}, "channel .* finite"),
        ({"receiver": "mvdr"}, "receiver 'mvdr' must be one of mrc, zf, mmse"),
        ({"powers": np.ones(3)}, "powers .* must be"),
        ({"powers": 0.0}, "powers and noise must be positive"),
        ({"powers": np.array([1, 1, np.inf, 1])}, "powers and noise must be positive"),
        ({"noise": 0.0}, "powers and noise must be positive"),
        ({"noise": np.nan}, "powers and noise must be positive"),
    ],
)
@pytest.mark.parametrize("function", [linear_receivers, receiver_sinr])
def test_bad_arguments_raise_one_clear_line(
    function: Any, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        function(**(GOOD | change))
    assert "\n" not in str(caught.value)


def test_receivers_that_do_not_fit_raise_one_clear_line() -> None:
    with pytest.raises(ValueError, match=r"receivers .* must be"):
        receive_sinr(GOOD["channel"], GOOD["channel"][:, :, :3], 1.0, 1.0)
