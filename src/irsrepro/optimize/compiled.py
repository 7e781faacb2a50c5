"""How kernels without arrays of their own are compiled."""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def borrowing(function: Kernel) -> Kernel:
    """Compile a function that only uses the arrays it is given: it makes, keeps, returns none.

    Numba then counts no references. Counting takes an atomic operation for every array, and for
    every member of a tuple of arrays, at every call, slice and reshape; for arrays of a few hundred
    numbers that is more than the arithmetic.
    """
    compiled: Kernel = njit(cache=True, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
    return compiled
