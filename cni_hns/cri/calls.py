"""gRPC calls without streams, one after another on one connection.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: a call is a POST whose body is one message
after five bytes of framing, and its outcome a status in the trailers.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from cni_hns.cri.faults import CriFault, Refused

if TYPE_CHECKING:
    from cni_hns.cri.streams import Stream

__all__ = ["Calls"]

# Whether the message is compressed, and its length.
_FRAMING = struct.Struct(">BI")
# kubelet takes no larger one.
_LARGEST = 16 << 20


class _Answer:
    """What has come of one answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.has_ended = False


class Calls:
    """The calls on one stream, which stays the caller's to close."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._http.initiate_connection()

    def call(self, method: str, request: bytes = b"") -> bytes:
        """The answer's message.

        Raises: Refused: the runtime says why. CriFault: it does not speak gRPC. OSError: the connection.
        """
        try:
            answer = self._answer(method, request)
        except ConnectionError as fault:
            raise CriFault("who answers closed the connection") from fault
        except (ProtocolError, UnicodeDecodeError) as fault:
            raise CriFault(f"who answers does not speak gRPC: {fault or type(fault).__name__}") from fault
        return _message(method, answer)

    def _answer(self, method: str, request: bytes) -> _Answer:
        number = self._http.get_next_available_stream_id()
        self._http.send_headers(number, _headers(method))
        self._http.send_data(number, _FRAMING.pack(0, len(request)) + request, end_stream=True)
        answer = _Answer()
        while not answer.has_ended:
            if to_send := self._http.data_to_send():
                self._stream.write(to_send)
            received = self._stream.read()
            if not received:
                raise ConnectionResetError
            for event in self._http.receive_data(received):
                self._take(event, answer)
        return answer

    def _take(self, event: Event, answer: _Answer) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                answer.headers.update((str(name), str(value)) for name, value in event.headers)
            case DataReceived():
                answer.body += event.data
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if len(answer.body) > _LARGEST:
                    raise CriFault(f"the answer has more than {_LARGEST >> 20} MiB")
            case StreamEnded():
                answer.has_ended = True
            case StreamReset() | ConnectionTerminated():
                raise CriFault(f"who answers gave up the call (HTTP/2 error {event.error_code})")


def _headers(method: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "cni-hns"),
    ]


def _message(method: str, answer: _Answer) -> bytes:
    headers = answer.headers
    status = headers.get("grpc-status", "")
    if not status:
        raise CriFault(f"who answers does not speak gRPC: HTTP status {headers.get(':status')}")
    if status != "0":
        raise Refused(method, status, unquote(headers.get("grpc-message", "")))
    if len(answer.body) < _FRAMING.size:
        raise CriFault("the answer has no message")
    compressed, length = _FRAMING.unpack_from(answer.body)
    message = bytes(answer.body[_FRAMING.size :])
    if compressed or length != len(message):
        raise CriFault("the answer is not one message")
    return message
