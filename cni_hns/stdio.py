"""The two pipes to the runtime: stdin read within bounds, stdout written exactly once."""

from __future__ import annotations

import contextlib
import os
from _thread import allocate_lock
from collections.abc import Callable
from functools import partial

from cni_hns.background import finishes_within

__all__ = ["Outlet", "read_stdin", "write_stdout"]

_CHUNK_BYTES = 1 << 16


def read_stdin(descriptor: int, limit_bytes: int, timeout_s: float) -> bytes:
    """Everything up to the end of stdin, but no more than `limit_bytes`.

    Raises:
        TimeoutError: stdin was not closed within `timeout_s`.
        OSError: it cannot be read.
    """
    reader = _Reader(descriptor, limit_bytes)
    # A pipe that nobody closes blocks its reader for ever, and Windows has no other way to ask a pipe: the
    # thread is left behind in the system call when the time is over.
    if not finishes_within(timeout_s, reader.run):
        raise TimeoutError(f"it was not closed within {timeout_s:g} s ({reader.size} bytes came)")
    if reader.fault is not None:
        raise reader.fault
    return b"".join(reader.chunks)


class _Reader:
    """Reads the raw descriptor: a buffered stream's lock, held by a stuck thread, would block the exit."""

    def __init__(self, descriptor: int, limit_bytes: int) -> None:
        self.chunks: list[bytes] = []
        self.fault: OSError | None = None
        self._descriptor = descriptor
        self._limit_bytes = limit_bytes

    @property
    def size(self) -> int:
        return sum(map(len, self.chunks))

    def run(self) -> None:
        left = self._limit_bytes
        try:
            while left > 0:
                chunk = os.read(self._descriptor, min(left, _CHUNK_BYTES))
                if not chunk:
                    return
                self.chunks.append(chunk)
                left -= len(chunk)
        except OSError as fault:
            self.fault = fault


def write_stdout(descriptor: int, text: str) -> None:
    """Write the text as UTF-8, in one piece where the pipe takes it.

    Half a surrogate pair, which UTF-8 cannot say, is written as JSON escapes it.
    """
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]


class Outlet:
    """The one document that a call may write, and the way out of the process.

    The verb and the watchdog may both want to answer: who comes first is heard, the other is told so.
    """

    def __init__(self, write: Callable[[str], object], leave: Callable[[int], object]) -> None:
        self.leave = leave
        self.when_delivered: Callable[[], object] = lambda: None
        """Called when the document has gone out, or can no more: whoever watches over it may rest."""
        self._write = write
        self._first = allocate_lock()
        self._delivered = allocate_lock()
        self._delivered.acquire()

    def deliver(self, text: str) -> bool:
        """Write the text, unless something was written before; whether it was this text that went out.

        Raises: OSError where it is this text's turn and it cannot be written.
        """
        if not self._first.acquire(blocking=False):
            return False
        try:
            if text:
                self._write(text)
        finally:
            self._delivered.release()
            self.when_delivered()
        return True

    def interrupt(self, text: str, patience_s: float) -> bool:
        """The watchdog's `deliver`: whether the process is its to end, however the writing went.

        False where another answer is out. One that is on its way gets this long, and so does the text: a
        pipe that nobody reads takes neither.
        """
        if not self._first.acquire(blocking=False):
            return not self._delivered.acquire(timeout=patience_s)
        finishes_within(patience_s, partial(self._try_to_write, text))
        return True

    def _try_to_write(self, text: str) -> None:
        # The runtime may have gone and closed the pipe.
        with contextlib.suppress(OSError):
            self._write(text)
