"""Code of kernels that other kernels call: linked into them, never made into machine code.

Numba links what a function calls into it, optimises the whole and makes machine code of that. It
does the same for each function called, with a way in from Python besides, although no one enters
there: of the hundred kernels behind a scheme of yu2020, Python calls nine. Without that work
kernels are compiled in two thirds of the time, and numbers are the same to the byte.

This rests on Numba's internals, which may change with its minor version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.registry import CPUDispatcher
from numba.core.sigutils import normalize_signature
from numba.core.types.misc import unliteral


class KernelDispatcher(CPUDispatcher):  # type: ignore[misc]
    """A compiled function: `nested` for other kernels, itself for Python.

    What calls kernels that print, or raise errors with arguments, has to be a kernel, too.
    """

    def __init__(self, function: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(function, *args, **kwargs)
        self.nested = _NestedDispatcher(
            function, targetoptions=self.targetoptions, pipeline_class=_NestedCompiler
        )
        self._cache = _Cache(function)
        self._loaded = 0

    def load_compiled(self) -> None:
        """Load all that processes have compiled of this kernel for calls from Python."""
        index = Path(self._cache._cache_file._index_path)
        changed = index.stat().st_mtime_ns if index.exists() else 0
        if changed == self._loaded:
            return
        codegen = self.targetctx.codegen()
        results = [
            self._cache.load_overload(signature, self.targetctx)
            for signature, *made_by in self._cache._cache_file._load_index()
            if signature not in self.overloads
            and (signature, *made_by) == self._cache._index_key(signature, codegen)
        ]
        for result in filter(None, results):
            self.add_overload(result)
        if all(results):  # a process may have written the index, but not yet what it names
            self._loaded = changed

    def get_call_template(self, args: Sequence[Any], kws: Mapping[str, Any]) -> Any:
        """Compile for another kernel, with a literal number as with any other number.

        Numba has no option for that, and in a loop takes a variable for the literal that it starts
        from before it knows better: either way everything called is compiled a second time.
        """
        return self.nested.get_call_template(
            [unliteral(kind) for kind in args],
            {name: unliteral(kind) for name, kind in kws.items()},
        )

    def get_overload(self, sig: Any) -> Any:
        """Return what another kernel calls."""
        return self.nested.get_overload(sig)

    def add_overload(self, result: CompileResult) -> None:
        """Let Python call what has been compiled."""
        super().add_overload(result)
        # Code linked in needs these to print, and to raise errors with arguments.
        for environment in result._find_referenced_environments():
            result.codegen.set_env(environment.env_name, environment)


class _NestedLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM code without machine code, optimised where it is linked in."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        for function in self._final_module.functions:
            # Named by a place in memory, which another process may have given to other code.
            if "__numba_array_expr_" in function.name and not function.is_declaration:
                function.linkage = "internal"
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def serialize_using_object_code(self) -> Any:
        return self.serialize_using_bitcode()

    @classmethod
    def _unserialize(cls, codegen: Any, state: tuple[str, str, bytes]) -> _NestedLibrary:
        name, _, code = state
        library = cls(codegen, name)
        library._final_module = llvm.parse_bitcode(code)
        library._finalize_final_module()
        return library


class _NestedCompiler(Compiler):  # type: ignore[misc]
    def compile_extra(self, func: Any) -> CompileResult:
        state = self.state
        state.flags.no_compile = True
        state.flags.no_cpython_wrapper = True
        state.library = _NestedLibrary(state.targetctx.codegen(), func.__qualname__)
        return super().compile_extra(func)


class _NestedCacheEntries(CompileResultCacheImpl):  # type: ignore[misc]
    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        return f"nested-{super().get_filename_base(fullname, abiflags)}"

    def rebuild(self, target_context: Any, payload: tuple[Any, ...]) -> CompileResult:
        state, description, environment, signature, *_, reload_init, environments = payload
        return CompileResult(
            typing_context=target_context.typing_context,
            target_context=target_context,
            entry_point=None,
            typing_error=None,
            type_annotation=None,
            signature=signature,
            objectmode=False,
            lifted=(),
            fndesc=description,
            library=_NestedLibrary._unserialize(target_context.codegen(), state),
            call_helper=None,
            environment=environment,
            metadata=None,
            reload_init=reload_init,
            referenced_envs=environments,
        )


class _Cache(FunctionCache):  # type: ignore[misc]
    def _load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        """Return what was kept for a signature: two processes at once may have mixed up files."""
        result = super()._load_overload(sig, target_context)
        arguments, _ = normalize_signature(sig)
        return result if result is None or tuple(result.signature.args) == arguments else None


class _NestedCache(_Cache):
    _impl_class = _NestedCacheEntries


class _NestedDispatcher(CPUDispatcher):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cache = _NestedCache(self.py_func)

    def add_overload(self, result: CompileResult) -> None:
        name = object()  # Numba knows what it may call by an entry point, of which there is none
        result.target_context.insert_user_function(name, result.fndesc, [result.library])
        arguments = tuple(result.signature.args)
        self.overloads[arguments] = result._replace(entry_point=name)
