"""The files that a rule declares are the files that its job imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from irsrepro.configuration import load_project
from irsrepro.provenance import LIBRARY, digest, library_files

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    {
        document.module(scheme)
        for document in load_project(ROOT, {}).documents.values()
        for scheme in document.schemes
    }
)
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))


def imported(module: str) -> set[Path]:
    """Library files that a fresh interpreter holds after importing a module."""
    program = (
        f"import sys, {module}\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.split('.')[0] == 'irsrepro' and module.__file__: print(module.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {Path(line).resolve() for line in done.stdout.split()}


@pytest.mark.parametrize("module", MODULES)
def test_a_scheme_declares_what_it_imports(module: str) -> None:
    assert imported(module) <= set(library_files(module))


@pytest.mark.parametrize("scheme", ["joint", "power", "phase"])
def test_a_scheme_depends_on_its_kernel(scheme: str) -> None:
    declared = library_files(f"irsrepro.documents.he2020.{scheme}")
    assert (LIBRARY / "optimize" / "fractional_programming.py") in declared


def test_a_scheme_does_not_depend_on_another() -> None:
    declared = {path.name for path in library_files("irsrepro.documents.he2020.power")}
    assert "power.py" in declared and not declared & {"joint.py", "phase.py", "random_phases.py"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_imports_no_plotting_or_solver_it_does_not_need(script: Path) -> None:
    names = {path.relative_to(LIBRARY).as_posix() for path in library_files(script)}
    assert "jobs.py" in names
    if script.stem in ("draw_channels", "solve"):
        assert not names & {"plotting.py", "statistics.py", "configuration.py", "experiments.py"}
        assert not any(name.startswith("claims/") for name in names)


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"irsrepro\.nothing"):
        library_files("irsrepro.nothing")


def test_the_hash_follows_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irsrepro.provenance.LIBRARY", tmp_path)
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    first = digest([path])
    path.write_text("x = 2\n")
    assert digest([path]) != first
    path.write_text("x = 1\n")
    assert digest([path]) == first
