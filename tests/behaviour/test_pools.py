"""Addresses out of blocks of a cluster-wide pool: what verbs do, with nothing but the ledger to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ipam.pools import full_pool_fact
from cni_hns.ledger import Ledger, open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import current

FIRST = Block("pods", "blue", "10.88.0.64", "10.88.0.67")
SECOND = Block("pods", "blue", "10.88.0.128", "10.88.0.129")


def pooled(*pools: str, **changes: Any) -> dict[str, Any]:
    ipam = {"type": "cni-hns", "pool": list(pools) if len(pools) > 1 else (pools or ("blue",))[0]}
    return l2bridge(ipam=ipam, **changes)


@contextmanager
def ledger_of(node: SimulatedNode) -> Iterator[Ledger]:
    ledger = open_ledger(node.ledger_path, Deadline(20))
    try:
        yield ledger
    finally:
        ledger.close()


def hold(node: SimulatedNode, *blocks: Block) -> None:
    with ledger_of(node) as ledger:
        for block in blocks:
            assert Blocks(ledger).hold(block) is None


def add(node: SimulatedNode, config: dict[str, Any], args: str = "") -> Answer:
    return node.call("ADD", config, container_id(), node.namespace(), args=args)


class TestAnAdd:
    def test_gets_an_address_of_a_block_with_prefix_and_gateway_of_the_networks_subnet(
        self, node: SimulatedNode
    ) -> None:
        hold(node, FIRST)
        added = add(node, pooled())
        assert added.exit_code == 0, added.words
        assert added.document["ips"] == [{"address": "10.88.0.64/24", "gateway": "10.88.0.1", "interface": 0}]

    def test_uses_every_address_of_a_block_and_then_those_of_the_next(self, node: SimulatedNode) -> None:
        hold(node, SECOND, FIRST)
        given = [add(node, pooled()).addresses for _ in range(6)]
        assert given == [[f"10.88.0.{host}/24"] for host in (64, 65, 66, 67, 128, 129)]

    def test_fills_the_first_block_again_before_it_begins_with_the_second(self, node: SimulatedNode) -> None:
        hold(node, FIRST, SECOND)
        config = pooled()
        pods = [(container_id(), node.namespace()) for _ in range(4)]
        for pod in pods:
            assert node.call("ADD", config, *pod).exit_code == 0
        for pod in (pods[2], pods[1]):
            assert node.call("DEL", config, *pod).exit_code == 0
        given = [add(node, config).addresses for _ in range(3)]
        assert given == [["10.88.0.66/24"], ["10.88.0.65/24"], ["10.88.0.128/24"]]

    def test_gets_the_address_that_it_asks_for_in_any_block(self, node: SimulatedNode) -> None:
        hold(node, FIRST, SECOND)
        added = add(node, pooled(), args="IgnoreUnknown=1;IP=10.88.0.129")
        assert added.addresses == ["10.88.0.129/24"]

    def test_does_not_get_an_address_of_another_nodes_block(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        refused = add(node, pooled(), args="IgnoreUnknown=1;IP=10.88.0.129")
        assert refused.document["code"] == 101
        assert '10.88.0.129 lies in no block that this node has of pool "blue"' in refused.words

    def test_gets_neither_gateway_nor_ends_of_the_networks_subnet(self, node: SimulatedNode) -> None:
        hold(node, FIRST._replace(first="10.88.0.0", last="10.88.0.1"))
        hold(node, FIRST._replace(first="10.88.0.254", last="10.88.0.255"))
        given = [add(node, pooled()) for _ in range(2)]
        assert [one.addresses for one in given] == [["10.88.0.254/24"], []]
        assert "1 usable, 1 held" in given[1].words

    def test_goes_round_an_address_that_hns_refuses(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        assert add(node, pooled()).addresses == ["10.88.0.64/24"]
        node.foreign("somebody", "10.88.0.65")
        assert add(node, pooled()).addresses == ["10.88.0.66/24"]
        assert [one.address for one in node.leases(all_of_them=True) if one.state == "quarantined"] == [
            "10.88.0.65"
        ]


class TestAPoolWithoutAnAddress:
    def test_is_worth_another_try_while_the_agent_may_claim_a_block(self, node: SimulatedNode) -> None:
        refused = add(node, pooled())
        assert refused.document["code"] == 11
        assert 'pool "blue" has no free address for network "pods": this node has no block' in refused.words
        assert "cni-hns pool list" in refused.words
        node.assert_nothing_owned()

    def test_says_how_its_blocks_are_used(self, node: SimulatedNode) -> None:
        hold(node, SECOND)
        for _ in range(2):
            assert add(node, pooled()).exit_code == 0
        refused = add(node, pooled())
        assert refused.document["code"] == 11
        assert "2 usable, 2 held by running pods" in refused.words

    def test_is_final_where_the_agent_can_claim_none(self, node: SimulatedNode) -> None:
        with ledger_of(node) as ledger:
            ledger.keep_fact(full_pool_fact("blue"), "all 4 blocks of the pool are claimed")
        refused = add(node, pooled())
        assert refused.document["code"] == 101
        assert "all 4 blocks of the pool are claimed" in refused.words

    def test_is_final_where_its_blocks_lie_outside_of_the_network(self, node: SimulatedNode) -> None:
        hold(node, Block("pods", "blue", "10.9.0.0", "10.9.0.63"))
        refused = add(node, pooled())
        assert refused.document["code"] == 101
        assert "10.9.0.0-10.9.0.63" in refused.words
        assert "10.88.0.0/24" in refused.words

    def test_gives_a_gone_pods_address_to_the_next_one(self, node: SimulatedNode) -> None:
        hold(node, Block("pods", "blue", "10.88.0.64", "10.88.0.64"))
        sandbox, namespace = container_id(), node.namespace()
        assert node.call("ADD", pooled(), sandbox, namespace).exit_code == 0
        node.simulator.remove(namespace)
        first = add(node, pooled())
        again = add(node, pooled()) if first.exit_code else first
        assert again.addresses == ["10.88.0.64/24"]

    def test_is_an_error_of_status_and_used_up_blocks_are_not(self, node: SimulatedNode) -> None:
        config = pooled()
        without = node.call("STATUS", config)
        assert (without.exit_code, without.document["code"]) == (1, 50)
        assert 'pool "blue"' in without.words
        hold(node, Block("pods", "blue", "10.88.0.64", "10.88.0.64"))
        assert add(node, config).exit_code == 0
        assert node.call("STATUS", config).exit_code == 0


class TestABlockThatIsGivenBack:
    def test_gives_no_address_while_it_is_drained(self, node: SimulatedNode) -> None:
        hold(node, FIRST, SECOND)
        with ledger_of(node) as ledger:
            assert Blocks(ledger).drain(FIRST)
        assert add(node, pooled()).addresses == ["10.88.0.128/24"]

    def test_stays_while_a_pod_has_an_address_of_it(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        sandbox, namespace = container_id(), node.namespace()
        assert node.call("ADD", pooled(), sandbox, namespace).exit_code == 0
        with ledger_of(node) as ledger:
            assert not Blocks(ledger).drain(FIRST)
            assert not Blocks(ledger).forget(FIRST)
        assert node.call("DEL", pooled(), sandbox, namespace).exit_code == 0
        with ledger_of(node) as ledger:
            assert Blocks(ledger).drain(FIRST)
            assert Blocks(ledger).forget(FIRST._replace(state="draining"))

    def test_gives_addresses_again_after_it_came_back(self, node: SimulatedNode) -> None:
        """Released addresses of it are in the ledger still, and wait behind those that were never used."""
        hold(node, FIRST)
        sandbox, namespace = container_id(), node.namespace()
        assert node.call("ADD", pooled(), sandbox, namespace).exit_code == 0
        assert node.call("DEL", pooled(), sandbox, namespace).exit_code == 0
        with ledger_of(node) as ledger:
            assert Blocks(ledger).drain(FIRST)
            assert Blocks(ledger).forget(FIRST)
        hold(node, SECOND)
        given = [add(node, pooled()).addresses for _ in range(3)]
        assert given == [["10.88.0.128/24"], ["10.88.0.129/24"], []]
        hold(node, FIRST)
        given = [add(node, pooled()).addresses for _ in range(4)]
        assert given == [[f"10.88.0.{host}/24"] for host in (65, 66, 67, 64)]


class TestOtherVerbs:
    def test_check_del_and_gc_know_a_pools_pods(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        config, sandbox, namespace = pooled(), container_id(), node.namespace()
        added = node.call("ADD", config, sandbox, namespace)
        checked = node.call("CHECK", {**config, "prevResult": added.document}, sandbox, namespace)
        assert checked.exit_code == 0, checked.words
        assert node.call("GC", {**config, "cni.dev/valid-attachments": []}).exit_code == 0
        assert node.leases() == []
        node.assert_nothing_owned()

    def test_a_repeated_add_answers_the_same_without_any_block(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        config, sandbox, namespace = pooled(), container_id(), node.namespace()
        added = node.call("ADD", config, sandbox, namespace)
        with ledger_of(node) as ledger:
            assert Blocks(ledger).lose(FIRST)
        assert node.call("ADD", config, sandbox, namespace).document == added.document
        assert node.call("DEL", config, sandbox, namespace).exit_code == 0

    def test_a_rebuilt_ledger_holds_pods_addresses_once_the_block_is_back(self, node: SimulatedNode) -> None:
        hold(node, FIRST)
        assert add(node, pooled()).exit_code == 0
        Path(node.ledger_path).write_bytes(b"damaged")
        rebuilt = node.command("ledger", "rebuild")
        assert rebuilt.exit_code == 0, rebuilt.stderr
        assert add(node, pooled()).document["code"] == 11
        hold(node, FIRST)
        assert add(node, pooled()).addresses == ["10.88.0.65/24"]


class TestConfiguration:
    @pytest.mark.parametrize(
        ("ipam", "words"),
        [
            ({"type": "cni-hns", "pool": "Blue"}, "ipam.pool"),
            ({"type": "cni-hns", "pool": 5}, "ipam.pool"),
            ({"type": "cni-hns", "pool": []}, "ipam.pool"),
            ({"type": "cni-hns", "pool": ["a", "a"]}, "ipam.pool"),
            ({"type": "cni-hns", "pool": ["a", "b", "c"]}, "ipam.pool"),
            ({"type": "cni-hns", "pool": "blue", "subnet": "10.88.0.0/24"}, "ipam.subnet"),
            ({"type": "cni-hns", "pool": "blue", "ranges": [[{"subnet": "10.88.0.0/24"}]]}, "ipam.ranges"),
            ({"type": "cni-hns", "pool": "blue", "dataDir": "/var/lib/cni"}, "ipam.dataDir"),
            ({"type": "host-local", "pool": "blue"}, "ipam.pool"),
        ],
    )
    def test_what_excludes_a_pool_is_said(
        self, node: SimulatedNode, ipam: dict[str, Any], words: str
    ) -> None:
        refused = add(node, l2bridge(ipam=ipam))
        assert refused.document["code"] == 7
        assert words in refused.words

    def test_ranges_of_the_runtime_are_refused_beside_a_pool(self, node: SimulatedNode) -> None:
        refused = add(node, pooled(capabilities={"ipRanges": True}))
        assert refused.document["code"] == 7
        sent = {"ipRanges": [[{"subnet": "10.88.0.0/24"}]]}
        refused = add(node, pooled(runtimeConfig=sent))
        assert (refused.document["code"], "runtimeConfig.ipRanges" in refused.words) == (7, True)

    def test_a_peers_configuration_has_no_pools(self, node: SimulatedNode) -> None:
        config = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "type": "win-bridge",
            "ipam": {"type": "cni-hns", "pool": "blue"},
        }
        refused = add(node, config)
        assert (refused.document["code"], "ipam.pool" in refused.words) == (7, True)

    def test_one_pool_of_each_family_gives_a_pod_both(self, node: SimulatedNode) -> None:
        config = pooled("blue", "six")
        config["network"]["subnets"] = [
            {"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"},
            {"prefix": "fd00:1::/64", "gateway": "fd00:1::1"},
        ]
        hold(node, FIRST)
        without = add(node, config)
        assert (without.document["code"], 'pool "six"' in without.words) == (11, True)
        assert node.leases() == []
        hold(node, Block("pods", "six", "fd00:1::100", "fd00:1::1ff"))
        assert add(node, config).addresses == ["10.88.0.64/24", "fd00:1::100/64"]


class TestTheCommands:
    def test_pool_list_tells_how_full_each_block_is(self, node: SimulatedNode) -> None:
        hold(node, FIRST, SECOND)
        assert add(node, pooled()).exit_code == 0
        with ledger_of(node) as ledger:
            assert Blocks(ledger).drain(SECOND)
        listed = json.loads(node.command("pool", "list", "--json").stdout)
        assert [(one["block"], one["state"], one["used"], one["of"]) for one in listed] == [
            ("10.88.0.64/30", "held", 1, 4),
            ("10.88.0.128/31", "draining", 0, 2),
        ]

    def test_status_and_metrics_count_the_blocks(self, node: SimulatedNode, tmp_path: Path) -> None:
        hold(node, FIRST, SECOND)
        config = pooled()
        assert add(node, config).exit_code == 0
        folder = tmp_path / "conf"
        folder.mkdir()
        (folder / "10-pods.conf").write_text(json.dumps(config))
        told = node.command("status", "--conf-dir", current().path(folder)).stdout
        assert 'pool "blue" (10.88.0.64/30, 10.88.0.128/31): 1 of 6 in use' in " ".join(told.split())
        metrics = node.command("metrics", "--conf-dir", current().path(folder)).stdout
        assert 'cni_hns_addresses{network="pods",state="free"} 5' in metrics

    def test_reserve_takes_the_next_address_of_the_pool(self, node: SimulatedNode, tmp_path: Path) -> None:
        hold(node, FIRST)
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(pooled()))
        reserve = ("ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--json")
        first, again = (node.command(*reserve, "--config", current().path(file)) for _ in range(2))
        assert first.stdout == again.stdout, first.stderr
        assert json.loads(first.stdout)[0]["address"] == "10.88.0.64"
        with ledger_of(node) as ledger:
            assert not Blocks(ledger).drain(FIRST)

    def test_explain_names_the_pool(self, node: SimulatedNode, tmp_path: Path) -> None:
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(pooled()))
        told = node.command("config", "explain", current().path(file))
        assert '"blue", out of the blocks' in " ".join(told.stdout.split()), told.stderr
