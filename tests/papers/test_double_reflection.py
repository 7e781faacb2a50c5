"""Two surfaces, one user: the channel, closed-form alternation, its start, its Hermitian forms."""

# mypy: disable-error-code="attr-defined"

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from draws import gaussian, phases
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.papers.zheng2021.algorithms.double_reflection import (
    Alternation,
    alternate_double_reflection,
    alternate_single_reflection,
    combine_single_surface,
)
from irsrepro.papers.zheng2021.algorithms.links import (
    Links,
    block_factors,
    effective_channel,
    joint_cascade,
    product_factors,
)
from irsrepro.papers.zheng2021.reference import double_reflection as plain

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
STOP = "iterations", "status", "residual"
SIZES = [(7, 5), (1, 1), (6, 0), (0, 6), (20, 20)]


def draw_links(
    rng: np.random.Generator, count: int, antennas: int, size1: int, size2: int, users: int = 0
) -> Links:
    """Channels of the order of one; the path over both surfaces as strong as the single ones."""
    several = (users,) if users else ()
    return Links(
        gaussian(rng, count, *several, size1),
        gaussian(rng, count, *several, size2),
        gaussian(rng, count, size2, size1) / np.sqrt(max(size1, 1)),
        gaussian(rng, count, antennas, size1),
        gaussian(rng, count, antennas, size2),
    )


def gain(links: Links, reflection1: Complex, reflection2: Complex, receiver: Complex) -> Real:
    """|w^H h|^2 (realisation,)."""
    h = effective_channel(links, reflection1, reflection2)
    squared: Real = np.abs((receiver.conj() * h).sum(axis=1)) ** 2
    return squared


def rise(trace: Real) -> float:
    """Largest fall from one iteration to the next, relative and negative; zero without a fall."""
    return float((np.diff(trace) / np.maximum(trace[:, 1:], 1e-300)).min(initial=0.0))


@pytest.mark.parametrize(("size1", "size2"), SIZES)
def test_the_channel_is_the_sum_over_the_elements_of_surface_1(size1: int, size2: int) -> None:
    """zheng2021, eqs. (3) to (6), with every matrix Q_{k,m} formed."""
    rng = np.random.default_rng(0)
    links = draw_links(rng, 3, 4, size1, size2, users=2)
    theta1, theta2 = phases(rng, 3, size1), phases(rng, 3, size2)
    channel = effective_channel(links, theta1, theta2)
    assert channel.shape == (3, 4, 2)
    for r in range(3):
        for k in range(2):
            u, v, (d, g1, g2) = links.first[r, k], links.second[r, k], [a[r] for a in links[2:]]
            columns = d @ np.diag(u)
            q = [g2 @ np.diag(columns[:, m]) for m in range(size1)]
            h = g2 @ np.diag(v) @ theta2[r] + g1 @ np.diag(u) @ theta1[r]
            for m in range(size1):
                h = h + theta1[r, m] * q[m] @ theta2[r]
            np.testing.assert_allclose(channel[r, :, k], h, atol=1e-12)
    lone = links._replace(first=links.first[:, 1], second=links.second[:, 1])
    np.testing.assert_allclose(effective_channel(lone, theta1, theta2), channel[:, :, 1])


@pytest.mark.parametrize(("size1", "size2"), SIZES)
def test_block_factors_and_joint_cascade_give_the_channel(size1: int, size2: int) -> None:
    rng = np.random.default_rng(1)
    links = draw_links(rng, 4, 3, size1, size2)
    theta1, theta2 = phases(rng, 4, size1), phases(rng, 4, size2)
    h = effective_channel(links, theta1, theta2)
    for factor, theta in zip(block_factors(links, theta1, theta2), (theta1, theta2), strict=True):
        extended = np.concatenate([theta, np.ones((4, 1))], axis=1)[:, :, None]
        form = extended.conj().mT @ factor.conj().mT @ factor @ extended
        np.testing.assert_allclose(form[:, 0, 0], np.linalg.norm(h, axis=1) ** 2)
        np.testing.assert_allclose((factor @ extended)[:, :, 0], h)
    apart = effective_channel(links._replace(between=0 * links.between), theta1, theta2)
    both = np.concatenate([theta1, theta2], axis=1)[:, :, None]
    np.testing.assert_allclose((joint_cascade(links) @ both)[:, :, 0], apart)


