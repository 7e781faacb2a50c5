"""The list of figures and the computing times that README and gallery tell."""

from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT
from irsrepro.build.paths import benchmark_of, channel_files, computed_files, solution_files
from irsrepro.config.loading import Project, load_project
from irsrepro.report.listing import doi, duration, figure_times, figures_table, paper_time

TINY = {"fidelity": "preview", "realisations": 4, "chunk": 2}


@pytest.fixture(scope="module")
def whole() -> Project:
    return load_project(ROOT, TINY)


@pytest.fixture(scope="module")
def project(whole: Project) -> Project:
    return replace(whole, papers={"he2020": whole.papers["he2020"]})


def take(root: Path, path: str, seconds: float) -> None:
    benchmark = root / benchmark_of(path)
    benchmark.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")


def test_a_benchmark_lies_beside_its_data() -> None:
    data = "results/preview/he2020/default/fast/snr/00000-00001.nc"
    assert benchmark_of(data) == (
        "results/preview/he2020/default/benchmarks/fast/snr/00000-00001.tsv"
    )


def test_times_are_sums_over_what_a_figure_needs(project: Project, tmp_path: Path) -> None:
    assert set(figure_times(project, tmp_path).values()) == {None}
    for path in channel_files(project, "he2020", "default", "fixed"):
        take(tmp_path, path, 1.0)
    assert figure_times(project, tmp_path)["he2020", "fig02"] == 2.0, "two chunks of channels"
    for path in solution_files(project, "he2020", "default", "snr"):
        take(tmp_path, path, 10.25)
    times = figure_times(project, tmp_path)
    assert times["he2020", "fig04"] == 2.0 + 2 * 10.25
    assert times["he2020", "fig03"] is None and paper_time(project, tmp_path, "he2020") is None


def test_a_paper_counts_shared_files_once(project: Project, tmp_path: Path) -> None:
    for experiment in project.papers["he2020"].experiments:
        for path in computed_files(project, "he2020", "default", experiment):
            take(tmp_path, path, 0.5)
    times = figure_times(project, tmp_path)
    channels, solutions = 2 * 2, 5 * 2
    assert paper_time(project, tmp_path, "he2020") == 0.5 * (channels + solutions)
    assert sum(filter(None, times.values())) > 0.5 * (channels + solutions)


@pytest.mark.parametrize("content", ["", "s\th:m:s\n", "s\nsoon\n", "h:m:s\n1\n"])
def test_a_broken_benchmark_is_not_built(project: Project, tmp_path: Path, content: str) -> None:
    for path in channel_files(project, "he2020", "default", "fixed"):
        take(tmp_path, path, 1.0)
    (tmp_path / benchmark_of(path)).write_text(content)
    assert figure_times(project, tmp_path)["he2020", "fig02"] is None


def test_a_sheet_takes_what_its_panels_take_together(whole: Project, tmp_path: Path) -> None:
    paper = whole.papers["noh2022"]
    for experiment in ("near", "middle", "far", "antennas_8", "antennas_2"):
        for path in computed_files(whole, "noh2022", "default", experiment):
            take(tmp_path, path, 1.0)
    times = figure_times(whole, tmp_path)
    assert paper.panels("fig04") == ["fig04a", "fig04b", "fig04c"]
    assert times["noh2022", "fig04b"] and times["noh2022", "fig04"] is None
    for experiment in ("surfaces_2", "surfaces_4"):
        for path in computed_files(whole, "noh2022", "default", experiment):
            take(tmp_path, path, 1.0)
    times = figure_times(whole, tmp_path)
    parts = [times["noh2022", panel] or 0 for panel in paper.panels("fig04")]
    assert max(parts) < (times["noh2022", "fig04"] or 0) < sum(parts)


def test_the_table_has_every_figure_with_its_paper(whole: Project, tmp_path: Path) -> None:
    lines = figures_table(whole, tmp_path).splitlines()
    for key, paper in whole.papers.items():
        for name, section in paper.figures.items():
            (line,) = (each for each in lines if f"figures/{key}/{name}.pdf " in each)
            for part in (section["title"], f" {key} ", doi(paper.identifiers), "not built"):
                assert part in line


def test_a_printed_doi_comes_before_that_of_arxiv() -> None:
    assert doi({"arXiv": "2201.09031"}) == "10.48550/arXiv.2201.09031"
    assert doi({"arXiv": "2008.13701", "DOI": "10.1109/x"}) == "10.1109/x"
    assert doi({"ISBN": "1"}) == ""


def test_durations_are_short() -> None:
    given = (None, 0.04, 9.94, 59.4, 60, 3599, 7200)
    assert [duration(each) for each in given] == [
        "not built", "0.0 s", "9.9 s", "59 s", "1.0 min", "60.0 min", "2.0 h",
    ]  # fmt: skip
