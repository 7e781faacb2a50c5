"""From the verdicts of readings to pages, tables and curves, by the workflow and the command."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import Workflow, copy_checkout
from irsrepro.build.places import EXPLORED
from irsrepro.build.storage import read_dataset
from irsrepro.claims import Verdicts, write_verdicts
from irsrepro.config.loading import load_project
from irsrepro.config.readings import reading_names
from irsrepro.multiverse.samples import reading_of
from irsrepro.multiverse.tables import as_dataset, from_csv
from made_up_multiverse import NO, OPEN, YES, result

KEY = "he2020"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The pages of a paper whose verdicts are made up, under its own readings."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("multiverse"), KEY))
    write_readings(workflow.root)
    workflow.build(f"multiverse/{KEY}", "multiverse/all")
    return workflow


def write_readings(root: Path) -> None:
    project = load_project(root, {})
    paper = project.papers[KEY]
    for name in reading_names(paper, project.multiverse["samples"], every_value=False):
        reading = reading_of(paper, name, project.seed)
        choices = reading.choices(paper)
        claims = [
            result(claim, OPEN if claim == "he-lemma1" else NO if choices else YES)
            for claim in list(paper.claims)[:4]
        ]
        facts = {"paper": KEY, "reading": name, "seed": str(project.seed), "kind": reading.kind,
                 "choices": json.dumps(choices)}  # fmt: skip
        path = root / EXPLORED.format(paper=KEY, reading=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verdicts(path, Verdicts(facts, claims))


def test_a_multiverse_has_a_page_tables_and_curves(built: Workflow) -> None:
    folder = built.root / "multiverse"
    page, table = (folder / f"{KEY}.html").read_text(), (folder / f"{KEY}.csv").read_text()
    multiverse = from_csv(table)
    assert len(multiverse.readings) > 10 and len(multiverse.claims) == 4
    stored = read_dataset(folder / f"{KEY}.nc", paper=KEY)
    assert stored.identical(as_dataset(multiverse))
    for claim in multiverse.claims:
        assert f'<section id="{claim}">' in page
        assert (folder / KEY / f"{claim}.svg").is_file()
        assert (folder / KEY / f"{claim}.png").is_file()
    assert "open in all" in page and "by luck of our guess" in page
    assert f'href="{KEY}.html"' in (folder / "index.html").read_text()


def test_the_same_verdicts_give_the_same_bytes(built: Workflow) -> None:
    visible = "multiverse/**/[!.]*.*"
    before = built.payloads(visible)
    shutil.rmtree(built.root / "multiverse")
    built.build("multiverse/all")
    assert built.payloads(visible) == before and len(before) == 12


@pytest.mark.parametrize("target", ["he2021", "he2020/fig04.png", "he2020.pdf", "index.nc"])
def test_a_multiverse_that_there_is_not_is_refused(built: Workflow, target: str) -> None:
    done = built.run(f"multiverse/{target}")
    assert done.returncode != 0
    assert f"multiverse/{target}: no " in done.stderr + done.stdout
