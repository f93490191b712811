"""Endpoints: made, found, deleted ("HcnCreateEndpoint", "HcnDeleteEndpoint").

Sources: "HostComputeEndpoint" of Microsoft's HCN schema page, and reports for what HNS fills in by itself.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cni_hns.simulator.core import addresses, macs
from cni_hns.simulator.core.adapters import adapter_named
from cni_hns.simulator.core.documents import Document, folded, list_of, number_of, object_of, text_member
from cni_hns.simulator.core.errors import ENDPOINT_NOT_FOUND, INVALID_ENDPOINT, Refused, refuse_unless_zero
from cni_hns.simulator.core.identity import birth, chosen_id
from cni_hns.simulator.core.network_documents import read_dns, read_schema_version
from cni_hns.simulator.core.networks import usable as usable_network
from cni_hns.simulator.core.policies import endpoint_policies, spoiled_by
from cni_hns.simulator.core.ports import map_ports
from cni_hns.simulator.core.prefixes import address, mac_digits
from cni_hns.simulator.core.removal import remove_endpoint
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import default_prefix, ranges, read_routes
from cni_hns.simulator.core.v1_input import endpoint_from_v1, is_v1
from cni_hns.simulator.core.versions import has_feature

__all__ = [
    "ATTACHED",
    "CREATED",
    "DEGRADED_STATE",
    "DETACHED",
    "Endpoint",
    "create",
    "delete",
    "load",
    "save",
    "set_state",
]

# The numbers of an endpoint's State, as hcsshim names them; what shares a container's endpoint is 3.
CREATED = 1
ATTACHED = 2
DETACHED = 4
DEGRADED_STATE = 5

# Bits of Flags
_REMOTE = 1
_ENABLE_DHCP = 32

_FIELDS = (
    "ID",
    "Name",
    "Owner",
    "IpConfigurations",
    "MacAddress",
    "Routes",
    "Dns",
    "Policies",
    "Flags",
    "SchemaVersion",
    "EnableInternalDNS",
    "EnableLowMetric",
    "DisableICC",
)
# The name that HNS gives an endpoint without one (reported to kubernetes).
_DEFAULT_NAME = "Ethernet"


class Endpoint(NamedTuple):
    """One endpoint with what changes in its life beside the document."""

    document: Document
    network: str
    namespace: str
    remote: bool
    state: int
    containers: list[str]


def create(state: State, network: str, argument: str, given: Document) -> str:
    """Make an endpoint in the network; its ID.

    Raises:
        Refused: 0x803B0001, the network is gone; a document that does not hold; an address, MAC or port
        refused.
    """
    home = usable_network(state, network)
    v1 = is_v1(given)
    document = folded(endpoint_from_v1(given, home) if v1 else given, _FIELDS)
    flags = number_of(document.get("Flags", 0), "Flags")
    remote = bool(flags & _REMOTE)
    mac = text_member(document, "MacAddress")
    if remote:
        _demand_of_remote(document, mac)
    policies = endpoint_policies(state, list_of(document, "Policies"))
    guid = chosen_id(state, "endpoints", argument, document)
    configurations = [] if flags & _ENABLE_DHCP else addresses.assign(state, home, document, remote)
    endpoint: Document = {
        "ID": guid,
        "Name": text_member(document, "Name") or _DEFAULT_NAME,
        "Owner": text_member(document, "Owner"),
        "HostComputeNetwork": network,
        "IpConfigurations": configurations,
        "MacAddress": macs.choose(state, home, mac, remote),
        "Routes": _routes(state, home, document, [] if remote else configurations),
        "Dns": _dns(state, home, document),
        "Policies": policies,
        "Flags": flags,
        "SchemaVersion": read_schema_version(document),
        **birth(state),
        "v1": v1,
        "spoiled": spoiled_by(policies),
    }
    for name in ("EnableInternalDNS", "EnableLowMetric", "DisableICC"):
        endpoint[name] = bool(document.get(name, False))
    map_ports(state, home["Type"], guid, policies)
    addresses.hold(state, network, guid, configurations, remote)
    _insert(state, endpoint, remote)
    return guid


def delete(state: State, guid: str, keep_ports: bool = False) -> None:
    """Delete an endpoint wherever it is: a container that uses it loses its NIC (reported to kubernetes).

    Raises:
        Refused: 0x803B0002, there is none.
    """
    load(state, guid)
    if state.row("SELECT 1 FROM backends WHERE endpoint = ?", guid):
        refuse_unless_zero(state.options.backend_deleted_hresult, f"a load balancer names {guid}")
    remove_endpoint(state, guid, keep_ports)


def load(state: State, guid: str) -> Endpoint:
    """The endpoint as HNS keeps it.

    Raises:
        Refused: 0x803B0002, there is none.
    """
    row = state.row(
        "SELECT document, network, namespace, remote, state, containers FROM endpoints WHERE id = ?", guid
    )
    if row is None:
        raise Refused(ENDPOINT_NOT_FOUND, guid)
    return _endpoint(row)


def save(state: State, document: Document) -> None:
    """Keep a changed endpoint."""
    state.run("UPDATE endpoints SET document = ? WHERE id = ?", json.dumps(document), document["ID"])


def set_state(state: State, guid: str, number: int, containers: list[str]) -> None:
    """Note who uses the endpoint now."""
    state.run(
        "UPDATE endpoints SET state = ?, containers = ? WHERE id = ?", number, json.dumps(containers), guid
    )


def _endpoint(row: tuple[Any, ...]) -> Endpoint:
    document, network, namespace, remote, number, containers = row
    return Endpoint(
        json.loads(document), network, namespace or "", bool(remote), number, json.loads(containers)
    )


def _insert(state: State, endpoint: Document, remote: bool) -> None:
    state.run(
        "INSERT INTO endpoints VALUES (?, ?, ?, NULL, 0, ?, ?, ?, '[]', ?)",
        endpoint["ID"],
        endpoint["Name"],
        endpoint["HostComputeNetwork"],
        mac_digits(endpoint["MacAddress"]),
        int(remote),
        CREATED,
        json.dumps(endpoint),
    )
    state.run(
        "UPDATE networks SET endpoints_now = endpoints_now + 1, endpoints_ever = endpoints_ever + 1, "
        "endpoints_peak = max(endpoints_peak, endpoints_now + 1) WHERE id = ?",
        endpoint["HostComputeNetwork"],
    )


def _demand_of_remote(document: Document, mac: str) -> None:
    """A remote endpoint stands for another node's: address and MAC must be told (kube-proxy, flannel)."""
    if not mac or not list_of(document, "IpConfigurations"):
        raise Refused(INVALID_ENDPOINT, "a remote endpoint needs IpConfigurations and MacAddress")


