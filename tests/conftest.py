"""What several test files share."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import irsrepro  # noqa: F401  before NumPy, which then uses the kernels that irsrepro chooses

# isort: split
import netCDF4
import numpy as np
import pytest
from numpy.typing import NDArray

from irsrepro.build.collection import collect_rarely
from irsrepro.build.jobs import keep_compiled_kernels
from irsrepro.build.provenance import kernel_files
from irsrepro.claims import read_verdicts
from irsrepro.config.modules import LIBRARY
from irsrepro.config.strict_yaml import read_yaml
from warm_processes import run_snakemake

# Builds start many interpreters, each of which would compile the library where none may keep it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
ROOT = Path(__file__).resolve().parent.parent
collect_rarely()
KERNELS = keep_compiled_kernels(ROOT)  # before any test imports a kernel
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
JOB = re.compile(
    r"^(?:local)?rule (\w+):\n(?:    input: .*\n)?    output: (.*?)(?: \(update\))?$", re.MULTILINE
)


def copy_checkout(destination: Path, *papers: str) -> Path:
    """Copy everything a workflow run needs into an empty folder, of all or some papers."""
    for name in ("config", "workflow", "profiles", "src", "notebooks"):
        shutil.copytree(
            ROOT / name,
            destination / name,
            ignore=shutil.ignore_patterns("*.nb?", "*.egg-info"),
        )
    for name in ("Snakefile", "environment.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, destination / name)
    for path in (destination / "config").glob("*.yaml"):
        if papers and path.stem not in (*papers, "config"):
            path.unlink()
    share_compiled_kernels(destination)
    return destination


def share_compiled_kernels(root: Path) -> None:
    """Let a copied checkout use the kernels compiled for this one, as long as its source is equal.

    Numba names a folder by the place of the source, and what is in it by the content.
    """
    from numba.core.caching import UserProvidedCacheLocator  # reads NUMBA_CACHE_DIR

    place: Callable[[str], str] = UserProvidedCacheLocator.get_suitable_cache_subpath
    own = root / ".numba" / KERNELS.name
    own.mkdir(parents=True)
    for package in {path.parent for path in kernel_files()}:
        compiled = KERNELS / place(str(package / "kernel.py"))
        compiled.mkdir(parents=True, exist_ok=True)
        copied = root.resolve() / "src" / package.relative_to(LIBRARY.parent) / "kernel.py"
        (own / place(str(copied))).symlink_to(compiled, target_is_directory=True)


def build_paper(folder: Path, key: str) -> "Workflow":
    """Build everything of one paper, at tiny fidelity, in a checkout of its own."""
    workflow = Workflow(copy_checkout(folder, key))
    workflow.build(f"figures/{key}/all", "--config", "fidelity=preview", "realisations=2")
    return workflow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of everything a workflow run needs, in an empty folder."""
    return copy_checkout(tmp_path)


@dataclass(frozen=True)
class Workflow:
    """A checkout in which Snakemake can be run, with some environment variables."""

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, cores: int = 2) -> "subprocess.CompletedProcess[str]":
        """Run Snakemake to its end; the caller looks at the exit code."""
        return run_snakemake(["--cores", str(cores), *arguments], self.root, self.environment())

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ``irsrepro`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "irsrepro.cli", *arguments],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
        )

    def build(self, *arguments: str, cores: int = 2) -> str:
        """Run Snakemake and insist that it succeeds; return what it said."""
        done = self.run(*arguments, cores=cores)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stderr

    def jobs(self, *arguments: str) -> list[tuple[str, str]]:
        """Return (rule, outputs) of every job that a run would do, without doing any."""
        done = self.run("--dry-run", "--workflow-profile", "none", *arguments)
        assert done.returncode == 0, done.stderr[-4000:]
        return JOB.findall(done.stdout + done.stderr)

    def environment(self) -> dict[str, str]:
        """Environment in which the library of this checkout is the one imported."""
        return os.environ | {"PYTHONPATH": str(self.root / "src")} | dict(self.variables)

    def payloads(self, pattern: str = "results/**/*.nc") -> dict[str, bytes]:
        """Return the bytes of data files by their path within the checkout."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.glob(pattern))
        }


def raw(path: Path, name: str) -> NDArray[Any]:
    """Read a variable the way someone without this project would."""
    with netCDF4.Dataset(path) as stored:
        variable = stored[name]
        values: NDArray[Any] = np.ma.getdata(variable[...])
        return values[..., 0] + 1j * values[..., 1] if "part" in variable.dimensions else values


def plotted(path: Path, curve: str) -> list[float]:
    """Read the values of a curve from the table beside a figure."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    (value,) = (name for name in rows[0] if name.startswith("value"))
    return [float(row[value]) for row in rows if row["curve"] == curve]


def check_paper(workflow: Workflow, key: str) -> None:
    """Insist that a paper was built whole: pictures, tables, report, and every claim's verdict.

    Data must carry names and units, and nothing of the run.
    """
    source = read_yaml(workflow.root, f"config/{key}.yaml")
    beginnings = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG", "csv": b""}
    for figure in source["figures"]:
        for end, beginning in beginnings.items():
            content = (workflow.root / f"figures/{key}/{figure}.{end}").read_bytes()
            assert content.startswith(beginning) and len(content) > 100, f"{figure}.{end}"
    report = (workflow.root / f"reports/{key}.html").read_text()
    assert all(claim in report for claim in source["claims"])
    (claims,) = (workflow.root / "results").glob(f"*/{key}/default/*/claims.json")
    assert [each.claim for each in read_verdicts(claims).claims] == list(source["claims"])
    for path in (workflow.root / "results").rglob("*.nc"):
        with netCDF4.Dataset(path) as stored:
            for group in stored.groups.values() or [stored]:
                for name, variable in group.variables.items():
                    assert {"long_name", "units"} <= set(variable.ncattrs()), f"{path}: {name}"
                facts = set(group.ncattrs())
                assert {"paper", "parameters", "parameters_hash", "library_hash"} <= facts
                for name in facts:
                    text = str(group.getncattr(name))
                    assert str(workflow.root) not in text and os.uname().nodename not in text, name
                    assert not re.search(r"\d\d:\d\d:\d\d", text), f"{path}: {name} is a time?"
