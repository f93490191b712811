"""A node that changes from a peer: the peer's rule holds in ADD, CHECK and STATUS, and omissions are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.ipam_plugin import RESULT, FakeIpam
from tests.behaviour.scene import (
    Logged,
    add,
    configured,
    joining,
    last,
    named,
    plant,
    policies_of,
    refused,
)
from tests.harness import Answer, SimulatedNode, container_id

_TO_SERVICES = {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
_HTTP = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}


def wcn(kind: str, **changes: Any) -> dict[str, Any]:
    """A configuration of nat, sdnbridge or sdnoverlay."""
    ipam = {"type": "host-local", "subnet": "10.88.0.0/24"}
    return {"cniVersion": "1.0.0", "name": "pods", "type": kind, "ipam": ipam, **changes}


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    folder = tmp_path / "logs"
    folder.mkdir()
    return Logged(folder)


def added_and_checked(node: SimulatedNode, config: dict[str, Any], **more: Any) -> Answer:
    """ADD, CHECK and STATUS agree that this configuration works."""
    container, namespace = container_id(), node.namespace()
    answer = node.call("ADD", config, container, namespace, **more)
    assert answer.exit_code == 0, answer.words
    check = node.call("CHECK", {**config, "prevResult": answer.document}, container, namespace, **more)
    assert check.exit_code == 0, check.words
    newest = {**config, "cniVersion": "1.1.0"}
    status = node.call("STATUS", newest, **more)
    assert status.exit_code == 0, status.words
    return answer


class TestGateways:
    """With an IPAM plugin its gateway, without one the first route's; never one outside the subnet."""

    @pytest.fixture(autouse=True)
    def there(self, node: SimulatedNode) -> str:
        return plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.254"))

    def test_a_route_of_ipam_is_not_the_pods_gateway(self, node: SimulatedNode) -> None:
        """Its next hop may be a pod: host-local gives that address to one."""
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24", "routes": [{"GW": "10.88.0.2"}]}
        first = added_and_checked(node, wcn("sdnbridge", ipam=ipam))
        assert first.document["ips"] == [{"address": "10.88.0.2/24", "gateway": "10.88.0.1", "interface": 0}]

    def test_another_plugins_gateway_is_the_pods(self, node: SimulatedNode, tmp_path: Path) -> None:
        plugin = FakeIpam(tmp_path / "plugins")
        ipam = {"type": "fake-ipam", "subnet": "10.88.0.0/24", "routes": [{"GW": "10.88.0.2"}]}
        answer = added_and_checked(node, wcn("sdnbridge", ipam=ipam), path=plugin.path)
        assert answer.document["ips"][0]["gateway"] == "10.88.0.1"
        assert last(node).routes == [("0.0.0.0/0", "10.88.0.1")]
        assert last(node).dns.get("Search") is None

    @pytest.mark.parametrize(("answered", "expected"), [(None, "10.88.0.9"), ("10.99.0.1", "10.88.0.9")])
    def test_additional_routes_stand_in_for_a_gateway_that_is_missing(
        self, node: SimulatedNode, tmp_path: Path, logged: Logged, answered: str | None, expected: str
    ) -> None:
        plugin = FakeIpam(tmp_path / "plugins")
        one = {"address": "10.88.0.77/24", **({"gateway": answered} if answered else {})}
        plugin.answer("ADD", {**RESULT, "ips": [one]})
        config = wcn(
            "sdnbridge",
            ipam={"type": "fake-ipam"},
            optionalFlags={"gatewayFromAdditionalRoutes": True},
            additionalRoutes=[{"Dst": "0.0.0.0/0", "GW": "10.88.0.9"}],
        )
        answer = added_and_checked(node, logged(config), path=plugin.path)
        assert answer.document["ips"][0]["gateway"] == expected
        assert ("10.99.0.1 of IPAM plugin" in logged.warnings) == (answered is not None)

    def test_one_outside_the_subnet_is_not_used_by_any_verb(
        self, node: SimulatedNode, logged: Logged
    ) -> None:
        ipam = {"type": "", "subnet": "10.88.0.0/24", "routes": [{"gw": "10.99.0.1"}]}
        answer = added_and_checked(node, logged(wcn("sdnbridge", ipam=ipam)))
        assert answer.document["ips"][0]["gateway"] == "10.88.0.254"
        assert "gateway 10.99.0.1 is outside 10.88.0.0/24 and not used" in logged.text

    def test_in_a_configuration_of_ours_one_outside_the_network_is_refused_and_no_node_is_ready(
        self, node: SimulatedNode
    ) -> None:
        routes = [{"dst": "0.0.0.0/0", "gw": "10.99.0.1"}]
        config = configured(
            "l2bridge",
            network={"mode": "l2bridge"},
            ipam={"type": "cni-hns", "subnet": "10.88.0.0/24"},
            routes=routes,
        )
        words = "the configured next hop 10.99.0.1 lies in none of them"
        assert words in refused(node, config, 7).words
        status = node.call("STATUS", config)
        assert (status.document["code"], words in status.words) == (50, True)