def _routes(state: State, network: Document, document: Document, found: list[Document]) -> list[Document]:
    """The routes given, and the subnet's default route where none is given for that family.

    A dummy default route by 0.0.0.0 keeps the real one out (Azure's plugin relies on it).
    """
    routes = read_routes(list_of(document, "Routes"), INVALID_ENDPOINT)
    for route in routes:
        if not route["DestinationPrefix"]:
            raise Refused(INVALID_ENDPOINT, "a route without a destination")
        if not route["NextHop"] and has_feature("NextHopRequired", state.version):
            refuse_unless_zero(state.options.empty_next_hop_hresult, f"{route} has no next hop")
    if routes and state.options.default_route_without_routes_only:
        return routes
    given = {route["DestinationPrefix"] for route in routes}
    for item in found:
        prefix, gateway = _default_route(network, item)
        if gateway and prefix not in given:
            routes.append({"NextHop": gateway, "DestinationPrefix": prefix})
    return routes


def _default_route(network: Document, item: Document) -> tuple[str, str]:
    value = address(item["IpAddress"])
    version = value.version if value is not None else 4
    for space in ranges(network):
        if value is not None and value in space.prefix and space.gateway is not None:
            return default_prefix(version), str(space.gateway)
    return default_prefix(version), ""


def _dns(state: State, network: Document, document: Document) -> Document:
    """The Dns given, else the network's, else the host adapter's servers and suffix (reported to hcsshim)."""
    given = read_dns(object_of(document, "Dns"))
    if given or network["Dns"]:
        return given or dict(network["Dns"])
    adapter = adapter_named(state, network.get("adapter", "")) or next(iter(state.options.adapters), {})
    filled: Document = {}
    if adapter.get("suffix"):
        filled["Domain"] = adapter["suffix"]
    if adapter.get("dns"):
        filled["ServerList"] = list(adapter["dns"])
    return filled
