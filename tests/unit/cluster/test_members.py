"""Node objects as members."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cluster.flannel import Backend
from cni_hns.cluster.members import Member, member
from tests.unit.cluster.nodes import VNI, mac, node, node_document


def test_a_node_is_read() -> None:
    assert node(2) == Member(
        name="win-2",
        pod_cidrs=("10.244.2.0/24",),
        addresses=("192.0.2.2",),
        backend=Backend("vxlan", "192.0.2.2", VNI, mac(2)),
        uid="uid-2",
        made_at="2026-01-01T00:02:00Z",
    )


def test_both_families_are_read_in_the_nodes_order() -> None:
    found = node(2, cidrs=("10.244.2.0/24", "fd00:244:0:2::/64"), addresses=("192.0.2.2", "2001:DB8::2"))
    assert found.pod_cidrs == ("10.244.2.0/24", "fd00:244:0:2::/64")
    assert found.addresses == ("192.0.2.2", "2001:db8::2")


def test_a_node_with_podcidr_alone_has_that_one() -> None:
    document = node_document(2)
    del document["spec"]["podCIDRs"]
    assert member(document).pod_cidrs == ("10.244.2.0/24",)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"metadata": {"name": "win-9"}}, id="nothing but a name"),
        pytest.param(
            {
                "metadata": {"name": "win-9", "annotations": None},
                "spec": {"podCIDRs": [7, "10.244.x.0/24"]},
                "status": {"addresses": ["192.0.2.9", {"type": "InternalIP"}, {"type": "ExternalIP"}]},
            },
            id="members of other types",
        ),
        pytest.param({"metadata": {"name": "win-9"}, "spec": None, "status": []}, id="null"),
    ],
)
def test_what_is_missing_is_empty(document: dict[str, Any]) -> None:
    found = member(document)
    assert found[:5] == ("win-9", (), (), None, "")
    assert "backend-type" in found.backend_fault
