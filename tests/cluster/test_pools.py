"""Pools with a real API server: what it takes as a pool and as a block, and agents that claim at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster.pools.blocks import BLOCKS, POOLS, block_document
from cni_hns.ledger.blocks import Block
from tests.cluster.admin import Admin, Refused
from tests.cluster.control_plane import ControlPlane
from tests.cluster.pools import Campaign, document, install_crds

BLOCK = Block("pods", "blue", "10.9.0.64", "10.9.0.127")
SIX = Block("pods", "six", "fd00:9::40", "fd00:9::7f")


@pytest.fixture
def crds(admin: Admin) -> Admin:
    install_crds(admin)
    return admin


def pool(name: str = "blue", size: int = 26, cidrs: tuple[str, ...] = ("10.9.0.0/16",)) -> dict[str, Any]:
    return document("IPPool", name, {"cidrs": list(cidrs), "blockSize": size})


class TestWhatThePoolMayBe:
    def test_prefixes_can_be_added_and_nothing_else_changed(self, crds: Admin) -> None:
        crds.create(POOLS.path, pool())
        place = f"{POOLS.path}/blue"
        crds.patch(place, {"spec": {"cidrs": ["10.9.0.0/16", "10.10.0.0/17"]}})
        shrunk, moved = ["10.10.0.0/17"], ["10.9.0.0/17", "10.10.0.0/17"]
        for change in ({"cidrs": shrunk}, {"cidrs": moved}, {"blockSize": 27}):
            with pytest.raises(Refused, match="422"):
                crds.patch(place, {"spec": change})

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"cidrs": ("10.9.0.0",)}, "a prefix without host bits"),
            ({"cidrs": ("10.9.0.1/16",)}, "a prefix without host bits"),
            ({"cidrs": ("fd00:0::/64",), "size": 122}, "shortest spelling"),
            ({"cidrs": ("10.9.0.0/16", "fd00::/64")}, "one address family"),
            ({"cidrs": ("10.9.0.0/16", "10.9.4.0/24")}, "do not overlap"),
            ({"cidrs": ("10.9.0.0/27",)}, "a part of each of cidrs"),
            ({"cidrs": ("fd00::/64",), "size": 126}, "at most 2\\^40"),
            ({"size": 33}, "at most 32 for IPv4"),
            ({"cidrs": ()}, "at least 1 items"),
            ({"name": "x" * 64}, "at most 63"),
        ],
    )
    def test_what_is_no_pool_is_refused(self, crds: Admin, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(Refused, match=words):
            crds.create(POOLS.path, pool(**changes))

    def test_one_of_each_family_is_taken(self, crds: Admin) -> None:
        crds.create(POOLS.path, pool())
        crds.create(POOLS.path, pool("six", 122, ("fd00:9::/96",)))


class TestWhatABlockMayBe:
    @pytest.mark.parametrize("block", [BLOCK, SIX], ids=["IPv4", "IPv6"])
    def test_it_is_had_by_one_and_never_changes(self, crds: Admin, block: Block) -> None:
        made = crds.create(BLOCKS.path, block_document(block, "win-1"))
        with pytest.raises(Refused) as second:
            crds.create(BLOCKS.path, block_document(block, "win-2"))
        assert second.value.reason == "AlreadyExists"
        with pytest.raises(Refused, match="cannot be changed"):
            crds.patch(f"{BLOCKS.path}/{made['metadata']['name']}", {"spec": {"node": "win-2"}})

    @pytest.mark.parametrize("block", [BLOCK, SIX], ids=["IPv4", "IPv6"])
    def test_it_has_no_other_name(self, crds: Admin, block: Block) -> None:
        wrong = block_document(block, "win-1")
        wrong["metadata"]["name"] = f"{block.pool}.another"
        with pytest.raises(Refused, match="is named POOL"):
            crds.create(BLOCKS.path, wrong)


def test_agents_that_are_killed_share_no_block_and_lose_none(plane: ControlPlane, tmp_path: Path) -> None:
    report = Campaign(plane, tmp_path, agents=4, seed=7).run(seconds=12)
    assert report.violations == []
    assert report.counts["claims"] >= 1
    assert report.counts["released"] >= 1
    assert report.counts["looks at the API, too"] > 0
