"""A way to the runtime: a Unix socket, or a Windows named pipe.

kubelet writes an endpoint as a URL: unix:///run/containerd/containerd.sock, npipe:////./pipe/containerd-containerd.
A path without a scheme is taken too.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Protocol

from cni_hns.cri.faults import CriFault

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stream", "stream_to"]

_PIPES = "\\\\.\\pipe\\"
_CHUNK = 1 << 16


class Stream(Protocol):
    """Bytes to and from the runtime. What fails is an OSError."""

    def read(self) -> bytes:
        """What has come, at least one byte; empty when the runtime has closed."""

    def write(self, sent: bytes) -> None:
        """Send all of it."""

    def close(self) -> None:
        """End the connection."""


def stream_to(endpoint: str) -> Callable[[float], Stream]:
    """How to connect to this endpoint; what it gives takes the seconds that each wait may last.

    Raises: CriFault: it is no endpoint.
    """
    scheme, separator, rest = endpoint.partition("://")
    path = rest if separator else endpoint
    if (scheme == "unix" or not separator) and path.startswith("/") and not path.startswith("//"):
        return lambda timeout_s: _UnixSocket(path, timeout_s)
    pipe = path.replace("/", "\\")
    if (scheme == "npipe" or not separator) and pipe.lower().startswith(_PIPES) and pipe[len(_PIPES) :]:
        return lambda timeout_s: _opened_pipe(pipe, timeout_s)
    raise CriFault(f'"{endpoint}" is no endpoint of a runtime: write npipe:////./pipe/NAME, or unix:///PATH')


class _UnixSocket:
    def __init__(self, path: str, timeout_s: float) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise CriFault("this Python has no Unix sockets: write npipe:////./pipe/NAME")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise

    def read(self) -> bytes:
        return self._socket.recv(_CHUNK)

    def write(self, sent: bytes) -> None:
        self._socket.sendall(sent)

    def close(self) -> None:
        self._socket.close()


if sys.platform == "win32":
    import _winapi

    # https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew: without it, whoever serves
    # a pipe of this name may act as the administrator who opens it. The level with it, anonymous, is 0.
    _SECURITY_SQOS_PRESENT = 0x00100000
    _ERROR_PIPE_BUSY = 231

    class _NamedPipe:
        """Reading and writing take turns, as one synchronous handle wants it.

        A read has no time limit of its own: whoever asked for the whole gives it up.
        """

        def __init__(self, path: str, timeout_s: float) -> None:
            self._handle = self._opened(path, timeout_s)

        @staticmethod
        def _opened(path: str, timeout_s: float) -> int:
            access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
            how = _winapi.OPEN_EXISTING, _SECURITY_SQOS_PRESENT
            while True:
                try:
                    return _winapi.CreateFile(path, access, 0, _winapi.NULL, *how, _winapi.NULL)
                except OSError as fault:
                    if fault.winerror != _ERROR_PIPE_BUSY:
                        raise
                # Another client has just taken the instance that listened; the next one comes.
                _winapi.WaitNamedPipe(path, max(1, int(timeout_s * 1000)))

        def read(self) -> bytes:
            try:
                return _winapi.ReadFile(self._handle, _CHUNK)[0]
            except BrokenPipeError:
                return b""

        def write(self, sent: bytes) -> None:
            while sent:
                written, _ = _winapi.WriteFile(self._handle, sent)
                sent = sent[written:]

        def close(self) -> None:
            _winapi.CloseHandle(self._handle)


def _opened_pipe(path: str, timeout_s: float) -> Stream:
    if sys.platform == "win32":
        return _NamedPipe(path, timeout_s)
    raise CriFault("only Windows has named pipes; write unix:///PATH")
