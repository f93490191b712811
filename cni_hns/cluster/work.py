"""Work in a thread of its own, of which a loop sees the beginning, the length and the end.

Rule 1: what hangs in a DLL cannot be ended: it is left to its thread, and nothing like it is begun beside it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ended", "Wake", "Work"]

_Answer = TypeVar("_Answer")


class Wake:
    """What a loop waits for: anybody may `call`, from any thread."""

    def __init__(self) -> None:
        self._called = threading.Event()

    def call(self) -> None:
        """End the wait that is under way, or the next one."""
        self._called.set()

    def wait(self, seconds: float | None) -> None:
        """Until somebody called since the last wait; so many seconds at the most."""
        self._called.wait(seconds)
        self._called.clear()


class Ended(NamedTuple, Generic[_Answer]):
    """What work came to: `value`, or the fault that ended it, and how long it took."""

    value: _Answer | None
    fault: BaseException | None
    took_s: float


class Work(Generic[_Answer]):
    """One thing at a time. `ended` is called, in the work's thread, after each."""

    def __init__(self, name: str, ended: Callable[[], None]) -> None:
        self._name = name
        self._ended = ended
        self._began = 0.0
        self._thread: threading.Thread | None = None
        self._outcome: Ended[_Answer] | None = None

    @property
    def is_running(self) -> bool:
        """Whether something was begun whose outcome nobody has taken yet."""
        return self._thread is not None

    @property
    def running_s(self) -> float:
        """How long it runs by now; 0 where nothing does."""
        return time.monotonic() - self._began if self.is_running and self._outcome is None else 0.0

    def begin(self, work: Callable[[], _Answer]) -> None:
        """Begin it; nothing may be running."""
        self._began, self._outcome = time.monotonic(), None
        self._thread = threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True)
        self._thread.start()

    def taken(self) -> Ended[_Answer] | None:
        """What it came to, once; None while it runs, and where nothing does."""
        outcome, thread = self._outcome, self._thread
        if outcome is None or thread is None:
            return None
        thread.join()
        self._thread, self._outcome = None, None
        return outcome

    def join(self, seconds: float) -> bool:
        """Wait so long for its end; whether nothing runs any more."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _run(self, work: Callable[[], _Answer]) -> None:
        value: _Answer | None = None
        fault: BaseException | None = None
        try:
            value = work()
        except BaseException as error:  # whatever it is, the loop tells it
            fault = error
        self._outcome = Ended(value, fault, time.monotonic() - self._began)
        self._ended()
