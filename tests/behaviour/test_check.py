"""CHECK: each single difference is found and named, and what others added is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import Answer, SimulatedNode, container_id, l2bridge

MAPPINGS = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}


class Pod:
    """An attachment with a policy and DNS of its own."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.config = l2bridge(runtimeConfig=MAPPINGS, outboundNat={"exceptions": ["10.0.0.0/8"]})
        self.namespace, self.container = node.namespace(), container_id()
        self.result = node.call("ADD", self.config, self.container, self.namespace).document
        (self.endpoint,) = node.endpoints()

    def check(self, result: dict[str, Any] | None = None, **more: Any) -> Answer:
        config = {**self.config, "prevResult": self.result if result is None else result}
        return self.node.call("CHECK", config, self.container, self.namespace, **more)


@pytest.fixture
def pod(node: SimulatedNode) -> Pod:
    return Pod(node)


@pytest.mark.single_file
def test_a_healthy_pod_passes(pod: Pod) -> None:
    answer = pod.check()
    assert (answer.exit_code, answer.stdout) == (0, ""), answer.words


def test_without_prev_result_check_is_an_error(pod: Pod) -> None:
    answer = pod.node.call("CHECK", pod.config, pod.container, pod.namespace)
    assert (answer.exit_code, answer.document["code"]) == (1, 7)
    assert "prevResult is missing" in answer.words


def test_more_policies_than_planned_are_no_fault(pod: Pod) -> None:
    acl = {
        "Type": "ACL",
        "Settings": {"Action": "Allow", "Direction": "In", "Protocols": "6", "Priority": 900},
    }
    with pod.node.hcn.endpoints.open(pod.endpoint.id) as endpoint:
        endpoint.modify({"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": [acl]}})
    assert pod.check().exit_code == 0


def test_what_other_plugins_of_the_chain_added_is_no_fault(pod: Pod) -> None:
    result = copy.deepcopy(pod.result)
    result["interfaces"].append({"name": "later0", "mac": "00:11:22:33:44:55"})
    result["ips"].append({"address": "192.0.2.9/24", "interface": 1})
    assert pod.check(result).exit_code == 0


def test_mac_and_guid_are_compared_by_value(pod: Pod) -> None:
    result = copy.deepcopy(pod.result)
    result["interfaces"][0]["mac"] = result["interfaces"][0]["mac"].upper().replace(":", "-")
    config = {**pod.config, "prevResult": result}
    answer = pod.node.call("CHECK", config, pod.container, "{" + pod.namespace.upper() + "}")
    assert answer.exit_code == 0, answer.words


def _changed(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(result: dict[str, Any]) -> None:
        place: Any = result
        *parents, last = path.split(".")
        for name in parents:
            place = place[int(name)] if name.isdigit() else place[name]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            _changed("ips.0.address", "10.88.0.99/24"), "address 10.88.0.99/24 is missing", id="address"
        ),
        pytest.param(_changed("ips.0.address", "10.88.0.2/16"), "prefix of 10.88.0.2 is /24", id="prefix"),
        pytest.param(
            _changed("ips.0.gateway", "10.88.0.254"), "gateway of 10.88.0.2 is 10.88.0.1", id="gateway"
        ),
        pytest.param(_changed("interfaces.0.mac", "00:00:00:00:00:01"), "MAC is", id="mac"),
        pytest.param(_changed("interfaces.0.name", "eth7"), "no interface eth0", id="interface"),
        pytest.param(_changed("ips", []), "not in prevResult", id="an address too many"),
    ],
)
def test_a_result_that_hns_does_not_confirm_is_named(
    pod: Pod, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    result = copy.deepcopy(pod.result)
    change(result)
    answer = pod.check(result)
    assert (answer.exit_code, answer.document["code"]) == (1, 104)
    assert words in answer.words


def test_a_missing_endpoint_is_named(pod: Pod) -> None:
    pod.node.hcn.endpoints.delete(pod.endpoint.id)
    answer = pod.check()
    assert answer.document["code"] == 104
    assert f"endpoint {pod.endpoint.id} does not exist" in answer.words


def test_a_missing_network_is_named(pod: Pod) -> None:
    pod.node.hcn.networks.delete(pod.endpoint.network)
    answer = pod.check()
    assert answer.document["code"] == 104
    assert 'HCN network "pods"' in answer.words


def test_a_missing_policy_is_named(pod: Pod) -> None:
    mapping = next(one for one in pod.endpoint.policies if one["Type"] == "PortMapping")
    with pod.node.hcn.endpoints.open(pod.endpoint.id) as endpoint:
        endpoint.modify(
            {"ResourceType": "Policy", "RequestType": "Remove", "Settings": {"Policies": [mapping]}}
        )
    answer = pod.check()
    assert answer.document["code"] == 104
    assert "policy PortMapping" in answer.words


def test_a_namespace_that_is_gone_is_named(pod: Pod) -> None:
    pod.node.hcn.namespaces.delete(pod.namespace)
    answer = pod.check()
    assert answer.document["code"] == 104
    assert f"namespace {pod.namespace} does not exist" in answer.words
    assert "is in namespace none" in answer.words


def test_another_namespace_is_named_from_both_sides(pod: Pod) -> None:
    other = pod.node.namespace()
    config = {**pod.config, "prevResult": pod.result}
    answer = pod.node.call("CHECK", config, pod.container, other)
    assert answer.document["code"] == 104
    assert f"is in namespace {pod.namespace}, not in namespace {other}" in answer.words
    assert f"namespace {other} does not list endpoint" in answer.words


def test_a_lost_lease_is_named(pod: Pod) -> None:
    pod.node.drop_leases()
    answer = pod.check()
    assert answer.document["code"] == 104
    assert "address 10.88.0.2 has no lease" in answer.words


def test_all_differences_are_named_at_once(pod: Pod) -> None:
    result = copy.deepcopy(pod.result)
    result["interfaces"][0]["mac"] = "00:00:00:00:00:01"
    result["ips"][0]["gateway"] = "10.88.0.254"
    answer = pod.check(result)
    assert "MAC is" in answer.words
    assert "gateway of" in answer.words


def test_check_changes_nothing(pod: Pod) -> None:
    before = pod.node.endpoints(), pod.node.rows(), pod.node.leases()
    pod.check()
    pod.check({"cniVersion": "1.1.0"})
    assert (pod.node.endpoints(), pod.node.rows(), pod.node.leases()) == before
