"""A scripted kube-proxy: from Services and EndpointSlices to load balancers, as pkg/proxy/winkernel does it.

It drives a simulated HNS through the real client, as slowly and as forgetfully as the real one: what it has
made once it does not look at again before its Service changes or it starts anew. It shares nothing with
`cni_hns.services`, whose answers are checked against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from cni_hns.binding.errors import ServiceError
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.listing import every

Document = dict[str, Any]

PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}
HOST_MAC = "00-15-5D-0A-0B-0C"
DSR, IPV6 = 1, 2
LOCAL_ROUTED, MUX, PRESERVE, EXTERNAL = 2, 4, 8, 16


class Settings(NamedTuple):
    """kube-proxy's flags and what it finds out once at its start."""

    node: str
    node_ip: str
    network: str
    source_vip: str = ""
    enable_dsr: bool = True
    root_endpoint: str = ""


class Backend(NamedTuple):
    guid: str
    is_local: bool


class Front(NamedTuple):
    """A load balancer to be; `mapping` are the flags of its port."""

    vip: str
    port: int
    backends: list[Backend]
    flags: int
    mapping: int


class KubeProxy:
    """One kube-proxy of one node; `sync` with the objects of the cluster."""

    def __init__(self, hcn: Hcn, settings: Settings, version: tuple[int, int] = (16, 0)) -> None:
        self.hcn = hcn
        self.settings = settings
        self._has_dsr = settings.enable_dsr and version >= (10, 2)
        self._has_affinity = version >= (12, 0)
        self._applied: dict[tuple[str, ...], list[str]] = {}
        self._seen: dict[tuple[str, ...], object] = {}
        self.refused: list[str] = []
        for guid in hcn.load_balancers.ids():
            hcn.load_balancers.delete(guid)

    def sync(self, items: list[Document]) -> None:
        """Make what is new or changed, delete what is gone, and look at nothing else."""
        wanted = {}
        for service in (one for one in items if one["kind"] == "Service"):
            for vip in service["spec"]["clusterIPs"]:
                for port in service["spec"]["ports"]:
                    members = _members(items, service, port, ":" in vip)
                    wanted[service["metadata"]["name"], vip, port.get("name", "")] = service, port, members
        for key in set(self._applied) - set(wanted):
            self._forget(key)
        for key, (service, port, members) in wanted.items():
            if self._seen.get(key) != (service, port, members):
                self._forget(key)
                self._seen[key] = (service, port, members)
                self._applied[key] = self._apply(service, port, members, key[1])

    def _forget(self, key: tuple[str, ...]) -> None:
        for guid in self._applied.pop(key, []):
            if guid in self.hcn.load_balancers.ids():
                self.hcn.load_balancers.delete(guid)

    def _apply(self, service: Document, port: Document, members: list[Document], vip: str) -> list[str]:
        spec = service["spec"]
        outside = spec.get("externalTrafficPolicy") == "Local"
        only_local = outside and spec.get("internalTrafficPolicy") == "Local"
        if self._is_overlay and not self._endpoint_at(vip):
            self._make_remote(vip, HOST_MAC, self.settings.node_ip)
        chosen, is_ending = self._chosen(members, bool(_ingress(service)), only_local, outside)
        found = [(one, self._backend(one)) for one in chosen]
        backends = [backend for _, backend in found if backend is not None]
        kept = [one for one, backend in found if backend is not None]
        number = port.get("targetPort")
        mapping = {
            "Protocol": PROTOCOLS[port.get("protocol", "TCP")],
            "InternalPort": number if isinstance(number, int) else chosen[0]["port"] if chosen else 0,
            "DistributionType": 2 if spec.get("sessionAffinity") == "ClientIP" and self._has_affinity else 0,
        }
        made: list[str] = []
        for front in self._fronts(service, port, vip, backends, is_ending):
            made += self._balance(front, mapping, self._source(kept))
        return made

    def _source(self, members: list[Document]) -> str:
        """The node's own address where a back end of another node is not behind a route."""
        if self._is_overlay:
            for one in members:
                far = one["nodeName"] != self.settings.node
                if far and self._provider(one["address"]) in ("", one["address"]):
                    return self.settings.node_ip
        return self.settings.source_vip

    def _fronts(
        self, service: Document, port: Document, vip: str, backends: list[Backend], is_ending: bool
    ) -> Iterator[Front]:
        spec, family = service["spec"], IPV6 if ":" in vip else 0
        outside = spec.get("externalTrafficPolicy") == "Local"
        dsr = DSR if self._has_dsr else 0
        local = [one for one in backends if one.is_local]
        inside = spec.get("internalTrafficPolicy") == "Local"
        yield Front(vip, port["port"], local if inside else backends, family | dsr, 0)
        if is_ending:
            return
        flags = family | (dsr if outside else 0)
        preserve = service["metadata"].get("annotations", {}).get("preserve-destination") == "true"
        if port.get("nodePort") and not preserve:
            yield Front("", port["nodePort"], local if outside else backends, flags, LOCAL_ROUTED | EXTERNAL)
        for ip in _of_family(spec.get("externalIPs", []), vip):
            yield Front(ip, port["port"], local if outside else backends, flags, EXTERNAL)
        for ip in _of_family(_ingress(service), vip):
            kept = local if outside or preserve else backends
            flags = family | (dsr if outside or preserve else 0)
            yield Front(ip, port["port"], kept, flags, MUX | PRESERVE if preserve else EXTERNAL)
            if spec.get("healthCheckNodePort") and self.settings.root_endpoint:
                root = [Backend(self.settings.root_endpoint, True)]
                yield Front(ip, spec["healthCheckNodePort"], root, 0, MUX | PRESERVE if preserve else 0)

    def _balance(self, front: Front, mapping: Document, source: str) -> list[str]:
        if not front.backends:
            return []
        is_health_check = front.backends[0].guid == self.settings.root_endpoint
        own = {"Protocol": 6, "InternalPort": front.port} if is_health_check else mapping
        return self._create(
            {
                "HostComputeEndpoints": [one.guid for one in front.backends],
                "SourceVIP": source,
                "FrontendVIPs": [front.vip] if front.vip else [],
                "PortMappings": [{**own, "ExternalPort": front.port, "Flags": front.mapping}],
                "Flags": front.flags,
                "SchemaVersion": {"Major": 2, "Minor": 0},
            }
        )

    def _create(self, document: Document) -> list[str]:
        try:
            with self.hcn.load_balancers.create(document) as opened:
                opened.query()
                return [opened.id]
        except ServiceError as fault:
            # It logs this, and does not try again.
            self.refused.append(str(fault))
            return []

    def _chosen(
        self, members: list[Document], has_ingress: bool, only_local: bool, outside: bool
    ) -> tuple[list[Document], bool]:
        if only_local:
            members = [one for one in members if one["nodeName"] == self.settings.node]
        if not has_ingress:
            return [one for one in members if one["ready"] and one["serving"]], False
        looked = [one for one in members if not outside or one["nodeName"] == self.settings.node]
        ending = all(one["terminating"] for one in looked if one["ready"] or one["terminating"])
        if not any(one["serving"] for one in looked):
            return members, True
        return [one for one in members if one["serving"] and (ending or one["ready"])], ending

    def _backend(self, member: Document) -> Backend | None:
        """Its endpoint, made if it is of another node, and whether it is a local one."""
        found = self._endpoint_at(member["address"])
        if found:
            return Backend(found["ID"].lower(), not found.get("Flags", 0) & 1)
        if member["nodeName"] == self.settings.node:
            return None
        packed = ip_address(member["address"]).packed[-4:]
        mac = "-".join(["02", "11", *(f"{byte:02X}" for byte in packed)])
        provider = self._provider(member["address"]) or self.settings.node_ip if self._is_overlay else ""
        return Backend(self._make_remote(member["address"], mac, provider), False)

    def _make_remote(self, address: str, mac: str, provider: str) -> str:
        document: Document = {
            "IpConfigurations": [{"IpAddress": address}],
            "MacAddress": mac,
            "Flags": 1,
            "SchemaVersion": {"Major": 2, "Minor": 0},
        }
        if provider:
            settings = {"ProviderAddress": provider}
            document["Policies"] = [{"Type": "ProviderAddress", "Settings": settings}]
        with (
            self.hcn.networks.open(self._network["ID"]) as network,
            self.hcn.endpoints.create(network, document) as made,
        ):
            made.query()
            return made.id

    def _endpoint_at(self, address: str) -> Document | None:
        for one in every(self.hcn.endpoints, VirtualNetwork=self._network["ID"]):
            if address in [each["IpAddress"] for each in one["IpConfigurations"]]:
                return one
        return None

    @property
    def _network(self) -> Document:
        (guid,) = self.hcn.networks.ids(Name=self.settings.network)
        return self.hcn.networks.get(guid)

    @property
    def _is_overlay(self) -> bool:
        return bool(self._network["Type"] == "Overlay")

    def _provider(self, address: str) -> str:
        for policy in self._network["Policies"]:
            route = policy["Settings"]
            if policy["Type"] == "RemoteSubnetRoute" and (
                address == route["ProviderAddress"]
                or ip_address(address) in ip_network(route["DestinationPrefix"])
            ):
                return str(route["ProviderAddress"])
        return ""


