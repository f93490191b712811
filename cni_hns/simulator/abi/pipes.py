"""The pipes between a simulated process and who made it, as the operating system has them.

Rule 1: the caller's end is a handle of the caller's own kind: a HANDLE on Windows, a descriptor elsewhere,
and never 0, which means none. Our end is a descriptor.
Rule 2: a process that has ended lets go of its pipes though it waits in one. On Windows, which says of no
such pipe whether it can be read, it does so when the caller closes the other end.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["NO_HANDLES", "Console", "Ended", "descriptor_of", "ready"]

NO_HANDLES = (0, 0, 0)

_CHUNK_BYTES = 1 << 16
# How soon a process notices that it was ended.
_INTERVAL_S = 0.02


class Ended(Exception):
    """The process has ended, or nobody is there any more to run it."""


class _End(NamedTuple):
    """Our descriptor and the caller's handle of one pipe; `mark` tells the caller's from a later file."""

    ours: int
    handle: int
    mark: int
    what: str


class Console:
    """The standard streams of one process, those that it asked for; our ends are a program's console."""

    def __init__(self, pipes: tuple[bool, bool, bool], goes_on: Callable[[], bool]) -> None:
        """`goes_on()` tells whether the process has not been ended."""
        self._goes_on = goes_on
        wants_in, wants_out, wants_err = pipes
        self._in = _pipe("StdInput", caller_writes=True) if wants_in else None
        self._out = _pipe("StdOutput", caller_writes=False) if wants_out else None
        self._err = _pipe("StdError", caller_writes=False) if wants_err else None

    @property
    def handles(self) -> tuple[int, int, int]:
        """The caller's: input, output, errors; 0 for what was not asked for."""
        first, second, third = (0 if one is None else one.handle for one in (self._in, self._out, self._err))
        return first, second, third

    def held(self) -> list[str]:
        """Which of them the caller has not closed, as far as can be seen."""
        return [end.what for end in self._ends() if _mark_of(end.handle) == end.mark]

    def close_handles(self) -> None:
        """Close the caller's, which nobody was given."""
        for end in self._ends():
            _close_handle(end.handle)

    def close(self) -> None:
        """Close ours."""
        for end in self._ends():
            os.close(end.ours)

    # What a program does with it

    def read(self) -> bytes:
        """Some of the input; b"" at its end. Raises: Ended."""
        if self._in is None:
            return b""
        while not ready(self._in.ours, writes=False):
            self._demand()
        self._demand()
        return os.read(self._in.ours, _CHUNK_BYTES)

    def write(self, data: bytes) -> None:
        """All of it. Raises: Ended, OSError."""
        self._write_to(self._out, data)

    def complain(self, data: bytes) -> None:
        """All of it, as an error. Raises: Ended, OSError."""
        self._write_to(self._err, data)

    def wait(self, seconds: float) -> None:
        """Raises: Ended."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._demand()
            time.sleep(min(left, _INTERVAL_S))
        self._demand()

    def _write_to(self, end: _End | None, data: bytes) -> None:
        while data and end is not None:
            self._demand()
            if ready(end.ours, writes=True):
                data = data[os.write(end.ours, data) :]

    def _demand(self) -> None:
        if not self._goes_on():
            raise Ended

    def _ends(self) -> list[_End]:
        return [end for end in (self._in, self._out, self._err) if end is not None]


if sys.platform == "win32":

    def _pipe(what: str, caller_writes: bool) -> _End:
        import _winapi
        import msvcrt

        reader, writer = _winapi.CreatePipe(None, 0)
        ours, theirs = (reader, writer) if caller_writes else (writer, reader)
        return _End(msvcrt.open_osfhandle(ours, os.O_NOINHERIT), theirs, 0, what)

    def ready(_descriptor: int, *, writes: bool) -> bool:  # noqa: ARG001
        """Windows says of no such pipe whether it can be read."""
        return True

    def descriptor_of(handle: int) -> int:
        """A descriptor that owns the caller's handle."""
        import msvcrt

        return msvcrt.open_osfhandle(handle, os.O_NOINHERIT)

    def _close_handle(handle: int) -> None:
        import _winapi

        _winapi.CloseHandle(handle)

    def _mark_of(_handle: int) -> int:
        """Windows tells nothing by which a handle is known again."""
        return -1

else:
    import fcntl
    import select

    def _pipe(what: str, caller_writes: bool) -> _End:
        reader, writer = os.pipe()
        ours, theirs = (reader, writer) if caller_writes else (writer, reader)
        if theirs == 0:
            theirs = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 1)
            os.close(0)
        os.set_blocking(ours, False)
        return _End(ours, theirs, _mark_of(theirs), what)

    def ready(descriptor: int, *, writes: bool) -> bool:
        """Whether it can be read, or written, without waiting; it waits a little for it."""
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if writes else select.POLLIN)
        return bool(poll.poll(_INTERVAL_S * 1000))

    def descriptor_of(handle: int) -> int:
        """A descriptor that owns the caller's handle, for calls that do not wait."""
        os.set_blocking(handle, False)
        return handle

    def _close_handle(handle: int) -> None:
        os.close(handle)

    def _mark_of(handle: int) -> int:
        """The pipe's own number; -1 of what is closed."""
        try:
            return os.fstat(handle).st_ino
        except OSError:
            return -1
