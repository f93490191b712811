"""The configurations of win-bridge and win-overlay: their fields, each with the values that people write.

Rule 1: `FIELDS` has values with which the peer makes a pod, and every pair of them is tried.
Rule 2: what the peer refuses, or what changes everything else, is in `ALONE`: each once, on a plain
configuration, so that it hides nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tests.differential.cases import Case, Network, written_sample
from tests.differential.pairs import pairwise

__all__ = ["generated", "plain"]

_NAME = "pods0"
_BRIDGE = Network("L2Bridge", (("10.50.7.0/24", "10.50.7.1"),))
_OVERLAY = Network("Overlay", (("10.60.3.0/24", "10.60.3.1"),), vsid=4096)
_HERE = {"win-bridge": "10.50.7", "win-overlay": "10.60.3"}
_NETWORKS = {
    "L2Bridge": _BRIDGE,
    "L2Tunnel": _BRIDGE._replace(kind="L2Tunnel"),
    "Overlay": _OVERLAY,
    "Transparent": _BRIDGE._replace(kind="Transparent"),
    "none": None,
}

_VERSIONS = ["1.0.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.1.0", "absent"]

_IPAM: dict[str, dict[str, Any]] = {
    "a range": {"type": "host-local", "subnet": "HERE.0/24", "rangeStart": "HERE.10", "rangeEnd": "HERE.90"},
    "subnet alone": {"type": "host-local", "subnet": "HERE.0/24"},
    "ranges": {"type": "host-local", "ranges": [[{"subnet": "HERE.0/24", "rangeStart": "HERE.20"}]]},
    "two ranges in a set": {
        "type": "host-local",
        "ranges": [
            [
                {"subnet": "HERE.0/25", "rangeStart": "HERE.30", "rangeEnd": "HERE.30"},
                {"subnet": "HERE.128/25", "rangeStart": "HERE.140"},
            ]
        ],
    },
    "a gateway": {
        "type": "host-local",
        "ranges": [[{"subnet": "HERE.0/24", "rangeStart": "HERE.40", "gateway": "HERE.41"}]],
    },
    "a default route": {
        "type": "host-local",
        "subnet": "HERE.0/24",
        "rangeStart": "HERE.50",
        "routes": [{"dst": "0.0.0.0/0", "gw": "HERE.9"}],
    },
    "routes": {
        "type": "host-local",
        "subnet": "HERE.0/24",
        "rangeStart": "HERE.60",
        "routes": [{"dst": "10.96.0.0/12"}, {"dst": "172.16.0.0/12", "gw": "HERE.9"}],
    },
    "static": {"type": "static", "addresses": [{"address": "HERE.70/24"}]},
    "static with routes and dns": {
        "type": "static",
        "addresses": [{"address": "HERE.71/24", "gateway": "HERE.9"}],
        "routes": [{"dst": "0.0.0.0/0", "gw": "HERE.9"}, {"dst": "172.16.0.0/12", "gw": "HERE.9"}],
        "dns": {"nameservers": ["10.96.0.99"], "domain": "ipam.example", "search": ["ipam.example"]},
    },
}
_DNS: dict[str, dict[str, Any]] = {
    "absent": {},
    "servers and search": {"dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]}},
    "all members": {
        "dns": {
            "nameservers": ["10.96.0.10", "10.96.0.11"],
            "domain": "cluster.local",
            "search": ["a.cluster.local", "b.cluster.local"],
            "options": ["ndots:5"],
        }
    },
    "capitals": {"DNS": {"Nameservers": ["10.96.0.10"], "Search": ["svc.cluster.local"]}},
    "empty": {"dns": {"nameservers": [], "search": None, "domain": ""}},
}


def _entry(value: Any, name: str = "EndpointPolicy") -> dict[str, Any]:
    return {"name": name, "value": value}


_NAT = {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"]}}
_ROUTE = {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}
_ACL_SETTINGS: dict[str, Any] = {
    "Protocols": "6",
    "Action": "Block",
    "Direction": "Out",
    "RemoteAddresses": "10.1.2.3/32",
    "RemotePorts": "80",
    "Priority": 200,
    "RuleType": "Switch",
}
_ACL = {"Type": "ACL", "Settings": _ACL_SETTINGS}
_V1_ROUTE = {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
_POLICIES: dict[str, dict[str, Any]] = {
    "absent": {},
    "OutBoundNAT": {"policies": [_entry(_NAT)]},
    "OutBoundNAT, SDNRoute": {"policies": [_entry(_NAT), _entry(_ROUTE)]},
    "two OutBoundNAT": {
        "policies": [
            _entry(_NAT),
            _entry({"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.7.0.0/16"]}}),
        ]
    },
    "ACL": {"policies": [_entry(_ACL)]},
    "capitals": {"Policies": [{"Name": "endpointpolicy", "Value": _NAT}]},
    "V1 OutBoundNAT": {"policies": [_entry({"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]})]},
    "SDNROUTE": {"policies": [_entry({**_ROUTE, "Type": "SDNROUTE"})]},
    "empty lists": {
        "policies": [_entry({"Type": "OutBoundNAT", "Settings": {"Exceptions": [], "Destinations": []}})]
    },
    "of another name": {"policies": [_entry(_NAT), _entry("C:\\x.log", "LogPath"), {"value": _ROUTE}]},
    "NetworkPolicy": {"policies": [_entry({"Type": "HostRoute", "Settings": {}}, "NetworkPolicy")]},
    "HcnPolicyArgs": {"HcnPolicyArgs": [_ROUTE]},
}
_OVERLAY_POLICIES: dict[str, dict[str, Any]] = {
    "ProviderAddress": {
        "policies": [_entry({"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}})]
    },
    **{
        name: _POLICIES[name]
        for name in ("absent", "OutBoundNAT, SDNRoute", "ACL", "V1 OutBoundNAT", "capitals")
    },
    "of another name": _POLICIES["of another name"],
}
_PORT = {"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}
_RUNTIME: dict[str, dict[str, Any]] = {
    "absent": {},
    "dns of containerd": {
        "dns": {"Servers": ["10.96.0.12"], "Searches": ["x.svc.cluster.local"], "Options": ["ndots:5"]}
    },
    "dns without lists": {"dns": {"Servers": None, "Searches": None, "Options": None}},
    "dns servers alone": {"dns": {"servers": ["10.96.0.13"]}},
    "a port of containerd": {"portMappings": [_PORT]},
    "ports in lower case": {
        "portMappings": [
            {"hostPort": 8081, "containerPort": 81, "protocol": "UDP", "hostIP": "192.0.2.10"},
            {"hostPort": 8082, "containerPort": 82, "protocol": "tcp"},
        ]
    },
    "a port on every address": {"portMappings": [{**_PORT, "HostIP": "0.0.0.0"}]},  # noqa: S104 - not ours
    "a port and sctp": {"portMappings": [_PORT, {**_PORT, "HostPort": 8090, "Protocol": "sctp"}]},
    "protocol by number": {"portMappings": [{**_PORT, "Protocol": "6"}]},
}
_ARGS = {
    "absent": "",
    "of containerd": "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart;K8S_POD_INFRA_CONTAINER_ID=a;K8S_POD_UID=b;"
    "IgnoreUnknown=1",
}
_MASQUERADED: dict[str, dict[str, Any]] = {
    "absent": {},
    "a network": {"ipMasqNetwork": "10.50.0.0/16"},
    "a network, with ipMasq": {"ipMasqNetwork": "10.50.0.0/16", "ipMasq": True},
    "one that a policy has": {"ipMasqNetwork": "10.96.0.0/12"},
    "ipMasq alone": {"ipMasq": True},
}
_FLAG = {"absent": {}, "true": {"loopbackDSR": True}, "false": {"loopbackDSR": False}}
_MAC: dict[str, dict[str, Any]] = {
    "absent": {},
    "0E-2A": {"endpointMacPrefix": "0E-2A"},
    "02-11": {"endpointMacPrefix": "02-11"},
    "0e-2a": {"endpointmacprefix": "0e-2a"},
}
_SPELLING = ["documented", "capitals", "old"]

# The values of these fields are members of the configuration.
_MEMBERS: dict[str, dict[str, dict[str, Any]]] = {
    "dns": _DNS,
    "masquerade": _MASQUERADED,
    "loopbackDSR": _FLAG,
    "macPrefix": _MAC,
}
_FIELDS: dict[str, dict[str, list[str]]] = {
    "win-bridge": {
        "policies": [*_POLICIES],
        "ipam": [*_IPAM],
        "runtime": [*_RUNTIME],
        "cniVersion": _VERSIONS,
        "dns": [*_DNS],
        "masquerade": [*_MASQUERADED],
        "loopbackDSR": [*_FLAG],
        "keys": _SPELLING,
        "network": ["L2Bridge", "L2Tunnel"],
        "args": [*_ARGS],
    },
    "win-overlay": {
        "ipam": [*_IPAM],
        "policies": [*_OVERLAY_POLICIES],
        "runtime": [name for name in _RUNTIME if "of containerd" in name or "absent" in name],
        "cniVersion": _VERSIONS,
        "dns": [*_DNS],
        "masquerade": ["absent", "ipMasq alone", "a network, with ipMasq"],
        "macPrefix": [*_MAC],
        "loopbackDSR": [*_FLAG],
        "keys": _SPELLING,
        "args": [*_ARGS],
    },
}
_PLAIN = {
    "policies": "OutBoundNAT, SDNRoute",
    "ipam": "a range",
    "runtime": "absent",
    "cniVersion": "1.0.0",
    "dns": "servers and search",
    "masquerade": "absent",
    "loopbackDSR": "absent",
    "keys": "documented",
    "args": "absent",
}

# What changes of the plain case: members of the configuration, or of `Case` under their own names.
_ALONE: dict[str, dict[str, dict[str, Any]]] = {
    "win-bridge": {
        "no network": {"network": None},
        "a Transparent network": {"network": _NETWORKS["Transparent"]},
        "an Overlay network": {"network": _OVERLAY._replace(subnets=_BRIDGE.subnets)},
        "no ipam": {"ipam": None},
        "an empty ipam type": {"ipam": {"type": ""}},
        "an IPAM plugin that is not there": {"ipam": {"type": "absent-ipam"}},
        "a wider subnet": {
            "ipam": {
                "type": "host-local",
                "subnet": "10.50.0.0/16",
                "rangeStart": "10.50.7.10",
                "rangeEnd": "10.50.7.20",
            }
        },
        "a subnet elsewhere": {"ipam": {"type": "host-local", "subnet": "10.51.0.0/24"}},
        "host bits in the subnet": {"ipam": {"type": "host-local", "subnet": "10.50.7.1/24"}},
        "two addresses": {
            "ipam": {
                "type": "host-local",
                "ranges": [
                    [{"subnet": "10.50.7.0/25", "rangeStart": "10.50.7.10"}],
                    [{"subnet": "10.50.7.128/25", "rangeStart": "10.50.7.200"}],
                ],
            }
        },
        "one address": {
            "ipam": {
                "type": "host-local",
                "subnet": "10.50.7.0/24",
                "rangeStart": "10.50.7.10",
                "rangeEnd": "10.50.7.10",
            }
        },
        "V1 ROUTE": {"policies": [_entry(_V1_ROUTE)]},
        "a policy that is a text": {"policies": [_entry("none")]},
        "a policy without a type": {"policies": [_entry({"Settings": {}})]},
        "an unknown policy": {"policies": [_entry({"Type": "Quota", "Settings": {"Bytes": 1}})]},
        "policies no list": {"policies": {"name": "EndpointPolicy"}},
        "host bits in a route": {
            "policies": [
                _entry(
                    {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.7/12", "NeedEncap": True}}
                )
            ]
        },
        "an ACL of every address": {
            "policies": [_entry({**_ACL, "Settings": {**_ACL_SETTINGS, "RemoteAddresses": "*"}})]
        },
        "log a text": {"log": "C:\\x.log"},
        "timeout a text": {"timeout": "5s"},
        "unknown keys": {
            "netwrok": {},
            "bridge": "br0",
            "mtu": 1400,
            "master": "Ethernet",
            "logLevel": "debug",
        },
        "a number as a text": {"loopbackDSR": "true"},
        "apiVersion 1": {"apiVersion": 1},
        "apiVersion absent": {"apiVersion": None},
        "apiVersion by its old key": {"apiVersion": None, "ApiVersion": 2},
        "a version of tomorrow": {"cniVersion": "9.9.9"},
        "arguments that nobody knows": {"args": "K8S_POD_NAME=cart;COLOUR=green"},
        "a wanted address": {"args": "IP=10.50.7.77;IgnoreUnknown=1"},
        "a namespace that is gone": {"netns": "12345678-1234-1234-1234-123456789abc"},
        "a namespace that is no GUID": {"netns": "pod-1"},
        "a port that is taken twice": {"runtime": {"portMappings": [_PORT, {**_PORT, "ContainerPort": 81}]}},
        "an IPv6 hostIP": {"runtime": {"portMappings": [{**_PORT, "HostIP": "fd00::1"}]}},
        "flannel's file": {
            "cniVersion": "0.3.0",
            "ipMasq": True,
            "ipMasqNetwork": "10.50.0.0/16",
            "policies": None,
            "runtime": {
                "dns": {"Servers": ["10.96.0.10"], "Searches": ["a.svc.cluster.local"], "Options": None},
                "portMappings": [_PORT],
            },
        },
    },
    "win-overlay": {
        "no network": {"network": None},
        "an L2Bridge network": {"network": _BRIDGE._replace(subnets=_OVERLAY.subnets)},
        "an empty ipam type": {"ipam": {"type": ""}},
        "no ipam": {"ipam": None},
        "a MAC prefix without dash": {"endpointMacPrefix": "0E2A"},
        "a MAC prefix of other letters": {"endpointMacPrefix": "ZZ-ZZ"},
        "a MAC prefix for groups": {"endpointMacPrefix": "01-00"},
        "a port mapping": {"runtime": {"portMappings": [_PORT]}},
        "a policy that is a text": {"policies": [_entry("none")]},
        "apiVersion absent": {"apiVersion": None},
        "a subnet elsewhere": {"ipam": {"type": "host-local", "subnet": "10.61.0.0/24"}},
        "a wider subnet": {
            "ipam": {
                "type": "host-local",
                "subnet": "10.60.0.0/16",
                "rangeStart": "10.60.3.10",
                "rangeEnd": "10.60.3.20",
            }
        },
        "an IPv6 address": {"ipam": {"type": "static", "addresses": [{"address": "fd00:60::7/64"}]}},
        "arguments that nobody knows": {"args": "K8S_POD_NAME=cart;COLOUR=green"},
    },
}
_OF_CASE = ("network", "runtime", "args", "netns")


def generated() -> Iterator[Case]:
    """Every case of the two peers that are to be had by name."""
    for peer, fields in _FIELDS.items():
        for values in pairwise(fields):
            yield _made(peer, values)
    for peer, changes in _ALONE.items():
        for name, changed in changes.items():
            yield _changed(plain(peer), name, changed)
    yield written_sample("win-bridge.conf", "win-bridge", _of_sample(_BRIDGE, "10.93.4"))
    yield written_sample("win-overlay.conf", "win-overlay", _of_sample(_OVERLAY, "10.94.4"))


def _of_sample(network: Network, here: str) -> Network:
    return network._replace(subnets=((f"{here}.0/24", f"{here}.1"),))


def plain(peer: str) -> Case:
    """The peer's plain case, as `_ALONE` changes it."""
    network = {"network": "L2Bridge"} if peer == "win-bridge" else {"macPrefix": "absent"}
    return _made(peer, {**_PLAIN, **network})


