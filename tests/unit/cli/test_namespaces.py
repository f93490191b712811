"""`cni-hns namespace`: what a test harness hands to ADD."""

from __future__ import annotations

import pytest

from cni_hns.identity import guid
from tests.unit.cli.conftest import Node

CHOSEN = "5f0c3b1e-0000-4111-8222-333344445555"


def test_a_created_namespace_is_an_object_with_its_guid(node: Node) -> None:
    created = node.make("namespace", "create")
    assert guid(created["id"]) == created["id"]
    assert created["id"] in [namespace["id"] for namespace in node.make("namespace", "list")]


@pytest.mark.parametrize(
    "spelling", [CHOSEN, CHOSEN.upper(), "{" + CHOSEN + "}"], ids=["plain", "upper", "braces"]
)
def test_its_id_can_be_chosen(node: Node, spelling: str) -> None:
    assert node.make("namespace", "create", "--id", spelling)["id"] == CHOSEN
    assert node.make("namespace", "show", CHOSEN)["id"] == CHOSEN


@pytest.mark.parametrize(
    "arguments", [("create", "--id"), ("show",), ("delete",)], ids=["create", "show", "delete"]
)
def test_what_is_no_guid_is_refused(node: Node, arguments: tuple[str, ...]) -> None:
    typed = node("namespace", *arguments, "pod")
    assert (typed.exit_code, typed.out, typed.err.count("\n")) == (1, "", 1)
    assert '"pod"' in typed.err


@pytest.mark.parametrize("verb", ["show", "delete"])
def test_one_that_is_not_there_is_an_error(node: Node, verb: str) -> None:
    typed = node("namespace", verb, CHOSEN)
    assert (typed.exit_code, typed.out) == (1, "")
    assert f'no namespace with the id "{CHOSEN}"' in typed.err


def test_one_with_an_endpoint_is_deleted_by_force_only_which_says_what_is_left(node: Node) -> None:
    network = node.make("network", "create", "--name", "n", "--mode", "nat")["id"]
    namespace = node.make("namespace", "create")["id"]
    endpoint = node.plant_endpoint(network, "pod_n", namespace)
    assert node.make("namespace", "show", namespace)["endpoints"] == [endpoint]
    typed = node("namespace", "delete", namespace)
    assert (typed.exit_code, f"endpoint {endpoint} (" in typed.err) == (1, True)
    typed = node("namespace", "delete", namespace, "--force")
    words = f"deleted namespace {namespace}; in no namespace now: endpoint {endpoint}\n"
    assert (typed.exit_code, typed.out) == (0, words)
    assert node.make("endpoint", "show", endpoint)["namespace"] is None


def test_deleting_an_empty_one_says_no_more_than_that(node: Node) -> None:
    namespace = node.make("namespace", "create")["id"]
    assert node("namespace", "delete", namespace).out == f"deleted namespace {namespace}\n"
    again = node.make("namespace", "create")["id"]
    assert node.make("namespace", "delete", again)["deleted"] is True
