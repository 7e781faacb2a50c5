"""codemeta.json says what CITATION.cff and pyproject.toml say.

`python tests/unit/test_codemeta.py` regenerates it.
"""

import json
import tomllib
from pathlib import Path

import yaml

from irsrepro.report.citation import codemeta

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT / "codemeta.json"


def described() -> str:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return json.dumps(codemeta(citation, project), indent=2, ensure_ascii=False) + "\n"


def test_the_description_is_current() -> None:
    assert DESCRIPTION.read_text(encoding="utf-8") == described(), (
        "run python tests/unit/test_codemeta.py"
    )


def test_it_names_the_package_and_every_paper() -> None:
    told = json.loads(described())
    assert told["@type"] == "SoftwareSourceCode" and told["name"] == "irsrepro"
    assert told["license"] == "https://spdx.org/licenses/MIT"
    names = {each["@id"] for each in told["referencePublication"]}
    assert len(names) == 5 and all(each.startswith("https://doi.org/10.") for each in names)
    assert any(each.startswith("numpy") for each in told["softwareRequirements"])


if __name__ == "__main__":
    DESCRIPTION.write_text(described(), encoding="utf-8")
