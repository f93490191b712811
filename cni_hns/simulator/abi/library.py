"""A simulated DLL: functions by name, made when they are first asked for.

An exception in a function would be lost in C: it becomes E_UNEXPECTED, and a violation that holds its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.abi.accounts import Accounts
from cni_hns.simulator.core.errors import E_UNEXPECTED, signed

__all__ = ["Library"]

Function = Callable[..., Any]

_HRESULT = ffi.typeof("HRESULT")
# What a function answers that went wrong and gives no HRESULT, by the kind of its result.
_NOTHING = {"pointer": ffi.NULL, "primitive": 0}


class Library:
    """The exports of one DLL as attributes: C function pointers."""

    def __init__(
        self,
        name: str,
        make: Callable[[str], tuple[Any, Function] | None],
        accounts: Accounts,
        missing: list[str],
        absent: bool,
    ) -> None:
        """`make(function)` gives C type and Python function; `missing` and `absent` take them away.

        The type is a name in the declarations of the verbs, or a type of others.
        """
        self._name = name
        self._make = make
        self._accounts = accounts
        self._missing = missing
        self._absent = absent

    def __getattr__(self, function: str) -> Any:
        if function.startswith("_"):
            raise AttributeError(function)
        if self._absent:
            raise OSError(f"cannot load library '{self._name}.dll': error 0x7e")
        made = None if function in self._missing else self._make(function)
        if made is None:
            raise AttributeError(
                f"function/symbol '{function}' not found in library '{self._name}.dll': error 0x7f"
            )
        shape, work = made
        kind = ffi.typeof(shape) if isinstance(shape, str) else shape
        is_signed = kind.result is _HRESULT
        failure = signed(E_UNEXPECTED) if is_signed else _NOTHING.get(kind.result.kind)
        pointer = ffi.callback(kind, self._guarded(function, work, failure, is_signed), error=failure)
        # Kept here: the pointer is only good while this object lives.
        setattr(self, function, pointer)
        return pointer

    def _guarded(self, name: str, work: Function, failure: Any, is_signed: bool) -> Function:
        def guarded(*arguments: Any) -> Any:
            try:
                answer = work(*arguments)
            except Exception as fault:
                self._accounts.violation(f"{name}: {type(fault).__name__}: {fault}")
                return failure
            return signed(answer) if is_signed else answer

        return guarded
