"""GC removes what no valid attachment owns; STATUS says whether an ADD would work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness import SimulatedNode, container_id, finished, l2bridge
from tests.packaging import give


def _added(node: SimulatedNode, count: int = 3) -> list[str]:
    containers = [container_id() for _ in range(count)]
    for container in containers:
        assert node.call("ADD", l2bridge(), container, node.namespace()).exit_code == 0
    return containers


def _entries(containers: list[str]) -> list[dict[str, str]]:
    return [{"containerID": container, "ifname": "eth0"} for container in containers]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("cni.dev/valid-attachments",), id="the newer key alone"),
        pytest.param(("cni.dev/attachments",), id="the older key alone"),
        pytest.param(
            ("cni.dev/valid-attachments", "cni.dev/attachments"), id="both", marks=pytest.mark.single_file
        ),
    ],
)
def test_gc_removes_only_what_is_not_listed(node: SimulatedNode, keys: tuple[str, ...]) -> None:
    containers = _added(node)
    lists = {key: _entries(containers[:2]) for key in keys}
    answer = node.call("GC", l2bridge(**lists))
    assert (answer.exit_code, answer.stdout) == (0, ""), answer.words
    assert sorted(row.key.container_id for row in node.rows()) == sorted(containers[:2])
    assert len(node.endpoints()) == len(node.leases()) == 2


def test_the_union_of_both_lists_is_valid(node: SimulatedNode) -> None:
    containers = _added(node)
    config = l2bridge(
        **{
            "cni.dev/valid-attachments": _entries(containers[:1]),
            "cni.dev/attachments": _entries(containers[1:2]),
        }
    )
    assert node.call("GC", config).exit_code == 0
    assert sorted(row.key.container_id for row in node.rows()) == sorted(containers[:2])


@pytest.mark.parametrize("lists", [{}, {"cni.dev/valid-attachments": None}], ids=["absent", "null"])
def test_without_a_list_nothing_is_valid(node: SimulatedNode, lists: dict[str, Any]) -> None:
    _added(node)
    assert node.call("GC", l2bridge(**lists)).exit_code == 0
    node.assert_clean()


@pytest.mark.parametrize("malformed", ["x", [1], [{"containerID": "a"}], {"containerID": "a"}], ids=str)
def test_a_malformed_list_is_an_error_and_removes_nothing(node: SimulatedNode, malformed: object) -> None:
    _added(node)
    answer = node.call("GC", l2bridge(**{"cni.dev/valid-attachments": malformed}))
    assert (answer.exit_code, answer.document["code"]) == (1, 7)
    assert len(node.endpoints()) == len(node.rows()) == len(node.leases()) == 3


def test_gc_of_another_network_touches_nothing_here(node: SimulatedNode) -> None:
    _added(node)
    assert node.call("GC", l2bridge(name="others")).exit_code == 0
    assert len(node.endpoints()) == len(node.rows()) == 3


def test_gc_removes_endpoints_of_ours_that_the_ledger_does_not_know(node: SimulatedNode) -> None:
    containers = _added(node)
    node.lose_ledger()
    assert node.call("GC", l2bridge(**{"cni.dev/valid-attachments": _entries(containers[:1])})).exit_code == 0
    assert [one.name for one in node.endpoints()] == [f"{containers[0]}_pods"]


def test_gc_leaves_foreign_and_remote_endpoints_alone(node: SimulatedNode) -> None:
    _added(node, 1)
    kept = [
        node.foreign("pods_ep", "10.88.0.70"),
        node.foreign("Ethernet", "10.88.0.71"),
        node.foreign("abc_pods", "10.88.0.72", remote=True),
    ]
    assert node.call("GC", l2bridge()).exit_code == 0
    assert sorted(one.id for one in node.endpoints()) == sorted(kept)


def test_gc_goes_on_past_a_failure_and_reports_it(node: SimulatedNode) -> None:
    _added(node)
    node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
    answer = node.call("GC", l2bridge())
    assert (answer.exit_code, answer.document["code"]) == (1, 105)
    assert len(node.leases()) <= 1
    assert node.call("GC", l2bridge()).exit_code == 0
    node.assert_clean()


@pytest.mark.single_file
def test_status_of_a_fresh_node_is_good_and_makes_nothing(node: SimulatedNode) -> None:
    answer = node.call("STATUS", l2bridge())
    assert (answer.exit_code, answer.stdout) == (0, ""), answer.words
    assert node.hcn.networks.ids() == []
    assert not (node.folder / "cni-hns" / "ledger.db").exists()


def test_status_says_that_hns_does_not_answer(node: SimulatedNode) -> None:
    node.simulator.inject(function="*", hresult=0x800706BA, count=0)
    answer = node.call("STATUS", l2bridge())
    node.simulator.clear_faults()
    assert (answer.exit_code, answer.document["code"]) == (1, 50)


def test_status_says_that_the_network_is_missing_and_may_not_be_made(node: SimulatedNode) -> None:
    answer = node.call("STATUS", l2bridge(network={**l2bridge()["network"], "create": False}))
    assert answer.exit_code == 1
    assert "does not exist" in answer.words


def test_status_passes_when_the_addresses_are_used_up(node: SimulatedNode) -> None:
    """An error would mark the node NotReady and drive its healthy pods away."""
    config = l2bridge(
        ipam={
            "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.9", "rangeEnd": "10.88.0.9"}]],
            "type": "cni-hns",
        }
    )
    assert node.call("ADD", config, container_id(), node.namespace()).exit_code == 0
    assert node.call("STATUS", config).exit_code == 0


def test_a_pod_that_was_added_while_gc_was_starting_stays(node: SimulatedNode) -> None:
    """It cannot be in the list; GC's beginning is that of its process."""
    _added(node, 1)
    assert node.process("GC", l2bridge()).exit_code == 0
    collecting = node.start("GC", None)
    container, namespace = container_id(), node.namespace()
    added = node.process("ADD", l2bridge(), container, namespace)
    assert added.exit_code == 0, added.words
    give(collecting, json.dumps(l2bridge(**{"cni.dev/valid-attachments": []})).encode())
    assert finished(collecting).exit_code == 0
    assert [row.key.container_id for row in node.rows()] == [container]
    assert [view.name for view in node.endpoints()] == [f"{container}_pods"]
    check = node.call("CHECK", l2bridge(prevResult=added.document), container, namespace)
    assert check.exit_code == 0, check.words
    # Of a GC that begins now it is.
    assert node.process("GC", l2bridge()).exit_code == 0
    node.assert_clean()
