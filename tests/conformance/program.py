"""A program of somebody else's: it knows the C functions and nothing of this project.

The order of its calls is that of Microsoft's Go client: to list is Enumerate and then Open, Query, Close of
each; to get one by ID or name is to list with a filter; after Create and Modify comes a Query on the same
handle; Create gets the zero GUID as its argument. An error is a failing HRESULT or a record.
"""

from __future__ import annotations

import json
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from tests.conformance import shapes

__all__ = ["Failed", "Family", "Program", "compact", "guid_pointer", "wide"]

ZERO = "00000000-0000-0000-0000-000000000000"
_WIN32, _FACILITY = 0x0007_0000, 0x1FFF_0000


class Failed(Exception):
    """A call failed: the function, the HRESULT, and what the program compares it with."""

    def __init__(self, function: str, hresult: int, record: str) -> None:
        super().__init__(f"{function} 0x{hresult:08X} {record}")
        self.function = function
        self.hresult = hresult
        self.record = record

    @property
    def code(self) -> int:
        """A wrapped Win32 code without its wrapping, any other HRESULT whole."""
        return self.hresult & 0xFFFF if self.hresult & _FACILITY == _WIN32 else self.hresult


def compact(document: object) -> str:
    """JSON as Go writes it, without a blank."""
    return json.dumps(document, separators=(",", ":"))


def wide(text: str) -> Any:
    """A text in C."""
    return ffi.new("char16_t[]", text)


def guid_pointer(text: str) -> Any:
    """A GUID in C; its first three fields are numbers, with the low byte first."""
    raw = bytes.fromhex(text.replace("-", ""))
    pointer = ffi.new("GUID *")
    ffi.buffer(pointer)[:] = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return pointer


class Program:
    """One process of it."""

    def __init__(self, libraries: Any) -> None:
        self.libraries = libraries
        self.networks = Family(self, "Network", shapes.NETWORK)
        self.endpoints = Family(self, "Endpoint", shapes.ENDPOINT)
        self.namespaces = Family(self, "Namespace", shapes.NAMESPACE)
        self.load_balancers = Family(self, "LoadBalancer", shapes.LOAD_BALANCER)
        self.routes = Family(self, "SdnRoute", shapes.ROUTE)

    def call(self, function: str, *arguments: Any) -> None:
        """One function whose last parameter is the error record."""
        record = ffi.new("PWSTR *")
        hresult = getattr(self.libraries.computenetwork, function)(*arguments, record) & 0xFFFFFFFF
        text = self.take(record)
        if hresult & 0x80000000 or text:
            raise Failed(function, hresult, text)

    def take(self, slot: Any) -> str:
        """The text in an out-parameter, which goes back to the service."""
        if slot[0] == ffi.NULL:
            return ""
        text = str(ffi.string(slot[0]))
        self.libraries.ole32.CoTaskMemFree(slot[0])
        return text

    def v1(self, shape: Any, method: str, path: str, body: object = "") -> Any:
        """HNSCall: what the envelope holds."""
        response = ffi.new("PWSTR *")
        text = body if isinstance(body, str) else compact(body)
        arguments = [wide(method), wide(path), wide(text)]
        hresult = self.libraries.vmcompute.HNSCall(*arguments, response) & 0xFFFFFFFF
        answer = self.take(response)
        if hresult & 0x80000000:
            raise Failed(f"{method} {path}", hresult, answer)
        envelope = json.loads(answer)
        if envelope.get("Success") is not True:
            raise Failed(f"{method} {path}", 0, answer)
        return shapes.read(shape, envelope.get("Output"), f"{method} {path}")

    def add_to_namespace(self, namespace: str, endpoint: str) -> dict[str, Any]:
        """Put the endpoint into the namespace; the namespace afterwards."""
        return self._member("Add", namespace, endpoint)

    def remove_from_namespace(self, namespace: str, endpoint: str) -> dict[str, Any]:
        """Take the endpoint out; the namespace afterwards."""
        return self._member("Remove", namespace, endpoint)

    def _member(self, request: str, namespace: str, endpoint: str) -> dict[str, Any]:
        return self.namespaces.modify(
            namespace,
            {"ResourceType": "Endpoint", "RequestType": request, "Settings": {"EndpointId": endpoint}},
        )

    def members_of(self, namespace: str, kind: str = "Endpoint") -> list[str]:
        """The IDs of the namespace's endpoints (or containers) as they stand in its resources."""
        found = self.namespaces.find(ID=namespace)
        assert found is not None
        return [item["Data"]["Id"] for item in found["Resources"] if item["Type"] == kind]


