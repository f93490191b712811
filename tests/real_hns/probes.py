"""What the simulated HNS claims of the real one, one call each: a table that is asked of both.

Each row is a call straight through the binding, and the HRESULT with which HNS answers it (0: it succeeds).
`option` names the simulator's option that holds the answer where no public evidence settles it.

Rule: a probe touches only what it made itself, and what an unexpected success made is taken away too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from ipaddress import ip_network
from typing import Any, NamedTuple

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.errors import MalformedAnswer, ServiceError
from cni_hns.binding.reading import member
from cni_hns.binding.service import (
    ENDPOINT,
    LOAD_BALANCER,
    NAMESPACE,
    NETWORK,
    SDN_ROUTE,
    ObjectKind,
)
from cni_hns.hcn.documents import add_endpoint, remove_endpoint
from cni_hns.identity import ZERO_GUID
from tests.conformance.program import Failed, Program
from tests.real_hns.node import HnsNode

__all__ = ["PROBES", "Outcome", "Probe", "outcome_of"]

NOBODY = "5f0b1190-63be-4e0c-b974-bd0f55675a42"
"""An ID that no object has."""

_SCHEMA = {"SchemaVersion": {"Major": 2, "Minor": 0}}
_NO_JSON = "{"
_PORT = 28081
_LIMIT = {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 125_000}}

Call = Callable[[], object]


class Outcome(NamedTuple):
    """How a call ended: its HRESULT, 0 for success, and the error record."""

    hresult: int
    record: dict[str, Any] | str


class Probe(NamedTuple):
    """`prepare` makes what the call needs, and gives the call that is asked about."""

    name: str
    prepare: Callable[[Ground], Call]
    hresult: int
    option: str = ""


class Ground:
    """One node, for one probe: what is made here goes at the end."""

    def __init__(self, node: HnsNode) -> None:
        self.node = node
        self.service = node.service
        self.hcn = node.hcn
        (subnet,) = (one for one in node.network.subnets if ":" not in one.prefix)
        self.subnet = ip_network(subnet.prefix)
        self.gateway = subnet.gateway

    def create(self, kind: ObjectKind, settings: dict[str, Any] | str) -> str:
        """A new object, an endpoint on the node's network; its ID."""
        text = settings if isinstance(settings, str) else json.dumps({**_SCHEMA, **settings})
        if kind is not ENDPOINT:
            return self._kept(kind, self.service.create(kind, text, "a probe"))
        with self.hcn.networks.open(self.node.network.id) as network:
            return self._kept(kind, self.service.create(kind, text, "a probe", network.handle))

    def endpoint(self, *addresses: str, **members: Any) -> str:
        """A new endpoint, HNS choosing the addresses where none is given."""
        wanted = {"IpConfigurations": [{"IpAddress": one} for one in addresses]} if addresses else {}
        network = {"HostComputeNetwork": self.node.network.id}
        return self.create(ENDPOINT, {"Name": "cni-hns-probe", **network, **wanted, **members})

    def namespace(self) -> str:
        return self.create(NAMESPACE, {})

    def modify(self, kind: ObjectKind, guid: str, request: dict[str, Any] | str) -> None:
        handle = self.service.open(kind, guid)
        try:
            self.service.modify(handle, request if isinstance(request, str) else json.dumps(request))
        finally:
            self.service.close(handle)

    def query(self, kind: ObjectKind, guid: str, text: str) -> None:
        handle = self.service.open(kind, guid)
        try:
            self.service.query(handle, text)
        finally:
            self.service.close(handle)

    def address_of(self, endpoint: str) -> str:
        document = self.hcn.endpoints.get(endpoint)
        return str(member(document["IpConfigurations"][0], "IpAddress"))

    def _kept(self, kind: ObjectKind, handle: Any) -> str:
        try:
            guid = str(member(json.loads(self.service.query(handle, json.dumps(_SCHEMA))), "ID"))
        finally:
            self.service.close(handle)
        self.node.at_end(partial(self.service.delete, kind, guid))
        return guid


def outcome_of(call: Call) -> Outcome:
    """Ask, and say how it ended."""
    try:
        call()
    except ServiceError as fault:
        return Outcome(fault.hresult, fault.record)
    except Failed as fault:
        return Outcome(fault.hresult, fault.record)
    return Outcome(0, "")


def _missing(family: str, kind: ObjectKind, hresult: int) -> list[Probe]:
    """Opening and deleting what is not there."""
    return [
        Probe(f"open {family} that is not there", lambda on: partial(on.service.open, kind, NOBODY), hresult),
        Probe(
            f"delete {family} that is not there", lambda on: partial(on.service.delete, kind, NOBODY), hresult
        ),
    ]


def _v1(method: str, path: str, body: str = "") -> Callable[[Ground], Call]:
    return lambda on: partial(on.node.hns.request, method, path, body)


