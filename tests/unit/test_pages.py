"""Gallery and scorecard: whole, escaped, self-contained."""

from __future__ import annotations

import base64
import io
import math
import re
from html.parser import HTMLParser

import PIL.Image
import pytest

from irsrepro.report.pages import (
    Setting,
    address,
    counts,
    embed,
    gallery,
    number,
    scorecard,
    warnings_of,
)
from made_up import ABOUT, CLAIMS, EVIL, LONG, PICTURES, chapter, claim, png, rows, thumbnails

BUILD = ("paper", "fast")
FETCHING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
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
    return found + re.findall(r"@import[^;]*|url\([^)]*\)|\bimport\(.*?\)|\bfetch\(.*?\)", text)


@pytest.fixture(scope="module")
def page() -> str:
    return gallery([chapter()], *BUILD)


@pytest.fixture(scope="module")
def card() -> str:
    return scorecard(rows("made2020"), thumbnails("made2020"), {"made2020": {}}, *BUILD)


@pytest.fixture(scope="module")
def compared() -> str:
    readings = {"made2020": ABOUT}
    return scorecard(
        rows("made2020", compared=True), thumbnails("made2020"), readings, "preview", "fast"
    )


def test_pages_fetch_nothing(page: str, card: str, compared: str) -> None:
    assert fetched(card) == fetched(compared) == []
    assert fetched(page) == ["charts.js"]  # from beside it


def test_text_is_escaped(page: str, card: str, compared: str) -> None:
    for text in (page, card, compared):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_every_claim_appears_once_with_its_verdict(page: str, card: str) -> None:
    for row in CLAIMS:
        name, badge = row["claim"], row["verdict"].replace(" ", "-")
        assert page.count(f">{name}</a></strong>") == 1
        assert card.count(f">{name}<") == 1
        assert re.search(rf'badge {badge}">{row["verdict"]}</span> <strong><a[^>]*>{name}<', page)
        for text in (page, card):
            assert row["sentence"] in text
    for text in (page, card):
        assert text.count("agreement is no evidence") == 1


def test_the_gallery_shows_everything(page: str) -> None:
    images = [attributes["src"] for tag, attributes in Elements(page).tags if tag == "img"]
    large = [embed(picture, 1600, 128).address for picture in PICTURES.values()]
    small = [embed(picture, 240, 64).address for picture in PICTURES.values()]
    assert images == small + large
    links = {attributes.get("href") for tag, attributes in Elements(page).tags if tag == "a"}
    data = "../results/paper/made2020/default"
    for ending in ("pdf", "svg", "png", "csv"):
        assert f"made2020/fig01.{ending}" in links
    assert {"../reports/made2020.html", "../reports/made2020.ipynb", "#made2020",
            f"{data}/fast/figures/fig01.nc", f"{data}/fast/rise/", f"{data}/channels/near/",
            "../scorecard/scorecard.html#made2020-a-fall", "#made2020-fig02",
            "https://doi.org/10.1/abc", "https://arxiv.org/abs/2001.00001"} <= links  # fmt: skip
    assert f"{data}/fast/figures/fig03.nc" not in links, "a sheet has the data of its panels"
    for words in ("A. Author, B. Author", "ISBN: 123", "What it is about", "Caption", "Another",
                  "(1) is wrong", "dBm", "assumed"):  # fmt: skip
        assert words in page
    assert page.count("<details>") == 3 + 2 and "<details open" not in page


def test_a_figure_lists_the_parameters_it_rests_on() -> None:
    axis = list(range(60))
    found = {(each.name, str(each.value)): each for each in chapter().settings("fig01")}
    assert list(found) == [
        ("power", str(axis)), ("users", "2"), ("rounds", "50"),
        ("drop", "disc"), ("users", "4"), ("rounds", "9"),
    ]  # fmt: skip
    swept = found["power", str(axis)]
    assert (swept.origin, swept.places) == ("recalled", ("rise", "fall"))
    assert swept.why.startswith("swept: the axis")
    assert found["users", "2"] == Setting(
        "users", 2, "1", "set in the ensemble", "otherwise 4, derived: twice two", ("rise",)
    )
    assert found["rounds", "50"].origin == "set in the experiment"
    assert found["users", "4"] == Setting("users", 4, "1", "derived", "twice two", ("fall",))


