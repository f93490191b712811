"""How many HNS calls a verb makes, and what a burst of ADDs comes to."""

from __future__ import annotations

from cni_hns.identity import endpoint_id
from tests.harness import SimulatedNode, container_id, finished, l2bridge

_MANY = 2000
_WIDE = {
    "mode": "l2bridge",
    "create": True,
    "adapter": "Ethernet",
    "subnets": [{"prefix": "10.88.0.0/16", "gateway": "10.88.0.1"}],
}


def _wide() -> dict[str, object]:
    ranges = [[{"subnet": "10.88.0.0/16", "rangeEnd": "10.88.9.255"}]]
    return l2bridge(network=_WIDE, ipam={"type": "cni-hns", "ranges": ranges})


def _calls_per_verb(node: SimulatedNode) -> dict[str, int]:
    """The calls of a first ADD, then of an ADD, CHECK, repeated ADD and DEL on the known network."""
    config = _wide()
    made = {}

    def count(verb: str, command: str, container: str, namespace: str, **more: object) -> dict[str, object]:
        node.simulator.reset_journal()
        answer = node.call(command, {**config, **more}, container, namespace)
        assert answer.exit_code == 0, answer.words
        made[verb] = len(node.calls())
        return answer.document

    count("first ADD", "ADD", container_id(), node.namespace())
    container, namespace = container_id(), node.namespace()
    result = count("ADD", "ADD", container, namespace)
    count("CHECK", "CHECK", container, namespace, prevResult=result)
    count("repeated ADD", "ADD", container, namespace)
    count("DEL", "DEL", container, namespace)
    return made


def test_the_straight_path_makes_few_calls_and_they_do_not_grow(node: SimulatedNode) -> None:
    # The wait for the host's address on a new network is no part of the straight path.
    node.simulator.set_options(management_address_after_calls=0)
    made = _calls_per_verb(node)
    assert made["first ADD"] <= 8
    assert made["ADD"] <= 6
    assert made["CHECK"] <= 5
    assert made["DEL"] <= 3
    node.simulator.plant_endpoints("pods", _MANY)
    again = _calls_per_verb(node)
    assert again == {**made, "first ADD": again["first ADD"]}
    assert again["first ADD"] <= made["ADD"]


def test_sixty_four_adds_together_on_an_empty_node(node: SimulatedNode) -> None:
    pods = [(container_id(), node.namespace()) for _ in range(64)]
    started = [node.start("ADD", l2bridge(), container, namespace) for container, namespace in pods]
    answers = [finished(process) for process in started]
    assert [answer.words for answer in answers if answer.exit_code != 0] == []
    assert len({answer.addresses[0] for answer in answers}) == 64
    assert len(node.hcn.networks.ids(Name="pods")) == 1
    for container, namespace in pods:
        assert node.in_namespace(namespace) == {endpoint_id("pods", container, "eth0")}


def test_equal_adds_together_are_one_attachment(node: SimulatedNode) -> None:
    container, namespace = container_id(), node.namespace()
    started = [node.start("ADD", l2bridge(), container, namespace) for _ in range(6)]
    answers = [finished(process) for process in started]
    assert {answer.exit_code for answer in answers} == {0}, [answer.words for answer in answers]
    assert len({answer.stdout for answer in answers}) == 1
    assert len(node.endpoints()) == len(node.leases()) == 1
