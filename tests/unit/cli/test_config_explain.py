"""`cni-hns config explain`: what is told is what ADD does, each fact has its place, and it can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Node, Typed

CONF = Path(__file__).parents[3] / "conf"
SAMPLES = sorted(path.name for path in CONF.iterdir() if path.suffix in {".conf", ".conflist"})


def written(tmp_path: Path, document: Any, name: str = "10.conf") -> str:
    file = tmp_path / name
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def sample(name: str) -> Any:
    return json.loads((CONF / name).read_text(encoding="utf-8"))


def facts(plugin: dict[str, Any], title: str) -> dict[str, tuple[str, list[str]]]:
    """label -> (value, places) of one section, of several lines the first."""
    (section,) = [each for each in plugin["sections"] if each["title"] == title]
    return {each["label"]: (each["value"], each["from"]) for each in reversed(section["facts"])}


def policies(
    plugin: dict[str, Any], title: str = "Policies, as HNS gets them"
) -> list[tuple[str, list[str]]]:
    return [
        (each["document"]["Type"], each["from"])
        for section in plugin["sections"]
        if section["title"] == title
        for each in section["policies"]
    ]


def at(document: Any, path: str) -> Any:
    """What stands at the path, spelt exactly."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        document = document[name] if name else document[int(index)]
    return document


def all_places(plugin: dict[str, Any]) -> list[str]:
    return [
        place
        for section in plugin["sections"]
        for each in (*section["facts"], *section["policies"])
        for place in each["from"]
    ]


class TestSamples:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_each_can_be_explained_in_lines_that_fit_a_screen(self, node: Node, name: str) -> None:
        typed = node("config", "explain", str(CONF / name))
        assert (typed.exit_code, typed.err) == (0, "")
        for title in ("HCN network", "Addresses", "Gateway and routes", "DNS", "What the runtime may add"):
            assert f"\n{title}\n" in typed.out
        assert max(map(len, typed.out.splitlines())) <= 100

    @pytest.mark.parametrize("name", SAMPLES)
    def test_each_place_is_one_in_the_file(self, node: Node, name: str) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / name))["plugins"]
        places = all_places(plugin)
        assert len(places) > 5
        for place in places:
            assert at(sample(name), place) is not None

    @pytest.mark.parametrize("name", SAMPLES)
    def test_each_value_that_a_place_holds_is_the_one_told(self, node: Node, name: str) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / name))["plugins"]
        for label, key in (("servers", "nameservers"), ("search", "search")):
            value, places = facts(plugin, "DNS").get(label, ("", []))
            for place in places:
                assert (place.lower().endswith(key), value) == (True, ", ".join(at(sample(name), place)))


class TestPlaces:
    def test_of_win_bridge(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "win-bridge.conf"))["plugins"]
        assert policies(plugin) == [
            ("SDNRoute", ["policies[1]"]),
            ("OutBoundNAT", ["policies[0]", "ipMasqNetwork"]),
            ("OutBoundNAT", ["loopbackDSR"]),
        ]
        value, places = facts(plugin, "Gateway and routes")["gateway"]
        assert ("third address" in value, "10.93.4.2" in value, places) == (True, True, ["type"])
        assert facts(plugin, "HCN network")["found"] == (
            "by its name; it must be there, no ADD creates it",
            [],
        )

    def test_of_win_overlay(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "win-overlay.conf"))["plugins"]
        assert policies(plugin)[1] == ("OutBoundNAT", ["policies[0]", "ipMasq"])
        assert policies(plugin)[-1] == ("ProviderAddress", ["type"])
        assert facts(plugin, "Interface")["MAC"][1] == ["endpointMacPrefix"]

    def test_of_sdnbridge_in_its_own_spelling(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "sdnbridge.conf"))["plugins"]
        assert policies(plugin) == [
            ("OutBoundNAT", ["AdditionalArgs[0]"]),
            ("OutBoundNAT", ["optionalFlags.loopbackDSR"]),
        ]
        assert facts(plugin, "DNS")["servers"] == ("10.96.0.10", ["dns.Nameservers"])
        assert facts(plugin, "Gateway and routes")["gateway"][1] == ["optionalFlags.forceBridgeGateway"]
        mapping = [kind for kind, _ in policies(plugin, "What the runtime may add")]
        assert mapping == ["PortMapping", "ACL"]

    def test_of_sdnoverlays_network(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "sdnoverlay.conf"))["plugins"]
        assert facts(plugin, "HCN network")["VSID"] == ("4096", ["AdditionalArgs[0]"])
        assert policies(plugin)[0] == ("SDNRoute", ["AdditionalArgs[2]"])

    def test_of_a_route_and_its_gateway(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "wcn-nat.conf"))["plugins"]
        assert facts(plugin, "Gateway and routes")["gateway"] == ("172.29.16.1", ["ipam.routes[0].GW"])

    def test_of_both_families(self, node: Node) -> None:
        (plugin,) = node.make("config", "explain", str(CONF / "l2bridge-dual-stack.conflist"))["plugins"]
        told = facts(plugin, "Gateway and routes")
        assert told["gateway IPv6"] == ("fd00:89::1", ["plugins[0].network.subnets[1].gateway"])
        assert facts(plugin, "Addresses")["set 2"][1] == ["plugins[0].network.subnets[1].prefix"]

    def test_of_an_ipam_plugin_that_is_asked(self, node: Node, tmp_path: Path) -> None:
        document = {**sample("l2bridge.conf"), "ipam": {"type": "azure-vnet-ipam"}}
        (plugin,) = node.make("config", "explain", written(tmp_path, document))["plugins"]
        value, places = facts(plugin, "Addresses")["given by"]
        assert ("azure-vnet-ipam" in value, places) == (True, ["ipam.type"])
        assert "IPAM plugin answers" in facts(plugin, "Gateway and routes")["gateway"][0]


