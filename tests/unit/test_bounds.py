"""Which interval decides a contrast, and what several looks make of its intervals."""

import math

import numpy as np
import pytest

from irsrepro.claims.bounds import Bounds


def bounds(estimate: float, alone: tuple[float, float], together: tuple[float, float]) -> Bounds:
    return Bounds(
        np.array([estimate]), np.transpose([alone]), np.transpose([together])
    )  # one contrast


@pytest.mark.parametrize(
    ("estimate", "alone", "together", "verdict", "shown"),
    [
        (1.0, (0.5, 1.5), (-0.1, 2.1), "replicated", "alone"),
        (1.0, (-0.5, 2.5), (-1.0, 3.0), "undecided", "alone"),
        (-1.0, (-2.5, 0.5), (-3.0, 1.0), "undecided", "together"),
        (-1.0, (-1.5, -0.5), (-2.1, 0.1), "undecided", "together"),
        (-1.0, (-1.5, -0.5), (-1.8, -0.2), "not replicated", "together"),
    ],
)
def test_the_interval_shown_is_the_one_that_decides(
    estimate: float,
    alone: tuple[float, float],
    together: tuple[float, float],
    verdict: str,
    shown: str,
) -> None:
    (contrast,) = bounds(estimate, alone, together).contrasts(["x"], 0.0, math.inf)
    assert contrast.verdict == verdict and contrast.alone == (shown == "alone")
    assert (contrast.lower, contrast.upper) == (alone if shown == "alone" else together)


def test_looks_share_their_intervals() -> None:
    before = bounds(1.0, (0.0, 2.0), (-1.0, 3.0))
    found = bounds(1.2, (0.5, 2.5), (-2.0, 2.8)).also(before)
    assert found.alone.T.tolist() == [[0.5, 2.0]] and found.together.T.tolist() == [[-1.0, 2.8]]
    # Nothing in common: one is wrong, and both kinds are those of the later look.
    found = bounds(5.0, (4.0, 6.0), (2.5, 7.0)).also(before)
    assert found.alone.T.tolist() == [[4.0, 6.0]] and found.together.T.tolist() == [[2.5, 7.0]]
    # Nothing varied before.
    found = bounds(1.2, (0.5, 2.5), (-2.0, 2.8)).also(bounds(1.0, (1.0, 1.0), (1.0, 1.0)))
    assert found.alone.T.tolist() == [[0.5, 2.5]] and found.together.T.tolist() == [[-2.0, 2.8]]
