"""Charts of the gallery in a browser, asked by mouse, by keys and by a finger."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from irsrepro.figures.charts import chart
from irsrepro.figures.tables import table
from irsrepro.report.pages import charts_script, gallery
from made_up import SOURCE, chapter, drawn

NEEDED = ("chromium", "chromedriver")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"{' and '.join(NEEDED)} are not both there"
)
LOOKS = {"title": "First", "x": {"label": "Power (W)", "scale": "log"}, "y": {"label": "Rate"}}
OWN = "Own scheme at 10: 2 bit/s/Hz, 95 % interval 1.75 to 2.25, 99 realisations"
ASK = "Ask this picture"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages as a build lays them out: the reading ``ring`` is built, ``nearer`` is not."""
    figures = tmp_path_factory.mktemp("build") / "figures"
    for folder, reading, shift in (
        (figures, "default", 0.0),
        (figures / "variants/ring", "ring", 1.0),
    ):
        data = drawn("made2020", reading, shift)
        place = folder / "made2020"
        place.mkdir(parents=True)
        script = chart([(data, LOOKS)], "fig01", LOOKS, SOURCE["schemes"], {})
        (place / "fig01.js").write_text(script, encoding="utf-8")
        (place / "fig01.csv").write_text(table(data), encoding="utf-8")
    paper = chapter().paper
    told = chapter(paper=type(paper)(
        paper.key, paper.source, {"default": {}, "ring": {}, "nearer": {}}, {}
    ))  # fmt: skip
    (figures / "index.html").write_text(gallery([told], "paper", "fast"), encoding="utf-8")
    (figures / "charts.js").write_text(charts_script(), encoding="utf-8")
    return figures


def start(profile: Path, *, phone: bool = False) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update",
        f"--user-data-dir={profile}", "--window-size=1200,1000",
    ):  # fmt: skip
        options.add_argument(argument)
    if phone:
        metrics = {"width": 390, "height": 800, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    downloads = {"download.default_directory": str(profile / "downloads")}
    options.add_experimental_option("prefs", downloads)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options, service)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    found = start(tmp_path_factory.mktemp("desk"))
    yield found
    found.quit()


def asked(browser: webdriver.Chrome, root: Path) -> WebElement:
    """Open the page again and the chart of its first figure."""
    browser.get((root / "index.html").as_uri())
    place = browser.find_element(By.CSS_SELECTOR, "[data-chart$='/fig01']")
    opener = place.find_element(By.TAG_NAME, "button")
    assert opener.text == ASK and opener.get_attribute("aria-expanded") == "false"
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", opener)
    opener.click()
    WebDriverWait(browser, 30).until(lambda _: place.get_attribute("data-ready") == "yes")
    WebDriverWait(browser, 30).until(lambda _: canvas(place).size["height"] > 300)
    assert opener.get_attribute("aria-expanded") == "true"
    return place


def canvas(place: WebElement) -> WebElement:
    return place.find_element(By.CSS_SELECTOR, ".plot > *")


def said(place: WebElement) -> str:
    return place.find_element(By.TAG_NAME, "output").text


def ends(browser: webdriver.Chrome, place: WebElement, side: str) -> list[float]:
    panel = place.find_element(By.CSS_SELECTOR, ".panel")
    script = f"const r = arguments[0].ranges.{side}; return [r.start, r.end];"
    found: list[float] = browser.execute_script(script, panel)
    return found


# Where a point of a curve is, in the window.
WHERE = """
const [place, curve, point] = arguments;
const view = place.querySelector(".panel").view, box = view.el.getBoundingClientRect();
const points = view.model.renderers.filter(each => each.glyph.type === "Scatter")[curve];
const { x, y } = points.data_source.data;
return [box.left + view.frame.x_scale.compute(x[point]),
        box.top + view.frame.y_scale.compute(y[point])];
"""
VISIBLE = """
const { renderers } = arguments[0].querySelector(".panel").view.model;
return renderers.map(each => each.visible);
"""
# What is read on the page, in every tree that hangs below it.
READ = """
const read = node => Array.from(node.children, each =>
  each.tagName === "STYLE" ? "" : [each.childElementCount ? "" : each.textContent, read(each),
  each.shadowRoot ? read(each.shadowRoot) : ""].join(" ")).join(" ");
return read(document.body);
"""


def spot(browser: webdriver.Chrome, place: WebElement, curve: int, point: int) -> tuple[int, int]:
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas(place))
    x, y = browser.execute_script(WHERE, place, curve, point)
    return round(x), round(y)


def test_the_pointer_is_told_value_interval_and_count(
    browser: webdriver.Chrome, root: Path
) -> None:
    place = asked(browser, root)
    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(*spot(browser, place, 0, 1)).pause(0.2)
    actions.perform()
    WebDriverWait(browser, 10).until(lambda _: OWN in browser.execute_script(READ))


