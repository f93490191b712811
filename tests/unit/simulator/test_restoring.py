"""A node that has the objects of another one: each answers as it did there, whatever the rules say."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.simulator import Simulator
from tests.harness import SimulatedNode

NETWORK = "11111111-0000-4000-8000-000000000000"
ENDPOINT = "22222222-0000-4000-8000-000000000000"
NAMESPACE = "33333333-0000-4000-8000-000000000000"
NONE: dict[str, Any] = dict.fromkeys(
    ("networks", "endpoints", "namespaces", "loadBalancers", "sdnRoutes", "systems")
)
EMPTY: dict[str, Any] = {kind: [] for kind in NONE}

# An endpoint whose namespace does not list it, on a network that nobody has, with members of a newer Windows.
STRANGE = {
    "id": ENDPOINT.upper(),
    "NAME": "pod",
    "HostComputeNetwork": NETWORK,
    "HostComputeNamespace": NAMESPACE,
    "IpConfigurations": [{"IpAddress": "10.0.0.2", "PrefixLength": 24}],
    "Newer": {"a": 1},
}


def restored(node: SimulatedNode, v1: list[dict[str, Any]] | None = None, **objects: Any) -> Simulator:
    node.simulator.restore({**EMPTY, **objects}, v1 or [])
    return node.simulator


def test_an_answer_is_that_of_the_other_node_word_for_word(node: SimulatedNode) -> None:
    restored(node, endpoints=[STRANGE])
    assert node.hcn.endpoints.ids() == [ENDPOINT]
    assert node.hcn.endpoints.get(ENDPOINT) == STRANGE


def test_what_contradicts_itself_goes_on_doing_so(node: SimulatedNode) -> None:
    room = {"ID": NAMESPACE, "Type": "Host", "Resources": []}
    restored(node, endpoints=[STRANGE], namespaces=[room])
    assert node.in_namespace(NAMESPACE) == set()
    assert node.endpoint(ENDPOINT).namespace == NAMESPACE


def test_objects_are_found_by_their_names(node: SimulatedNode) -> None:
    restored(node, endpoints=[STRANGE], networks=[{"ID": NETWORK, "Name": "pods", "Type": "L2Bridge"}])
    assert node.hcn.networks.ids(Name="pods") == [NETWORK]
    assert node.hcn.endpoints.ids(VirtualNetwork=NETWORK) == [ENDPOINT]


def test_v1_answers_with_its_own_documents(node: SimulatedNode) -> None:
    old = {"ID": ENDPOINT.upper(), "State": 5}
    restored(node, [old], endpoints=[STRANGE])
    assert node.hns.endpoints() == [old]
    assert node.hns.endpoint_state(ENDPOINT)[0] == 5


def test_what_was_there_before_is_gone(node: SimulatedNode) -> None:
    node.namespace()
    restored(node)
    assert node.hcn.namespaces.ids() == []


def test_what_is_deleted_is_gone(node: SimulatedNode) -> None:
    restored(node, endpoints=[STRANGE])
    node.hcn.endpoints.delete(ENDPOINT)
    with pytest.raises(NotFound):
        node.hcn.endpoints.get(ENDPOINT)


def test_a_kind_that_nobody_could_read_does_not_answer(node: SimulatedNode) -> None:
    restored(node, endpoints=None)
    with pytest.raises(ServiceError):
        node.hcn.endpoints.ids()
    assert node.hcn.networks.ids() == []


@pytest.mark.parametrize("kind", ["networks", "endpoints", "namespaces", "loadBalancers", "sdnRoutes"])
@pytest.mark.parametrize(
    "members",
    [{}, {"Name": 7, "Type": [], "Flags": "x", "State": {}, "Policies": 3, "Dns": None, "MacAddress": 1}],
    ids=["nothing but an ID", "members of other types"],
)
def test_any_document_with_an_id_is_kept(node: SimulatedNode, kind: str, members: dict[str, Any]) -> None:
    document = {"ID": ENDPOINT, **members}
    restored(node, **{kind: [document]})
    family = {"loadBalancers": "load_balancers", "sdnRoutes": "sdn_routes"}.get(kind, kind)
    assert getattr(node.hcn, family).get(ENDPOINT) == document


def test_new_objects_are_made_by_the_rules(node: SimulatedNode) -> None:
    there = SimulatedNode(node.folder.parent / "there")
    subnet = {
        "IpAddressPrefix": "10.0.0.0/24",
        "Routes": [{"NextHop": "10.0.0.1", "DestinationPrefix": "0.0.0.0/0"}],
    }
    network = {"Name": "pods", "Type": "L2Bridge", "Ipams": [{"Type": "Static", "Subnets": [subnet]}]}
    guid = there.simulator.plant("network", network)
    restored(node, networks=[there.hcn.networks.get(guid)])
    there.close()
    made = node.simulator.plant_endpoint("pods", Name="new")
    assert node.endpoint(made).addresses[0][1] == 24
