"""How kernels are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from numba import njit
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., object])


@overload
def kernel(function: Kernel) -> Kernel: ...


@overload
def kernel(*, allocates: bool = True) -> Callable[[Kernel], Kernel]: ...


def kernel(function: Kernel | None = None, *, allocates: bool = True) -> Any:
    """Compile a function at its first call, and keep the result for other processes.

    Arithmetic is as written: what a compiler makes of sums that it may reorder (`fastmath`) differs
    in the last bits with what the same process has compiled before.

    Args:
        function: what to compile.
        allocates: False for a function that makes, keeps and returns no array. Numba then counts no
            references, which takes an atomic operation for every array, and for every member of a
            tuple of arrays, at every call, slice and reshape; for arrays of a few hundred numbers
            that is more than the arithmetic.
    """
    if function is None:
        return lambda given: kernel(given, allocates=allocates)  # type: ignore[call-overload]
    extra: dict[str, Any] = {} if allocates else {"_nrt": False}
    return njit(cache=True, error_model="numpy", **extra)(function)


@kernel(allocates=False)
def assign(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy numbers between arrays of equal size, both contiguous.

    Numba's own `target[:] = source` takes seconds to compile, for the message that names shapes
    which do not fit, and several times as long to copy a few hundred numbers.
    """
    old, new = source.reshape(source.size), target.reshape(target.size)
    for i in range(old.size):
        new[i] = old[i]
