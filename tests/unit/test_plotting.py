"""Pictures and tables: same bytes, what they say of themselves, and loudness."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.quiver import Quiver
from numpy.typing import ArrayLike
from PIL import Image

from irsrepro.build.storage import read_dataset, variable, write_dataset
from irsrepro.errors import IrsreproError
from irsrepro.figures import plotting
from irsrepro.figures.annotation import metadata, warnings
from irsrepro.figures.formats import encode
from irsrepro.figures.plotting import render
from irsrepro.figures.style import COLOURS, MARKERS, curve_style, curve_styles
from irsrepro.figures.tables import table

SCHEMES: dict[str, dict[str, Any]] = {
    "first": {"title": "First <scheme>"},
    "second": {"title": "Second scheme"},
    "extra": {"title": "Not in the paper", "beyond_paper": True},
}
FIGURE = {
    "title": "Rate against power",
    "caption": "A caption.",
    "x": {"label": "Power (dBm)"},
    "y": {"label": "Rate (bit/s/Hz)"},
}
FACTS = {"paper": "made2020", "figure": "fig07", "parameters_hash": "0f1e2d3c4b5a6978",
         "code_version": "v9.8.7-6-gabcdef"}  # fmt: skip


def attributes(kind: str, **changed: str) -> dict[str, str]:
    return {
        **FACTS,
        "kind": kind,
        "statistic": "mean",
        "interval": "95 % bootstrap interval of the mean over realisations",
        "fidelity": "paper",
        "engine": "fast",
        "reading": "default",
        "changes": "",
        **changed,
    }


def averages(along: str, points: ArrayLike, unit: str, **changed: Any) -> xr.Dataset:
    x = np.asarray(points)
    names = changed.pop("schemes", list(SCHEMES))
    value = np.stack([(place + 1) * np.log1p(x) + 1 / 3 for place in range(len(names))])
    failures = np.zeros(value.shape, int)
    failures[0, 1] = changed.pop("failures", 0)
    dims = ("curve", along)
    return xr.Dataset(
        {
            "value": variable(dims, value, "mean rate", "bit/s/Hz"),
            "lower": variable(dims, value - 0.1, "lower end", "bit/s/Hz"),
            "upper": variable(dims, value + 0.2, "upper end", "bit/s/Hz"),
            "realisations": variable(dims, 100 - failures, "realisations averaged", "1"),
            "failures": variable(dims, failures, "realisations that failed", "1"),
        },
        coords={
            "curve": variable(("curve",), np.array(names), "curve", "1"),
            "scheme": variable(("curve",), np.array(names), "scheme of a curve", "1"),
            "experiment": variable(("curve",), np.array(["power"] * len(names)), "experiment", "1"),
            "after": variable(("curve",), np.full(len(names), -1), "iterations", "1"),
            along: variable((along,), x, along, unit),
        },
        attrs=attributes("curves", **changed),
    )


def curves(**changed: Any) -> xr.Dataset:
    return averages("point", [0.0, 2.5, 5.0, 7.5], "dBm", **changed)


def trace(**changed: Any) -> xr.Dataset:
    data = averages("iteration", np.arange(41), "1", **changed)
    limit = data["value"].values[:, -1] + 0.5
    data["limit"] = variable(("curve",), limit, "limit", "bit/s/Hz")
    return data.assign_attrs(kind="trace", long_run="900")


def layout(**changed: Any) -> xr.Dataset:
    generator = np.random.default_rng(5)
    return xr.Dataset(
        {
            name: variable(
                ("realisation", name, "coordinate"),
                generator.uniform(0, 50, (12, size, 2)),
                f"position of {label}",
                "m",
            )
            for name, size, label in (("user", 3, "a user"), ("irs", 2, "an IRS"))
        },
        coords={"realisation": variable(("realisation",), np.arange(12), "number", "1")},
        attrs=attributes("layout", **changed),
    )


KINDS: list[Callable[..., xr.Dataset]] = [curves, trace, layout]


@lru_cache
def drawn_plainly(make: Callable[..., xr.Dataset]) -> dict[str, bytes]:
    return render(make(), FIGURE, SCHEMES)


def plain_text(make: Callable[..., xr.Dataset]) -> str:
    return drawn_plainly(make)["svg"].decode()


def svg_text(*given: Any) -> str:
    """The SVG of a figure, drawn without the other files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "metadata", lambda *facts: {"svg": metadata(*facts)["svg"]})
        return render(*given)["svg"].decode()


