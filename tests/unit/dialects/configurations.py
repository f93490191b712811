"""Configurations for the tests of the dialects: one plain native one, and ways to change it."""

from __future__ import annotations

import copy
from typing import Any

from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.hcn.views import NetworkView, SubnetView

REMOVED = object()

BRIDGE: dict[str, Any] = {
    "cniVersion": "1.1.0",
    "name": "pods",
    "type": "cni-hns",
    "capabilities": {"portMappings": True, "dns": True},
    "network": {
        "mode": "l2bridge",
        "adapter": "Ethernet",
        "create": True,
        "subnets": [{"prefix": "10.1.0.0/24", "gateway": "10.1.0.1"}],
    },
    "ipam": {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/24"}]]},
}

DUAL: dict[str, Any] = {
    **BRIDGE,
    "network": {
        "mode": "l2bridge",
        "create": True,
        "subnets": [{"prefix": "10.1.0.0/24"}, {"prefix": "fd00:1::/112"}],
    },
    "ipam": {"type": "cni-hns"},
}

OVERLAY: dict[str, Any] = {
    "cniVersion": "1.1.0",
    "name": "vx",
    "type": "cni-hns",
    "network": {"mode": "overlay", "create": True, "vsid": 4096, "subnets": [{"prefix": "10.2.0.0/24"}]},
    "ipam": {"type": "cni-hns"},
}

DHCP: dict[str, Any] = {"name": "lan", "type": "cni-hns", "network": {"mode": "transparent", "create": True}}


def changed(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with other values; `network__vsid=…` reaches one level down, REMOVED takes a key out."""
    result = copy.deepcopy(config)
    for path, value in changes.items():
        *outer, key = path.split("__")
        place = result
        for step in outer:
            place = place.setdefault(step, {})
        if value is REMOVED:
            place.pop(key, None)
        else:
            place[key] = value
    return result


def plan_of(config: dict[str, Any], **changes: Any) -> AttachmentPlan:
    return compile_plan(changed(config, **changes))


def faults_of(config: dict[str, Any]) -> dict[str, str]:
    """{path: message} of what the configuration is refused for; {} where it is accepted."""
    try:
        compile_plan(config)
    except ConfigFault as fault:
        return {finding.path: finding.message for finding in fault.findings}
    return {}


def network_view(
    *prefixes: str, management_ip: str | None = "192.0.2.10", mode: str = "L2Bridge"
) -> NetworkView:
    """An HCN network with these subnets, each "prefix gateway"."""
    subnets = []
    for text in prefixes:
        prefix, _, gateway = text.partition(" ")
        subnets.append(SubnetView("", prefix, gateway or None))
    return NetworkView(
        "3a1f0000-0000-4000-8000-000000000001", "pods", mode, subnets, management_ip, [], {}, 0
    )
