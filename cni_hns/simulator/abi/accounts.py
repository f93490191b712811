"""What the process holds of the service: open handles and buffers, and what it did wrong with them.

Rule 1: handles are as `handles.py` says.
Rule 2: a buffer that the service allocated is freed once, by CoTaskMemFree and nothing else.
Rule 3: a violation is never silent: it is kept with the node, whatever the process does next.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.handles import Handles, Held, Open

__all__ = ["FILLING", "Accounts", "number_of"]

# Freed memory is filled and kept for a while, so that reading it gives nonsense at once instead of luck.
_GRAVES = 64
FILLING = b"\xdd"


def number_of(pointer: Any) -> int:
    """What a handle or an address is as a number."""
    return int(ffi.cast("uintptr_t", pointer))


class Accounts:
    """The handles and buffers of one process."""

    def __init__(self, report: Any) -> None:
        """`report(text)` keeps a violation."""
        self._report = report
        self._lock = threading.Lock()
        self._handles = Handles(report)
        self._buffers: dict[int, tuple[Any, str]] = {}
        self._freed: set[int] = set()
        self._graves: deque[Any] = deque(maxlen=_GRAVES)

    def violation(self, text: str) -> None:
        """The caller broke the rules of the ABI."""
        self._report(text)

    def open(self, kind: str, target: str, generation: int) -> Any:
        """A new handle."""
        return ffi.cast("void *", self._handles.open(kind, target, generation))

    def find(self, kind: str, handle: Any, function: str) -> Open | None:
        """What the handle stands for; None, and a violation, if it is not an open handle of this kind."""
        return self._handles.find(kind, number_of(handle), function)

    def close(self, kind: str, handle: Any, function: str) -> Open | None:
        """Take the handle out of use; None, and a violation, if it is not an open one of this kind."""
        return self._handles.close(kind, number_of(handle), function)

    def text(self, text: str, function: str) -> Any:
        """A buffer with the text, which the caller must free."""
        memory = ffi.new("char16_t[]", text)
        with self._lock:
            address = number_of(memory)
            self._buffers[address] = (memory, function)
            self._freed.discard(address)
        return ffi.cast("PWSTR", memory)

    def free(self, memory: Any) -> None:
        """CoTaskMemFree: NULL is nothing, everything else must be a buffer that is still held."""
        address = number_of(memory)
        if address == 0:
            return
        with self._lock:
            held = self._buffers.pop(address, None)
            if held is not None:
                buffer = ffi.buffer(held[0])
                buffer[:] = FILLING * len(buffer)
                self._graves.append(held[0])
                self._freed.add(address)
        if held is None:
            again = address in self._freed
            self._report(f"CoTaskMemFree: {'a buffer that is freed' if again else 'memory of somebody else'}")

    def held(self) -> list[Held]:
        """All open handles and buffers."""
        with self._lock:
            buffers = [Held("buffer", function) for _, function in self._buffers.values()]
        return self._handles.held() + buffers
