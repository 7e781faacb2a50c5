"""What every measurement shares: CPU seconds, the machine, and the folder of committed figures."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from irsrepro import arithmetic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
QUIET = 0.1
"""Load per core, at most, of a machine whose wall times count."""


class Times(NamedTuple):
    """CPU seconds of several calls: work of others on the machine lengthens the median first."""

    minimum: float
    median: float


def cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU seconds of one call of this process."""
    started = process_time()
    function()
    return process_time() - started


def times(seconds: Sequence[float]) -> Times:
    """Return the summary of several calls."""
    return Times(min(seconds), statistics.median(seconds))


def rounded(seconds: float) -> float:
    """Return three digits: more are noise, and committed files stay small."""
    return float(f"{seconds:.3g}")


def machine() -> dict[str, Any]:
    """Return what times depend on beside the code; nothing names the machine."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = models[0] if models else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numba", "numpy", "scipy")},
    }


def warn_unless_quiet(found: Mapping[str, Any]) -> None:
    """Say on the terminal when others use the machine."""
    if found["load"] > QUIET * found["cores"]:
        print(
            f"warning: a load of {found['load']} on {found['cores']} cores: "
            "CPU seconds grow a little, wall seconds much",
            file=sys.stderr,
        )


def read_results(name: str) -> Any:
    """Return committed figures, an empty mapping where there are none yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def record(name: str, group: str, entry: str, row: Any) -> None:
    """Write a figure to be committed at once: a run that is ended early keeps what it has."""
    if arithmetic.loaded_too_early:  # several BLAS threads would wait, and that counts as CPU time
        raise RuntimeError("NumPy was loaded before irsrepro fixed its arithmetic")
    found = read_results(name)
    found["machine"] = machine()
    found[group] = dict(sorted((found.get(group, {}) | {entry: row}).items()))
    write_results(name, dict(sorted(found.items())))


def write_results(name: str, content: Mapping[str, Any]) -> None:
    """Write figures to be committed, one line for every entry two levels down."""
    RESULTS.mkdir(exist_ok=True)
    lines = []
    for key, part in content.items():
        rows = [f"  {json.dumps(each)}: {json.dumps(value)}" for each, value in part.items()]
        lines.append(f" {json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n }")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    unfinished = RESULTS / f"{name}.partial"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(RESULTS / f"{name}.json")
