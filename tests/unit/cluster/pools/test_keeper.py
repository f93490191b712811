"""A node's blocks, kept: claimed ahead, given back, and found again after a kill anywhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cni_hns.cluster.api.faults import Away, Forbidden
from cni_hns.cluster.pools.blocks import block_document
from cni_hns.ipam.held import release
from cni_hns.ipam.pools import full_pool_fact
from cni_hns.ledger import AttachmentKey
from cni_hns.ledger.blocks import Block, Blocks
from tests.unit.cluster.pools.cluster import LIMITS, NETWORK, Agent, Cluster, Killed

Start = Callable[..., Agent]


def addresses(prefix: str, count: int = 4) -> list[str]:
    base, _, _ = prefix.partition("/")
    head, _, last = base.rpartition(".")
    return [f"{head}.{int(last) + number}" for number in range(count)]


def free(agent: Agent, *addresses: str) -> None:
    """Their pods are deleted, where there are any."""
    for address in addresses:
        release(agent.ledger, AttachmentKey(NETWORK, f"pod-{address}", "eth0"))


def reasons(agent: Agent, forward_s: float = 0.0) -> list[str]:
    return [one.reason for one in agent.step(forward_s).troubles]


class TestClaiming:
    def test_a_new_node_gets_one_block_and_no_more(self, agent: Agent, cluster: Cluster) -> None:
        assert [line.partition(" of ")[0] for line in agent.step().lines] == [f"block {agent.prefixes[0]}"]
        agent.step()
        assert cluster.holders() == {agent.prefixes[0]: "win-1"}

    def test_another_is_claimed_while_some_addresses_are_left(self, agent: Agent) -> None:
        agent.step()
        first = agent.prefixes[0]
        agent.lease(*addresses(first, 2))
        agent.step()
        assert agent.prefixes == [first]
        agent.lease(addresses(first)[2])
        agent.step()
        assert len(agent.prefixes) == 2

    def test_nothing_is_done_before_the_lists_are_whole(self, agent: Agent, cluster: Cluster) -> None:
        for shelf in (cluster.pools, cluster.blocks, cluster.nodes):
            shelf.whole = False
            agent.step()
            shelf.whole = True
        assert (agent.blocks, cluster.calls) == ([], [])

    def test_a_block_that_another_was_faster_with_is_passed_by(self, start: Start, cluster: Cluster) -> None:
        """The list of the second is older than the first one's claim."""
        cluster.blocks.frozen = {}
        agents = [start(f"win-{number}") for number in range(8)]
        for one in agents:
            one.step()
        held = [prefix for one in agents for prefix in one.prefixes]
        assert len(held) == len(set(held)) == 8
        assert cluster.holders() == {one.prefixes[0]: one.name for one in agents}
        assert sum(one.keeper.claims.counts["conflicts"] for one in agents) > 0

    def test_a_full_pool_is_said_to_adds_and_to_people_until_it_grows(
        self, start: Start, cluster: Cluster
    ) -> None:
        for number in range(8):
            start(f"win-{number}").step()
        late = start("late")
        (trouble,) = late.step().troubles
        assert trouble.reason == "PoolFull"
        assert "all 8 blocks of it are claimed" in trouble.message
        assert "all 8 blocks" in str(late.ledger.fact(full_pool_fact("blue")))
        cluster.pool("blue", "10.9.0.0/27", "10.9.7.0/28", size=30)
        assert reasons(late, 60) == []
        assert late.prefixes[0].startswith("10.9.7.")
        assert late.ledger.fact(full_pool_fact("blue")) is None

    def test_a_pool_that_is_missing_or_unreadable_or_another_ones_is_said(
        self, start: Start, cluster: Cluster
    ) -> None:
        agent = start("win-1", "blue", "red", "green")
        cluster.pool("green", "10.7.0.0/24", size=20)
        cluster.pool("white", "10.9.0.16/28", size=30)
        assert sorted(reasons(agent)) == ["PoolMissing", "PoolOverlaps", "PoolUnreadable"]
        assert agent.blocks == []
        assert all(". Next: " in one.message for one in agent.step().troubles)
        del cluster.pools.documents["white"]
        agent.step()
        assert len(agent.prefixes) == 1

    def test_a_pool_within_the_podcidrs_gives_nothing(self, agent: Agent, cluster: Cluster) -> None:
        cluster.node("linux-1", "10.9.0.0/24")
        assert reasons(agent) == ["PoolOverlaps"]
        assert agent.blocks == []

    def test_a_block_of_a_pool_that_is_no_more_is_not_given_twice(
        self, agent: Agent, cluster: Cluster
    ) -> None:
        """It was made anew under another name, with longer blocks, while nodes have blocks of the old one."""
        other = block_document(Block(NETWORK, "old", "10.9.0.0", "10.9.0.15"), "win-9")
        cluster.node("win-9")
        cluster.blocks.documents[other["metadata"]["name"]] = other
        agent._limits = LIMITS._replace(low=16)
        agent.restart()
        agent.step()
        assert agent.prefixes == [f"10.9.0.{last}/30" for last in (16, 20, 24, 28)]


