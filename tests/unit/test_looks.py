"""Verdicts at several looks: the alpha that is spent, what is needed, what later looks change."""

import math

import numpy as np
import pytest

from error_rates import CLAIMS, experiment
from irsrepro.claims import evaluate
from irsrepro.claims.looks import level_at, looks_until, realisations_to_decide


def test_looks_double_and_end_at_the_plan() -> None:
    assert looks_until(100, 100) == [8, 16, 32, 64, 100]
    assert looks_until(40, 100) == [8, 16, 32]
    assert looks_until(64, 64) == [8, 16, 32, 64]
    assert looks_until(5, 5) == [5] and looks_until(5, 100) == [5]


@pytest.mark.parametrize("planned", [5, 8, 9, 100, 500])
def test_all_looks_spend_the_error_that_is_allowed(planned: int) -> None:
    sizes = looks_until(planned, planned)
    errors = [1.0 - level_at(size, sizes, planned, 0.95) for size in sizes]
    assert sum(errors) == pytest.approx(0.05) and min(errors) > 0.0


def test_what_is_needed_follows_the_width() -> None:
    # 1 +- 2 against at least 0: half the distance, so four times as many.
    assert realisations_to_decide(25, 1.0, -1.0, 3.0, 0.0, math.inf) == pytest.approx(100)
    assert realisations_to_decide(25, -1.0, -3.0, 1.0, 0.0, math.inf) == pytest.approx(100)
    assert realisations_to_decide(25, 0.5, 0.0, 1.0, 0.0, 0.75) == pytest.approx(100)
    assert realisations_to_decide(25, 0.0, -1.0, 1.0, 0.0, math.inf) == math.inf
    # At a closed end that the interval keeps only the other end counts.
    assert realisations_to_decide(25, 1.0, 0.8, 1.0, 0.9, 1.0) == pytest.approx(100)


@pytest.mark.parametrize(
    ("rare", "else_", "truth"),
    [(1.0, 0.0, "replicated"), (-20.0, 1.0, "not replicated")],
)
def test_a_look_at_which_nothing_varied_decides_nothing(
    rare: float, else_: float, truth: str
) -> None:
    """The first realisations are all alike, and every interval after them is wider."""
    whole = experiment("normal", [0.0] * 4, 64, np.random.default_rng(2))
    gaps = whole["metric"].values[0]
    gaps[:] = else_
    gaps[:, 12::13] = rare
    claim = CLAIMS["one check"]
    first = evaluate(claim, {"e": whole.isel(realisation=slice(0, 8))}, planned=[64])
    assert first.checks[0].contrasts[0].lower == first.checks[0].contrasts[0].upper == else_
    later = evaluate(claim, {"e": whole}, planned=[64])
    contrast = later.checks[0].contrasts[0]
    assert contrast.lower < contrast.estimate < contrast.upper
    assert later.verdict in ("undecided", truth)


def test_a_verdict_that_was_reached_is_kept_by_later_looks() -> None:
    whole = experiment("normal", [0.0] * 4, 64, np.random.default_rng(5))
    early = whole["metric"].values
    early[0, :, :16] = 0.05 + 0.001 * early[0, :, :16]
    claim = CLAIMS["one check"]
    verdicts = [
        evaluate(claim, {"e": whole.isel(realisation=slice(0, size))}, planned=[64]).verdict
        for size in (16, 64)
    ]
    assert verdicts == ["replicated", "replicated"]
    open_claim = evaluate(
        claim, {"e": experiment("normal", [0.1] * 4, 32, np.random.default_rng(1))}
    )
    assert open_claim.verdict == "undecided"
    assert "realisations would decide" in open_claim.sentence
