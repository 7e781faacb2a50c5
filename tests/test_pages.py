"""Gallery and scorecard: whole, escaped, self-contained."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from irsrepro.pages import Chapter, address, counts, gallery, number, scorecard, warnings_of

PNG = b"\x89PNG picture"
EVIL = "<script>alert('x')</script> & \"quotes\""
FETCHING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


def claim(name: str, figure: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "claim": name,
        "about": "Fig. 1",
        "figure": figure,
        "text": f"{name} is said",
        "verdict": verdict,
        "estimate": 0.25,
        "lower": -0.125,
        "upper": math.inf,
        "unit": "bit/s/Hz",
        "n": 100,
        "sentence": f"{name} was found",
        "by_construction": False,
    } | more


CLAIMS = [
    claim("a-rise", "fig01", "replicated"),
    claim("a-fall", "fig01", "not replicated", text=EVIL),
    claim("a-theorem", "none", "undecided", by_construction=True),
]
SOURCE: dict[str, Any] = {
    "title": EVIL,
    "authors": ["A. Author", "B. Author"],
    "venue": "Venue",
    "year": 2020,
    "identifiers": {"arXiv": "2001.00001", "DOI": "10.1/abc", "ISBN": "123"},
    "summary": "What it is about.",
    "parameters": {
        "power": {"value": 30, "unit": "dBm", "origin": "stated", "why": "in the text"},
        "drop": {"value": "disc", "unit": "name", "origin": "assumed", "why": EVIL},
    },
    "experiments": {
        "rise": {
            "sweep": {"parameter": "power", "values": [10, 20], "origin": "recalled", "why": EVIL}
        }
    },
    "figures": {
        "fig01": {"title": "First", "caption": f"Caption {EVIL}", "kind": "curves"},
        "fig02": {"title": "Second", "caption": "Another", "kind": "layout"},
    },
    "errata": ["(1) is wrong", EVIL],
}


VOID = {"meta", "img", "br", "link", "input", "hr"}


class Elements(HTMLParser):
    """Collects start tags, and insists that elements close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def fetched(text: str) -> list[str]:
    """Return every address that opening a page would fetch."""
    found = [
        address or ""
        for tag, attributes in Elements(text).tags
        for attribute, address in attributes.items()
        if FETCHING.get(tag) == attribute and not (address or "").startswith("data:")
    ]
    return found + re.findall(r"@import[^;]*|url\([^)]*\)|\bimport\(.*?\)", text)


@pytest.fixture
def page() -> str:
    chapter = Chapter("made2020", SOURCE, CLAIMS, {"fig01": PNG, "fig02": PNG + b"2"})
    return gallery([chapter], [])


@pytest.fixture
def card() -> str:
    return scorecard([row | {"document": "made2020"} for row in CLAIMS], [], [])


def test_pages_fetch_nothing(page: str, card: str) -> None:
    assert fetched(page) == [] and fetched(card) == []


def test_text_is_escaped(page: str, card: str) -> None:
    for text in (page, card):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_every_claim_appears_once_with_its_verdict(page: str, card: str) -> None:
    for row in CLAIMS:
        badge = row["verdict"].replace(" ", "-")
        assert page.count(f"<strong>{row['claim']}</strong>") == 1
        assert card.count(f">{row['claim']}<") == 1
        assert re.search(rf'badge {badge}">{row["verdict"]}</span> <strong>{row["claim"]}', page)
        for text in (page, card):
            assert row["sentence"] in text
    for text in (page, card):
        assert text.count("agreement is no evidence") == 1


def test_the_gallery_shows_everything(page: str) -> None:
    images = [attributes["src"] for tag, attributes in Elements(page).tags if tag == "img"]
    encoded = [base64.b64decode((image or "").partition("base64,")[2]) for image in images]
    assert encoded == [PNG, PNG + b"2"]
    links = {attributes.get("href") for tag, attributes in Elements(page).tags if tag == "a"}
    for ending in ("pdf", "svg", "png", "csv"):
        assert f"made2020/fig01.{ending}" in links
    assert {"../reports/made2020.html", "../reports/made2020.ipynb", "#made2020",
            "https://doi.org/10.1/abc", "https://arxiv.org/abs/2001.00001"} <= links  # fmt: skip
    for words in ("A. Author, B. Author", "ISBN: 123", "What it is about.", "Caption", "Another",
                  "(1) is wrong", "dBm", "assumed"):  # fmt: skip
        assert words in page
    assert page.count("<details>") == 2 and "<details open" not in page


def test_the_gallery_counts_verdicts_per_paper() -> None:
    second = [claim("b-one", "fig01", "replicated"), claim("b-two", "fig01", "replicated")]
    pictures = {"fig01": PNG, "fig02": PNG}
    page = gallery(
        [Chapter("made2020", SOURCE, CLAIMS, pictures), Chapter("b2021", SOURCE, second, pictures)],
        [],
    )
    cells = re.findall(r'href="#(\w+)".*?</td><td>(\d)</td><td>(\d)</td><td>(\d)</td>', page)
    assert cells == [("made2020", "1", "1", "1"), ("b2021", "2", "0", "0")]
    assert counts([*CLAIMS, *second]) == {"replicated": 3, "undecided": 1, "not replicated": 1}


def test_pages_suit_a_phone_and_a_dark_room(page: str, card: str) -> None:
    for text in (page, card):
        assert 'name="viewport"' in text and "color-scheme: light dark" in text
        assert "max-width: 100%" in text


def test_a_preview_and_another_engine_are_loud() -> None:
    assert warnings_of("paper", "fast") == []
    found = warnings_of("preview", "reference")
    page = gallery([Chapter("made2020", SOURCE, CLAIMS, {"fig01": PNG, "fig02": PNG})], found)
    card = scorecard([row | {"document": "made2020"} for row in CLAIMS], [], found)
    for text in (page, card):
        assert "Preview" in text and "reference engine" in text
        assert text.index('class="warning"') < text.index("a-rise")


def test_the_scorecard_shows_estimates_and_intervals(card: str) -> None:
    assert "0.25 bit/s/Hz" in card and "−0.125 to ∞" in card and ">100<" in card
    assert "robustness" not in card
    assert "addEventListener" in card and "data-sortable" in card


def test_the_scorecard_under_alternatives() -> None:
    verdicts = {"default": "replicated", "ring": "undecided"}
    rows = [
        row | {"document": "made2020", "robustness": "depends on: ring", "verdicts": verdicts}
        for row in CLAIMS
    ]
    card = scorecard(rows, ["ring"], [])
    assert card.count("depends on: ring") == len(CLAIMS) and "ring: undecided" in card
    assert fetched(card) == []


def test_same_data_same_text(page: str) -> None:
    pictures = {"fig01": PNG, "fig02": PNG + b"2"}
    assert gallery([Chapter("made2020", SOURCE, CLAIMS, pictures)], []) == page


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (-0.04361, "−0.0436"), (100.0, "100")],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_identifiers_of_an_unknown_kind_lead_nowhere() -> None:
    assert address("ISBN", "1") == "" and address("DOI", "10.1/a").startswith("https://doi.org/")
