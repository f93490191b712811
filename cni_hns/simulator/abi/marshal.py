"""A call of a simulated DLL's function whose arguments come as texts, from a program that cannot load it.

Rule 1: each argument that goes in has its text, in the order of the declaration: a text as it is, a number or
a handle in decimal, a callback as 1. None is NULL or 0.
Rule 2: what goes out is not named. Its text is copied and its buffer freed, so that nothing of it stays here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.pipes import NO_HANDLES

__all__ = ["Returned", "call"]

_HRESULT = ffi.typeof("HRESULT")
_WIDE = ffi.typeof("char16_t")


class Returned(NamedTuple):
    """What came back: HRESULT (0 where the function gives none), a handle or a process's id, a text.

    `streams` are a process's input, output and errors, 0 for each that there is not.
    """

    hresult: int = 0
    number: int = 0
    text: str | None = None
    streams: tuple[int, int, int] = NO_HANDLES


def call(
    shape: Any,
    work: Callable[..., Any],
    texts: list[str | None],
    accounts: Accounts,
    callbacks: Mapping[Any, Any],
) -> Returned:
    """Do the work of a function of this C type; `callbacks` has a pointer for each type of callback.

    Raises:
        ValueError: a text is no number.
    """
    given = iter(texts)
    arguments = [ffi.new(kind) if _goes_out(kind) else _value(kind, given, callbacks) for kind in shape.args]
    answer = work(*arguments)
    returned = Returned()
    if shape.result is _HRESULT:
        returned = Returned(answer)
    elif shape.result.kind != "void":
        returned = Returned(number=number_of(answer))
    for kind, argument in zip(shape.args, arguments, strict=True):
        if _goes_out(kind):
            returned = _with(returned, kind, argument, accounts)
    return returned


def _goes_out(kind: Any) -> bool:
    return kind.kind == "pointer" and kind.item.kind in ("pointer", "struct")


def _value(kind: Any, given: Iterator[str | None], callbacks: Mapping[Any, Any]) -> Any:
    text = next(given, None)
    if kind.kind == "pointer" and kind.item is _WIDE:
        return ffi.NULL if text is None else ffi.new("char16_t[]", text)
    number = int(text or "0", 10)
    if kind in callbacks:
        return callbacks[kind] if number else ffi.NULL
    return ffi.cast(kind, number) if kind.kind == "pointer" else number


def _with(returned: Returned, kind: Any, slot: Any, accounts: Accounts) -> Returned:
    if kind.item.kind == "struct":
        handles = number_of(slot.StdInput), number_of(slot.StdOutput), number_of(slot.StdError)
        return returned._replace(number=int(slot.ProcessId), streams=handles)
    if kind.item.item is not _WIDE:
        return returned._replace(number=number_of(slot[0]))
    if slot[0] == ffi.NULL:
        return returned
    text = str(ffi.string(slot[0]))
    accounts.free(slot[0])
    return returned._replace(text=text)
