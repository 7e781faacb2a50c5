"""A crate of a build, read back by the library that others read it with."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from conftest import ROOT
from irsrepro import cli
from irsrepro.config.loading import load_project
from irsrepro.errors import StorageError
from irsrepro.report import crate

PICTURE = "figures/he2020/fig04.csv"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A checkout in which one figure of one paper has been built."""
    root = tmp_path / "checkout"
    for name in ("config", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("Snakefile", *crate.CONTEXT):
        shutil.copy(ROOT / name, root / name)
    for path in (root / "config").glob("*2*.yaml"):
        if path.stem != "he2020":
            path.unlink()
    (root / PICTURE).parent.mkdir(parents=True)
    (root / PICTURE).write_text("curve,x\n", encoding="utf-8")
    digest = hashlib.sha256(b"curve,x\n").hexdigest()
    entry = {"path": PICTURE, "sha256": digest, "claims": {"he-fig4-rise": "replicated"}}
    (root / "figures/he2020/all").write_text(json.dumps({"files": [entry]}), encoding="utf-8")
    return root


def written(root: Path, folder: Path) -> list[str]:
    project = load_project(root, {})
    only = replace(project, papers={"he2020": project.papers["he2020"]})
    return crate.write(root, only, folder)


def test_a_crate_holds_the_build_and_says_what_it_is(built: Path, tmp_path: Path) -> None:
    names = written(built, tmp_path / "crate")
    assert {PICTURE, "config/he2020.yaml", "Snakefile", "CITATION.cff"} <= set(names)
    found = ROCrate(tmp_path / "crate")
    assert {str(each.id) for each in found.data_entities} == set(names)
    assert found.mainEntity.id == "Snakefile"
    picture = found.dereference(PICTURE)
    content = (tmp_path / "crate" / PICTURE).read_bytes()
    assert picture["sha256"] == hashlib.sha256(content).hexdigest()
    assert picture["encodingFormat"] == "text/csv"
    assert picture["description"] == "he-fig4-rise: replicated"
    assert picture["about"]["alternateName"] == "he2020"


def test_equal_builds_give_equal_metadata(built: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        written(built, tmp_path / name)
        texts.append((tmp_path / name / "ro-crate-metadata.json").read_bytes())
    assert texts[0] == texts[1]


def test_what_does_not_fit_is_refused(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (built / PICTURE).write_text("changed", encoding="utf-8")
    with pytest.raises(StorageError, match="not as figures/he2020/all says"):
        written(built, tmp_path / "crate")
    (built / "figures/he2020/all").unlink()
    with pytest.raises(StorageError, match="snakemake figures/he2020/all makes it"):
        written(built, tmp_path / "crate")
    monkeypatch.chdir(built)
    assert cli.main(["crate", "--to", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err
