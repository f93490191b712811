"""What HNS says of its objects, read the way HNS means it.

Rule 1: member names are read without regard to case and GUIDs compared as lower-case text without braces: HNS
answers in both cases, sometimes within one document.
Rule 2: what is missing is the default; HNS leaves defaults out. So is what has another type than the schema
says, and an address that is none counts as not there: nothing can be done with it.
"""

from __future__ import annotations

from ipaddress import ip_network

from cni_hns.binding.reading import is_address, member
from cni_hns.identity import ZERO_GUID, guid
from cni_hns.typed import Any, NamedTuple

__all__ = [
    "ENABLE_DHCP",
    "REMOTE",
    "EndpointView",
    "LoadBalancerView",
    "NamespaceView",
    "NetworkView",
    "PortView",
    "SubnetView",
    "contains",
]

REMOTE = 1
"""EndpointFlags, RemoteEndpoint: another node's pod, made known here by kube-proxy or flannel."""

ENABLE_DHCP = 32
"""EndpointFlags, EnableDhcp: an outside server gives the address."""

_MOST_DIGITS = 10
_DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


class SubnetView(NamedTuple):
    """A subnet of an HCN network; `gateway` is the next hop of its default route."""

    id: str
    prefix: str
    gateway: str | None


class NetworkView(NamedTuple):
    """An HCN network. `management_ip` is the host's own address on it, None while it is not there yet."""

    id: str
    name: str
    type: str
    subnets: list[SubnetView]
    management_ip: str | None
    policies: list[dict[str, Any]]
    dns: dict[str, Any]
    flags: int

    @classmethod
    def of(cls, document: dict[str, Any]) -> NetworkView:
        """Read a HostComputeNetwork document."""
        policies = _objects(document, "Policies")
        return cls(
            id=_guid(document, "ID"),
            name=_text(document, "Name"),
            # NAT is the enum's first value, and HNS leaves first values out.
            type=_text(document, "Type") or "NAT",
            subnets=[
                _subnet(one)
                for ipam in _objects(document, "Ipams")
                for one in _objects(ipam, "Subnets")
                if _is_prefix(_text(one, "IpAddressPrefix"))
            ],
            management_ip=_management_ip(policies) or _address(document, "ManagementIP"),
            policies=policies,
            dns=_dns(document),
            flags=_number(document, "Flags"),
        )

    def to_document(self) -> dict[str, Any]:
        """A document that `of` reads back as this view: what the ledger keeps."""
        subnets = [
            {
                "ID": one.id,
                "IpAddressPrefix": one.prefix,
                "Routes": [{"NextHop": one.gateway, "DestinationPrefix": _default_route(one.prefix)}]
                if one.gateway
                else [],
            }
            for one in self.subnets
        ]
        return {
            "ID": self.id,
            "Name": self.name,
            "Type": self.type,
            "Ipams": [{"Subnets": subnets}],
            "ManagementIP": self.management_ip or "",
            "Policies": self.policies,
            "Dns": self.dns,
            "Flags": self.flags,
        }


class EndpointView(NamedTuple):
    """An endpoint. `addresses` are (address, prefix length), `routes` (destination, next hop).

    `network` and `namespace` are GUIDs, `namespace` None while it is in none. `state` is HNS's number where
    the document has one. `containers` are those that share it, as HNS names them.
    """

    id: str
    name: str
    network: str
    namespace: str | None
    addresses: list[tuple[str, int]]
    mac: str
    routes: list[tuple[str, str]]
    dns: dict[str, Any]
    policies: list[dict[str, Any]]
    flags: int
    state: int | None
    containers: list[str]

    @classmethod
    def of(cls, document: dict[str, Any]) -> EndpointView:
        """Read a HostComputeEndpoint document."""
        namespace = _guid(document, "HostComputeNamespace")
        return cls(
            id=_guid(document, "ID"),
            name=_text(document, "Name"),
            network=_guid(document, "HostComputeNetwork"),
            namespace=namespace if namespace and namespace != ZERO_GUID else None,
            addresses=[
                (_text(one, "IpAddress"), _number(one, "PrefixLength"))
                for one in _objects(document, "IpConfigurations")
                if is_address(_text(one, "IpAddress"))
            ],
            mac=_text(document, "MacAddress"),
            routes=[
                (_text(one, "DestinationPrefix"), _text(one, "NextHop"))
                for one in _objects(document, "Routes")
                if _is_prefix(_text(one, "DestinationPrefix")) and _is_hop(_text(one, "NextHop"))
            ],
            dns=_dns(document),
            policies=_objects(document, "Policies"),
            flags=_number(document, "Flags"),
            state=_number(document, "State") if member(document, "State") is not None else None,
            containers=_texts(document, "SharedContainers") or _containers(document),
        )

    @property
    def address_texts(self) -> list[str]:
        """Its addresses as people write them: "10.0.0.2/24"."""
        return [f"{address}/{prefix}" for address, prefix in self.addresses]

    @property
    def is_in_use(self) -> bool:
        """Whether it is in a namespace, or in a container."""
        return self.namespace is not None or bool(self.containers)


