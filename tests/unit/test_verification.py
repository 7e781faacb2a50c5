"""Comparing tables and verdicts with the committed ones, outcome by outcome."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT
from irsrepro.config.loading import load_project
from irsrepro.errors import StorageError
from irsrepro.report.verification import (
    OUTCOMES,
    Comparison,
    Verification,
    as_page,
    as_text,
    committed_folder,
    compare_claims,
    compare_tables,
    timed_claims,
    verify,
)

HEAD = "curve,x_dB,value_W,lower_W,upper_W,realisations,failures\n"
TABLE = HEAD + "joint,5.0,2.0,1.5,2.5,10,0\njoint,10.0,4.0,3.0,5.0,10,0\n"
LAYOUT = "class,realisation,node,x_m,y_m\nsources,0,0,1.0,2.0\nsources,0,1,3.0,4.0\n"
PRINTED = (
    "\ncurve,published_x_dB,published_W,ours_W,deviation_W,deviation_percent\njoint,5,2,2,0,0\n"
)
CLAIM = {
    "claim": "a-rise", "verdict": "replicated", "estimate": "2.0", "lower": "1.0", "upper": "3.0",
    "n": "10", "left_out": "0", "text": "it rises", "sentence": "by 2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "outcome", "share"),
    [
        (TABLE, "identical", math.nan),
        (TABLE + PRINTED, "identical", math.nan),
        (TABLE.replace("2.0,", "2.0000000000000004,"), "rounding", math.nan),
        (TABLE.replace("4.0,", "4.000000001,"), "rounding", math.nan),
        (TABLE.replace("2.0,", "2.000001,"), "interval", 2e-6),
        (TABLE.replace("4.0,", "4.9,"), "interval", 0.9),
        (TABLE.replace("2.0,", "2.6,"), "different", 1.2),
        (TABLE.replace("2.0,", "nan,"), "different", math.nan),
        (TABLE.replace("10,0\njoint", "9,1\njoint"), "different", math.nan),
        (TABLE.replace("joint,10.0", "joint,11.0"), "different", math.nan),
        (HEAD, "different", math.nan),
        (None, "missing", math.nan),
    ],
)
def test_every_outcome_of_a_figure(ours: str | None, outcome: str, share: float) -> None:
    found = compare_tables("a/fig01", ours, TABLE)
    assert (found.name, found.outcome) == ("a/fig01", outcome)
    assert found.share == pytest.approx(share, nan_ok=True)
    assert bool(found.detail) == (outcome in ("interval", "different", "missing"))


def test_a_figure_that_is_not_committed_is_missing() -> None:
    assert compare_tables("a/fig01", TABLE, None).detail == "not committed"


def test_the_worst_point_of_the_worst_panel_counts() -> None:
    sheet = f"{TABLE}\n{TABLE}"
    worse = TABLE + "\n" + TABLE.replace("4.0,", "3.5,")
    found = compare_tables("a/fig01", worse, sheet)
    assert found.outcome == "interval" and found.share == pytest.approx(0.5)
    assert "joint 10.0: 3.5, committed is 4" in found.detail


def test_positions_have_no_interval() -> None:
    assert compare_tables("a/fig01", LAYOUT, LAYOUT).outcome == "identical"
    moved = LAYOUT.replace("3.0", "3.001")
    found = compare_tables("a/fig01", moved, LAYOUT)
    assert found.outcome == "different" and "x_m 3.001, committed is 3.0" in found.detail
    assert compare_tables("a", LAYOUT.replace("3.0", "3.0000000000000004"), LAYOUT).outcome == (
        "rounding"
    )


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "identical"),
        ({"sentence": "by 2 or so"}, "identical"),
        ({"estimate": "2.0000000000001"}, "rounding"),
        ({"estimate": "2.5", "lower": "1.5"}, "interval"),
        ({"estimate": "3.5"}, "different"),
        ({"verdict": "undecided"}, "different"),
        ({"n": "9", "left_out": "1"}, "different"),
    ],
)
def test_every_outcome_of_a_claim(change: dict[str, str], outcome: str) -> None:
    assert compare_claims("a-rise", CLAIM | change, CLAIM).outcome == outcome


def test_a_claim_that_only_one_build_has_is_missing() -> None:
    assert compare_claims("a-rise", None, CLAIM).outcome == "missing"
    assert compare_claims("a-rise", CLAIM, None).outcome == "missing"


def test_a_page_and_a_text_tell_what_is_not_identical() -> None:
    figures = [Comparison("a/fig01", "identical"), Comparison("a/fig02", "interval", 0.5, "<b>")]
    claims = [Comparison("a-rise", "different", detail="undecided, committed is replicated")]
    found = Verification("paper", figures, claims, ["numpy: 1 is installed, the lock has 2"])
    assert [each.name for each in found.bad] == ["a-rise"]
    text = as_text(found)
    assert "a/fig01" not in text and "a/fig02" in text and "numpy: 1" in text
    assert text.endswith(
        "paper fidelity, 2 figures: 1 identical, 1 interval; 1 claims: 1 different"
    )
    page = as_page(found)
    assert "a/fig01" in page and "&lt;b&gt;" in page and all(name in page for name in OUTCOMES)
    assert as_text(replace(found, figures=figures[:1], claims=[], machine=[])).startswith("paper")


@pytest.mark.parametrize("fidelity", ["paper", "preview"])
def test_every_figure_and_claim_is_committed_at_both_fidelities(fidelity: str) -> None:
    folder, project = committed_folder(ROOT, fidelity), load_project(ROOT, {})
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"libraries", "machine"} <= set(manifest)
    text = (folder / "scorecard.csv").read_text()
    for key, paper in project.papers.items():
        assert all(f"{key},{claim}," in text for claim in paper.claims)
        for figure in paper.figures:
            content = (folder / key / f"{figure}.csv").read_text()
            assert compare_tables(figure, content, content).outcome == "identical"
            assert compare_tables(figure, content + "\n", content).outcome == "identical"


def test_claims_about_seconds_are_not_compared() -> None:
    project = load_project(ROOT, {})
    timed = timed_claims(project)
    assert {"noh-cost", "zheng-cost", "yu-cost"} <= timed and "noh-signalling" not in timed


def test_measured_times_of_a_table_are_not_compared() -> None:
    theirs = "curve,x,value,lower,upper,realisations,failures,seconds_s\na,0,1.0,0.9,1.1,4,0,{}\n"
    ours = theirs.format("0.5")
    assert compare_tables("f", ours, theirs.format("0.7")).outcome == "identical"
    moved = ours.replace("1.0", "3.0")
    assert compare_tables("f", moved, theirs.format("0.7")).outcome == "different"


def test_an_empty_build_misses_everything(tmp_path: Path) -> None:
    project = replace(load_project(ROOT, {"fidelity": "preview"}), root=tmp_path)
    with pytest.raises(StorageError, match="nothing is committed of fidelity=preview"):
        verify(project)
    place = tmp_path / "docs" / "gallery"
    place.mkdir(parents=True)
    (place / "preview").symlink_to(committed_folder(ROOT, "preview"))
    (tmp_path / "requirements.lock").write_text("numpy==0.1\nno-such-package==1\n")
    found = verify(project)
    assert {each.outcome for each in [*found.figures, *found.claims]} == {"missing"}
    assert found.machine[0].endswith("the lock has 0.1") and "none is installed" in found.machine[1]
