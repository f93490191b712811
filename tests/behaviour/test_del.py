"""DEL: nothing is left, whatever was missing already, and a second DEL finds nothing to do."""

from __future__ import annotations

import pytest

from tests.harness import SimulatedNode, container_id, l2bridge


@pytest.mark.single_file
def test_del_leaves_nothing(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    answer = node.call("DEL", l2bridge(), container, namespace)
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert node.in_namespace(namespace) == set()
    node.assert_clean()


def test_a_second_del_is_a_success(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    for _ in range(2):
        assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    node.assert_clean()


def test_del_of_a_container_that_was_never_added_is_a_success(node: SimulatedNode) -> None:
    assert node.call("DEL", l2bridge(), container_id(), node.namespace()).exit_code == 0


def test_the_order_is_detach_delete_and_only_then_is_the_address_free(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    node.simulator.reset_journal()
    node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
    answer = node.call("DEL", l2bridge(), container, namespace)
    assert (answer.exit_code, answer.document["code"]) == (1, 105)
    assert node.calls() == ["HcnOpenNamespace", "HcnModifyNamespace", "HcnDeleteEndpoint"]
    assert [lease.address for lease in node.leases()] == ["10.88.0.2"]
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    node.assert_clean()


def test_del_goes_on_past_a_failed_detach(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    node.simulator.inject(function="HcnModifyNamespace", hresult=0x80004005)
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    node.assert_clean()


@pytest.mark.parametrize("missing", ["namespace", "endpoint", "network"])
def test_del_succeeds_when_something_is_already_gone(node: SimulatedNode, missing: str) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    if missing == "namespace":
        node.hcn.namespaces.delete(namespace)
    elif missing == "endpoint":
        node.hcn.endpoints.delete(node.endpoints()[0].id)
    else:
        node.hcn.networks.delete(node.network_id("pods"))
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    node.assert_clean()


def test_del_needs_no_namespace(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    assert node.call("DEL", l2bridge(), container, "").exit_code == 0
    assert node.in_namespace(namespace) == set()
    node.assert_clean()


def test_del_needs_of_the_configuration_only_its_name_and_ipam_type(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    poor = {
        "cniVersion": "1.1.0",
        "name": "pods",
        "type": "cni-hns",
        "ipam": {"type": "cni-hns"},
        "mtu": "broken",
    }
    assert node.call("DEL", poor, container, namespace, args="not=a=pair").exit_code == 0
    node.assert_clean()


def test_no_failed_del_reads_like_a_success_to_the_runtime(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    record = '{"Success": false, "Error": "The switch port was Not Found. No such file or directory"}'
    node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x803B0007, record=record)
    answer = node.call("DEL", l2bridge(), container, namespace)
    assert answer.exit_code == 1
    assert "not found" not in answer.words.lower()
    assert "no such file or directory" not in answer.words.lower()


def test_hns_that_does_not_answer_frees_nothing(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    node.simulator.inject(function="*", hresult=0x800706BA, count=0)
    answer = node.call("DEL", l2bridge(), container, namespace)
    node.simulator.clear_faults()
    assert answer.exit_code == 1
    assert len(node.endpoints()) == len(node.leases()) == 1


def test_del_takes_an_endpoint_that_a_peer_made(node: SimulatedNode) -> None:
    """The node was switched from another plugin while the pod was running."""
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    namespace, container = node.namespace(), container_id()
    endpoint = node.foreign(f"{container}_pods", "10.88.0.50")
    node.attach(namespace, endpoint)
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    assert endpoint not in [one.id for one in node.endpoints()]
    assert len(node.endpoints()) == 1


def test_del_of_an_unknown_interface_does_not_take_the_live_one(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    assert node.call("DEL", l2bridge(), container, namespace, ifname="eth1").exit_code == 0
    assert len(node.endpoints()) == len(node.leases()) == 1


def test_two_endpoints_of_a_peers_name_are_an_error(node: SimulatedNode) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    container = container_id()
    for address in ("10.88.0.50", "10.88.0.51"):
        node.foreign(f"{container}_pods", address)
    answer = node.call("DEL", l2bridge(), container, "")
    assert answer.exit_code == 1
    assert "2 endpoints are called" in answer.words
    assert len(node.endpoints()) == 3


def test_the_address_of_a_deleted_pod_is_not_given_to_the_next_one(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    node.call("DEL", l2bridge(), container, namespace)
    assert node.call("ADD", l2bridge(), container_id(), namespace).addresses == ["10.88.0.3/24"]
