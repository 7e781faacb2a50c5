"""The committed gallery as tables."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from irsrepro.errors import StorageError
from irsrepro.report.committed import Committed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["paper", "preview"])
def gallery(request: pytest.FixtureRequest) -> Committed:
    return Committed(ROOT, request.param)


def test_every_table_can_be_read_and_its_curves_have_different_labels(gallery: Committed) -> None:
    figures = gallery.figures()
    assert len(figures) > 45 and set(figures.index.get_level_values("paper")) == set(gallery.papers)
    for paper, figure in figures.index:
        curves = gallery.curves(paper, figure)
        assert len(curves) and curves["value"].notna().any()
        known = curves.dropna(subset=["lower", "upper"])
        assert (known["lower"] <= known["upper"]).all()
        names = curves.groupby("curve")["label"].unique()
        assert names.map(len).eq(1).all() and names.map(lambda each: each[0]).is_unique, figure


def test_values_are_those_of_the_file() -> None:
    curves = Committed(ROOT).curves("he2020", "fig04")
    rows = (ROOT / "docs/gallery/he2020/fig04.csv").read_text().splitlines()[1:]
    joint = [row.split(",") for row in rows if row.startswith("joint,")]
    ours = curves[curves["curve"] == "joint"]
    assert ours["value"].tolist() == [float(row[2]) for row in joint]
    assert ours["label"].unique().tolist() == ["Joint Optimization"]
    assert curves.attrs["units"]["value"] == "bit_per_s_per_Hz"


def test_a_part_of_a_figure_keeps_its_colours() -> None:
    gallery = Committed(ROOT)
    curves = gallery.curves("zheng2021", "fig09")
    last = curves["curve"].unique()[-1]
    whole, part = gallery.plot(curves), gallery.plot(curves[curves["curve"] == last])
    (line,) = part.get_lines()
    assert line.get_color() == whole.get_lines()[-1].get_color()
    np.testing.assert_array_equal(line.get_ydata(), whole.get_lines()[-1].get_ydata())
    plt.close("all")


def test_what_is_not_there_is_said_in_one_line() -> None:
    gallery = Committed(ROOT)
    with pytest.raises(StorageError, match=r"fig99\.csv: expected .*example he2020 fig04"):
        gallery.curves("he2020", "fig99")
    with pytest.raises(StorageError, match=r"csv: not committed; snakemake multiverse/wu2019"):
        gallery.readings("wu2019")
    assert set(gallery.verdicts("yu2020")["paper"]) == {"yu2020"}
