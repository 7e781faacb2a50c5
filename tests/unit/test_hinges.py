"""What verdicts hinge on: planted hinges are found, chance is not, sentences say what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irsrepro.claims.robustness import Counts
from irsrepro.config.checks import experiments_of
from irsrepro.config.loading import load_paper
from irsrepro.config.readings import named_readings
from irsrepro.errors import IrsreproError
from irsrepro.multiverse.choices import default_of, dimensions, key_of, value_text
from irsrepro.multiverse.hinges import Finding, findings
from irsrepro.multiverse.reach import reachable_choices
from irsrepro.multiverse.sentences import NOTHING, robustness, sentence, share, short
from irsrepro.multiverse.splits import best_splits, candidates, families_passing, forward_selection
from irsrepro.multiverse.tables import Multiverse, as_csv, as_dataset, from_csv, gather_readings
from made_up_multiverse import (
    NO,
    OPEN,
    OURS,
    SOURCE,
    YES,
    explored,
    multiverse,
    random_rules,
    told_of,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Finding]:
    return told_of(multiverse())


def finding(holds: int, fails: int, open_: int, default: str = YES, **more: Any) -> Finding:
    none = Counts(0, 0, 0)
    return Finding("a", default, Counts(holds, fails, open_), none, none, **more)


def test_a_planted_hinge_is_found_with_its_threshold(found: Mapping[str, Finding]) -> None:
    (hinge,) = found["a-hinge"].hinges
    assert hinge.dimension.choice == "direct_exponent"
    assert (hinge.relation, hinge.value) == ("below", 3.0)
    assert hinge.low_side.holds == 0 and hinge.high_side.holds == hinge.high_side.decided
    assert hinge.explained == pytest.approx(1.0) and hinge.p < 0.001
    low, high = hinge.low_side.interval
    assert low == 0 and 0 < high < 0.3
    assert {turn.value for turn in found["a-hinge"].turns} == {2.0, 2.5}
    ranked = found["a-hinge"].ranked
    assert ranked[0].dimension.choice == "direct_exponent" and ranked[1].p > 0.05
    assert [each.explained for each in ranked] == sorted(
        (e.explained for e in ranked), reverse=True
    )
    for other in ("a-sure", "a-open", "a-part"):
        assert not found[other].hinges and not found[other].turns


def test_a_planted_word_is_found_and_a_second_hinge_behind_it() -> None:
    def rule(choice: Mapping[str, Any]) -> str:
        return NO if choice["drop"] == "ring" or choice["direct_exponent"] < 2.5 else YES

    made = told_of(multiverse(60, {"a-two": rule}, seed=3))["a-two"]
    assert [(each.dimension.choice, each.relation, each.value) for each in made.hinges] == [
        ("drop", "is", "ring"),
        ("direct_exponent", "below", 2.5),
    ]
    assert "fails where drop is ring (0 of " in sentence(made)


def test_a_hinge_behind_noise_is_found_and_its_share_told() -> None:
    noise = np.random.default_rng(5)

    def rule(choice: Mapping[str, Any]) -> str:
        return YES if noise.random() < (0.95 if choice["snr"] >= 10 else 0.15) else NO

    made = told_of(multiverse(60, {"a-noisy": rule}, seed=4))["a-noisy"]
    assert made.hinges[0].dimension.choice == "snr"
    assert (made.hinges[0].relation, made.hinges[0].value) == ("below", 10)
    assert 0.3 < made.hinges[0].explained < 1.0
    assert "holds less often where SNR is below 10 dB" in sentence(made)


def test_a_planted_hinge_survives_many_claims_of_chance() -> None:
    rules = {f"a-{seed}": random_rules(seed)["a-chance"] for seed in range(30)}
    rules["a-planted"] = lambda choice: NO if choice["snr"] == 20 else YES
    made = told_of(multiverse(30, rules, seed=2))
    assert [each.dimension.choice for each in made["a-planted"].hinges] == ["snr"]


def test_the_p_value_is_that_of_the_exact_permutation_test() -> None:
    holds = np.array([True] * 4 + [False] * 4)
    values = {"only": [0] * 4 + [1] * 4}
    (tested,) = best_splits(candidates(values, {"only": True}), holds)
    assert tested.explained == pytest.approx(1.0)
    assert tested.p == pytest.approx(2 / 70, abs=0.006)  # 2 of C(8, 4) orders split as cleanly


def test_the_search_among_choices_is_paid_for() -> None:
    generator = np.random.default_rng(7)
    holds = np.arange(12) < 6
    values = {f"c{n}": generator.permutation(np.arange(12) % 4).tolist() for n in range(20)}
    values["good"] = [0] * 5 + [1] * 6 + [0]
    alone = best_splits(candidates({"good": values["good"]}, {"good": True}), holds)
    every = best_splits(candidates(values, dict.fromkeys(values, True)), holds)
    among = next(each for each in every if each.split.choice == "good")
    assert among.explained == alone[0].explained and among.p > 3 * alone[0].p


def test_two_choices_that_go_together_are_not_told_apart() -> None:
    holds = np.arange(20) < 10
    same = np.where(holds, 0, 1).tolist()
    splits = candidates({"one": same, "other": same}, {"one": True, "other": True})
    passed, rivals = forward_selection(splits, holds, best_splits(splits, holds), 0.05)
    assert [each.split.choice for each in passed] == ["one"]
    assert [each.split.choice for each in rivals] == ["other"]


def test_splits_have_two_readings_on_each_side_and_none_is_twice() -> None:
    values = {"word": [0, 0, 0, 1, 1], "number": [0, 1, 2, 2, 2], "still": [0] * 5}
    made = candidates(values, {"word": False, "number": True, "still": True})
    assert [(each.choice, each.inside.tolist()) for each in made] == [
        ("word", [True, True, True, False, False]),
        ("number", [True, True, False, False, False]),
    ]


def test_families_that_pass_share_the_error() -> None:
    assert families_passing({}, 0.05) == 0.0
    assert families_passing({"a": 0.04}, 0.05) == 0.05
    assert families_passing({"a": 0.04, "b": 0.9}, 0.05) == 0.0
    assert families_passing({"a": 0.001, "b": 0.9}, 0.05) == 0.025
    assert families_passing({"a": 0.001, "b": 0.04}, 0.05) == 0.05


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (finding(41, 0, 0), "holds in all 41 readings"),
        (finding(29, 0, 12), "holds in all 29 readings that decide it, open in 12 of 41"),
        (finding(0, 41, 0, NO), "fails in all 41 readings"),
        (finding(0, 0, 41, OPEN), "open in all 41 readings"),
        (finding(38, 3, 0), f"holds in 38 of 41 readings, fails in 3; {NOTHING}"),
        (finding(30, 3, 8), f"holds in 30 of 41 readings, fails in 3, open in 8; {NOTHING}"),
        (finding(9, 0, 0, silent=2), "holds in all 9 readings, says nothing in 2 more"),
        (finding(1, 0, 1), "holds in the one reading that decides it, open in 1 of 2"),
    ],
)
def test_how_often_a_claim_holds_is_a_sentence(made: Finding, expected: str) -> None:
    assert sentence(made) == expected


def test_a_sentence_names_the_hinge_and_what_turns_it(found: Mapping[str, Finding]) -> None:
    assert sentence(found["a-hinge"]) == (
        "holds in 19 of 40 readings, fails in 21; fails where direct exponent is below 3 (0 of 19 "
        "sampled readings, elsewhere 11 of 11)"
    )
    assert "it fails under direct exponent = 2, 2.5 or 3, under drop = ring or square, under " in (
        sentence(found["a-luck"])
    )


def test_a_claim_that_fails_by_default_is_told_what_makes_it_hold() -> None:
    rules = {"a-late": lambda choice: YES if choice["snr"] == 20 else NO}
    made = told_of(multiverse(0, rules))["a-late"]
    assert sentence(made).endswith("with all else as in our reading it holds under SNR = 20 dB")
    assert share(made) == "none sampled"


def test_an_alternative_of_several_choices_is_named(found: Mapping[str, Finding]) -> None:
    assert found["a-luck"].named == ("ring",)


def test_what_was_never_decided_is_not_robust(found: Mapping[str, Finding]) -> None:
    assert found["a-open"].robustness == "open" and robustness(found["a-open"]) == "too often open"
    assert found["a-sure"].robustness == "robust" and found["a-hinge"].robustness == "depends"
    assert share(found["a-open"]) == "none decided"


@pytest.mark.parametrize(
    ("made", "lucky"),
    [
        (finding(4, 5, 90), True),
        (finding(5, 5, 0), False),
        (finding(1, 9, 0, OPEN), False),
        (finding(1, 9, 0, NO), False),
    ],
)
def test_by_luck_holds_by_default_and_in_under_half(made: Finding, lucky: bool) -> None:
    assert made.by_luck == lucky
    assert ("by luck" in robustness(made)) == ("by luck" in short(made)) == lucky


def test_shares_have_exact_intervals_over_sampled_readings(found: Mapping[str, Finding]) -> None:
    made = found["a-hinge"]
    assert (made.sampled.holds, made.sampled.decided, made.single.decided) == (11, 30, 9)
    assert made.share == pytest.approx((0.199, 0.561), abs=1e-3)
    assert share(made) == "11 of 30 decided, 20 to 56 %"


def test_a_claim_may_say_nothing_under_a_reading(found: Mapping[str, Finding]) -> None:
    assert found["a-part"].silent > 0
    assert found["a-part"].every.total + found["a-part"].silent == 40


def test_the_table_goes_to_csv_and_back(found: Mapping[str, Finding]) -> None:
    made = gather_readings(multiverse(), SOURCE)
    again = from_csv(as_csv(made))
    assert again == made and findings(again, SOURCE) == found
    assert next(iter(made.readings)) == "default"
    with pytest.raises(IrsreproError, match="columns"):
        from_csv("claim,reading\n")


def test_the_dataset_has_every_claim_and_reading() -> None:
    made = gather_readings(multiverse(), SOURCE)
    data = as_dataset(made)
    assert data["verdict"].shape == (5, 40)
    for row in made.rows:
        one = data.sel(claim=row["claim"], reading=row["reading"])
        assert float(one["estimate"]) == row["estimate"] and int(one["n"]) == row["n"]
    silent = data["verdict"].sel(claim="a-part") == -1
    assert int(silent.sum()) == 13 and bool(
        data["estimate"].sel(claim="a-part")[silent].isnull().all()
    )


def test_readings_of_several_builds_are_refused() -> None:
    made = multiverse(0)
    with pytest.raises(IrsreproError, match="default"):
        gather_readings(made[1:], SOURCE)
    with pytest.raises(IrsreproError, match="names of their own"):
        gather_readings([*made, made[1]], SOURCE)
    made[1].verdicts.facts["seed"] = "2"
    with pytest.raises(IrsreproError, match="one build"):
        gather_readings(made, SOURCE)


def test_values_are_compared_by_what_they_are() -> None:
    assert key_of(1) == key_of(1.0) != key_of(True)
    assert key_of({"b": [1], "a": 2}) == key_of({"a": 2.0, "b": (1,)})
    assert value_text(True) == "true" and value_text(2.50) == "2.5"
    assert value_text({"x": [1, 2], "mirrored_y": [5, 6]}) == "x: [1, 2], mirrored y: [5, 6]"


def test_defaults_come_from_where_an_experiment_has_them() -> None:
    assert default_of(SOURCE, "rounds") == 50
    assert default_of(SOURCE, "rounds in rise") == 20
    assert default_of(SOURCE, "rounds in fall") == 5
    assert default_of(SOURCE, "snr in rise") == [0, 10]


def test_dimensions_have_values_in_order_and_names_for_people() -> None:
    chosen: list[dict[str, Any]] = [
        {"snr": 20},
        {"snr": 5},
        {"drop": "ring"},
        {"rounds in fall": 10},
    ]
    made = dimensions(chosen, OURS, SOURCE)
    assert list(made) == ["snr", "drop", "rounds in fall"]
    assert made["snr"].values == (5, 10, 20) and made["snr"].default == 1
    assert made["drop"].values == ("disc", "ring") and not made["drop"].numeric
    assert made["snr"].name == "SNR" and made["snr"].text(20) == "20 dB"
    assert made["rounds in fall"].name == "rounds in experiment fall"
    assert explored("x", "sample", OURS | {"snr": 5}, {}).choices == {"snr": 5}


def test_a_claim_is_reached_by_what_changes_its_curves_or_bounds() -> None:
    paper = load_paper(ROOT, "he2020")
    chosen = [each.choices(paper) for each in named_readings(paper)]
    ours = {name: default_of(paper.source, name) for each in chosen for name in each}
    varied = dimensions(chosen, ours, paper.source)
    rows = [{"claim": claim} for claim in (*paper.claims, "he-gone")]
    made = reachable_choices(Multiverse({"paper": "he2020"}, {}, rows), varied, paper.source)
    assert set(made["he-gone"]) == set(varied), "an unknown claim may hinge on anything"
    assert {"tolerance", "snr_reference"} <= set(made["he-fig4-joint"])
    assert any(set(found) < set(varied) for found in made.values())
    for claim, checks in ((name, claim["checks"]) for name, claim in paper.claims.items()):
        of_one = {name.partition(" in ")[2] for name in made[claim] if " in " in name}
        assert of_one <= {each for check in checks for each in experiments_of(check)}
