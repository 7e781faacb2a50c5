"""The downlink sum-rate alternation and its phase step: references, certificates, monotonicity."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian
from irsrepro.channels.rician_network import Fading
from irsrepro.optimize.reference.unit_disc import solve_unit_disc_cvxpy
from irsrepro.optimize.unit_disc.thin import thin_sweeps
from irsrepro.papers.noh2022.algorithms.downlink_sum_rate import (
    DownlinkSolution,
    equal_precoder,
    maximise_downlink_sum_rate,
)
from irsrepro.papers.noh2022.reference.downlink_sum_rate import (
    maximise_downlink_sum_rate as maximise_downlink_sum_rate_reference,
)

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def objective(forms: Complex, linear: Complex, vector: Complex) -> float:
    return float(2 * np.vdot(vector, linear).real - (np.abs(forms.T @ vector) ** 2).sum())


@pytest.mark.parametrize(("size", "count"), [(6, 3), (20, 9), (12, 16)])
def test_sweeps_reach_the_optimum_of_a_cone_solver(size: int, count: int) -> None:
    rng = np.random.default_rng(size)
    forms, linear = gaussian(rng, size, count) / 3, gaussian(rng, size)
    vector = np.zeros(size, complex)
    missing, sweeps = thin_sweeps(forms, linear, vector, 1e-6, 100_000)
    reference = solve_unit_disc_cvxpy(forms.conj() @ forms.T, linear)
    assert missing <= 1e-6
    assert sweeps < 100_000
    assert (np.abs(vector) <= 1 + 1e-14).all()
    best = objective(forms, linear, reference)
    assert abs(objective(forms, linear, vector) - best) < 2e-6


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 30),
    count=st.integers(1, 16),
    strength=st.floats(-2, 2),
    sweeps=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_the_bound_holds_however_early_and_no_sweep_lowers_the_value(
    seed: int, size: int, count: int, strength: float, sweeps: int
) -> None:
    rng = np.random.default_rng(seed)
    forms, linear = 10**strength * gaussian(rng, size, count), gaussian(rng, size)
    start = np.sqrt(rng.random(size)) * np.exp(2j * np.pi * rng.random(size))
    vector = start.copy()
    missing, made = thin_sweeps(forms, linear, vector, 0.0, sweeps)
    assert made == sweeps or missing <= 0.0
    value = objective(forms, linear, vector)
    scale = 1e-10 * (np.abs(linear).sum() + (np.abs(forms) ** 2).sum() * size)
    assert value >= objective(forms, linear, start) - scale
    better = vector.copy()
    thin_sweeps(forms, linear, better, 0.0, 300)
    assert objective(forms, linear, better) <= value + missing + scale


def draw(
    seed: int, channels: int, sites: int, antennas: int, users: int, surfaces: int, elements: int
) -> Fading:
    rng = np.random.default_rng(seed)
    return Fading(
        gaussian(rng, channels, sites, users, antennas),
        gaussian(rng, channels, sites, surfaces, elements, antennas),
        gaussian(rng, channels, surfaces, users, elements),
    )


def start(fading: Fading, power: float, seed: int = 0) -> tuple[Complex, Complex]:
    channels, sites, users, antennas = fading.direct.shape
    surfaces, elements = fading.surface_to_user.shape[1], fading.surface_to_user.shape[3]
    turns = np.random.default_rng(seed).random((channels, surfaces, elements))
    return equal_precoder((channels, sites, antennas, users), power), np.exp(2j * np.pi * turns)


def sum_rate(fading: Fading, solution: DownlinkSolution) -> Real:
    """From eq. (5) alone: nothing of the kernel."""
    rates = np.zeros(len(fading.direct))
    for t in range(len(rates)):
        _, sites, users, _ = fading.direct.shape
        turn = [np.diag(x) for x in solution.reflection[t]]
        received = np.zeros((users, users), complex)
        for a in range(sites):
            for k in range(users):
                row = fading.direct[t, a, k].conj() + sum(
                    fading.surface_to_user[t, s, k].conj()
                    @ turn[s]
                    @ fading.site_to_surface[t, a, s]
                    for s in range(len(turn))
                )
                received[k] += row @ solution.precoder[t, a]
        powers = np.abs(received) ** 2
        own = np.diag(powers)
        rates[t] = np.log2(1 + own / (powers.sum(axis=1) - own + 1)).sum()
    return rates


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(*(st.integers(1, top) for top in (3, 3, 4, 2, 6))),
    power=st.floats(-3, 4),
)
@settings(max_examples=30, deadline=None)
def test_no_step_lowers_the_rate_and_every_limit_holds(
    seed: int, sizes: tuple[int, int, int, int, int], power: float
) -> None:
    fading = draw(seed, 2, *sizes)
    limit = 10**power
    solution = maximise_downlink_sum_rate(
        fading, *start(fading, limit), limit, tolerance=0.0, max_iterations=15
    )
    assert (np.diff(solution.trace) >= 0.0).all()
    assert (solution.iterations == 15).all()
    used = (np.abs(solution.precoder) ** 2).sum(axis=(2, 3))
    assert (used <= limit * (1 + 1e-9)).all()
    assert (np.abs(solution.reflection) <= 1 + 1e-12).all()
    np.testing.assert_allclose(solution.sum_rate, sum_rate(fading, solution), rtol=1e-8)


def test_the_reference_takes_the_same_steps() -> None:
    """The first iterations, with phase steps solved far: later ones amplify what solvers leave."""
    fading = draw(1, 3, 2, 2, 3, 2, 4)
    first = start(fading, 1.0)
    fast = maximise_downlink_sum_rate(
        fading, *first, 1.0, tolerance=0.0, max_iterations=4, phase_accuracy=1e-9,
        max_sweeps=100_000,
    )  # fmt: skip
    reference = maximise_downlink_sum_rate_reference(
        fading, *first, 1.0, tolerance=0.0, max_iterations=4
    )
    np.testing.assert_allclose(fast.trace, reference.trace, rtol=2e-4)
    np.testing.assert_allclose(sum_rate(fading, reference), reference.sum_rate, rtol=1e-9)
    assert (fast.trace[:, 4] > 1.2 * fast.trace[:, 0]).all()


def test_one_user_gets_all_phases_aligned_at_full_power() -> None:
    """One antenna, one user: |h| = |d| + sum_n |f_n g_n| at the optimum."""
    fading = draw(2, 4, 1, 1, 1, 1, 5)
    solution = maximise_downlink_sum_rate(
        fading, *start(fading, 2.0), 2.0, tolerance=0.0, max_iterations=300
    )
    cascade = np.abs(fading.site_to_surface[:, 0, 0, :, 0] * fading.surface_to_user[:, 0, 0])
    best = np.abs(fading.direct[:, 0, 0, 0]) + cascade.sum(axis=1)
    np.testing.assert_allclose(solution.sum_rate, np.log2(1 + 2.0 * best**2), rtol=1e-2)


def test_a_channel_does_not_depend_on_its_batch() -> None:
    fading = draw(3, 4, 2, 2, 3, 2, 4)
    precoder, reflection = start(fading, 1.0)
    whole = maximise_downlink_sum_rate(fading, precoder, reflection, 1.0)
    alone = maximise_downlink_sum_rate(
        Fading(*(part[2:3] for part in fading)), precoder[2:3], reflection[2:3], 1.0
    )
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(values[2], getattr(alone, name)[0], err_msg=name)


def test_a_larger_tolerance_stops_earlier_and_says_so() -> None:
    fading = draw(4, 6, 2, 2, 3, 2, 8)
    first = start(fading, 100.0)
    found = maximise_downlink_sum_rate(fading, *first, 100.0, tolerance=0.01, max_iterations=500)
    assert (found.status == 0).all()
    assert (found.residual < 0.01).all()
    for t in range(6):
        last = found.iterations[t]
        steps = np.diff(found.trace[t, : last + 1]) / found.trace[t, :last]
        assert steps[-1] == pytest.approx(found.residual[t])
        assert (steps[:-1] >= 0.01).all()
        assert (found.trace[t, last:] == found.sum_rate[t]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precoder": np.zeros((1, 2, 2, 2))}, "precoder .* must be"),
        ({"reflection": np.zeros((1, 2, 3))}, "reflection .* must be"),
        ({"reflection": 1.1 * np.ones((1, 2, 4))}, "unit disc"),
        ({"power_limit": 0.1}, "exceeds power_limit"),
        ({"power_limit": 0.0}, "power_limit must be positive"),
        ({"tolerance": -1.0}, "not negative"),
    ],
)
def test_bad_arguments_raise_one_clear_line(change: dict[str, Any], message: str) -> None:
    fading = draw(0, 1, 2, 2, 3, 2, 4)
    precoder, reflection = start(fading, 1.0)
    arguments: dict[str, Any] = {
        "precoder": precoder,
        "reflection": reflection,
        "power_limit": 1.0,
    } | change
    with pytest.raises(ValueError, match=message):
        maximise_downlink_sum_rate(fading, **arguments)
