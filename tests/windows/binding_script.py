"""Run by Windows CPython: the binding that ships, on the DLLs of System32, every family. Prints JSON."""

from __future__ import annotations

import json
import queue
import sys
from collections.abc import Callable
from typing import Any

from cni_hns.binding import service as binding
from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.binding.service import Handle, ObjectKind, Service
from cni_hns.binding.windows import load
from cni_hns.log import Log

SCHEMA = {"SchemaVersion": {"Major": 2, "Minor": 0}}
ROUTE = {"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}
SUBNET = {"IpAddressPrefix": "10.1.0.0/24", "Routes": [ROUTE]}
NOWHERE = "12345678-1234-1234-1234-123456789abc"


def main() -> None:
    libraries, machine = load()
    service = Service(libraries, Log(stderr=False))
    told: queue.Queue[tuple[int, str]] = queue.Queue()
    registration = service.register(lambda code, _, text: told.put((code, json.loads(text)["ID"])))
    seen: dict[str, Any] = {"machine": [machine.boot_id(), machine.hns_start(), machine.state_folder()]}

    def made(kind: ObjectKind, document: dict[str, Any], network: Handle | None = None) -> Handle:
        handle = service.create(kind, json.dumps({**SCHEMA, **document}), "it", network)
        answer = json.loads(service.query(handle, json.dumps(SCHEMA)))
        seen[kind.singular] = answer["ID"]
        assert answer["ID"] in json.loads(service.enumerate(kind, ""))
        service.close(service.open(kind, answer["ID"]))
        return handle

    network = made(
        binding.NETWORK,
        {
            "Name": "Größe \U0001f433",
            "Type": "Overlay",
            "Ipams": [{"Type": "Static", "Subnets": [{**SUBNET, "Policies": [_vsid()]}]}],
        },
    )
    endpoint = made(binding.ENDPOINT, {"Name": "pod_pods"}, network)
    namespace = made(binding.NAMESPACE, {})
    change = {"ResourceType": 1, "RequestType": 0, "Settings": {"EndpointId": seen["Endpoint"]}}
    service.modify(namespace, json.dumps({**SCHEMA, **change}))
    balancer = made(
        binding.LOAD_BALANCER,
        {
            "HostComputeEndpoints": [seen["Endpoint"]],
            "SourceVIP": "10.1.0.20",
            "FrontendVIPs": ["10.96.0.10"],
            "PortMappings": [{"Protocol": 6, "InternalPort": 8080, "ExternalPort": 80}],
        },
    )
    seen["statistics"] = sorted(json.loads(service.statistics(endpoint, "")))
    seen["v1"] = json.loads(service.hns_call("GET", f"/networks/{seen['Network']}", ""))["Output"]["Name"]
    seen["refused"] = [
        _refusal(lambda: service.open(binding.NETWORK, NOWHERE)),
        _refusal(lambda: service.create(binding.NETWORK, "{", "broken")),
        _refusal(lambda: service.hns_call("GET", f"/endpoints/{NOWHERE}", "")),
    ]
    for handle in (balancer, namespace, endpoint, network):
        service.close(handle)
        service.delete(handle.kind, seen[handle.kind.singular])
    seen["told"] = [told.get(timeout=30) for _ in range(6)]
    service.unregister(registration)
    json.dump(seen, sys.stdout)


def _vsid() -> dict[str, Any]:
    return {"Type": "VSID", "Settings": {"IsolationId": 4096}}


def _refusal(call: Callable[[], object]) -> list[Any]:
    try:
        call()
    except ServiceError as fault:
        return [isinstance(fault, NotFound), f"{fault.hresult:08X}", fault.words]
    return []


if __name__ == "__main__":
    main()
