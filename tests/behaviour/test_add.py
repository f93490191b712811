"""ADD: one endpoint, in the namespace, with an address that nobody else has."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.identity import endpoint_id
from cni_hns.ledger import AttachmentKey, open_ledger
from tests.behaviour.pod import Pod
from tests.harness import SimulatedNode, container_id, l2bridge


@pytest.mark.single_file
def test_add_gives_an_address_and_puts_the_endpoint_into_the_namespace(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    answer = node.call("ADD", l2bridge(), container, namespace)
    assert answer.exit_code == 0, answer.words
    (endpoint,) = node.endpoints()
    assert endpoint.id == endpoint_id("pods", container, "eth0")
    assert endpoint.name == f"{container}_pods"
    assert endpoint.namespace == namespace
    assert node.in_namespace(namespace) == {endpoint.id}
    assert answer.addresses == [f"{endpoint.addresses[0][0]}/24"]


def test_the_result_says_what_hns_has(node: SimulatedNode) -> None:
    namespace = node.namespace()
    answer = node.call("ADD", l2bridge(), container_id(), namespace)
    (endpoint,) = node.endpoints()
    assert answer.document["interfaces"] == [
        {"name": "eth0", "mac": endpoint.mac.replace("-", ":").lower(), "sandbox": namespace}
    ]
    assert answer.document["ips"] == [{"address": "10.88.0.2/24", "gateway": "10.88.0.1", "interface": 0}]
    assert answer.document["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.88.0.1"}]
    assert answer.document["dns"] == {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]}


def test_a_second_pod_gets_another_address_on_the_same_network(node: SimulatedNode) -> None:
    answers = [node.call("ADD", l2bridge(), container_id(), node.namespace()) for _ in range(2)]
    assert [one.addresses for one in answers] == [["10.88.0.2/24"], ["10.88.0.3/24"]]
    assert len(node.hcn.networks.ids(Name="pods")) == 1


def test_a_repeated_add_gives_the_same_result_and_makes_nothing(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    first = node.call("ADD", l2bridge(), container, namespace)
    second = node.call("ADD", l2bridge(), container, namespace)
    assert second == first
    assert len(node.endpoints()) == 1
    assert len(node.leases()) == 1


def test_a_repeated_add_in_another_namespace_names_both_and_changes_nothing(node: SimulatedNode) -> None:
    namespace, other, container = node.namespace(), node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    before = node.endpoints(), node.rows(), node.leases()
    answer = node.call("ADD", l2bridge(), container, other)
    assert (answer.exit_code, answer.document["code"]) == (1, 7)
    assert namespace in answer.words
    assert other in answer.words
    assert (node.endpoints(), node.rows(), node.leases()) == before


def test_a_repeated_add_for_another_request_says_what_differs_and_takes_nothing(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    node.call("ADD", l2bridge(), container, namespace)
    before = node.endpoints(), node.leases()
    mappings = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
    answer = node.call("ADD", l2bridge(runtimeConfig=mappings), container, namespace)
    assert (answer.exit_code, answer.document["code"]) == (1, 7)
    assert "port_mappings" in answer.words
    assert (node.endpoints(), node.leases()) == before


def test_a_repeated_add_that_is_refused_repairs_nobody_elses(node: SimulatedNode) -> None:
    """It says that nothing was changed."""
    pod, other = Pod(node), Pod(node)
    pod.add()
    other.add()
    with closing(open_ledger(node.ledger_path, Deadline(30))) as ledger:
        row = ledger.attachment(AttachmentKey("pods", other.container, "eth0"))
        assert row is not None
        assert ledger.claim_stale(row, row.owner._replace(pid=1, started="long ago"), "a dead one's", 0.0)
    before = node.endpoints()
    answer = pod.call("ADD", dns={"nameservers": ["10.96.0.11"]})
    assert answer.document["code"] == 7
    assert node.endpoints() == before


def test_a_repeated_add_makes_an_endpoint_again_that_hns_lost(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    first = node.call("ADD", l2bridge(), container, namespace)
    (lost,) = node.endpoints()
    node.hcn.endpoints.delete(lost.id)
    second = node.call("ADD", l2bridge(), container, namespace)
    assert second == first
    (again,) = node.endpoints()
    assert (again.id, again.mac, again.addresses) == (lost.id, lost.mac, lost.addresses)


def test_a_repeated_add_puts_back_an_endpoint_that_was_taken_out_of_its_namespace(
    node: SimulatedNode,
) -> None:
    namespace, container = node.namespace(), container_id()
    first = node.call("ADD", l2bridge(), container, namespace)
    node.hcn.namespaces.delete(namespace)
    with node.hcn.namespaces.create({"ID": namespace}):
        pass
    assert node.call("ADD", l2bridge(), container, namespace) == first
    assert node.in_namespace(namespace) == {node.endpoints()[0].id}


def test_two_interfaces_of_one_container_are_two_attachments(node: SimulatedNode) -> None:
    namespace, container = node.namespace(), container_id()
    for ifname in ("eth0", "eth1"):
        assert node.call("ADD", l2bridge(), container, namespace, ifname=ifname).exit_code == 0
    assert len(node.in_namespace(namespace)) == 2
    node.call("DEL", l2bridge(), container, namespace, ifname="eth1")
    assert node.in_namespace(namespace) == {endpoint_id("pods", container, "eth0")}


def test_a_missing_namespace_is_an_error_that_leaves_nothing(node: SimulatedNode) -> None:
    missing = "11111111-2222-3333-4444-555555555555"
    answer = node.call("ADD", l2bridge(), container_id(), missing)
    assert answer.exit_code == 1
    assert missing in answer.words
    node.assert_clean()


def test_used_up_ranges_are_an_error_with_the_counts(node: SimulatedNode) -> None:
    config = l2bridge(
        ipam={
            "type": "cni-hns",
            "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.10", "rangeEnd": "10.88.0.11"}]],
        }
    )
    for _ in range(2):
        assert node.call("ADD", config, container_id(), node.namespace()).exit_code == 0
    answer = node.call("ADD", config, container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 101)
    assert "2 usable, 2 held" in answer.words
    assert len(node.endpoints()) == len(node.rows()) == len(node.leases()) == 2


def test_an_address_that_a_foreign_endpoint_holds_is_set_aside_and_the_next_one_taken(
    node: SimulatedNode,
) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    node.foreign("foreign", "10.88.0.3")
    answer = node.call("ADD", l2bridge(), container_id(), node.namespace())
    assert answer.addresses == ["10.88.0.4/24"]
    assert [lease.address for lease in node.leases(all_of_them=True) if lease.state == "quarantined"] == [
        "10.88.0.3"
    ]


def test_a_wanted_address_that_is_in_use_is_an_error_that_names_the_holder(node: SimulatedNode) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    node.foreign("foreign", "10.88.0.77")
    answer = node.call(
        "ADD", l2bridge(), container_id(), node.namespace(), args="IP=10.88.0.77;IgnoreUnknown=1"
    )
    assert answer.exit_code == 1
    assert "foreign" in answer.words
    assert len(node.endpoints()) == 2
    assert len(node.leases()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"mode": "overlay", "vsid": 4096}, "is of type L2Bridge", id="another type"),
        pytest.param({"subnets": [{"prefix": "10.99.0.0/24"}]}, "10.99.0.0/24", id="another subnet"),
        pytest.param(
            {"subnets": [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.254"}]},
            "10.88.0.254",
            id="another gateway",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_an_error_that_shows_both_sides(
    node: SimulatedNode, changes: dict[str, Any], words: str
) -> None:
    node.call("ADD", l2bridge(), container_id(), node.namespace())
    before = node.endpoints()
    other = l2bridge(network={"name": "pods", **l2bridge()["network"], **changes}, ipam={})
    answer = node.call("ADD", other, container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words
    assert words in answer.words
    assert node.endpoints() == before


def test_a_network_that_may_not_be_created_must_exist(node: SimulatedNode) -> None:
    config = l2bridge(network={**l2bridge()["network"], "create": False})
    answer = node.call("ADD", config, container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 7)
    assert 'HCN network "pods" does not exist' in answer.words
    assert "network create" in answer.words
    node.assert_clean()


def test_a_look_up_that_fails_creates_nothing(node: SimulatedNode) -> None:
    node.simulator.inject(function="HcnEnumerateNetworks", hresult=0x800706BA)
    answer = node.call("ADD", l2bridge(), container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 100)
    node.simulator.clear_faults()
    assert node.hcn.networks.ids() == []
    node.assert_clean()


def test_a_chain_keeps_what_the_plugins_before_made(node: SimulatedNode) -> None:
    previous = {
        "cniVersion": "1.1.0",
        "interfaces": [{"name": "first0", "mac": "00:11:22:33:44:55"}],
        "ips": [{"address": "192.0.2.9/24", "interface": 0}],
        "dns": {"nameservers": ["192.0.2.53"]},
    }
    answer = node.call("ADD", l2bridge(prevResult=previous), container_id(), node.namespace())
    assert [one["name"] for one in answer.document["interfaces"]] == ["first0", "eth0"]
    assert [(one["address"], one["interface"]) for one in answer.document["ips"]] == [
        ("192.0.2.9/24", 0),
        ("10.88.0.2/24", 1),
    ]


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_the_result_is_in_the_version_of_the_configuration(node: SimulatedNode, version: str) -> None:
    answer = node.call("ADD", l2bridge(cniVersion=version), container_id(), node.namespace())
    assert answer.exit_code == 0, answer.words
    assert answer.document["cniVersion"] == version
    first = answer.document["ip4"]["ip"] if version < "0.3" else answer.addresses[0]
    assert first == "10.88.0.2/24"


def test_a_result_that_an_old_version_cannot_express_is_an_error_that_leaves_nothing(
    node: SimulatedNode,
) -> None:
    config = l2bridge(
        cniVersion="0.2.0", network={"mode": "transparent", "create": True, "adapter": "Ethernet"}
    )
    answer = node.call("ADD", {**config, "ipam": {}, "dns": {}}, container_id(), node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words
    node.assert_clean()
