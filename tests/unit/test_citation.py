"""CITATION.cff, LICENSE, pyproject.toml and the configurations of the papers agree."""

import tomllib
from typing import Any

import pytest
import yaml

from conftest import ROOT
from irsrepro.config.strict_yaml import read_yaml

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAPERS = {
    path.stem: read_yaml(ROOT, f"config/{path.name}")
    for path in sorted((ROOT / "config").glob("*.yaml"))
    if path.stem != "config"
}


def test_the_package_is_cited_as_it_is() -> None:
    assert CITATION["title"] == PROJECT["name"]
    assert str(CITATION["version"]) == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"] == "MIT"
    names = [author["name"] for author in CITATION["authors"]]
    assert names == [author["name"] for author in PROJECT["authors"]]
    licence = (ROOT / "LICENSE").read_text()
    year = CITATION["date-released"].year
    assert licence.startswith("MIT License") and f"(c) {year} {names[0]}" in licence
    assert PROJECT["license-files"] == ["LICENSE"]


def test_every_paper_is_a_reference_and_no_other() -> None:
    assert len(CITATION["references"]) == len(PAPERS)


@pytest.mark.parametrize("key", PAPERS)
def test_a_reference_is_the_paper(key: str) -> None:
    paper: dict[str, Any] = PAPERS[key]
    number = paper["identifiers"]["arXiv"]
    doi = paper["identifiers"].get("DOI", f"10.48550/arXiv.{number}")
    (reference,) = (each for each in CITATION["references"] if each["doi"] == doi)
    assert reference["title"] == paper["title"] and reference["year"] == paper["year"]
    authors = [f"{each['given-names']} {each['family-names']}" for each in reference["authors"]]
    assert authors == paper["authors"]
    assert reference["url"] == f"https://arxiv.org/abs/{number}"
