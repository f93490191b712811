"""The log of one call: JSON lines in a file that the configuration names, warnings on stderr.

Rule 1: a log that cannot be written never fails a verb; it says so once on stderr.
Rule 2: what is not known to be harmless is logged by name and length only (`redacted`).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time

__all__ = ["Log", "redacted"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def redacted(values: dict[str, object]) -> dict[str, str]:
    """Each key with the length of its value: enough to see that it was there, nothing to leak."""
    return {key: f"({len(str(value))} characters)" for key, value in values.items()}


class Log:
    """Collects events until the file is known, then writes each as one line with one append."""

    def __init__(self, request_id: str = "", stderr: bool = True) -> None:
        self.request_id = request_id or os.urandom(6).hex()
        self.calls = 0
        self.current_call = ""
        self._file: str | None = None
        self._threshold = _LEVELS["info"]
        self._max_bytes = 0
        self._early: list[tuple[str, dict[str, object]]] = []
        self._configured = False
        self._stderr = stderr
        self._call_began = 0.0
        self._context: dict[str, object] = {}

    def configure(self, file: str | None, level: str = "info", max_bytes: int = 10_000_000) -> None:
        """Write to this absolute path from now on, what was collected so far first."""
        self._file = file
        self._threshold = _LEVELS.get(level, _LEVELS["info"])
        self._max_bytes = max_bytes
        self._configured = True
        early, self._early = self._early, []
        for level_name, line in early:
            self._write(level_name, line)

    def bind(self, **fields: object) -> None:
        """Put these fields (verb, network, container id) into every later line."""
        self._context.update(fields)

    def event(self, message: str, level: str = "info", **fields: object) -> None:
        """Log one thing that happened; warnings and errors are also a line on stderr."""
        line: dict[str, object] = {
            "time": _timestamp(),
            "level": level,
            "request": self.request_id,
            "pid": os.getpid(),
            **self._context,
            "message": message,
            **fields,
        }
        if self._stderr and _LEVELS[level] >= _LEVELS["warning"]:
            _to_stderr(f"cni-hns: {level}: {message}")
        if self._configured:
            self._write(level, line)
        else:
            self._early.append((level, line))

    def call_begins(self, function: str, target: str = "") -> None:
        """An HNS call starts; until it ends, `current_call` names it for whoever has to say what hung."""
        self.calls += 1
        self.current_call = f"{function} {target}".strip()
        self._call_began = time.monotonic()

    def call_ends(self, hresult: int) -> None:
        """The HNS call came back with this HRESULT (unsigned, 32 bits)."""
        milliseconds = round((time.monotonic() - self._call_began) * 1000, 3)
        self.event("HNS call", call=self.current_call, ms=milliseconds, hresult=f"0x{hresult:08X}")
        self.current_call = ""

    def _write(self, level: str, line: dict[str, object]) -> None:
        if self._file is None or _LEVELS[level] < self._threshold:
            return
        try:
            _append(self._file, json.dumps(line, default=str) + "\n", self._max_bytes)
        except OSError as fault:
            if self._stderr:
                _to_stderr(f'cni-hns: warning: the log "{self._file}" cannot be written: {fault.strerror}')
            self._file = None


def _timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"


def _to_stderr(text: str) -> None:
    # A runtime may start us without a stderr: sys.stderr is None, or the pipe is closed.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _append(path: str, text: str, max_bytes: int) -> None:
    """One write with O_APPEND, so that lines of parallel processes never mix; a full file is turned over."""
    _turn_over(path, max_bytes)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _turn_over(path: str, max_bytes: int) -> None:
    """Keep one older file beside the current one: together they stay below twice `max_bytes`."""
    try:
        if os.stat(path).st_size < max_bytes:
            return
        os.replace(path, path + ".1")
    except OSError:
        # Not there yet, or held open by another process on Windows: the next line tries again.
        return
