"""A program at the other end of the wire, as the stand-in DLLs make it."""

from __future__ import annotations

import socket

from cni_hns.simulator import wire
from cni_hns.simulator.wire import Reply

__all__ = ["Connection"]


class Connection:
    """One connection of a process; `process` joins it to the process of another connection.

    `streams` are the numbers of pipes in the last reply.
    """

    def __init__(self, address: str, pid: int = 4321, process: int = 0) -> None:
        name, _, port = address.partition(":")
        self.socket = socket.create_connection((name, int(port)), timeout=30)
        self.reader = self.socket.makefile("rb")
        self.process = self.call("Join", str(pid), handle=process)[2]

    def send(self, function: str, *texts: str | None, handle: int = 0) -> None:
        self.socket.sendall(wire.request(function, handle, *texts))

    def receive(self) -> Reply:
        body = wire.read_message(self.reader)
        assert body is not None
        self.streams = wire.read_streams(body)
        return wire.read_reply(body)

    def call(self, function: str, *texts: str | None, handle: int = 0) -> Reply:
        self.send(function, *texts, handle=handle)
        return self.receive()

    def opened(self, function: str, *texts: str | None, handle: int = 0) -> int:
        _, hresult, number, _, record = self.call(function, *texts, handle=handle)
        assert (hresult, record) == (0, None)
        return number

    def leave(self, *buffers: str) -> None:
        assert self.call("Leave", *buffers)[1] == 0
        self.close()

    def close(self) -> None:
        self.reader.close()
        self.socket.close()