class TestWhatIpamAnswers:
    """Peers take addresses from an IPAM plugin and nothing else."""

    @pytest.mark.parametrize(
        ("peer", "mode", "gateway"),
        [("win-bridge", "l2bridge", "10.88.0.2"), ("win-overlay", "overlay", "10.88.0.1")],
    )
    def test_its_routes_and_dns_are_not_applied(
        self, node: SimulatedNode, tmp_path: Path, peer: str, mode: str, gateway: str
    ) -> None:
        plant(node, mode, ("10.88.0.0/24", "10.88.0.1"))
        plugin = FakeIpam(tmp_path / "plugins")
        routes = [{"dst": "0.0.0.0/0", "gw": "10.88.0.99"}, {"dst": "192.0.2.0/24", "gw": "10.88.0.9"}]
        plugin.answer("ADD", {**RESULT, "routes": routes})
        config = {**joining(peer), "ipam": {"type": "fake-ipam"}}
        added_and_checked(node, config, path=plugin.path)
        endpoint = last(node)
        assert endpoint.addresses == [("10.88.0.77", 24)]
        assert endpoint.routes == [("0.0.0.0/0", gateway)]
        assert "198.51.100.1" not in str(endpoint.dns)

    def test_a_lost_endpoint_is_made_again_with_the_routes_that_it_had(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        plant(node, "l2bridge", ("10.88.0.0/16", "10.88.0.1"))
        plugin = FakeIpam(tmp_path / "plugins")
        plugin.answer("ADD", {**RESULT, "ips": [{"address": "10.88.7.77/24"}]})
        config = {**joining("win-bridge"), "ipam": {"type": "fake-ipam"}}
        container, namespace = container_id(), node.namespace()
        first = node.call("ADD", config, container, namespace, path=plugin.path)
        before = last(node)
        assert before.routes == [("0.0.0.0/0", "10.88.7.2")]
        node.hcn.endpoints.delete(before.id)
        assert node.call("ADD", config, container, namespace, path=plugin.path) == first
        assert (last(node).routes, last(node).dns) == (before.routes, before.dns)

    def test_the_bridge_gateway_is_counted_from_the_subnet_of_ipam(self, node: SimulatedNode) -> None:
        """HNS's subnet may hold those of several nodes."""
        plant(node, "l2bridge", ("10.88.0.0/16", "10.88.0.1"))
        config = joining("win-bridge", "10.88.7.0/24")
        container, namespace = container_id(), node.namespace()
        first = node.call("ADD", config, container, namespace)
        assert first.document["ips"] == [{"address": "10.88.7.3/16", "gateway": "10.88.7.2", "interface": 0}]
        node.hcn.endpoints.delete(last(node).id)
        assert node.call("ADD", config, container, namespace) == first


class TestPolicies:
    """An entry that the peer passes over fails no pod and makes no node NotReady."""

    @pytest.mark.parametrize(
        "one",
        [named("C:\\x", "LogPath"), named({"Type": "ACL"}, "AclPolicy"), {"Value": {"Type": "ACL"}}, None],
        ids=["another name", "of no level", "no name", "null"],
    )
    def test_of_sdnbridge(self, node: SimulatedNode, one: object, logged: Logged) -> None:
        good = named({"Type": "SDNRoute", "Settings": _TO_SERVICES})
        added_and_checked(node, logged(wcn("sdnbridge", AdditionalArgs=[one, good])))
        assert last(node).policies == [{"Type": "SDNRoute", "Settings": _TO_SERVICES}]
        assert "AdditionalArgs[0]: passed over, as with sdnbridge" in logged.text

    @pytest.mark.parametrize("value", ["x", 7, None, {"Type": 7}], ids=["text", "number", "null", "type"])
    def test_of_win_bridge(self, node: SimulatedNode, value: object, logged: Logged) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        added_and_checked(node, logged({**joining("win-bridge"), "policies": [named(value)]}))
        assert last(node).policies == []
        assert "policies[0]: passed over, as with win-bridge: its value is no policy" in logged.text

    def test_host_bits_are_masked(self, node: SimulatedNode) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        rule = {"Action": "Allow", "Direction": "In", "RemoteAddresses": "*", "LocalAddresses": "10.8.0.1/16"}
        policies = [
            named({"Type": "SDNRoute", "Settings": {**_TO_SERVICES, "DestinationPrefix": "10.96.0.1/12"}}),
            named({"Type": "ACL", "Settings": rule}),
        ]
        added_and_checked(node, {**joining("win-bridge"), "policies": policies})
        assert policies_of(last(node), "SDNRoute") == [_TO_SERVICES]
        assert policies_of(last(node), "ACL") == [{**rule, "LocalAddresses": "10.8.0.0/16"}]


class TestNetworks:
    """An existing network is held against what the peer looks at."""

    @pytest.mark.parametrize("kind", ["nat", "sdnbridge", "sdnoverlay"])
    @pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "transparent", "nat", "overlay"])
    def test_nat_and_its_kin_take_any_type(
        self, node: SimulatedNode, kind: str, mode: str, logged: Logged
    ) -> None:
        plant(node, mode, ("10.88.0.0/24", "10.88.0.1"))
        added_and_checked(node, logged(wcn(kind)))
        usual = {"nat": "nat", "sdnbridge": "l2bridge", "sdnoverlay": "overlay"}[kind]
        assert (f"{kind} would make one of" in logged.warnings) == (mode != usual)

    def test_it_is_said_once_and_not_for_every_pod(self, node: SimulatedNode, logged: Logged) -> None:
        plant(node, "l2tunnel", ("10.88.0.0/24", "10.88.0.1"))
        config = logged(wcn("sdnbridge"))
        for _ in range(3):
            add(node, config)
        assert logged.warnings.count("is of type L2Tunnel") == 1

    def test_with_two_families_only_l2bridge_will_do(self, node: SimulatedNode) -> None:
        plant(node, "transparent", ("10.88.0.0/24", "10.88.0.1"))
        config = wcn("sdnbridge", optionalFlags={"enableDualStack": True})
        assert "is of type Transparent" in refused(node, config, 7).words

    @pytest.mark.parametrize(
        ("peer", "mode"),
        [("win-bridge", "transparent"), ("win-bridge", "overlay"), ("win-overlay", "l2bridge")],
    )
    def test_win_bridge_and_win_overlay_refuse_others(
        self, node: SimulatedNode, peer: str, mode: str
    ) -> None:
        plant(node, mode, ("10.88.0.0/24", "10.88.0.1"))
        answer = refused(node, joining(peer), 7)
        assert "is of type" in answer.words
        assert "network.mode" not in answer.words

    @pytest.mark.parametrize("kind", ["win-bridge", "sdnbridge"])
    def test_a_range_inside_is_enough(self, node: SimulatedNode, kind: str) -> None:
        plant(node, "l2bridge", ("10.60.3.0/24", "10.60.3.1"))
        ipam = {
            "type": "host-local",
            "subnet": "10.60.0.0/16",
            "rangeStart": "10.60.3.0",
            "rangeEnd": "10.60.3.20",
        }
        answer = added_and_checked(node, {**wcn(kind), "apiVersion": 2, "ipam": ipam})
        gateway = "10.60.3.2" if kind == "win-bridge" else "10.60.3.1"
        assert answer.document["ips"][0]["gateway"] == gateway
        # Neither the HCN subnet's own address, though the range begins with it, nor a gateway.
        assert answer.addresses == ["10.60.3.3/24" if kind == "win-bridge" else "10.60.3.2/24"]

    def test_a_range_that_reaches_outside_is_told_with_both(self, node: SimulatedNode) -> None:
        plant(node, "l2bridge", ("10.60.3.0/24", "10.60.3.1"))
        answer = refused(node, joining("win-bridge", "10.60.0.0/16"), 7)
        assert "10.60.0.1-10.60.255.254 of 10.60.0.0/16 lies in none of them" in answer.words

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("win-bridge", "or correct name: win-bridge joins a network that is there"),
            ("win-overlay", "or correct name: win-overlay joins a network that is there"),
            ("sdnoverlay", "correct name, or give ipam.subnet and a NetworkPolicy of type VSID,"),
        ],
    )
    def test_the_advice_for_a_missing_one_is_in_the_peers_words(
        self, node: SimulatedNode, kind: str, words: str
    ) -> None:
        answer = refused(node, wcn(kind), 7)
        assert words in answer.words
        assert "network.create" not in answer.words

    def test_a_network_that_is_made_has_the_dns_of_the_configuration(self, node: SimulatedNode) -> None:
        add(node, wcn("sdnbridge", dns={"Nameservers": ["10.96.0.10"], "Search": ["svc.cluster.local"]}))
        assert node.hcn.networks.get(node.network_id("pods"))["Dns"] == {
            "ServerList": ["10.96.0.10"],
            "Search": ["svc.cluster.local"],
        }

    def test_a_subnet_with_host_bits_is_masked_and_the_next_address_its_gateway(
        self, node: SimulatedNode
    ) -> None:
        answer = added_and_checked(node, wcn("nat", ipam={"subnet": "10.4.0.8/24"}))
        assert answer.document["ips"][0]["gateway"] == "10.4.0.9"

    @pytest.mark.parametrize(
        "policy",
        ["x", {"Type": "Magic"}, {"Type": "VxlanPort", "Settings": {"Port": "x"}}],
        ids=["a text", "unknown type", "wrong settings"],
    )
    def test_a_policy_with_which_none_can_be_made_does_not_matter_to_one_that_is_there(
        self, node: SimulatedNode, policy: object, logged: Logged
    ) -> None:
        config = logged(wcn("sdnbridge", AdditionalArgs=[named(policy, "NetworkPolicy")]))
        assert "does not exist" in refused(node, config, 7).words
        assert "AdditionalArgs[0]" in logged.text
        assert "must be there already" in logged.text
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        added_and_checked(node, config)

    def test_network_name_is_no_key_of_a_peers(self, node: SimulatedNode) -> None:
        """DEL finds the endpoint of a peer's on the network that the peer used."""
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        container = container_id()
        node.foreign(f"{container}_pods", "10.88.0.77")
        config = {**joining("win-bridge"), "network": {"name": "other"}}
        assert node.call("DEL", config, container, "").exit_code == 0
        assert node.endpoints() == []


