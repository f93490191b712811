"""HNSCall, the V1 service: a method, a path and a body in; an envelope out.

Paths and envelope are those of hcsshim's V1 client and Microsoft's SDN modules: {"Success": true, "Output":
…}, or an error record whose code is the operation's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.simulator.core import (
    endpoint_changes,
    endpoints,
    loadbalancers,
    namespaces,
    networks,
    routes,
    views_v1,
)
from cni_hns.simulator.core.documents import (
    Document,
    folded,
    guid_of,
    list_of,
    object_of,
    parse,
    text_member,
    written,
)
from cni_hns.simulator.core.errors import (
    ELEMENT_NOT_FOUND,
    INVALID_POLICY_TYPE,
    NETWORK_NOT_FOUND,
    PARAMETER_INCORRECT,
    Refused,
)
from cni_hns.simulator.core.network_changes import REQUEST_TYPES
from cni_hns.simulator.core.policies import endpoint_policies
from cni_hns.simulator.core.statistics import addresses_of, statistics_of
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.v1_input import load_balancer_from_v1, policies_from_v1, route_from_v1
from cni_hns.simulator.core.versions import has_feature

__all__ = ["answer", "target_of"]

_NO_ARGUMENT = "00000000-0000-0000-0000-000000000000"


def answer(state: State, method: str, path: str, body: str) -> str:
    """The envelope of a request that worked.

    Raises:
        Refused: no such path or method (0x80070057), or what the operation itself was refused for.
    """
    parts = [part for part in path.split("/") if part]
    if not parts:
        raise Refused(PARAMETER_INCORRECT, f"path {path!r}")
    handler = _COLLECTIONS.get(parts[0].lower())
    if handler is None:
        raise Refused(PARAMETER_INCORRECT, f"path {path!r}")
    output = handler(state, method.upper(), parts[1:], body)
    envelope: Document = {"Success": True}
    if output is not None:
        envelope["Output"] = output
    return written(envelope)


def target_of(method: str, path: str) -> str:
    """How the journal names such a call."""
    return f"{method.upper()} {path}"


def _unsupported(method: str, parts: list[str]) -> Refused:
    return Refused(PARAMETER_INCORRECT, f"{method} {'/'.join(parts)}")


def _all(state: State, table: str, view: Callable[[State, str], Document]) -> list[Document]:
    rows = state.rows(f"SELECT id FROM {table} ORDER BY rowid")  # noqa: S608 - our own names
    return [view(state, guid) for (guid,) in rows]


def _networks(state: State, method: str, parts: list[str], body: str) -> Any:
    if not parts:
        if method == "GET":
            return _all(state, "networks", views_v1.network)
        if method == "POST":
            return views_v1.network(state, networks.create(state, _NO_ARGUMENT, _v1(parse(body))))
    elif len(parts) == 1:
        guid = guid_of(parts[0])
        if method == "GET":
            return views_v1.network(state, guid)
        if method == "POST":
            _change_extensions(state, guid, parse(body))
            return views_v1.network(state, guid)
        if method == "DELETE":
            networks.delete(state, guid)
            return None
    raise _unsupported(method, parts)


def _v1(document: Document) -> Document:
    """Whatever comes through this door is read as V1, without a look at its shape."""
    return {
        **{n: v for n, v in document.items() if n.lower() != "schemaversion"},
        "SchemaVersion": {"Major": 1},
    }


def _change_extensions(state: State, guid: str, body: Document) -> None:
    kept = networks.load(state, guid)
    for item in list_of(folded(body, ("Extensions",)), "Extensions"):
        read = folded(item, ("Id", "IsEnabled"))
        kept.setdefault("extensions", {})[guid_of(read.get("Id"))] = bool(read.get("IsEnabled"))
    networks.save(state, kept)


def _endpoints(state: State, method: str, parts: list[str], body: str) -> Any:
    if not parts:
        if method == "GET":
            return _all(state, "endpoints", views_v1.endpoint)
        if method == "POST":
            return _new_endpoint(state, parse(body))
        raise _unsupported(method, parts)
    guid = guid_of(parts[0])
    if len(parts) == 1:
        return _one_endpoint(state, method, guid, body)
    if parts[1].lower() == "detailed" and method == "GET":
        return views_v1.endpoint(state, guid)
    if method == "POST" and parts[1].lower() in ("attach", "detach"):
        _attach(state, guid, parts[1].lower(), body)
        return {}
    raise _unsupported(method, parts)


def _new_endpoint(state: State, body: Document) -> Document:
    read = folded(body, ("VirtualNetwork", "VirtualNetworkName"))
    network = text_member(read, "VirtualNetwork")
    if not network:
        row = state.row("SELECT id FROM networks WHERE name = ?", text_member(read, "VirtualNetworkName"))
        network = row[0] if row else _NO_ARGUMENT
    if not state.options.v1_takes_ids:
        body = {name: value for name, value in body.items() if name.lower() != "id"}
    try:
        guid = endpoints.create(state, guid_of(network), _NO_ARGUMENT, _v1(body))
    except Refused as refusal:
        # V1 says "element not found" for a network that has gone, as after a reboot (reported to Azure).
        if refusal.hresult == NETWORK_NOT_FOUND:
            raise Refused(ELEMENT_NOT_FOUND, refusal.reason) from refusal
        raise
    return views_v1.endpoint(state, guid)


def _one_endpoint(state: State, method: str, guid: str, body: str) -> Any:
    if method == "GET":
        return views_v1.endpoint(state, guid)
    if method == "POST":
        given = policies_from_v1(list_of(folded(parse(body), ("Policies",)), "Policies"))
        endpoint_changes.set_policies(state, endpoints.load(state, guid), endpoint_policies(state, given))
        return views_v1.endpoint(state, guid)
    if method == "DELETE":
        endpoints.delete(state, guid)
        return None
    raise _unsupported(method, [guid])


def _attach(state: State, guid: str, action: str, body: str) -> None:
    """To the host's compartment, to a virtual machine, or to one more container."""
    read = folded(parse(body or "{}"), ("ContainerId", "SystemType"))
    system, container = text_member(read, "SystemType", "Host"), text_member(read, "ContainerId")
    if system.lower() == "container" and container:
        share = endpoint_changes.share if action == "attach" else endpoint_changes.unshare
        share(state, guid, container)
    elif action == "attach":
        endpoint_changes.attach(state, guid, system)
    else:
        endpoint_changes.detach(state, guid)


