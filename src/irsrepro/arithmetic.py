"""Which arithmetic the numerical libraries use: fixed here, not chosen by processor or environment.

OpenBLAS, NumPy and Numba each pick, on every machine, the kernels that suit its processor, and
kernels differ in the order in which they sum. Algorithms that are not monotone amplify the last bit
that this moves to several per cent. So all three are told to use what every x86-64 processor with
AVX2 and FMA offers, whatever else this one has and whatever the environment asks for.

The libraries read their choices when they are loaded. `irsrepro` fixes them when it is imported,
and the processes that it starts inherit them.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

STAND_IN = "IRSREPRO_OPENBLAS_CORETYPE"
"""Environment variable that makes this machine stand in for one with other OpenBLAS kernels."""

_EVERYWHERE = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")},
    "NUMBA_DISABLE_INTEL_SVML": "1",
    "NUMBA_DISABLE_JIT": "0",
    "NUMBA_ENABLE_AVX": "1",
    "NUMBA_LOOP_VECTORIZE": "1",
    "NUMBA_OPT": "3",
    "NUMBA_SLP_VECTORIZE": "0",
}

# The third level of x86-64: the instructions of Haswell, in mainstream processors since 2015.
_THIRD_LEVEL = (
    "+avx,+avx2,+bmi,+bmi2,+cmov,+crc32,+cx16,+cx8,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,"
    "+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave"
)

_X86_64 = {
    # Unlike older kernels these have block sizes that do not depend on the size of a cache.
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "x86-64-v3",
    "NUMBA_CPU_FEATURES": _THIRD_LEVEL,
}
_AARCH64 = {
    "OPENBLAS_CORETYPE": "ARMV8",
    "NPY_DISABLE_CPU_FEATURES": "ASIMDHP ASIMDDP ASIMDFHM SVE",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "+neon",
}
_KERNELS = {"x86_64": _X86_64, "AMD64": _X86_64, "aarch64": _AARCH64}
_NEEDED = {"x86_64": {"avx2", "fma"}}

# The first would bring wide kernels back, the second replaces functions of the C library.
_DROPPED = ("NPY_ENABLE_CPU_FEATURES", "GLIBC_TUNABLES")

loaded_too_early = False
"""NumPy was loaded before this package and made choices of its own."""


def choices() -> Mapping[str, str]:
    """Return the environment variables that fix the arithmetic of this machine, with their values.

    An architecture without an entry, and an x86-64 processor without AVX2 and FMA, keep the kernels
    that their libraries choose.
    """
    machine, features = platform.machine(), processor_features()
    chosen = dict(_EVERYWHERE)
    if features is None or _NEEDED.get(machine, set()) <= features:
        chosen |= _KERNELS.get(machine, {})
    if STAND_IN in os.environ:
        chosen["OPENBLAS_CORETYPE"] = os.environ[STAND_IN]
    return chosen


def fix_arithmetic() -> None:
    """Put the choices into the environment of this process and of those that it starts."""
    global loaded_too_early
    chosen = choices()
    if "numpy" in sys.modules:
        loaded_too_early |= any(os.environ.get(name) != value for name, value in chosen.items())
    os.environ.update(chosen)
    for name in _DROPPED:
        os.environ.pop(name, None)


def processor_features() -> set[str] | None:
    """Return the features of the processor as Linux lists them, None where it lists none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    lines = (line.partition(":") for line in text.splitlines())
    found = {each for key, _, value in lines if key.strip() == "flags" for each in value.split()}
    return found or None


def machine_facts() -> dict[str, str]:
    """Return what the numbers of this machine may still depend on.

    Returns:
        ``processor`` (architecture, and which of AVX2, AVX-512 and FMA it has), ``C library`` and
        ``BLAS``: every one that is loaded, with the kernels and threads that it really uses.
    """
    import scipy.linalg  # loads a BLAS of its own  # noqa: F401
    from threadpoolctl import threadpool_info

    features = processor_features() or set()
    known = ", ".join(sorted(features & {"avx2", "avx512f", "fma"}))
    loaded = sorted(
        {
            f"{each['internal_api']} {each['version']} {each.get('architecture', '')} "
            f"{each['num_threads']} thread"
            for each in threadpool_info()
            if each["user_api"] == "blas"
        }
    )
    return {
        "processor": f"{platform.machine()} {known}".strip(),
        "C library": " ".join(platform.libc_ver()).strip() or "unknown",
        "BLAS": "; ".join(loaded),
    }
