"""One container with several interfaces, whatever they are called: no verb takes one for another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.identity import endpoint_id
from tests.behaviour.pod import Pod
from tests.harness import SimulatedNode, container_id, l2bridge

pytestmark = pytest.mark.not_in(
    "windows", reason="the steps are the same there, and each start takes longest"
)

_IFNAMES = ["eth0", "eth1", "eth10", "net1", "a_b"]


class Container:
    """One container of a network, and the verbs for each of its interfaces."""

    def __init__(self, node: SimulatedNode, container: str = "", network: str = "pods") -> None:
        self.node = node
        self.container = container or container_id()
        self.namespace = node.namespace()
        plain = l2bridge()
        self.config = {**plain, "name": network, "network": {**plain["network"], "name": "pods"}}
        self.results: dict[str, dict[str, Any]] = {}

    def call(self, command: str, ifname: str, code: int = 0, **more: Any) -> dict[str, Any]:
        answer = self.node.call(
            command, {**self.config, **more}, self.container, self.namespace, ifname=ifname
        )
        assert answer.document.get("code", 0) == code, answer.words
        return answer.document

    def add(self, *ifnames: str) -> Container:
        self.results.update({ifname: self.call("ADD", ifname) for ifname in ifnames})
        return self

    def collect(self, *valid: str) -> None:
        entries = [{"containerID": self.container, "ifname": ifname} for ifname in valid]
        answer = self.node.call("GC", {**self.config, "cni.dev/valid-attachments": entries})
        assert answer.exit_code == 0, answer.words

    def assert_alive(self, *ifnames: str) -> None:
        """These have what their ADDs answered, and nothing else of this container is there."""
        for ifname in ifnames:
            self.call("CHECK", ifname, prevResult=self.results[ifname])
            assert self.call("ADD", ifname) == self.results[ifname]
        assert len(self.node.in_namespace(self.namespace)) == len(ifnames)


@pytest.fixture(params=[name for name in _IFNAMES if name != "eth0"])
def other(request: pytest.FixtureRequest) -> str:
    """Another interface than eth0."""
    return str(request.param)


class TestDelOfAnInterfaceThatIsNotThere:
    """The other one lives, and only that one is known."""

    def test_it_was_never_added(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add(other)
        container.call("DEL", "eth0")
        container.assert_alive(other)

    def test_the_other_way_round(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add("eth0")
        container.call("DEL", other)
        container.assert_alive("eth0")

    def test_a_second_del(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add("eth0", other)
        for _ in range(2):
            container.call("DEL", "eth0")
        container.assert_alive(other)

    def test_a_del_after_a_refused_add(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add(other)
        node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        container.call("ADD", "eth0", code=100)
        container.call("DEL", "eth0")
        container.assert_alive(other)

    def test_after_the_ledger_was_lost(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add(other)
        node.lose_ledger()
        container.call("DEL", "eth0")
        assert len(node.in_namespace(container.namespace)) == 1
        container.call("DEL", other)
        assert node.endpoints() == []

    def test_check_finds_nothing(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add(other)
        result = json.loads(json.dumps(container.results[other]).replace(f'"{other}"', '"eth0"'))
        container.call("CHECK", "eth0", code=104, prevResult=result)
        container.assert_alive(other)


class TestGc:
    def test_keeps_the_one_that_is_listed(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add("eth0", other)
        container.collect(other)
        container.assert_alive(other)

    def test_of_a_list_with_the_other_only_takes_nothing_of_it(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add(other)
        container.collect(other)
        container.assert_alive(other)

    def test_after_the_ledger_was_lost_keeps_what_is_listed(self, node: SimulatedNode, other: str) -> None:
        container = Container(node).add("eth0", other)
        node.lose_ledger()
        container.collect(other)
        (left,) = node.endpoints()
        assert node.in_namespace(container.namespace) == {left.id}
        assert left.id == endpoint_id("pods", container.container, other)

    @pytest.mark.parametrize("ifname", _IFNAMES)
    def test_finds_an_orphan_whatever_its_ifname(self, node: SimulatedNode, ifname: str) -> None:
        container = Container(node).add(ifname)
        node.lose_ledger()
        container.collect()
        node.assert_clean()


class TestALedgerThatIsRebuilt:
    def test_has_every_interface_again(self, node: SimulatedNode) -> None:
        container = Container(node).add(*_IFNAMES)
        node.lose_ledger()
        done = node.command("ledger", "rebuild", "--json")
        assert done.exit_code == 0, done.stderr
        assert sorted(row.key.ifname for row in node.rows()) == sorted(_IFNAMES)
        container.assert_alive(*_IFNAMES)
        for ifname in _IFNAMES:
            container.call("DEL", ifname)
        node.assert_clean()


class TestUnderscores:
    """`a_x` on `y` and `a` on `x_y` have endpoints of one name."""

    @pytest.fixture
    def two(self, node: SimulatedNode) -> tuple[Container, Container]:
        return Container(node, "a_x", "y").add("eth0"), Container(node, "a", "x_y").add("eth0")

    def test_their_endpoints_share_a_name(self, two: tuple[Container, Container]) -> None:
        assert [view.name for view in two[0].node.endpoints()] == ["a_x_y"] * 2

    @pytest.mark.parametrize("first", [0, 1])
    def test_del_of_one_leaves_the_other(self, two: tuple[Container, Container], first: int) -> None:
        for _ in range(2):
            two[first].call("DEL", "eth0")
        two[1 - first].assert_alive("eth0")
        two[1 - first].call("DEL", "eth0")
        two[0].node.assert_clean()

    @pytest.mark.parametrize("first", [0, 1])
    def test_gc_of_one_network_leaves_the_other(self, two: tuple[Container, Container], first: int) -> None:
        two[first].collect()
        two[1 - first].assert_alive("eth0")

    def test_a_rebuilt_ledger_tells_them_apart(self, two: tuple[Container, Container]) -> None:
        two[0].node.lose_ledger()
        assert two[0].node.command("ledger", "rebuild").exit_code == 0
        for one in two:
            one.assert_alive("eth0")


def test_an_endpoint_that_a_row_of_another_configuration_names_is_never_touched(node: SimulatedNode) -> None:
    """It has a peer's name for the other configuration's pod, and an ID that follows from no name."""
    living = Container(node, network="others").add("eth0")
    (view,) = node.endpoints()
    node.simulator.remove(view.id)
    renamed = node.simulator.plant_endpoint(
        "pods", ID=view.id, Name=f"{living.container}_pods", IpConfigurations=[{"IpAddress": "10.88.0.2"}]
    )
    node.attach(living.namespace, renamed)
    same = Container(node, living.container)
    same.call("DEL", "eth0")
    same.collect()
    Pod(node).add().done("DEL")
    assert [one.id for one in node.endpoints()] == [renamed]
