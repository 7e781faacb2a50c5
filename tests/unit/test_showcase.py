"""The committed gallery: whole, what the tables and the configuration say, and as it was built."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from irsrepro.config.loading import load_project
from irsrepro.errors import ConfigurationError, IrsreproError, StorageError
from irsrepro.report.alternatives import robustness_page
from irsrepro.report.exhibits import Exhibit, overview_picture, overview_table, page
from irsrepro.report.showcase import FOLDER, commit, exhibits_of, load_exhibits, pages, splice


def claim(name: str, figure: str, verdict: str, **more: str) -> dict[str, str]:
    return {
        "paper": "first2020",
        "claim": name,
        "about": "Fig. 1",
        "figure": figure,
        "text": "Something rises.",
        "verdict": verdict,
        "by_construction": "0",
        "sentence": "it rises by 1 to 2 dB",
        "source": "paper",
        "cause": "",
    } | more


SOURCE: dict[str, Any] = {
    "title": "A paper",
    "authors": ["Ada Author", "Ben Writer"],
    "year": 2020,
    "identifiers": {"arXiv": "2001.00001"},
    "summary": "What it is about.",
    "figures": {
        "fig01": {"title": "One", "caption": "The first.", "kind": "layout"},
        "fig02": {"title": "Two", "caption": "The second.", "kind": "curves"},
    },
}
CLAIMS = [
    claim("a-rise", "fig02", "replicated"),
    claim("a-fall", "fig02", "not replicated", by_construction="1"),
    claim("a-theorem", "none", "undecided"),
]
TIMES = [
    {"paper": "first2020", "figure": "fig01", "seconds": "3.2"},
    {"paper": "first2020", "figure": "fig02", "seconds": "600.0"},
    {"paper": "first2020", "figure": "all", "seconds": "601.0"},
]


@pytest.fixture
def exhibits() -> list[Exhibit]:
    return exhibits_of({"first2020": SOURCE}, CLAIMS, TIMES)


def test_the_page_has_every_figure_and_every_claim(exhibits: list[Exhibit]) -> None:
    text = page(exhibits)
    for name in ("fig01", "fig02"):
        assert f"(first2020/{name}.png)" in text and f"(first2020/{name}.csv)" in text
        assert f'id="first2020-{name}"' in text
    before, after = text.split("### Claims about no figure")
    assert "a-rise" in before and "a-theorem" not in before
    assert "a-theorem" in after
    assert "Computed in 3.2 s" in before and "Computed in 10.0 min" in before


def test_a_claim_that_holds_by_a_calibrated_value_is_no_evidence() -> None:
    rows = [claim("a-rise", "fig02", "replicated", by_construction="1"), *CLAIMS[1:]]
    exhibits = exhibits_of({"first2020": SOURCE}, rows, TIMES)
    lines = [line for line in page(exhibits).splitlines() if "calibrated value" in line]
    assert len(lines) == 1 and "**a-rise**" in lines[0]
    assert "\n1 of the 1 sentences that replicate" in overview_table(exhibits, "")


def test_nothing_is_said_of_claims_that_there_are_not() -> None:
    assert "about no figure" not in page(exhibits_of({"first2020": SOURCE}, CLAIMS[:2], TIMES))


def test_the_page_tells_in_how_many_readings_a_claim_holds(exhibits: list[Exhibit]) -> None:
    text = page(exhibits, shares={"first2020": {"a-rise": "holds in 38 of 41 readings"}})
    line = next(line for line in text.splitlines() if "**a-rise**" in line)
    assert "replicated" in line
    assert line.endswith("[Every reading](multiverse/first2020.md): holds in 38 of 41 readings.")
    assert text.count("Every reading") == 1 and "(multiverse/README.md)" in text
    assert "multiverse" not in page(exhibits)


def test_the_table_counts_verdicts_and_times(exhibits: list[Exhibit]) -> None:
    head, _, row, total = overview_table(exhibits, "docs/gallery/").splitlines()
    assert head.split(" | ")[2:5] == ["replicated", "undecided", "not replicated"]
    assert head.split(" | ")[5:8] == ["threshold ours", "reconstructed", "ours"]
    ending = "| 1 | 1 | 1 | – | – | – | 10.0 min |"
    assert row.endswith(ending) and total.endswith(ending)
    assert "Author, Writer 2020" in row and "https://arxiv.org/abs/2001.00001" in row
    assert "(docs/gallery/README.md#first2020-fig02)" in row
    assert "(#first2020-fig02)" in overview_table(exhibits, "")


def test_robustness_names_the_readings_with_other_verdicts() -> None:
    more = {"n": "4", "fidelity": "preview", "other": "undecided", "third": "replicated"}
    rows = [
        claim(
            "a-rise",
            "fig02",
            "replicated",
            robustness="x",
            depends_on="",
            open_under="other",
            **more,
        ),
        claim(
            "a-theorem",
            "none",
            "replicated",
            robustness="robust",
            depends_on="",
            open_under="",
            **more,
        ),
    ]
    text = robustness_page(rows, {"first2020": {"other": "another way", "third": "a third"}})
    first, second = (line for line in text.splitlines() if line.startswith("| [a-"))
    assert "1 of 2 claims" in text and "preview fidelity" in text and "`other`: another way" in text
    assert first.endswith("| 🟢 replicated | 4 | 🟡 `other` |") and "first2020-fig02" in first
    assert second.endswith("| 🟢 replicated | 4 | none |")


def test_the_cover_is_the_figure_with_most_claims(exhibits: list[Exhibit]) -> None:
    (exhibit,) = exhibits
    assert exhibit.cover == "fig02"
    picture = (ROOT / FOLDER / "overview.png").read_bytes()
    drawn = overview_picture(exhibits, {"first2020": picture})
    assert drawn.startswith(b"\x89PNG")
    assert drawn == overview_picture(exhibits, {"first2020": picture})


def test_splicing_replaces_what_stands_between_the_marks() -> None:
    begin, end = "<!-- papers: made by irsrepro showcase -->", "<!-- papers: end -->"
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    assert splice(text, "papers", "new") == f"before\n{begin}\nnew\n{end}\nafter\n"
    for broken in ("before", f"{begin} old"):
        with pytest.raises(IrsreproError, match="expected the lines"):
            splice(broken, "papers", "new")


@pytest.mark.parametrize("change", ["engine=reference", "realisations=7"])
def test_only_a_full_build_is_committed(change: str, tmp_path: Path) -> None:
    project = load_project(ROOT, dict([change.split("=")]))
    with pytest.raises(ConfigurationError, match=f"{change}.* is not committed"):
        commit(tmp_path, project)


def test_what_was_not_built_is_not_committed(tmp_path: Path) -> None:
    project = replace(load_project(ROOT, {}), root=tmp_path)
    with pytest.raises(StorageError, match="figures/he2020/fig02: not built at this fidelity"):
        commit(tmp_path, project)
    assert not list(tmp_path.rglob("*"))


def test_the_committed_pages_say_what_the_tables_say() -> None:
    for path, text in pages(ROOT).items():
        stale = f"{path.name} is stale: python -m irsrepro.report.showcase"
        assert path.read_text(encoding="utf-8") == text, stale


def test_the_committed_gallery_is_one_build_of_every_figure_and_claim() -> None:
    manifest = json.loads((ROOT / FOLDER / "manifest.json").read_text())
    hashes = manifest["files"]
    for exhibit in load_exhibits(ROOT):
        assert {row["claim"] for row in exhibit.claims} == set(exhibit.source["claims"])
        assert set(exhibit.times) == set(exhibit.source["figures"])
        for figure in exhibit.source["figures"]:
            for end in ("png", "csv"):
                name = f"{exhibit.key}/{figure}.{end}"
                content = Path(ROOT / FOLDER / name).read_bytes()
                assert hashlib.sha256(content).hexdigest() == hashes[name], name
