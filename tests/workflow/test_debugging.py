"""Any workflow script can be run in one process, with what Snakemake would hand it."""

from pathlib import Path

from conftest import Workflow, copy_checkout


def test_a_script_runs_in_this_process(tmp_path: Path) -> None:
    workflow = Workflow(copy_checkout(tmp_path, "he2020"))
    tiny = ["fidelity=preview", "realisations=2"]
    picture = "figures/he2020/fig02.csv"
    missing = workflow.command("debug", picture, *tiny)
    assert missing.returncode == 1 and "not there yet" in missing.stderr
    workflow.build(picture, "--config", *tiny)
    before = (workflow.root / picture).read_bytes()
    (workflow.root / picture).unlink()
    done = workflow.command("debug", picture, *tiny)
    assert done.returncode == 0, done.stderr
    assert (workflow.root / picture).read_bytes() == before
    unknown = workflow.command("debug", "nothing.csv", *tiny)
    assert unknown.returncode == 1 and "nothing.csv: cannot be planned" in unknown.stderr
    assert "Traceback" not in unknown.stderr