class TestGivingBack:
    def test_an_empty_spare_block_goes_after_a_time(self, agent: Agent, cluster: Cluster) -> None:
        agent.step()
        first = agent.prefixes[0]
        agent.lease(*addresses(first))
        agent.step()
        assert len(agent.prefixes) == 2
        free(agent, *addresses(first))
        agent.step(59)
        assert len(agent.prefixes) == 2
        agent.step(1)
        assert len(agent.prefixes) == 1
        assert cluster.holders() == {agent.prefixes[0]: "win-1"}

    def test_one_that_was_in_use_meanwhile_waits_anew(self, agent: Agent) -> None:
        agent.step()
        agent.lease(*addresses(agent.prefixes[0]))
        agent.step()
        (second,) = [one for one in agent.blocks if not Blocks(agent.ledger).has_leases(one)]
        free(agent, *addresses(agent.prefixes[0]), *addresses(agent.prefixes[1]))
        agent.step(50)
        agent.lease(second.first)
        agent.step(5)
        free(agent, second.first)
        agent.step(50)
        assert second.prefix in agent.prefixes

    def test_one_that_the_next_pod_would_need_again_stays(self, agent: Agent) -> None:
        """Two free addresses are to be there: the first block alone would have just these."""
        agent.step()
        agent.lease(*addresses(agent.prefixes[0], 3))
        agent.step()
        free(agent, sorted(one.address for one in agent.ledger.leases())[0])
        agent.step()
        agent.step(1000)
        assert len(agent.prefixes) == 2

    def test_the_last_block_stays(self, agent: Agent) -> None:
        agent.step()
        agent.step(10_000)
        agent.step(10_000)
        assert len(agent.prefixes) == 1

    def test_blocks_of_a_pool_that_is_no_more_configured_go_when_they_are_empty(
        self, agent: Agent, cluster: Cluster
    ) -> None:
        agent.step()
        used = agent.prefixes[0]
        agent.lease(addresses(used)[0])
        agent._pools = ("red",)
        agent.restart()
        agent.step()
        agent.step(100)
        assert agent.prefixes == [used]
        free(agent, addresses(used)[0])
        agent.step()
        agent.step(100)
        assert (agent.blocks, cluster.holders()) == ([], {})


def churn(agent: Agent) -> None:
    """Claims two blocks, empties them, gives one back: two creations, a look and a deletion."""
    agent.step()
    if not agent.ledger.leases():
        agent.lease(*addresses(agent.prefixes[0], 3))
    agent.step()
    for lease in agent.ledger.leases():
        release(agent.ledger, lease.key)
    agent.step()
    agent.step(100)
    agent.step(100)


class TestKilled:
    @pytest.mark.parametrize(
        ("at", "done"), [(1, False), (1, True), (2, False), (2, True), (3, False), (4, False), (4, True)]
    )
    def test_anywhere_it_ends_as_if_it_had_not_been(
        self, agent: Agent, cluster: Cluster, at: int, done: bool
    ) -> None:
        """In the call of this number, before or after the API has done it."""
        cluster.killed_at, cluster.done = at, done
        with pytest.raises(Killed):
            churn(agent)
        agent.restart()
        churn(agent)
        assert cluster.holders() == dict.fromkeys(agent.prefixes, "win-1")
        assert [one.state for one in agent.blocks] == ["held"]

    def test_a_claim_whose_answer_was_lost_is_found_again(self, agent: Agent, cluster: Cluster) -> None:
        cluster.killed_at, cluster.done = 1, True
        with pytest.raises(Killed):
            agent.step()
        agent.restart()
        assert agent.blocks == []
        assert len(cluster.holders()) == 1
        assert "already" in agent.step().lines[0]
        assert cluster.holders() == {agent.prefixes[0]: "win-1"}

    def test_what_is_found_again_is_changed_before_it_is_used(self, agent: Agent, cluster: Cluster) -> None:
        """Who is about to free it, as a block of a node that is gone, has looked at another version."""
        cluster.killed_at, cluster.done = 1, True
        with pytest.raises(Killed):
            agent.step()
        agent.restart()
        (before,) = [one["metadata"]["resourceVersion"] for one in cluster.blocks.objects().values()]
        agent.step()
        (after,) = [one["metadata"]["resourceVersion"] for one in cluster.blocks.objects().values()]
        assert before != after

    def test_what_is_found_in_an_old_list_only_is_not_used(self, agent: Agent, cluster: Cluster) -> None:
        agent.step()
        cluster.blocks.frozen = cluster.blocks.objects()
        agent._pools = ()
        agent.restart()
        agent.step()
        agent.step(100)
        assert (agent.blocks, cluster.holders()) == ([], {})
        agent.step()
        assert (agent.blocks, cluster.holders()) == ([], {})

    def test_a_lost_ledger_gets_its_blocks_back(self, start: Start, cluster: Cluster) -> None:
        first = start()
        first.step()
        prefixes = first.prefixes
        for block in first.blocks:
            Blocks(first.ledger).drain(block)
            Blocks(first.ledger).forget(block)
        first.restart()
        first.step()
        assert first.prefixes == prefixes


