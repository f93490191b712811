"""The log of one call: JSON lines in a file that the configuration names, warnings and notes on stderr.

Rule 1: a log that cannot be written never fails a verb; it says so once on stderr.
Rule 2: a log is a regular file. A pipe or a device may hang, or be the very stdout that has the answer.
Rule 3: one event is one line, in the file and on stderr: whatever it quotes, nobody forges another.
Rule 4: what is not known to be harmless is logged by name and length only (`redacted`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["Log", "one_line", "redacted"]

# Turning a file over takes milliseconds; a claim that is this old belongs to nobody.
_STALE_CLAIM_S = 60.0

# Of a log that many write to, each waits for the lines of the others; a line takes well below a millisecond.
_PATIENCE_S = 5.0
_PAUSE_S = 0.001

# A note goes into the log of a runtime, between lines of others.
_LONGEST_NOTE = 400

_LOCKED_BYTE = 0x7FFF_FFF0

# O_NONBLOCK: what was a file a moment ago may be a pipe now.
_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CREAT
for _flag in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_NOINHERIT"):
    _OPEN |= getattr(os, _flag, 0)

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def one_line(text: str) -> str:
    """The text with whatever does not print escaped: line ends, terminals' commands, changes of direction."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "replace").decode() for one in text
    )


def redacted(values: dict[str, object]) -> dict[str, str]:
    """Each key with the length of its value: enough to see that it was there, nothing to leak."""
    return {key: f"({len(str(value))} characters)" for key, value in values.items()}


