"""A node whose services are kept by kube-proxy.exe, and what is then in its HNS."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.cluster import flannel
from cni_hns.simulator.core import loadbalancers
from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.agents import Agent
from tests.cluster.control_plane import ControlPlane
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode, pod_cidrs_of
from tests.cluster.windows_proxy import WindowsProxy
from tests.harness import Printed
from tests.lane import Lane

__all__ = [
    "DSR",
    "EXTERNAL",
    "IPV6",
    "LOCAL_ROUTED",
    "TCP",
    "Front",
    "Serving",
    "flannel_of",
    "serving",
    "serving_overlay",
]

Document = dict[str, Any]

# https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
TCP = 6
DSR, IPV6 = 1, 2
LOCAL_ROUTED, EXTERNAL = 2, 16
_BY_CLIENT = 2
_HTTPS = 443

_NETWORK = "cbr0"
_NEAR, _FAR = "win-k", "win-far"
_FAR_ADDRESS = "192.0.2.212"


class Front(NamedTuple):
    """A load balancer as HNS has it; `addresses` are those of its back ends."""

    guid: str
    vip: str
    port: int
    protocol: int
    target: int
    addresses: frozenset[str]
    flags: int
    mapping: int
    by_client: bool
    source_vip: str


class Serving:
    """The node, its two pods and the one of another node, and the cluster's objects."""

    def __init__(self, admin: Admin, node: WindowsNode, proxy: WindowsProxy, far: list[str]) -> None:
        self.admin = admin
        self.node = node
        self.proxy = proxy
        self._by_family = [*zip(*(pod.addresses for pod in node.pods.values()), strict=True)]
        self._far = far

    @property
    def near(self) -> list[str]:
        """The IPv4 addresses of this node's pods."""
        return list(self._by_family[0])

    @property
    def far(self) -> str:
        """The IPv4 address of the other node's pod."""
        return self._far[0]

    @property
    def all_ipv6(self) -> list[str]:
        """The IPv6 addresses of all three pods."""
        return [*self._by_family[1], self._far[1]]

    @property
    def back_ends(self) -> list[Document]:
        """Endpoints of a slice: both pods of this node, and the one of the other."""
        return _endpoints([*self.near, self.far])

    def make(self, name: str, *endpoints: Document, **spec: Any) -> Document:
        """A Service with these back ends, all three pods if none are given; as the API server made it."""
        self.admin.create(objects.SLICES, objects.slice_of(name, *(endpoints or self.back_ends)))
        return self.admin.create(objects.SERVICES, objects.service(name, **spec))

    def make_dual(self, name: str) -> Document:
        """A Service of both families."""
        ipv6 = objects.slice_of(name, *_endpoints(self.all_ipv6))
        ipv6["metadata"]["name"] = f"{name}-ipv6"
        self.admin.create(objects.SLICES, ipv6)
        return self.make(name, ipFamilyPolicy="RequireDualStack")

    def change(self, name: str, *endpoints: Document) -> None:
        """Other back ends of the Service."""
        self.admin.patch(f"{objects.SLICES}/{name}", {"endpoints": list(endpoints)})

    def give_ingress(self, name: str, address: str) -> None:
        """A cloud's controller has made a load balancer in front of the cluster."""
        status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        self.admin.patch(f"{objects.SERVICES}/{name}/status", status)

    def routes(self) -> dict[str, str]:
        """The overlay network's routes to other nodes: prefix -> the node's address."""
        return self.node.overlay_routes("flannel.4096")

    def addresses(self) -> dict[str, str]:
        """The endpoints in HNS: address -> ID."""
        found = self.node.sim.simulator.dump()["endpoints"]
        return {each["IpAddress"]: one["ID"].lower() for one in found for each in one["IpConfigurations"]}

    def fronts(self) -> list[Front]:
        """Every load balancer that has a port, without that of the API server itself."""
        addresses = self.addresses()
        return [_front(one, addresses) for one in self._balancers() if one["PortMappings"]]

    def _balancers(self) -> list[Document]:
        found = self.node.sim.simulator.dump()["loadbalancers"]
        return [one for one in found if all(each["ExternalPort"] != _HTTPS for each in one["PortMappings"])]

    def front(self, vip: str, port: int) -> Front | None:
        """The load balancer of this front end, if there is one; a node port's VIP is empty."""
        found = [one for one in self.fronts() if (one.vip, one.port) == (vip, port)]
        assert len(found) < 2, found
        return found[0] if found else None

    def await_front(self, vip: str, port: int, addresses: list[str]) -> Front:
        """The load balancer once it has these back ends."""

        def look() -> Front | None:
            found = self.front(vip, port)
            assert found is not None, self.fronts()
            assert found.addresses == set(addresses), found
            return found

        found = until(f"load balancer {vip}:{port}", look)
        assert found is not None
        return found

    def verify(self, folder: Path, *options: str) -> Printed:
        """`cni-hns service verify` against the objects that the API has now."""
        file = folder / "objects.json"
        listed = [self.admin.get(path) for path in ("/api/v1/services", _ALL_SLICES)]
        file.write_text(json.dumps(objects.saved(*listed)), encoding="utf-8")
        return self.node.sim.command("service", "verify", "--objects", str(file), "--node", _NEAR, *options)

    def kinds(self, folder: Path) -> set[str]:
        """The kinds of all faults that `cni-hns service verify` finds."""
        return {fault["kind"] for fault in self.faults(folder)}

    def faults(self, folder: Path) -> list[Document]:
        """All that it finds."""
        found = json.loads(self.verify(folder, "--json").stdout)
        return [fault for one in found["faulty"] for fault in one["faults"]]

    def half_make(self, guid: str) -> None:
        """HNS has the load balancer without its port, as no call could make it."""
        with self.node.sim.simulator.store.transaction() as state:
            document = json.dumps({**loadbalancers.load(state, guid), "PortMappings": []})
            state.run("UPDATE loadbalancers SET document = ? WHERE id = ?", document, guid)

    def clean(self) -> None:
        """No Service but the API server's own, and kube-proxy has seen it."""
        for collection in (objects.SERVICES, objects.SLICES):
            self.admin.delete_all(collection, fieldSelector="metadata.name!=kubernetes")
        until("no load balancers", lambda: not self._balancers())


