"""Verdicts at several looks: the alpha that is spent, errors on made-up claims, what is needed."""

import math

import pytest

from error_rates import LAWS, TRUTHS, experiment, rates
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


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("truth", TRUTHS)
def test_whoever_stops_at_a_verdict_is_seldom_wrong(law: str, truth: str) -> None:
    """At most 5 % in truth; 100 claims with 11 errors would be a chance of one in a hundred."""
    found = rates(law, truth, 100, 32, seed=3)
    assert found["wrong"] * 100 <= 10
    if TRUTHS[truth][1] != "undecided":
        assert found["wrong"] == 0.0


def test_a_verdict_that_was_reached_is_kept_by_later_looks() -> None:
    import numpy as np

    whole = experiment("normal", [0.0] * 4, 64, np.random.default_rng(5))
    early = whole["metric"].values
    early[0, :, :16] = 0.05 + 0.001 * early[0, :, :16]
    claim = {"id": "x", "checks": [{"kind": "dominates", "experiment": "e", "scheme": "a",
                                    "over": "b"}]}  # fmt: skip
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