@pytest.mark.parametrize(("size1", "size2"), SIZES)
@pytest.mark.parametrize("tolerance", [0.0, 1e-4])
@pytest.mark.parametrize("handed", [False, True])
def test_everything_is_that_of_the_reference(
    size1: int, size2: int, tolerance: float, handed: bool
) -> None:
    rng = np.random.default_rng(2)
    links = draw_links(rng, 4, 3, size1, size2)
    receiver = 5 * gaussian(rng, 4, 3) if handed else None
    problem = links, phases(rng, 4, size1), phases(rng, 4, size2), receiver
    ours = alternate_double_reflection(*problem, max_iterations=15, tolerance=tolerance)
    theirs = plain.alternate_double_reflection(*problem, max_iterations=15, tolerance=tolerance)
    for field in fields(Alternation):
        mine, other = getattr(ours, field.name), getattr(theirs, field.name)
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-8, err_msg=field.name)
        assert mine.dtype == other.dtype


def test_the_result_is_evaluated_at_its_variables_and_never_falls() -> None:
    rng = np.random.default_rng(3)
    links = draw_links(rng, 200, 10, 12, 9)
    theta1, theta2, receiver = phases(rng, 200, 12), phases(rng, 200, 9), gaussian(rng, 200, 10)
    handed = *links, theta1, theta2, receiver
    before = [np.copy(array) for array in handed]
    solution = alternate_double_reflection(links, theta1, theta2, receiver)
    assert all((a == b).all() for a, b in zip(handed, before, strict=True))
    receiver = receiver / np.linalg.norm(receiver, axis=1, keepdims=True)
    np.testing.assert_allclose(solution.trace[:, 0], gain(links, theta1, theta2, receiver))
    assert rise(solution.trace) >= -1e-13
    h = effective_channel(links, solution.reflection1, solution.reflection2)
    norm = np.linalg.norm(h, axis=1, keepdims=True)
    np.testing.assert_allclose(solution.receiver, h / norm, atol=1e-13)
    np.testing.assert_allclose(solution.gain, norm[:, 0] ** 2)
    np.testing.assert_array_equal(solution.gain, solution.trace[:, -1])
    for reflection in (solution.reflection1, solution.reflection2):
        np.testing.assert_allclose(np.abs(reflection), 1.0, rtol=1e-14)


def test_each_step_is_the_best_of_an_exhaustive_search() -> None:
    """Every block of two elements on a grid of one degree, the other variables held."""
    rng = np.random.default_rng(4)
    turns = np.exp(2j * np.pi * np.arange(360) / 360)
    grid = np.stack(np.meshgrid(turns, turns), axis=-1).reshape(-1, 2)
    for _ in range(5):
        links = draw_links(rng, 1, 3, 2, 2)
        theta1, theta2, w = phases(rng, 1, 2), phases(rng, 1, 2), gaussian(rng, 1, 3)
        w /= np.linalg.norm(w)
        one = alternate_double_reflection(links, theta1, theta2, w, max_iterations=1)
        found1, found2 = one.reflection1, one.reflection2
        second = block_factors(links, theta1, theta2)[1], gain(links, theta1, found2, w)
        first = block_factors(links, theta1, found2)[0], gain(links, found1, found2, w)
        for factor, reached in (second, first):
            row = w[0].conj() @ factor[0]
            best = (np.abs(grid @ row[:2] + row[2]) ** 2).max()
            assert reached[0] * (1 - 1e-3) <= best <= reached[0] * (1 + 1e-12)
        h, others = effective_channel(links, found1, found2), gaussian(rng, 2000, 3)
        ratio = np.abs(others.conj() @ h[0]) / np.linalg.norm(others, axis=1)
        assert (ratio**2).max() <= one.gain[0] * (1 + 1e-12)


@pytest.mark.parametrize("empty", [1, 2])
def test_an_empty_surface_leaves_the_single_one(empty: int) -> None:
    """The single-surface baseline is the double system without elements on one side."""
    rng = np.random.default_rng(5)
    sizes = (0, 8) if empty == 1 else (8, 0)
    links, theta = draw_links(rng, 6, 4, *sizes), phases(rng, 6, 8)
    none = np.ones((6, 0), complex)
    starts = (none, theta) if empty == 1 else (theta, none)
    double = alternate_double_reflection(links, *starts, max_iterations=30)
    single = plain.single_reflection_from(joint_cascade(links), theta[:, None], max_iterations=30)
    np.testing.assert_allclose(double.gain, single.gain, rtol=1e-9)
    found = np.concatenate([double.reflection1, double.reflection2], axis=1)
    np.testing.assert_allclose(
        np.abs((found.conj() * single.reflection1).sum(axis=1)), 8, rtol=1e-6
    )


