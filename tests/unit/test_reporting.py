"""Reports: what their cells show, and the templates."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
import xarray as xr

from conftest import ROOT
from irsrepro.build.storage import variable, write_groups
from irsrepro.claims import CheckResult, ClaimResult, Contrast, Verdicts, write_verdicts
from irsrepro.config.strict_yaml import read_yaml
from irsrepro.errors import StorageError
from irsrepro.multiverse.tables import as_csv, gather_readings
from irsrepro.report.notebooks import Report, load
from made_up import png
from made_up_multiverse import SOURCE as MULTIVERSE_SOURCE
from made_up_multiverse import multiverse

FIRST_LOOK = ROOT / "notebooks/first_look.ipynb"  # not about a build
NOTEBOOKS = sorted(set((ROOT / "notebooks").glob("*.ipynb")) - {FIRST_LOOK})
TEMPLATES = [path for path in NOTEBOOKS if path.stem != "summary"]


PNG = png(1, 1)
SOURCE: dict[str, Any] = {
    "title": "A title",
    "authors": ["A. Author"],
    "venue": "Venue",
    "year": 2020,
    "identifiers": {"DOI": "10.1/abc"},
    "summary": "What it is about.",
    "parameters": {"power": {"value": 30, "unit": "dBm", "origin": "recalled", "why": "is <lost>"}},
    "schemes": {"own": {"title": "Own <scheme>"}, "none": {"title": "No optimisation"}},
    "ensembles": {"fixed": {"realisations": {"paper": {"value": 9, "origin": "stated"}}}},
    "claims": {
        "a-rise": {},
        "a-theorem": {"note": "a counter-example", "rests_on": ["power"]},
    },
    "experiments": {
        "sweep": {
            "about": "what it varies",
            "first": {"none": 8},
            "ensemble": "fixed",
            "schemes": ["own", "none"],
            "metric": "rate",
            "sweep": {
                "parameter": "power",
                "values": [0, 5],
                "origin": "assumed",
                "why": "its grid is lost",
            },
        }
    },
    "figures": {"fig01": {"title": "First <figure>", "caption": "Its caption."}},
    "alternatives": {"ring": {"about": "on a ring"}},
    "errata": ["(1) is wrong", "(2) too"],
}
CITATION = {
    "title": "package",
    "version": "1.2",
    "license": "MIT",
    "date-released": datetime.date(2026, 1, 2),
    "authors": [{"name": "The authors"}],
}
CHECK = CheckResult(
    "increases",
    "undecided",
    (Contrast("c", 1.0, 0.0, 2.0, 0.5, 3.0, "undecided", alone=True),),
    4,
    0,
    "",
    "so so",
)
TOLD = {"source": "paper", "cause": "", "holds": 1, "comparisons": 2}
CLAIMS = [
    {"claim": "a-rise", "figure": "fig01", "text": "rises", "verdict": "replicated",
     "sentence": "rises by 1", "by_construction": True, **TOLD},
    {"claim": "a-theorem", "figure": "none", "text": "holds", "verdict": "undecided",
     "sentence": "holds mostly", "by_construction": False, **TOLD},
]  # fmt: skip


PLACE = {
    "fidelity": "paper",
    "paper": "made2020",
    "reading": "default",
    "engine": "fast",
    "experiment": "sweep",
}


def solution(scheme: str, first: int, last: int) -> xr.Dataset:
    numbers = np.arange(first, last + 1)
    dims = ("point", "realisation")
    rate = np.array([[1.0], [2.0]]) + numbers / 100
    rate[0, numbers == 3] = np.nan
    data = {"rate": variable(dims, rate, "rate", "bit/s/Hz")}
    if scheme == "own":
        status = np.zeros(rate.shape) + (numbers % 4 == 0)
        data["status"] = variable(dims, status, "status", "1")
        data["iterations"] = variable(dims, 10.0 + np.zeros(rate.shape), "iterations", "1")
    return xr.Dataset(
        data,
        coords={
            "point": variable(("point",), [0.0, 5.0], "power", "dBm"),
            "realisation": variable(("realisation",), numbers, "number", "1"),
        },
        attrs=PLACE | {"scheme": scheme},
    )


def write_solutions(folder: Path, first: int, last: int, *schemes: str) -> None:
    solutions = {scheme: solution(scheme, first, last) for scheme in schemes}
    write_groups(folder / f"{first:05d}-{last:05d}.nc", solutions)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "fig01.png").write_bytes(PNG)
    data = tmp_path / "results/paper/made2020/default"
    write_solutions(data / "fast" / "sweep", 0, 7, "own", "none")
    write_solutions(data / "fast" / "sweep", 8, 11, "own")
    return Report("made2020", SOURCE, CLAIMS, figures, data, "fast", citation=CITATION)


def test_a_report_tells_of_every_reading_once_a_multiverse_is_committed(
    report: Report, tmp_path: Path
) -> None:
    assert "snakemake multiverse/made2020" in report.multiverse().data
    table = tmp_path / "made2020.csv"
    table.write_text(as_csv(gather_readings(multiverse(), MULTIVERSE_SOURCE)), encoding="utf-8")
    found = replace(report, source=MULTIVERSE_SOURCE, multiverse_file=table).multiverse().data
    for words in (
        "holds in 19 of 40 readings, fails in 21; fails where direct exponent is below 3",
        "open in all 40 readings",
        "replicated by luck of our guess",
        "not a sample from a distribution",
    ):
        assert words in found
    assert found.index('class="warning"') < found.index("<table")


def test_heading_names_the_paper(report: Report) -> None:
    text = report.heading().data
    for words in ("A title", "A. Author", "Venue", "2020", "https://doi.org/10.1/abc", "made2020"):
        assert words in text
    assert "few realisations" not in text


def test_a_preview_and_another_engine_are_loud(tmp_path: Path) -> None:
    other = Report("made2020", SOURCE, CLAIMS, tmp_path, tmp_path, "reference", fidelity="preview")
    text = other.heading().data
    assert "few realisations" in text and "reference engine" in text


def test_sweeps_stand_beside_the_parameters(report: Report) -> None:
    table = report.parameter_table().data
    assert "power in sweep" in table and "0, 5" in table and "its grid is lost" in table


def test_the_table_of_parameters_tells_what_else_they_may_be(report: Report) -> None:
    """Other values, a range, or why none is looked at."""
    plausible: list[tuple[dict[str, Any], str]] = [
        ({"values": [3, 5], "why": "usual"}, "<td>3, 5: usual</td>"),
        ({"between": [2, 4], "why": "a guess", "source": "it"}, "<td>2 to 4: a guess (it)</td>"),
        ({"fixed": "shifts the axis"}, "<td>not varied: shifts the axis</td>"),
    ]
    name, entry = next(iter(report.source["parameters"].items()))
    for given, told in plausible:
        source = {**report.source, "parameters": {name: entry | {"plausible": given}}}
        changed = replace(report, source=source | {"experiments": {}})
        assert told in changed.parameter_table().data


def test_parameters_claims_and_errata_are_whole(report: Report) -> None:
    table = report.parameter_table().data
    for words in ("power", "30", "dBm", "recalled", "is &lt;lost&gt;"):
        assert words in table
    claims = report.claims_table().data
    for row in CLAIMS:
        assert row["claim"] in claims and row["sentence"] in claims
    assert claims.count("agreement is no evidence") == 1
    assert "(1) is wrong" in report.errata().data and "(2) too" in report.errata().data
    assert "`ring`: on a ring" in report.alternatives().data
    assert "snakemake figures/made2020/fig01.pdf" in report.rebuild_instructions().data


def test_a_figure_stands_with_its_own_claims(report: Report) -> None:
    assert report.figure("fig01").data == PNG
    caption = report.caption("fig01").data
    assert "First &lt;figure&gt;" in caption and "Its caption." in caption
    assert "a-rise" in caption and "a-theorem" not in caption


def test_a_figure_that_is_not_drawn_is_one_line(report: Report) -> None:
    (report.figures_dir / "fig01.png").unlink()
    with pytest.raises(StorageError, match=r"fig01\.png: no such file; snakemake .* draws it"):
        report.figure("fig01")


def test_an_experiment_is_read_once_and_a_cell_cannot_change_it(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = report.experiment("sweep")
    monkeypatch.setattr("irsrepro.report.built.read_experiment", None)
    first["metric"] = 0.0 * first["metric"]
    assert not report.experiment("sweep")["metric"].equals(first["metric"])


def test_solutions_of_all_chunks_are_put_side_by_side(report: Report) -> None:
    table = report.experiment("sweep")
    assert table["metric"].sizes == {"scheme": 2, "point": 2, "realisation": 12}


def test_the_summary_counts_claims_and_points_to_what_does_not_replicate(report: Report) -> None:
    text = report.summary().data
    assert "1 of 2 sentences of the paper replicate, 1 is undecided, 0 do not replicate" in text
    assert '<a href="#claims">a-theorem</a>: holds' in text and "a-rise" not in text
    assert "a counter-example" in text and "rests on power (recalled)" in text


def test_links_of_the_summary_lead_somewhere(report: Report) -> None:
    caption = report.caption("fig01").data
    assert '<p id="fig01">' in caption
    assert '<div data-chart="../figures/made2020/fig01" data-readings=' in caption
    assert '<div id="claims">' in report.claims_table().data


def test_limits_tell_origins_partial_runs_and_failures(report: Report) -> None:
    assert report.origins()["stated"] == ["realisations of fixed"]
    assert report.origins()["recalled"] == ["power"]
    text = report.limits().data
    assert "1 of 3 parameters" in text and "recalled: power" in text
    assert "assumed: power in sweep" in text
    assert "No optimisation in sweep: the first 8" in text
    assert "Own &lt;scheme&gt; in sweep: 1 of 24" in text


def test_spread_is_that_of_the_realisations_with_a_value(report: Report) -> None:
    cells = re.findall("<td>(.*?)</td>", report.spread().data)
    assert cells[0] == "Own &lt;scheme&gt;"
    values = 1 + np.delete(np.arange(12), 3) / 100
    low, high = np.quantile(values, [0.1, 0.9])
    expected = f"{values.mean():.4g} ± {values.std(ddof=1):.2g} ({low:.3g} to {high:.3g})"
    assert cells[1] == expected


def test_costs_are_designs_and_the_time_of_their_jobs(report: Report) -> None:
    assert report.designs() == ((12 + 8) * 2, 2)
    assert np.isnan(report.seconds())
    folder = report.results_dir / "benchmarks" / "fast" / "sweep"
    folder.mkdir(parents=True)
    for chunk in ("00000-00007", "00008-00011", "00012-00015"):
        (folder / f"{chunk}.tsv").write_text("s\th:m:s\n1.5\t0:00:01\n")
    assert report.seconds() == 3.0


def test_the_paper_and_the_package_can_be_cited(report: Report) -> None:
    text = report.cite().data
    assert "A. Author, “A title”, Venue, 2020, DOI 10.1/abc." in text
    assert "The authors, “package”, version 1.2, 2026, licence MIT." in text
    assert "@misc{made2020,\n  author = {A. Author}," in text and "eprint" not in text
    assert "@software{package," in text


def test_how_solvers_ended_is_counted(report: Report) -> None:
    text = re.sub(r"\s+", " ", report.cost_table().data)
    cells = re.findall("<td>(.*?)</td>", text)
    assert cells == [
        *("sweep", "Own &lt;scheme&gt;", "12", "1", "75 %", "10"),
        *("sweep", "No optimisation", "8", "1", "–", "–"),
    ]


def test_chunks_of_builds_of_other_sizes_do_no_harm(report: Report) -> None:
    folder = report.results_dir / "fast" / "sweep"
    for first, last in ((0, 3), (8, 9), (20, 23)):
        write_solutions(folder, first, last, "own", "none")
    assert report.experiment("sweep").sizes["realisation"] == 12
    exact = Report("made2020", SOURCE, CLAIMS, report.figures_dir, report.results_dir, "fast",
                   chunks={"fixed": ["00000-00003"]})  # fmt: skip
    assert exact.experiment("sweep").sizes["realisation"] == 4


def test_missing_data_are_one_line(report: Report) -> None:
    with pytest.raises(StorageError, match="no data; snakemake figures/made2020/all computes it"):
        report.channels("fixed")


@pytest.mark.parametrize("where", [".", "notebooks"])
@pytest.mark.parametrize("given", [{}, {"fidelity": "preview", "engine": "reference"}])
def test_load_finds_the_build_whose_figures_are_there(
    where: str, given: dict[str, Any], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = checkout / "figures/he2020/fig02.png"
    picture.parent.mkdir(parents=True)
    facts = PIL.PngImagePlugin.PngInfo()
    facts.add_text("Comment", "paper=he2020, engine=reference, fidelity=preview")
    PIL.Image.new("RGB", (1, 1)).save(picture, pnginfo=facts)
    folder = checkout / "results/preview/he2020/default/reference"
    result = ClaimResult("a-rise", "Fig. 1", "fig01", "rises", "undecided", (CHECK,))
    place = {"paper": "he2020", "reading": "default"}
    verdicts = Verdicts({**place, "engine": "reference", "fidelity": "preview"}, [result])
    write_verdicts(folder / "claims.json", verdicts)
    monkeypatch.chdir(checkout / where)
    found = load("he2020", **given)
    assert found.claims == verdicts.rows()
    assert (found.fidelity, found.engine) == ("preview", "reference")
    assert found.results_dir.resolve() == folder.parent and "joint" in found.source["schemes"]
    assert found.citation["title"] == "irsrepro"


def test_what_is_not_built_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    with pytest.raises(StorageError, match="snakemake figures/he2020/all draws it"):
        load("he2020")
    (checkout / "figures/he2020").mkdir(parents=True)
    (checkout / "figures/he2020/fig02.png").write_bytes(PNG)
    with pytest.raises(StorageError, match=r"fig02\.png: does not say what it shows"):
        load("he2020")
    monkeypatch.chdir(checkout / "src/irsrepro")  # a build may lie in any folder
    with pytest.raises(StorageError, match="snakemake figures/he2020/all draws it"):
        load("he2020")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_templates_are_committed_as_they_are_written(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    (parameters,) = (cell for cell in code if "parameters" in cell.metadata.get("tags", []))
    values: dict[str, Any] = {}
    exec(parameters.source, values)
    del values["__builtins__"]
    expected = {"builds": {}} if path.stem == "summary" else {"paper": path.stem, "build": {}}
    assert values == expected
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_states_no_results(path: Path) -> None:
    """Numbers with a decimal point, a percentage or the unit of a rate come from cells."""
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            found = re.search(r"\d\.\d|\d\s*(%|per cent|bit)", cell.source)
            assert found is None, f"{found}: {cell.source}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_show_every_figure_and_all_claims(path: Path) -> None:
    cells = nbformat.read(path, 4).cells
    text = "\n".join(cell.source for cell in cells)
    source = read_yaml(ROOT, f"config/{path.stem}.yaml")
    for figure in source["figures"]:
        assert f'report.figure("{figure}")' in text and f'report.caption("{figure}")' in text
    for call in ("heading", "summary", "parameter_table", "alternatives", "claims_table", "errata",
                 "cost_table", "spread", "limits", "rebuild_instructions", "cite"):  # fmt: skip
        assert f"report.{call}()" in text
    headings = [cell.source.splitlines()[0] for cell in cells if cell.cell_type == "markdown"]
    assert "## Our solver against a public one" in headings
    assert '"reference"' in text
    assert "$" not in text, "formulas are readable without a script from a network"
