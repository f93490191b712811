"""The verbs as processes, on a network that was there before."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from cni_hns.binding.reading import member
from tests.harness import finished
from tests.real_hns.node import HnsNode, Pod

# A verb gives up by itself long before; a real HNS may take seconds for a call.
pytestmark = pytest.mark.timeout(600)

PODS = 8


def add_at_once(node: HnsNode, count: int) -> dict[Pod, str]:
    """So many pods, whose ADDs all run at the same time, and the address of each."""
    pods = [node.pod() for _ in range(count)]
    answers = [finished(process) for process in [node.start("ADD", pod) for pod in pods]]
    assert [answer.document for answer in answers if answer.exit_code] == []
    return {pod: answer.addresses[0] for pod, answer in zip(pods, answers, strict=True)}


def test_version_names_the_newest_version_of_cni(hns_node: HnsNode) -> None:
    answer = hns_node.call("VERSION")
    assert answer.exit_code == 0
    assert "1.1.0" in answer.document["supportedVersions"]


def test_status_says_that_pods_can_be_added(hns_node: HnsNode) -> None:
    answer = hns_node.call("STATUS")
    assert (answer.exit_code, answer.stdout) == (0, "")


def test_add_reports_what_hns_gave_the_endpoint(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    result = hns_node.add(pod)
    endpoint = hns_node.endpoint(pod)
    assert endpoint is not None
    assert [one["address"] for one in result["ips"]] == [
        "/".join(map(str, one)) for one in endpoint.addresses
    ]
    assert result["interfaces"][0]["mac"].replace(":", "-").upper() == endpoint.mac.upper()
    assert result["interfaces"][0]["sandbox"] == pod.netns


def test_add_gives_an_address_of_the_network_and_its_gateway(hns_node: HnsNode) -> None:
    (address,) = hns_node.add(hns_node.pod())["ips"]
    (subnet,) = (one for one in hns_node.network.subnets if ":" not in one.prefix)
    assert ip_interface(address["address"]).network == ip_network(subnet.prefix)
    assert address["gateway"] == subnet.gateway


def test_add_puts_the_endpoint_into_the_namespace(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    assert hns_node.members(pod) == set()
    hns_node.add(pod)
    assert hns_node.members(pod) == {hns_node.endpoint_id(pod)}


def test_a_repeated_add_gives_the_same_result(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    first = hns_node.add(pod)
    before = set(hns_node.hcn.endpoints.ids())
    assert hns_node.add(pod) == first
    assert set(hns_node.hcn.endpoints.ids()) == before


def test_add_applies_a_port_mapping(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    mapping = {"hostPort": 28080, "containerPort": 80, "protocol": "tcp"}
    hns_node.add(pod, runtimeConfig={"portMappings": [mapping]})
    endpoint = hns_node.endpoint(pod)
    assert endpoint is not None
    (policy,) = (one for one in endpoint.policies if member(one, "Type") == "PortMapping")
    settings = [member(policy["Settings"], name) for name in ("ExternalPort", "InternalPort", "Protocol")]
    assert settings == [28080, 80, 6]


def test_add_on_a_network_that_is_not_there_names_it_and_leaves_nothing(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    answer = hns_node.call("ADD", pod, network={"mode": "nat", "name": "cni-hns-nowhere"})
    assert answer.exit_code == 1
    assert "cni-hns-nowhere" in answer.words
    assert (hns_node.endpoint(pod), hns_node.attachments()) == (None, [])


def test_check_finds_nothing_after_add(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    answer = hns_node.call("CHECK", pod, prevResult=hns_node.add(pod))
    assert (answer.exit_code, answer.stdout) == (0, "")


def test_check_notices_that_the_endpoint_has_gone(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    result = hns_node.add(pod)
    hns_node.hcn.endpoints.delete(hns_node.endpoint_id(pod))
    answer = hns_node.call("CHECK", pod, prevResult=result)
    assert (answer.exit_code, answer.document["code"]) == (1, 104)


def test_check_notices_that_the_endpoint_left_the_namespace(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    result = hns_node.add(pod)
    hns_node.detach(pod)
    answer = hns_node.call("CHECK", pod, prevResult=result)
    assert (answer.exit_code, answer.document["code"]) == (1, 104)


def test_del_takes_the_endpoint_and_leaves_the_namespace(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    hns_node.add(pod)
    answer = hns_node.call("DEL", pod)
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert (hns_node.endpoint(pod), hns_node.members(pod), hns_node.attachments()) == (None, set(), [])


def test_a_second_del_succeeds(hns_node: HnsNode) -> None:
    pod = hns_node.pod()
    hns_node.add(pod)
    assert [hns_node.call("DEL", pod).exit_code for _ in range(2)] == [0, 0]


def test_del_succeeds_when_the_namespace_has_gone(hns_node: HnsNode) -> None:
    """The endpoint outlives the namespace; containerd's DEL then names none."""
    pod = hns_node.pod()
    hns_node.add(pod)
    hns_node.hcn.namespaces.delete(pod.netns)
    answer = hns_node.call("DEL", pod._replace(netns=""))
    assert (answer.exit_code, hns_node.endpoint(pod)) == (0, None)


def test_gc_takes_what_is_not_valid_and_nothing_else(hns_node: HnsNode) -> None:
    kept, dropped = hns_node.pod(), hns_node.pod()
    for pod in (kept, dropped):
        hns_node.add(pod)
    foreign = set(hns_node.hcn.endpoints.ids()) - {hns_node.endpoint_id(dropped)}
    valid = [{"containerID": kept.container, "ifname": "eth0"}]
    answer = hns_node.call("GC", None, **{"cni.dev/valid-attachments": valid})
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert set(hns_node.hcn.endpoints.ids()) == foreign
    assert hns_node.attachments() == [kept.container]


def test_eight_pods_at_once_get_eight_addresses_and_give_them_back(hns_node: HnsNode) -> None:
    addresses = add_at_once(hns_node, PODS)
    assert len({ip_address(one.partition("/")[0]) for one in addresses.values()}) == PODS
    for pod in addresses:
        assert hns_node.members(pod) == {hns_node.endpoint_id(pod)}
    answers = [finished(process) for process in [hns_node.start("DEL", pod) for pod in addresses]]
    assert [answer.document for answer in answers if answer.exit_code] == []
    assert [hns_node.endpoint(pod) for pod in addresses] == [None] * PODS
