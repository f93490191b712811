"""A plugin that does everything right, in process: what the checks are tried on before a mutation breaks it.

It is written from the specification alone and shares nothing with the checks or with this project's plugin.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from cni_hns.conformance import Call, Outcome, PluginConfiguration, WithoutInterfaces

__all__ = ["Document", "FakeNamespaces", "Key", "Reference", "Refused", "configuration", "refusal", "success"]

Document = dict[str, Any]
Key = tuple[str, str, str]

VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
REQUIRED = {
    "ADD": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"),
    "DEL": ("CNI_CONTAINERID", "CNI_IFNAME"),
    "CHECK": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"),
    "GC": (),
    "STATUS": (),
}
SINCE = {"CHECK": "0.4.0", "GC": "1.1.0", "STATUS": "1.1.0"}
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
VALID = "cni.dev/valid-attachments"


class Refused(Exception):
    """An error document with this code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def configuration(kind: str = "interface") -> PluginConfiguration:
    capabilities = {"ips": True, "dns": True, "portMappings": True}
    plugin = {"type": "reference", "capabilities": capabilities, "ipam": {"type": "reference"}}
    return PluginConfiguration("pods", "1.1.0", plugin, kind)


def success(call: Call, document: Document | None = None) -> Outcome:
    return Outcome(call, 0, b"" if document is None else json.dumps(document).encode(), b"")


def refusal(call: Call, code: int, message: str) -> Outcome:
    document = {"cniVersion": "1.1.0", "code": code, "msg": message}
    return Outcome(call, 1, json.dumps(document).encode(), b"")


class FakeNamespaces(WithoutInterfaces):
    """Namespaces that exist where the plugin looks."""

    removable = True

    def __init__(self, existing: set[str]) -> None:
        self._existing = existing

    def make(self, name: str) -> str:
        self._existing.add(f"/netns/{name}")
        return f"/netns/{name}"

    def remove(self, netns: str) -> None:
        self._existing.discard(netns)

    def missing(self) -> str:
        return "/netns/none"


class Reference:
    """Kinds: "interface", "ipam", and "delegating", whose ADD and STATUS need a delegate in CNI_PATH."""

    def __init__(self, kind: str = "interface", *, namespaces: set[str] | None = None) -> None:
        self.kind = kind
        self.namespaces: set[str] = set() if namespaces is None else namespaces
        self.held: dict[Key, Document] = {}
        self.attempted: set[Key] = set()
        self.made: list[tuple[Key, str, bool]] = []  # with namespace, and whether by a worker thread
        self.released: dict[Key, bool] = {}  # whether CNI_NETNS was given
        self.released_addresses: dict[str, bool] = {}
        self.collected: set[Key] = set()
        self.compares = True
        self.fixed_address = ""
        self._last = 1
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Outcome:
        with self._lock:
            return self.answer(call)

    def answer(self, call: Call) -> Outcome:
        try:
            return success(call, self._perform(call))
        except Refused as fault:
            return refusal(call, fault.code, str(fault))

    def _perform(self, call: Call) -> Document | None:
        if call.command == "VERSION":
            return {"cniVersion": read(call).get("cniVersion", VERSIONS[-1]), "supportedVersions": VERSIONS}
        _judge_variables(call)
        request = _configuration_of(call)
        verbs: dict[str, Callable[[Call, Document], Document | None]] = {
            "ADD": self._add,
            "DEL": self._delete,
            "CHECK": self._check,
            "GC": self._gc,
            "STATUS": self._status,
        }
        return verbs[call.command](call, request)

    def _add(self, call: Call, request: Document) -> Document:
        key, netns = key_of(call, request), call.variables["CNI_NETNS"]
        self.attempted.add(key)
        self._need_delegate(call, 7)
        _judge_arguments(call)
        if self.kind != "ipam" and netns not in self.namespaces:
            raise Refused(7, f"there is no namespace {netns}")
        if key in self.held:
            raise Refused(7, f"{key} is there already")
        worker = threading.current_thread() is not threading.main_thread()
        self.held[key] = {"netns": netns, "address": self._address(request), "worker": worker}
        self.made.append((key, netns, worker))
        return self._result(key, request)

    def _address(self, request: Document) -> str:
        wanted = (request.get("runtimeConfig") or {}).get("ips")
        taken = {one["address"] for one in self.held.values()}
        if wanted:
            address = str(wanted[0]).partition("/")[0]
            if address in taken:
                raise Refused(7, f"{address} is taken")
            return address
        if self.fixed_address:
            return self.fixed_address
        self._last = self._last % 65000 + 1
        return f"10.7.{self._last // 250}.{self._last % 250 + 2}"

    def _result(self, key: Key, request: Document) -> Document:
        version = request.get("cniVersion", "0.1.0")
        held = self.held[key]
        if VERSIONS.index(version) < VERSIONS.index("0.3.0"):
            ip4 = {"ip": f"{held['address']}/16", "gateway": "10.7.0.1", "routes": [{"dst": "0.0.0.0/0"}]}
            return {"cniVersion": version, "ip4": ip4}
        entry: Document = {"address": f"{held['address']}/16", "gateway": "10.7.0.1"}
        result: Document = {"cniVersion": version, "ips": [entry]}
        if version < "1.0.0":
            entry["version"] = "4"
        result["routes"] = [{"dst": "0.0.0.0/0", "gw": "10.7.0.1"}]
        result["dns"] = {"nameservers": ["10.96.0.10"]}
        if self.kind == "ipam":
            return result
        earlier = request.get("prevResult") or {}
        entry["interface"] = len(earlier.get("interfaces", []))
        own = {"name": key[2], "mac": "02:00:00:00:00:01", "sandbox": held["netns"]}
        result["interfaces"] = [*earlier.get("interfaces", []), own]
        result["ips"] = [*earlier.get("ips", []), entry]
        return result

    def _delete(self, call: Call, request: Document) -> None:
        key = key_of(call, request)
        held = self.held.pop(key, None)
        if held is not None:
            self.released[key] = bool(call.variables.get("CNI_NETNS"))
            self.released_addresses[held["address"]] = self.released[key]

    def _check(self, call: Call, request: Document) -> None:
        held = self.held.get(key_of(call, request))
        previous = request.get("prevResult")
        if not isinstance(previous, dict):
            raise Refused(7, "CHECK needs prevResult")
        if held is None:
            raise Refused(100, "there is no such attachment")
        if self.kind != "ipam" and call.variables["CNI_NETNS"] not in self.namespaces:
            raise Refused(100, "the namespace is gone")
        listed = [str(one.get("address")).partition("/")[0] for one in previous.get("ips", [])]
        if self.compares and held["address"] not in listed:
            raise Refused(100, f"the container has {held['address']}")

    def _gc(self, call: Call, request: Document) -> None:
        listed = request.get(VALID) or []
        if not (isinstance(listed, list) and all(isinstance(one, dict) for one in listed)):
            raise Refused(7, f"{VALID} is no list of objects")
        valid = {(request["name"], one["containerID"], one["ifname"]) for one in listed}
        for key in [key for key in self.held if key[0] == request["name"] and key not in valid]:
            del self.held[key]
            self.collected.add(key)

    def _status(self, call: Call, request: Document) -> None:
        self._need_delegate(call, 50)

    def _need_delegate(self, call: Call, code: int) -> None:
        if self.kind == "delegating" and "nonexistent" in call.variables.get("CNI_PATH", "nonexistent"):
            raise Refused(code, "the delegate is not in CNI_PATH")