@pytest.mark.parametrize("make", KINDS)
def test_same_data_same_bytes(make: Callable[..., xr.Dataset]) -> None:
    first = drawn_plainly(make)
    assert first == render(make(), FIGURE, SCHEMES)
    assert set(first) == {"pdf", "svg", "png"}
    for clock in (b"CreationDate", b"<dc:date>", b"Creation Time"):
        assert not any(clock in content for content in first.values())


def test_fonts_in_a_pdf_have_their_glyphs_and_no_tables_of_layout() -> None:
    parts = re.findall(rb"stream\n(.*?)\nendstream", drawn_plainly(KINDS[0])["pdf"], re.DOTALL)
    contents = [zlib.decompress(part) for part in parts if part.startswith(b"x")]
    fonts = [TTFont(io.BytesIO(each)) for each in contents if each.startswith(b"\0\1\0\0")]
    assert fonts
    for font in fonts:
        assert "glyf" in font and not {"GPOS", "GSUB", "kern"} & set(font.keys())


@pytest.mark.parametrize("make", KINDS)
def test_files_say_what_they_are(make: Callable[..., xr.Dataset]) -> None:
    drawn = drawn_plainly(make)
    said = {
        "pdf": drawn["pdf"].decode("latin-1"),
        "svg": drawn["svg"].decode().split("</metadata>")[0],
        "png": str(Image.open(io.BytesIO(drawn["png"])).info),
    }
    for ending, text in said.items():
        for name, value in FACTS.items():
            assert value in text, f"{ending} lacks {name}"


@pytest.mark.parametrize("make", KINDS)
def test_a_plain_figure_is_quiet(make: Callable[..., xr.Dataset]) -> None:
    assert warnings(make()) == []
    text = plain_text(make)
    assert "#c00000" not in text.lower() and "PREVIEW" not in text
    assert "made2020/fig07, n = " in text


@pytest.mark.parametrize("make", KINDS)
def test_whatever_is_not_the_figure_itself_is_loud(make: Callable[..., xr.Dataset]) -> None:
    data = make(fidelity="preview", engine="reference", reading="ring", changes="drop = ring")
    text = svg_text(data, FIGURE, SCHEMES)
    count = 12 if make is layout else 100
    for words in (f"PREVIEW, n = {count}", "reference engine", "reading ring: drop = ring"):
        shown = re.search(f"<text[^>]*>{words}</text>", text)
        assert shown and "#c00000" in shown.group(), words
        assert words in text.split("</metadata>")[0]


def test_a_long_change_is_told_whole() -> None:
    changes = "irs_region = {'x': [100, 200], 'mirrored_y': [50, 60]} (was {'x': [100, 300]})"
    text = svg_text(curves(reading="around", changes=changes), FIGURE, SCHEMES)
    red = " ".join(re.findall("<text[^>]*#c00000[^>]*>([^<]*)</text>", text))
    assert red == f"reading around: {changes}"


def test_failures_are_told() -> None:
    assert "failed" not in plain_text(curves)
    text = svg_text(curves(failures=3), FIGURE, SCHEMES)
    assert "n = 100 realisations, 95 % intervals, 3 of 1200 solutions failed" in text


def test_a_failure_in_a_trace_counts_once() -> None:
    data = trace()
    data["failures"].loc[{"curve": "first"}] = 2
    data["realisations"].loc[{"curve": "first"}] = 98
    assert "2 of 300 solutions failed" in svg_text(data, FIGURE, SCHEMES)


def test_titles_axes_and_ticks_come_from_the_configuration() -> None:
    text = plain_text(curves)
    for words in ("Rate against power", "Power (dBm)", "Rate (bit/s/Hz)", "First &lt;scheme&gt;",
                  "Not in the paper", ">2.5<", ">7.5<"):  # fmt: skip
        assert words in text


