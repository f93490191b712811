"""The caller's ends of processes' pipes, where the caller is at the other end of the wire: each has a number.

Rule: a wait ends with who waits.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

from cni_hns.simulator.abi.pipes import descriptor_of, ready

__all__ = ["RemoteStreams"]

_CHUNK_BYTES = 1 << 14


class RemoteStreams:
    """Those of one process. With each wait goes a `go_on()`, which raises where nobody waits any more."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._descriptors: dict[int, int] = {}

    def take(self, handles: tuple[int, int, int]) -> tuple[int, int, int]:
        """Own these handles from now on; their numbers. 0 stays 0."""
        first, second, third = map(self._taken, handles)
        return first, second, third

    def read(self, number: int, go_on: Callable[[], None]) -> bytes:
        """Some bytes, as soon as there are some; none at the end. Raises: KeyError, OSError."""
        descriptor = self._descriptors[number]
        while not ready(descriptor, writes=False):
            go_on()
        return os.read(descriptor, _CHUNK_BYTES)

    def write(self, number: int, data: bytes, go_on: Callable[[], None]) -> None:
        """All of it. Raises: KeyError; OSError where nobody reads it any more."""
        descriptor = self._descriptors[number]
        while data:
            if ready(descriptor, writes=True):
                data = data[os.write(descriptor, data) :]
            else:
                go_on()

    def close(self, number: int) -> None:
        """It is not used any more. Raises: KeyError."""
        os.close(self._descriptors.pop(number))

    def close_all(self) -> None:
        """Nor is any other."""
        for number in list(self._descriptors):
            self.close(number)

    def _taken(self, handle: int) -> int:
        if not handle:
            return 0
        number = next(self._numbers)
        self._descriptors[number] = descriptor_of(handle)
        return number
