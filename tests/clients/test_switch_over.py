"""The exe is replaced while pods run, and again: no pod notices, nothing is left, no address is twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.switched import PEERS, Switched, switched
from tests.lane import Lane

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=PEERS)
def node(request: pytest.FixtureRequest, tmp_path: Path, lane: Lane, wine: None) -> Iterator[Switched]:
    """A node of that peer's."""
    with switched(lane, tmp_path, request.param) as there:
        yield there


def test_pods_of_the_peer_live_on_beside_ours_and_both_go(node: Switched) -> None:
    old, gone = node.peer_adds(), node.peer_adds()
    node.we_check(old)
    new = node.we_add()
    assert len({old.address, gone.address, new.address}) == 3
    node.we_check(new)
    node.we_check(old)
    node.we_delete(gone)
    node.assert_just(old, new)
    node.we_delete(gone)
    node.we_delete(new)
    node.assert_just(old)
    node.we_delete(old)
    node.assert_just()


def test_a_repeated_add_of_the_peers_pod_is_that_pod(node: Switched) -> None:
    old = node.peer_adds()
    again = node.we_add_again(old)
    assert again.address == old.address
    node.assert_just(old)
    node.we_check(again)
    assert node.we_add_again(old).result == again.result
    node.we_delete(old)
    node.assert_just()


def test_gc_takes_the_peers_pods_that_the_runtime_forgot_and_no_other(node: Switched) -> None:
    kept, forgotten = node.peer_adds(), node.peer_adds()
    ours, ours_forgotten = node.we_add(), node.we_add()
    node.we_collect([kept, ours])
    node.assert_just(kept, ours)
    assert {forgotten.container, ours_forgotten.container}.isdisjoint(node.endpoints())
    node.we_check(kept)
    node.we_check(ours)


def test_back_to_the_peer_with_our_pods_running_and_forward_again(node: Switched) -> None:
    ours, other = node.we_add(), node.we_add()
    back = node.peer_adds()
    assert len({ours.address, other.address, back.address}) == 3
    node.assert_just(ours, other, back)
    node.peer_deletes(ours)
    node.assert_just(other, back)
    forward = node.we_add()
    node.assert_just(other, back, forward)
    node.we_check(other)
    node.we_check(back)
    node.we_delete(ours)  # the runtime may ask again
    node.assert_just(other, back, forward)
    for pod in (other, back, forward):
        node.we_delete(pod)
    node.assert_just()
    assert node.simulated.leases() == []