class Log:
    """Collects events until the file is known, then writes each as one line with one append."""

    def __init__(self, request_id: str = "", stderr: bool = True) -> None:
        self.request_id = request_id or os.urandom(6).hex()
        self.calls = 0
        self.current_call = ""
        self.current_child = ""
        self.current_file = ""
        self._file: str | None = None
        self._threshold = _LEVELS["info"]
        self._max_bytes = 0
        self._early: list[tuple[str, dict[str, object]]] = []
        self._configured = False
        self._stderr = stderr
        self._call_began = 0.0
        self._child_began = 0.0
        self._context: dict[str, object] = {}

    def configure(
        self,
        file: str | None,
        level: str = "info",
        max_bytes: int = 10_000_000,
        refusal: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Write to this absolute path from now on, what was collected so far first.

        `refusal` is asked once why this path must not be written to; empty says that it may.
        """
        self._file = file
        if file is not None and (reason := refusal(file)):
            self._give_up(reason)
        self._threshold = _LEVELS.get(level, _LEVELS["info"])
        self._max_bytes = max_bytes
        self._configured = True
        early, self._early = self._early, []
        for level_name, line in early:
            self._write(level_name, line)

    def bind(self, **fields: object) -> None:
        """Put these fields (verb, network, container id) into every later line."""
        self._context.update(fields)

    def event(self, message: str, level: str = "info", *, on_stderr: bool = True, **fields: object) -> None:
        """Log one thing that happened; warnings and errors are also a line on stderr, if they may be."""
        line: dict[str, object] = {
            "time": _timestamp(),
            "level": level,
            "request": self.request_id,
            "pid": os.getpid(),
            **self._context,
            "message": message,
            **fields,
        }
        if on_stderr and _LEVELS[level] >= _LEVELS["warning"]:
            self._say(level, message)
        if self._configured:
            self._write(level, line)
        else:
            self._early.append((level, line))

    def note(self, message: str) -> None:
        """Say on stderr, too, what is no fault and worth knowing once: one line, cut where it is long."""
        short = message if len(message) <= _LONGEST_NOTE else message[: _LONGEST_NOTE - 1] + "…"
        self._say("note", short)
        self.event(message)

    def call_begins(self, function: str, target: str = "") -> None:
        """An HNS call starts; until it ends, `current_call` names it for whoever has to say what hung."""
        self.calls += 1
        self.current_call = f"{function} {target}".strip()
        self._call_began = time.perf_counter()

    def call_ends(self, hresult: int) -> None:
        """The HNS call came back with this HRESULT (unsigned, 32 bits)."""
        milliseconds = round((time.perf_counter() - self._call_began) * 1000, 3)
        call, self.current_call = self.current_call, ""
        self.event("HNS call", call=call, ms=milliseconds, hresult=f"0x{hresult:08X}")

    def child_begins(self, what: str) -> None:
        """A child process starts; until it has ended, `current_child` names it."""
        self.current_child = what
        self._child_began = time.perf_counter()

    def child_ends(self) -> None:
        """The child process is no more."""
        milliseconds = round((time.perf_counter() - self._child_began) * 1000, 3)
        child, self.current_child = self.current_child, ""
        self.event("child process", child=child, ms=milliseconds)

    def _say(self, kind: str, message: str) -> None:
        if self._stderr:
            _to_stderr(f"cni-hns: {kind}: {message}")

    def _write(self, level: str, line: dict[str, object]) -> None:
        if self._file is None or _LEVELS[level] < self._threshold:
            return
        # For whoever has to say what hung: a file on another machine may.
        self.current_file = f'the log "{self._file}"'
        try:
            _append(self._file, json.dumps(line, default=str) + "\n", self._max_bytes)
        except (OSError, ValueError, TypeError, RecursionError) as fault:
            self._give_up(getattr(fault, "strerror", None) or type(fault).__name__)
        self.current_file = ""

    def _give_up(self, reason: str) -> None:
        self._say("warning", f'the log "{self._file}" cannot be written: {reason}')
        self._file = None


def _timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"


def _to_stderr(text: str) -> None:
    # A runtime may start us without a stderr: sys.stderr is None, or the pipe is closed.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(one_line(text) + "\n")
        sys.stderr.flush()


def _append(path: str, text: str, max_bytes: int) -> None:
    """One write at the end of the file, so that lines of parallel processes never mix."""
    _turn_over(path, max_bytes)
    descriptor = _opened(path)
    try:
        with _alone(descriptor):
            os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    """The file, made where there is none. Raises: OSError, also for what is no regular file."""
    # Looked at before as well: to open a device may already do something.
    with contextlib.suppress(FileNotFoundError):
        _refuse_irregular(os.stat(path))
    try:
        descriptor = os.open(path, _OPEN, 0o640)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, _OPEN, 0o640)
    try:
        found = os.fstat(descriptor)
        _refuse_irregular(found)
        _refuse_pipes_to_the_runtime(found)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _refuse_pipes_to_the_runtime(found: os.stat_result) -> None:
    """stdin and stdout may be files, and a name may lead to them: /dev/fd/1, or a link."""
    for descriptor in (0, 1):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):
                break
    else:
        return
    raise OSError(errno.EINVAL, "the configuration or the answer is in it")


if sys.platform == "win32":

    @contextlib.contextmanager
    def _alone(descriptor: int) -> Iterator[None]:
        """Windows appends in two steps, go to the end and write: without a lock, lines overwrite each other.

        The byte that is locked lies far behind the end of any log, where nobody reads or writes.
        """
        import msvcrt

        ends = time.perf_counter() + _PATIENCE_S
        while not _locked(descriptor):
            # A file that another process keeps locked is one that cannot be written.
            if time.perf_counter() > ends:
                raise PermissionError(13, "another process keeps it locked")
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def _locked(descriptor: int) -> bool:
        """One try: LK_LOCK, which tries again itself, sleeps a second after each."""
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    @contextlib.contextmanager
    def _alone(_descriptor: int) -> Iterator[None]:
        """POSIX appends in one step."""
        yield


def _turn_over(path: str, max_bytes: int) -> None:
    """Keep one older file beside the current one: together they stay near twice `max_bytes`.

    Of several processes that find the file full one turns it over; the others write on where they are.
    """
    if not _is_full(path, max_bytes):
        return
    claim = path + ".turning"
    try:
        os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))
    except OSError:
        _drop_stale(claim)
        return
    # Looked at again, now alone: the file that was full may have been turned over a moment ago. On Windows
    # it cannot be renamed while another process has it open; the next line tries again.
    with contextlib.suppress(OSError):
        if _is_full(path, max_bytes):
            os.replace(path, path + ".1")
    with contextlib.suppress(OSError):
        os.unlink(claim)


def _is_full(path: str, max_bytes: int) -> bool:
    try:
        return os.stat(path).st_size >= max_bytes
    except OSError:
        return False


def _drop_stale(claim: str) -> None:
    """Take away the claim of a process that was killed while it turned the file over."""
    with contextlib.suppress(OSError):
        if time.time() - os.stat(claim).st_mtime > _STALE_CLAIM_S:
            os.unlink(claim)