def _ingress(service: Document) -> list[str]:
    return [one["ip"] for one in service.get("status", {}).get("loadBalancer", {}).get("ingress", [])]


def _of_family(addresses: list[str], vip: str) -> list[str]:
    return [one for one in addresses if (":" in one) == (":" in vip)]


def _members(items: list[Document], service: Document, port: Document, is_ipv6: bool) -> list[Document]:
    """The endpoints of this port and family with their conditions' defaults filled in."""
    found = []
    for one in items:
        meta = one["metadata"]
        if one["kind"] != "EndpointSlice" or (one["addressType"] == "IPv6") != is_ipv6:
            continue
        if meta["labels"]["kubernetes.io/service-name"] != service["metadata"]["name"]:
            continue
        for each in one["ports"]:
            if each.get("name", "") == port.get("name", ""):
                found += [_member(endpoint, each["port"]) for endpoint in one["endpoints"]]
    return found


def _member(endpoint: Document, number: int) -> Document:
    conditions = endpoint.get("conditions", {})
    ready = conditions.get("ready", True)
    return {
        "address": endpoint["addresses"][0],
        "nodeName": endpoint.get("nodeName", ""),
        "port": number,
        "ready": ready,
        "serving": conditions.get("serving", ready),
        "terminating": conditions.get("terminating", False),
    }
