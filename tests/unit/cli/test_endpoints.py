"""`cni-hns endpoint`: what is there, whoever made it."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Node


@pytest.fixture
def network(node: Node) -> str:
    created = node.make("network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24")
    return str(created["id"])


def test_the_list_has_every_endpoint_with_its_id(node: Node, network: str) -> None:
    assert node("endpoint", "list").out == "no endpoints\n"
    ids = [node.plant_endpoint(network, name) for name in ("a_l2b", "b_l2b")]
    listed = node.make("endpoint", "list")
    assert sorted(endpoint["id"] for endpoint in listed) == sorted(ids)
    assert {endpoint["network"] for endpoint in listed} == {network}


@pytest.mark.parametrize("by", ["id", "name"])
def test_the_list_can_be_of_one_network(node: Node, network: str, by: str) -> None:
    other = node.make("network", "create", "--name", "other", "--mode", "nat")
    node.plant_endpoint(network)
    mine = node.plant_endpoint(other["id"])
    assert [one["id"] for one in node.make("endpoint", "list", "--network", other[by])] == [mine]
    assert node("endpoint", "list", "--network", "none").exit_code == 1


def test_in_a_pipe_an_endpoint_is_a_line_however_long(node: Node, network: str) -> None:
    name = f"{'0123456789abcdef' * 4}_l2b"
    identifier = node.plant_endpoint(network, name)
    _, line = node("endpoint", "list").out.splitlines()
    assert line.split()[:2] == [identifier, name]


def test_a_name_that_speaks_to_the_terminal_is_shown_escaped(node: Node, network: str) -> None:
    identifier = node.plant_endpoint(network, "a\x1b]0;owned\x07_l2b")
    for out in (node("endpoint", "list").out, node("endpoint", "show", identifier).out.partition("{")[0]):
        assert "a\\x1b]0;owned\\x07_l2b" in out
        assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize("by", ["id", "name"])
def test_show_takes_id_or_name(node: Node, network: str, by: str) -> None:
    namespace = node.make("namespace", "create")["id"]
    identifier = node.plant_endpoint(network, "a_l2b", namespace)
    shown = node.make("endpoint", "show", identifier if by == "id" else "a_l2b")
    assert (shown["id"], shown["name"], shown["namespace"]) == (identifier, "a_l2b", namespace)
    assert shown["document"]["Name"] == "a_l2b"
    assert len(shown["addresses"]) == 1


@pytest.mark.parametrize("verb", ["show", "delete"])
def test_a_name_that_several_have_is_refused_with_their_ids(node: Node, network: str, verb: str) -> None:
    ids = [node.plant_endpoint(network, "Ethernet") for _ in range(2)]
    typed = node("endpoint", verb, "Ethernet")
    assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
    assert all(identifier in typed.err for identifier in ids)
    assert len(node.make("endpoint", "list")) == 2


class TestDeletingOneInUse:
    def test_is_refused_with_who_uses_it(self, node: Node, network: str) -> None:
        namespace = node.make("namespace", "create")["id"]
        identifier = node.plant_endpoint(network, "a_l2b", namespace)
        typed = node("endpoint", "delete", "a_l2b")
        assert (typed.exit_code, typed.out) == (1, "")
        assert f'endpoint "a_l2b" ({identifier}) was not deleted: it is in namespace {namespace}' in typed.err
        assert "--force" in typed.err
        assert [one["id"] for one in node.make("endpoint", "list")] == [identifier]

    def test_by_force_says_what_was_there(self, node: Node, network: str) -> None:
        namespace = node.make("namespace", "create")["id"]
        identifier = node.plant_endpoint(network, "a_l2b", namespace)
        address = node.make("endpoint", "show", identifier)["addresses"][0]
        typed = node("endpoint", "delete", "a_l2b", "--force")
        words = f"it had {address} and was in namespace {namespace}"
        assert (typed.exit_code, typed.out) == (0, f'deleted endpoint "a_l2b" ({identifier}): {words}\n')
        assert node.make("endpoint", "list") == []
        assert node.make("namespace", "show", namespace)["endpoints"] == []

    @pytest.mark.parametrize("force", [(), ("--force",)], ids=["alone", "with force"])
    def test_a_dry_run_says_what_stands_against_it_and_deletes_nothing(
        self, node: Node, network: str, force: tuple[str, ...]
    ) -> None:
        namespace = node.make("namespace", "create")["id"]
        identifier = node.plant_endpoint(network, "a_l2b", namespace)
        typed = node("endpoint", "delete", "a_l2b", "--dry-run", *force)
        assert typed.out.splitlines() == [
            f'would delete endpoint "a_l2b" ({identifier}), which needs --force',
            f"    it is in namespace {namespace} of pod a",
        ]
        told = node.make("endpoint", "delete", "a_l2b", "--dry-run", *force)
        assert (told["deleted"], len(told["inUse"])) == (False, 1)
        assert [one["id"] for one in node.make("endpoint", "list")] == [identifier]


def test_deleting_one_in_no_namespace_says_so(node: Node, network: str) -> None:
    node.plant_endpoint(network, "a_l2b")
    assert "was in no namespace" in node("endpoint", "delete", "a_l2b").out


def test_deleting_twice_fails_the_second_time(node: Node, network: str) -> None:
    identifier = node.plant_endpoint(network)
    assert node.make("endpoint", "delete", identifier)["deleted"] is True
    typed = node("endpoint", "delete", identifier, "--json")
    assert (typed.exit_code, typed.json["error"]["exitCode"]) == (1, 1)
    assert "there is no endpoint" in typed.err
