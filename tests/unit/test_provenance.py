"""The files that a rule declares are the files that its job imports."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from irsrepro.build import provenance
from irsrepro.build.provenance import digest, kernel_files, library_files, number_files
from irsrepro.config.loading import load_project
from irsrepro.config.modules import LIBRARY

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    {
        paper.module(scheme)
        for paper in load_project(ROOT, {}).papers.values()
        for scheme in paper.schemes
    }
)
REFERENCE = sorted(LIBRARY.rglob("reference/*.py"))
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))


PLUMBING = {
    "__init__.py", "array_types.py", "build/__init__.py", "build/failures.py", "build/jobs.py",
    "build/provenance.py", "errors.py", "lazy_import.py", "optimize/__init__.py",
}  # fmt: skip


LAYOUT = {"build/isolation.py", "build/places.py", "build/storage.py"}


def names(paths: list[Path]) -> set[str]:
    return {path.relative_to(LIBRARY).as_posix() for path in paths}


# Forks of an interpreter that holds other libraries, but of this one only what comes first.
IMPORTING = """
import importlib, json, os, sys
import irsrepro, numba, scipy.special, xarray
for module in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(module)
        files = [
            held.__file__
            for name, held in list(sys.modules.items())
            if name.split(".")[0] == "irsrepro" and held.__file__
        ]
        print(json.dumps([module, files]), flush=True)
        os._exit(0)
    os.wait()
"""


@cache
def imported() -> dict[str, set[Path]]:
    """Library files that an interpreter holds after importing a scheme, by its module."""
    command = [sys.executable, "-c", IMPORTING, *MODULES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {module: {Path(file).resolve() for file in files} for module, files in found}


@pytest.mark.parametrize("module", MODULES)
def test_a_scheme_declares_what_it_imports(module: str) -> None:
    reached = names(sorted(imported()[module]))
    assert reached - PLUMBING <= names(library_files(module))
    # Beside numbers there are only processes and files, which are not what they come from.
    assert reached - PLUMBING - names(number_files("fast", module)) <= LAYOUT


@pytest.mark.parametrize("module", MODULES)
def test_a_scheme_depends_on_public_solvers_only_where_they_are_used(module: str) -> None:
    fast, slow = (names(number_files(engine, module)) for engine in ("fast", "reference"))
    uses_them = module == "irsrepro.papers.yu2020.schemes.printed"  # with either engine
    assert any("reference" in name for name in fast) == uses_them
    assert names(REFERENCE) | fast <= slow


def test_numbers_depend_on_no_logging_hashing_or_errors() -> None:
    for script in ("solve.py", "draw_channels.py"):
        for engine in ("fast", "reference"):
            found = names(number_files(engine, ROOT / "workflow" / "scripts" / script))
            assert "arithmetic.py" in found and not found & (PLUMBING | {"build/storage.py"})


@pytest.mark.parametrize("scheme", ["joint", "power", "phase"])
def test_a_scheme_depends_on_its_kernel(scheme: str) -> None:
    declared = library_files(f"irsrepro.papers.he2020.schemes.{scheme}")
    assert (LIBRARY / "papers/he2020/algorithms/fractional_programming.py") in declared


def test_a_scheme_does_not_depend_on_another() -> None:
    declared = {path.name for path in library_files("irsrepro.papers.he2020.schemes.power")}
    assert "power.py" in declared and not declared & {"joint.py", "phase.py", "random_phases.py"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_imports_no_plotting_or_solver_it_does_not_need(script: Path) -> None:
    found = names(library_files(script))
    assert found and not found & PLUMBING
    if script.stem in ("draw_channels", "solve"):
        assert not found & {"figures/plotting.py", "statistics.py", "build/experiments.py"}
        assert not any(name.startswith(("claims/", "config/loading")) for name in found)


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"irsrepro\.nothing"):
        library_files("irsrepro.nothing")


def test_the_hash_follows_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest_of(checkout: str, text: str) -> str:
        monkeypatch.setattr("irsrepro.build.provenance.LIBRARY", tmp_path / checkout)
        path = tmp_path / checkout / "a.py"
        path.parent.mkdir()
        path.write_text(text)
        return digest([path])

    first = digest_of("here", "x = 1\n")
    assert digest_of("changed", "x = 2\n") != first
    assert digest_of("there", "x = 1\n") == first


def test_a_copy_without_git_has_the_version_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(provenance.VERSION_GIVEN, "v1-2-gabc")
    assert provenance.code_version() not in ("v1-2-gabc", "unknown"), "git knows better"
    monkeypatch.setattr(provenance, "LIBRARY", tmp_path / "src" / "irsrepro")
    assert provenance.code_version() == "v1-2-gabc"
    monkeypatch.delenv(provenance.VERSION_GIVEN)
    assert provenance.code_version() == "unknown"


def test_compiled_code_depends_on_kernels_and_what_they_import() -> None:
    """A kernel is what `irsrepro.compiled` decorates, wherever it is."""
    names = {path.relative_to(LIBRARY).as_posix() for path in kernel_files()}
    decorated = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if re.search(r"^@kernel\b", path.read_text(), re.MULTILINE)
    }
    assert len(decorated) > 40 and decorated <= names
    assert {"optimize/result.py", "papers/zheng2021/algorithms/links.py"} <= names - decorated
    assert {"arithmetic.py", "compiled.py", "nested_code.py"} <= names
    assert not [name for name in names if "/schemes/" in name or "/reference/" in name]
