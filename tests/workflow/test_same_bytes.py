"""Files are equal to the byte whatever the processor would make its libraries choose.

Environments stand for machines: what OpenBLAS, Numba and NumPy choose by themselves on another
processor is what they can be told here by environment variables.
"""

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from conftest import Workflow, copy_checkout
from irsrepro import arithmetic

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = {
    "he2020": "snr",
    "noh2022": "power_instantaneous",
    "yu2020": "target",
    "zhang2022": "sum_power",
    "zheng2021": "several_power",
}
MACHINES = {
    "an old one": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+sse4.2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL",
    },
    "Haswell with many threads": {
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "2",
        "OMP_NUM_THREADS": "2",
    },
    "Zen": {"OPENBLAS_CORETYPE": "Zen"},
    "Skylake": {
        "OPENBLAS_CORETYPE": "SkylakeX",
        "NUMBA_CPU_NAME": "skylake-avx512",
        "NUMBA_CPU_FEATURES": "+avx512f",
    },
}


@lru_cache
def files(machine: str) -> dict[str, str]:
    """Hashes of channels and solutions made in a process of its own, by name."""
    chosen = arithmetic.choices()
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    done = subprocess.run(
        [sys.executable, __file__],
        env=environment | {"PYTHONPATH": str(ROOT / "tests")} | MACHINES.get(machine, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made: dict[str, str] = json.loads(done.stdout)
    return made


@pytest.mark.parametrize("machine", MACHINES)
def test_an_experiment_of_every_paper_is_equal_to_the_byte(machine: str) -> None:
    here = files("this one")
    assert {name.split("/")[0] for name in here} == set(EXPERIMENTS)
    assert len(here) > 15 and files(machine) == here


WANTED = ("figures/he2020/fig04.csv", "--config", "fidelity=preview", "realisations=3")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """One figure, built in the environment of this machine."""
    workflow = Workflow(copy_checkout(tmp_path_factory.mktemp("here") / "checkout", "he2020"))
    workflow.build(*WANTED)
    return workflow


def made_by(workflow: Workflow) -> tuple[dict[str, bytes], bytes]:
    return workflow.payloads(), (workflow.root / WANTED[0]).read_bytes()


def test_a_build_is_equal_to_the_byte(built: Workflow, tmp_path: Path) -> None:
    """Through Snakemake, in the environment of another machine."""
    other = Workflow(copy_checkout(tmp_path / "checkout", "he2020"), MACHINES["Skylake"])
    other.build(*WANTED)
    assert made_by(other) == made_by(built)
    assert len(built.payloads()) == 3, "channels, solutions, figure data"


def test_a_build_by_a_workflow_that_imports_this_one_is_equal(
    built: Workflow, tmp_path: Path
) -> None:
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(
        f'module irsrepro:\n    snakefile: "{built.root}/Snakefile"\n    config: config\n\n'
        "use rule * from irsrepro\n"
    )
    (tmp_path / ".numba").symlink_to(built.root / ".numba")
    importing = Workflow(tmp_path, {"PYTHONPATH": str(built.root / "src")})
    importing.build(*WANTED)
    assert made_by(importing) == made_by(built)


ALTERNATE = """
import sys
import numpy as np
from irsrepro.papers.zheng2021.algorithms import codebook, double_reflection, links

draws = np.random.default_rng(1)
def normal(*shape):
    return draws.standard_normal(shape) + 1j * draws.standard_normal(shape)

u, v, d, g = normal(2, 9), normal(2, 9), normal(2, 9, 9), normal(2, 5, 9)
one = links.Links(u, v, d, g, g)
if "search first" in sys.argv:
    several = links.Links(u[:, None], v[:, None], d, g, g)
    codebook.search_codebooks(several)
found = double_reflection.alternate_double_reflection(one, u / abs(u), v / abs(v))
print(found.trace.tobytes().hex())
"""


def test_a_kernel_is_the_same_whatever_was_compiled_before(tmp_path: Path) -> None:
    traces = []
    for order in ("alone", "search first"):
        done = subprocess.run(
            [sys.executable, "-c", ALTERNATE, order],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / order)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        traces.append(done.stdout)
    assert traces[0] == traces[1] and len(traces[0]) == 2 * 2 * 51 * 8 + 1


def write() -> None:
    """Draw and solve the experiments, write the files and print their hashes."""
    import hashlib
    import tempfile
    from importlib import import_module

    import numpy as np

    from irsrepro.build.jobs import keep_compiled_kernels
    from irsrepro.build.storage import variable, write_dataset
    from irsrepro.build.sweeps import solve
    from irsrepro.channels.streams import RandomStream, realisation_streams
    from irsrepro.config.loading import load_project
    from irsrepro.config.paper import DEFAULT

    keep_compiled_kernels(ROOT)
    found = {}
    with tempfile.TemporaryDirectory() as folder:

        def keep(name: str, dataset: object) -> None:
            path = Path(folder, "file.nc")
            write_dataset(path, dataset)  # type: ignore[arg-type]
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()

        papers = load_project(ROOT, {}).papers
        for key, experiment in EXPERIMENTS.items():
            paper = papers[key]
            plan = paper.experiments[experiment]
            stream = RandomStream(1, (key,))
            draw = import_module(f"irsrepro.papers.{key}.ensemble").draw
            channels = draw(
                paper.channel_parameters(DEFAULT, plan["ensemble"]),
                realisation_streams(stream, range(2)),
            )
            numbers = variable(("realisation",), np.arange(2), "realisation", "1")
            channels = channels.assign_coords(realisation=numbers)
            keep(f"{key}/channels", channels)
            parameter = plan["sweep"]["parameter"]
            unit = paper.parameters[parameter]["unit"]
            sweep = {"parameter": parameter, "values": plan["sweep"]["values"][:1], "unit": unit}
            for scheme in plan["schemes"]:
                solution = solve(
                    channels,
                    stream,
                    paper.module(scheme),
                    f"irsrepro.papers.{key}.system",
                    paper.solution_parameters(DEFAULT, experiment, scheme),
                    "fast",
                    sweep,
                )
                keep(f"{key}/{scheme}", solution)
    print(json.dumps(found))


if __name__ == "__main__":
    write()
