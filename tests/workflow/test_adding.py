"""docs/adding.md, executed: a baseline and a paper are added as it says, and built."""

import csv
import json
from pathlib import Path

import pytest
from pages import Page

from conftest import Workflow, copy_checkout, plotted
from irsrepro.claims import read_verdicts

TINY = ["--config", "fidelity=preview", "realisations=2"]
PAGE = Page("docs/adding.md")
TARGETS = [line.removeprefix("snakemake ") for line in PAGE.commands]


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, set[str], set[Path]]:
    """A checkout built before and after the additions; jobs of the second build; files kept."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("added"), "he2020"))
    workflow.build(TARGETS[0], *TINY)
    PAGE.follow(workflow.root)
    before = {path: path.stat().st_mtime_ns for path in (workflow.root / "results").rglob("*.nc")}
    planned = {output for rule, output in workflow.jobs(TARGETS[0], *TINY) if rule == "solve"}
    workflow.build(*TARGETS, *TINY)
    kept = {path for path, time in before.items() if path.stat().st_mtime_ns == time}
    return workflow, planned, kept


def test_a_baseline_is_one_file_and_one_line() -> None:
    assert [name for name in PAGE.new if "toy2026" not in name] == [
        "src/irsrepro/papers/he2020/schemes/best_of_64.py"
    ]
    name, difference = PAGE.changes[0]
    assert name == "config/he2020.yaml"
    assert sum(line.startswith("+") for line in difference.splitlines()) == 1


def test_a_baseline_is_solved_alone_and_drawn_beside_the_others(
    added: tuple[Workflow, set[str], set[Path]],
) -> None:
    workflow, planned, kept = added
    assert {Path(output).parent.name for output in planned} == {"snr"}
    assert any("channels" in path.parts for path in kept)
    table = workflow.root / "figures/he2020/fig04.csv"
    best, random = plotted(table, "best_of_64"), plotted(table, "random")
    assert len(best) == len(plotted(table, "joint")) == 8
    assert all(many > one for many, one in zip(best, random, strict=True))
    assert "Best of 64 random phases" in (workflow.root / "figures/he2020/fig04.svg").read_text()


def test_a_claim_about_the_baseline_gets_its_verdict(
    added: tuple[Workflow, set[str], set[Path]],
) -> None:
    root = added[0].root
    rows = read_verdicts(root / "results/preview/he2020/default/fast/claims.json").rows()
    assert [row["source"] for row in rows if row["claim"] == "best-of-64"] == ["ours"]
    assert "beat the best of 64 random ones" in (root / "reports/he2020.html").read_text()


def test_a_paper_is_built_whole(added: tuple[Workflow, set[str], set[Path]]) -> None:
    workflow, _, _ = added
    root = workflow.root
    with (root / "figures/toy2026/fig01.csv").open(newline="") as stream:
        assert {row["curve"] for row in csv.DictReader(stream)} == {"aligned", "unaligned"}
    for ending in ("pdf", "svg", "png"):
        assert (root / f"figures/toy2026/fig01.{ending}").stat().st_size > 1000
    manifest = json.loads((root / "figures/toy2026/all").read_text())
    assert "reports/toy2026.html" in {entry["path"] for entry in manifest["files"]}
    rows = read_verdicts(root / "results/preview/toy2026/default/fast/claims.json").rows()
    assert [row["claim"] for row in rows] == ["toy-best", "toy-growth"]
    report = (root / "reports/toy2026.html").read_text()
    assert (
        "of 2 sentences of the paper replicate" in report and "Phases of a Single Surface" in report
    )


def test_a_paper_changes_no_file_of_another() -> None:
    assert {name for name, _ in PAGE.changes} == {"config/he2020.yaml"}
    assert all("toy2026" in name or "best_of_64" in name for name in PAGE.new)
