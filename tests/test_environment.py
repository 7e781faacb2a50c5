"""pyproject.toml, requirements.lock and environment.yml are in step, and name no host."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = {
    canonical(line.split("==")[0]): line.split("==")[1]
    for line in (ROOT / "requirements.lock").read_text().split()
}
DIRECT = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
]


def test_every_direct_dependency_is_pinned_to_what_pyproject_allows() -> None:
    for requirement in DIRECT:
        assert LOCK[canonical(requirement.name)] in requirement.specifier, requirement


def test_the_lock_is_closed_under_dependencies() -> None:
    """Every package that a pinned one needs here is pinned too."""
    for name in LOCK:
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonical(needed.name) in LOCK, f"{name} needs {needed}"


def test_what_is_installed_is_what_is_locked() -> None:
    for name, version in LOCK.items():
        assert metadata.version(name) == version


def test_conda_users_get_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    python = next(Requirement(entry) for entry in plain if entry.startswith("python"))
    assert python.specifier == SpecifierSet(PROJECT["requires-python"])
    # The pip section becomes a requirements file, which takes few options.
    assert pip == ["--requirement requirements.lock", "--editable ."]


def test_no_file_names_a_host_of_packages() -> None:
    for name in ("requirements.lock", "environment.yml", "pyproject.toml", ".ci/run"):
        assert not re.search(r"https?://|--(extra-)?index|find-links", (ROOT / name).read_text()), (
            name
        )