def test_the_legend_switches_curves_by_click_and_by_key(
    browser: webdriver.Chrome, root: Path
) -> None:
    place = asked(browser, root)
    own, few = place.find_elements(By.CSS_SELECTOR, ".legend button")
    assert all(browser.execute_script(VISIBLE, place))
    few.click()
    assert few.get_attribute("aria-pressed") == "false"
    assert browser.execute_script(VISIBLE, place) == [True] * 3 + [False] * 3
    few.send_keys(Keys.ENTER)
    own.send_keys(Keys.SPACE)
    assert [each.get_attribute("aria-pressed") for each in (own, few)] == ["false", "true"]
    assert browser.execute_script(VISIBLE, place) == [False] * 3 + [True] * 3


def test_keys_go_from_point_to_point_and_curve_to_curve(
    browser: webdriver.Chrome, root: Path
) -> None:
    place = asked(browser, root)
    area = place.find_element(By.CSS_SELECTOR, ".plot")
    area.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert said(place) == OWN
    area.send_keys(Keys.ARROW_DOWN)
    assert said(place).startswith("Few rounds at 10: 1.5 bit/s/Hz") and "1 failed" in said(place)
    area.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)  # the first point is the last one that way
    assert said(place) == "Few rounds at 1: 0.5 bit/s/Hz, 99 realisations"
    place.find_elements(By.CSS_SELECTOR, ".legend button")[1].click()
    area.send_keys(Keys.ARROW_DOWN)
    assert said(place).startswith("Own scheme at 1:")


def test_buttons_zoom_and_bring_the_whole_back(browser: webdriver.Chrome, root: Path) -> None:
    place = asked(browser, root)
    near, far, whole = place.find_elements(By.CSS_SELECTOR, ".panel .controls button")
    before = [ends(browser, place, side) for side in "xy"]
    assert before[0][0] < 1.0 and before[0][1] > 100.0 and before[1][1] > 4.25
    near.send_keys(Keys.ENTER)
    (left, right), (low, high) = (ends(browser, place, side) for side in "xy")
    assert before[0][0] < left < right < before[0][1] and before[1][0] < low < high < before[1][1]
    assert left * right == pytest.approx(before[0][0] * before[0][1])  # about the middle, in log
    far.click()
    assert [ends(browser, place, side) for side in "xy"] == [pytest.approx(each) for each in before]
    near.click()
    whole.click()
    assert [ends(browser, place, side) for side in "xy"] == before


def test_a_reading_that_is_built_can_be_chosen(browser: webdriver.Chrome, root: Path) -> None:
    place = asked(browser, root)
    choice = place.find_element(By.TAG_NAME, "select")
    assert [each.text for each in choice.find_elements(By.TAG_NAME, "option")] == [
        "our reading",
        "ring",
    ]
    choice.send_keys("ring")
    WebDriverWait(browser, 10).until(lambda _: place.get_attribute("data-shown") == "ring")
    place.find_element(By.CSS_SELECTOR, ".plot").send_keys(Keys.ARROW_RIGHT)
    assert said(place).startswith("Own scheme at 1: 2 bit/s/Hz") and "users on a ring" in place.text
    link = place.find_element(By.LINK_TEXT, "Data as CSV").get_attribute("href")
    assert link == (root / "variants/ring/made2020/fig01.csv").as_uri()


def test_the_data_is_one_click_away(browser: webdriver.Chrome, root: Path) -> None:
    place = asked(browser, root)
    link = place.find_element(By.LINK_TEXT, "Data as CSV")
    assert link.get_attribute("href") == (root / "made2020/fig01.csv").as_uri()
    assert link.get_attribute("download") is not None


def test_a_figure_without_data_says_what_makes_it(browser: webdriver.Chrome, root: Path) -> None:
    browser.get((root / "index.html").as_uri())
    place = browser.find_element(By.CSS_SELECTOR, "[data-chart$='/fig02']")
    opener = place.find_element(By.TAG_NAME, "button")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", opener)
    opener.click()
    WebDriverWait(browser, 10).until(lambda _: "snakemake figures/made2020/fig02.js" in place.text)


def test_a_finger_is_told_on_a_phone(root: Path, tmp_path: Path) -> None:
    browser = start(tmp_path, phone=True)
    try:
        place = asked(browser, root)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        touch = ActionBuilder(browser, mouse=PointerInput("touch", "finger"))
        touch.pointer_action.move_to_location(*spot(browser, place, 0, 1))
        touch.pointer_action.pointer_down().pause(0.05).pointer_up()
        touch.perform()
        WebDriverWait(browser, 10).until(lambda _: said(place) == OWN)
        few = place.find_elements(By.CSS_SELECTOR, ".legend button")[1]
        assert few.size["height"] >= 30
        few.click()
        assert few.get_attribute("aria-pressed") == "false"
    finally:
        browser.quit()
