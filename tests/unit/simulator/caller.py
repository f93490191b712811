"""A caller of the simulated DLLs that knows nothing but C: these tests hold what any program would meet."""

from __future__ import annotations

import json
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator import Simulator

ZERO = "00000000-0000-0000-0000-000000000000"


class Failed(Exception):
    """A call came back with a failure, or with an error record."""

    def __init__(self, function: str, hresult: int, record: str) -> None:
        super().__init__(f"{function} 0x{hresult:08X} {record}")
        self.hresult = hresult
        self.record = record


def code(hresult: int) -> str:
    """The pattern for `pytest.raises(Failed, match=…)`."""
    return f"0x{hresult:08X}"


class Caller:
    """One process's use of one node."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.libraries = simulator.libraries()

    def wide(self, text: str | None) -> Any:
        return ffi.NULL if text is None else ffi.new("char16_t[]", text)

    def guid(self, text: str) -> Any:
        raw = bytes.fromhex(text.replace("-", ""))
        pointer = ffi.new("GUID *")
        ffi.buffer(pointer)[:] = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
        return pointer

    def free(self, memory: Any) -> None:
        self.libraries.ole32.CoTaskMemFree(memory)

    def take(self, slot: Any) -> str:
        """The text in an out-parameter, which is freed."""
        if slot[0] == ffi.NULL:
            return ""
        text = str(ffi.string(slot[0]))
        self.free(slot[0])
        return text

    def function(self, name: str) -> Any:
        return getattr(self.libraries.computenetwork, name)

    def checked(self, name: str, *arguments: Any) -> None:
        record = ffi.new("PWSTR *")
        hresult = self.function(name)(*arguments, record) & 0xFFFFFFFF
        text = self.take(record)
        if hresult or text:
            raise Failed(name, hresult, text)

    def opened(self, name: str, *arguments: Any) -> Any:
        slot = ffi.new("void **")
        self.checked(name, *arguments, slot)
        return slot[0]

    def answered(self, name: str, *arguments: Any) -> Any:
        slot = ffi.new("PWSTR *")
        try:
            self.checked(name, *arguments, slot)
        finally:
            text = self.take(slot)
        return json.loads(text) if text else None

    def open(self, family: str, guid: str) -> Any:
        return self.opened(f"HcnOpen{family}", self.guid(guid))

    def close(self, family: str, handle: Any) -> int:
        return int(self.function(f"HcnClose{family}")(handle)) & 0xFFFFFFFF

    def create(self, family: str, document: object, network: str = "", guid: str = ZERO) -> str:
        """Make an object; its ID."""
        text = self.wide(document if isinstance(document, str) else json.dumps(document))
        if family != "Endpoint":
            handle = self.opened(f"HcnCreate{family}", self.guid(guid), text)
        else:
            home = self.open("Network", network)
            try:
                handle = self.opened("HcnCreateEndpoint", home, self.guid(guid), text)
            finally:
                self.close("Network", home)
        try:
            return str(self.query(family, handle)["ID"])
        finally:
            self.close(family, handle)

    def query(self, family: str, handle: Any, question: str | None = "") -> Any:
        return self.answered(f"HcnQuery{family}Properties", handle, self.wide(question))

    def get(self, family: str, guid: str, major: int = 2) -> Any:
        """The object's document."""
        handle = self.open(family, guid)
        try:
            return self.query(family, handle, json.dumps({"SchemaVersion": {"Major": major, "Minor": 0}}))
        finally:
            self.close(family, handle)

    def modify(self, family: str, guid: str, request: object) -> None:
        handle = self.open(family, guid)
        try:
            self.checked(f"HcnModify{family}", handle, self.wide(json.dumps(request)))
        finally:
            self.close(family, handle)

    def delete(self, family: str, guid: str) -> None:
        self.checked(f"HcnDelete{family}", self.guid(guid))

    def ids(self, family: str, **filter_: object) -> list[str]:
        query: dict[str, object] = {"SchemaVersion": {"Major": 2, "Minor": 0}}
        if filter_:
            query["Filter"] = json.dumps(filter_)
        found: list[str] = self.answered(f"HcnEnumerate{family}s", self.wide(json.dumps(query)))
        return found

    def rest(self, method: str, path: str, body: object = "") -> Any:
        """HNSCall: the envelope's output."""
        slot = ffi.new("PWSTR *")
        text = body if isinstance(body, str) else json.dumps(body)
        arguments = [self.wide(method), self.wide(path), self.wide(text)]
        hresult = self.libraries.vmcompute.HNSCall(*arguments, slot) & 0xFFFFFFFF
        answer = self.take(slot)
        envelope = json.loads(answer) if answer else {}
        if hresult or not envelope.get("Success"):
            raise Failed(f"{method} {path}", hresult, answer)
        return envelope.get("Output")

    def network(
        self, kind: str = "L2Bridge", name: str = "net", prefix: str = "10.9.3.0/24", **more: Any
    ) -> str:
        return self.create("Network", network_document(kind, name, prefix, **more))

    def endpoint(self, network: str, **members: Any) -> str:
        return self.create("Endpoint", {"SchemaVersion": {"Major": 2, "Minor": 0}, **members}, network)

    def namespace(self, **members: Any) -> str:
        return self.create("Namespace", {"SchemaVersion": {"Major": 2, "Minor": 0}, **members})

    def add(self, namespace: str, endpoint: str) -> None:
        self.modify(
            "Namespace",
            namespace,
            {"ResourceType": "Endpoint", "RequestType": "Add", "Settings": {"EndpointId": endpoint}},
        )

    def take_out(self, namespace: str, endpoint: str) -> None:
        self.modify(
            "Namespace",
            namespace,
            {"ResourceType": "Endpoint", "RequestType": "Remove", "Settings": {"EndpointId": endpoint}},
        )


def subnet(prefix: str, gateway: str = "", **more: Any) -> dict[str, Any]:
    """A subnet whose gateway is its first address, if none is said."""
    if not gateway:
        base = prefix.partition("/")[0]
        gateway = base + "1" if ":" in base else base.rpartition(".")[0] + ".1"
    destination = "::/0" if ":" in prefix else "0.0.0.0/0"
    return {
        "IpAddressPrefix": prefix,
        "Routes": [{"NextHop": gateway, "DestinationPrefix": destination}],
        **more,
    }


def network_document(kind: str, name: str, *prefixes: str, **more: Any) -> dict[str, Any]:
    """A network with these subnets; an overlay's get a VSID."""
    found = [subnet(prefix) for prefix in prefixes if prefix]
    if kind == "Overlay":
        for each in found:
            each["Policies"] = [{"Type": "VSID", "Settings": {"IsolationId": 4096}}]
    ipams = [{"Type": "Static", "Subnets": found}] if found else []
    return {"Name": name, "Type": kind, "SchemaVersion": {"Major": 2, "Minor": 0}, "Ipams": ipams, **more}


def address(value: str, prefix: int = 0) -> dict[str, Any]:
    """One entry of IpConfigurations."""
    return {"IpAddress": value, **({"PrefixLength": prefix} if prefix else {})}