def test_a_layout_rests_on_its_ensemble_and_a_sheet_on_its_panels() -> None:
    one = chapter()
    assert set(one.ensembles("fig02")) == {"near"} and not one.experiments("fig02")
    assert {each.places for each in one.settings("fig02")} <= {(), ("near",)}
    assert set(one.experiments("fig03")) == {"rise", "fall"}
    assert {each.name for each in one.settings("fig03")} == {"power", "users", "rounds", "drop"}


def test_pictures_shrink_to_the_screen_and_keep_their_shape() -> None:
    small = embed(png(1000, 500, "red"), 240, 64)
    assert (small.width, small.height) == (240, 120)
    content = base64.b64decode(small.address.partition("base64,")[2])
    picture = PIL.Image.open(io.BytesIO(content))
    assert picture.size == (240, 120) and picture.convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    kept = embed(png(100, 50), 240, 64)
    assert (kept.width, kept.height) == (100, 50), "a small picture is not blown up"


def test_pages_count_verdicts_per_paper() -> None:
    second = [claim("b-one", "fig01", "replicated"), claim("b-two", "fig01", "replicated")]
    page = gallery([chapter(), chapter("b2021", claims=second)], *BUILD)
    card = scorecard(
        rows("made2020") + [row | {"paper": "b2021"} for row in second], {}, {}, *BUILD
    )
    for text in (page, card):
        table = text.partition('class="tally"')[2].partition("</table>")[0]
        found = re.findall(r"#(\w+).*?</td><td>(\d)</td><td>(\d)</td><td>(\d)</td>", table)
        assert found == [("made2020", "2", "2", "1"), ("b2021", "2", "0", "0")]
        assert "<td>all</td><td>4</td><td>2</td><td>1</td>" in table
    assert counts([*CLAIMS, *second]) == {"replicated": 4, "undecided": 2, "not replicated": 1}


def test_pages_suit_a_phone_and_a_dark_room(page: str, card: str) -> None:
    for text in (page, card):
        assert 'name="viewport"' in text and "color-scheme: light dark" in text
        assert "max-width: 100%" in text


def test_pages_state_fidelity_and_engine(page: str, card: str) -> None:
    assert warnings_of(*BUILD) == []
    for text in (page, card):
        assert "<strong>paper</strong>" in text and "<strong>fast</strong>" in text
        assert 'class="warning"' not in text
    build = ("preview", "reference")
    for text in (gallery([chapter()], *build), scorecard(rows("made2020"), {}, {}, *build)):
        assert "Preview" in text and "reference engine" in text
        assert text.index('class="warning"') < text.index("a-rise")


def test_the_scorecard_shows_estimates_and_intervals(card: str) -> None:
    assert "<b>−2.5</b> bit/s/Hz" in card and "<b>−0.125</b> to <b>∞</b>" in card
    assert ">100<" in card
    assert "robustness" not in card


def test_the_scorecard_shows_the_figure_beside_each_claim(card: str) -> None:
    thumbnail = embed(PICTURES["fig01"], 240, 64).address
    row = card.partition('<tr id="made2020-a-rise"')[2].partition("</tr>")[0]
    assert f'<a href="../figures/index.html#made2020-fig01"><img src="{thumbnail}"' in row
    assert "<img" not in card.partition('<tr id="made2020-a-theorem"')[2].partition("</tr>")[0]


def test_the_scorecard_under_alternatives(compared: str) -> None:
    assert compared.count("depends on: ring") == len(CLAIMS)
    item = r'undecided">undecided</span> <strong>ring</strong>: users on a ring, &lt;script'
    assert len(re.findall(item, compared)) == len(CLAIMS)
    table = compared.partition('class="tally"')[2].partition("</table>")[0]
    assert "<th>robust</th>" in table
    assert (
        "<td>all</td><td>2</td><td>2</td><td>1</td><td>–</td><td>–</td><td>–</td><td>0</td>"
        in table
    )
    assert "at this fidelity" in compared and "Preview" in compared
    assert f"users nearer, {LONG}" in compared and EVIL not in compared


def test_same_data_same_text(page: str, card: str) -> None:
    embed.cache_clear()
    assert gallery([chapter()], *BUILD) == page
    again = scorecard(rows("made2020"), thumbnails("made2020"), {"made2020": {}}, *BUILD)
    assert again == card


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (-0.04361, "−0.0436"), (100.0, "100")],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_identifiers_of_an_unknown_kind_lead_nowhere() -> None:
    assert address("ISBN", "1") == "" and address("DOI", "10.1/a").startswith("https://doi.org/")