class Family:
    """One kind of object."""

    def __init__(self, program: Program, name: str, shape: Any) -> None:
        self._program = program
        self._name = name
        self._shape = shape
        self.last_answer = ""

    def all(self, **filter_: object) -> list[dict[str, Any]]:
        """All that the filter selects, each read with the same query."""
        query = _query(filter_)
        slot = ffi.new("PWSTR *")
        self._program.call(f"HcnEnumerate{self._name}s", wide(query), slot)
        guids = shapes.read(shapes.GUIDS, json.loads(self._program.take(slot)))
        return [self.get(guid, query) for guid in guids]

    def find(self, **filter_: object) -> dict[str, Any] | None:
        """The first that the filter selects, or None."""
        return next(iter(self.all(**filter_)), None)

    def get(self, guid: str, query: str = "") -> dict[str, Any]:
        """One object by its ID."""
        handle = self._opened("HcnOpen" + self._name, guid_pointer(guid))
        try:
            return self._queried(handle, query)
        finally:
            self._close(handle)

    def create(self, document: object, network: str = "") -> dict[str, Any]:
        """A new object as the service shows it; an endpoint is made in an open network."""
        text = wide(document if isinstance(document, str) else compact(document))
        zero = guid_pointer(ZERO)
        if self._name != "Endpoint":
            handle = self._opened("HcnCreate" + self._name, zero, text)
        else:
            home = self._opened("HcnOpenNetwork", guid_pointer(network))
            try:
                handle = self._opened("HcnCreateEndpoint", home, zero, text)
            finally:
                self._program.libraries.computenetwork.HcnCloseNetwork(home)
        try:
            return self._queried(handle, _query({}))
        finally:
            self._close(handle)

    def modify(self, guid: str, request: object) -> dict[str, Any]:
        """Change an object; as the service shows it afterwards."""
        handle = self._opened("HcnOpen" + self._name, guid_pointer(guid))
        try:
            text = wide(request if isinstance(request, str) else compact(request))
            self._program.call("HcnModify" + self._name, handle, text)
            return self._queried(handle, _query({}))
        finally:
            self._close(handle)

    def delete(self, guid: str) -> None:
        """Delete an object by its ID, without a handle."""
        self._program.call("HcnDelete" + self._name, guid_pointer(guid))

    def policies(self, guid: str, request: str, policies: list[Any]) -> dict[str, Any]:
        """A request about policies; the object afterwards."""
        return self.modify(
            guid, {"ResourceType": "Policy", "RequestType": request, "Settings": {"Policies": policies}}
        )

    def _opened(self, function: str, *arguments: Any) -> Any:
        slot = ffi.new("void **")
        self._program.call(function, *arguments, slot)
        return slot[0]

    def _queried(self, handle: Any, query: str) -> dict[str, Any]:
        slot = ffi.new("PWSTR *")
        self._program.call(f"HcnQuery{self._name}Properties", handle, wide(query), slot)
        self.last_answer = self._program.take(slot)
        read: dict[str, Any] = shapes.read(self._shape, json.loads(self.last_answer))
        # What is the enum's zero is left out: the client starts with it.
        if self._name == "Network" and not read["Type"]:
            read["Type"] = "NAT"
        return read

    def _close(self, handle: Any) -> None:
        close = getattr(self._program.libraries.computenetwork, "HcnClose" + self._name)
        assert close(handle) == 0


def _query(filter_: dict[str, object]) -> str:
    query: dict[str, object] = {"SchemaVersion": {"Major": 2, "Minor": 0}}
    if filter_:
        query["Filter"] = compact(filter_)
    return compact(query)
