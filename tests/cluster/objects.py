"""Objects as kubelets, users and controllers make them: what a test leaves out is as in a plain cluster."""

from __future__ import annotations

from typing import Any

__all__ = ["NODES", "PODS", "SERVICES", "SLICES", "endpoint", "node", "pod", "saved", "service", "slice_of"]

Document = dict[str, Any]

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


def node(name: str, *addresses: str, pod_cidrs: tuple[str, ...] = (), **annotations: str) -> Document:
    """A Windows Node with these InternalIPs; without podCIDRs the controller manager gives some."""
    spec = {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)} if pod_cidrs else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/os": "windows", "kubernetes.io/hostname": name},
            "annotations": annotations,
        },
        "spec": spec,
        "status": {
            "addresses": [
                *({"type": "InternalIP", "address": address} for address in addresses),
                {"type": "Hostname", "address": name},
            ]
        },
    }


def pod(name: str, node_name: str, *addresses: str, host_network: bool = False) -> Document:
    """A running Pod with these addresses; create takes no status: patch it with `status` afterwards."""
    spec: Document = {"nodeName": node_name, "containers": [{"name": "main", "image": "pause"}]}
    if host_network:
        spec["hostNetwork"] = True
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"phase": "Running", "podIPs": [{"ip": one} for one in addresses]},
    }


def service(name: str, *ports: Document, kind: str = "ClusterIP", **spec: Any) -> Document:
    """A Service without selector: its slices are the test's. Default: port 80 to 8080."""
    listed = list(ports) or [{"name": "http", "port": 80, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"type": kind, "ports": listed, **spec},
    }


def endpoint(address: str, node_name: str, **conditions: bool) -> Document:
    """One back end of a slice; it is ready where the conditions do not say otherwise."""
    return {
        "addresses": [address],
        "nodeName": node_name,
        "conditions": {"ready": True, "serving": True, "terminating": False, **conditions},
    }


def slice_of(service_name: str, *endpoints: Document, ports: tuple[Document, ...] = ()) -> Document:
    """The EndpointSlice of a Service, named like it; the family is that of the first address."""
    addresses = [address for one in endpoints for address in one["addresses"]]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service_name, "labels": {"kubernetes.io/service-name": service_name}},
        "addressType": "IPv6" if addresses and ":" in addresses[0] else "IPv4",
        "ports": list(ports) or [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    }


def saved(*lists: Document) -> Document:
    """Lists of the API as `kubectl get … -o json` saves several kinds in one file."""
    items = []
    for one in lists:
        kind = one["kind"].removesuffix("List")
        items += [{"apiVersion": one["apiVersion"], "kind": kind, **item} for item in one["items"]]
    return {"apiVersion": "v1", "kind": "List", "items": items}
