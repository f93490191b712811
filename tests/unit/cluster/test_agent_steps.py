"""All steps of an agent, once: what each comes to, and what stops them."""

from __future__ import annotations

import json

import pytest

from cni_hns.cluster.api.faults import Away, Forbidden, Unauthorized, Untrusted
from cni_hns.cluster.flannel import PREFIX
from tests.unit.cluster.agents import AgentNode
from tests.unit.cluster.fake_cluster import FakeCluster
from tests.unit.cluster.nodes import node_document


def own(**changes: object) -> dict[str, object]:
    """The Node of the machine before its agent wrote anything."""
    return node_document(1, "", **changes)  # type: ignore[arg-type] # any of its keywords


FLANNELS = {
    "Name": "flannel.4096",
    "Type": "Overlay",
    "Owner": "flanneld",
    "SchemaVersion": {"Major": 2, "Minor": 0},
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "IpAddressPrefix": "10.99.0.0/24",
                    "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 4096}}],
                    "Routes": [{"NextHop": "10.99.0.1", "DestinationPrefix": "0.0.0.0/0"}],
                }
            ],
        }
    ],
}


class TestANewNode:
    def test_gets_network_routes_annotations_and_configuration(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2), node_document(3))
        assert machine.once(cluster) == 0, machine.lines
        assert machine.prefixes() == {"10.244.1.0/24"}
        assert machine.routes() == {"10.244.2.0/24": "192.0.2.2", "10.244.3.0/24": "192.0.2.3"}
        said = cluster.annotations("win-1")
        assert said[PREFIX + "public-ip"] == "192.0.2.1"
        assert json.loads(said[PREFIX + "backend-data"])["VNI"] == 4096
        assert machine.state.ready

    def test_can_have_a_pod(self, machine: AgentNode) -> None:
        machine.once(FakeCluster(own()))
        answer, _, _ = machine.add()
        assert answer.exit_code == 0, answer.document
        # .1 is the gateway's, .2 kube-proxy's.
        assert answer.addresses == ["10.244.1.3/24"]

    def test_says_a_line_for_each_step(self, machine: AgentNode) -> None:
        machine.once(FakeCluster(own()))
        steps = [one.partition(":")[0] for one in machine.lines[:6]]
        assert steps == ["node", "network", "source-vip", "routes", "annotations", "configuration"]

    def test_on_l2bridge_has_host_routes_and_an_endpoint_of_the_host(self, bridged: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2, "host-gw"))
        assert bridged.once(cluster) == 0, bridged.lines
        assert bridged.routes()["10.244.2.0/24"] == "192.0.2.2"
        assert [one.name for one in bridged.sim.endpoints()] == ["cbr0_ep"]
        assert bridged.add()[0].exit_code == 0

    def test_of_two_families_says_where_both_are_sent(self, bridged: AgentNode) -> None:
        both = {"cidrs": ("10.244.1.0/24", "fd00:244:1::/64"), "addresses": ("192.0.2.1", "2001:db8::1")}
        cluster = FakeCluster(own(**both))
        assert bridged.once(cluster) == 0, bridged.lines
        said = cluster.annotations("win-1")
        assert said[PREFIX + "public-ip"] == "192.0.2.1"
        assert said[PREFIX + "public-ipv6"] == "2001:db8::1"


