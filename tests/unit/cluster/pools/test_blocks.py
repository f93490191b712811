"""Pools and blocks as arithmetic."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from cni_hns.cluster.pools.blocks import (
    BlockObject,
    Pool,
    Taken,
    block_document,
    block_name,
    free_prefixes,
    overlap,
    prefixes_by_node,
)
from cni_hns.ledger.blocks import Block


def pool(*cidrs: str, size: int, name: str = "blue") -> Pool:
    return Pool(name, tuple(map(ip_network, cidrs)), size)


class TestAPool:
    def test_is_cut_into_blocks_prefix_after_prefix(self) -> None:
        found = pool("10.9.0.0/25", "10.9.4.0/26", size=26)
        assert (found.total, found.size) == (3, 64)
        assert [str(found.prefix(index)) for index in range(3)] == [
            "10.9.0.0/26",
            "10.9.0.64/26",
            "10.9.4.0/26",
        ]
        with pytest.raises(IndexError):
            found.prefix(3)

    def test_of_ipv6_may_have_more_blocks_than_anybody_counts(self) -> None:
        found = pool("fd00:9::/80", size=120)
        assert (found.total, found.size) == (1 << 40, 256)
        assert str(found.prefix((1 << 40) - 1)) == "fd00:9::ffff:ffff:ff00/120"

    @pytest.mark.parametrize(
        "spec",
        [
            None,
            {},
            {"cidrs": ["x"], "blockSize": 26},
            {"cidrs": [], "blockSize": 26},
            {"cidrs": ["10.9.0.0/27"], "blockSize": 26},
        ],
    )
    def test_that_cannot_be_read_is_said(self, spec: object) -> None:
        with pytest.raises(ValueError, match='IPPool "blue"'):
            Pool.of({"metadata": {"name": "blue"}, "spec": spec})

    def test_shares_addresses_with_another_pool_or_a_nodes_pods(self) -> None:
        blue, red = pool("10.9.0.0/24", size=26), pool("10.8.0.0/24", "10.9.0.128/25", size=28, name="red")
        assert overlap(blue, [blue, red], {}) == 'IPPool "red"'
        assert overlap(blue, [], {"win-1": ["10.9.0.0/28"]}) == 'the podCIDR of Node "win-1"'
        assert overlap(blue, [pool("fd00::/64", size=120, name="six")], {"win-1": ["fd00::/64"]}) == ""


class TestABlock:
    @pytest.mark.parametrize(
        ("prefix", "name"),
        [
            ("10.9.1.64/26", "blue.10-9-1-64-26"),
            ("fd00:9::40/122", "blue.fd000009000000000000000000000040-122"),
        ],
    )
    def test_has_one_name_that_kubernetes_takes(self, prefix: str, name: str) -> None:
        assert block_name("blue", ip_network(prefix)) == name
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)

    def test_goes_to_the_api_and_back(self) -> None:
        block = Block("pods", "blue", "10.9.1.64", "10.9.1.127")
        document = block_document(block, "win-1")
        there = BlockObject.of(document)
        assert there is not None
        assert (there.block, there.node, str(there.prefix)) == (block, "win-1", "10.9.1.64/26")
        assert prefixes_by_node([document, {"spec": {"cidr": "x"}}]) == {"win-1": ("10.9.1.64/26",)}

    @pytest.mark.parametrize("spec", [{}, {"cidr": "10.9.0.0/26"}, {"cidr": 5, "pool": "a", "node": "b"}])
    def test_of_somebody_else_is_left_alone(self, spec: dict[str, object]) -> None:
        assert BlockObject.of({"metadata": {"name": "x"}, "spec": spec}) is None


class TestFreeBlocks:
    def test_are_all_but_those_that_are_taken_each_once(self) -> None:
        blue = pool("10.9.0.0/24", size=28)
        taken = Taken([ip_network("10.9.0.32/28"), ip_network("10.9.0.64/27"), ip_network("fd00::/64")])
        found = list(map(str, free_prefixes(blue, taken, "win-1")))
        assert len(found) == len(set(found)) == 13
        assert not {"10.9.0.32/28", "10.9.0.64/28", "10.9.0.80/28"} & set(found)

    def test_begin_at_a_place_that_follows_from_the_node(self) -> None:
        blue = pool("10.9.0.0/16", size=26)
        first = {node: next(free_prefixes(blue, Taken([]), node)) for node in map(str, range(50))}
        assert len(set(first.values())) > 40
        assert first["7"] == next(free_prefixes(blue, Taken([]), "7"))