class TestOldHns:
    """What an HNS cannot do and the peer leaves out in silence."""

    @pytest.mark.parametrize(("peer", "mode"), [("win-bridge", "l2bridge"), ("win-overlay", "overlay")])
    def test_loopback_is_left_out(self, node: SimulatedNode, peer: str, mode: str, logged: Logged) -> None:
        node.simulator.set_options(hns_version="10.1")
        plant(node, mode, ("10.88.0.0/24", "10.88.0.1"))
        added_and_checked(node, logged({**joining(peer), "loopbackDSR": True}))
        assert policies_of(last(node), "OutBoundNAT") == []
        assert f"loopbackDSR is left out, as with {peer}" in logged.warnings

    def test_nat_and_its_kin_fail(self, node: SimulatedNode) -> None:
        node.simulator.set_options(hns_version="10.1")
        answer = refused(node, wcn("sdnbridge", optionalFlags={"loopbackDSR": True}), 7)
        assert "DSR" in answer.words


class TestWishes:
    """What the runtime sends, where a peer goes on."""

    @pytest.fixture(autouse=True)
    def there(self, node: SimulatedNode) -> str:
        return plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))

    def test_win_bridge_leaves_out_a_port_of_sctp(self, node: SimulatedNode, logged: Logged) -> None:
        sctp = {"HostPort": 9000, "ContainerPort": 9000, "Protocol": "sctp"}
        config = logged({**joining("win-bridge"), "runtimeConfig": {"portMappings": [sctp, _HTTP]}})
        added_and_checked(node, config)
        assert [one["ExternalPort"] for one in policies_of(last(node), "PortMapping")] == [8080]
        assert 'a port of protocol "sctp" is not mapped, as with win-bridge' in logged.warnings

    @pytest.mark.parametrize("kind", ["win-bridge", "sdnbridge"])
    def test_a_host_address_of_another_family_is_sent_as_it_is(
        self, node: SimulatedNode, kind: str, logged: Logged
    ) -> None:
        runtime = {"portMappings": [{**_HTTP, "hostIP": "fd00::10"}]}
        added_and_checked(node, logged({**wcn(kind), "apiVersion": 2, "runtimeConfig": runtime}))
        assert [(one["VIP"], one["Flags"]) for one in policies_of(last(node), "PortMapping")] == [
            ("fd00::10", 1)
        ]
        assert "has no address of its family" in logged.warnings

    def test_sdnbridge_goes_on_past_arguments_that_mean_nothing(
        self, node: SimulatedNode, logged: Logged
    ) -> None:
        config = logged(wcn("sdnbridge", dns={"search": ["svc.cluster.local"]}))
        added_and_checked(node, config, args="FOO=secret;K8S_POD_NAMESPACE=shop;loose")
        assert last(node).dns["Search"] == ["shop.svc.cluster.local"]
        assert "FOO" in logged.warnings
        assert "secret" not in logged.text

    def test_an_address_that_cannot_be_read_is_refused_all_the_same(self, node: SimulatedNode) -> None:
        answer = refused(node, wcn("sdnbridge"), 4, args="FOO=1;IP=x")
        assert "IP" in answer.words

    def test_win_bridge_refuses_them(self, node: SimulatedNode) -> None:
        refused(node, joining("win-bridge"), 4, args="FOO=1")

    @pytest.mark.parametrize("key", ["log", "timeout"])
    def test_a_text_under_a_key_of_ours_is_nothing(self, node: SimulatedNode, key: str) -> None:
        added_and_checked(node, {**joining("win-bridge"), key: "debug"})
