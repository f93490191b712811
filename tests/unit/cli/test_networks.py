"""`cni-hns network`: by options, by a configuration, by id and by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.cli.networks import MODES
from cni_hns.dialects.networks import HCN_TYPES
from cni_hns.hcn.client import Hcn
from cni_hns.simulator import open_simulator
from tests.unit.cli.conftest import Node

CONF = Path(__file__).parents[3] / "conf"
L2BRIDGE = ("network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24")


def test_a_created_network_is_an_object_with_id_and_is_listed(node: Node) -> None:
    created = node.make(*L2BRIDGE, "--gateway", "10.1.0.254", "--adapter", "Ethernet")
    assert created["name"] == "l2b"
    assert created["type"] == "L2Bridge"
    assert created["subnets"] == [{"prefix": "10.1.0.0/24", "gateway": "10.1.0.254"}]
    assert [network["id"] for network in node.make("network", "list")] == [created["id"]]


def test_every_mode_of_a_configuration_can_be_asked_for() -> None:
    assert list(MODES) == list(HCN_TYPES)


@pytest.mark.parametrize("by", ["id", "name"])
def test_show_and_delete_take_id_or_name(node: Node, by: str) -> None:
    created = node.make(*L2BRIDGE)
    shown = node.make("network", "show", created[by])
    assert shown["id"] == created["id"]
    assert shown["document"]["Name"] == "l2b"
    assert node.make("network", "delete", created[by])["deleted"] is True
    assert node.make("network", "list") == []


def test_an_id_is_taken_in_any_spelling(node: Node) -> None:
    created = node.make(*L2BRIDGE)
    assert node.make("network", "show", "{" + created["id"].upper() + "}")["id"] == created["id"]


@pytest.mark.parametrize("verb", ["show", "delete"])
@pytest.mark.parametrize("which", ["l2b", "0a5c2f6e-0000-4000-8000-000000000001"], ids=["name", "id"])
def test_what_is_not_there_is_one_line_on_stderr(node: Node, verb: str, which: str) -> None:
    typed = node("network", verb, which)
    assert (typed.exit_code, typed.out) == (1, "")
    assert typed.err.count("\n") == 1
    assert f'there is no network with the {"name" if which == "l2b" else "id"} "{which}"' in typed.err


def test_each_gateway_goes_to_the_subnet_it_lies_in(node: Node) -> None:
    created = node.make(
        *L2BRIDGE, "--subnet", "fd00:1::/64", "--gateway", "fd00:1::fe", "--gateway", "10.1.0.254"
    )
    assert [subnet["gateway"] for subnet in created["subnets"]] == ["10.1.0.254", "fd00:1::fe"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("--mode", "nat"), "--name missing", id="no name"),
        pytest.param(("--name", "n"), "--mode missing", id="no mode"),
        pytest.param((), "--name and --mode missing", id="nothing"),
        pytest.param((*L2BRIDGE[2:], "--gateway", "10.2.0.1"), "lies in no --subnet", id="gateway outside"),
        pytest.param(
            ("--name", "n", "--mode", "nat", "--gateway", "10.2.0.1"), "needs the --subnet", id="alone"
        ),
        pytest.param(
            (*L2BRIDGE[2:], "--gateway", "ten"), "'ten' does not appear to be an IPv4", id="no address"
        ),
        pytest.param(("--name", "n", "--mode", "bridge"), "'bridge' is not one of", id="unknown mode"),
    ],
)
def test_wrong_usage_is_exit_code_2(node: Node, arguments: tuple[str, ...], words: str) -> None:
    typed = node("network", "create", *arguments)
    assert (typed.exit_code, typed.out) == (2, "")
    assert words in typed.err


def test_every_fault_of_the_asked_network_is_named(node: Node) -> None:
    typed = node("network", "create", "--name", "v", "--mode", "overlay", "--adapter", "vEthernet (x)")
    assert typed.exit_code == 1
    assert "network.adapter" in typed.err
    assert "network.subnets" in typed.err
    assert "network.vsid" in typed.err


def test_an_overlay_network_takes_its_virtual_subnet_id(node: Node) -> None:
    options = ("--name", "v", "--mode", "overlay", "--subnet", "10.2.0.0/24", "--vsid", "5000")
    created = node.make("network", "create", *options)
    subnet = node.make("network", "show", created["id"])["document"]["Ipams"][0]["Subnets"][0]
    assert subnet["Policies"] == [{"Type": "VSID", "Settings": {"IsolationId": 5000}}]


def test_one_that_vanishes_while_the_list_is_made_is_left_out(node: Node) -> None:
    node.make(*L2BRIDGE)
    simulator = open_simulator(str(node.folder))
    simulator.inject(function="HcnOpenNetwork", vanish=["l2b"])
    simulator.close()
    assert node.make("network", "list") == []


def test_a_name_in_use_is_an_error_that_says_so(node: Node) -> None:
    node.make(*L2BRIDGE)
    typed = node(*L2BRIDGE)
    assert typed.exit_code == 1
    assert "0x803B0010" in typed.err


class TestFromAConfiguration:
    def test_a_native_one_gives_its_whole_network(self, node: Node) -> None:
        created = node.make("network", "create", "--config", str(CONF / "l2bridge.conf"))
        assert (created["name"], created["type"]) == ("l2bridge", "L2Bridge")
        assert created["subnets"] == [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}]

    def test_a_peers_one_that_creates_its_network_gives_that(self, node: Node) -> None:
        created = node.make("network", "create", "--config", str(CONF / "wcn-nat.conf"))
        assert created["type"] == "NAT"
        renamed = node.make("network", "create", "--config", str(CONF / "sdnbridge.conf"), "--name", "mine")
        assert (renamed["name"], renamed["type"], len(renamed["subnets"])) == ("mine", "L2Bridge", 1)

    def test_options_override_it(self, node: Node) -> None:
        options = ("--name", "other", "--subnet", "10.9.0.0/24")
        created = node.make("network", "create", "--config", str(CONF / "l2bridge.conf"), *options)
        assert created["name"] == "other"
        assert [subnet["prefix"] for subnet in created["subnets"]] == ["10.9.0.0/24"]

    def test_a_list_is_read_as_a_runtime_reads_it(self, node: Node) -> None:
        created = node.make("network", "create", "--config", str(CONF / "nat.conflist"))
        assert created["type"] == "NAT"

    def test_a_peers_one_gives_name_kind_and_the_subnet_of_its_pods(self, node: Node) -> None:
        created = node.make("network", "create", "--config", str(CONF / "win-bridge.conf"))
        assert (created["name"], created["type"]) == ("cbr0", "L2Bridge")
        assert [subnet["prefix"] for subnet in created["subnets"]] == ["10.93.4.0/24"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param(None, "cannot be read", id="missing"),
            pytest.param("{", "is not JSON", id="no JSON"),
            pytest.param('{"name": "n", "plugins": [{"type": "bridge"}]}', "lists no plugin", id="not ours"),
            pytest.param('{"name": "n", "type": "cni-hns"}', "network", id="invalid"),
        ],
    )
    def test_that_cannot_be_used_is_one_line(self, node: Node, text: str | None, words: str) -> None:
        node.folder.parent.mkdir(exist_ok=True)
        file = node.folder.parent / "some.conf"
        if text is not None:
            file.write_text(text, encoding="utf-8")
        typed = node("network", "create", "--config", str(file))
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert words in typed.err


class TestDeleting:
    def test_one_with_endpoints_is_refused_with_what_is_on_it(self, node: Node) -> None:
        created = node.make(*L2BRIDGE)
        endpoint = node.plant_endpoint(created["id"])
        typed = node("network", "delete", "l2b")
        assert (typed.exit_code, typed.out) == (1, "")
        assert f"was not deleted: endpoint {endpoint} (10.1.0." in typed.err
        assert [one["id"] for one in node.make("endpoint", "list")] == [endpoint]

    def test_by_force_says_what_went_with_it(self, node: Node) -> None:
        created = node.make(*L2BRIDGE)
        endpoint = node.plant_endpoint(created["id"])
        typed = node("network", "delete", "l2b", "--force")
        assert typed.exit_code == 0
        assert typed.out == f'deleted network "l2b" ({created["id"]}), and with it endpoint {endpoint}\n'
        assert node.make("endpoint", "list") == []

    @pytest.mark.parametrize("owner", ["", "azure-vnet"])
    def test_one_of_another_program_is_refused(self, node: Node, hcn: Hcn, owner: str) -> None:
        schema = {"SchemaVersion": {"Major": 2, "Minor": 0}}
        hcn.networks.create({"Name": "azure", "Type": "NAT", "Owner": owner, **schema}).close()
        typed = node("network", "delete", "azure")
        assert (typed.exit_code, "another program made it" in typed.err, owner in typed.err) == (
            1,
            True,
            True,
        )
        assert node("network", "delete", "azure", "--force").exit_code == 0

    def test_a_dry_run_deletes_nothing(self, node: Node) -> None:
        created = node.make(*L2BRIDGE)
        words = f'would delete network "l2b" ({created["id"]}): nothing uses it\n'
        assert node("network", "delete", "l2b", "--dry-run").out == words
        assert len(node.make("network", "list")) == 1


def test_deleting_an_empty_network_says_that_it_was_empty(node: Node) -> None:
    created = node.make(*L2BRIDGE)
    assert (
        node("network", "delete", "l2b").out
        == f'deleted network "l2b" ({created["id"]}); no endpoint was on it\n'
    )


def test_in_a_pipe_a_network_is_a_line_however_long(node: Node) -> None:
    assert node("network", "list").out == "no networks\n"
    name = "a-rather-long-network-name-" * 3
    node.make("network", "create", "--name", name, "--mode", "nat")
    created = node.make(*L2BRIDGE)
    heading, *lines = node("network", "list").out.splitlines()
    assert heading.split() == ["ID", "NAME", "TYPE", "SUBNETS"]
    assert sorted(line.split()[1] for line in lines) == sorted([name, "l2b"])
    assert [created["id"], "l2b", "L2Bridge", "10.1.0.0/24", "via", "10.1.0.1"] in [
        line.split() for line in lines
    ]


def test_show_without_json_is_readable(node: Node) -> None:
    created = node.make(*L2BRIDGE)
    out = node("network", "show", "l2b").out
    facts, document = out.split("\n\n")
    assert f"id            {created['id']}\n" in facts
    assert "subnets       10.1.0.0/24 via 10.1.0.1\n" in facts
    assert json.loads(document)["Type"] == "L2Bridge"
