"""A TCP proxy in front of the API server, which the test lets fail.

    with Proxy(plane.host, plane.port) as proxy:
        proxy.hang()
        ...
        proxy.work()

Rule: all that happens to connections happens in the one thread of its event loop.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

__all__ = ["Proxy"]

_CHUNK = 65536
# However slow: what is asked for in a second comes in so many parts.
_PARTS = 20
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Connections to `host` and `port` for who connects to `address`; it works when the context begins."""

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self._target = (host, port)
        self._latency_s = 0.0
        self._bytes_per_s = 0
        self.connections = 0
        """How many were accepted so far."""
        self.received_bytes = 0
        """What the server has sent through it so far."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._passes = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self.work()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def server(self) -> str:
        """Where the API is behind it."""
        return f"https://{self.host}:{self.port}"

    def work(self) -> None:
        """From now on all passes, also what was held back."""
        self._do(self._work(0.0, 0))

    def slow(self, *, latency_s: float = 0.0, bytes_per_s: int = 0) -> None:
        """From now on each part of a stream waits so long, a stream has so many bytes a second at most."""
        self._do(self._work(latency_s, bytes_per_s))

    def hang(self) -> None:
        """From now on connections stay and are made, and nothing comes through."""
        self._do(self._hang())

    def cut(self) -> None:
        """Break every connection; new ones are made as before."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Break every connection, and refuse new ones."""
        self._do(self._close())

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _work(self, latency_s: float, bytes_per_s: int) -> None:
        self._latency_s, self._bytes_per_s = latency_s, bytes_per_s
        self._passes.set()
        if self._server is None:
            # After a refusal at the same port, which clients have in their kubeconfig.
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _hang(self) -> None:
        self._passes.clear()

    async def _cut(self) -> None:
        tasks = list(self._open.values())
        for writer, task in self._open.items():
            # The client is to see a broken connection, not one that has come to its end.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, from its beginning to its end."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            await self._passes.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            try:
                await asyncio.gather(
                    self._pump(reader, far_writer), self._pump(far_reader, writer, counts=True)
                )
            finally:
                far_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass  # either side broke it, or the test did
        finally:
            writer.transport.abort()
            del self._open[writer]

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool = False
    ) -> None:
        """One direction, until its source ends."""
        while data := await reader.read(self._bytes_per_s // _PARTS or _CHUNK):
            self.received_bytes += len(data) if counts else 0
            await self._passes.wait()
            if self._latency_s:
                await asyncio.sleep(self._latency_s)
            if self._bytes_per_s:
                await asyncio.sleep(len(data) / self._bytes_per_s)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
