"""The arithmetic is the package's own, whatever the processor and the environment would choose."""

import json
import os
import subprocess
import sys

import pytest

from irsrepro import arithmetic

PROGRAM = """
import json, sys
import irsrepro
import numpy as np
from numba import config
from irsrepro.arithmetic import machine_facts
wide = ("X86_V4", "AVX512_ICL")
features = np._core._multiarray_umath.__cpu_features__
print(json.dumps({"facts": machine_facts(), "wide": [features.get(name, False) for name in wide],
                  "target": config.CPU_NAME}))
"""


def loaded(**environment: str) -> dict[str, object]:
    """What a fresh interpreter loads under an environment."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in arithmetic.choices()
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="kernels of x86-64")
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "4"},
        {"OPENBLAS_CORETYPE": "Prescott", "NUMBA_CPU_NAME": "znver4", "NUMBA_CPU_FEATURES": "+avx"},
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
        {"NPY_ENABLE_CPU_FEATURES": "X86_V3", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA"},
    ],
    ids=lambda given: " ".join(given) or "plain",
)
def test_libraries_use_what_is_chosen_for_them(environment: dict[str, str]) -> None:
    found = loaded(**environment)
    facts = found["facts"]
    assert isinstance(facts, dict)
    kernels = facts["BLAS"].split("; ")
    assert len(kernels) == 2 and all(each.endswith("Haswell 1 thread") for each in kernels)
    assert found["wide"] == [False, False] and found["target"] == "x86-64-v3"


def test_another_machine_can_be_stood_in_for() -> None:
    facts = loaded(**{arithmetic.STAND_IN: "Sandybridge"})["facts"]
    assert isinstance(facts, dict) and facts["BLAS"].count("Sandybridge") == 2


def test_these_tests_run_on_the_same_arithmetic() -> None:
    assert not arithmetic.loaded_too_early
    assert {name: os.environ.get(name) for name in arithmetic.choices()} == arithmetic.choices()


def test_a_processor_without_the_instructions_keeps_the_kernels_of_its_libraries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(arithmetic.STAND_IN, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(arithmetic, "processor_features", lambda: {"sse2"})
    assert "OPENBLAS_CORETYPE" not in arithmetic.choices()
    monkeypatch.setattr(arithmetic, "processor_features", lambda: None)
    assert arithmetic.choices()["OPENBLAS_CORETYPE"] == "Haswell"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert arithmetic.choices()["OPENBLAS_CORETYPE"] == "ARMV8"


def test_a_library_loaded_too_early_is_told() -> None:
    program = "import numpy, irsrepro; print(irsrepro.arithmetic.loaded_too_early)"
    chosen = dict(arithmetic.choices())
    for environment, expected in ((chosen, "False"), ({"NUMBA_OPT": "2"}, "True")):
        inherited = {name: value for name, value in os.environ.items() if name not in chosen}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected
