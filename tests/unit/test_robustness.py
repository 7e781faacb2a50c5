"""Whether a verdict depends on the reading: one definition, undecided ones told."""

import pytest

from irsrepro.claims.robustness import ALONE, DEPENDS, OPEN, ROBUST, count_verdicts, in_words

YES, MAYBE, NO = "replicated", "undecided", "not replicated"


@pytest.mark.parametrize(
    ("holds", "fails", "open_", "expected"),
    [
        (10, 0, 0, ROBUST),
        (0, 10, 0, ROBUST),
        (9, 0, 1, ROBUST),
        (8, 0, 1, OPEN),
        (0, 0, 10, OPEN),
        (19, 1, 0, DEPENDS),
        (1, 1, 98, DEPENDS),
        (1, 0, 0, ALONE),
        (0, 0, 1, ALONE),
    ],
)
def test_robust_is_decided_alike_and_nearly_always(
    holds: int, fails: int, open_: int, expected: str
) -> None:
    found = count_verdicts([YES] * holds + [NO] * fails + [MAYBE] * open_)
    assert (found.holds, found.fails, found.open) == (holds, fails, open_)
    assert found.robustness == expected


def test_nine_tenths_decided_suffice_at_every_size() -> None:
    for tenth in range(1, 200):
        assert count_verdicts([YES] * (9 * tenth) + [MAYBE] * tenth).robustness == ROBUST
        assert count_verdicts([YES] * (9 * tenth - 1) + [MAYBE] * (tenth + 1)).robustness == OPEN


@pytest.mark.parametrize(
    ("default", "others", "expected"),
    [
        (YES, {"a": YES, "b": YES}, "robust"),
        (NO, {"a": NO}, "robust"),
        (YES, {"a": NO, "b": MAYBE}, "depends on: a; open under: b"),
        (NO, {"a": YES, "b": NO}, "depends on: a"),
        (MAYBE, {"a": MAYBE}, "open under: default, a"),
        (MAYBE, {"a": YES, "b": NO}, "depends on: b; open under: default"),
        (MAYBE, {"a": YES, "b": YES}, "open under: default"),
        (YES, {f"r{i}": YES for i in range(8)} | {"late": MAYBE}, "robust"),
        (YES, {}, "no alternatives"),
    ],
)
def test_in_words(default: str, others: dict[str, str], expected: str) -> None:
    assert in_words(default, others) == expected
