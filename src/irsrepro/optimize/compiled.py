"""How kernels without arrays of their own are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def borrowing(function: Kernel) -> Kernel:
    """Compile a function that only uses the arrays it is given: it makes, keeps, returns none.

    Numba then counts no references. Counting takes an atomic operation for every array, and for
    every member of a tuple of arrays, at every call, slice and reshape; for arrays of a few hundred
    numbers that is more than the arithmetic.
    """
    compiled: Kernel = njit(cache=True, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
    return compiled


@borrowing
def assign(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy numbers between arrays of equal size, both contiguous.

    Numba's own `target[:] = source` takes seconds to compile, for the message that names shapes
    which do not fit, and several times as long to copy a few hundred numbers.
    """
    old, new = source.reshape(source.size), target.reshape(target.size)
    for i in range(old.size):
        new[i] = old[i]