def _namespaces(state: State, method: str, parts: list[str], body: str) -> Any:
    if not parts:
        if method == "GET":
            return _all(state, "namespaces", views_v1.namespace)
        if method == "POST":
            return views_v1.namespace(state, namespaces.create(state, _NO_ARGUMENT, parse(body or "{}")))
        raise _unsupported(method, parts)
    guid = guid_of(parts[0])
    if len(parts) == 1 and method == "GET":
        return views_v1.namespace(state, guid)
    if len(parts) == 1 and method == "DELETE":
        namespaces.delete(state, guid)
        return None
    if parts[2:] == [] and method == "POST" and parts[1].lower() in ("addresource", "removeresource"):
        _resource(state, guid, "Add" if parts[1].lower() == "addresource" else "Remove", parse(body))
        return views_v1.namespace(state, guid)
    raise _unsupported(method, parts)


def _resource(state: State, guid: str, kind: str, body: Document) -> None:
    read = folded(body, ("Type", "Data"))
    data = folded(object_of(read, "Data"), ("Id",)).get("Id")
    resource = text_member(read, "Type")
    settings = {"ContainerId": data} if resource.lower() == "container" else {"EndpointId": data}
    namespaces.modify(
        state,
        guid,
        {"ResourceType": resource, "RequestType": REQUEST_TYPES.index(kind), "Settings": settings},
    )


