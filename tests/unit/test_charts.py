"""What a chart of a page is given: the numbers of the figure, the same bytes, nothing that runs."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from test_plotting import FIGURE, SCHEMES, layout, trace

from irsrepro.figures.charts import chart
from irsrepro.figures.style import curve_style
from irsrepro.figures.tables import table
from irsrepro.report.pages import charts_script
from made_up import EVIL, SOURCE, drawn

LOOKS = {"title": EVIL, "x": {"label": "Power", "scale": "log"}, "y": {"label": "Rate"}}


def content(script: str) -> tuple[str, dict[str, Any]]:
    """Name and content of a script that does one call with JSON and nothing else."""
    found = re.fullmatch(r'irsreproChart\(("[^"]*"),(.*)\);\n', script)
    assert found
    return json.loads(found[1]), json.loads(found[2])


def made(data: xr.Dataset) -> dict[str, Any]:
    script = chart([(data, FIGURE)], "fig01", FIGURE, SCHEMES, {})
    panel: dict[str, Any] = content(script)[1]["panels"][0]
    return panel


def test_a_chart_has_the_numbers_of_the_table() -> None:
    data = drawn()
    name, told = content(chart([(data, LOOKS)], "fig01", LOOKS, SOURCE["schemes"], {}))
    assert name == "default/made2020/fig01" and told["title"] == EVIL
    rows = []
    for curve in told["panels"][0]["curves"]:
        for i, x in enumerate(curve["x"]):
            ends = [np.nan if curve[k][i] is None else curve[k][i] for k in ("lower", "upper")]
            counts = curve["n"][i], curve["failures"][i]
            rows.append([curve["name"], x, curve["value"][i], *ends, *counts])
    lines = [line.split(",") for line in table(data).splitlines()[1:]]
    assert [row[0] for row in rows] == [line[0] for line in lines]
    numbers = [[float(cell) for cell in line[1:]] for line in lines]
    assert np.allclose([row[1:] for row in rows], numbers, equal_nan=True, rtol=1e-6)


def test_same_data_same_bytes_and_no_markup() -> None:
    first, again = (
        chart([(drawn(), LOOKS)], "fig01", LOOKS, SOURCE["schemes"], {}) for _ in range(2)
    )
    assert first == again and first.isascii()
    assert "NaN" not in first and "Infinity" not in first


def test_looks_are_those_of_the_picture() -> None:
    script = chart([(drawn(), LOOKS)], "fig01", LOOKS, SOURCE["schemes"], {})
    curves = content(script)[1]["panels"][0]["curves"]
    for curve, scheme in zip(curves, ("own", "few"), strict=True):
        look = curve_style(SOURCE["schemes"], scheme)
        assert (curve["colour"], curve["label"]) == (look.colour, look.label)


@pytest.mark.parametrize(("make", "kind"), [(trace, "trace"), (layout, "layout")])
def test_every_kind_has_curves(make: Any, kind: str) -> None:
    panel = made(make())
    assert panel["kind"] == kind and all(each["x"] and each["label"] for each in panel["curves"])


def test_several_experiments_are_told_apart_by_name() -> None:
    data = drawn().assign_coords(experiment=("curve", np.array(["rise", "fall"])))
    script = chart(
        [(data, LOOKS)], "fig01", LOOKS, SOURCE["schemes"], {"rise": "near", "fall": "far"}
    )
    labels = [curve["label"] for curve in content(script)[1]["panels"][0]["curves"]]
    assert labels == ["Own scheme, near", "Few rounds, far"]


def test_a_sheet_has_a_panel_for_each_figure() -> None:
    panels = [(drawn(), LOOKS), (drawn(shift=1.0), LOOKS)]
    script = chart(panels, "fig03", {"title": "Sheet"}, SOURCE["schemes"], {})
    name, told = content(script)
    assert name.endswith("/fig03") and len(told["panels"]) == 2


def test_the_library_is_whole_and_says_whose_it_is() -> None:
    text = charts_script()
    assert "Bokeh Contributors" in text and text.count("irsreproChart") == 1
    assert text == charts_script() and len(text) < 2_000_000
