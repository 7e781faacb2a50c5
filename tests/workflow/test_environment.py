"""pyproject.toml, requirements.lock and the files for conda are in step, and name no host.

`python tests/workflow/test_environment.py` regenerates the environment of the rules.
"""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = {
    canonical(line.split("==")[0]): line.split("==")[1]
    for line in (ROOT / "requirements.lock").read_text().split()
}
DIRECT = [
    Requirement(line)
    for lines in [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for line in lines
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


def test_every_python_that_is_promised_can_install_the_lock() -> None:
    """A package may ask for a later patch release of Python than distributions ship."""
    first = f"{PROJECT['requires-python'].removeprefix('>=')}.0"
    for name in LOCK:
        versions = metadata.metadata(name).json.get("requires_python", "")
        assert first in SpecifierSet(str(versions)), f"{name} {LOCK[name]} needs Python {versions}"


RULES = ROOT / "workflow" / "envs" / "irsrepro.yaml"


def environment_of_rules() -> str:
    """The lock as an environment that Snakemake can copy: nothing in it is relative to a place."""
    lines = [
        "# For --sdm conda. Made from requirements.lock by tests/workflow/test_environment.py.",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        "  - python>=3.11",
        "  - pip",
        "  - pip:",
    ]
    lines += [f"      - {line}" for line in (ROOT / "requirements.lock").read_text().split()]
    return "\n".join(lines) + "\n"


def test_rules_run_in_an_environment_of_the_lock() -> None:
    assert RULES.read_text() == environment_of_rules(), (
        "run python tests/workflow/test_environment.py"
    )
    for path in [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]:
        named = re.findall(r'conda:\s+"([^"]*)"', path.read_text())
        assert all((path.parent / name).resolve() == RULES for name in named)


def test_conda_users_get_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    python = next(Requirement(entry) for entry in plain if entry.startswith("python"))
    assert python.specifier == SpecifierSet(PROJECT["requires-python"])
    # The pip section becomes a requirements file, which takes few options.
    assert pip == ["--requirement requirements.lock", "--editable ."]


def test_notebooks_are_committed_without_outputs() -> None:
    strip = Path(sys.executable).with_name("nbstripout")
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    done = subprocess.run([strip, "--keep-id", "--verify", *notebooks], capture_output=True)
    assert notebooks and done.returncode == 0, done.stdout


def test_no_file_names_a_host_of_packages() -> None:
    for name in ("requirements.lock", "environment.yml", "pyproject.toml", ".ci/run"):
        assert not re.search(r"https?://|--(extra-)?index|find-links", (ROOT / name).read_text()), (
            name
        )


if __name__ == "__main__":
    RULES.write_text(environment_of_rules())
