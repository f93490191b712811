"""The standard streams of a process, as HCS hands over the handles of its pipes.

Rule 1: each handle is owned here and closed once. A close while a thread reads or writes leaves the closing
to that thread: another file could have the descriptor's number by the time it comes back.
Rule 2: what a handle is, the functions at the end know: a HANDLE on Windows, a descriptor with the simulated
service elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import sys
from threading import Lock

from cni_hns.binding._generated_computecore import ffi
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Stream", "Streams"]

# "Not asked for" is said either way: NULL and INVALID_HANDLE_VALUE.
_NONE = (0, (1 << 8 * ffi.sizeof("HANDLE")) - 1)


class Stream:
    """Our end of one pipe: bytes as they are."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = Lock()
        self._users = 0
        self._closing = False
        self._closed = False

    def read(self, size: int) -> bytes:
        """So many bytes at most, as soon as there are some; none at the end.

        Raises: OSError, ValueError if it is closed.
        """
        with self._used() as descriptor:
            return os.read(descriptor, size)

    def write(self, data: bytes) -> None:
        """All of it. Raises: OSError if nobody reads any more, ValueError if it is closed."""
        with self._used() as descriptor:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]

    def close(self) -> None:
        """Close it once, as soon as nobody is inside; a second time does nothing."""
        with self._lock:
            self._closing = True
        self._close_if_free()

    @contextlib.contextmanager
    def _used(self) -> Iterator[int]:
        with self._lock:
            if self._closing:
                raise ValueError("the stream is closed")
            self._users += 1
        try:
            yield self._descriptor
        finally:
            with self._lock:
                self._users -= 1
            self._close_if_free()

    def _close_if_free(self) -> None:
        with self._lock:
            if not self._closing or self._closed or self._users:
                return
            self._closed = True
        os.close(self._descriptor)


class Streams:
    """Our ends of a process's standard streams; None for each that was not asked for."""

    def __init__(self) -> None:
        self.stdin: Stream | None = None
        self.stdout: Stream | None = None
        self.stderr: Stream | None = None

    def take(self, information: Any) -> None:
        """Own the handles of an HCS_PROCESS_INFORMATION, which has none afterwards. Raises: OSError."""
        self.stdin = _taken(information, "StdInput") or self.stdin
        self.stdout = _taken(information, "StdOutput") or self.stdout
        self.stderr = _taken(information, "StdError") or self.stderr

    def close(self) -> None:
        """Give all of them back. A second time does nothing."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def _taken(information: Any, member: str) -> Stream | None:
    handle = int(ffi.cast("uintptr_t", getattr(information, member)))
    if handle in _NONE:
        return None
    setattr(information, member, ffi.NULL)
    return Stream(_descriptor(handle))


if sys.platform == "win32":

    def _descriptor(handle: int) -> int:
        """A descriptor that owns the handle, without the translation of line ends.

        A pipe may be one for overlapped calls: that is right as long as one thread at a time uses it.
        """
        import msvcrt

        return msvcrt.open_osfhandle(handle, os.O_NOINHERIT)

else:

    def _descriptor(handle: int) -> int:
        """The simulated service hands over descriptors."""
        return handle
