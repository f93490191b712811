"""A node whose services are kept by kube-proxy.exe, and what is then in its HNS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.simulator.core import loadbalancers
from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.control_plane import ControlPlane
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode, pod_cidrs_of
from tests.cluster.windows_proxy import WindowsProxy
from tests.harness import Printed
from tests.lane import Lane

__all__ = ["DSR", "EXTERNAL", "LOCAL_ROUTED", "TCP", "Front", "Serving", "serving"]

Document = dict[str, Any]

# https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
TCP = 6
DSR = 1
LOCAL_ROUTED, EXTERNAL = 2, 16
_BY_CLIENT = 2

_NETWORK = "cbr0"
_NEAR, _FAR = "win-k", "win-far"


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


class Serving:
    """The node, its two pods and the one of another node, and the cluster's objects."""

    def __init__(self, plane: ControlPlane, node: WindowsNode, proxy: WindowsProxy, far_cidr: str) -> None:
        self.admin: Admin = plane.admin()
        self.node = node
        self.proxy = proxy
        self.near = [pod.addresses[0] for pod in node.pods.values()]
        self.far = far_cidr.replace(".0/24", ".7")

    @property
    def back_ends(self) -> list[Document]:
        """Endpoints of a slice: both pods of this node, and the one of the other."""
        near = [objects.endpoint(address, _NEAR) for address in self.near]
        return [*near, objects.endpoint(self.far, _FAR)]

    def make(self, name: str, *endpoints: Document, **spec: Any) -> Document:
        """A Service with these back ends, all three if none are given; as the API server made it."""
        self.admin.create(objects.SLICES, objects.slice_of(name, *(endpoints or self.back_ends)))
        return self.admin.create(objects.SERVICES, objects.service(name, **spec))

    def change(self, name: str, *endpoints: Document) -> None:
        """Other back ends of the Service."""
        self.admin.patch(f"{objects.SLICES}/{name}", {"endpoints": list(endpoints)})

    def give_ingress(self, name: str, address: str) -> None:
        """A cloud's controller has made a load balancer in front of the cluster."""
        status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        self.admin.patch(f"{objects.SERVICES}/{name}/status", status)

    def addresses(self) -> dict[str, str]:
        """The endpoints in HNS: address -> ID."""
        dump = self.node.sim.simulator.dump()
        return {one["IpConfigurations"][0]["IpAddress"]: one["ID"] for one in dump["endpoints"]}

    def fronts(self) -> list[Front]:
        """Every load balancer, without that of the API server itself."""
        dump = self.node.sim.simulator.dump()
        address = {guid.lower(): address for address, guid in self.addresses().items()}
        made = [_front(one, address) for one in dump["loadbalancers"]]
        return [one for one in made if one.port != 443]

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
        found = json.loads(self.verify(folder, "--json").stdout)
        return {fault["kind"] for one in found["faulty"] for fault in one["faults"]}

    def half_make(self, guid: str) -> None:
        """HNS has the load balancer without its port, as no call could make it."""
        with self.node.sim.simulator.store.transaction() as state:
            document = json.dumps({**loadbalancers.load(state, guid), "PortMappings": []})
            state.run("UPDATE loadbalancers SET document = ? WHERE id = ?", document, guid)

    def clean(self) -> None:
        """No Service but the API server's own, and kube-proxy has seen it."""
        for collection in (objects.SERVICES, objects.SLICES):
            self.admin.delete_all(collection, fieldSelector="metadata.name!=kubernetes")
        until("no load balancers", lambda: not self.fronts())


_ALL_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


@contextmanager
def serving(plane: ControlPlane, folder: Path, lane: Lane) -> Iterator[Serving]:
    """The node with kube-proxy on an l2bridge network, for as long as the context lasts."""
    admin = plane.admin()
    node = WindowsNode(folder, _NEAR, "192.0.2.11")
    try:
        cidr, *_ = node.join(admin)
        admin.create(objects.NODES, objects.node(_FAR, "192.0.2.12"))
        node.configure(_l2bridge(cidr))
        for name in ("one", "two"):
            node.add_pod(name)
        with WindowsProxy(lane, node, plane.kubeconfig("kube-proxy.kubeconfig"), _NETWORK) as proxy:
            yield Serving(plane, node, proxy, pod_cidrs_of(admin, _FAR)[0])
    finally:
        node.close()


def _l2bridge(cidr: str) -> Document:
    """The configuration list of a node that has a route to each other one."""
    plugin = {
        "type": "cni-hns",
        "network": {
            "mode": "l2bridge",
            "create": True,
            "adapter": "Ethernet",
            "subnets": [{"prefix": cidr, "gateway": cidr.replace(".0/24", ".1")}],
        },
        "ipam": {"type": "cni-hns"},
    }
    return {"cniVersion": "1.0.0", "name": _NETWORK, "plugins": [plugin]}


def _front(balancer: Document, address: dict[str, str]) -> Front:
    (mapping,) = balancer["PortMappings"]
    vips = balancer.get("FrontendVIPs") or [""]
    ids = [guid.lower() for guid in balancer["HostComputeEndpoints"]]
    return Front(
        balancer["ID"],
        vips[0],
        mapping["ExternalPort"],
        mapping["Protocol"],
        mapping["InternalPort"],
        frozenset(address.get(guid, guid) for guid in ids),
        balancer.get("Flags", 0),
        mapping.get("Flags", 0),
        mapping.get("DistributionType", 0) == _BY_CLIENT,
    )