class TestNotes:
    def test_each_difference_of_this_configuration_from_the_peer_is_told(self, node: Node) -> None:
        typed = node("config", "explain", str(CONF / "win-overlay.conf"))
        _, _, told = typed.out.partition("\nOther than the peer, and what has no effect\n")
        assert "gateway 10.94.4.1 is kept free" in told
        assert "port mappings are applied" in told

    def test_a_native_configuration_differs_from_nobody(self, node: Node) -> None:
        assert "peer" not in node("config", "explain", str(CONF / "l2bridge.conflist")).out


class TestFlannel:
    def test_the_delegate_is_explained(self, node: Node, tmp_path: Path) -> None:
        plugin = {
            "type": "flannel",
            "delegate": {"type": "win-bridge", "apiVersion": 2},
            "subnetFile": "/no/file",
        }
        list_ = {"cniVersion": "0.3.1", "name": "cbr0", "plugins": [plugin, {"type": "bandwidth"}]}
        file = written(tmp_path, list_, "10.conflist")
        (told,) = node.make("config", "explain", file)["plugins"]
        assert facts(told, "HCN network")["type"][1] == ["plugins[0].delegate.type"]
        assert facts(told, "Addresses")["range"][1] == ["FLANNEL_SUBNET in /no/file"]
        out = node("config", "explain", file).out
        assert "handed on by flannel" in out
        assert 'plugins[1] is of type "bandwidth"' in out
        assert "/no/file, which flannel's daemon writes" in " ".join(out.split())


class TestFaults:
    def explained(self, node: Node, tmp_path: Path, document: Any, name: str = "10.conf") -> Typed:
        return node("config", "explain", written(tmp_path, document, name))

    def test_a_broken_file_is_its_faults_and_exit_code_1(self, node: Node, tmp_path: Path) -> None:
        typed = self.explained(node, tmp_path, {**sample("l2bridge.conf"), "netwrok": {}})
        assert typed.exit_code == 1
        assert typed.out == "error: netwrok: unknown key; did you mean network?\n"

    def test_of_several_plugins_the_sound_one_is_explained(self, node: Node, tmp_path: Path) -> None:
        (sound,) = sample("nat.conflist")["plugins"]
        document = {**sample("nat.conflist"), "plugins": [{**sound, "netwrok": {}}, sound]}
        file = written(tmp_path, document, "10.conflist")
        typed = node("config", "explain", file, "--json")
        assert typed.exit_code == 1
        assert [each["place"] for each in typed.json["plugins"]] == ["plugins[1]"]
        assert [each["path"] for each in typed.json["findings"]] == ["plugins[0].netwrok"]

    def test_warnings_are_told_and_no_failure(self, node: Node, tmp_path: Path) -> None:
        typed = self.explained(node, tmp_path, {**sample("l2bridge.conf"), "capabilities": {"dns": True}})
        assert typed.exit_code == 0
        assert typed.out.startswith("warning: capabilities.portMappings: ")
        assert "never: not declared" in typed.out

    @pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"plugins": 1}', '{"plugins": [{}]}'])
    def test_what_is_no_configuration_is_a_fault(self, node: Node, tmp_path: Path, text: str) -> None:
        file = tmp_path / "10.conf"
        file.write_text(text)
        typed = node("config", "explain", str(file))
        assert (typed.exit_code, typed.out.startswith("error: "), typed.err) == (1, True, "")

    def test_what_no_add_could_do_is_a_fault(self, node: Node, tmp_path: Path) -> None:
        document = {**sample("nat.conflist")["plugins"][0], "name": "n", "cniVersion": "1.0.0"}
        document = {**document, "ipam": {}, "routes": [{"dst": "10.0.0.0/8"}]}
        typed = self.explained(node, tmp_path, document)
        assert (typed.exit_code, "every ADD would fail" in typed.out) == (1, True)
