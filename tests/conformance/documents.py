"""The documents of Microsoft's Go client: members that are objects are always there, empty or not."""

from __future__ import annotations

from typing import Any

__all__ = [
    "MAC_POOL",
    "TESTS_SUBNET",
    "endpoint",
    "load_balancer",
    "nat",
    "network",
    "overlay",
    "policy",
    "route",
    "sent",
    "subnet",
]

Document = dict[str, Any]

MAC_POOL = {"Ranges": [{"StartMacAddress": "00-15-5D-52-C0-00", "EndMacAddress": "00-15-5D-52-CF-FF"}]}
TESTS_SUBNET = ("192.168.100.0/24", "192.168.100.1")
_VERSION = {"Major": 2, "Minor": 0}


def subnet(prefix: str, gateway: str, **more: Any) -> Document:
    """A subnet with its default route."""
    destination = "::/0" if ":" in prefix else "0.0.0.0/0"
    return {
        "IpAddressPrefix": prefix,
        "Routes": [{"NextHop": gateway, "DestinationPrefix": destination}],
        **more,
    }


def network(kind: str, name: str, *subnets: Document, minor: int = 0, **more: Any) -> Document:
    """A network as the client sends it."""
    document: Document = {"Name": name, "Type": kind, "MacPool": {}, "Dns": {}}
    if subnets:
        document["Ipams"] = [{"Type": "Static", "Subnets": list(subnets)}]
    return {
        **document,
        "Health": {"Extra": {}},
        "SchemaVersion": {"Major": 2, "Minor": minor},
        **more,
    }


def nat(name: str = "GoNat", *subnets: Document, **more: Any) -> Document:
    """A NAT network with a MAC pool."""
    return network("NAT", name, *(subnets or (subnet(*TESTS_SUBNET),)), MacPool=MAC_POOL, **more)


def overlay(name: str = "GoOverlay", vsid: int = 5000, **more: Any) -> Document:
    """An overlay network that does not outlive the service."""
    isolation = policy("VSID", IsolationId=vsid)
    return network(
        "Overlay",
        name,
        subnet(*TESTS_SUBNET, Policies=[isolation]),
        MacPool=MAC_POOL,
        Flags=8,
        **more,
    )


def endpoint(name: str, **more: Any) -> Document:
    """An endpoint as the client sends it."""
    return {"Name": name, "Dns": {}, "Health": {"Extra": {}}, "SchemaVersion": _VERSION, **more}


def load_balancer(*endpoints: str, external_port: int = 8090, flags: int = 0, **more: Any) -> Document:
    """A load balancer in front of these endpoints."""
    mapping: Document = {"Protocol": 6, "InternalPort": 8080, "ExternalPort": external_port}
    if flags:
        mapping["Flags"] = flags
    return {
        "HostComputeEndpoints": list(endpoints),
        "SourceVIP": "10.0.0.1",
        "FrontendVIPs": ["1.1.1.2", "1.1.1.3"],
        "PortMappings": [mapping],
        "SchemaVersion": _VERSION,
        **more,
    }


def route(*endpoints: str, hop: str = "127.10.0.34") -> Document:
    """An SDN route for these endpoints; its destination has host bits, and false is left out."""
    return {
        "HostComputeEndpoints": list(endpoints),
        "Setting": [{"DestinationPrefix": "169.254.169.254/24", "NextHop": hop}],
        "SchemaVersion": _VERSION,
    }


def policy(kind: str, **settings: Any) -> Document:
    """A policy of any kind of object."""
    return {"Type": kind, "Settings": settings}


def sent(read: Document) -> Document:
    """What was read, sent again: zero values are left out, objects are not."""
    return {name: _sent_value(value) for name, value in read.items() if value or isinstance(value, dict)}


def _sent_value(value: Any) -> Any:
    if isinstance(value, dict):
        return sent(value)
    if isinstance(value, list):
        return [_sent_value(item) for item in value]
    return value
