"""Configurations and steps that the tests of modes, capabilities and IPAM plugins share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcn.views import EndpointView
from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import current

MODES = ["l2bridge", "l2tunnel", "nat", "overlay", "transparent"]
KINDS = {
    "l2bridge": "L2Bridge",
    "l2tunnel": "L2Tunnel",
    "nat": "NAT",
    "overlay": "Overlay",
    "transparent": "Transparent",
}
NEEDS_DUAL_STACK = pytest.mark.needs("DualStack")
# An MTU and a VLAN of an endpoint are policies of this schema.
NEEDS_SCHEMA_2_4 = pytest.mark.needs(schema=(2, 4))
IPV6_SUBNET = {"prefix": "fd00:88::/112", "gateway": "fd00:88::1"}


def network(mode: str, *subnets: Any, **members: Any) -> dict[str, Any]:
    """A network that ADD makes; without subnets given, one /24."""
    vsid = {"vsid": 4096} if mode == "overlay" else {}
    found = list(subnets) or [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}]
    return {"mode": mode, "create": True, "subnets": found, **vsid, **members}


def configured(mode: str, **changes: Any) -> dict[str, Any]:
    return l2bridge(**{"network": network(mode), "ipam": {"type": "cni-hns"}, **changes})


def dual(**changes: Any) -> dict[str, Any]:
    subnets = [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}, IPV6_SUBNET]
    return configured("l2bridge", **{"network": network("l2bridge", *subnets), **changes})


def joining(peer: str, subnet: str = "10.88.0.0/24") -> dict[str, Any]:
    """A peer's configuration, which joins the network that is there."""
    ipam = {"type": "host-local", "subnet": subnet}
    return {"cniVersion": "1.0.0", "name": "pods", "type": peer, "apiVersion": 2, "ipam": ipam}


def plant(node: SimulatedNode, mode: str, *subnets: tuple[str, str], name: str = "pods") -> str:
    """A network that another program made; its ID."""
    policies = [{"Type": "VSID", "Settings": {"IsolationId": 4096}}] if mode == "overlay" else []
    found = [
        {
            "IpAddressPrefix": prefix,
            "Routes": [{"NextHop": gateway, "DestinationPrefix": "::/0" if ":" in prefix else "0.0.0.0/0"}],
            "Policies": policies,
        }
        for prefix, gateway in subnets
    ]
    ipams = [{"Type": "Static", "Subnets": found}] if found else []
    return node.simulator.plant("network", {"Name": name, "Type": KINDS[mode], "Ipams": ipams})


def add(node: SimulatedNode, config: dict[str, Any], **more: Any) -> Answer:
    answer = node.call("ADD", config, container_id(), node.namespace(), **more)
    assert answer.exit_code == 0, answer.words
    return answer


def refused(node: SimulatedNode, config: dict[str, Any], code: int, **more: Any) -> Answer:
    """An ADD that fails with this code and leaves nothing."""
    before = node.endpoints(), node.rows(), node.leases()
    answer = node.call("ADD", config, container_id(), node.namespace(), **more)
    assert (answer.exit_code, answer.document["code"]) == (1, code), answer.words
    assert (node.endpoints(), node.rows(), node.leases()) == before
    return answer


def last(node: SimulatedNode) -> EndpointView:
    return node.endpoints()[-1]


def policies_of(view: EndpointView, kind: str) -> list[dict[str, Any]]:
    return [policy["Settings"] for policy in view.policies if policy["Type"] == kind]


def named(value: object, name: str = "EndpointPolicy") -> dict[str, Any]:
    """An entry of a peer's list of policies."""
    return {"Name": name, "Value": value}


class Logged:
    """A log that the configuration names; a peer's may name one too."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "cni.log"

    def __call__(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "log": {"file": current().path(self.file)}}

    @property
    def warnings(self) -> str:
        events = [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
        return "\n".join(event["message"] for event in events if event["level"] == "warning")

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")
