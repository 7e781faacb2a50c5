"""How long a call takes, for all benchmarks."""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

Result = TypeVar("Result")


def timed(function: Callable[[], Result], repeats: int = 1) -> tuple[float, Result]:
    """Median seconds of a call, and its result; compilation is for the caller to leave out."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        result = function()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds), result
