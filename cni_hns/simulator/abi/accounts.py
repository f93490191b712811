"""What the process holds of the service: open handles and buffers, and what it did wrong with them.

Rule 1: a handle is a number that means nothing, of one kind and one run of the service; it is closed once.
Rule 2: a buffer that the service allocated is freed once, by CoTaskMemFree and nothing else.
Rule 3: a violation is never silent: it is kept with the node, whatever the process does next.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple

from cni_hns.binding._generated_ffi import ffi

__all__ = ["Accounts", "Held", "Open"]

# Freed memory is filled and kept for a while, so that reading it gives nonsense at once instead of luck.
_GRAVES = 64
_FILLING = b"\xdd"

# Handles of the real service are addresses; these are numbers that are none, each far from the next.
_FIRST_HANDLE = 0x5A5A_0000
_STEP = 0x10


class Open(NamedTuple):
    """What a handle stands for."""

    kind: str
    target: str
    generation: int


class Held(NamedTuple):
    """Something that the process still holds: a handle or a buffer, and the function that gave it."""

    kind: str
    what: str


class Accounts:
    """The handles and buffers of one process."""

    def __init__(self, report: Any) -> None:
        """`report(text)` keeps a violation."""
        self._report = report
        self._lock = threading.Lock()
        self._handles: dict[int, Open] = {}
        self._closed: set[int] = set()
        self._next = _FIRST_HANDLE
        self._buffers: dict[int, tuple[Any, str]] = {}
        self._freed: set[int] = set()
        self._graves: deque[Any] = deque(maxlen=_GRAVES)

    def violation(self, text: str) -> None:
        """The caller broke the rules of the ABI."""
        self._report(text)

    def open(self, kind: str, target: str, generation: int) -> Any:
        """A new handle."""
        with self._lock:
            self._next += _STEP
            self._handles[self._next] = Open(kind, target, generation)
            return ffi.cast("void *", self._next)

    def find(self, kind: str, handle: Any, function: str) -> Open | None:
        """What the handle stands for; None, and a violation, if it is not an open handle of this kind."""
        number = int(ffi.cast("uintptr_t", handle))
        found = self._handles.get(number)
        if found is not None and found.kind == kind:
            return found
        if found is not None:
            self._report(f"{function}: a handle of a {found.kind} in place of a {kind}")
        elif number in self._closed:
            self._report(f"{function}: a {kind} handle that is closed")
        else:
            self._report(f"{function}: {'NULL' if number == 0 else 'a number'} in place of a {kind} handle")
        return None

    def close(self, kind: str, handle: Any, function: str) -> Open | None:
        """Take the handle out of use; None, and a violation, if it is not an open one of this kind."""
        found = self.find(kind, handle, function)
        if found is not None:
            with self._lock:
                number = int(ffi.cast("uintptr_t", handle))
                self._closed.add(number)
                del self._handles[number]
        return found

    def text(self, text: str, function: str) -> Any:
        """A buffer with the text, which the caller must free."""
        memory = ffi.new("char16_t[]", text)
        with self._lock:
            address = int(ffi.cast("uintptr_t", memory))
            self._buffers[address] = (memory, function)
            self._freed.discard(address)
        return ffi.cast("PWSTR", memory)

    def free(self, memory: Any) -> None:
        """CoTaskMemFree: NULL is nothing, everything else must be a buffer that is still held."""
        address = int(ffi.cast("uintptr_t", memory))
        if address == 0:
            return
        with self._lock:
            held = self._buffers.pop(address, None)
            if held is not None:
                buffer = ffi.buffer(held[0])
                buffer[:] = _FILLING * len(buffer)
                self._graves.append(held[0])
                self._freed.add(address)
        if held is None:
            again = address in self._freed
            self._report(f"CoTaskMemFree: {'a buffer that is freed' if again else 'memory of somebody else'}")

    def held(self) -> list[Held]:
        """All open handles and buffers."""
        with self._lock:
            handles = [
                Held("handle", f"{open_.kind} {open_.target}".strip()) for open_ in self._handles.values()
            ]
            return handles + [Held("buffer", function) for _, function in self._buffers.values()]