def _twice(kind: ObjectKind) -> Callable[[Ground], Call]:
    def prepare(on: Ground) -> Call:
        guid = on.endpoint() if kind is ENDPOINT else on.namespace()
        on.service.delete(kind, guid)
        return partial(on.service.delete, kind, guid)

    return prepare


def _new_endpoint(**members: Any) -> Callable[[Ground], Call]:
    return lambda on: partial(on.endpoint, **members)


def _same_id(on: Ground) -> Call:
    return partial(on.endpoint, ID=on.endpoint())


def _same_address(on: Ground) -> Call:
    return partial(on.endpoint, on.address_of(on.endpoint()))


def _two_addresses(on: Ground) -> Call:
    endpoints = [on.endpoint(), on.endpoint()]
    first, second = (on.address_of(guid) for guid in endpoints)
    for guid in endpoints:
        on.service.delete(ENDPOINT, guid)
    return partial(on.endpoint, first, second)


def _same_mac(on: Ground) -> Call:
    document = on.hcn.endpoints.get(on.endpoint())
    return partial(on.endpoint, MacAddress=member(document, "MacAddress"))


def _same_port(on: Ground) -> Call:
    settings = {"Protocol": 6, "InternalPort": 80, "ExternalPort": _PORT}
    policies = [{"Type": "PortMapping", "Settings": settings}]
    on.endpoint(Policies=policies)
    return partial(on.endpoint, Policies=policies)


def _in_namespace(on: Ground) -> tuple[str, str]:
    namespace, endpoint = on.namespace(), on.endpoint()
    on.modify(NAMESPACE, namespace, add_endpoint(endpoint))
    return namespace, endpoint


def _add_again(on: Ground) -> Call:
    namespace, endpoint = _in_namespace(on)
    return partial(on.modify, NAMESPACE, namespace, add_endpoint(endpoint))


def _add_to_a_second(on: Ground) -> Call:
    _, endpoint = _in_namespace(on)
    return partial(on.modify, NAMESPACE, on.namespace(), add_endpoint(endpoint))


def _add_nobody(on: Ground) -> Call:
    return partial(on.modify, NAMESPACE, on.namespace(), add_endpoint(NOBODY))


def _remove_absent(on: Ground) -> Call:
    return partial(on.modify, NAMESPACE, on.namespace(), remove_endpoint(on.endpoint()))


def _delete_with_endpoint(on: Ground) -> Call:
    """The namespace goes; its endpoint must be there after it."""
    namespace, endpoint = _in_namespace(on)

    def call() -> None:
        on.service.delete(NAMESPACE, namespace)
        on.hcn.endpoints.get(endpoint)

    return call


def _delete_in_namespace(on: Ground) -> Call:
    """The endpoint goes; the namespace must not list it any more."""
    namespace, endpoint = _in_namespace(on)

    def call() -> None:
        on.service.delete(ENDPOINT, endpoint)
        text = json.dumps(on.hcn.namespaces.get(namespace))
        if endpoint.lower() in text.lower():
            raise MalformedAnswer("HcnQueryNamespaceProperties", "", 0, text)

    return call


def _modify_with(request: dict[str, Any] | str) -> Callable[[Ground], Call]:
    return lambda on: partial(on.modify, NAMESPACE, on.namespace(), request)


def _null_query(on: Ground) -> Call:
    program = Program(on.node.libraries)

    def call() -> None:
        slot = ffi.new("PWSTR *")
        try:
            program.call("HcnEnumerateNetworks", ffi.NULL, slot)
        finally:
            program.take(slot)

    return call


def _stale_network(on: Ground) -> Call:
    """V1 takes the network's ID in the body, where V2 takes an open handle."""
    return partial(on.node.hns.request, "POST", "/endpoints/", json.dumps({"VirtualNetwork": NOBODY}))


