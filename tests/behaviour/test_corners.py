"""What seldom happens, and must be right when it does."""

from __future__ import annotations

import pytest

from tests.harness import SimulatedNode, container_id, l2bridge

REFUSED = 0x80004005
ADDRESS_TAKEN = 0x80071392


def test_a_network_that_exists_and_is_not_listed_is_to_be_tried_again(node: SimulatedNode) -> None:
    """HNS holds the left-over of a network: creating it says "exists", and nobody can open it."""
    node.simulator.leave_ghost_network("pods")
    answer = node.call("ADD", l2bridge(), container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
    assert "being made or removed by someone else" in answer.words
    node.assert_clean()


def test_too_many_refused_addresses_in_a_row_are_an_error_that_leaves_nothing(node: SimulatedNode) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    node.simulator.inject(function="HcnCreateEndpoint", hresult=ADDRESS_TAKEN, count=0)
    answer = node.call("ADD", l2bridge(), container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 100)
    assert "refused 8 addresses in a row" in answer.words
    assert len(node.rows()) == len(node.leases()) == 1


def test_an_endpoint_that_lost_its_namespace_before_the_read_back_fails_the_add(node: SimulatedNode) -> None:
    namespace = node.namespace()
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    node.simulator.inject(function="HcnQueryEndpointProperties", vanish=[namespace])
    answer = node.call("ADD", l2bridge(), container_id(), namespace)
    assert (answer.exit_code, answer.document["code"]) == (1, 100)
    assert "is in namespace none" in answer.words
    assert len(node.endpoints()) == len(node.rows()) == len(node.leases()) == 1


def test_a_left_over_that_cannot_be_cleared_away_keeps_its_row_and_lease(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.simulator.inject(function="HcnModifyNamespace", die="after")
    assert node.process("ADD", l2bridge(), container, namespace).killed
    node.simulator.clear_faults()
    node.simulator.inject(function="HcnDeleteEndpoint", hresult=REFUSED)
    assert node.call("ADD", l2bridge(), container, namespace).exit_code == 1
    assert len(node.endpoints()) == len(node.rows()) == len(node.leases()) == 1
    assert node.call("ADD", l2bridge(), container, namespace).exit_code == 0
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    node.assert_clean()


def test_check_says_that_an_add_did_not_end(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    result = node.call("ADD", l2bridge(), container, namespace).document
    node.call("DEL", l2bridge(), container, namespace)
    node.simulator.inject(function="HcnModifyNamespace", die="after")
    assert node.process("ADD", l2bridge(), container, namespace).killed
    node.simulator.clear_faults()
    answer = node.call("CHECK", l2bridge(prevResult=result), container, namespace)
    assert answer.document["code"] == 104
    assert "the ledger has it as adding" in answer.words


@pytest.mark.parametrize("network_is_there", [True, False])
def test_check_of_a_pod_that_nobody_knows_names_what_is_missing(
    node: SimulatedNode, network_is_there: bool
) -> None:
    namespace, container = node.namespace(), container_id()
    result = node.call("ADD", l2bridge(), container, namespace).document
    node.call("DEL", l2bridge(), container, namespace)
    if not network_is_there:
        node.hcn.networks.delete(node.network_id("pods"))
    answer = node.call("CHECK", l2bridge(prevResult=result), container, namespace)
    assert answer.document["code"] == 104
    assert "does not exist in HNS" in answer.words
    assert ('HCN network "pods" does not exist' in answer.words) is not network_is_there


def test_check_names_an_endpoint_on_another_network(node: SimulatedNode) -> None:
    """The network was made again under its name, and with it, by somebody else, the endpoint."""
    namespace, container = node.namespace(), container_id()
    result = node.call("ADD", l2bridge(), container, namespace).document
    (endpoint,) = node.endpoints()
    before = node.network_id("pods")
    node.simulator.swap_network("pods")
    node.simulator.plant_endpoint(
        "pods", ID=endpoint.id, Name=endpoint.name, IpConfigurations=[{"IpAddress": endpoint.addresses[0][0]}]
    )
    answer = node.call("CHECK", l2bridge(prevResult=result), container, namespace)
    assert answer.document["code"] == 104
    assert f"is on HCN network {node.network_id('pods')}, not {before}" in answer.words


@pytest.mark.parametrize("netns", ["", "garbage"])
def test_del_of_a_pod_whose_namespace_nobody_knows(node: SimulatedNode, netns: str) -> None:
    """The ledger was rebuilt after the namespace had gone."""
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    node.hcn.namespaces.delete(namespace)
    node.lose_ledger()
    assert node.command("ledger", "rebuild").exit_code == 0
    assert node.call("DEL", l2bridge(), container, netns).exit_code == 0
    node.assert_clean()


def test_gc_passes_over_an_endpoint_that_vanishes_while_it_looks(node: SimulatedNode) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    endpoint = node.endpoints()[0].id
    node.lose_ledger()
    node.simulator.inject(function="HcnOpenEndpoint", vanish=[endpoint])
    assert node.call("GC", l2bridge()).exit_code == 0
    node.assert_clean()


def test_a_holder_that_cannot_be_looked_up_hides_no_error(node: SimulatedNode) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    node.foreign("foreign", "10.88.0.9")
    node.simulator.inject(function="HNSCall", hresult=REFUSED, count=0)
    answer = node.call("ADD", l2bridge(), container_id(), node.namespace(), args="IP=10.88.0.9")
    node.simulator.clear_faults()
    assert (answer.exit_code, answer.document["code"]) == (1, 100)
    assert len(node.leases()) == 1
