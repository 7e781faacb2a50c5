"""Gallery and scorecard in a headless browser, as wide as a desk and as a phone."""

from __future__ import annotations

import html
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from irsrepro.report.pages import charts_script, gallery, scorecard
from made_up import ABOUT, CLAIMS, chapter, rows, thumbnails

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is there")

KEYS = ("made2020", "another2021")
WIDTHS = (1280, 390)
PAGES = {
    "gallery": "figures/index.html",
    "scorecard": "scorecard/scorecard.html",
    "alternatives": "scorecard/alternatives.html",
}
SEEN = [(name, width) for name in PAGES for width in WIDTHS]

# Stands first in a page, so that nothing goes wrong before it.
LISTEN = """<script>
const problems = [];
addEventListener("error", event => problems.push(event.message || event.target.outerHTML), true);
addEventListener("unhandledrejection", event => problems.push(String(event.reason)));
console.error = console.warn = (...words) => problems.push(words.join(" "));
</script>"""
# Stands last: what a person would see and click, told to the page around it.
LOOK = """<script>
const all = selector => Array.from(document.querySelectorAll(selector));
const claims = () => all("#claims tbody tr").filter(row => row.offsetHeight).map(row => row.id);
function click(name) {
  const button = all("th button").find(each => each.textContent === name);
  button.focus();
  document.activeElement.click();
  return { order: claims(), told: button.closest("th").getAttribute("aria-sort") };
}
function choose(name, value) {
  const field = document.forms[0].elements[name];
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  const left = { claims: claims(), count: document.getElementById("count").textContent };
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return left;
}
function look() {
  const folded = document.documentElement.scrollWidth;
  for (const fold of all("details")) fold.open = true;
  const told = {
    inner: innerWidth,
    widths: [folded, document.documentElement.scrollWidth],
    images: all("img").map(image => image.complete && image.naturalWidth && image.clientWidth),
    ids: all("[id]").map(each => each.id),
    links: all("a").map(each => each.getAttribute("href")),
    requests: performance.getEntriesByType("resource").map(each => each.name),
  };
  if (document.getElementById("claims")) {
    told.rising = click("estimate");
    told.falling = click("estimate");
    told.verdicts = click("verdict").order;
    told.names = click("claim").order;
    told.rejected = choose("verdict", "not replicated");
    told.paper = choose("paper", "made2020");
    told.words = choose("text", "A-RISE was found");
    told.left = claims();
    if (document.forms[0].elements.robustness) told.robust = choose("robustness", "robust");
  }
  parent.postMessage([location.hash.slice(1), { ...told, problems }], "*");
}
addEventListener("load", look);
</script>"""
HOST = """<!DOCTYPE html><title>host</title><pre id="told"></pre><script>
const told = {};
addEventListener("message", event => {
  told[event.data[0]] = event.data[1];
  document.getElementById("told").textContent = JSON.stringify(told);
});
</script>"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the browser told about every page at every width, by ``PAGE-WIDTH``."""
    assert BROWSER is not None
    root = tmp_path_factory.mktemp("pages")
    pictures, readings = thumbnails(*KEYS), dict.fromkeys(KEYS, ABOUT)
    compared = rows(*KEYS, compared=True)
    compared[0] |= {"robustness": "robust", "verdicts": {"ring": "replicated"}}
    texts = {
        "gallery": gallery([chapter(key) for key in KEYS], "preview", "fast"),
        "scorecard": scorecard(rows(*KEYS), pictures, {}, "preview", "fast"),
        "alternatives": scorecard(compared, pictures, readings, "preview", "fast"),
    }
    host = HOST
    for name, path in PAGES.items():
        text = texts[name].replace("<head>", f"<head>{LISTEN}").replace("</body>", f"{LOOK}</body>")
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        # A window of a phone's width is refused; a frame of that width is a viewport of its own.
        host += "".join(
            f'<iframe src="{path}#{name}-{width}" width="{width}" height="900" '
            'style="border: 0"></iframe>'
            for width in WIDTHS
        )
    (root / "host.html").write_text(host, encoding="utf-8")
    (root / "figures" / "charts.js").write_text(charts_script(), encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={root / 'profile'}", "--no-first-run", "--window-size=1400,900",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--virtual-time-budget=10000", "--dump-dom", (root / "host.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r'<pre id="told">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, f"{done.stdout[-2000:]} {done.stderr[-2000:]}"
    told: dict[str, dict[str, Any]] = json.loads(html.unescape(found[1]))
    assert sorted(told) == sorted(f"{name}-{width}" for name, width in SEEN)
    return told


@pytest.mark.parametrize(("name", "width"), SEEN)
def test_a_page_fits_shows_its_pictures_and_fetches_nothing(
    seen: dict[str, dict[str, Any]], name: str, width: int
) -> None:
    told = seen[f"{name}-{width}"]
    assert told["problems"] == []
    assert told["inner"] == width and max(told["widths"]) <= width
    assert told["images"] and all(told["images"])
    fetched = [Path(each).name for each in told["requests"] if not each.startswith("data:")]
    assert set(fetched) <= ({"charts.js"} if name == "gallery" else set())  # from beside it


@pytest.mark.parametrize(("name", "width"), SEEN)
def test_links_between_and_within_pages_lead_somewhere(
    seen: dict[str, dict[str, Any]], name: str, width: int
) -> None:
    places = {Path(path).name: seen[f"{page}-{width}"]["ids"] for page, path in PAGES.items()}
    ids = seen[f"{name}-{width}"]["ids"]
    assert len(ids) == len(set(ids))
    followed = 0
    for link in seen[f"{name}-{width}"]["links"]:
        path, _, place = link.partition("#")
        if place:
            assert place in places[Path(path or PAGES[name]).name], link
            followed += 1
    assert followed > len(CLAIMS)


@pytest.mark.parametrize(("name", "width"), [each for each in SEEN if each[0] != "gallery"])
def test_the_scorecard_sorts_and_filters(
    seen: dict[str, dict[str, Any]], name: str, width: int
) -> None:
    told = seen[f"{name}-{width}"]
    table = [(f"{row['paper']}-{row['claim']}", row) for row in rows(*KEYS)]
    numbers = [(identity, row) for identity, row in table if not math.isnan(row["estimate"])]
    lost = [identity for identity, row in table if math.isnan(row["estimate"])]

    def by(column: str, reverse: bool = False) -> list[str]:
        ranked = sorted(numbers, key=lambda each: each[1][column], reverse=reverse)
        return [identity for identity, _ in ranked]

    assert told["rising"] == {"order": by("estimate") + lost, "told": "ascending"}
    assert told["falling"] == {"order": by("estimate", True) + lost, "told": "descending"}
    worst = [identity for identity, row in table if row["verdict"] == "not replicated"]
    assert set(told["verdicts"][-len(worst) :]) == set(worst)
    assert [each.partition("-")[2] for each in told["names"]] == sorted(
        row["claim"] for _, row in table
    )
    assert set(told["rejected"]["claims"]) == set(worst)
    assert told["rejected"]["count"] == f"{len(worst)} of {len(table)} claims"
    assert len(told["paper"]["claims"]) == len(CLAIMS)
    assert all(each.startswith("made2020-") for each in told["paper"]["claims"])
    assert set(told["words"]["claims"]) == {f"{key}-a-rise" for key in KEYS}
    assert len(told["left"]) == len(table)
    if name == "alternatives":
        assert told["robust"]["claims"] == ["made2020-a-rise"]
