"""How a program that is not Python talks to a served node: over TCP, one request, one reply.

    message := u32 size, then so many bytes
    text    := u32 n, then n units of UTF-16; n = 0xFFFFFFFF is NULL
    request := u64 handle, text function, then the function's texts until the message ends
    reply   := u32 order, u32 hresult, u64 handle, u64 input, u64 output, u64 errors,
               text answer, text error record

Numbers and UTF-16 are little-endian. GUIDs go as texts. `handle` is 0 where the function takes or gives none.
Order 0 is an answer; order 1 means that the calling process has to end itself at once. Input, output and
errors are the numbers of the pipes of the process that a call is about, given once; 0 for none.

A function of computecore.dll has `computecore!` before its name, and no handle: its texts are all arguments
that go in, in the order of the declaration, numbers and handles in decimal (NULL is 0), a callback as 1. The
reply's handle is the handle that comes out, or the process's id.

A connection carries one call at a time; a process that calls from several threads opens several. Beside the
functions of the DLLs there are requests about the process itself:

    Join       handle: 0, or the number that another connection of the process was given; text: its process id
               in decimal. The first request of each connection. The reply's handle is the process's number.
    NextEvent  handle: what the process listens with: a registration's; of computecore.dll a system's, a
               process's or an operation's, which has an event of code 0 when it has ended. The reply comes
               when there is an event: its code is the lower half of the handle, its status the upper half,
               its data the text. With E_ABORT once nobody listens any more.
    ReadStream
               handle: the number of a pipe. The reply comes when there is something to read, which is its
               text, two digits for each byte; "" at the end.
    WriteStream
               handle: the number of a pipe; text: two digits for each byte. The reply is 0x8007006D once
               nobody reads it any more.
    CloseStream
               handle: the number of a pipe, which is none any more.
    Violation  text: what the process did wrong with a buffer.
    Leave      texts: one per buffer that the process still holds, the function that gave it. The process ends
               in good order. One that is killed does not say so, and nothing is held against it.
"""

from __future__ import annotations

import struct
from typing import Protocol

__all__ = [
    "ANSWER",
    "END_YOURSELF",
    "NO_STREAMS",
    "Reader",
    "Reply",
    "event",
    "message",
    "read_message",
    "read_reply",
    "read_request",
    "read_streams",
    "reply",
    "request",
    "texts",
]

ANSWER, END_YOURSELF = 0, 1
NO_STREAMS = (0, 0, 0)

_NULL = 0xFFFFFFFF
_LOWER_HALF = 0xFFFFFFFF
_LIMIT_BYTES = 64 << 20
_SIZE = struct.Struct("<I")
_REPLY = struct.Struct("<IIQQQQ")
_HANDLE = struct.Struct("<Q")

Reply = tuple[int, int, int, str | None, str | None]


class Reader(Protocol):
    """The receiving end of a connection."""

    def read(self, size: int, /) -> bytes:
        """So many bytes; fewer only at the end."""


def message(body: bytes) -> bytes:
    """The bytes on the wire."""
    return _SIZE.pack(len(body)) + body


def read_message(reader: Reader) -> bytes | None:
    """The next message's body; None when the other side has gone."""
    head = reader.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    if size > _LIMIT_BYTES:
        return None
    body = reader.read(size)
    return body if len(body) == size else None


def request(function: str, handle: int = 0, *arguments: str | None) -> bytes:
    """A request, ready to be sent."""
    return message(_HANDLE.pack(handle) + b"".join(_text(one) for one in (function, *arguments)))


def reply(
    hresult: int,
    handle: int = 0,
    text: str | None = None,
    record: str | None = None,
    *,
    order: int = ANSWER,
    streams: tuple[int, int, int] = NO_STREAMS,
) -> bytes:
    """A reply, ready to be sent."""
    return message(_REPLY.pack(order, hresult, handle, *streams) + _text(text) + _text(record))


def event(code: int, data: str | None, status: int = 0) -> bytes:
    """The reply to NextEvent, ready to be sent."""
    return reply(0, code & _LOWER_HALF | status << 32, data)


def read_request(body: bytes) -> tuple[int, str, list[str | None]]:
    """Handle, function and texts.

    Raises:
        ValueError: the body is no request.
    """
    try:
        (handle,) = _HANDLE.unpack_from(body)
        function, *rest = texts(body, _HANDLE.size)
    except struct.error as fault:
        raise ValueError(str(fault)) from fault
    return handle, function or "", rest


def read_reply(body: bytes) -> Reply:
    """Order, HRESULT, handle, answer and error record."""
    order, hresult, handle, *_ = _REPLY.unpack_from(body)
    answer, record = texts(body, _REPLY.size)
    return order, hresult, handle, answer, record


def read_streams(body: bytes) -> tuple[int, int, int]:
    """The numbers of the pipes in a reply: input, output and errors."""
    _, _, _, *streams = _REPLY.unpack_from(body)
    first, second, third = streams
    return first, second, third


def texts(body: bytes, at: int) -> list[str | None]:
    """All texts from there to the end."""
    found: list[str | None] = []
    while at < len(body):
        (units,) = _SIZE.unpack_from(body, at)
        at += _SIZE.size
        if units == _NULL:
            found.append(None)
            continue
        # Lone surrogates are no Unicode, but Windows lets them through.
        piece = body[at : at + 2 * units]
        if len(piece) < 2 * units:
            raise ValueError("a text is longer than its message")
        found.append(piece.decode("utf-16-le", "surrogatepass"))
        at += 2 * units
    return found


def _text(text: str | None) -> bytes:
    if text is None:
        return _SIZE.pack(_NULL)
    encoded = text.encode("utf-16-le", "surrogatepass")
    return _SIZE.pack(len(encoded) // 2) + encoded
