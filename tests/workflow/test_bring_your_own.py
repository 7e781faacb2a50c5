"""docs/bring_your_own.md, executed: a curve of a program in MATLAB's language, and its score."""

import math
import re
import shlex
import subprocess

import pytest
from pages import Page

import octave
from conftest import Workflow, copy_checkout, plotted
from irsrepro.build.storage import read_groups

PAGE = Page("docs/bring_your_own.md")
TINY = ["realisations=2"]
SOLVED = "results/preview/zhang2022/default/fast/sum_antennas/00000-00001.nc"
MINE = "schemes/mine.m"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A checkout in which the page was followed up to its figure."""
    octave.needed()
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("own"), "zhang2022"))
    PAGE.follow(workflow.root)
    workflow.build(*figure())
    return workflow


def figure() -> list[str]:
    (command,) = (line for line in PAGE.commands if line.startswith("snakemake "))
    return [*shlex.split(command)[1:], *TINY]


def test_a_curve_is_one_file_and_one_line() -> None:
    ((name, difference),) = PAGE.changes
    assert [*PAGE.new, name] == [MINE, "config/zhang2022.yaml"]
    (added,) = (line for line in difference.splitlines() if line[0:1] == "+")
    assert added.startswith("+  mine: {command: ")


def test_it_is_drawn_beside_the_others(built: Workflow) -> None:
    folder = built.root / "figures/zhang2022"
    mine, others = plotted(folder / "fig08.csv", "mine"), plotted(folder / "fig08.csv", "domalo")
    random = plotted(folder / "fig08.csv", "random")
    assert len(mine) == len(others) == 5
    assert all(low < value < high for low, value, high in zip(random, mine, others, strict=True))
    assert "mine" in (folder / "fig08.svg").read_text()


def test_work_outside_the_workflow_is_scored(built: Workflow) -> None:
    outside = [line for line in PAGE.commands if not line.startswith("snakemake ")]
    assert [line.split()[:2] for line in outside] == [
        ["irsrepro", "export"], ["octave-cli", "--no-gui"], ["octave-cli", "--no-gui"],
        ["irsrepro", "score"],
    ]  # fmt: skip
    for line in outside[:-1]:
        program, *arguments = shlex.split(line)
        if program == "irsrepro":
            done = built.command(*arguments, *TINY)
        else:
            done = subprocess.run([program, *arguments], cwd=built.root, capture_output=True,
                                  text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
    score = [*shlex.split(outside[-1])[1:], *TINY]
    done = built.command(*score)
    assert done.returncode == 0, done.stderr
    boards = done.stdout.split("\n\n")
    assert [board.split(":")[0] for board in boards] == [
        "antennas 8", "antennas 64", "mean over the 2 points"
    ]  # fmt: skip
    names = ["yours", "mine", "domalo", "mrt", "zf", "mmse", "random", "aif"]
    for board in boards:
        rows = [line.split() for line in board.splitlines()[2:]]
        assert sorted(row[1] for row in rows) == sorted(names)
        means = [float(row[3]) for row in rows]
        assert means == sorted(means, reverse=True)
        (mine,) = (line for line in board.splitlines() if re.match(r"\d +mine ", line))
        assert abs(float(mine.split()[7])) < 1e-6, "the workflow ran the same program"
    again = [*score]
    again[again.index("mine_64.nc")] = "mine_8.nc"
    refused = built.command(*again)
    assert refused.returncode == 1
    assert refused.stderr.strip() == "mine_8.nc: of the same point as mine_8.nc"
    other = [word.replace("sum_antennas", "sum_users") for word in score]
    refused = built.command(*other)
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
    assert "'zhang2022 open antennas=8 " in refused.stderr


def test_a_change_of_the_file_runs_it_alone(built: Workflow) -> None:
    assert not built.jobs(*figure())
    before = read_groups(built.root / SOLVED)
    edit(built, "trial = 1:50", "trial = 1:2")
    assert {rule for rule, _ in built.jobs(*figure())} >= {"solve", "figure"}
    built.build(SOLVED, *figure()[1:])
    after = read_groups(built.root / SOLVED)
    for scheme in before:
        same = after[scheme].attrs["inputs_hash"] == before[scheme].attrs["inputs_hash"]
        assert same == (scheme != "mine") == after[scheme].equals(before[scheme])


def test_a_crash_is_one_line_and_leaves_what_there_was(built: Workflow) -> None:
    before = (built.root / SOLVED).read_bytes()
    edit(built, "best = -1;", "best = unheard_of;")
    done = built.run(SOLVED, *figure()[1:])
    assert done.returncode
    last = done.stderr.strip().splitlines()[-1]
    told = "config/zhang2022.yaml: schemes.mine: antennas 8: ended with exit code 1; last words: "
    assert last.startswith(told) and "'unheard_of' undefined" in last
    assert (built.root / SOLVED).read_bytes() == before


def test_a_violation_is_told_and_counted(built: Workflow) -> None:
    edit(built, "best = unheard_of;", "best = -1;")
    edit(built, "W = W / norm(W, 'fro');", "W = 2 * W / norm(W, 'fro');")
    said = built.build(*figure())
    assert (
        "config/zhang2022.yaml: schemes.mine: 10 of 10 designs failed, first antennas 8, "
        "realisation 0: beams: the power is 4 times what is allowed"
    ) in said
    drawn = plotted(built.root / "figures/zhang2022/fig08.csv", "mine")
    assert len(drawn) == 5 and all(map(math.isnan, drawn))


def edit(workflow: Workflow, old: str, new: str) -> None:
    path = workflow.root / MINE
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