def test_limits_of_axes_come_from_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    render(curves(), FIGURE | {"y": {"label": "Rate", "limits": [-1, 42]}}, SCHEMES)
    assert drawn[0].axes[0].get_ylim() == (-1, 42)


def several() -> xr.Dataset:
    """Two experiments of one scheme, the second with fewer points, and a curve cut short."""
    data = curves(schemes=["near/first", "far/first", "near/first after 1"])
    data["value"].loc[{"curve": "far/first", "point": 2.5}] = np.nan
    for name in ("realisations", "failures"):
        data[name].loc[{"curve": "far/first", "point": 2.5}] = 0
    return data.assign_coords(
        scheme=variable(("curve",), ["first"] * 3, "scheme", "1"),
        experiment=variable(("curve",), ["near", "far", "near"], "experiment", "1"),
        after=variable(("curve",), [-1, -1, 1], "iterations", "1"),
    )


def test_several_experiments_differ_by_dashes_and_are_explained_once() -> None:
    drawn = curve_styles(several(), SCHEMES)
    plain = [drawn[name] for name in ("near/first", "far/first")]
    assert len({each.dashes for each in plain}) == 2 and len({each.colour for each in plain}) == 1
    titles = {"near": "From nearby", "far": "From afar"}
    text = svg_text(several(), FIGURE, SCHEMES, titles)
    assert all(text.count(words) == 1 for words in (*titles.values(), "First &lt;scheme&gt;<"))
    assert "First &lt;scheme&gt;, 1 iteration<" in text


def test_a_point_that_an_experiment_lacks_is_no_row() -> None:
    found = [row["x_dBm"] for row in rows(table(several())) if row["curve"] == "far/first"]
    assert found == ["0.0", "5.0", "7.5"]


def test_a_scheme_looks_the_same_in_every_figure() -> None:
    alone = svg_text(curves(schemes=["second"]), FIGURE, SCHEMES)
    colour = curve_style(SCHEMES, "second").colour.lower()
    assert colour == COLOURS[1].lower()
    assert colour in alone and COLOURS[0].lower() not in alone


def test_styles_differ_and_a_scheme_beyond_the_paper_is_thin_and_dashed() -> None:
    many = {f"scheme{place}": {"title": "T"} for place in range(len(COLOURS) * len(MARKERS))}
    assert len(
        {(curve_style(many, name).colour, curve_style(many, name).marker) for name in many}
    ) == len(many)
    own, extra = curve_style(SCHEMES, "first"), curve_style(SCHEMES, "extra")
    assert extra.width < own.width and (own.dashes, extra.dashes) == ("-", "--")


def test_a_scheme_without_a_trace_is_left_out_and_missing_intervals_are_no_harm() -> None:
    data = trace()
    data["value"].loc[{"curve": "second"}] = np.nan
    data["lower"].loc[{"curve": "first"}] = -np.inf
    text = svg_text(data, FIGURE, SCHEMES)
    assert "Second scheme" not in text and "First &lt;scheme&gt;" in text
    assert "after 900 iterations" in text


def drawn_layouts(monkeypatch: pytest.MonkeyPatch, *made: xr.Dataset) -> list[Any]:
    """Render layouts; return the axes of each."""
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    for data in made:
        render(data, FIGURE | {"x": {"label": "x"}, "y": {"label": "y"}}, SCHEMES)
    return [each.axes[0] for each in dict.fromkeys(drawn)]


def facing(data: xr.Dataset) -> xr.Dataset:
    normal = np.zeros((12, 2, 2))
    normal[..., 1] = -1.0
    return data.assign(
        irs_normal=variable(("realisation", "irs", "coordinate"), normal, "normal", "1")
    )


def test_layouts_are_to_scale_and_surfaces_face_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    scattered = facing(layout())
    scattered["user"].values[..., 0] *= 20
    plain, long = drawn_layouts(monkeypatch, layout(), scattered)
    assert (plain.get_aspect(), long.get_aspect()) == (1.0, 1.0)
    assert not long.child_axes and long.get_xlabel() == "x"
    (arrows,) = [each for each in long.collections if isinstance(each, Quiver)]
    assert np.array_equal(arrows.angles, [-90.0, -90.0])