def test_the_best_start_of_a_single_surface_is_kept() -> None:
    rng = np.random.default_rng(6)
    cascaded, handed = gaussian(rng, 30, 4, 9), phases(rng, 30, 3, 9)
    solution = alternate_single_reflection(cascaded, handed, max_iterations=40)
    _, singular = np.linalg.svd(cascaded)[1:]
    dominant = np.exp(1j * np.angle(singular[:, :1].conj()))
    columns = np.exp(-2j * np.pi * np.outer(np.arange(9), np.arange(9)) / 9)
    best = np.linalg.norm(cascaded @ columns, axis=1).argmax(axis=1)
    starts = np.concatenate([handed, columns.T[best][:, None], dominant], axis=1)
    expected = plain.single_reflection_from(cascaded, starts, max_iterations=40).gain
    np.testing.assert_allclose(solution.gain, expected, rtol=1e-6)
    h = (cascaded @ solution.reflection1[:, :, None])[:, :, 0]
    np.testing.assert_allclose(solution.gain, np.linalg.norm(h, axis=1) ** 2)
    np.testing.assert_allclose(np.abs((solution.receiver.conj() * h).sum(axis=1)) ** 2, expected)
    assert solution.reflection2.shape == (30, 0)
    assert rise(solution.trace) >= -1e-13
    ones = alternate_single_reflection(cascaded, np.ones((30, 1, 9), complex))
    np.testing.assert_array_equal(alternate_single_reflection(cascaded).gain, ones.gain)


@pytest.mark.parametrize(("size1", "size2"), [(3, 4), (0, 4), (3, 0)])
def test_product_factors_give_the_channel(size1: int, size2: int) -> None:
    rng = np.random.default_rng(8)
    links = draw_links(rng, 6, 4, size1, size2)
    theta1, theta2 = phases(rng, 6, size1), phases(rng, 6, size2)
    both = (theta2[:, :, None] * theta1[:, None]).reshape(6, -1)
    x = np.concatenate([both, theta2, theta1], axis=1)
    h = (product_factors(links) @ x[:, :, None])[:, :, 0]
    np.testing.assert_allclose(h, effective_channel(links, theta1, theta2), atol=1e-12)


def test_a_single_surface_reaches_known_optima() -> None:
    """One antenna: all terms in phase. Two elements: the phase of their inner product."""
    rng = np.random.default_rng(7)
    row = gaussian(rng, 20, 1, 15)
    expected = np.abs(row).sum(axis=(1, 2)) ** 2
    np.testing.assert_allclose(alternate_single_reflection(row).gain, expected)
    pair = gaussian(rng, 20, 5, 2)
    inner = np.abs((pair[:, :, 0].conj() * pair[:, :, 1]).sum(axis=1))
    expected = (np.abs(pair) ** 2).sum(axis=(1, 2)) + 2 * inner
    np.testing.assert_allclose(alternate_single_reflection(pair, max_iterations=400).gain, expected)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    antennas=st.integers(1, 5),
    size1=st.integers(0, 6),
    size2=st.integers(0, 6),
    decades=st.floats(0, 8),
    silent=st.sets(st.integers(0, 4), max_size=2),
    equal=st.booleans(),
)
def test_two_surfaces_are_never_worse_than_one(
    seed: int, antennas: int, size1: int, size2: int, decades: float, silent: set[int], equal: bool
) -> None:
    """Proposition 1 of zheng2021 by its chain (28), (29): any channels, any split."""
    size1 = size1 or int(size2 == 0)
    rng = np.random.default_rng(seed)
    drawn = draw_links(rng, 3, antennas, size1, size2)
    if equal:
        drawn = Links(*(np.ones_like(array) for array in drawn))
    scale = 10 ** rng.uniform(-decades / 2, decades / 2, 5)
    pairs = zip(drawn, scale, strict=True)
    links = Links(*(a * s * (i not in silent) for i, (a, s) in enumerate(pairs)))
    single = alternate_single_reflection(joint_cascade(links), max_iterations=20)
    theta1, theta2, psi = combine_single_surface(links, single.reflection1, single.receiver)
    rotation = np.exp(1j * psi)[:, None]
    whole = np.concatenate([theta1, theta2], axis=1)
    np.testing.assert_allclose(whole, rotation * single.reflection1, atol=1e-12)
    double_path = links._replace(second=0 * links.second, first_to_receiver=0 * drawn[3])
    both = gain(double_path, theta1, theta2, single.receiver)
    start = gain(links, theta1, theta2, single.receiver)
    chain = (np.sqrt(both) + np.sqrt(single.gain)) ** 2
    np.testing.assert_allclose(start, chain, rtol=1e-9, atol=1e-300)
    assert (start >= single.gain * (1 - 1e-12)).all()
    double = alternate_double_reflection(links, theta1, theta2, single.receiver, max_iterations=20)
    np.testing.assert_allclose(double.trace[:, 0], start, rtol=1e-12, atol=1e-300)
    assert rise(double.trace) >= -1e-12
    np.testing.assert_allclose(np.linalg.norm(double.receiver, axis=1), 1, rtol=1e-12)
    modulus = np.abs(np.concatenate([double.reflection1, double.reflection2], axis=1))
    np.testing.assert_allclose(modulus, 1, rtol=1e-12)


