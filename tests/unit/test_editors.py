"""Schemas for editors: in step with the models, and what they complain about.

Run as a script, it writes the schemas and puts their names into the configuration files.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from conftest import ROOT
from irsrepro.config.editors import FOLDER, header, schemas
from irsrepro.config.loading import paper_keys
from irsrepro.config.strict_yaml import read_yaml

KEYS = paper_keys(ROOT)
SCHEMAS = schemas(KEYS)
FIRST_LINE = "# yaml-language-server: "


def validator(name: str) -> Draft7Validator:
    loaded = {Path(path).name: json.loads(text) for path, text in SCHEMAS.items()}
    registry: Registry[Any] = Registry().with_resources(
        (each, Resource.from_contents(schema)) for each, schema in loaded.items()
    )
    return Draft7Validator(loaded[f"{name}.json"], registry=registry)


def merged(source: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with other or more members, also inside its mappings."""
    both = {
        key: merged(source[key], value)
        for key, value in change.items()
        if isinstance(value, dict) and isinstance(source.get(key), dict)
    }
    return source | change | both


def test_they_are_in_step_with_the_models() -> None:
    stored = {f"{FOLDER}/{path.name}" for path in (ROOT / FOLDER).glob("*")}
    assert stored == set(SCHEMAS), "python tests/unit/test_editors.py writes them"
    for path, text in SCHEMAS.items():
        assert (ROOT / path).read_text() == text, "python tests/unit/test_editors.py writes them"


@pytest.mark.parametrize("name", [*KEYS, "config"])
def test_a_configuration_names_its_schema_and_obeys_it(name: str) -> None:
    text = (ROOT / f"config/{name}.yaml").read_text()
    assert text.splitlines()[0] == header(name)
    assert not list(validator(name).iter_errors(read_yaml(ROOT, f"config/{name}.yaml")))


@pytest.mark.parametrize(
    "change",
    [
        {"zzz": "x"},
        {"title": 1},
        {"alternatives": {"far": {"about": "x", "set": {"node_radius": -1}}}},
        {"alternatives": {"far": {"about": "x", "set": {"radius": 1}}}},
        {"parameters": {"node_radius": {"plausible": {"why": "x"}}}},
        {"parameters": {"drop": {"plausible": {"values": ["square"], "why": "x"}}}},
        {
            "claims": {
                "x": {"about": "x", "figure": "none", "text": "x", "checks": [{"kind": "flies"}]}
            }
        },
    ],
)
def test_what_an_editor_underlines(change: dict[str, Any]) -> None:
    source = read_yaml(ROOT, "config/he2020.yaml")
    assert list(validator("he2020").iter_errors(merged(source, change)))


if __name__ == "__main__":
    (ROOT / FOLDER).mkdir(exist_ok=True)
    for path, text in SCHEMAS.items():
        (ROOT / path).write_text(text)
    for name in (*KEYS, "config"):
        place = ROOT / f"config/{name}.yaml"
        lines = [line for line in place.read_text().splitlines() if not line.startswith(FIRST_LINE)]
        place.write_text("\n".join([header(name), *lines]) + "\n")
