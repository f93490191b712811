"""What an agent is told: read whole, and every mistake named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster.settings import (
    AgentSettings,
    SettingsFault,
    Source,
    from_net_conf,
    read_source,
    settings_of,
)

LEAST: dict[str, Any] = {
    "nodeName": "win-1",
    "clusterCIDRs": ["10.244.0.0/16"],
    "serviceCIDRs": ["10.96.0.0/12"],
}


def read(**more: Any) -> AgentSettings:
    return settings_of([Source("agent.yaml", {**LEAST, **more})])


def faults(*documents: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsFault) as raised:
        settings_of([Source("agent.yaml", one) for one in documents])
    return list(raised.value.faults)


class TestDefaults:
    def test_an_overlay_network_has_flannels_name(self) -> None:
        found = read()
        assert (found.mode, found.network, found.vni) == ("overlay", "flannel.4096", 4096)

    def test_the_name_follows_the_vni(self) -> None:
        assert read(network={"vni": 5000}).network == "flannel.5000"

    def test_l2bridge_is_called_cbr0(self) -> None:
        assert read(mode="l2bridge").network == "cbr0"

    def test_the_node_is_called_as_the_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.node", lambda: "WIN-7")
        document = {key: value for key, value in LEAST.items() if key != "nodeName"}
        assert settings_of([Source("agent.yaml", document)]).node_name == "win-7"


class TestValues:
    @pytest.mark.parametrize(
        ("pool", "found"),
        [
            pytest.param("blue", ("blue",), id="one"),
            pytest.param(["blue", "azure"], ("blue", "azure"), id="one of each family"),
        ],
    )
    def test_pools_are_one_or_two(self, pool: Any, found: tuple[str, ...]) -> None:
        both = {"subnets": "10.9.0.0/16,fd00:9::/64"}
        assert read(mode="l2bridge", pool=pool, network=both).pools == found

    @pytest.mark.parametrize("nothing", ["", [], None], ids=["text", "list", "null"])
    def test_no_pool_may_be_said(self, nothing: Any) -> None:
        assert read(pool=nothing).pools == ()

    def test_lists_may_be_texts(self) -> None:
        assert read(clusterCIDRs="10.244.0.0/16, fd00::/48").cluster_cidrs == ("10.244.0.0/16", "fd00::/48")

    def test_a_later_source_prevails(self) -> None:
        sources = [Source("agent.yaml", {**LEAST, "mode": "overlay"}), Source("x", {"mode": "l2bridge"})]
        assert settings_of(sources).mode == "l2bridge"

    def test_no_health_is_an_empty_text(self) -> None:
        assert read(health="").health is None

    def test_health_on_ipv6(self) -> None:
        assert read(health="[::1]:9000").health == ("::1", 9000)


class TestMistakes:
    @pytest.mark.parametrize(
        ("more", "words"),
        [
            pytest.param({"netwrok": {}}, 'netwrok: no such setting; did you mean "network"?', id="group"),
            pytest.param(
                {"network": {"nmae": "x"}},
                'network.nmae: no such setting; did you mean "network.name"?',
                id="in a group",
            ),
            pytest.param(
                {"vni": 4096}, 'vni: no such setting; did you mean "network.vni"?', id="without its group"
            ),
            pytest.param(
                {"mode": "overlya"}, 'mode: "overlya" is none of overlay, l2bridge; did you', id="word"
            ),
            pytest.param({"network": {"vni": 12}}, "network.vni: 12 is not between 4096 and", id="VNI"),
            pytest.param({"network": "cbr0"}, 'network: "cbr0" is no object', id="no object"),
            pytest.param(
                {"clusterCIDRs": ["10.244.0.0"]}, 'clusterCIDRs: "10.244.0.0" is no prefix', id="prefix"
            ),
            pytest.param({"clusterCIDRs": ["10.1.0.0/16", "10.2.0.0/16"]}, "one prefix for IPv4", id="two"),
            pytest.param({"serviceCIDRs": ["10.244.0.0/20"]}, "overlaps 10.244.0.0/16", id="overlap"),
            pytest.param({"health": "0.0.0.0:80"}, "is no loopback address", id="health for everybody"),
            pytest.param({"nodeName": "WIN-1"}, "cannot be the name of a Node", id="capitals"),
            pytest.param({"cni": {"folder": "net.d"}}, "is no absolute path", id="relative"),
            pytest.param({"sourceVIP": "yes"}, "neither true nor false", id="flag"),
            pytest.param({"idle": 0.1}, "no number of seconds", id="too often"),
            pytest.param({"flannel": False}, "annotations are how other nodes know", id="overlay, silent"),
            pytest.param({"pool": "blue"}, "pool: its addresses belong to no podCIDR", id="pool on overlay"),
            pytest.param({"network": {"subnets": "10.9.0.0/16"}}, "only with a pool", id="subnets alone"),
            pytest.param({"pool": "Blue"}, 'pool: "Blue" is no pool\'s name', id="pool's name"),
            pytest.param({"pool": ["a", "b", "c"]}, "one pool is expected, or two", id="three pools"),
            pytest.param(
                {"mode": "l2bridge", "pool": ["a", "b"], "network": {"subnets": "10.9.0.0/16"}},
                "network.subnets: two pools are one of IPv4 and one of IPv6",
                id="two pools on one subnet",
            ),
            pytest.param({"kubernetes": {"context": "x"}}, "no kubernetes.kubeconfig", id="context"),
        ],
    )
    def test_is_named_with_its_place(self, more: dict[str, Any], words: str) -> None:
        (fault,) = faults({**LEAST, **more})
        assert words in fault

    def test_all_are_told_at_once(self) -> None:
        assert len(faults({"mode": "x", "network": {"vni": 1, "adaptor": "E"}, "health": "x"})) == 6

    def test_what_is_missing_says_where_it_is_to_be_found(self) -> None:
        pods, services = faults({"nodeName": "win-1"})
        assert "--cluster-cidr" in pods
        assert "--service-cluster-ip-range" in services


class TestTheFile:
    def test_is_yaml(self, tmp_path: Path) -> None:
        file = tmp_path / "agent.yaml"
        file.write_text("nodeName: win-1\nnetwork:\n  vni: 4097\n")
        assert read_source(str(file)).document == {"nodeName": "win-1", "network": {"vni": 4097}}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("a: [", "neither YAML nor JSON", id="broken"),
            pytest.param("- a", "is no object", id="a list"),
        ],
    )
    def test_that_is_none_is_a_clear_line(self, tmp_path: Path, text: str, words: str) -> None:
        file = tmp_path / "agent.yaml"
        file.write_text(text)
        with pytest.raises(SettingsFault, match=words):
            read_source(str(file))

    def test_that_is_missing_is_a_clear_line(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsFault, match="cannot be read: No such file"):
            read_source(str(tmp_path / "agent.yaml"))


class TestFlannelsNetConf:
    def test_is_the_mode_the_range_and_the_vni(self) -> None:
        document = {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 4097, "Port": 4789}}
        found = settings_of(
            [from_net_conf("net-conf.json", document), Source("x", {"serviceCIDRs": "10.96.0.0/12"})]
        )
        assert (found.mode, found.cluster_cidrs, found.vni) == ("overlay", ("10.244.0.0/16",), 4097)

    def test_of_host_gw_is_l2bridge_with_both_families(self) -> None:
        document = {
            "Network": "10.244.0.0/16",
            "EnableIPv6": True,
            "IPv6Network": "fd00:244::/48",
            "Backend": {"Type": "host-gw"},
        }
        source = from_net_conf("net-conf.json", document)
        found = settings_of([source, Source("x", {"serviceCIDRs": "10.96.0.0/12"})])
        assert (found.mode, found.cluster_cidrs) == ("l2bridge", ("10.244.0.0/16", "fd00:244::/48"))

    def test_of_another_back_end_is_refused(self) -> None:
        with pytest.raises(SettingsFault, match=r"Backend.Type: \"wireguard\" is none of vxlan, host-gw"):
            from_net_conf("net-conf.json", {"Backend": {"Type": "wireguard"}})
