"""Good configurations and documents: what is bent, and what the nodes are filled with.

Rule 1: a configuration names itself, its pods' addresses fit, and every verb ends well with it.
Rule 2: `@NODE@` is the node's folder; no other absolute path is in here.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.harness import ROOT, l2bridge

__all__ = ["ANSWER", "BASES", "PLUGIN", "RICH", "RUNTIME_CONFIG", "SECRET", "Base", "namespace", "result"]

SECRET = "planted-hunter2-never-to-be-seen"  # noqa: S105 - it is no password of anything

PLUGIN = "fake-ipam"

_TIMEOUT_S = 5


class Base(NamedTuple):
    """A configuration, and the network that another program has made for it, if it needs one.

    `planted`: mode, prefix and gateway. `blocks`: those that the node has of the pool "blue".
    """

    config: dict[str, Any]
    planted: tuple[str, str, str] | None = None
    blocks: tuple[str, ...] = ()


def namespace(number: int) -> str:
    """The HCN namespace of the pod of this number."""
    return f"5f0c3b1e-0000-4111-8222-33334444{number:04x}"


def _sample(name: str) -> dict[str, Any]:
    """A sample of the documentation as a runtime passes it on, in its newest version."""
    document = json.loads((ROOT / "conf" / name).read_text())
    plugin = document["plugins"][0] if "plugins" in document else document
    version = max(document.get("cniVersions", [document["cniVersion"]]))
    config = {"cniVersion": version, "name": document["name"], **plugin, "timeout": _TIMEOUT_S}
    config.pop("log", None)
    return config


def _native(**changes: Any) -> dict[str, Any]:
    return l2bridge(timeout=_TIMEOUT_S, **changes)


_LOCAL = {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]], "dataDir": "@NODE@/host-local"}
_BLOCKS = ("10.88.0.0-10.88.0.7", "10.88.0.64-10.88.0.127")
_PEER = {"cniVersion": "1.0.0", "timeout": _TIMEOUT_S}

BASES: dict[str, Base] = {
    "l2bridge": Base(_native()),
    "dual": Base(_sample("l2bridge-dual-stack.conflist")),
    "overlay": Base(_sample("overlay.conflist")),
    "nat": Base(_sample("nat.conflist")),
    "l2tunnel": Base(_sample("l2tunnel.conflist")),
    "dhcp": Base(_sample("transparent-dhcp.conflist")),
    "delegated": Base(_native(ipam={"type": PLUGIN}, dns={})),
    "host-local": Base(_native(ipam=_LOCAL)),
    "pool": Base(_native(ipam={"type": "cni-hns", "pool": "blue"}), blocks=_BLOCKS),
    "win-bridge": Base({**_sample("win-bridge.conf"), **_PEER}, ("l2bridge", "10.93.4.0/24", "10.93.4.1")),
    "win-overlay": Base({**_sample("win-overlay.conf"), **_PEER}, ("overlay", "10.94.4.0/24", "10.94.4.1")),
    "sdnbridge": Base(_sample("sdnbridge.conf"), ("l2bridge", "10.95.1.0/24", "10.95.1.1")),
    "sdnoverlay": Base(_sample("sdnoverlay.conf"), ("overlay", "10.97.2.0/24", "10.97.2.1")),
    "wcn-nat": Base(_sample("wcn-nat.conf"), ("nat", "172.29.16.0/20", "172.29.16.1")),
}

RUNTIME_CONFIG: dict[str, Any] = {
    "portMappings": [
        {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": ""},
        {"hostPort": 53, "containerPort": 5353, "protocol": "udp"},
    ],
    "dns": {"servers": ["10.96.0.11"], "searches": ["a.example"], "options": ["ndots:5"]},
    "ips": ["10.88.0.200/24"],
    "mac": "02-11-22-33-44-55",
    "ipRanges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.50", "rangeEnd": "10.88.0.90"}]],
    "bandwidth": {"egressRate": 8_000_000, "egressBurst": 1_000_000, "ingressRate": 0, "ingressBurst": 0},
}

# Every member that a native configuration may have.
RICH: dict[str, Any] = _native(
    capabilities=dict.fromkeys(RUNTIME_CONFIG, True),
    network={
        "name": "pods",
        "mode": "l2bridge",
        "create": True,
        "adapter": "Ethernet",
        "subnets": [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}],
        "flags": ["EnableDnsProxy"],
        "macPool": [{"start": "00-15-5D-AA-00-00", "end": "00-15-5D-AA-0F-FF"}],
        "policies": [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}],
    },
    ipam={
        "type": "cni-hns",
        "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.10", "rangeEnd": "10.88.0.250"}]],
        "routes": [{"dst": "192.0.2.0/24", "gw": "10.88.0.1", "priority": 10}],
        "resolvConf": "@NODE@/resolv.conf",
        "dataDir": "@NODE@/host-local",
    },
    policies=[
        {
            "Type": "ACL",
            "Settings": {"Action": "Allow", "Direction": "In", "Protocols": "6", "Priority": 200},
        },
        {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}},
        {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]}},
        {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1_000_000}},
    ],
    dns={
        "nameservers": ["10.96.0.10"],
        "domain": "pods.example",
        "search": ["svc.cluster.local"],
        "options": ["ndots:5"],
        "searchInPodNamespace": True,
    },
    routes=[{"dst": "198.51.100.0/24", "gw": "10.88.0.1", "metric": 5}],
    outboundNat={"exceptions": ["10.88.0.0/16"], "exceptNetwork": True},
    loopbackDSR=True,
    mtu=1400,
    gatewayFrom="network",
    portMappingAcl=True,
    dataDir="@NODE@/state",
    log={"file": "@NODE@/cni.log", "level": "debug", "maxSizeMB": 1},
    args={"cni": {"mac": "02-11-22-33-44-56", "ips": ["10.88.0.201"]}},
    runtimeConfig=RUNTIME_CONFIG,
)

ANSWER: dict[str, Any] = {
    "cniVersion": "1.1.0",
    "ips": [{"address": "10.88.0.77/24", "gateway": "10.88.0.1"}],
    "routes": [{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24", "gw": "10.88.0.9"}],
    "dns": {"nameservers": ["198.51.100.1"], "search": ["ipam.example"]},
}


def result(version: str, address: str = "10.88.0.2/24", gateway: str = "10.88.0.1") -> dict[str, Any]:
    """What another plugin of the chain, or our own ADD, has answered in this version."""
    if version in {"0.1.0", "0.2.0"}:
        return {"cniVersion": version, "ip4": {"ip": address, "gateway": gateway}, "dns": {}}
    interfaces = [{"name": "eth0", "mac": "00-15-5d-00-00-01", "sandbox": namespace(1)}]
    ip: dict[str, Any] = {"address": address, "gateway": gateway, "interface": 0}
    if version.startswith("0."):
        ip["version"] = "4"
    routes = [{"dst": "0.0.0.0/0", "gw": gateway}]
    dns = {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]}
    return {"cniVersion": version, "interfaces": interfaces, "ips": [ip], "routes": routes, "dns": dns}