def read(call: Call) -> Document:
    """stdin as far as it is an object."""
    try:
        document = json.loads(call.stdin)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def key_of(call: Call, request: Document) -> Key:
    return (
        str(request.get("name")),
        call.variables.get("CNI_CONTAINERID", ""),
        call.variables.get("CNI_IFNAME", ""),
    )


def _judge_variables(call: Call) -> None:
    if call.command not in REQUIRED:
        raise Refused(4, f"CNI_COMMAND is {call.command}")
    missing = [name for name in REQUIRED[call.command] if not call.variables.get(name)]
    if missing:
        raise Refused(4, f"missing: {', '.join(missing)}")
    if "CNI_CONTAINERID" in REQUIRED[call.command]:
        if not NAME.fullmatch(call.variables["CNI_CONTAINERID"]):
            raise Refused(4, "CNI_CONTAINERID has characters that are not allowed")
        ifname = call.variables["CNI_IFNAME"]
        if len(ifname) > 15 or ifname in (".", "..") or re.search(r"[/:\s]", ifname):
            raise Refused(4, "CNI_IFNAME cannot be used")


def _configuration_of(call: Call) -> Document:
    try:
        request = json.loads(call.stdin.decode("utf-8"))
    except ValueError as fault:
        raise Refused(6, str(fault)) from fault
    version = request.get("cniVersion", "0.1.0") if isinstance(request, dict) else None
    if not isinstance(version, str):
        raise Refused(6, "no object, or cniVersion is no text")
    if version not in VERSIONS:
        raise Refused(1, f"{version} is not supported")
    if not NAME.fullmatch(str(request.get("name", ""))):
        raise Refused(7, "name is missing or has characters that are not allowed")
    if VERSIONS.index(version) < VERSIONS.index(SINCE.get(call.command, "0.1.0")):
        raise Refused(1, f"{version} has no {call.command}")
    return dict(request)


def _judge_arguments(call: Call) -> None:
    pairs = [pair for pair in call.variables.get("CNI_ARGS", "").split(";") if pair]
    if pairs and "IgnoreUnknown=1" not in pairs:
        raise Refused(4, "CNI_ARGS has unknown keys")