def _made(peer: str, values: dict[str, str]) -> Case:
    """The case that these values of the peer's fields make."""
    policies = {**_POLICIES, **_OVERLAY_POLICIES}[values["policies"]]
    ipam = _here(_IPAM[values["ipam"]], _HERE[peer])
    config = {"name": _NAME, "type": peer, "apiVersion": 2, "ipam": ipam, **policies}
    if values["cniVersion"] != "absent":
        config["cniVersion"] = values["cniVersion"]
    for field, members in _MEMBERS.items():
        config.update(members[values.get(field, "absent")])
    return Case(
        peer,
        values,
        _spelt(copy.deepcopy(config), values["keys"]),
        _NETWORKS[values.get("network", "Overlay")],
        _RUNTIME[values["runtime"]],
        _ARGS[values["args"]],
    )


def _changed(plain: Case, name: str, changes: dict[str, Any]) -> Case:
    config = {**plain.config, **{key: value for key, value in changes.items() if key not in _OF_CASE}}
    config = {key: value for key, value in config.items() if value is not None}
    of_case = {key: value for key, value in changes.items() if key in _OF_CASE}
    return plain._replace(values={"alone": name}, config=config, **of_case)


def _here(value: Any, here: str) -> Any:
    """The same with HERE replaced by the first three bytes of the network's addresses."""
    if isinstance(value, dict):
        return {key: _here(inner, here) for key, inner in value.items()}
    if isinstance(value, list):
        return [_here(inner, here) for inner in value]
    return value.replace("HERE", here) if isinstance(value, str) else value


def _spelt(config: dict[str, Any], spelling: str) -> dict[str, Any]:
    """The configuration's keys with a capital letter, or as releases before 1.0 had them."""
    if spelling == "documented":
        return config
    kept = ("cniVersion", "name", "type")
    old = {"apiVersion": "ApiVersion", "policies": "Policies", "loopbackDSR": "loopbackDsr"}
    if spelling == "old":
        return {old.get(key, key): value for key, value in config.items()}
    return {key if key in kept else key[0].upper() + key[1:]: value for key, value in config.items()}
