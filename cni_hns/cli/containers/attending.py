"""A process in a container, attended to until its end.

Rule 1: what was begun is ended: at the deadline, at Ctrl-C, and when nobody reads the output any more.
Rule 2: a signal is noted and looked at between two calls. Raised inside of one it would be lost in the DLL.
Rule 3: our own streams are used as descriptors: a thread that hangs in a buffered one would hold up our end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TextIO

from cni_hns.binding.compute import GONE
from cni_hns.binding.compute_errors import OutcomeUnknown
from cni_hns.cli.failure import Failure
from cni_hns.hcs.relay import Ours, Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.deadline import Deadline
    from cni_hns.hcs.documents.processes import ProcessStatus
    from cni_hns.hcs.processes import OpenProcess

__all__ = ["as_ours", "attend", "our_streams", "signals"]

# Between two looks at the signals and at who reads the output.
_LOOK_S = 0.25
# How long the last output is waited for: what the command started may go on with its streams.
_LAST_OUTPUT_S = 5.0

# Of those the ones that this system has.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")

_SIGN, _BITS = 1 << 31, 1 << 32
_LARGEST_CODE = 255


def attend(process: OpenProcess, ours: Ours, deadline: Deadline, told: list[int]) -> int:
    """Its exit code, once its output has been passed on. `told` are the `signals` that came.

    Raises:
        Failure: it was ended at the deadline, or how it ended is not known.
        KeyboardInterrupt: it was ended by a signal to us.
        OSError: it was ended, for its output cannot be passed on.
    """
    relay = Relay(process, ours)
    status = None
    try:
        status = _exit(process, relay, deadline, told)
    finally:
        if status is None:
            _end(process)
        relay.ends_within(_LAST_OUTPUT_S)
        relay.stop()
    if relay.fault is not None:
        raise relay.fault
    if status is None:
        _say_why(process, deadline, told)
    if "exit_code" not in status.model_fields_set:
        raise Failure(
            f"process {process.id} has ended, and HCS does not say how: its container may have ended"
        )
    return status.exit_code


def _exit(process: OpenProcess, relay: Relay, deadline: Deadline, told: list[int]) -> ProcessStatus | None:
    """How it ended; None where it has to be ended."""
    while not told and relay.fault is None:
        try:
            return process.wait_for_exit(min(_LOOK_S, deadline.left_s()))
        except OutcomeUnknown:
            if deadline.expired:
                break
    return None


def _end(process: OpenProcess) -> None:
    with contextlib.suppress(*GONE):
        process.terminate()


def _say_why(process: OpenProcess, deadline: Deadline, told: list[int]) -> NoReturn:
    if told:
        raise KeyboardInterrupt
    raise Failure(
        f"process {process.id} had not ended after {deadline.timeout_s:g} s, and was ended by force: give it "
        "more time with --timeout"
    )


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """The signals that came, in place of what they do else."""
    told: list[int] = []
    here = [signal.Signals[name] for name in _SIGNALS if name in signal.Signals.__members__]
    before = {one: signal.signal(one, lambda number, _frame: told.append(number)) for one in here}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def our_streams() -> Ours:
    """Those that this program was started with; without one there is no input, and output is lost."""
    read = partial(os.read, sys.stdin.fileno()) if sys.stdin else lambda _size: b""
    return Ours(read, _writer(sys.stdout), _writer(sys.stderr))


def _writer(stream: TextIO | None) -> Callable[[bytes], object]:
    if stream is None:
        return len
    descriptor = stream.fileno()

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]

    return write


def as_ours(exit_code: int) -> int:
    """Windows has 32 bits, which Python takes as a signed number; elsewhere what is too large is 255."""
    if os.name == "nt":
        return exit_code - _BITS if exit_code >= _SIGN else exit_code
    return min(exit_code, _LARGEST_CODE)
