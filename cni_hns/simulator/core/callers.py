"""Who calls the service: what an injected fault does to the calling process is done here.

The service runs inside the process that calls it, or in a server for processes of another system.
"""

from __future__ import annotations

import os
import signal
import time
from typing import NoReturn, Protocol

__all__ = ["Caller", "ThisProcess"]

_A_LONG_TIME_S = 3600


class Caller(Protocol):
    """A process that calls."""

    @property
    def pid(self) -> int:
        """Its process id, as its own system counts."""

    def wait(self, seconds: float) -> None:
        """Let the call take so long."""

    def hang(self) -> NoReturn:
        """The call never comes back."""

    def end(self) -> NoReturn:
        """The process ends at once, as if it had been killed from outside."""


class ThisProcess:
    """The process that this code runs in."""

    @property
    def pid(self) -> int:
        """Asked each time: a process that forks is two."""
        return os.getpid()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def hang(self) -> NoReturn:
        """Sleep, and never wake up."""
        while True:
            time.sleep(_A_LONG_TIME_S)

    def end(self) -> NoReturn:
        """Kill this process."""
        if os.name == "nt":
            os._exit(137)
        os.kill(os.getpid(), signal.SIGKILL)
        self.hang()  # until the signal has been delivered
