"""A container runtime for tests: its CRI is served by grpcio, gRPC as others make it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

__all__ = ["FakeRuntime", "encoded", "listed_container", "listed_sandbox", "served"]

Fields = dict[int, Any]
READY, NOT_READY = 0, 1
RUNNING = 1


def encoded(fields: Fields) -> bytes:
    """A protobuf message: numbers, texts, dictionaries for messages, lists for repeated fields."""
    return b"".join(
        _field(number, one)
        for number, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    )


def listed_sandbox(id_: str, name: str = "web-0", state: int = READY, attempt: int = 0) -> Fields:
    """One PodSandbox as ListPodSandbox has it, with what a real one has besides."""
    labels = [{1: "app", 2: "web"}, {1: "tier", 2: ""}]
    about = {1: name, 2: f"uid-of-{name}", 3: "shop", 4: attempt}
    return {1: id_, 2: about, 3: state, 4: 1_700_000_000_123_456_789, 5: labels, 7: "runhcs-wcow-process"}


def listed_container(
    id_: str, sandbox_id: str, name: str = "nginx", state: int = RUNNING, attempt: int = 0
) -> Fields:
    """One Container as ListContainers has it."""
    return {1: id_, 2: sandbox_id, 3: {1: name, 2: attempt}, 4: {1: "image"}, 5: "sha256:0", 6: state, 7: -1}


class FakeRuntime:
    """What it tells may be changed at any time. `refuse` and `hold` are for one method each, by name."""

    def __init__(self) -> None:
        self.version = "v1"
        self.service = "runtime.v1.RuntimeService"
        self.sandboxes: list[Fields] = []
        self.containers: list[Fields] = []
        # Sandbox -> addresses.
        self.addresses: dict[str, list[str]] = {}
        self.raw: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.endpoint = ""
        self._refusals: dict[str, tuple[grpc.StatusCode, str]] = {}
        self._held: set[str] = set()
        self._let_go = threading.Event()

    def refuse(self, method: str, status: grpc.StatusCode, words: str) -> None:
        self._refusals[method] = status, words

    def hold(self, method: str) -> None:
        """This method does not answer until the runtime ends."""
        self._held.add(method)

    def answer(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.asked.append(method)
        if method in self._held:
            self._let_go.wait(60)
        if method in self._refusals:
            context.abort(*self._refusals[method])
        if method in self.raw:
            return self.raw[method]
        return encoded(getattr(self, f"_{method}")(request, context))

    def end(self) -> None:
        self._let_go.set()

    def _Version(self, request: bytes, context: grpc.ServicerContext) -> Fields:  # noqa: N802 - the service's name
        return {1: "0.1.0", 2: "fake", 3: "v1.7.0", 4: self.version}

    def _ListPodSandbox(self, request: bytes, context: grpc.ServicerContext) -> Fields:  # noqa: N802
        return {1: self.sandboxes}

    def _ListContainers(self, request: bytes, context: grpc.ServicerContext) -> Fields:  # noqa: N802
        return {1: self.containers}

    def _PodSandboxStatus(self, request: bytes, context: grpc.ServicerContext) -> Fields:  # noqa: N802
        # The request is one text field whose length fits one byte.
        asked = request[2:].decode()
        assert request[:2] == bytes([1 << 3 | 2, len(asked)])
        found = [one for one in self.sandboxes if one[1] == asked]
        if not found:
            context.abort(grpc.StatusCode.NOT_FOUND, f'an error occurred when try to find sandbox: "{asked}"')
        first, *others = [*self.addresses.get(asked, []), ""]
        network = {1: first, 2: [{1: one} for one in others if one]}
        return {1: {1: asked, 2: found[0][2], 3: found[0][3], 5: network}, 2: {1: "info", 2: "{}"}}


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        service, _, method = details.method.lstrip("/").partition("/")
        if service != self._runtime.service:
            return None

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            return self._runtime.answer(method, request, context)

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def served(address: str) -> Iterator[FakeRuntime]:
    """A running one at this address: "unix:///path", or "127.0.0.1:0" for any free port."""
    runtime = FakeRuntime()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[_Handler(runtime)])
    port = server.add_insecure_port(address)
    runtime.endpoint = address.replace(":0", f":{port}")
    server.start()
    try:
        yield runtime
    finally:
        runtime.end()
        server.stop(None).wait()


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = encoded(value) if isinstance(value, dict) else value.encode()
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Negative numbers are those of int64."""
    value &= (1 << 64) - 1
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*(one | 0x80 for one in groups[:-1]), groups[-1]])
