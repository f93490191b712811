"""What a process reads and writes, passed on while it runs: each stream in a thread of its own.

Rule 1: the three streams do not wait for each other: a process may fill one while it waits for another.
Rule 2: a thread that reads our own input may never come back. It is left to itself, and once `stop` has
returned it does nothing with the process any more.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.streams import Stream
    from cni_hns.hcs.processes import OpenProcess

__all__ = ["Ours", "Relay"]

_CHUNK_BYTES = 1 << 16


class Ours(NamedTuple):
    """Our own ends: `read(size)` gives b"" at the end of the input; both others write all of the bytes."""

    read: Callable[[int], bytes]
    write: Callable[[bytes], object]
    write_error: Callable[[bytes], object]


class Relay:
    """Passes on the streams of a process, from now on.

    `fault` is why its output can be passed on no more, where it cannot: whoever reads it may have gone.
    """

    def __init__(self, process: OpenProcess, ours: Ours) -> None:
        self.fault: OSError | None = None
        self._process = process
        self._read = ours.read
        self._lock = Lock()
        self._stopped = False
        streams = process.streams
        outputs = ((streams.stdout, ours.write), (streams.stderr, ours.write_error))
        self._outputs = [_begun(self._pass_on, one, to) for one, to in outputs if one is not None]
        if streams.stdin is not None:
            _begun(self._feed, streams.stdin)

    def ends_within(self, timeout_s: float) -> bool:
        """Whether all that the process writes has been passed on, waited for so long.

        What it started may have its output, and go on with it.
        """
        deadline = Deadline(timeout_s)
        for output in self._outputs:
            output.join(deadline.left_s())
        return not any(output.is_alive() for output in self._outputs)

    def stop(self) -> None:
        """Pass nothing on any more: the process may be closed."""
        with self._lock:
            self._stopped = True

    def _pass_on(self, stream: Stream, write: Callable[[bytes], object]) -> None:
        try:
            while data := stream.read(_CHUNK_BYTES):
                write(data)
        except OSError as fault:
            self.fault = fault
        except ValueError:
            pass  # closed meanwhile
        finally:
            stream.close()

    def _feed(self, stdin: Stream) -> None:
        # A process that has enough of its input closes it. An input of ours that cannot be read is empty.
        with suppress(OSError, ValueError):
            while data := self._read(_CHUNK_BYTES):
                stdin.write(data)
        with self._lock:
            if not self._stopped:
                self._process.close_input()


def _begun(work: Callable[..., None], *arguments: Any) -> Thread:
    # The end of this program does not wait for it.
    thread = Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
