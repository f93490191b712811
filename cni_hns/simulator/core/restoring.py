"""The objects of another node, as its HNS and HCS told of them.

Rule 1: nothing is checked: what a real service had is so, also where this one would not have made it. Each
object answers with its document of then, word for word; two that contradict each other go on doing so.
Rule 2: such a node is for questions. What is deleted is gone, and a new object is made by the rules; but a
change of a restored one shows in none of its answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cni_hns.simulator.core import faults
from cni_hns.simulator.core.compute import clock, systems
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import (
    SHOWN,
    SHOWN_V1,
    ZERO_GUID,
    Document,
    folded,
    guid_of,
    new_guid,
)
from cni_hns.simulator.core.identity import birth
from cni_hns.simulator.core.prefixes import mac_digits
from cni_hns.simulator.core.store import State

__all__ = ["KINDS", "restore"]

_TABLES = ("networks", "endpoints", "namespaces", "loadbalancers", "routes", "systems")
_CLEARED = (*_TABLES, "addresses", "ports", "containers", "backends", "frontends", "processes", "ghosts")

_REMOTE = 1
# ERROR_TIMEOUT: of that source nothing is known.
_NO_ANSWER = 0x800705B4

_FIELDS = (
    *("ID", "Name", "Owner", "Type", "Flags", "Policies", "MacPool", "Dns", "Ipams", "SchemaVersion"),
    *("HostComputeNetwork", "HostComputeNamespace", "IpConfigurations", "MacAddress", "Routes", "State"),
    *("NamespaceId", "HostComputeEndpoints", "SourceVIP", "FrontendVIPs", "PortMappings"),
)
_SYSTEM_FIELDS = ("Id", "Owner", "SystemType", "HostingSystemId", "RuntimeId", "State")


def restore(state: State, objects: Mapping[str, list[Document] | None], v1: Iterable[Document] = ()) -> None:
    """Have these objects, by the kinds of `KINDS`, and no others; None for a kind that nobody could read.

    Of such a kind the enumeration fails. `v1` are documents in V1's shape, of networks and endpoints.

    Raises:
        Refused: an object without an ID.
    """
    for table in _CLEARED:
        state.run(f"DELETE FROM {table}")  # noqa: S608 - our own names
    old = {guid_of(folded(one, ("ID",)).get("ID")): one for one in v1}
    for kind, (function, keep) in KINDS.items():
        found = objects.get(kind)
        if found is None:
            faults.add(state, {"function": function, "hresult": _NO_ANSWER, "count": 0})
        for document in found or ():
            keep(state, document, old)


_Old = Mapping[str, Document]


def _kept(state: State, document: Document, old: _Old) -> Document:
    """What the rules keep of an object, as far as the document has it, and the answers about it."""
    read = {name: value for name, value in folded(document, _FIELDS).items() if name in _FIELDS}
    guid = guid_of(read.get("ID"))
    first = {"ID": guid.upper(), "Name": read.get("Name", "")}
    return {
        **_USUAL,
        **read,
        **birth(state),
        "ID": guid,
        SHOWN: document,
        SHOWN_V1: old.get(guid, first),
    }


# What the rules read of each object without asking whether it is there.
_USUAL: Document = {
    **dict.fromkeys(("Name", "Owner", "MacAddress", "SourceVIP", "HostComputeNetwork"), ""),
    **{name: [] for name in ("Policies", "Ipams", "IpConfigurations", "Routes", "HostComputeEndpoints")},
    **{name: [] for name in ("FrontendVIPs", "PortMappings")},
    "Dns": {},
    "MacPool": {"Ranges": []},
    "Flags": 0,
    "SchemaVersion": {"Major": 2, "Minor": 0},
    "v1": False,
    "spoiled": "",
}


def _network(state: State, document: Document, old: _Old) -> None:
    kept = _kept(state, document, old)
    kept.setdefault("Type", "NAT")
    values = (_text(kept["Name"]), _text(kept["Type"]), _number(kept["Flags"]), json.dumps(kept))
    state.run("INSERT INTO networks VALUES (?, ?, ?, NULL, ?, 0, 0, 0, 0, ?)", kept["ID"], *values)


def _endpoint(state: State, document: Document, old: _Old) -> None:
    kept = _kept(state, document, old)
    home, room = _guid(kept["HostComputeNetwork"]), _guid(kept.get("HostComputeNamespace"))
    flags, number = _number(kept["Flags"]), _number(kept.get("State"))
    state.run(
        "INSERT INTO endpoints VALUES (?, ?, ?, ?, 0, ?, ?, ?, '[]', ?)",
        *(kept["ID"], _text(kept["Name"]), home, None if room == ZERO_GUID else room),
        *(mac_digits(_text(kept["MacAddress"])), flags & _REMOTE, number, json.dumps(kept)),
    )


def _namespace(state: State, document: Document, old: _Old) -> None:
    kept = _kept(state, document, old)
    kind = _text(kept.setdefault("Type", "Host"))
    state.run(
        "INSERT INTO namespaces VALUES (?, ?, ?, ?, 1, ?)",
        *(kept["ID"], kind, int(kind == "HostDefault"), _number(kept.get("NamespaceId")), json.dumps(kept)),
    )


def _load_balancer(state: State, document: Document, old: _Old) -> None:
    kept = _kept(state, document, old)
    state.run("INSERT INTO loadbalancers VALUES (?, 0, 0, ?)", kept["ID"], json.dumps(kept))


def _route(state: State, document: Document, old: _Old) -> None:
    kept = _kept(state, document, old)
    state.run("INSERT INTO routes VALUES (?, ?)", kept["ID"], json.dumps(kept))


def _system(state: State, document: Document, old: _Old) -> None:  # noqa: ARG001 - as all of them
    read = folded(document, _SYSTEM_FIELDS)
    told = _text(read.get("State"))
    made = System(
        run=_guid(read.get("RuntimeId")) if _guid(read.get("RuntimeId")) != ZERO_GUID else new_guid(),
        id=_text(read.get("Id")),
        owner=_text(read.get("Owner")),
        type=_text(read.get("SystemType")) or systems.CONTAINER,
        hosted_by=_text(read.get("HostingSystemId")),
        joined=False,
        # One that had ended was still listed: so it is of those that the service does not let go.
        state=systems.UNKNOWN if told == systems.STOPPED else told,
        closes=False,
        made_at=clock.now(state),
        started_at=0.0,
        peak_bytes=0,
        exit=None,
        document={SHOWN: document},
        resources={},
        networking={},
    )
    systems.add(state, made)


_Keep = Callable[[State, Document, _Old], None]

KINDS: dict[str, tuple[str, _Keep]] = {
    "networks": ("HcnEnumerateNetworks", _network),
    "endpoints": ("HcnEnumerateEndpoints", _endpoint),
    "namespaces": ("HcnEnumerateNamespaces", _namespace),
    "loadBalancers": ("HcnEnumerateLoadBalancers", _load_balancer),
    "sdnRoutes": ("HcnEnumerateSdnRoutes", _route),
    "systems": ("HcsEnumerateComputeSystems", _system),
}
"""By kind: the function that lists them, and what keeps one."""


def _guid(value: Any) -> str:
    return guid_of(value) if isinstance(value, str) and value else ZERO_GUID


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
