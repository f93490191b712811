"""A Windows named pipe whose clients reach a TCP port of this machine; without a port they reach nobody.

Usage: pipe_script.py PIPE [PORT]. It says "serving" when the pipe is there.
"""

from __future__ import annotations

import socket
import sys
import threading

assert sys.platform == "win32"

import _winapi  # noqa: E402

CHUNK = 1 << 16


def instance(path: str) -> int:
    """An instance of the pipe, for one client."""
    access = _winapi.PIPE_ACCESS_DUPLEX | _winapi.FILE_FLAG_OVERLAPPED
    limits = _winapi.PIPE_UNLIMITED_INSTANCES, CHUNK, CHUNK, 0
    return _winapi.CreateNamedPipe(path, access, _winapi.PIPE_WAIT, *limits, _winapi.NULL)


def to_port(pipe: int, server: socket.socket) -> None:
    try:
        while True:
            waiting, _ = _winapi.ReadFile(pipe, CHUNK, overlapped=True)
            count, _ = waiting.GetOverlappedResult(True)
            server.sendall(bytes(waiting.getbuffer() or b"")[:count])
    except OSError:
        server.close()


def to_pipe(pipe: int, server: socket.socket) -> None:
    try:
        while received := server.recv(CHUNK):
            waiting, _ = _winapi.WriteFile(pipe, received, overlapped=True)
            waiting.GetOverlappedResult(True)
    finally:
        _winapi.CloseHandle(pipe)


path, *port = sys.argv[1:]
pipe = instance(path)
sys.stdout.write("serving\n")
sys.stdout.flush()
while True:
    _winapi.ConnectNamedPipe(pipe, overlapped=True).GetOverlappedResult(True)
    if port:
        server = socket.create_connection(("127.0.0.1", int(port[0])))
        for pump in (to_port, to_pipe):
            threading.Thread(target=pump, args=(pipe, server), daemon=True).start()
    pipe = instance(path)