@pytest.mark.parametrize("function", ["double", "single"])
def test_a_realisation_does_not_depend_on_its_batch(function: str) -> None:
    rng = np.random.default_rng(8)
    links, theta1, theta2 = draw_links(rng, 6, 5, 11, 7), phases(rng, 6, 11), phases(rng, 6, 7)

    def solve(chosen: Any) -> Alternation:
        part = Links(*(array[chosen] for array in links))
        if function == "single":
            return alternate_single_reflection(joint_cascade(part), tolerance=1e-6)
        return alternate_double_reflection(part, theta1[chosen], theta2[chosen], tolerance=1e-6)

    whole, order = solve(slice(None)), np.array([3, 0, 5, 1, 4, 2])
    shuffled, singles = solve(order), [solve([r]) for r in range(6)]
    for field in fields(Alternation):
        expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(shuffled, field.name), expected[order])
        joined = np.concatenate([getattr(single, field.name) for single in singles])
        np.testing.assert_array_equal(joined, expected)


@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_the_unit_of_the_amplitudes_does_not_matter(unit: float) -> None:
    rng = np.random.default_rng(9)
    links, theta1, theta2 = draw_links(rng, 4, 3, 6, 6), phases(rng, 4, 6), phases(rng, 4, 6)
    scaled = Links(*(a * s for a, s in zip(links, (unit, unit, 1, unit, unit), strict=True)))
    plain = alternate_double_reflection(links, theta1, theta2)
    other = alternate_double_reflection(scaled, theta1, theta2)
    np.testing.assert_allclose(other.trace / unit**4, plain.trace, rtol=1e-9)
    alone, small = (alternate_single_reflection(joint_cascade(each)) for each in (links, scaled))
    np.testing.assert_allclose(small.gain / unit**4, alone.gain, rtol=1e-9)


def test_elements_that_contribute_nothing_keep_their_phase() -> None:
    rng = np.random.default_rng(10)
    links, theta1, theta2 = draw_links(rng, 3, 4, 5, 4), phases(rng, 3, 5), phases(rng, 3, 4)
    links.first[:, 2] = 0
    links.second_to_receiver[:, :, 1] = 0
    solution = alternate_double_reflection(links, theta1, theta2)
    np.testing.assert_array_equal(solution.reflection1[:, 2], theta1[:, 2])
    np.testing.assert_array_equal(solution.reflection2[:, 1], theta2[:, 1])
    dark = Links(*(0 * array for array in links))
    for receiver in (None, np.zeros((3, 4), complex)):
        solution = alternate_double_reflection(dark, theta1, theta2, receiver, tolerance=1e-3)
        np.testing.assert_array_equal(solution.reflection1, theta1)
        np.testing.assert_array_equal(solution.receiver, np.eye(1, 4).repeat(3, axis=0))
        assert not solution.gain.any()
        assert (solution.status == CONVERGED).all()


