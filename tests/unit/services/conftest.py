"""Nodes with pods, kube-proxy and the objects of a cluster, and a way to ask about their services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.hcn.views import EndpointView, NetworkView
from cni_hns.log import Log
from cni_hns.node.node import Node
from cni_hns.services.explanation import Explanation, Wanted, explain_all
from cni_hns.services.neighbourhood import Neighbourhood
from cni_hns.services.objects import objects_of
from cni_hns.services.walk import remedy
from cni_hns.survey.index import Index
from cni_hns.survey.joining import pods_of
from cni_hns.survey.look import look
from tests.behaviour.scene import configured, dual
from tests.harness import SimulatedNode, container_id
from tests.kube_proxy import KubeProxy, Settings

NODE, ELSEWHERE = "win-1", "win-2"
PROVIDER = "192.168.9.2"
SOURCE_VIP = "10.88.0.250"
FAR = "10.88.2.7"
VIP, VIP6 = "10.96.0.10", "fd00:96::a"

Document = dict[str, Any]


def service(name: str = "web", *vips: str, **spec: Any) -> Document:
    """A Service with one port, 80 to 8080, whose other members `spec` gives; `meta` and `ingress` apart."""
    meta = {"name": name, "namespace": "shop", **spec.pop("meta", {})}
    ingress = [{"ip": one} for one in spec.pop("ingress", [])]
    found = list(vips) or [VIP]
    members = {"clusterIP": found[0], "clusterIPs": found, "ports": [port()], **spec}
    return {
        "kind": "Service",
        "metadata": meta,
        "spec": members,
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def port(**members: Any) -> Document:
    return {"port": 80, "targetPort": 8080, "protocol": "TCP", **members}


def endpoint(address: str, node: str = NODE, **conditions: bool) -> Document:
    return {"addresses": [address], "nodeName": node, "conditions": conditions or {"ready": True}}


def slice_of(name: str, *endpoints: Document, number: int = 8080, port_name: str = "") -> Document:
    address = endpoints[0]["addresses"][0] if endpoints else ""
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-x",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv6" if ":" in address else "IPv4",
        "endpoints": list(endpoints),
        "ports": [{"name": port_name, "port": number}],
    }


class Cluster:
    """One node of a cluster: pods by real ADDs, kube-proxy, and what Kubernetes wants."""

    def __init__(self, folder: Path, mode: str, **options: Any) -> None:
        self.sim = SimulatedNode(folder, **options)
        self.mode = mode
        self.config = dual() if mode == "dual" else configured(mode)
        self.items: list[Document] = []
        self._node = Node(
            lambda: (self.sim.simulator.libraries(), self.sim.simulator.machine()),
            Log(stderr=False),
            Deadline(60),
        )
        self.pod()
        if mode == "overlay":
            self.route()
            self.source = self.sim.simulator.plant_endpoint(
                "pods",
                IpConfigurations=[{"IpAddress": SOURCE_VIP}],
                Policies=[{"Type": "ProviderAddress", "Settings": {"ProviderAddress": self.node_ip}}],
            )
            assert self.sim.command(*RESERVE).exit_code == 0
        self.proxy = self.start_proxy()

    def start_proxy(self, **settings: Any) -> KubeProxy:
        """kube-proxy starts: it deletes all load balancers and begins anew."""
        vip = SOURCE_VIP if self.mode == "overlay" else ""
        found = Settings(NODE, self.node_ip, "pods", vip)._replace(**settings)
        version = self.sim.simulator.options.version
        self.proxy = KubeProxy(self.sim.hcn, found, version)
        return self.proxy

    def pod(self) -> EndpointView:
        """A pod whose sandbox is in its namespace; its endpoint."""
        sandbox, namespace = container_id(), self.sim.namespace()
        answer = self.sim.call("ADD", self.config, sandbox, namespace)
        assert answer.exit_code == 0, answer.words
        (row,) = [one for one in self.sim.rows() if one.key.container_id == sandbox]
        return self.sim.endpoint(row.endpoint_id or "")

    def route(self, prefix: str = "10.88.2.0/24", provider: str = PROVIDER) -> None:
        """The network daemon tells of another node's pods."""
        settings = {
            "DestinationPrefix": prefix,
            "ProviderAddress": provider,
            "DistributedRouterMacAddress": "00-15-5D-01-02-03",
            "IsolationId": 4096,
        }
        self._policy("Add", settings)

    def lose_route(self) -> None:
        document = self.network
        found = [one for one in document.policies if one["Type"] == "RemoteSubnetRoute"]
        for one in found:
            self._policy("Remove", one["Settings"])

    def _policy(self, change: str, settings: Document) -> None:
        policies = {"Policies": [{"Type": "RemoteSubnetRoute", "Settings": settings}]}
        with self.sim.hcn.networks.open(self.network.id) as network:
            network.modify({"ResourceType": "Policy", "RequestType": change, "Settings": policies})

    @property
    def network(self) -> NetworkView:
        return NetworkView.of(self.sim.hcn.networks.get(self.sim.network_id("pods")))

    @property
    def node_ip(self) -> str:
        return self.network.management_ip or ""

    @property
    def locals(self) -> list[EndpointView]:
        """The pods' endpoints on this node, in the order of their addresses."""
        ids = {row.endpoint_id for row in self.sim.rows()}
        return sorted((one for one in self.sim.endpoints() if one.id in ids), key=lambda one: one.addresses)

    def serve(self, *items: Document) -> None:
        """The cluster has these objects now, and kube-proxy sees them."""
        self.items = list(items)
        self.proxy.sync(self.items)

    def web(self, *far: str, **spec: Any) -> None:
        """A service with all pods of this node and with `far`, one of the other node."""
        vips = spec.pop("vips", [VIP])
        self.serve(service("web", *vips, **spec), *self.slices(*far))

    def slices(self, *far: str, **more: Any) -> list[Document]:
        found = []
        for is_ipv6 in (False, True):
            here = [
                endpoint(address)
                for one in self.locals
                for address, _ in one.addresses
                if (":" in address) == is_ipv6
            ]
            there = [endpoint(one, ELSEWHERE) for one in far if (":" in one) == is_ipv6]
            if here or there:
                found.append(slice_of("web", *here, *there, **more))
        return found

    def around(self, **changes: Any) -> Neighbourhood:
        seen = look(self._node, list)._replace(**changes)
        assert seen.notes == ()
        return Neighbourhood(seen, Index(seen), pods_of(seen))

    def explained(self, with_objects: bool = True) -> list[Explanation]:
        text = json.dumps({"kind": "List", "items": self.items})
        wanted = Wanted(objects_of(text), NODE) if with_objects else None
        found = explain_all(self.around(), wanted)
        # Each remedy has all its names.
        assert all("{" not in remedy(fault) for one in found for fault in one.faults)
        return found

    def faults(self, with_objects: bool = True) -> dict[str, list[str]]:
        """The kinds of what is wrong, first first, of each front end that has any."""
        found = self.explained(with_objects)
        return {one.frontend.words: [each.kind for each in one.faults] for one in found if one.faults}

    def change(self, **members: Any) -> None:
        """Another program replaces the only load balancer by one that differs in these members."""
        (guid,) = self.sim.hcn.load_balancers.ids()
        document = self.sim.hcn.load_balancers.get(guid)
        self.sim.hcn.load_balancers.delete(guid)
        kept = {
            name: document[name]
            for name in ("HostComputeEndpoints", "SourceVIP", "FrontendVIPs", "PortMappings", "Flags")
        }
        self.sim.simulator.plant("loadbalancer", {**kept, **members})

    def close(self) -> None:
        self._node.close()
        self.sim.close()


RESERVE = ("ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", SOURCE_VIP)


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A node of the mode that the test names as its parameter, l2bridge without one."""
    made = Cluster(tmp_path / "node", getattr(request, "param", "l2bridge"))
    yield made
    made.close()


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "node", "overlay")
    yield made
    made.close()
