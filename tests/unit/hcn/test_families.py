"""All five object families against the simulated service: created, listed, read, changed and deleted."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import pytest

from cni_hns.binding.errors import NotFound, ServiceError, Unreachable
from cni_hns.hcn.client import Family, Hcn, Opened
from cni_hns.hcn.documents import add_endpoint, remove_endpoint
from cni_hns.hcn.models import every as models
from cni_hns.hcn.statistics import EndpointStatistics
from cni_hns.hcn.views import EndpointView, NamespaceView, NetworkView
from tests.harness import SimulatedNode

E_FAIL = 0x80004005
SCHEMA = {"Major": 2, "Minor": 0}
NETWORK = {
    "Name": "pods",
    "Type": "L2Bridge",
    "SchemaVersion": SCHEMA,
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "IpAddressPrefix": "10.9.3.0/24",
                    "Routes": [{"NextHop": "10.9.3.1", "DestinationPrefix": "0.0.0.0/0"}],
                }
            ],
        }
    ],
}
IDS = {
    "networks": "10000000-0000-4000-8000-000000000001",
    "endpoints": "20000000-0000-4000-8000-00000000000a",
    "namespaces": "30000000-0000-4000-8000-00000000000b",
    "load_balancers": "40000000-0000-4000-8000-00000000000c",
    "sdn_routes": "50000000-0000-4000-8000-00000000000d",
}


@pytest.fixture
def hcn(node: SimulatedNode) -> Hcn:
    return node.hcn


def _network(hcn: Hcn) -> Opened:
    return hcn.networks.create(NETWORK, IDS["networks"])


def _endpoint(hcn: Hcn) -> Opened:
    with _network(hcn) as network:
        document = {
            "Name": "c1_pods",
            "SchemaVersion": SCHEMA,
            "Policies": [{"Type": "L2Driver", "Settings": {}}],
        }
        return hcn.endpoints.create(network, document, IDS["endpoints"])


def _namespace(hcn: Hcn) -> Opened:
    return hcn.namespaces.create({"SchemaVersion": SCHEMA}, IDS["namespaces"])


def _attached_endpoint(hcn: Hcn, node: SimulatedNode) -> None:
    with _endpoint(hcn), _namespace(hcn) as namespace:
        namespace.modify(add_endpoint(IDS["endpoints"]))
    node.simulator.start_container(IDS["namespaces"], "c1")


def _load_balancer(hcn: Hcn) -> Opened:
    document = {
        "HostComputeEndpoints": [IDS["endpoints"]],
        "SchemaVersion": SCHEMA,
        "FrontendVIPs": ["10.96.0.1"],
        "PortMappings": [{"Protocol": 6, "InternalPort": 8080, "ExternalPort": 80}],
    }
    return hcn.load_balancers.create(document, IDS["load_balancers"])


def _sdn_route(hcn: Hcn) -> Opened:
    document = {
        "HostComputeEndpoints": [IDS["endpoints"]],
        "SchemaVersion": SCHEMA,
        "Routes": [{"DestinationPrefix": "10.96.0.0/12", "NextHop": "10.9.3.1", "NeedEncap": True}],
    }
    return hcn.sdn_routes.create(document, IDS["sdn_routes"])


MAKERS: dict[str, Callable[[Hcn], Opened]] = {
    "networks": _network,
    "endpoints": _endpoint,
    "namespaces": _namespace,
    "load_balancers": _load_balancer,
    "sdn_routes": _sdn_route,
}
MODELS: dict[str, type[models.Document]] = {
    "networks": models.HostComputeNetwork,
    "endpoints": models.HostComputeEndpoint,
    "namespaces": models.HostComputeNamespace,
    "load_balancers": models.HostComputeLoadBalancer,
    "sdn_routes": models.HostComputeSdnRoute,
}


@pytest.mark.parametrize("name", MAKERS)
def test_an_object_from_its_creation_to_its_end(hcn: Hcn, node: SimulatedNode, name: str) -> None:
    family: Family = getattr(hcn, name)
    if name in ("load_balancers", "sdn_routes"):
        _attached_endpoint(hcn, node)
    with MAKERS[name](hcn) as created:
        assert created.query()["ID"].lower() == created.id == IDS[name]
    assert family.ids(ID=IDS[name].upper()) == [IDS[name]]
    assert IDS[name] in family.ids()
    with family.open(IDS[name].upper()) as opened:
        document = opened.query()
    # The typed document loses nothing of what the service says, and adds nothing.
    assert MODELS[name].of(document).to_document() == document
    family.delete(IDS[name])
    with pytest.raises(NotFound):
        family.get(IDS[name])
    with pytest.raises(NotFound):
        family.delete(IDS[name])
    assert family.ids(ID=IDS[name]) == []


class TestChanges:
    def test_of_a_network(self, hcn: Hcn) -> None:
        policy = {
            "Type": "SetPolicy",
            "Settings": {"Id": "s1", "Name": "s1", "PolicyType": "IPSET", "Values": "10.9.3.7"},
        }
        with _network(hcn) as network:
            network.modify(
                {"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": [policy]}}
            )
            assert policy in NetworkView.of(network.query()).policies

    def test_of_an_endpoint(self, hcn: Hcn) -> None:
        policy = {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1000}}
        with _endpoint(hcn) as endpoint:
            endpoint.modify(
                {"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": [policy]}}
            )
            assert policy in EndpointView.of(endpoint.query()).policies

    def test_of_a_namespace(self, hcn: Hcn) -> None:
        with _endpoint(hcn) as endpoint, _namespace(hcn) as namespace:
            namespace.modify(add_endpoint(IDS["endpoints"]))
            assert NamespaceView.of(namespace.query()).endpoints == {IDS["endpoints"]}
            assert EndpointView.of(endpoint.query()).namespace == IDS["namespaces"]
            namespace.modify(remove_endpoint(IDS["endpoints"]))
            assert NamespaceView.of(namespace.query()).endpoints == set()

    def test_of_a_load_balancer(self, hcn: Hcn, node: SimulatedNode) -> None:
        node.simulator.set_options(hns_version=(15, 5))
        _attached_endpoint(hcn, node)
        with _load_balancer(hcn) as balancer:
            changed = {**balancer.query(), "FrontendVIPs": ["10.96.0.2"]}
            balancer.modify(changed)
            assert balancer.query()["FrontendVIPs"] == ["10.96.0.2"]


def test_lists_select_by_the_members_that_clients_use(hcn: Hcn) -> None:
    with _endpoint(hcn):
        pass
    assert hcn.networks.ids(Name="pods") == [IDS["networks"]]
    assert hcn.networks.ids(Name="other") == []
    assert hcn.endpoints.ids(Name="c1_pods") == [IDS["endpoints"]]
    assert hcn.endpoints.ids(VirtualNetwork=IDS["networks"]) == [IDS["endpoints"]]
    assert hcn.endpoints.ids(VirtualNetwork=IDS["namespaces"]) == []


def test_an_answer_in_the_v1_shape_can_be_asked_for(hcn: Hcn) -> None:
    with _network(hcn) as network:
        old = network.query(schema_major=1)
    assert old["Subnets"][0]["AddressPrefix"] == "10.9.3.0/24"


def test_an_endpoint_counts_what_passes_it(hcn: Hcn) -> None:
    with _endpoint(hcn), hcn.endpoints.open(IDS["endpoints"]) as endpoint:
        counters = EndpointStatistics.of(endpoint.statistics())
    assert counters.endpoint == IDS["endpoints"]
    assert min(counters[1:]) >= 0


def test_the_v1_call_knows_the_same_endpoint(hcn: Hcn, node: SimulatedNode) -> None:
    with _endpoint(hcn):
        pass
    assert node.hns.endpoint_state(IDS["endpoints"])[0] == 1
    assert [one["ID"].lower() for one in node.hns.endpoints()] == [IDS["endpoints"]]
    assert node.hns.version() >= (9, 2)


def test_what_comes_and_goes_is_notified(hcn: Hcn) -> None:
    told: queue.Queue[tuple[str, str]] = queue.Queue()
    with hcn.watch(lambda name, _hresult, document: told.put((name, document["ID"].lower()))):
        with _network(hcn), _namespace(hcn):
            pass
        hcn.namespaces.delete(IDS["namespaces"])
        hcn.networks.delete(IDS["networks"])
        seen = [told.get(timeout=30) for _ in range(6)]
    assert seen == [
        ("NetworkPreCreate", IDS["networks"]),
        ("NetworkCreate", IDS["networks"]),
        ("NamespaceCreate", IDS["namespaces"]),
        ("NamespaceDelete", IDS["namespaces"]),
        ("NetworkPreDelete", IDS["networks"]),
        ("NetworkDelete", IDS["networks"]),
    ]


def _work(hcn: Hcn) -> None:
    with _endpoint(hcn) as endpoint, _namespace(hcn) as namespace:
        namespace.modify(add_endpoint(endpoint.id))
        endpoint.query()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"hresult": E_FAIL}, id="a code alone"),
        pytest.param({"hresult": E_FAIL, "record": "unspecified"}, id="a record that is no JSON"),
        pytest.param({"record": '{"ErrorCode":2147500037}'}, id="a record beside a success"),
        pytest.param({"hresult": E_FAIL, "took_effect": True}, id="a code after the work was done"),
    ],
)
@pytest.mark.parametrize(
    "function",
    [
        "HcnCreateNetwork",
        "HcnCreateEndpoint",
        "HcnCreateNamespace",
        "HcnModifyNamespace",
        "HcnQueryEndpointProperties",
    ],
)
def test_a_failure_at_any_call_leaves_no_handle_and_no_buffer(
    hcn: Hcn, node: SimulatedNode, function: str, fault: dict[str, Any]
) -> None:
    """The `node` fixture looks for what was left at the end; here it must be gone at once."""
    number = node.simulator.inject(function=function, **fault)
    with pytest.raises(ServiceError, match=f"{function} .*0x80004005"):
        _work(hcn)
    assert node.simulator.fired(number) == 1
    assert node.simulator.live() == []


@pytest.mark.parametrize("function", ["HcnCloseNetwork", "HcnCloseEndpoint", "HcnCloseNamespace"])
def test_a_close_whose_answer_is_a_failure_fails_nothing(
    hcn: Hcn, node: SimulatedNode, function: str
) -> None:
    number = node.simulator.inject(function=function, hresult=E_FAIL, took_effect=True)
    _work(hcn)
    assert node.simulator.fired(number) == 1
    assert node.simulator.live() == []


def test_handles_of_a_service_that_was_started_again_are_dead(hcn: Hcn, node: SimulatedNode) -> None:
    with _network(hcn) as network:
        node.simulator.restart_hns()
        with pytest.raises(Unreachable):
            network.query()
    assert hcn.networks.get(IDS["networks"])["Name"] == "pods"
