"""Pages, tables and curves of a multiverse say the same, and the same bytes come out."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from test_pages import Elements, fetched

from conftest import ROOT
from irsrepro.config.loading import load_paper, paper_keys
from irsrepro.errors import StorageError
from irsrepro.figures.specification import render_specification
from irsrepro.multiverse.calibration import WARNING, standings
from irsrepro.multiverse.specifications import specification
from irsrepro.multiverse.tables import as_csv, from_csv, gather_readings
from irsrepro.report import multiverse_gallery
from irsrepro.report.multiverse import Survey, index, index_text, page, page_text, survey_multiverse
from made_up import EVIL, png
from made_up_multiverse import NO, OPEN, RULES, SOURCE, YES, multiverse


@pytest.fixture(scope="module")
def surveyed() -> Survey:
    return survey_multiverse(gather_readings(multiverse(), SOURCE), SOURCE)


def test_page_text_and_table_agree(surveyed: Survey) -> None:
    table = list(csv.DictReader(io.StringIO(as_csv(surveyed.multiverse))))
    html, text = page(surveyed, {}), page_text(surveyed)
    for claim, finding in surveyed.findings.items():
        verdicts = [row["verdict"] for row in table if row["claim"] == claim]
        assert [verdicts.count(each) for each in (YES, NO, OPEN)] == [
            finding.every.holds, finding.every.fails, finding.every.open,
        ]  # fmt: skip
        section = html.partition(f'<section id="{claim}">')[2].partition("</section>")[0]
        counts = [verdicts.count(each) for each in (YES, NO, OPEN)]
        cells = "".join(f"<td>{count}</td>" for count in counts)
        assert "every reading" in section and cells in section
        row = next(r for r in surveyed.rows() if r["claim"] == claim)
        assert row["sentence"] in html and row["sentence"] in text
        assert row["share"] in html and row["share"] in text


def test_pages_are_whole_and_fetch_nothing(surveyed: Survey) -> None:
    evil = {**SOURCE, "title": EVIL, "claims": {c: {"text": EVIL, "checks": []} for c in RULES}}
    bad = survey_multiverse(surveyed.multiverse, evil)
    for text in (page(bad, {"a-hinge": png()}), index([bad])):
        Elements(text)
        assert fetched(text) == [] and "<script>" not in text


def test_claims_that_hold_by_luck_are_seen_first(surveyed: Survey) -> None:
    assert [each.claim for each in surveyed.by_luck] == ["a-hinge", "a-luck"]
    html, text = page(surveyed, {}), page_text(surveyed)
    assert html.index('class="warning"') < html.index("<table")
    assert text.index("> ⚠️") < text.index("| claim |")
    assert "a-luck" in index([surveyed]) and "⚠️ made2020" in index_text([surveyed])


def test_the_tally_counts_what_stays_open_apart(surveyed: Survey) -> None:
    every = {"claims": 5, "robust": 2, "depend on the reading": 2, "too often open": 1,
             "by luck of our guess": 2}  # fmt: skip
    assert surveyed.tally() == every
    told = "Sentences of the paper alone: 4 claims, 2 robust, 2 depend on the reading, 0 too often"
    assert told in page_text(surveyed)
    assert surveyed.tally(own=True) == every | {"claims": 4, "too often open": 0}


def test_the_readings_with_most_sentences_stand_beside_ours_with_a_warning() -> None:
    rules = {
        "a-one": lambda choice: YES if choice["snr"] == 20 else NO,
        "a-two": lambda choice: YES if choice["drop"] == "disc" else NO,
        "a-open": RULES["a-open"],
    }
    made = gather_readings(multiverse(0, rules), SOURCE)
    ours, best = standings(made)
    assert (ours.counts.holds, ours.counts.fails) == (1, 1)  # a-open is no sentence of the paper
    assert [each.reading.choices for each in best] == [{"snr": 20}]
    assert best[0].gained == ("a-one",) and best[0].lost == ()
    claims = {"claims": {claim: {"text": claim, "checks": []} for claim in rules}}
    text = page_text(survey_multiverse(made, SOURCE | claims))
    assert WARNING in text and "calibration" in text
    row = next(line for line in text.splitlines() if line.startswith("| snr_2 "))
    assert row == "| snr_2 | plausible | SNR = 20 dB | 2 | 0 | 0 | a-one | – |"


def curve(surveyed: Survey, claim: str) -> Any:
    return specification(multiverse(), surveyed.findings[claim], SOURCE)


def test_a_curve_has_every_reading_in_order_of_its_estimate(surveyed: Survey) -> None:
    made = curve(surveyed, "a-hinge")
    estimates = [bar.estimate for bar in made.bars]
    assert estimates == sorted(estimates) and len(estimates) == 40
    assert sum(bar.default for bar in made.bars) == 1
    assert made.choices[0].label == "direct exponent"  # the hinge comes first
    assert made.choices[0].values == ("2", "2.5", "3", "3.5") and made.choices[0].default == 3
    for bar in made.bars:
        assert (bar.verdict == NO) == (bar.places[0] < 2)


def test_a_curve_has_the_same_bytes_and_says_what_it_is(surveyed: Survey) -> None:
    made = render_specification(curve(surveyed, "a-hinge"))
    assert made == render_specification(curve(surveyed, "a-hinge"))
    assert made != render_specification(curve(surveyed, "a-luck"))
    assert b"holds in 19 of 40 readings" in made["svg"] and b"<dc:date>" not in made["svg"]
    info = PIL.Image.open(io.BytesIO(made["png"])).info
    assert info["Title"] == "made2020 a-hinge: specification curve"
    assert info["Comment"] == "paper=made2020, seed=1"


def test_unknown_and_endless_intervals_are_drawn(surveyed: Survey) -> None:
    made = curve(surveyed, "a-hinge")
    odd = [
        replace(made.bars[0], estimate=np.nan, lower=-np.inf, upper=np.inf),
        replace(made.bars[1], lower=-np.inf, by_other_check=True),
    ]
    for bars in ([*odd, *made.bars], odd[:1]):
        assert render_specification(replace(made, bars=bars))["png"].startswith(b"\x89PNG")
    assert odd[0].order > made.bars[-1].order
    assert render_specification(replace(made, choices=(), bars=[
        replace(bar, places=()) for bar in made.bars]))  # fmt: skip


def built(root: Path, surveyed: Survey) -> None:
    folder = root / multiverse_gallery.BUILT
    (folder / "made2020").mkdir(parents=True)
    (folder / "made2020.csv").write_text(as_csv(surveyed.multiverse))
    for claim in surveyed.findings:
        for end in multiverse_gallery.ENDINGS:
            (folder / "made2020" / f"{claim}.{end}").write_text(claim)


def test_curves_are_committed_for_claims_decided_both_ways(
    tmp_path: Path, surveyed: Survey
) -> None:
    built(tmp_path, surveyed)
    old = tmp_path / multiverse_gallery.FOLDER / "made2020" / "a-gone.png"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    made = multiverse_gallery.copy_multiverses(tmp_path, {"made2020": SOURCE, "other2021": {}})
    assert sorted(path.name for path in made) == [
        "a-hinge.png", "a-hinge.svg", "a-luck.png", "a-luck.svg", "made2020.csv",
    ]  # fmt: skip
    assert not old.exists()
    (found,) = multiverse_gallery.committed_surveys(tmp_path, {"made2020": SOURCE, "other2021": {}})
    assert found == surveyed
    texts = multiverse_gallery.pages(tmp_path, [found])
    for path, text in texts.items():
        for name in ("a-hinge", "a-luck"):
            if path.name == "made2020.md":
                assert (
                    f"made2020/{name}.png" in text
                    and (path.parent / f"made2020/{name}.png").exists()
                )
    readme = multiverse_gallery.readme_text([found])
    assert "docs/gallery/multiverse/made2020.md" in readme and "holds in 19 of 40" in readme
    assert multiverse_gallery.shares([found])["made2020"]["a-sure"] == "holds in 40 of 40 readings"


def test_nothing_is_committed_without_a_build(tmp_path: Path, surveyed: Survey) -> None:
    with pytest.raises(StorageError, match="snakemake multiverse/KEY builds one"):
        multiverse_gallery.copy_multiverses(tmp_path, {"made2020": SOURCE})
    built(tmp_path, surveyed)
    (tmp_path / "multiverse/made2020/a-luck.svg").unlink()
    with pytest.raises(StorageError, match=r"a-luck\.svg: no such file"):
        multiverse_gallery.copy_multiverses(tmp_path, {"made2020": SOURCE})


def test_the_committed_curves_are_those_of_the_committed_tables() -> None:
    folder = ROOT / multiverse_gallery.FOLDER
    sources = {key: load_paper(ROOT, key).source for key in paper_keys(ROOT)}
    for found in multiverse_gallery.committed_surveys(ROOT, sources):
        wanted = {
            f"{each.claim}.{end}"
            for each in found.findings.values()
            if each.flips
            for end in multiverse_gallery.ENDINGS
        }
        assert {path.name for path in (folder / found.key).glob("*")} == wanted
        table = (folder / f"{found.key}.csv").read_text(encoding="utf-8")
        assert as_csv(from_csv(table)) == table
