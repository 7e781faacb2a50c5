"""docs/adding.md, executed: a baseline and a paper are added as it says, and built."""

import csv
import json
import re
from pathlib import Path

import pytest

from conftest import ROOT, Workflow, copy_checkout, plotted
from irsrepro.claims import read_verdicts

TINY = ["--config", "fidelity=preview", "realisations=2"]
BLOCK = re.compile(
    r"^(?:`(?P<file>[^`\n]+)`\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer((ROOT / "docs/adding.md").read_text())]
FILES = {block["file"]: block["text"] for block in BLOCKS if block["file"]}
CHANGES = {block["file"]: block["text"] for block in BLOCKS if block["language"] == "diff"}
NEW = {name: text for name, text in FILES.items() if name not in CHANGES}
TARGETS = [
    line.removeprefix("snakemake ")
    for block in BLOCKS
    if block["language"] == "sh"
    for line in block["text"].splitlines()
]


def change(path: Path, difference: str) -> None:
    """Apply lines that are kept (space), removed (-) and added (+), which must fit in one place."""
    lines = [(line[:1], line[1:]) for line in difference.splitlines()]
    before = "\n".join(text for mark, text in lines if mark != "+") + "\n"
    after = "\n".join(text for mark, text in lines if mark != "-") + "\n"
    content = path.read_text()
    assert content.count(before) == 1, f"{path}: the change does not fit"
    path.write_text(content.replace(before, after))


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, set[str], set[Path]]:
    """A checkout built before and after the additions; jobs of the second build; files kept."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("added"), "he2020"))
    workflow.build(TARGETS[0], *TINY, cores=1)
    for name, text in NEW.items():
        path = workflow.root / name
        assert not path.exists(), f"{name} is there already"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for name, text in CHANGES.items():
        change(workflow.root / name, text)
    before = {path: path.stat().st_mtime_ns for path in (workflow.root / "results").rglob("*.nc")}
    planned = {output for rule, output in workflow.jobs(TARGETS[0], *TINY) if rule == "solve"}
    workflow.build(*TARGETS, "figures/all", *TINY, cores=1)
    kept = {path for path, time in before.items() if path.stat().st_mtime_ns == time}
    return workflow, planned, kept


def test_a_baseline_is_one_file_and_one_line() -> None:
    mine = [name for name in FILES if "toy2026" not in name]
    assert mine == ["src/irsrepro/papers/he2020/schemes/best_of_64.py", "config/he2020.yaml"]
    assert sum(line.startswith("+") for line in CHANGES["config/he2020.yaml"].splitlines()) == 1


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
    assert not [name for name in CHANGES if "he2020" not in name]
    assert all("toy2026" in name or "best_of_64" in name for name in NEW)
