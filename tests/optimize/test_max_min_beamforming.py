"""Max-min beams by duality against cone programs, closed forms and random search."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from irsrepro.optimize.beamforming.max_min import max_min_beams
from irsrepro.optimize.reference.max_min import max_min_beams as max_min_beams_cvxpy
from irsrepro.optimize.result import CONVERGED, FAILURE

Complex = NDArray[np.complex128]


def channels(count: int, users: int, antennas: int, gain: float) -> Complex:
    rng = np.random.default_rng(0)
    parts = rng.standard_normal((2, count, users, antennas))
    return np.asarray(gain * (parts[0] + 1j * parts[1]) / np.sqrt(2))


def levels(channel: Complex, beams: Complex) -> NDArray[np.float64]:
    heard = np.abs(np.einsum("rkm,rjm->rkj", channel, beams)) ** 2
    own = np.einsum("rkk->rk", heard)
    return np.asarray(own / (heard.sum(axis=2) - own + 1.0))


@pytest.mark.parametrize(("users", "antennas", "gain"), [(3, 4, 3.0), (4, 3, 2.0), (2, 6, 0.1)])
def test_the_level_is_that_of_the_cone_program(users: int, antennas: int, gain: float) -> None:
    here = channels(2, users, antennas, gain)
    ours, theirs = max_min_beams(here), max_min_beams_cvxpy(here, tolerance=1e-3)
    assert (ours.level >= theirs.level * (1 - 1e-6)).all()
    assert (ours.level <= theirs.upper_bound * (1 + 1e-6)).all()


@pytest.mark.parametrize("gain", [0.1, 3.0, 1e3])
def test_all_users_reach_the_certified_level_with_all_the_power(gain: float) -> None:
    here = channels(20, 4, 6, gain)
    found = max_min_beams(here)
    np.testing.assert_allclose((np.abs(found.beams) ** 2).sum(axis=(1, 2)), 1.0, rtol=1e-12)
    reached = levels(here, found.beams)
    np.testing.assert_allclose(reached, found.level[:, None] * np.ones(4), rtol=1e-6)
    np.testing.assert_allclose(found.level, found.upper_bound, rtol=1e-6)
    assert (found.status == CONVERGED).all() and (found.residual < 1e-7).all()


def test_one_user_has_a_matched_beam() -> None:
    here = channels(3, 1, 5, 2.0)
    found = max_min_beams(here)
    np.testing.assert_allclose(found.level, (np.abs(here) ** 2).sum(axis=(1, 2)), rtol=1e-9)


def test_weights_tilt_the_levels() -> None:
    here = channels(4, 3, 5, 2.0)
    weights = np.array([1.0, 2.0, 0.5])
    found = max_min_beams(here, weights)
    reached = levels(here, found.beams) * weights
    np.testing.assert_allclose(reached, found.level[:, None] * np.ones(3), rtol=1e-6)


def test_no_random_beams_do_better() -> None:
    here = channels(1, 2, 2, 2.0)
    rng = np.random.default_rng(1)
    tried = rng.standard_normal((100_000, 2, 2)) + 1j * rng.standard_normal((100_000, 2, 2))
    tried /= np.linalg.norm(tried, axis=(1, 2), keepdims=True)
    best = levels(np.broadcast_to(here, tried.shape), tried).min(axis=1).max()
    level = float(max_min_beams(here).level[0])
    assert 0.8 * level < best <= level * (1 + 1e-9)


def test_a_realisation_depends_on_no_other_and_a_dead_user_fails() -> None:
    here = channels(5, 3, 4, 2.0)
    here[1, 2] = 0.0
    whole = max_min_beams(here)
    assert whole.status[1] == FAILURE and np.isnan(whole.beams[1]).all()
    for r in (0, 4):
        np.testing.assert_array_equal(max_min_beams(here[r : r + 1]).beams[0], whole.beams[r])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="must be \\(R, K, M\\)"):
        max_min_beams(np.zeros((2, 3), complex))
    with pytest.raises(ValueError, match="weights"):
        max_min_beams(channels(1, 2, 2, 1.0), [1.0, 0.0])
