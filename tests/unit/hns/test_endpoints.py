"""Endpoints through V1, spoken to as V2's are, on the simulated node."""

from __future__ import annotations

import pytest

from cni_hns.binding.errors import AlreadyExists, MalformedAnswer, NotFound
from cni_hns.binding.service import Service
from cni_hns.binding.texts import UnspeakableText
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.views import EndpointView
from cni_hns.hns.client import Hns
from cni_hns.hns.endpoints import V1Endpoints
from cni_hns.log import Log
from cni_hns.simulator import Simulator
from tests.harness import SimulatedNode
from tests.unit.binding.scripted import Script, ScriptedService

OURS = "5f0c3b1e-0000-5111-8222-333344445555"
SUBNET = {
    "IpAddressPrefix": "10.88.0.0/24",
    "Routes": [{"NextHop": "10.88.0.1", "DestinationPrefix": "0.0.0.0/0"}],
}
DOCUMENT = {
    "Name": "box_pods",
    "IpConfigurations": [{"IpAddress": "10.88.0.5", "PrefixLength": 24}],
    "Policies": [{"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"]}}],
}


@pytest.fixture
def simulator(node: SimulatedNode) -> Simulator:
    ipam = {"Type": "Static", "Subnets": [SUBNET]}
    node.simulator.plant("network", {"Name": "pods", "Type": "L2Bridge", "Ipams": [ipam]})
    return node.simulator


@pytest.fixture
def service(node: SimulatedNode, simulator: Simulator) -> Service:
    return Service(node.libraries, Log(stderr=False))


@pytest.fixture
def endpoints(service: Service) -> V1Endpoints:
    return V1Endpoints(Hns(service))


def _made(service: Service, endpoints: V1Endpoints) -> str:
    hcn = Hcn(service)
    (network,) = hcn.networks.ids(Name="pods")
    with hcn.networks.open(network) as opened, endpoints.create(opened, DOCUMENT, OURS) as endpoint:
        assert EndpointView.of(endpoint.query()).network == network
        return endpoint.id


def test_both_apis_show_the_same_endpoint(service: Service, endpoints: V1Endpoints) -> None:
    made = _made(service, endpoints)
    assert made == OURS
    v1, v2 = EndpointView.of(endpoints.get(made)), EndpointView.of(Hcn(service).endpoints.get(made))
    for part in (
        "id",
        "name",
        "network",
        "namespace",
        "addresses",
        "mac",
        "routes",
        "policies",
        "containers",
    ):
        assert getattr(v1, part) == getattr(v2, part), part


def test_v1_may_choose_the_id(simulator: Simulator, service: Service, endpoints: V1Endpoints) -> None:
    simulator.set_options(v1_takes_ids=False)
    made = _made(service, endpoints)
    assert made != OURS
    assert EndpointView.of(endpoints.get(made)).id == made


def test_an_id_that_is_taken(service: Service, endpoints: V1Endpoints) -> None:
    _made(service, endpoints)
    with pytest.raises(AlreadyExists):
        _made(service, endpoints)


def test_who_shares_it(simulator: Simulator, service: Service, endpoints: V1Endpoints) -> None:
    made = _made(service, endpoints)
    assert not endpoints.has(made, "box")
    Hns(service).request(
        "POST", f"/endpoints/{made}/attach", '{"ContainerId":"Box","SystemType":"Container"}'
    )
    assert endpoints.has(made, "box")  # HNS keeps ids in whatever case
    endpoints.detach(made, "Box")
    assert not endpoints.has(made, "box")


def test_one_that_is_gone(service: Service, endpoints: V1Endpoints) -> None:
    made = _made(service, endpoints)
    endpoints.delete(made)
    assert not endpoints.has(made, "box")
    for call in (endpoints.get, endpoints.delete, lambda guid: endpoints.detach(guid, "box")):
        with pytest.raises(NotFound):
            call(made)


def test_a_nul_is_refused_before_hns_sees_it(service: Service, endpoints: V1Endpoints) -> None:
    hcn = Hcn(service)
    (network,) = hcn.networks.ids(Name="pods")
    with hcn.networks.open(network) as opened, pytest.raises(UnspeakableText):
        endpoints.create(opened, {**DOCUMENT, "Name": "a\0b"}, OURS)


@pytest.mark.parametrize("text", ['{"Success":true}', '{"Success":true,"Output":{"Name":"x"}}'])
def test_an_answer_that_cannot_be_read(text: str) -> None:
    scripted = ScriptedService()
    scripted.scripts["HNSCall"] = Script(text=text)
    endpoints = V1Endpoints(Hns(Service(scripted.libraries(), Log(stderr=False))))

    class Network:
        id = OURS

    with pytest.raises(MalformedAnswer):
        endpoints.create(Network(), DOCUMENT, OURS)