def test_stop_and_trace_tell_the_same_story() -> None:
    rng = np.random.default_rng(11)
    links, theta1, theta2 = draw_links(rng, 40, 4, 9, 9), phases(rng, 40, 9), phases(rng, 40, 9)
    solution = alternate_double_reflection(links, theta1, theta2, max_iterations=12, tolerance=1e-4)
    assert set(solution.status) == {CONVERGED, ITERATION_LIMIT}
    for r, trace in enumerate(solution.trace):
        last, status, residual = (getattr(solution, name)[r] for name in STOP)
        increases = np.diff(trace) / trace[1:]
        assert residual == pytest.approx(increases[last - 1], rel=1e-9)
        assert (increases[: last - 1] > 1e-4).all()
        assert (trace[last:] == trace[-1]).all()
        assert (status == CONVERGED) == (residual <= 1e-4)
        assert status == CONVERGED or last == 12
    start = alternate_double_reflection(links, theta1, theta2, max_iterations=0)
    np.testing.assert_array_equal(start.reflection1, theta1)
    np.testing.assert_array_equal(start.trace, solution.trace[:, :1])


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_a_failure_stays_with_its_realisation() -> None:
    rng = np.random.default_rng(12)
    links, theta1, theta2 = draw_links(rng, 5, 3, 4, 4), phases(rng, 5, 4), phases(rng, 5, 4)
    healthy = alternate_double_reflection(links, theta1, theta2)
    alone = alternate_single_reflection(links.first_to_receiver)
    links.first[0, 1] = np.nan
    links.first_to_receiver[1] *= 1e200
    links.first_to_receiver[2, 0, 0] = np.inf
    theta2[3, 1] = np.nan
    solution = alternate_double_reflection(links, theta1, theta2)
    single = alternate_single_reflection(links.first_to_receiver)
    for field in fields(Alternation):
        ours = getattr(solution, field.name)
        np.testing.assert_array_equal(ours[4], getattr(healthy, field.name)[4])
        expected = getattr(alone, field.name)[[0, 3, 4]]
        np.testing.assert_array_equal(getattr(single, field.name)[[0, 3, 4]], expected)
        if ours.dtype.kind in "fc":
            assert np.isnan(ours[:4]).all()
    assert (solution.status[:4] == FAILURE).all()
    assert (single.status[1:3] == FAILURE).all()


def problem(**change: Any) -> dict[str, Any]:
    rng = np.random.default_rng(13)
    links = draw_links(rng, 2, 3, 4, 5)
    links = links._replace(**{name: change.pop(name) for name in Links._fields if name in change})
    theta1, theta2 = phases(rng, 2, 4), phases(rng, 2, 5)
    return {"links": links, "reflection1": theta1, "reflection2": theta2} | change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": np.ones((2, 3))}, "links .* must be"),
        ({"first": np.ones((2, 2, 4)), "second": np.ones((2, 2, 5))}, "links .* must be"),
        ({"second": np.ones((1, 5))}, "links .* must be"),
        ({"between": np.ones((2, 4, 5))}, "links .* must be"),
        ({"between": np.ones(3)}, "links .* must be"),
        ({"first_to_receiver": np.ones((2, 0, 4))}, "links .* must be"),
        ({"second_to_receiver": np.ones((2, 4, 5))}, "links .* must be"),
        ({"reflection1": np.ones((2, 5))}, "reflections .* must be"),
        ({"reflection2": 1.1 * np.ones((2, 5))}, "unit modulus"),
        ({"receiver": np.ones((2, 4))}, "receiver .* must be"),
        ({"max_iterations": -1}, "max_iterations and tolerance"),
        ({"tolerance": np.nan}, "max_iterations and tolerance"),
    ],
)
def test_bad_arguments_raise_one_clear_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        alternate_double_reflection(**problem(**change))
    assert "\n" not in str(caught.value)


def test_bad_arguments_of_the_other_functions() -> None:
    links, ones = problem()["links"], np.ones((2, 9))
    users = draw_links(np.random.default_rng(14), 2, 3, 4, 5, users=2)
    calls: list[tuple[Any, tuple[Any, ...], str]] = [
        (effective_channel, (links, ones[:, :5], ones[:, :4]), "reflections .* must be"),
        (joint_cascade, (users,), "links .* must be"),
        (block_factors, (users, ones[:, :4], ones[:, :5]), "links .* must be"),
        (combine_single_surface, (links, ones[:, :8], ones[:, :3]), "do not fit"),
        (alternate_single_reflection, (ones,), "cascaded .* must be"),
        (alternate_single_reflection, (ones[:, :, None], ones[:, None]), "starts .* must be"),
        (alternate_single_reflection, (ones[:, None], 2 * ones[:, None]), "unit modulus"),
    ]
    for function, arguments, message in calls:
        with pytest.raises(ValueError, match=message) as caught:
            function(*arguments)
        assert "\n" not in str(caught.value)