class TestAnApiThatIsAway:
    def test_takes_nothing_away(self, agent: Agent, cluster: Cluster) -> None:
        agent.step()
        before = agent.blocks
        agent.lease(*addresses(agent.prefixes[0]))
        cluster.fault = Away("the API is away")
        told = agent.step()
        assert (agent.blocks, type(told.fault)) == (before, Away)
        cluster.fault = None
        agent.step()
        assert len(agent.prefixes) == 2

    def test_leaves_a_block_that_was_being_given_back_without_addresses(
        self, agent: Agent, cluster: Cluster
    ) -> None:
        agent.step()
        agent._pools = ("red",)
        agent.restart()
        cluster.fault = Away("the API is away")
        agent.step()
        assert [one.state for one in agent.blocks] == ["draining"]
        cluster.fault = None
        agent.step()
        assert (agent.blocks, cluster.holders()) == ([], {})

    def test_refuses_and_says_what_is_missing(self, agent: Agent, cluster: Cluster) -> None:
        cluster.fault = Forbidden("create ipblocks: add the rule", what="create ipblocks")
        assert "add the rule" in str(agent.step().fault)

    def test_a_deleted_object_is_made_again(self, agent: Agent, cluster: Cluster) -> None:
        """By hand, or by an API that was given an older state."""
        agent.step()
        cluster.blocks.documents.clear()
        agent.step()
        assert cluster.holders() == {agent.prefixes[0]: "win-1"}

    def test_a_block_that_another_node_has_by_now_gives_no_address(
        self, agent: Agent, cluster: Cluster
    ) -> None:
        agent.step()
        lost = agent.prefixes[0]
        agent.lease(addresses(lost)[0])
        (document,) = cluster.blocks.documents.values()
        document["spec"]["node"] = "win-2"
        document["metadata"]["uid"] = "another"
        cluster.node("win-2")
        assert reasons(agent) == ["BlockLost"]
        assert lost not in agent.prefixes
        assert cluster.holders()[lost] == "win-2"
        free(agent, addresses(lost)[0])
        agent.step()
        assert [one.state for one in agent.blocks] == ["held"]
        assert cluster.holders()[lost] == "win-2"


class TestNodesThatAreGone:
    def test_their_blocks_are_freed_after_an_hour(self, start: Start, cluster: Cluster) -> None:
        gone, other = start("gone"), start("win-1")
        gone.step()
        other.step()
        del cluster.nodes.documents["gone"]
        other.step()
        other.step(3599)
        assert "gone" in cluster.holders().values()
        assert any('Node "gone" is gone' in line for line in other.step(1000).lines)
        assert set(cluster.holders().values()) == {"win-1"}

    def test_nothing_is_freed_while_our_own_node_is_missing_too(self, start: Start, cluster: Cluster) -> None:
        gone, other = start("gone"), start("win-1")
        gone.step()
        other.step()
        nodes = dict(cluster.nodes.documents)
        cluster.nodes.documents.clear()
        for _ in range(5):
            other.step(5000)
        assert "gone" in cluster.holders().values()
        cluster.nodes.documents["win-1"] = nodes["win-1"]
        other.step()
        assert "gone" in cluster.holders().values()

    def test_a_node_that_lives_without_its_object_keeps_its_blocks(
        self, start: Start, cluster: Cluster
    ) -> None:
        lives, other = start("lives"), start("win-1")
        lives.step()
        other.step()
        del cluster.nodes.documents["lives"]
        for _ in range(30):
            lives.step(1000)
            other.step(1000)
        assert cluster.holders() == {lives.prefixes[0]: "lives", other.prefixes[0]: "win-1"}

    def test_a_node_that_the_list_does_not_have_yet_keeps_its_blocks(
        self, start: Start, cluster: Cluster
    ) -> None:
        other = start("win-1")
        cluster.nodes.frozen = cluster.nodes.objects()
        late = start("late")
        late.step()
        other.step()
        other.step(10_000)
        assert late.prefixes[0] in cluster.holders()

    def test_nobody_is_taken_for_gone_while_the_mirror_may_be_old(
        self, start: Start, cluster: Cluster
    ) -> None:
        gone, other = start("gone"), start("win-1")
        gone.step()
        other.step()
        del cluster.nodes.documents["gone"]
        cluster.nodes.fault = Away("away")
        other.step()
        other.step(10_000)
        assert "gone" in cluster.holders().values()

    def test_a_block_that_was_claimed_anew_in_between_stays(self, start: Start, cluster: Cluster) -> None:
        gone, other = start("gone"), start("win-1")
        gone.step()
        other.step()
        del cluster.nodes.documents["gone"]
        other.step()
        cluster.blocks.frozen = cluster.blocks.objects()
        for document in cluster.blocks.documents.values():
            document["metadata"]["resourceVersion"] = f"newer than {document['metadata']['resourceVersion']}"
        other.step(10_000)
        assert "gone" in cluster.holders().values()