class NamespaceView(NamedTuple):
    """A namespace: its compartment (0 until a container lives in it), its endpoints and containers."""

    id: str
    compartment: int
    endpoints: set[str]
    containers: list[str]
    type: str

    @classmethod
    def of(cls, document: dict[str, Any]) -> NamespaceView:
        """Read a HostComputeNamespace document."""
        resources = _objects(document, "Resources") + _objects(document, "ResourceList")
        return cls(
            id=_guid(document, "ID"),
            compartment=_number(document, "NamespaceId") or _number(document, "CompartmentId"),
            endpoints={_guid(one, "Id") for one in _data(resources, "endpoint")},
            containers=sorted(
                {_text(one, "Id") for one in _data(resources, "container")}
                | set(_texts(document, "Containers"))
            ),
            type=_text(document, "Type") or "Host",
        )


class PortView(NamedTuple):
    """A port of a load balancer: the IP protocol's number, the pods' port, the clients' port.

    `distribution` is 2 where a client stays with its back end; `flags` are the port mapping's.
    """

    protocol: int
    internal: int
    external: int
    distribution: int
    flags: int


class LoadBalancerView(NamedTuple):
    """A load balancer. Without `vips` it serves every local address; `source_vip` is "" where it has none.

    `endpoints` are the GUIDs of its back ends, whether HNS still has them or not. `network` is "" before
    schema 2.5. `owner` is "" for kube-proxy's.
    """

    id: str
    owner: str
    endpoints: list[str]
    vips: list[str]
    ports: list[PortView]
    source_vip: str
    flags: int
    network: str

    @classmethod
    def of(cls, document: dict[str, Any]) -> LoadBalancerView:
        """Read a HostComputeLoadBalancer document."""
        return cls(
            id=_guid(document, "ID"),
            owner=_text(document, "Owner"),
            endpoints=[guid(one) or one.lower() for one in _texts(document, "HostComputeEndpoints")],
            vips=[one for one in _texts(document, "FrontendVIPs") if is_address(one)],
            ports=[
                PortView(
                    protocol=_number(one, "Protocol"),
                    internal=_number(one, "InternalPort"),
                    external=_number(one, "ExternalPort"),
                    distribution=_number(one, "DistributionType"),
                    flags=_number(one, "Flags"),
                )
                for one in _objects(document, "PortMappings")
            ],
            source_vip=_text(document, "SourceVIP"),
            flags=_number(document, "Flags"),
            network=_guid(document, "HostComputeNetwork"),
        )


def contains(there: Any, wanted: Any) -> bool:
    """Whether `there` has all that `wanted` has: HNS adds members, orders lists and spells names as it likes.

    A wanted default (0, "", an empty list) is contained in a document that leaves it out.
    """
    if isinstance(wanted, dict):
        return all(
            contains(member(there, name), value) if isinstance(there, dict) else _is_default(value)
            for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(wanted) == 0 or (
            isinstance(there, list) and all(any(contains(one, value) for one in there) for value in wanted)
        )
    if isinstance(wanted, str):
        return (
            (there or "").lower() == wanted.lower() if isinstance(there, str | None) else str(there) == wanted
        )
    return bool(there == wanted or (there is None and _is_default(wanted)))


def _is_default(value: Any) -> bool:
    return value in (None, 0, "", [], {}, False)


def _text(document: dict[str, Any], name: str) -> str:
    value = member(document, name)
    return value if isinstance(value, str) else ""


def _texts(document: dict[str, Any], name: str) -> list[str]:
    found = member(document, name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _number(document: dict[str, Any], name: str) -> int:
    """HNS writes some numbers as texts."""
    found = member(document, name)
    text = str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def _address(document: dict[str, Any], name: str) -> str | None:
    text = _text(document, name)
    return text if is_address(text) else None


def _is_prefix(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return text.rpartition("/")[2].isdigit()


def _is_hop(text: str) -> bool:
    """A route to what is on the link has none."""
    return not text or is_address(text)


def _guid(document: dict[str, Any], name: str) -> str:
    text = _text(document, name)
    return guid(text) or text.lower()


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = member(document, name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _containers(document: dict[str, Any]) -> list[str]:
    """V2 has them deep inside."""
    found: Any = document
    for name in ("Health", "Extra"):
        found = member(found, name)
        if not isinstance(found, dict):
            return []
    return _texts(found, "SharedContainers")


def _data(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [member(one, "Data") for one in resources if _text(one, "Type").lower() == kind]
    return [one for one in found if isinstance(one, dict)]


def _subnet(document: dict[str, Any]) -> SubnetView:
    gateways = [
        _address(route, "NextHop")
        for route in _objects(document, "Routes")
        if _text(route, "DestinationPrefix") in _DEFAULT_ROUTES
    ]
    prefix = _text(document, "IpAddressPrefix")
    return SubnetView(_guid(document, "ID"), prefix, gateways[0] if gateways else None)


def _default_route(prefix: str) -> str:
    return "::/0" if ":" in prefix else "0.0.0.0/0"


def _management_ip(policies: list[dict[str, Any]]) -> str | None:
    """HNS shows the host's address on the network as a ProviderAddress policy once it has moved there."""
    for policy in policies:
        if _text(policy, "Type").lower() == "provideraddress":
            settings = member(policy, "Settings")
            return _address(settings, "ProviderAddress") if isinstance(settings, dict) else None
    return None


def _dns(document: dict[str, Any]) -> dict[str, Any]:
    """The DNS object under the schema's own spelling, without its empty parts."""
    found = member(document, "Dns")
    if not isinstance(found, dict):
        return {}
    parts: dict[str, Any] = {name: _texts(found, name) for name in ("Search", "ServerList", "Options")}
    parts = {"Domain": _text(found, "Domain"), **parts}
    return {name: value for name, value in parts.items() if value}
