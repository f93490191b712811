"""A command on a real terminal (a pty) of a chosen width, in this process: what a person sees of it.

    seen = screen(["pod", "list"], 80, connect)
    assert seen.fits(80) and pod_id in seen.words

Off Windows only: `pytestmark = needs_a_terminal`.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cni_hns.cli import main

if TYPE_CHECKING:
    from cni_hns.cli.session import Connect

__all__ = ["WIDTHS", "Screen", "Terminal", "needs_a_terminal", "on_terminal", "screen"]

needs_a_terminal = pytest.mark.skipif(os.name == "nt", reason="there are no ptys")

WIDTHS = (80, 200)
"""The terminals that every screen has to fit."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINES = 50


class Screen(NamedTuple):
    """What was written to the terminal: as it came, and as it is read."""

    exit_code: int
    raw: str

    @property
    def text(self) -> str:
        """Without what colours it or moves about."""
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    @property
    def words(self) -> list[str]:
        """What is whole: an id that was broken is not among them."""
        return self.text.replace(",", " ").split()

    def fits(self, columns: int) -> bool:
        return max(map(len, self.text.splitlines()), default=0) <= columns


class Terminal:
    """One end is stdout of this process; what arrives at the other is kept."""

    def __init__(self, columns: int) -> None:
        import fcntl
        import termios

        self._outer, inner = os.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
        self.stdout = os.fdopen(inner, "w", encoding="utf-8")
        self._kept = bytearray()
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def raw(self) -> str:
        return self._kept.decode()

    def wait_for(self, seen: Callable[[str], bool], timeout_s: float = 60.0) -> None:
        """Until what has arrived is as wanted."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: seen(self.raw), timeout_s), self.raw

    def close(self) -> None:
        """All that was written has arrived then."""
        self.stdout.close()
        self._reader.join()
        os.close(self._outer)

    def _read(self) -> None:
        # Linux answers with EIO once the other end is closed and everything was read.
        with contextlib.suppress(OSError):
            while data := os.read(self._outer, 65536):
                with self._arrived:
                    self._kept += data
                    self._arrived.notify_all()


@contextlib.contextmanager
def on_terminal(columns: int) -> Iterator[Terminal]:
    """stdout is a terminal of so many columns."""
    terminal, before = Terminal(columns), sys.stdout
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TERM", "xterm-256color")
        patched.delenv("NO_COLOR", raising=False)
        sys.stdout = terminal.stdout
        try:
            yield terminal
        finally:
            sys.stdout = before
            terminal.close()


def screen(arguments: Sequence[str], columns: int, connect: Connect) -> Screen:
    """Run one command on a terminal; its exit code and what is seen."""
    with on_terminal(columns) as terminal:
        code = main(list(arguments), connect)
    return Screen(code, terminal.raw)
