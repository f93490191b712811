"""By what an object is found, and what stands against its deletion, on a node where pods were added."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.harness import Printed, SimulatedNode, container_id, l2bridge


class Added(NamedTuple):
    """A pod on its node."""

    node: SimulatedNode
    container: str
    namespace: str
    endpoint: str

    def show(self, kind: str, which: str) -> Any:
        return json.loads(self.node.command(kind, "show", which, "--json").stdout)

    def refused(self, *arguments: str) -> str:
        """What a command says that must change nothing."""
        done = self.node.command(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert self.endpoint in [view.id for view in self.node.endpoints()]
        return done.stderr


@pytest.fixture
def added(tmp_path: Path) -> Iterator[Added]:
    node = SimulatedNode(tmp_path / "node")
    container, namespace = container_id(), node.namespace()
    args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=uid-1"
    assert node.call("ADD", l2bridge(), container, namespace, args=args).exit_code == 0
    (row,) = node.rows()
    assert row.endpoint_id is not None
    yield Added(node, container, namespace, row.endpoint_id)
    node.close()


def spellings(added: Added) -> dict[str, str]:
    return {
        "endpoint's id": added.endpoint,
        "endpoint's id in braces": "{" + added.endpoint.upper() + "}",
        "beginning of the endpoint's id": added.endpoint[:13],
        "endpoint's name": f"{added.container}_pods",
        "container's id": added.container,
        "beginning of the container's id": added.container[:12],
        "address": "10.88.0.2",
        "address with its prefix": "10.88.0.2/24",
        "pod's name": "shop/web-0",
        "pod's name without its namespace": "web-0",
        "pod's UID": "uid-1",
        "namespace": added.namespace,
    }


class TestFinding:
    def test_an_endpoint_a_namespace_and_a_pod_by_all_that_they_are_called(self, added: Added) -> None:
        for what, text in spellings(added).items():
            if what != "namespace":
                assert added.show("endpoint", text)["id"] == added.endpoint, what
            if not what.startswith("endpoint's id"):
                assert added.show("namespace", text)["id"] == added.namespace, what
            assert added.show("pod", text)["id"] == added.container, what

    def test_a_network_by_the_beginning_of_its_id(self, added: Added) -> None:
        identifier = added.node.network_id("pods")
        assert added.show("network", identifier[:8])["id"] == identifier

    def test_what_fits_several_is_none_of_them_and_lists_all(self, added: Added) -> None:
        for container in ("zz1", "zz2"):
            assert added.node.call("ADD", l2bridge(), container, added.node.namespace()).exit_code == 0
        both = sorted(row.endpoint_id or "" for row in added.node.rows() if row.key.container_id[:2] == "zz")
        assert ", ".join(both) in added.refused("endpoint", "show", "zz")
        assert "zz1, zz2" in added.refused("pod", "show", "zz")

    @pytest.mark.parametrize("kind", ["network", "endpoint", "namespace", "pod"])
    def test_what_is_nothing_of_the_node_names_the_list(self, added: Added, kind: str) -> None:
        said = added.refused(kind, "show", "nothing-of-the-kind")
        assert "nothing-of-the-kind" in said
        assert f"cni-hns {kind} list" in said


class TestWhatALivePodUses:
    def test_its_network_stays_and_its_pod_is_named(self, added: Added) -> None:
        said = added.refused("network", "delete", "pods")
        assert f"endpoint {added.endpoint} (10.88.0.2/24) of pod shop/web-0" in said

    def test_its_endpoint_and_its_namespace_stay(self, added: Added) -> None:
        for kind, which in (("endpoint", added.endpoint), ("namespace", added.namespace)):
            said = added.refused(kind, "delete", which)
            assert "the ledger has it for attachment eth0 of " in said
            assert added.container in said

    def test_the_ledger_alone_is_enough(self, added: Added) -> None:
        """HNS has taken the endpoint out of the namespace: the pod is ill, and not gone."""
        with added.node.hcn.namespaces.open(added.namespace) as opened:
            settings = {"EndpointId": added.endpoint}
            opened.modify({"ResourceType": "Endpoint", "RequestType": "Remove", "Settings": settings})
        assert "the ledger has it" in added.refused("endpoint", "delete", added.endpoint)
        assert "the ledger has it" in added.refused("namespace", "delete", added.namespace)

    def test_one_whose_pod_is_gone_can_be_deleted(self, added: Added) -> None:
        added.node.simulator.remove(added.namespace)
        assert _deleted(added.node.command("endpoint", "delete", added.endpoint, "--json"))

    def test_a_ledger_that_cannot_be_read_stands_against_it(self, added: Added) -> None:
        Path(added.node.ledger_path).write_bytes(b"this is no database, and long enough to tell" * 30)
        added.node.simulator.remove(added.namespace)
        assert "it is not known who uses it: the ledger" in added.refused(
            "endpoint", "delete", added.endpoint
        )

    @pytest.mark.parametrize("kind", ["network", "endpoint", "namespace"])
    def test_goes_by_force(self, added: Added, kind: str) -> None:
        which = {"network": "pods", "endpoint": added.endpoint, "namespace": added.namespace}[kind]
        assert _deleted(added.node.command(kind, "delete", which, "--force", "--json"))


def _deleted(done: Printed) -> bool:
    assert done.exit_code == 0, done.stderr
    return bool(json.loads(done.stdout)["deleted"])
