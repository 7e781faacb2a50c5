"""Points of printed figures: read, refused in one line, compared and drawn."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from test_plotting import FIGURE, SCHEMES, curves, trace

from conftest import ROOT, copy_checkout
from irsrepro.build.storage import variable, write_dataset
from irsrepro.config.loading import load_project
from irsrepro.errors import ConfigurationError
from irsrepro.figures import plotting, style
from irsrepro.figures.deviations import with_published
from irsrepro.figures.legend import legend_height
from irsrepro.figures.published import (
    Point,
    _check_file,
    check_published,
    published_files,
    read_published,
)
from irsrepro.figures.tables import table
from irsrepro.report import notebooks as reporting

POINTS = [Point("first", 0.0, 0.5, 2), Point("second", 1.25, 1.5, 3), Point("first", 7.52, 3.0, 4)]


def put(root: Path, name: str, text: str | bytes) -> None:
    path = root / "published" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("published"), "he2020", "noh2022", "zheng2021")


@pytest.fixture(autouse=True)
def no_points(checkout: Path) -> None:
    """Every test starts without a published point."""
    for path in (checkout / "published").rglob("*.*"):
        path.unlink()


GOOD = [
    ("he2020/fig04.csv", "curve,x,y\njoint,0,1\n joint , 35.3 ,2e1\n\n\"power\",12.5,-1\n"),
    ("he2020/fig04.csv", "\ufeffx,y,curve\r\n0,1,random\r\n"),
    ("he2020/fig03.csv", "curve,x,y\njoint,0,1\njoint,100,2\n"),
    ("noh2022/fig04a.csv", "experiment,curve,x,y\nnear,proposed,25,1\n,far/random,200,1\n"),
    ("noh2022/fig03b.csv", "experiment,curve,x,y\npower,proposed_50@20,3,0.5\n"),
    ("zheng2021/fig08.csv", "curve,x,y\nao_mmse after 1,10,1\n"),
    ("he2020/.fig04.csv.swp", b"\x00\xff"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_good_files_pass(checkout: Path, name: str, text: str | bytes) -> None:
    put(checkout, name, text)
    check_published(load_project(checkout, {}))


BAD = [
    ("he2020/fig99.csv", "curve,x,y\n", ["fig03, fig04, fig05"]),
    ("he2020/fig02.csv", "curve,x,y\n", ["NAME.csv", "fig03, fig04, fig05"]),
    ("noh2022/fig04.csv", "curve,x,y\n", ["fig04a, fig04b, fig04c"]),
    ("he2020/fig04.txt", "curve,x,y\n", [".csv"]),
    ("she2020/fig04.csv", "curve,x,y\n", ["he2020, noh2022, zheng2021"]),
    ("fig04.csv", "curve,x,y\n", ["published/KEY/FIGURE.csv"]),
    ("he2020/fig04.csv", "", ["line 1: no column curve", "curve, x, y"]),
    ("he2020/fig04.csv", "curve,x\njoint,1\n", ["line 1: no column y"]),
    ("he2020/fig04.csv", "curve,x,y,z\njoint,1,2,3\n", ["line 1: column: 'z'"]),
    ("he2020/fig04.csv", "curve;x;y\njoint;1;2\n", ["line 1: column: 'curve;x;y'"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,1,5,2\n", ["line 2: 'joint,1,5,2'", "3 cells"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,1,2\njiont,1,2\n",
     ["line 3: curve: 'jiont'", "joint, power, phase, random"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,ten,2\n", ["line 2: x: 'ten'", "finite number"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,1,nan\n", ["line 2: y: 'nan'", "finite number"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,35.4,1\n", ["line 2: x: 35.4", "from 0 to 35"]),
    ("he2020/fig03.csv", "curve,x,y\njoint,102,1\n", ["line 2: x: 102.0", "from 0 to 100"]),
    ("zheng2021/fig07.csv", "experiment,curve,x,y\nkappa_0,single,-1,1\n", ["from 10 to 320"]),
    ("noh2022/fig04a.csv", "curve,x,y\nproposed,25,1\n", ["'proposed'", "near/proposed"]),
    ("he2020/fig04.csv", "curve,x,y\njoint,1,2\n".encode("utf-16"), ["expected UTF-8"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "parts"), BAD)
def test_bad_files_are_one_line(
    checkout: Path, name: str, text: str | bytes, parts: list[str]
) -> None:
    put(checkout, name, text)
    with pytest.raises(ConfigurationError) as caught:
        check_published(load_project(checkout, {}))
    said = str(caught.value)
    assert said.startswith(f"published/{name}: ") and "\n" not in said
    assert all(part in said for part in parts), said


def test_measured_times_are_no_one_elses() -> None:
    paper = load_project(ROOT, {}).papers["zhang2022"]
    with pytest.raises(ConfigurationError, match=r"expected NAME.csv with NAME one of (?!.*seco)"):
        _check_file(paper, "published/zhang2022/seconds_a.csv", Path("seconds_a.csv"))


def test_files_are_those_of_the_panels(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    put(checkout, "noh2022/fig04b.csv", "curve,x,y\n")
    panels = load_project(checkout, {}).papers["noh2022"].panels("fig04")
    assert published_files("noh2022", panels, checkout) == ["published/noh2022/fig04b.csv"]


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    check_published(load_project(ROOT, {}))
    assert published_files("he2020", ["fig04"], tmp_path) == []


def test_deviations_are_ours_minus_published() -> None:
    data = with_published(curves(), POINTS)
    first, second = (data["value"].sel(curve=name).values for name in ("first", "second"))
    ours = [first[0], (second[0] + second[1]) / 2, first[3]]
    np.testing.assert_allclose(data["ours"], ours, rtol=1e-15)
    np.testing.assert_allclose(data["deviation"], np.array(ours) - [0.5, 1.5, 3.0], rtol=1e-12)
    np.testing.assert_allclose(data["percent"], 100 * (np.array(ours) / [0.5, 1.5, 3.0] - 1))
    assert data["deviation"].attrs["units"] == "bit/s/Hz"
    assert data["published_x"].attrs["units"] == "dBm"


@pytest.mark.parametrize("scale", ["log", "log2"])
def test_a_line_is_straight_on_the_axis_it_is_drawn_on(scale: str) -> None:
    data = curves().assign_coords(point=("point", [1.0, 10.0, 100.0, 1000.0], {"units": "1"}))
    compared = with_published(data, [Point("first", 10**1.5, 1.0, 2)], scale)
    value = data["value"].sel(curve="first").values
    np.testing.assert_allclose(compared["ours"], [(value[1] + value[2]) / 2])


def test_failed_ends_are_not_guessed_and_gaps_are_bridged() -> None:
    data = curves()
    data["value"].values[0, [1, 3]] = np.nan
    marks = [Point("first", x, 1.0, 2) for x in (2.5, 7.0)]
    value = data["value"].sel(curve="first").values
    np.testing.assert_allclose(
        with_published(data, marks)["ours"], [(value[0] + value[2]) / 2, np.nan]
    )
    assert np.isnan(with_published(curves(), [Point("first", 0, 0.0, 2)])["percent"]).all()


def distributions() -> xr.Dataset:
    data = curves(schemes=["first"]).rename(point="level").assign_attrs(kind="distributions")
    levels = variable(("level",), [0.25, 0.5, 0.75, 1.0], "share not above", "1")
    data = data.assign_coords(level=levels, held=variable(("curve",), [20.0], "power", "dBm"))
    for name in ("lower", "value", "upper"):
        data[name].values[0] = [1.0, 2.0, 3.0, np.inf]
    return data


@pytest.mark.parametrize(("x", "share"), [(0.5, 0.0), (1.0, 0.25), (2.9, 0.5), (99.0, 0.75)])
def test_of_a_distribution_ours_is_the_share(x: float, share: float) -> None:
    data = with_published(distributions(), [Point("first", x, 0.5, 2)])
    assert data["ours"].values.tolist() == [share]
    assert data["published_x"].attrs["units"] == "bit/s/Hz"


def test_the_table_ends_with_the_points() -> None:
    plain, points = table(with_published(curves(), POINTS)).split("\n\n")
    assert plain + "\n" == table(curves())
    rows = list(csv.DictReader(io.StringIO(points)))
    assert [row["curve"] for row in rows] == ["first", "second", "first"]
    assert [float(row["published_x_dBm"]) for row in rows] == [0.0, 1.25, 7.52]
    deviation = with_published(curves(), POINTS)["deviation"].values.tolist()
    assert [float(row["deviation_bit_per_s_per_Hz"]) for row in rows] == deviation


@pytest.fixture
def legends(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Axes, list[str]]]:
    found: list[tuple[Axes, list[str]]] = []
    height = legend_height

    def noted(axes: Axes) -> float:
        legend = axes.get_legend()
        found.append((axes, [text.get_text() for text in legend.get_texts()] if legend else []))
        return height(axes)

    monkeypatch.setattr(plotting, "legend_height", noted)
    monkeypatch.setattr(plotting, "encode", lambda picture, facts: {})  # no files are looked at
    return found


@pytest.mark.parametrize("make", [curves, trace, distributions])
def test_points_are_open_marks_in_the_colour_of_their_curve(
    make: Any, legends: list[tuple[Axes, list[str]]]
) -> None:
    marked = with_published(make(), [Point("first", 2.0, 0.4, 2)])
    plotting.render(make(), FIGURE, SCHEMES)
    plotting.render(marked, FIGURE, SCHEMES)
    (_, plain), (axes, entries) = legends
    assert entries == [*plain, "published"]
    (drawn,) = [each for each in axes.lines if each.get_markerfacecolor() == "none"]
    assert (drawn.get_color(), drawn.get_marker()) == (style.COLOURS[0], style.MARKERS[0])
    assert np.array_equal(drawn.get_xydata(), [[2.0, 0.4]])


def test_points_of_an_axis_on_top_are_drawn_over_it(
    legends: list[tuple[Axes, list[str]]],
) -> None:
    data = curves()
    data["experiment"].values[1] = "count"
    figure: dict[str, Any] = {**FIGURE, "top": {"label": "Number", "experiments": ["count"]}}
    marked = with_published(data, [Point("second", 2.5, 1.0, 2)])
    plotting.render(marked, figure, SCHEMES, {"power": "power", "count": "count"})
    axes, _ = legends[0]
    (top,) = [each for each in axes.figure.axes if each is not axes]
    assert [each.get_markerfacecolor() for each in top.lines].count("none") == 1


def test_a_sheet_shows_the_points_of_its_panels(legends: list[tuple[Axes, list[str]]]) -> None:
    panels: Sequence[tuple[xr.Dataset, Any]] = [
        (curves(), FIGURE),
        (with_published(curves(), POINTS), FIGURE),
    ]
    plotting.render_sheet(panels, "fig01", FIGURE, SCHEMES)
    assert ["published" in entries for _, entries in legends] == [False, True]


def test_the_report_shows_them_under_the_caption(tmp_path: Path) -> None:
    put(tmp_path, "made2020/fig07.csv", "curve,x,y\nfirst,2.5,1\n")
    write_dataset(tmp_path / "fast/figures/fig07.nc", curves())
    source = {"figures": {"fig07": FIGURE}}
    folder = tmp_path / "published/made2020"
    report = reporting.Report("made2020", source, [], tmp_path, tmp_path, "fast",
                              published_dir=folder)  # fmt: skip
    page = report.caption("fig07").data
    ours = float(curves()["value"].sel(curve="first", point=2.5))
    for cell in ("first", "2.5", f"{ours:.4g}", f"{ours - 1:.4g}", f"{100 * (ours - 1):.4g}"):
        assert f"<td>{cell}</td>" in page, cell
    assert "ours − published (bit/s/Hz)" in page
    (folder / "fig07.csv").unlink()
    assert "published" not in report.caption("fig07").data


def test_points_are_read_with_their_lines(tmp_path: Path) -> None:
    put(tmp_path, "fig.csv", "experiment,curve,x,y\n\nsnr,joint,1,2\n,power,3,4.5\n")
    assert read_published(tmp_path / "published/fig.csv") == [
        Point("snr/joint", 1.0, 2.0, 3),
        Point("power", 3.0, 4.5, 4),
    ]