PROBES = [
    *_missing("a network", NETWORK, 0x803B0001),
    *_missing("an endpoint", ENDPOINT, 0x803B0002),
    *_missing("a namespace", NAMESPACE, 0x80070490),
    *_missing("a load balancer", LOAD_BALANCER, 0x80070490),
    *_missing("an SDN route", SDN_ROUTE, 0x80070490),
    Probe(
        "open the namespace with the zero ID",
        lambda on: partial(on.service.open, NAMESPACE, ZERO_GUID),
        0x80070490,
    ),
    Probe("delete an endpoint twice", _twice(ENDPOINT), 0x803B0002),
    Probe("delete a namespace twice", _twice(NAMESPACE), 0x80070490),
    # Documents that do not hold.
    Probe("create a network from no JSON", lambda on: partial(on.create, NETWORK, _NO_JSON), 0x803B001B),
    Probe("create a namespace from no JSON", lambda on: partial(on.create, NAMESPACE, _NO_JSON), 0x803B001B),
    Probe("create an endpoint from no JSON", lambda on: partial(on.create, ENDPOINT, _NO_JSON), 0x803B001B),
    Probe(
        "create a load balancer from no JSON",
        lambda on: partial(on.create, LOAD_BALANCER, _NO_JSON),
        0x803B001B,
    ),
    Probe("change a namespace with no JSON", _modify_with(_NO_JSON), 0x803B001B),
    Probe(
        "list networks with a query that is no JSON",
        lambda on: partial(on.service.enumerate, NETWORK, _NO_JSON),
        0x803B001B,
    ),
    Probe("list networks with an empty query", lambda on: partial(on.service.enumerate, NETWORK, ""), 0),
    Probe("list networks without a query", _null_query, 0, "null_query_accepted"),
    Probe(
        "create a network of an unknown type",
        lambda on: partial(on.create, NETWORK, {"Type": "Nonsense"}),
        0x803B000B,
    ),
    Probe(
        "create a network whose name is taken",
        lambda on: partial(on.create, NETWORK, {"Type": "NAT", "Name": on.node.network.name}),
        0x803B0010,
    ),
    # Endpoints.
    Probe("create an endpoint with a member nobody knows", _new_endpoint(Frobnicate="yes"), 0),
    Probe(
        "create an endpoint whose name is taken",
        lambda on: partial(on.endpoint, Name=member(on.hcn.endpoints.get(on.endpoint()), "Name")),
        0,
    ),
    Probe("create an endpoint whose ID is taken", _same_id, 0x800700B7, "existing_id_hresult"),
    Probe("create an endpoint outside the subnet", lambda on: partial(on.endpoint, "192.0.2.7"), 0x803B001E),
    Probe(
        "create an endpoint with the network's address",
        lambda on: partial(on.endpoint, str(on.subnet[0])),
        0x803B002F,
        "reserved_address_hresult",
    ),
    Probe(
        "create an endpoint with the broadcast address",
        lambda on: partial(on.endpoint, str(on.subnet[-1])),
        0x803B002F,
        "reserved_address_hresult",
    ),
    Probe(
        "create an endpoint with the gateway's address",
        lambda on: partial(on.endpoint, on.gateway or ""),
        0x803B002F,
        "gateway_address_hresult",
    ),
    Probe(
        "create an endpoint with another's address", _same_address, 0x80071392, "duplicate_address_hresult"
    ),
    Probe("create an endpoint with two IPv4 addresses", _two_addresses, 0x803B000C, "second_address_hresult"),
    Probe("create an endpoint with another's MAC address", _same_mac, 0, "duplicate_mac_hresult"),
    Probe("create an endpoint with a MAC address that is none", _new_endpoint(MacAddress="no"), 0x803B000C),
    Probe(
        "create an endpoint with a policy of an unknown type",
        _new_endpoint(Policies=[{"Type": "Nonsense", "Settings": {}}]),
        0x803B000E,
    ),
    Probe(
        "create an endpoint with two limits",
        _new_endpoint(Policies=[_LIMIT, _LIMIT]),
        0x803B0012,
        "policy_twice_hresult",
    ),
    Probe(
        "create an endpoint in a VLAN that does not exist",
        _new_endpoint(Policies=[{"Type": "VLAN", "Settings": {"IsolationId": 4095}}]),
        0x803B000D,
        "vlan_hresult",
    ),
    Probe("map a port that another endpoint maps", _same_port, 0x803B0013),
    # Namespaces.
    Probe("add an endpoint that is not there", _add_nobody, 0x803B0002),
    Probe("add an endpoint where it is", _add_again, 0, "member_again_hresult"),
    Probe("add an endpoint to a second namespace", _add_to_a_second, 0x803B002B, "second_namespace_hresult"),
    Probe(
        "remove an endpoint that is not in the namespace", _remove_absent, 0x80070490, "remove_absent_hresult"
    ),
    Probe(
        "add something unknown to a namespace",
        _modify_with({"ResourceType": "Nonsense", "RequestType": "Add", "Settings": {}}),
        0x803B0015,
    ),
    Probe("an endpoint outlives its namespace", _delete_with_endpoint, 0),
    Probe("delete an endpoint that is in a namespace", _delete_in_namespace, 0),
    # HNSCall.
    Probe("V1: the version", _v1("GET", "/globals/version"), 0),
    Probe("V1: get a network that is not there", _v1("GET", f"/networks/{NOBODY}"), 0x803B0001),
    Probe("V1: get an endpoint that is not there", _v1("GET", f"/endpoints/{NOBODY}"), 0x803B0002),
    Probe("V1: delete an endpoint that is not there", _v1("DELETE", f"/endpoints/{NOBODY}"), 0x803B0002),
    Probe("V1: get a policy list that is not there", _v1("GET", f"/policylists/{NOBODY}"), 0x80070490),
    Probe("V1: create an endpoint on a network that is not there", _stale_network, 0x80070490),
    Probe("V1: create a network from no JSON", _v1("POST", "/networks/", _NO_JSON), 0x803B001B),
    Probe("V1: a path that is none", _v1("GET", "/nonsense/"), 0x80070057),
]
