"""Phases with the precoders eliminated: duality, derivatives, limits, what they are a start for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.channels.rician_network import Fading
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    equal_precoder,
    maximise_downlink_sum_rate,
)
from irsrepro.papers.noh2022.algorithms.dual_uplink import (
    downlink_precoder,
    dual_objective,
    maximise_over_phases,
)
from irsrepro.papers.noh2022.reference.dual_uplink import (
    maximise_over_phases as maximise_over_phases_reference,
)

Complex = NDArray[np.complex128]


def draw(seed: int, channels: int, sites: int, antennas: int, users: int, elements: int) -> Fading:
    rng = np.random.default_rng(seed)
    return Fading(
        gaussian(rng, channels, sites, users, antennas),
        gaussian(rng, channels, sites, 2, elements, antennas),
        gaussian(rng, channels, 2, users, elements),
    )


def phases(fading: Fading, seed: int = 0) -> Complex:
    count, surfaces, _, elements = fading.surface_to_user.shape
    turns = np.random.default_rng(seed).random((count, surfaces, elements))
    drawn: Complex = np.exp(2j * np.pi * turns)
    return drawn


def objective(
    fading: Fading, price: NDArray[np.float64], total: float, point: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    direct, incoming, outgoing = (each[0] for each in fading.stacked())
    slope = np.empty(point.size)
    value = dual_objective(
        direct, incoming.conj().T.copy(), incoming, outgoing, price, total, point, slope
    )
    return value, slope


@pytest.mark.parametrize(("users", "power"), [(3, 0.1), (3, 100.0), (6, 5.0)])
def test_the_downlink_has_the_sinrs_of_the_uplink_and_its_power(users: int, power: float) -> None:
    """Both by their definitions; six users are more than the antennas can separate."""
    rng = np.random.default_rng(users)
    H, q = gaussian(rng, 4, users), power * rng.random(users)
    price = np.array([0.5, 2.0])
    W, used = np.empty((4, users), complex), np.empty(2)
    downlink_precoder(H, price, q, W, used)
    noise = np.diag(np.repeat(price, 2))
    for k in range(users):
        others = noise + sum(
            (q[j] * np.outer(H[:, j], H[:, j].conj()) for j in range(users) if j != k),
            np.zeros((4, 4)),
        )
        uplink = q[k] * np.vdot(H[:, k], np.linalg.solve(others, H[:, k])).real
        heard = np.abs(H[:, k].conj() @ W) ** 2
        assert heard[k] / (heard.sum() - heard[k] + 1.0) == pytest.approx(uplink, rel=1e-9)
    np.testing.assert_allclose(used, (np.abs(W) ** 2).reshape(2, -1).sum(axis=1))
    assert price @ used == pytest.approx(q.sum(), rel=1e-9)


def test_the_objective_is_the_rate_of_the_uplink_and_its_slope_a_difference() -> None:
    fading, rng = draw(1, 1, 2, 2, 3, 4), np.random.default_rng(5)
    price, point = np.array([0.5, 1.5]), rng.standard_normal(11)
    value, slope = objective(fading, price, 8.0, point)
    for i in range(11):
        step = 1e-6 * np.eye(11)[i]
        ahead, behind = (objective(fading, price, 8.0, point + s * step)[0] for s in (1, -1))
        assert slope[i] == pytest.approx((ahead - behind) / 2e-6, rel=1e-6, abs=1e-8)
    H = fading.composite(np.exp(1j * point[:8]).reshape(1, 2, 4))[0].reshape(4, 3)
    q = 8.0 * np.exp(point[8:]) / np.exp(point[8:]).sum()
    W, used = np.empty((4, 3), complex), np.empty(2)
    downlink_precoder(H, price, q, W, used)
    heard = np.abs(H.conj().T @ W) ** 2
    own = np.diag(heard)
    assert value == pytest.approx(np.log1p(own / (heard.sum(axis=1) - own + 1.0)).sum(), rel=1e-9)


def test_one_user_gets_all_phases_aligned_at_full_power() -> None:
    rng = np.random.default_rng(2)
    fading = Fading(
        gaussian(rng, 4, 1, 1, 1), gaussian(rng, 4, 1, 1, 5, 1), gaussian(rng, 4, 1, 1, 5)
    )
    found = maximise_over_phases(fading, phases(fading), 2.0, tolerance=1e-8)
    cascade = np.abs(fading.site_to_surface[:, 0, 0, :, 0] * fading.surface_to_user[:, 0, 0])
    best = np.abs(fading.direct[:, 0, 0, 0]) + cascade.sum(axis=1)
    np.testing.assert_allclose(found.sum_rate, np.log2(1 + 2.0 * best**2), rtol=1e-6)


@pytest.mark.parametrize("power", [0.1, 10.0, 1000.0])
def test_little_is_left_for_the_alternation_which_alone_ends_no_higher(
    power: float,
) -> None:
    fading = draw(3, 6, 2, 2, 3, 12)
    found = maximise_over_phases(fading, phases(fading), power)
    assert (found.status == 0).all()
    assert ((np.abs(found.precoder) ** 2).sum(axis=(2, 3)) <= power * (1 + 1e-9)).all()
    np.testing.assert_allclose(np.abs(found.reflection), 1.0)
    rest = maximise_downlink_sum_rate(
        fading, found.precoder, found.reflection, power, on_circle=True
    )
    np.testing.assert_allclose(rest.trace[:, 0], found.sum_rate)
    assert rest.sum_rate.mean() <= 1.02 * found.sum_rate.mean()
    assert rest.iterations.mean() < 20
    alone = maximise_downlink_sum_rate(
        fading, equal_precoder((6, 2, 2, 3), power), phases(fading), power, on_circle=True
    )
    assert alone.sum_rate.mean() < 1.002 * rest.sum_rate.mean()
    # At high SNR the alternation alone hardly moves, and stops far below.
    assert power < 100.0 or alone.sum_rate.mean() < 0.95 * rest.sum_rate.mean()


def test_the_reference_finds_as_much() -> None:
    fading = draw(4, 5, 2, 2, 3, 6)
    fast = maximise_over_phases(fading, phases(fading), 10.0, tolerance=1e-5)
    reference = maximise_over_phases_reference(fading, phases(fading), 10.0, tolerance=1e-5)
    assert reference.sum_rate.mean() == pytest.approx(fast.sum_rate.mean(), rel=1e-2)
    used = (np.abs(reference.precoder) ** 2).sum(axis=(2, 3))
    assert (used <= 10.0 * (1 + 1e-9)).all()


def test_a_channel_does_not_depend_on_its_batch() -> None:
    fading = draw(5, 4, 2, 2, 3, 4)
    whole = maximise_over_phases(fading, phases(fading), 1.0)
    alone = maximise_over_phases(Fading(*(part[2:3] for part in fading)), phases(fading)[2:3], 1.0)
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(values[2], getattr(alone, name)[0], err_msg=name)


def test_a_cap_that_binds_says_so() -> None:
    fading = draw(6, 2, 2, 2, 3, 8)
    found = maximise_over_phases(fading, phases(fading), 100.0, max_rounds=1)
    assert (found.status == 1).all()
    assert (found.iterations <= 10).all()


@pytest.mark.parametrize(
    ("reflection", "power", "message"),
    [
        (np.ones((1, 2, 3)), 1.0, "reflection .* must be"),
        (0.5 * np.ones((1, 2, 4)), 1.0, "modulus one"),
        (np.ones((1, 2, 4)), 0.0, "power_limit must be positive"),
    ],
)
def test_bad_arguments_raise_one_clear_line(
    reflection: Complex, power: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        maximise_over_phases(draw(0, 1, 2, 2, 3, 4), reflection, power)
