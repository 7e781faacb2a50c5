"""What several test files share."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from irsrepro.provenance import LIBRARY, digest

ROOT = Path(__file__).resolve().parent.parent
# See irsrepro.jobs.keep_compiled_kernels; here before any test imports a kernel.
KERNELS = digest(
    path for name in ("channels", "optimize") for path in (LIBRARY / name).rglob("*.py")
)
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".numba" / KERNELS)
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
JOB = re.compile(r"^(?:local)?rule (\w+):\n(?:    input: .*\n)?    output: (.*)$", re.MULTILINE)


def copy_checkout(destination: Path) -> Path:
    """Copy everything a workflow run needs into an empty folder."""
    for name in ("config", "workflow", "profiles", "src", "notebooks"):
        shutil.copytree(
            ROOT / name,
            destination / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
        )
    for name in ("Snakefile", "environment.yml"):
        shutil.copy(ROOT / name, destination / name)
    return destination


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of everything a workflow run needs, in an empty folder."""
    return copy_checkout(tmp_path)


@dataclass(frozen=True)
class Workflow:
    """A checkout in which Snakemake can be run."""

    root: Path

    def run(self, *arguments: str, cores: int = 2) -> "subprocess.CompletedProcess[str]":
        """Run Snakemake to its end; the caller looks at the exit code."""
        return subprocess.run(
            [*SNAKEMAKE, "--cores", str(cores), *arguments],
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
        return os.environ | {"PYTHONPATH": str(self.root / "src")}

    def payloads(self, pattern: str = "results/**/*.nc") -> dict[str, bytes]:
        """Return the bytes of data files by their path within the checkout."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.glob(pattern))
        }
