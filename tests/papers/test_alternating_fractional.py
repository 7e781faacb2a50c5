"""AIF: its steps against the obvious way, and what its projection costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from irsrepro.optimize.fractional import quadratic_auxiliary
from irsrepro.optimize.result import FAILURE, NO_CHANNEL
from irsrepro.papers.zhang2022.algorithms.alternating_fractional import (
    alternate_fractional,
    fractional_beams,
    phase_problem,
)
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    BOTH,
    SurfaceLinks,
    affine_responses,
    composite_channel,
)
from irsrepro.papers.zhang2022.reference.alternating_fractional import (
    alternate_fractional as alternate_fractional_reference,
)
from irsrepro.papers.zhang2022.reference.alternating_fractional import (
    beams_reference,
)

Complex = NDArray[np.complex128]


def links(count: int, users: int = 3, elements: int = 6) -> SurfaceLinks:
    antennas = 4
    rng = np.random.default_rng(0)

    def noise(*shape: int) -> Complex:
        return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))

    none = np.empty((count, 0, 0), complex)
    outgoing = noise(count, users, elements)
    return SurfaceLinks(outgoing, noise(count, elements, antennas), none, none, none, elements // 2)


def test_beams_are_those_of_the_regularised_inverse() -> None:
    given = links(1)
    channel = composite_channel(given, np.ones((1, 6), complex))[0]
    rng = np.random.default_rng(1)
    start = rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))
    responses = start @ channel.T
    sinr, beta = rng.random(3), np.empty(3, complex)
    quadratic_auxiliary(responses, np.ones(sinr.size), sinr, 1.0, beta)
    beams = np.empty_like(start)
    fractional_beams(channel, sinr, beta, 1e-12, beams)
    np.testing.assert_allclose(beams, beams_reference(channel, sinr, beta), rtol=1e-6)
    assert (np.abs(beams) ** 2).sum() == pytest.approx(1.0)


def test_the_phase_problem_is_the_transformed_sum_rate() -> None:
    """||v||^2 - ||B^T x - v||^2 is the part of the transform that depends on x, at any x."""
    given = links(1)
    rng = np.random.default_rng(2)
    beams = rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))
    alpha = rng.random(3)
    beta = rng.standard_normal(3) + 1j * rng.standard_normal(3)
    x = np.exp(2j * np.pi * rng.random(6))
    part = affine_responses(BOTH, given.of(0), x, beams)
    forms, target = np.empty((6, 9), complex), np.empty(9, complex)
    phase_problem(part, alpha, beta, forms, target)
    s = composite_channel(given, x[None])[0] @ beams.T
    wanted = (2 * np.sqrt(1 + alpha) * (beta.conj() * s.diagonal()).real).sum()
    wanted -= (np.abs(beta) ** 2 * (np.abs(s) ** 2).sum(axis=1)).sum()
    q = (np.abs(target) ** 2).sum() - (np.abs(forms.T @ x - target) ** 2).sum()
    assert q == pytest.approx(wanted)


def test_the_reference_finds_as_much() -> None:
    """Six elements and three users: a phase step has one solution, unless a user gets no beam."""
    given, start = links(12), np.ones((12, 6), complex)
    ours = alternate_fractional(given, start, max_iterations=10, phase_accuracy=1e-8)
    theirs = alternate_fractional_reference(given, start, max_iterations=10)
    np.testing.assert_allclose(ours.trace[:, 0], theirs.trace[:, 0], rtol=1e-9)
    distance = np.abs(ours.trace / theirs.trace - 1.0).max(axis=1)
    assert (distance < 2e-4).sum() >= 11
    assert distance.max() < 0.05
    assert ours.trace[:, -1].mean() > 1.1 * ours.trace[:, 0].mean()
    np.testing.assert_allclose(np.abs(ours.reflection), 1.0, rtol=1e-12)


def test_with_many_elements_both_engines_take_a_phase_step_near_the_middle() -> None:
    """Two users and twenty elements: one among many, and not the same one."""
    given = links(8, users=2, elements=20)
    start = np.ones((8, 20), complex)
    ours, theirs = (
        solve(given, start, max_iterations=1).trace[:, 1]
        for solve in (alternate_fractional, alternate_fractional_reference)
    )
    np.testing.assert_allclose(ours, theirs, rtol=0.1)
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.03)


def test_a_phase_step_without_end_is_a_failure() -> None:
    """No gap is below zero: the path is followed until rounding allows no more."""
    given = links(2)
    found = alternate_fractional(
        given, np.ones((2, 6), complex), max_iterations=3, phase_accuracy=0.0
    )
    assert (found.status == FAILURE).all()
    assert np.isnan(found.trace).all()


def test_an_element_without_effect_keeps_its_phase() -> None:
    given = links(1)
    given.outgoing[:, :, 2] = 0.0
    start = np.full((1, 6), 1j)
    found = alternate_fractional(given, start, max_iterations=3)
    assert found.reflection[0, 2] == 1j
    assert (found.reflection[0, [0, 1, 3, 4, 5]] != 1j).all()


def by_the_benchmark_paper(given: SurfaceLinks, rounds: int) -> list[float]:
    """Sum-rates of AIF as its own paper lists the steps, for one realisation, from phases of zero.

    Written from that paper alone: beams P are M x K, the multiplier of the power is bisected
    between 1e-6 and 50, and the relaxed phases come from the dual semidefinite program with its
    Schur complement.
    """
    import cvxpy

    cp: Any = cvxpy
    o, g = given.outgoing[0], given.incoming[0]
    users, elements = o.shape

    def link(theta: Complex) -> Complex:
        return np.asarray(o @ np.diag(theta) @ g)

    def received(H: Complex, P: Complex) -> tuple[Complex, Any, Any]:
        S = H @ P
        power = np.abs(S) ** 2
        return S, power, power.sum(axis=1) + 1.0

    theta = np.ones(elements, complex)
    H = link(theta)
    P = H.conj().T @ np.linalg.inv(H @ H.conj().T)
    P /= np.linalg.norm(P)
    rates = []
    for _ in range(rounds):
        S, power, total = received(H, P)
        alpha = np.diag(power) / (total - np.diag(power))
        beta = np.sqrt(1 + alpha) * np.diag(S) / total
        low, high = 1e-6, 50.0
        while high - low > 1e-13:
            nu = (low + high) / 2
            B = np.linalg.inv(nu * np.eye(len(P)) + (H.conj().T * np.abs(beta) ** 2) @ H)
            P = B @ H.conj().T @ np.diag(np.sqrt(1 + alpha) * beta)
            low, high = (nu, high) if np.linalg.norm(P) > 1 else (low, nu)
        S, _, total = received(H, P)
        rho = np.sqrt(1 + alpha) * np.diag(S) / total
        A, b = np.zeros((elements, elements), complex), np.zeros(elements, complex)
        for k in range(users):
            for j in range(users):
                a = (o[k] * (g @ P[:, j])).conj()  # |a^H theta| is what user k hears of beam j
                A += abs(rho[k]) ** 2 * np.outer(a, a.conj())
                if j == k:
                    b += np.sqrt(1 + alpha[k]) * rho[k] * a
        zeta, height = cp.Variable(elements, nonneg=True), cp.Variable()
        column, corner = b[:, None], cp.reshape(height, (1, 1), order="F")
        block = cp.bmat([[A + cp.diag(zeta), column], [column.conj().T, corner]])
        program = cp.Problem(cp.Minimize(cp.sum(zeta) + height), [block >> 0])
        program.solve(solver="CLARABEL")
        relaxed = np.linalg.solve(A + np.diag(np.maximum(np.asarray(zeta.value), 0.0)), b)
        theta = np.exp(1j * np.angle(relaxed))
        H = link(theta)
        _, power, total = received(H, P)
        rates.append(float(np.log2(total / (total - np.diag(power))).sum()))
    return rates


@pytest.mark.parametrize("solve", [alternate_fractional, alternate_fractional_reference])
def test_aif_is_that_of_its_own_paper(solve: Any) -> None:
    """Six elements and three users: every relaxed phase step has one answer."""
    given, start = links(1), np.ones((1, 6), complex)
    found = solve(given, start, max_iterations=4, tolerance=0.0, phase_accuracy=1e-8)
    np.testing.assert_allclose(found.trace[0, 1:], by_the_benchmark_paper(given, 4), rtol=2e-4)


def test_a_direct_link_is_in_the_steps_of_both_engines() -> None:
    """One of strength zero changes nothing, and the engines agree on one that counts."""
    plain, start = links(1), np.ones((1, 6), complex)
    rng = np.random.default_rng(4)
    direct = rng.standard_normal((1, 3, 4)) + 1j * rng.standard_normal((1, 3, 4))
    options: dict[str, Any] = {"max_iterations": 4, "tolerance": 0.0, "phase_accuracy": 1e-8}
    made = []
    for strength in (0.0, 1.0):
        given = plain._replace(direct=np.asarray(strength * direct, np.complex128))
        made.append(alternate_fractional(given, start, **options))
        theirs = alternate_fractional_reference(given, start, **options)
        np.testing.assert_allclose(made[-1].trace, theirs.trace, rtol=2e-4)
    without = alternate_fractional(plain, start, **options)
    np.testing.assert_allclose(made[0].trace, without.trace, rtol=1e-9)
    assert abs(made[1].trace[0, -1] / without.trace[0, -1] - 1.0) > 0.01


def test_a_realisation_depends_on_no_other_and_a_dead_one_is_told() -> None:
    given, start = links(4), np.ones((4, 6), complex)
    given.outgoing[1] = 0.0
    whole = alternate_fractional(given, start, max_iterations=5)
    assert whole.status[1] == NO_CHANNEL and not whole.trace[1].any()
    part = given.of(slice(2, 3))
    alone = alternate_fractional(part, start[2:3], max_iterations=5)
    np.testing.assert_array_equal(alone.beams[0], whole.beams[2])
    np.testing.assert_array_equal(alone.reflection[0], whole.reflection[2])


def test_a_path_between_the_surfaces_is_refused() -> None:
    given = links(1)._replace(irs1_to_irs2=np.ones((1, 3, 3), complex))
    with pytest.raises(ValueError, match="between the surfaces"):
        alternate_fractional(given, np.ones((1, 6), complex), max_iterations=1)
