"""How kernels are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from numba.core import config
from numpy.typing import NDArray

from irsrepro.nested_code import KernelDispatcher

Kernel = TypeVar("Kernel", bound=Callable[..., object])


@overload
def kernel(function: Kernel) -> Kernel: ...


@overload
def kernel(*, allocates: bool = True) -> Callable[[Kernel], Kernel]: ...


def kernel(function: Kernel | None = None, *, allocates: bool = True) -> Any:
    """Compile a function at its first call, and keep the result for other processes.

    Arithmetic is as written: what a compiler makes of sums that it may reorder (`fastmath`) differs
    in the last bits with what the same process has compiled before.

    Numba recompiles a kernel, and all that it calls, for every kind of its arguments; a slice of a
    contiguous array and one that is read-only are kinds of their own, a literal number is none.
    A kernel that both Python and other kernels call is compiled once for each. No kernel may call
    itself, however indirectly.

    Args:
        function: what to compile.
        allocates: False for a function that makes, keeps and returns no array. Numba then counts no
            references, which takes an atomic operation for every array, and for every member of a
            tuple of arrays, at every call, slice and reshape; for arrays of a few hundred numbers
            that is more than the arithmetic.
    """
    if function is None:
        return lambda given: kernel(given, allocates=allocates)  # type: ignore[call-overload]
    if config.DISABLE_JIT:
        return function
    options = {
        "nopython": True,
        "error_model": "numpy",
        # Said, or else taken over from what is the first to call the kernel.
        "fastmath": False,
        "_nrt": allocates,
        # Python and other kernels call a kernel; a third way in, for C, would serve no one.
        "no_cfunc_wrapper": True,
    }
    return KernelDispatcher(function, targetoptions=options)


@kernel(allocates=False)
def assign(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy numbers between arrays of equal size, both contiguous.

    Numba's own `target[:] = source` takes seconds to compile, for the message that names shapes
    which do not fit, and several times as long to copy a few hundred numbers.
    """
    old, new = source.reshape(source.size), target.reshape(target.size)
    for i in range(old.size):
        new[i] = old[i]