def _policy_lists(state: State, method: str, parts: list[str], body: str) -> Any:
    if not parts:
        if method == "GET":
            found = _all(state, "loadbalancers", views_v1.policy_list)
            return found + _all(state, "routes", views_v1.policy_list)
        if method == "POST":
            return views_v1.policy_list(state, _new_policy_list(state, parse(body)))
    elif len(parts) == 1:
        guid = guid_of(parts[0])
        if method == "GET":
            return views_v1.policy_list(state, guid)
        if method == "DELETE":
            balancer = state.row("SELECT 1 FROM loadbalancers WHERE id = ?", guid)
            (loadbalancers if balancer else routes).delete(state, guid)
            return None
    raise _unsupported(method, parts)


def _new_policy_list(state: State, body: Document) -> str:
    read = folded(body, ("ID", "References", "Policies"))
    backends = [reference.rstrip("/").rpartition("/")[2] for reference in list_of(read, "References", str)]
    policies = list_of(read, "Policies")
    kinds = {str(folded(item, ("Type",)).get("Type", "")).upper() for item in policies}
    if kinds == {"ELB"}:
        document = load_balancer_from_v1(backends, policies)
        return loadbalancers.create(state, _NO_ARGUMENT, {**document, "ID": read.get("ID", "")}, v1=True)
    # A build without SDN routes answers "bad policy type" (reported to hcsshim).
    if kinds == {"ROUTE"} and has_feature("V2", state.version):
        return routes.create(
            state, _NO_ARGUMENT, {**route_from_v1(backends, policies), "ID": read.get("ID", "")}
        )
    raise Refused(INVALID_POLICY_TYPE, f"{sorted(kinds)}")


def _endpoint_statistics(state: State, method: str, parts: list[str], _body: str) -> Any:
    if method != "GET" or len(parts) != 1:
        raise _unsupported(method, parts)
    return statistics_of(state, guid_of(parts[0]))


def _endpoint_addresses(state: State, method: str, parts: list[str], _body: str) -> Any:
    if method != "GET" or len(parts) > 1:
        raise _unsupported(method, parts)
    if parts:
        return addresses_of(state, guid_of(parts[0]))
    rows = state.rows("SELECT id FROM endpoints ORDER BY rowid")
    return [entry for (guid,) in rows for entry in addresses_of(state, guid)]


def _globals(state: State, method: str, parts: list[str], _body: str) -> Any:
    """The version; before Windows 10 1803 (HNS 7.2) there is no such path."""
    if (
        method != "GET"
        or [part.lower() for part in parts] != ["version"]
        or not has_feature("AclV1", state.version)
    ):
        raise _unsupported(method, parts)
    return {"Major": state.version[0], "Minor": state.version[1]}


def _port_pools(state: State, method: str, parts: list[str], _body: str) -> Any:
    """Only that there is such a list is known: here, who holds which port, or held it and is gone."""
    if method != "GET" or parts:
        raise _unsupported(method, parts)
    return [
        {"Protocol": row[0], "Port": row[1], "Owner": row[2].upper()}
        for row in state.rows(
            "SELECT protocol, port, coalesce(endpoint, lost_by) FROM ports ORDER BY protocol, port"
        )
    ]


def _accelnet(state: State, method: str, parts: list[str], body: str) -> Any:
    """The management MACs that accelerated networking leaves alone (hcsshim, HNS 15.4)."""
    if parts or method not in ("GET", "POST", "DELETE") or not has_feature("Accelnet", state.version):
        raise _unsupported(method, parts)
    if method != "GET":
        state.run("DELETE FROM accelnet")
    if method == "POST":
        for item in list_of(folded(parse(body), ("MacAddressList",)), "MacAddressList"):
            mac = text_member(folded(item, ("MacAddress",)), "MacAddress")
            state.run("INSERT INTO accelnet VALUES (?)", mac)
    return {"MacAddressList": [{"MacAddress": row[0]} for row in state.rows("SELECT mac FROM accelnet")]}


_COLLECTIONS: dict[str, Callable[[State, str, list[str], str], Any]] = {
    "networks": _networks,
    "endpoints": _endpoints,
    "namespaces": _namespaces,
    "policylists": _policy_lists,
    "endpointstats": _endpoint_statistics,
    "endpointaddresses": _endpoint_addresses,
    "globals": _globals,
    "portpools": _port_pools,
    "accelnet": _accelnet,
}
