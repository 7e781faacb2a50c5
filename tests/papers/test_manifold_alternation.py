"""DOMALO, S-DOMALO and their frame: gradients, monotony, closed forms, exhaustive search."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from irsrepro.optimize.result import FAILURE, NO_CHANNEL, NO_INVERSE
from irsrepro.papers.zhang2022.algorithms.linear_beams import linear_beams
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import Alternation, alternate
from irsrepro.papers.zhang2022.algorithms.rates import MIN_RATE, SUM_RATE, cost, sensitivity
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    BOTH,
    FIRST,
    SECOND,
    SurfaceLinks,
    affine_responses,
    checked_links,
    composite_channel,
    effective_channel,
    nearest_levels,
)
from irsrepro.papers.zhang2022.reference.manifold_alternation import (
    alternate as alternate_reference,
)
from irsrepro.papers.zhang2022.reference.manifold_alternation import (
    linear_beams_reference,
)

Complex = NDArray[np.complex128]

USERS, ANTENNAS, ELEMENTS, SURFACE1 = 3, 4, 6, 4


def noise(rng: np.random.Generator, *shape: int) -> Complex:
    return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


def links(count: int, paths: str = "", seed: int = 0) -> SurfaceLinks:
    """Gaussian channels; ``paths`` names those between the surfaces, and the direct one."""
    rng = np.random.default_rng(seed)
    outgoing, incoming = noise(rng, count, USERS, ELEMENTS), noise(rng, count, ELEMENTS, ANTENNAS)
    irs1_to_irs2 = noise(rng, count, ELEMENTS - SURFACE1, SURFACE1)
    irs2_to_irs1 = noise(rng, count, SURFACE1, ELEMENTS - SURFACE1)
    direct = noise(rng, count, USERS, ANTENNAS)
    none = np.empty((count, 0, 0), complex)
    return SurfaceLinks(
        outgoing,
        incoming,
        irs1_to_irs2 if "irs1_to_irs2" in paths else none,
        irs2_to_irs1 if "irs2_to_irs1" in paths else none,
        direct if "direct" in paths else none,
        SURFACE1,
    )


def ones(count: int) -> Complex:
    return np.ones((count, ELEMENTS), complex)


def sinr(given: SurfaceLinks, beams: Complex, reflection: Complex) -> NDArray[np.float64]:
    channel = composite_channel(given, reflection)
    heard = np.abs(np.einsum("rkm,rjm->rkj", channel, beams)) ** 2
    own = np.einsum("rkk->rk", heard)
    return np.asarray(own / (heard.sum(axis=2) - own + 1.0))


def check_last_rate(given: SurfaceLinks, found: Alternation, objective: str) -> None:
    """Insist that a trace ends at the rate that the variables reach."""
    rates = np.log2(1.0 + sinr(given, found.beams, found.reflection))
    reached = rates.sum(axis=1) if objective == "sum-rate" else rates.min(axis=1)
    np.testing.assert_allclose(found.trace[:, -1], reached, rtol=1e-9)


@pytest.mark.parametrize(
    "paths",
    [
        "",
        "irs1_to_irs2",
        "irs2_to_irs1",
        "irs1_to_irs2 irs2_to_irs1",
        "direct",
        "irs1_to_irs2 direct",
    ],
)
def test_the_channel_is_equation_5(paths: str) -> None:
    given = links(2, paths)
    rng = np.random.default_rng(1)
    x = np.exp(2j * np.pi * rng.random((2, ELEMENTS)))
    made = composite_channel(given, x)
    o, g, f, b, d, n = checked_links(given)
    for r in range(2):
        first, second = np.diag(x[r, :n]), np.diag(x[r, n:])
        o1, o2, g1, g2 = o[r, :, :n], o[r, :, n:], g[r, :n], g[r, n:]
        wanted = o1 @ first @ g1 + o2 @ second @ g2
        if "irs1_to_irs2" in paths:
            wanted = wanted + o2 @ second @ f[r] @ first @ g1
        if "irs2_to_irs1" in paths:
            wanted = wanted + o1 @ first @ b[r] @ second @ g2
        if "direct" in paths:
            wanted = wanted + d[r]
        np.testing.assert_allclose(made[r], wanted, rtol=1e-12)
        compiled = effective_channel(checked_links(given).of(r), x[r])
        np.testing.assert_allclose(compiled, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "paths",
    [
        "",
        "irs1_to_irs2",
        "irs2_to_irs1",
        "irs1_to_irs2 irs2_to_irs1",
        "direct",
        "irs1_to_irs2 direct",
    ],
)
def test_responses_are_affine_in_either_surface(paths: str) -> None:
    """Eqs. (25) to (28), against the channel itself."""
    given, n = checked_links(links(1, paths)).of(0), SURFACE1
    rng = np.random.default_rng(2)
    x, beams = np.exp(2j * np.pi * rng.random(ELEMENTS)), noise(rng, USERS, ANTENNAS)
    whole = beams @ effective_channel(given, x).T
    blocks = {FIRST: slice(0, n), SECOND: slice(n, ELEMENTS)}
    if not given.irs1_to_irs2.size and not given.irs2_to_irs1.size:
        blocks[BOTH] = slice(0, ELEMENTS)
    for free, block in blocks.items():
        part = affine_responses(free, given, x, beams)
        found = (x[block] @ part.forward).reshape(USERS, USERS) + part.rest
        np.testing.assert_allclose(found, whole, rtol=1e-11)
        np.testing.assert_array_equal(part.backward, part.forward.conj().T)


@pytest.mark.parametrize("objective", [SUM_RATE, MIN_RATE])
def test_gradients_are_those_of_finite_differences(objective: int) -> None:
    """Eqs. (14), (21), (40) and (43) are this Z times what s depends on linearly."""
    rng = np.random.default_rng(3)
    s, factors = noise(rng, USERS, USERS), 1.0 + rng.random(USERS)
    level, smoothing, shares = 0.7, 0.9, np.empty(USERS)
    Z = np.empty_like(s)

    def value(at: Complex) -> float:
        return float(cost(objective, at, factors, level, smoothing, shares))

    value(s)
    sensitivity(objective, s, factors, level, shares, Z)
    step = 1e-6
    for j, k in product(range(USERS), repeat=2):
        for unit in (1.0, 1j):
            moved = np.zeros_like(s)
            moved[j, k] = step * unit
            slope = (value(s + moved) - value(s - moved)) / (2 * step)
            assert slope == pytest.approx((np.conj(Z[j, k]) * unit).real, abs=1e-7)


def test_costs_are_equations_10_and_36() -> None:
    rng = np.random.default_rng(4)
    s, factors = noise(rng, USERS, USERS), 1.0 + rng.random(USERS)
    heard = np.abs(s) ** 2  # (beam, user)
    own, others = heard.diagonal(), heard.sum(axis=0) - heard.diagonal()
    shares = np.empty(USERS)
    wanted = -(factors * own / (own + others + 1.0)).sum()
    assert cost(SUM_RATE, s, factors, 0.0, 1.0, shares) == pytest.approx(wanted)
    f = factors * own - 0.4 * (others + 1.0)
    wanted = 0.3 * np.log(np.exp(-f / 0.3).sum())
    assert cost(MIN_RATE, s, factors, 0.4, 0.3, shares) == pytest.approx(wanted)
    # Eq. (37): the smooth minimum is below the true one by at most mu ln K.
    assert 0.0 <= f.min() + wanted <= 0.3 * np.log(USERS)


@pytest.mark.parametrize("objective", [SUM_RATE, MIN_RATE])
@pytest.mark.parametrize("free", [BOTH, FIRST, SECOND])
def test_slopes_in_the_phases_are_those_of_finite_differences(objective: int, free: int) -> None:
    """Through the channel itself, the direct link included and, for one surface, paths between."""
    paths = "direct" if free == BOTH else "irs1_to_irs2 irs2_to_irs1 direct"
    given, n = checked_links(links(1, paths, seed=9)).of(0), SURFACE1
    rng = np.random.default_rng(9)
    angles, beams = 2 * np.pi * rng.random(ELEMENTS), noise(rng, USERS, ANTENNAS)
    factors, shares = 1.0 + rng.random(USERS), np.empty(USERS)
    block = {BOTH: slice(0, ELEMENTS), FIRST: slice(0, n), SECOND: slice(n, ELEMENTS)}[free]

    def responses(at: NDArray[np.float64]) -> Complex:
        return np.asarray(beams @ effective_channel(given, np.exp(1j * at)).T)

    def value(at: NDArray[np.float64]) -> float:
        return float(cost(objective, responses(at), factors, 0.4, 50.0, shares))

    Z = np.empty((USERS, USERS), complex)
    value(angles)
    sensitivity(objective, responses(angles), factors, 0.4, shares, Z)
    part = affine_responses(free, given, np.exp(1j * angles), beams)
    slope = (Z.ravel() @ part.backward).conj() * 1j * np.exp(1j * angles[block])
    for place, element in enumerate(range(ELEMENTS)[block]):
        moved = np.zeros(ELEMENTS)
        moved[element] = 1e-6
        wanted = (value(angles + moved) - value(angles - moved)) / 2e-6
        assert slope[place].real == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
def test_a_direct_link_of_strength_zero_is_none_and_a_strong_one_decides(objective: Any) -> None:
    plain = links(4)
    none = plain._replace(direct=np.zeros((4, USERS, ANTENNAS), complex))
    options: dict[str, Any] = {"objective": objective, "max_iterations": 5}
    without, zero = (alternate(each, ones(4), **options) for each in (plain, none))
    np.testing.assert_allclose(zero.trace, without.trace, rtol=1e-9)
    strong = plain._replace(direct=100.0 * links(4, "direct").direct)
    found = alternate(strong, ones(4), **options)
    assert np.diff(found.trace, axis=1).min() >= -1e-9
    alone = strong._replace(outgoing=1e-9 * plain.outgoing)
    near = alternate(
        alone, ones(4), objective=objective, max_iterations=60, update_reflection=False
    )
    assert found.trace[:, -1].mean() == pytest.approx(near.trace[:, -1].mean(), rel=0.15)
    theirs = alternate_reference(links(4, "direct"), ones(4), **options)
    ours = alternate(links(4, "direct"), ones(4), **options)
    np.testing.assert_allclose(ours.trace[:, 0], theirs.trace[:, 0], rtol=1e-9)
    assert ours.trace[:, -1].mean() == pytest.approx(theirs.trace[:, -1].mean(), rel=0.06)


@pytest.mark.parametrize("solve", [alternate, alternate_reference])
@pytest.mark.parametrize("kind", ["mrt", "zf", "mmse"])
@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
def test_closed_forms_begin_and_end_with_their_beams(kind: Any, objective: Any, solve: Any) -> None:
    given = links(3)
    for max_iterations in (0, 3):
        found = solve(
            given, ones(3), objective=objective, beams=kind, max_iterations=max_iterations
        )
        for r, channel in enumerate(composite_channel(given, found.reflection)):
            wanted = linear_beams_reference(kind, channel)
            assert wanted is not None
            np.testing.assert_allclose(found.beams[r], wanted, rtol=1e-8)
        check_last_rate(given, found, objective)


@pytest.mark.parametrize("paths", ["", "irs1_to_irs2"])
@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
def test_the_rate_never_falls_and_is_what_the_variables_reach(paths: str, objective: Any) -> None:
    given = links(6, paths)
    found = alternate(given, ones(6), objective=objective, max_iterations=12)
    assert np.diff(found.trace, axis=1).min() >= -1e-9
    assert (found.trace[:, -1] > 1.2 * found.trace[:, 0]).all()
    np.testing.assert_allclose(np.abs(found.reflection), 1.0, rtol=1e-12)
    np.testing.assert_allclose((np.abs(found.beams) ** 2).sum(axis=(1, 2)), 1.0, rtol=1e-12)
    check_last_rate(given, found, objective)


@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
@pytest.mark.parametrize("paths", ["", "irs1_to_irs2"])
def test_pymanopt_finds_as_much(paths: str, objective: Any) -> None:
    """The same algorithm from the same starts: equal beginnings, means equal to a few per cent."""
    given = links(8, paths, seed=5)
    options: dict[str, Any] = {"objective": objective, "max_iterations": 8}
    options |= {"beam_steps": 40, "reflection_steps": 40}
    ours, theirs = (solve(given, ones(8), **options) for solve in (alternate, alternate_reference))
    np.testing.assert_allclose(ours.trace[:, 0], theirs.trace[:, 0], rtol=1e-9)
    means = ours.trace[:, -1].mean(), theirs.trace[:, -1].mean()
    assert means[0] == pytest.approx(means[1], rel=0.04)


def test_one_smoothing_shrinks_with_every_refusal() -> None:
    """From one far too large, sharing gets there sooner; both engines, and never downhill."""
    given = links(8, seed=7)
    options: dict[str, Any] = {"objective": "min-rate", "max_iterations": 8, "smoothing": 1e3}
    shared, apart, theirs = (
        solve(given, ones(8), share_smoothing=share, **options)
        for solve, share in ((alternate, True), (alternate, False), (alternate_reference, True))
    )
    assert np.diff(shared.trace, axis=1).min() >= -1e-9
    assert shared.trace[:, -1].mean() > apart.trace[:, -1].mean()
    assert shared.trace[:, -1].mean() == pytest.approx(theirs.trace[:, -1].mean(), rel=0.1)


def test_no_reflection_on_a_fine_grid_beats_the_reflection_found() -> None:
    """One user and three elements: the optimum is known, all paths in phase is not reachable."""
    rng, none = np.random.default_rng(6), np.empty((1, 0, 0), complex)
    given = SurfaceLinks(
        noise(rng, 1, 1, 3),
        noise(rng, 1, 3, 2),
        none,
        none,
        none,
        3,
    )
    grid = np.exp(2j * np.pi * np.arange(60) / 60)
    turned = np.array([(1.0, a, b) for a, b in product(grid, grid)])
    channel = np.einsum("n,xn,nm->xm", given.outgoing[0, 0], turned, given.incoming[0])
    best = np.log2(1.0 + (np.abs(channel) ** 2).sum(axis=1)).max()
    for objective in ("sum-rate", "min-rate"):
        found = alternate(
            given,
            np.ones((1, 3), complex),
            objective=objective,
            max_iterations=60,
        )
        assert best * (1 - 1e-3) <= found.trace[0, -1] <= best * 1.02, objective


@pytest.mark.parametrize("kind", ["mrt", "zf", "mmse"])
def test_closed_form_beams(kind: str) -> None:
    channel = composite_channel(links(1), ones(1))[0]
    beams = np.empty_like(channel)
    assert linear_beams(("", "mrt", "zf", "mmse").index(kind), channel, beams)
    wanted = linear_beams_reference(kind, channel)
    assert wanted is not None
    np.testing.assert_allclose(beams, wanted, rtol=1e-9)
    heard = channel @ beams.T
    if kind == "zf":
        np.testing.assert_allclose(heard, np.diag(heard.diagonal()), atol=1e-12)


def test_zero_forcing_beyond_the_rank_has_no_design() -> None:
    """Two antennas cannot serve three users without interference; MMSE goes on."""
    given = links(2)._replace(incoming=links(2).incoming[..., :2])
    found = alternate(given, ones(2), objective="sum-rate", beams="zf", max_iterations=3)
    assert (found.status == NO_INVERSE).all() and np.isnan(found.beams).all()
    assert np.isnan(found.trace).all()
    assert np.isfinite(
        alternate(given, ones(2), objective="sum-rate", beams="mmse", max_iterations=3).trace
    ).all()


def test_no_channel_no_design_and_data_that_are_not_finite_fail_alone() -> None:
    given = links(3)
    given.outgoing[1] = 0.0
    given.incoming[2, 0, 0] = np.nan
    found = alternate(given, ones(3), objective="min-rate", max_iterations=3)
    assert found.status[1] == NO_CHANNEL and not found.beams[1].any() and not found.trace[1].any()
    assert found.status[2] == FAILURE and np.isnan(found.trace[2]).all()
    assert np.isfinite(found.trace[0]).all()


@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
def test_a_realisation_depends_on_no_other(objective: Any) -> None:
    given = links(5, "irs1_to_irs2")
    whole = alternate(given, ones(5), objective=objective, max_iterations=5)
    part = given.of(slice(3, 4))
    alone = alternate(part, ones(1), objective=objective, max_iterations=5)
    for name in ("beams", "reflection", "trace"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[3])


def test_phases_go_to_the_nearest_level_around_the_circle() -> None:
    angles = np.array([0.1, 3.0, -3.0, 6.2, 0.8, -0.8])
    turned = np.exp(1j * angles)
    nearest_levels(turned, 4)
    grid = np.exp(0.5j * np.pi * np.arange(4))
    best = np.abs(np.exp(1j * angles)[:, None] - grid).argmin(axis=1)
    np.testing.assert_allclose(turned, grid[best], atol=1e-12)


@pytest.mark.parametrize("objective", ["sum-rate", "min-rate"])
def test_quantised_phases(objective: Any) -> None:
    given = links(8, seed=7)
    made = {
        way: alternate(
            given, ones(8), objective=objective, max_iterations=10, levels=4, quantisation=way
        )
        for way in ("inside", "inside, kept", "after")
    }
    for found in made.values():
        np.testing.assert_allclose(found.reflection**4, 1.0, atol=1e-9)
    ideal = alternate(given, ones(8), objective=objective, max_iterations=10)
    np.testing.assert_array_equal(made["after"].trace, ideal.trace)
    assert np.diff(made["inside, kept"].trace, axis=1).min() >= -1e-9
    assert ideal.trace[:, -1].mean() > made["inside"].trace[:, -1].mean()


def test_random_reflection_stays_and_its_beams_improve() -> None:
    rng = np.random.default_rng(8)
    start = np.exp(2j * np.pi * rng.random((4, ELEMENTS)))
    for objective in ("sum-rate", "min-rate"):
        found = alternate(
            links(4),
            start,
            objective=objective,
            update_reflection=False,
            max_iterations=8,
        )
        np.testing.assert_array_equal(found.reflection, start)
        assert (found.trace[:, -1] > found.trace[:, 0]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reflection": np.ones((1, 2), complex)}, "reflection"),
        ({"weights": [1.0, -1.0, 1.0]}, "weights"),
        ({"quantisation": "inside", "levels": 1}, "levels"),
        ({"shrink": 1.0}, "shrink"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {
        "reflection": ones(1),
        "objective": "sum-rate",
        "max_iterations": 1,
    } | wrong
    with pytest.raises(ValueError, match=message):
        alternate(links(1), **options)
    with pytest.raises(ValueError, match="irs1_to_irs2"):
        checked_links(links(1)._replace(irs1_to_irs2=np.ones((1, 2, 2), complex)))
