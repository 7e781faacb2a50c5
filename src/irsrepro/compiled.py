"""How kernels are compiled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from numba import njit
from numba.core import types
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., object])

_unliteral: Callable[[Any], Any] = types.unliteral


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

    Args:
        function: what to compile.
        allocates: False for a function that makes, keeps and returns no array. Numba then counts no
            references, which takes an atomic operation for every array, and for every member of a
            tuple of arrays, at every call, slice and reshape; for arrays of a few hundred numbers
            that is more than the arithmetic.
    """
    if function is None:
        return lambda given: kernel(given, allocates=allocates)  # type: ignore[call-overload]
    # Python and other kernels call a kernel; a third way in, for C, would be compiled for nothing.
    extra: dict[str, Any] = {"no_cfunc_wrapper": True} | ({} if allocates else {"_nrt": False})
    return _without_literals(njit(cache=True, error_model="numpy", **extra)(function))


def _without_literals(dispatcher: Any) -> Any:
    """Let other kernels call a kernel with a literal number as with any other number.

    Numba has no option for that, and in a loop takes a variable for the literal that it starts
    from before it knows better: either way everything called is compiled a second time.
    """
    call_template = getattr(dispatcher, "get_call_template", None)
    if call_template is not None:  # not where compiling is switched off

        def with_variables(args: Sequence[Any], kws: Mapping[str, Any]) -> Any:
            return call_template(
                [_unliteral(kind) for kind in args],
                {name: _unliteral(kind) for name, kind in kws.items()},
            )

        dispatcher.get_call_template = with_variables
    return dispatcher


@kernel(allocates=False)
def assign(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy numbers between arrays of equal size, both contiguous.

    Numba's own `target[:] = source` takes seconds to compile, for the message that names shapes
    which do not fit, and several times as long to copy a few hundred numbers.
    """
    old, new = source.reshape(source.size), target.reshape(target.size)
    for i in range(old.size):
        new[i] = old[i]
