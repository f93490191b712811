"""Load balancers ("HcnCreateLoadBalancer"); in V1 a policy list of type ELB."""

from __future__ import annotations

import json

from cni_hns.simulator.core.documents import Document, folded, guid_of, list_of, number_of, text_member
from cni_hns.simulator.core.errors import (
    ADDRESS_RESERVED,
    E_NOTIMPL,
    ELEMENT_NOT_FOUND,
    INVALID_INTERNAL_PORT,
    INVALID_POLICY,
    PORT_ALREADY_EXISTS,
    REQUEST_UNSUPPORTED,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.identity import birth, chosen_id
from cni_hns.simulator.core.network_changes import REQUEST_TYPES
from cni_hns.simulator.core.network_documents import read_schema_version
from cni_hns.simulator.core.networks import load as load_network
from cni_hns.simulator.core.prefixes import address
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import ranges
from cni_hns.simulator.core.versions import has_feature

__all__ = ["create", "delete", "load", "modify"]

_FIELDS = (
    "ID",
    "Owner",
    "HostComputeEndpoints",
    "SourceVIP",
    "FrontendVIPs",
    "PortMappings",
    "Flags",
    "HostComputeNetwork",
    "SchemaVersion",
)
_MAPPING = ("Protocol", "InternalPort", "ExternalPort", "DistributionType", "Flags")
_DSR = 1
_IPV6 = 2
# More back ends than this are refused (reported).
_MOST_BACKENDS = 1024


def create(state: State, argument: str, given: Document, v1: bool = False) -> str:
    """Make a load balancer; its ID.

    Raises:
        Refused: 0x803B0007, a back end that is not there; 0x803B001C, none at all; 0x803B002F, a VIP that is
        no address, no source VIP on overlay or a reserved one; 0x803B000D, ports that cannot be balanced;
        0x803B0013, another has VIP, port and protocol (0x800700B7 if that one was loaded from disk).
    """
    document = _read(state, given, v1)
    document["ID"] = chosen_id(state, "loadbalancers", argument, document)
    _refuse_same_frontend(state, document)
    state.run("INSERT INTO loadbalancers VALUES (?, 0, 0, ?)", document["ID"], json.dumps(document))
    _index(state, document)
    return str(document["ID"])


def load(state: State, guid: str) -> Document:
    """The load balancer as HNS keeps it.

    Raises:
        Refused: 0x80070490, there is none (kube-proxy reads this code as gone).
    """
    row = state.row("SELECT document FROM loadbalancers WHERE id = ?", guid)
    if row is None:
        raise Refused(ELEMENT_NOT_FOUND, f"load balancer {guid}")
    document: Document = json.loads(row[0])
    return document


def delete(state: State, guid: str) -> None:
    """Delete a load balancer.

    Raises:
        Refused: 0x80070490, there is none; by option the first try fails, as Windows Server 2019's may.
    """
    load(state, guid)
    if state.options.first_lb_delete_hresult and state.version < (10, 0):
        row = state.row("SELECT delete_tries FROM loadbalancers WHERE id = ?", guid)
        if row is not None and row[0] == 0:
            mark = ("UPDATE loadbalancers SET delete_tries = 1 WHERE id = ?", (guid,))
            raise Refused(state.options.first_lb_delete_hresult, guid, mark)
    _forget(state, guid)


def modify(state: State, guid: str, given: Document) -> None:
    """Change a load balancer: hcsshim sends a whole document, Microsoft's module a request with settings.

    Raises:
        Refused: 0x80004001 where this HNS has no such call.
    """
    before = load(state, guid)
    if not has_feature("ModifyLoadBalancerCall", state.version):
        raise Refused(E_NOTIMPL)
    request = folded(given, ("RequestType", "Settings"))
    settings = request.get("Settings")
    if isinstance(settings, dict):
        kind = request.get("RequestType", 2)
        wanted = _combined(before, settings, REQUEST_TYPES[kind] if isinstance(kind, int) else str(kind))
    else:
        wanted = given
    after = _read(state, {**wanted, "ID": guid}, False)
    if not has_feature("ModifyLoadBalancer", state.version):
        return
    _forget(state, guid)
    _refuse_same_frontend(state, after)
    state.run("INSERT INTO loadbalancers VALUES (?, 0, 0, ?)", guid, json.dumps(after))
    _index(state, after)


def _combined(before: Document, settings: Document, kind: str) -> Document:
    read = folded(settings, _FIELDS)
    if kind.lower() == "update":
        return {**before, **read}
    if kind.lower() not in ("add", "remove"):
        raise Refused(REQUEST_UNSUPPORTED, kind)
    after = dict(before)
    for name in ("HostComputeEndpoints", "PortMappings", "FrontendVIPs"):
        given = list_of(read, name, object)
        left = [item for item in before[name] if item not in given]
        after[name] = [*left, *given] if kind.lower() == "add" else left
    return after


def _read(state: State, given: Document, v1: bool) -> Document:
    document = folded(given, _FIELDS)
    backends = [guid_of(guid) for guid in list_of(document, "HostComputeEndpoints", str)]
    if not backends:
        refuse_unless_zero(state.options.no_backend_hresult, "no back ends")
    network = _demand_backends(state, backends, v1)
    mappings = [_mapping(state, item) for item in list_of(document, "PortMappings")]
    if not mappings:
        raise Refused(INVALID_POLICY, "no PortMappings")
    source = text_member(document, "SourceVIP")
    if network is not None:
        _demand_source(network, source)
    flags = number_of(document.get("Flags", 0), "Flags")
    if flags & _DSR and not has_feature("DirectServerReturn", state.version):
        raise Refused(REQUEST_UNSUPPORTED, "direct server return")
    if flags & _IPV6 and not has_feature("DualStack", state.version):
        raise Refused(REQUEST_UNSUPPORTED, "IPv6")
    vips = _vips(state, document)
    if not vips:
        _refuse_excluded(state, mappings)
    return {
        "ID": document.get("ID", ""),
        "Owner": text_member(document, "Owner"),
        "HostComputeEndpoints": backends,
        "SourceVIP": source,
        "FrontendVIPs": vips,
        "PortMappings": mappings,
        "Flags": flags,
        "HostComputeNetwork": network["ID"] if network else "",
        "SchemaVersion": read_schema_version(document),
        **birth(state),
    }


def _vips(state: State, document: Document) -> list[str]:
    found = list_of(document, "FrontendVIPs", str)
    for vip in found:
        if address(vip) is None:
            refuse_unless_zero(state.options.bad_vip_hresult, f"VIP {vip!r}")
    return found


def _demand_backends(state: State, backends: list[str], v1: bool) -> Document | None:
    if len(backends) > _MOST_BACKENDS:
        raise Refused(INVALID_POLICY, f"more than {_MOST_BACKENDS} back ends")
    homes = set()
    for guid in backends:
        row = state.row("SELECT network, remote, state FROM endpoints WHERE id = ?", guid)
        if row is None:
            raise Refused(state.options.missing_backend_hresult, f"no endpoint {guid}")
        # Seen through V1; hcsshim's own tests balance over endpoints that were never attached, through V2.
        strict = state.options.unattached_backend == "always" or (
            v1 and state.options.unattached_backend == "v1"
        )
        if strict and not row[1] and row[2] not in (2, 3):
            refuse_unless_zero(state.options.unattached_backend_hresult, f"{guid} is not attached")
        homes.add(row[0])
    if len(homes) > 1:
        raise Refused(INVALID_POLICY, "back ends of several networks")
    return load_network(state, homes.pop()) if homes else None


def _demand_source(network: Document, source: str) -> None:
    """Overlay needs a source VIP, and one that is not reserved (reported to kubernetes)."""
    if not source:
        if network["Type"] == "Overlay":
            raise Refused(ADDRESS_RESERVED, "overlay needs a SourceVIP")
        return
    value = address(source)
    for space in ranges(network):
        if value is None or value in space.reserved or value == space.gateway:
            raise Refused(ADDRESS_RESERVED, f"SourceVIP {source}")


def _mapping(state: State, given: Document) -> Document:
    item = folded(given, _MAPPING)
    read = {
        name: number_of(item.get(name, 0), name, 16 if name.endswith("Port") else 32) for name in _MAPPING
    }
    if not read["InternalPort"]:
        raise Refused(INVALID_INTERNAL_PORT)
    if read["Protocol"] not in state.options.balanced_protocols or not read["ExternalPort"]:
        refuse_unless_zero(state.options.bad_mapping_hresult, f"{read['ExternalPort']}/{read['Protocol']}")
    if read["DistributionType"] and not has_feature("SessionAffinity", state.version):
        raise Refused(REQUEST_UNSUPPORTED, "DistributionType")
    return read


def _refuse_excluded(state: State, mappings: list[Document]) -> None:
    """A node port that the host keeps from others is refused as a mapped port is (reported to hcsshim)."""
    for item in mappings:
        for protocol, first, last in state.options.excluded_ports:
            if protocol == item["Protocol"] and first <= item["ExternalPort"] <= last:
                raise Refused(PORT_ALREADY_EXISTS, f"the host holds {item['ExternalPort']}")


def _frontends(document: Document) -> list[tuple[str, int, int]]:
    """VIP, protocol, port; without a VIP it is a NodePort, which is any local address of its family.

    kube-proxy makes a node port of a dual-stack service twice, once for each family, and HNS takes both.
    """
    anywhere = "::" if document["Flags"] & _IPV6 else ""
    vips = [str(address(vip) or vip) for vip in document["FrontendVIPs"]]
    return [
        (vip, item["Protocol"], item["ExternalPort"])
        for vip in vips or [anywhere]
        for item in document["PortMappings"]
    ]


def _refuse_same_frontend(state: State, document: Document) -> None:
    for vip, protocol, port in _frontends(document):
        row = state.row(
            "SELECT reloaded FROM frontends JOIN loadbalancers ON loadbalancers.id = loadbalancer "
            "WHERE protocol = ? AND port = ? AND vip = ?",
            protocol,
            port,
            vip,
        )
        if row is not None:
            options = state.options
            code = options.same_frontend_reloaded_hresult if row[0] else options.same_frontend_hresult
            refuse_unless_zero(code, f"{vip}:{port}/{protocol} is another's")


def _index(state: State, document: Document) -> None:
    for vip, protocol, port in _frontends(document):
        state.run("INSERT INTO frontends VALUES (?, ?, ?, ?)", document["ID"], vip, protocol, port)
    for guid in document["HostComputeEndpoints"]:
        state.run("INSERT INTO backends VALUES (?, ?)", document["ID"], guid)


def _forget(state: State, guid: str) -> None:
    state.run("DELETE FROM loadbalancers WHERE id = ?", guid)
    state.run("DELETE FROM frontends WHERE loadbalancer = ?", guid)
    state.run("DELETE FROM backends WHERE loadbalancer = ?", guid)
