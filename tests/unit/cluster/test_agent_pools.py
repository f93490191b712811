"""An agent and its pools: blocks are claimed for what the settings name, and go when they name it no more."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster.api.faults import Away
from cni_hns.cluster.pools.blocks import BLOCKS
from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.unit.cluster.agents import AgentNode, until
from tests.unit.cluster.fake_cluster import FakeCluster
from tests.unit.cluster.nodes import node_document

BOTH = ("10.9.0.0/16", "fd00:9::/64")
BLUE: dict[str, Any] = {"pools": ("blue",), "subnets": BOTH[:1]}


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster(node_document(1, ""))
    made.pool("blue", "10.9.0.0/24", size=28)
    made.pool("azure", "fd00:9::/112", size=124)
    return made


def blocks(machine: AgentNode) -> list[Block]:
    """Those that the ledger has."""
    with closing(open_ledger(machine.sim.ledger_path, Deadline(60))) as ledger:
        return Blocks(ledger).all()


def pools(cluster: FakeCluster) -> list[str]:
    """Of the blocks that the API has, each as often as there are blocks of it."""
    return sorted(one["spec"]["pool"] for one in cluster.blocks.values())


class TestThatTheSettingsName:
    def test_one_of_each_family_gives_pods_both_addresses(
        self, bridged: AgentNode, cluster: FakeCluster
    ) -> None:
        code = bridged.once(cluster, pools=("blue", "azure"), subnets=BOTH)
        assert code == 0, bridged.lines
        assert pools(cluster) == ["azure", "blue"]
        assert bridged.plugin()["ipam"]["pool"] == ["blue", "azure"]
        answer, _, _ = bridged.add()
        assert answer.exit_code == 0, answer.words
        assert len(answer.document["ips"]) == 2

    def test_a_single_one_stands_by_itself_in_the_configuration(
        self, bridged: AgentNode, cluster: FakeCluster
    ) -> None:
        bridged.once(cluster, **BLUE)
        assert bridged.plugin()["ipam"]["pool"] == "blue"


class TestThatTheSettingsNameNoMore:
    def test_its_blocks_are_given_back_and_the_api_is_left_alone_then(
        self, bridged: AgentNode, cluster: FakeCluster
    ) -> None:
        bridged.once(cluster, **BLUE)
        with bridged.running(cluster):
            until("given back", lambda: not cluster.blocks and not blocks(bridged))
            until("ready on its podCIDR", bridged.is_ready)
        watches = cluster.asked["watch", "ipblocks"]
        assert watches
        with bridged.running(cluster):
            until("ready again", bridged.is_ready)
        assert cluster.asked["watch", "ipblocks"] == watches

    def test_once_is_enough(self, bridged: AgentNode, cluster: FakeCluster) -> None:
        bridged.once(cluster, **BLUE)
        cluster.api().create(BLOCKS, _block("10.9.0.240", "win-1"))
        assert bridged.once(cluster) == 0, bridged.lines
        assert (pools(cluster), blocks(bridged)) == ([], [])

    def test_a_block_with_a_pod_stays_until_the_pod_has_gone(
        self, bridged: AgentNode, cluster: FakeCluster
    ) -> None:
        bridged.once(cluster, **BLUE)
        plugin = bridged.plugin()
        _, container, namespace = bridged.add()
        with bridged.running(cluster):
            until("the network waits", lambda: "NetworkHeldByPods" in cluster.reasons())
            assert pools(cluster) == ["blue"]
            bridged.sim.call("DEL", plugin, container, namespace)
            until("given back", lambda: not cluster.blocks and not blocks(bridged))

    def test_nothing_is_given_back_while_the_api_is_away(
        self, bridged: AgentNode, cluster: FakeCluster
    ) -> None:
        bridged.once(cluster, **BLUE)
        cluster.say(Away("away"))
        bridged.once(cluster)
        assert [one.pool for one in blocks(bridged)] == ["blue"]

    def test_a_node_that_never_had_one_asks_for_none(self, machine: AgentNode, cluster: FakeCluster) -> None:
        machine.once(cluster)
        with machine.running(cluster):
            until("ready", machine.is_ready)
        assert not [plural for _, plural in cluster.asked if plural in ("ippools", "ipblocks")]

    def test_a_ledger_that_cannot_be_read_is_told(self, machine: AgentNode, cluster: FakeCluster) -> None:
        Path(machine.sim.ledger_path).parent.mkdir(parents=True, exist_ok=True)
        Path(machine.sim.ledger_path).write_bytes(b"no database" * 100)
        with machine.running(cluster):
            until("told", lambda: "LedgerFault" in cluster.reasons())


def _block(first: str, node: str) -> dict[str, Any]:
    """One that this node claimed, and was killed before it was in its ledger."""
    spec = {"pool": "blue", "cidr": f"{first}/28", "node": node, "network": "cbr0"}
    return {"metadata": {"name": f"blue.{first.replace('.', '-')}-28"}, "spec": spec}