class TestASecondRun:
    def test_changes_nothing(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        machine.once(cluster)
        before = (machine.network_document(), machine.conflist, [one.id for one in machine.sim.endpoints()])
        file = machine.net_d / "10-cni-hns.conflist"
        written, patches = file.stat().st_mtime_ns, cluster.asked["patch", "nodes"]
        machine.sim.simulator.reset_journal()
        assert machine.once(cluster) == 0
        after = (machine.network_document(), machine.conflist, [one.id for one in machine.sim.endpoints()])
        assert after == before
        assert file.stat().st_mtime_ns == written
        assert cluster.asked["patch", "nodes"] == patches
        changes = {"HcnCreateNetwork", "HcnModifyNetwork", "HcnCreateEndpoint", "HcnDeleteEndpoint"}
        assert changes.isdisjoint(machine.sim.calls())


class TestWhatStopsIt:
    def test_no_pod_cidr_yet_is_waited_for_and_told(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(cidrs=()))
        assert machine.once(cluster) == 1
        assert machine.step("node") == "waiting"
        assert machine.sim.hcn.networks.ids() == []
        assert machine.conflist is None
        assert "NoPodCIDR" in cluster.reasons()

    def test_no_node_of_that_name(self, machine: AgentNode) -> None:
        assert machine.once(FakeCluster(node_document(2))) == 1
        assert 'there is no Node "win-1"' in machine.lines[0]

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Away("list nodes failed: nothing within 10 s"), id="away"),
            pytest.param(Unauthorized("list nodes failed: 401", 401), id="401"),
            pytest.param(Forbidden("list nodes is forbidden", 403), id="403"),
            pytest.param(Untrusted("list nodes failed: the certificate"), id="wrong CA"),
        ],
    )
    def test_an_api_that_does_not_answer_is_named(self, machine: AgentNode, fault: Away) -> None:
        cluster = FakeCluster(own())
        cluster.say(fault)
        assert machine.once(cluster) == 1
        assert str(fault) in machine.lines[0]
        assert machine.sim.hcn.networks.ids() == []
        assert machine.conflist is None

    def test_no_right_to_write_annotations_leaves_the_node_not_ready(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        cluster.refused["patch", "nodes"] = Forbidden("patch nodes is forbidden", 403)
        assert machine.once(cluster) == 1
        assert (machine.step("annotations"), machine.conflist) == ("failed", None)
        assert "AnnotationsFailed" in cluster.reasons()

    def test_a_network_of_somebody_else_is_left_as_it_is(self, machine: AgentNode) -> None:
        with machine.sim.hcn.networks.create(FLANNELS):
            pass
        before = machine.network_document()
        cluster = FakeCluster(own())
        assert machine.once(cluster) == 1
        assert machine.network_document() == before
        assert (machine.step("network"), machine.conflist) == ("failed", None)
        assert "NetworkUnfitting" in cluster.reasons()

    def test_a_configuration_that_containerd_takes_first_is_named(self, machine: AgentNode) -> None:
        (machine.net_d / "05-other.conflist").write_text("{}")
        assert machine.once(FakeCluster(own())) == 1
        assert "05-other.conflist" in machine.lines[5]
        assert (machine.net_d / "05-other.conflist").read_text() == "{}"


class TestWhileTheApiIsAway:
    def test_routes_network_and_configuration_stay(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        machine.once(cluster)
        before = (machine.network_document(), machine.conflist)
        cluster.say(Away("nothing within 10 s"))
        assert machine.once(cluster) == 0, machine.lines
        assert (machine.network_document(), machine.conflist) == before

    def test_a_lost_network_is_made_again_from_memory(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        machine.once(cluster)
        machine.sim.simulator.remove(machine.network)
        cluster.say(Away("nothing within 10 s"))
        assert machine.once(cluster) == 0, machine.lines
        assert machine.prefixes() == {"10.244.1.0/24"}


class TestTheOwnNodeDeleted:
    def test_removes_nothing(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        machine.once(cluster)
        before = (machine.network_document(), machine.conflist)
        cluster.leave("win-1")
        cluster.leave("win-2")
        machine.once(cluster)
        assert (machine.network_document(), machine.conflist) == before
        assert machine.state.ready

    def test_goes_on_where_it_comes_back_with_the_same_pod_cidr(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        machine.once(cluster)
        gone = cluster.leave("win-1")
        machine.once(cluster)
        cluster.join({**gone, "metadata": {**gone["metadata"], "annotations": {}}})
        assert machine.once(cluster) == 0
        assert cluster.annotations("win-1")[PREFIX + "public-ip"] == "192.0.2.1"


class TestAnotherPodCidr:
    def test_is_waited_for_while_a_pod_is_on_the_network(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        machine.once(cluster)
        answer, container, _ = machine.add()
        assert answer.exit_code == 0
        before = machine.network_document()
        cluster.give("win-1", "10.244.7.0/24")
        assert machine.once(cluster) == 1
        assert machine.network_document() == before
        refused, _, _ = machine.add()
        assert refused.exit_code != 0
        assert "NetworkHeldByPods" in cluster.reasons()
        assert any(container[:12] in one for one in machine.lines), machine.lines

    def test_is_taken_once_the_last_pod_has_gone(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        machine.once(cluster)
        plugin = machine.plugin()
        _, container, namespace = machine.add()
        cluster.give("win-1", "10.244.7.0/24")
        machine.once(cluster)
        assert machine.sim.call("DEL", plugin, container, namespace).exit_code == 0
        assert machine.once(cluster) == 0, machine.lines
        assert machine.prefixes() == {"10.244.7.0/24"}
        assert machine.add()[0].addresses == ["10.244.7.3/24"]


class TestANodeThatLeaves:
    def test_is_forgotten(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2), node_document(3))
        machine.once(cluster)
        cluster.leave("win-2")
        machine.once(cluster)
        assert machine.routes() == {"10.244.3.0/24": "192.0.2.3"}

    def test_that_has_not_said_its_address_is_named(self, machine: AgentNode) -> None:
        machine.once(FakeCluster(own(), node_document(2, "")))
        assert [name for name, _ in machine.state.waiting] == ["win-2"]