_ALL_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


@contextmanager
def serving(plane: ControlPlane, folder: Path, lane: Lane) -> Iterator[Serving]:
    """The node with kube-proxy on an l2bridge network of both families, for as long as the context lasts."""
    admin = plane.admin()
    node = WindowsNode(folder, _NEAR, "192.0.2.11")
    try:
        cidrs = node.join(admin, also="fd00:9::11")
        admin.create(objects.NODES, objects.node(_FAR, "192.0.2.12", "fd00:9::12"))
        node.configure(_l2bridge(cidrs))
        for name in ("one", "two"):
            node.add_pod(name)
        with WindowsProxy(lane, node, plane.kubeconfig("kube-proxy.kubeconfig"), _NETWORK) as proxy:
            yield Serving(admin, node, proxy, [_seventh(one) for one in pod_cidrs_of(admin, _FAR)])
    finally:
        node.abandon()


@contextmanager
def serving_overlay(plane: ControlPlane, folder: Path, lane: Lane) -> Iterator[Serving]:
    """The same on an overlay network that the agent made, whose source VIP kube-proxy is told.

    kube-proxy looks for the interface with the Node's address: the node has this machine's.
    """
    admin = plane.admin()
    admin.create(objects.NODES, objects.node(_FAR, _FAR_ADDRESS, annotations=flannel_of(_FAR_ADDRESS)))
    far_cidr = pod_cidrs_of(admin, _FAR)[0]
    node = WindowsNode(folder, _NEAR, _address_of_this_machine())
    agent = Agent(node, "overlay", plane.kubeconfig("agent.kubeconfig"))
    try:
        node.join(admin)
        agent.start()
        until("the configuration", agent.says_ready, 120.0)
        until("the route", lambda: agent.has_network() and agent.routes() == {far_cidr: _FAR_ADDRESS})
        for name in ("one", "two"):
            node.add_pod(name)
        (source_vip,) = (one.address for one in node.sim.leases() if one.origin == "reserved")
        kubeconfig = plane.kubeconfig("kube-proxy.kubeconfig")
        with WindowsProxy(lane, node, kubeconfig, agent.network, source_vip) as proxy:
            yield Serving(admin, node, proxy, [_seventh(far_cidr)])
    finally:
        agent.stop()
        node.abandon()


def flannel_of(address: str) -> dict[str, str]:
    """The annotations of a Node whose pods are reached by VXLAN at this address."""
    return flannel.written(flannel.Backend(flannel.VXLAN, address, 4096, "00-15-5D-01-02-03"))


def _address_of_this_machine() -> str:
    """One that is not a loopback address."""
    command = ["ip", "-json", "-4", "address", "show", "scope", "global"]
    found = json.loads(subprocess.run(command, stdout=-1, check=True).stdout)
    return str(found[0]["addr_info"][0]["local"])


def _endpoints(addresses: list[str]) -> list[Document]:
    *near, far = addresses
    return [*(objects.endpoint(one, _NEAR) for one in near), objects.endpoint(far, _FAR)]


def _seventh(cidr: str) -> str:
    return str(ip_network(cidr)[7])


def _l2bridge(cidrs: list[str]) -> Document:
    """The configuration list of a node to whose pods others have routes."""
    plugin = {
        "type": "cni-hns",
        "network": {
            "mode": "l2bridge",
            "create": True,
            "adapter": "Ethernet",
            "subnets": [{"prefix": one, "gateway": str(ip_network(one)[1])} for one in cidrs],
        },
        "ipam": {"type": "cni-hns"},
    }
    return {"cniVersion": "1.0.0", "name": _NETWORK, "plugins": [plugin]}


def _front(balancer: Document, endpoints: dict[str, str]) -> Front:
    """`endpoints`: address -> ID; what HNS does not have any more stands as its ID."""
    (mapping,) = balancer["PortMappings"]
    flags = balancer.get("Flags", 0)
    ids = {guid.lower() for guid in balancer["HostComputeEndpoints"]}
    family = {address: guid for address, guid in endpoints.items() if (":" in address) == bool(flags & IPV6)}
    there = {address for address, guid in family.items() if guid in ids}
    return Front(
        balancer["ID"],
        (balancer.get("FrontendVIPs") or [""])[0],
        mapping["ExternalPort"],
        mapping["Protocol"],
        mapping["InternalPort"],
        frozenset(there | (ids - set(endpoints.values()))),
        flags,
        mapping.get("Flags", 0),
        mapping.get("DistributionType", 0) == _BY_CLIENT,
        balancer.get("SourceVIP", ""),
    )
