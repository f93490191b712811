"""The streams of a process: bytes unchanged, each handle closed once, by whoever is the last to use it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from cni_hns.binding._generated_computecore import ffi
from cni_hns.binding.streams import Stream, Streams

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a handle is a descriptor here")

INVALID_HANDLE_VALUE = 0xFFFFFFFF_FFFFFFFF
LONG_S = 60.0


class Pipes(NamedTuple):
    """Both ends of one pipe; the reading or the writing one is the stream's."""

    reader: int
    writer: int


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    """At the end both descriptors are closed."""
    made = Pipes(*os.pipe())
    yield made
    for descriptor in made:
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.fstat(descriptor)


def told(**handles: int) -> Any:
    information: Any = ffi.new("HCS_PROCESS_INFORMATION *")
    for member, handle in handles.items():
        setattr(information, member, ffi.cast("HANDLE", handle))
    return information


def test_a_handle_is_taken_out_of_the_structure_and_closed_once(pipes: Pipes) -> None:
    information, streams = told(StdInput=pipes.writer, StdOutput=INVALID_HANDLE_VALUE), Streams()
    streams.take(information)
    streams.take(information)
    assert (streams.stdout, streams.stderr) == (None, None)
    streams.close()
    # Had it been closed twice, the second time would have hit whoever has the number now.
    again = os.dup(pipes.reader)
    assert again == pipes.writer
    streams.close()
    os.close(again)
    os.close(pipes.reader)


def test_more_than_a_pipe_holds_passes_unchanged(pipes: Pipes) -> None:
    sent = os.urandom(1 << 20)
    writing, reading = Stream(pipes.writer), Stream(pipes.reader)

    def write() -> None:
        writing.write(sent)
        writing.close()

    writer = threading.Thread(target=write)
    writer.start()
    received = b""
    while data := reading.read(1 << 16):
        received += data
    writer.join()
    reading.close()
    assert received == sent


def test_a_closed_one_is_not_used_any_more(pipes: Pipes) -> None:
    stream = Stream(pipes.writer)
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write(b"late")
    os.close(pipes.reader)


def test_one_that_is_closed_while_it_is_read_is_closed_by_its_reader(pipes: Pipes) -> None:
    stream, read = Stream(pipes.reader), []
    reader = threading.Thread(target=lambda: read.append(stream.read(100)))
    reader.start()
    while not stream._users:
        pass
    stream.close()
    os.fstat(pipes.reader)
    os.write(pipes.writer, b"still")
    reader.join(LONG_S)
    assert read == [b"still"]
    os.close(pipes.writer)


def test_a_write_that_nobody_reads_fails(pipes: Pipes) -> None:
    os.close(pipes.reader)
    stream = Stream(pipes.writer)
    with pytest.raises(BrokenPipeError):
        stream.write(b"lost")
    stream.close()
