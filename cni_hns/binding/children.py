"""Another program, run as a child that cannot hurt: its time, its output and its life are bounded.

Rule 1: of what it prints no more is kept than the limits say, however much it is.
Rule 2: nothing is waited for but the child's exit. Its own children may hold its pipes: they are ended first,
and then there is a short grace.
Rule 3: its whole process tree ends with the call, and when this process is killed: what it works on then is
nobody's. On Windows a job object sees to that, and nothing can leave it. Elsewhere it is a process group; a
process that calls setsid or setpgid leaves it, and lives on.
"""

from __future__ import annotations

import contextlib
import os
import signal
from _thread import allocate_lock

from cni_hns.background import begin
from cni_hns.deadline import Deadline
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["STDERR_BYTES", "STDOUT_BYTES", "Ended", "run"]

STDOUT_BYTES = 1 << 20
"""A child that prints more is ended."""
STDERR_BYTES = 1 << 16
"""So much of the beginning is kept; the rest is read and dropped."""

# For what ends at once, unless the machine is very busy: a process that was killed, a pipe without a writer.
_GRACE_S = 1.0
_CHUNK_BYTES = 1 << 16
_WINDOWS = os.name == "nt"

# https://learn.microsoft.com/windows/win32/procthread/process-creation-flags
_CREATE_SUSPENDED = 0x4


class Ended(NamedTuple):
    """How a child ended, and what it had printed by then."""

    status: int
    """Its exit status; of a child that was ended it means nothing."""
    stdout: bytes
    stderr: bytes
    late: bool
    """It was ended because its time was over."""
    overflowed: bool
    """It was ended because it printed more than `STDOUT_BYTES`."""


def run(
    program: str,
    environment: Mapping[str, str],
    given: bytes,
    timeout_s: float,
    arguments: Sequence[str] = (),
) -> Ended:
    """Run the program, with these bytes on stdin, to its end or for so many seconds.

    Raises:
        OSError: it cannot be started.
    """
    with contextlib.closing(_tree()) as tree:
        child = tree.start([program, *arguments], environment)
        happened = _Event()
        exited = begin(lambda: _wait(child, happened))
        stdout = _Reader(child.stdout, STDOUT_BYTES, happened.set)
        stderr = _Reader(child.stderr, STDERR_BYTES)
        pumps = [begin(work) for work in (lambda: _write(child.stdin, given), stdout.run, stderr.run)]
        late = not happened.wait(timeout_s)
        tree.kill()
        late |= not exited(_GRACE_S)
        grace = Deadline(0.0 if late else _GRACE_S)
        for ended in pumps:
            ended(grace.left_s())
        status = child.poll()
    return Ended(
        -signal.SIGTERM if status is None else status,
        b"".join(stdout.chunks),
        b"".join(stderr.chunks),
        late and not stdout.overflowed,
        stdout.overflowed,
    )


class _Event:
    """Something that may happen, in any thread, and that one waits for."""

    def __init__(self) -> None:
        self._pending = allocate_lock()
        self._pending.acquire()

    def set(self) -> None:
        # It may have happened already.
        with contextlib.suppress(RuntimeError):
            self._pending.release()

    def wait(self, seconds: float) -> bool:
        return self._pending.acquire(timeout=seconds)


class _Reader:
    """Reads a pipe to its end and keeps the beginning; `when_full` is called if there is more."""

    def __init__(self, pipe: Any, limit_bytes: int, when_full: Callable[[], object] = lambda: None) -> None:
        self.chunks: list[bytes] = []
        self.overflowed = False
        self._pipe = pipe
        self._left = limit_bytes
        self._when_full = when_full

    def run(self) -> None:
        # Closed by whoever reads it: to close a pipe in which another thread reads may wait for that.
        with contextlib.suppress(OSError), self._pipe:
            while chunk := self._pipe.read(_CHUNK_BYTES):
                self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        if len(chunk) > self._left and not self.overflowed:
            self.overflowed = True
            self._when_full()
        if self._left:
            self.chunks.append(chunk[: self._left])
            self._left -= len(self.chunks[-1])


def _write(pipe: Any, given: bytes) -> None:
    # A child need not read what it is given.
    with contextlib.suppress(OSError), pipe:
        rest = memoryview(given)
        while rest:
            rest = rest[pipe.write(rest) :]


def _wait(child: Any, happened: _Event) -> None:
    """Until it has exited; elsewhere than on Windows its status is left there: its id stays its own."""
    if _WINDOWS:
        child.wait()
    else:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    happened.set()


class _Tree(Protocol):
    """A child and all that it starts."""

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        """The child, which belongs to the tree before it does anything. Raises: OSError."""

    def kill(self) -> None:
        """End every process of the tree."""

    def close(self) -> None:
        """The last call. What is left of the tree ends."""


def _tree() -> _Tree:
    if _WINDOWS:
        from cni_hns.binding.jobs import Job

        return _Job(Job())
    return _Group()


class _Job:
    """A tree on Windows. This process has the job's one handle, and Windows closes it however this ends."""

    def __init__(self, job: Any) -> None:
        self._job = job
        self.close = job.close
        self.kill = job.kill

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        child = _started(command, environment, creationflags=_CREATE_SUSPENDED)
        try:
            self._job.adopt(int(child._handle))  # noqa: SLF001 (Python has no public name for it)
        except OSError:
            child.kill()
            child.wait()
            raise
        return child


class _Group:
    """A tree elsewhere: a process group, led by a shell that waits for the end of a pipe.

    Only this process holds the pipe's other end. When it is gone, the shell ends its own group. (The signal
    that Linux has for a parent's death would reach the child alone, and could be asked for only in Python
    between fork and exec, where another thread may have held a lock.) While the leader's status is not
    fetched, no other group gets its number.
    """

    def __init__(self) -> None:
        waits, self._lifeline = os.pipe()
        try:
            self._leader = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", "read _; kill -9 0"],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, waits, 0),
                    (os.POSIX_SPAWN_CLOSE, 1),
                    (os.POSIX_SPAWN_CLOSE, 2),
                ],
                setpgroup=0,
            )
        except OSError:
            os.close(self._lifeline)
            raise
        finally:
            os.close(waits)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        return _started(command, environment, process_group=self._leader)

    def kill(self) -> None:
        os.killpg(self._leader, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        os.waitpid(self._leader, 0)
        os.close(self._lifeline)


def _started(command: Sequence[str], environment: Mapping[str, str], **more: Any) -> Any:
    import subprocess

    pipe = subprocess.PIPE
    # Without buffers: what a read gives is what has come.
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, **more)