@pytest.mark.parametrize("upright", [False, True])
def test_a_long_layout_shows_its_ends_with_coordinates(
    monkeypatch: pytest.MonkeyPatch, upright: bool
) -> None:
    data = facing(layout())
    places: dict[str, list[list[float]]] = {
        "user": [[0, 1, 2], [1, 0, 0], [0, 0, 0]],
        "irs": [[60, 1.5, 3], [59, 0, 1]],
    }
    for name, nodes in places.items():
        order = [1, 0, 2] if upright else [0, 1, 2]
        fixed = np.broadcast_to(np.array(nodes)[:, order], (12, len(nodes), 3))
        attrs = data[name].attrs
        data = data.drop_vars(name)
        data[name] = ("realisation", f"{name}_node", "place"), fixed, attrs
    data = data.drop_vars("irs_normal").rename(place="coordinate")
    (axes,) = drawn_layouts(monkeypatch, data)
    assert axes.get_xlabel() == ("y" if upright else "x")
    ends = axes.child_axes
    assert len(ends) == 2 and all(each.get_aspect() == 1.0 for each in [axes, *ends])
    told = {text.get_text() for end in ends for text in end.texts}
    wanted = ("(1.5, 60, 3) m", "(0, 0, 0) m") if upright else ("(60, 1.5, 3) m", "(0, 0, 0) m")
    assert len(told) == 5 and told >= set(wanted)


def test_layout_labels_are_the_classes() -> None:
    text = plain_text(layout)
    assert ">User<" in text and ">IRS<" in text


def test_big_enough_to_read_at_100_mm() -> None:
    drawn = drawn_plainly(curves)
    svg = drawn["svg"].decode()
    (width,) = re.findall(r'<svg [^>]*width="([\d.]+)pt"', svg)
    sizes = [float(size) for size in re.findall(r"<text[^>]*?\b([\d.]+)px", svg)]
    scale = 100 / 25.4 * 72 / float(width)
    assert min(sizes) * scale > 5.5, "points of the smallest text at 100 mm"
    assert Image.open(io.BytesIO(drawn["png"])).size[0] > 1000


def test_unknown_kinds_and_schemes_are_one_line() -> None:
    with pytest.raises(IrsreproError, match="made2020/fig07: kind 'pie' cannot be drawn; known"):
        render(curves().assign_attrs(kind="pie"), FIGURE, SCHEMES)
    with pytest.raises(IrsreproError, match="made2020/fig07: no scheme 'other'"):
        render(curves(schemes=["other"]), FIGURE, SCHEMES)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("make", [curves, trace])
def test_the_table_gives_every_number_back(make: Callable[..., xr.Dataset]) -> None:
    data = make(failures=3)
    along = "point" if make is curves else "iteration"
    x = "x_dBm" if make is curves else "x"
    found = rows(table(data))
    for name in ("value", "lower", "upper"):
        column = f"{name}_bit_per_s_per_Hz"
        for scheme in SCHEMES:
            kept = {float(row[x]): float(row[column]) for row in found if row["curve"] == scheme}
            expected = data[name].sel(curve=scheme)
            assert [kept[float(point)] for point in data[along]] == expected.values.tolist()
    assert [row["failures"] for row in found[:3]] == ["0", "3", "0"]
    assert [row["realisations"] for row in found[:3]] == ["100", "97", "100"]


def test_the_table_of_a_trace_ends_with_the_long_run() -> None:
    data = trace()
    last = [row for row in rows(table(data)) if row["x"] == "900"]
    assert [float(row["value_bit_per_s_per_Hz"]) for row in last] == data["limit"].values.tolist()
    assert {row["lower_bit_per_s_per_Hz"] for row in last} == {"nan"}


