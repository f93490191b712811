"""The V2 documents of objects: what was kept, and the members that real answers have beside the schema."""

from __future__ import annotations

from cni_hns.simulator.core import containers, endpoints, namespaces, networks
from cni_hns.simulator.core.documents import SHOWN, ZERO_GUID, Document, shown
from cni_hns.simulator.core.loadbalancers import load as load_balancer
from cni_hns.simulator.core.routes import load as load_route
from cni_hns.simulator.core.store import State

__all__ = ["endpoint", "load_balancer_view", "namespace", "network", "sdn_route"]


def network(state: State, guid: str) -> Document:
    """A network ("HostComputeNetwork")."""
    kept = networks.load(state, guid)
    if SHOWN in kept:
        return shown(kept)
    view: Document = {"ID": guid, "Name": kept["Name"], **_owner(kept), **_version(kept)}
    # NAT is the enum's zero, and what is zero is left out of answers (dumps).
    if kept["Type"] != "NAT":
        view["Type"] = kept["Type"]
    view["Flags"] = kept["Flags"]
    view["Policies"] = kept["Policies"] + _appeared(state, kept)
    view["MacPool"] = kept["MacPool"]
    view["Dns"] = kept["Dns"]
    view["Ipams"] = kept["Ipams"]
    view["AdditionalParams"] = {}
    view["State"] = 1
    view.update(_birth(kept))
    extra: Document = {"Resources": {"AllocationOrder": 2, "Allocators": [], "ID": guid}}
    if "LayeredOn" in kept:
        extra.update({"LayeredOn": kept["LayeredOn"].upper(), "SwitchGuid": guid.upper()})
    view["Health"] = {"Data": None, "Extra": extra}
    return view


def _appeared(state: State, kept: Document) -> list[Document]:
    """On an external network the management address becomes a policy, on overlay the router's MAC too."""
    address = networks.management_address(state, kept)
    found: list[Document] = []
    present = {policy["Type"] for policy in kept["Policies"]}
    if address and "ProviderAddress" not in present:
        found.append({"Type": "ProviderAddress", "Settings": {"ProviderAddress": address}})
    if address and "router_mac" in kept and "DrMacAddress" not in present:
        found.append({"Type": "DrMacAddress", "Settings": {"Address": kept["router_mac"]}})
    return found


def endpoint(state: State, guid: str) -> Document:
    """An endpoint ("HostComputeEndpoint")."""
    found = endpoints.load(state, guid)
    kept = found.document
    if SHOWN in kept:
        return shown(kept)
    return {
        "ID": guid,
        "Name": kept["Name"],
        **_owner(kept),
        **_version(kept),
        "HostComputeNetwork": found.network,
        "HostComputeNamespace": found.namespace or ZERO_GUID,
        "IpConfigurations": kept["IpConfigurations"],
        "MacAddress": kept["MacAddress"],
        "Routes": kept["Routes"],
        "Dns": kept["Dns"],
        "Policies": kept["Policies"],
        "Flags": kept["Flags"],
        "AdditionalParams": {"SwitchId": found.network.upper(), "SwitchPortId": guid.upper()},
        "State": found.state,
        **_birth(kept),
        "Health": {"Data": None, "Extra": _health(found, guid)},
    }


def _health(found: endpoints.Endpoint, guid: str) -> Document:
    allocator: Document = {"ID": guid, "Tag": "Endpoint"}
    # Not filled for endpoints that came through V1 (Microsoft's SDN repository).
    if not found.document["v1"]:
        allocator["IsLocal"] = not found.remote
    return {"Resources": {"Allocators": [allocator], "ID": guid}, "SharedContainers": found.containers}


def namespace(state: State, guid: str) -> Document:
    """A namespace ("HostComputeNamespace"); the Ids inside its resources are upper-case."""
    found = namespaces.load(state, guid)
    if SHOWN in found.document:
        return shown(found.document)
    members = state.rows("SELECT id FROM endpoints WHERE namespace = ? ORDER BY joined, rowid", guid)
    resources = [{"Type": "Endpoint", "Data": {"Id": row[0].upper()}} for row in members]
    running = containers.of_namespace(state, guid)
    resources += [{"Type": "Container", "Data": {"Id": name}} for name in running]
    view: Document = {
        "ID": guid,
        **_owner(found.document),
        "NamespaceId": found.compartment,
        "Type": found.document["Type"],
        "Resources": resources,
        **_version(found.document),
        "State": found.state,
        **_birth(found.document),
    }
    if found.document["Type"].endswith("Default"):
        view["IsDefault"] = True
    if running:
        view["Containers"] = running
    return view


def load_balancer_view(state: State, guid: str) -> Document:
    """A load balancer ("HostComputeLoadBalancer")."""
    kept = load_balancer(state, guid)
    if SHOWN in kept:
        return shown(kept)
    if state.options.upper_case_backends:
        kept["HostComputeEndpoints"] = [backend.upper() for backend in kept["HostComputeEndpoints"]]
    return {**kept, "ID": guid, **_version(kept), **_birth(kept), "State": 2}


def sdn_route(state: State, guid: str) -> Document:
    """An SDN route, its list under the schema's name and under hcsshim's."""
    kept = load_route(state, guid)
    if SHOWN in kept:
        return shown(kept)
    return {**kept, "ID": guid, "Setting": kept["Routes"], **_birth(kept), "State": 2}


def _owner(kept: Document) -> Document:
    return {"Owner": kept["Owner"]} if kept.get("Owner") else {}


def _version(kept: Document) -> Document:
    version = kept["SchemaVersion"]
    if version is None:
        return {}
    # Objects made through V1 are shown with the schema of the question.
    return {"SchemaVersion": {"Major": 2, "Minor": 0} if version["Major"] == 1 else version}


def _birth(kept: Document) -> Document:
    return {"ActivityId": kept["ActivityId"].upper(), "Version": kept["Version"]}