@pytest.mark.parametrize("ending", ["", "_position"])
def test_the_table_of_a_layout_gives_every_position_back(ending: str) -> None:
    data = layout()
    renamed = data.rename_vars({name: f"{name}{ending}" for name in ("user", "irs") if ending})
    found = rows(table(renamed))
    assert list(found[0]) == ["class", "realisation", "node", "x_m", "y_m"]
    for name in ("user", "irs"):
        own = [row for row in found if row["class"] == name]
        back = np.array([[float(row["x_m"]), float(row["y_m"])] for row in own])
        assert np.array_equal(back, data[name].values.reshape(-1, 2))


def test_stored_data_draw_the_same_picture(tmp_path: Any) -> None:
    write_dataset(tmp_path / "fig.nc", curves())
    stored = read_dataset(tmp_path / "fig.nc")
    assert table(stored) == table(curves())
    assert render(stored, FIGURE, SCHEMES) == drawn_plainly(curves)


def test_colours_of_a_figure_come_first() -> None:
    figure = {"colours": {"far/first": "red", "first": "blue", "near": "green"}}
    drawn = curve_styles(several(), SCHEMES, figure)
    assert (drawn["far/first"].colour, drawn["near/first"].colour) == ("red", "blue")
    by_experiment = curve_styles(several(), SCHEMES, {"colours": {"near": "green"}})
    assert by_experiment["near/first"].colour == "green"
    text = svg_text(several(), FIGURE | figure, SCHEMES)
    assert "stroke: #ff0000" in text and "stroke: #0000ff" in text


def test_a_covered_curve_is_broad_and_pale_and_an_added_one_thin() -> None:
    names = list(SCHEMES)
    plain = curve_style(SCHEMES, names[0], {})
    under = [curve_style(SCHEMES, name, {"beneath": names[:2]}).line for name in names[:2]]
    assert under[0]["linewidth"] > under[1]["linewidth"] > plain.line["linewidth"]
    assert under[0]["alpha"] < 1 and "alpha" not in plain.line
    added = curve_style(SCHEMES, names[0], {"added": names[:1]})
    assert (added.dashes, added.width < plain.width) == ("--", True)


def test_small_print_tells_of_capped_runs_and_what_rounding_loses() -> None:
    data = curves()
    shares = np.linspace(0.0, 0.5, data.sizes["curve"])
    for name in ("capped", "rounding_loss"):
        data[name] = ("curve", shares)
    text = " ".join(svg_text(data, FIGURE, SCHEMES).split())
    last = SCHEMES[str(data["scheme"].values[-1])]["title"]
    assert "at the iteration limit up to:" in text and "rounding loss up to:" in text
    assert "50 %" in text and last.split()[0] in text
    data["rounding_loss"] = ("curve", np.full(data.sizes["curve"], 0.0002))
    assert " 0.02 %" in " ".join(svg_text(data, FIGURE, SCHEMES).split())


def test_small_print_tells_undefined_solutions_from_failed_ones() -> None:
    data = curves()
    data["failures"][0, 0] = 5
    data["undefined"] = ("curve", [3] + [0] * (data.sizes["curve"] - 1))
    text = " ".join(svg_text(data, FIGURE, SCHEMES).split())
    failed = int(data["failures"].sum()) - 3
    assert "solutions undefined" in text and f"{failed} of" in text and "solutions failed" in text


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_all_formats_have_the_layout_that_came_to_rest(
    monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    picture = Figure(layout="constrained")
    axes = picture.subplots()
    done: list[str] = []

    def lay_out(_: ConstrainedLayoutEngine, figure: Figure) -> None:
        axes.set_position((0.1 * min(len(done), moves), 0.1, 0.8, 0.8))
        done.append("layout")

    def save(figure: Figure, buffer: io.BytesIO, *, format: str, **__: Any) -> None:
        assert figure.get_layout_engine() is None
        done.append(format)
        buffer.write(format.encode())

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lay_out)
    monkeypatch.setattr(Figure, "savefig", save)
    files = encode(picture, {"pdf": {}, "svg": {}, "png": {}})
    assert done == ["layout"] * (moves + 2) + ["pdf", "svg", "png"]
    assert files == {"pdf": b"pdf", "svg": b"svg", "png": b"png"}
