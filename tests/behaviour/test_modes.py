"""The network modes: what HNS is asked for, what it gives back, and what it is never asked for."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from cni_hns.attachment import endpoints
from cni_hns.hcn.views import EndpointView
from tests.behaviour.scene import (
    IPV6_SUBNET,
    KINDS,
    MODES,
    NEEDS_DUAL_STACK,
    add,
    configured,
    dual,
    joining,
    last,
    network,
    plant,
    policies_of,
    refused,
)
from tests.harness import SimulatedNode, container_id
from tests.packaging import current

_NEVER = 10**6


class TestGateway:
    """The gateway in a result is the one that HNS has, and never an address that a pod can get."""

    @pytest.mark.parametrize("mode", MODES)
    def test_it_is_the_next_hop_that_hns_reports(self, node: SimulatedNode, mode: str) -> None:
        subnet = {"prefix": "10.88.0.0/24", "gateway": "10.88.0.200"}
        answer = add(node, configured(mode, network=network(mode, subnet)))
        assert last(node).routes == [("0.0.0.0/0", "10.88.0.200")]
        assert answer.document["ips"][0]["gateway"] == "10.88.0.200"
        assert answer.document["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.88.0.200"}]

    @pytest.mark.parametrize("mode", MODES)
    def test_of_a_network_that_is_there_it_is_the_networks(self, node: SimulatedNode, mode: str) -> None:
        plant(node, mode, ("10.88.0.0/29", "10.88.0.6"))
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/29"}]]}
        config = configured(mode, network={"mode": mode}, ipam=ipam)
        answers = [add(node, config) for _ in range(4)]
        assert {answer.document["ips"][0]["gateway"] for answer in answers} == {"10.88.0.6"}
        assert "10.88.0.6/29" not in [answer.addresses[0] for answer in answers]

    @pytest.mark.parametrize("number", [1, 3, 6])
    def test_no_pod_ever_gets_it(self, node: SimulatedNode, number: int) -> None:
        subnet = {"prefix": "10.88.0.0/29", "gateway": f"10.88.0.{number}"}
        config = configured("l2bridge", network=network("l2bridge", subnet))
        given = {add(node, config).addresses[0] for _ in range(5)}
        assert given == {f"10.88.0.{last}/29" for last in range(1, 7) if last != number}
        refused(node, config, 101)

    def test_a_pod_that_asks_for_it_is_refused(self, node: SimulatedNode) -> None:
        answer = refused(node, configured("l2bridge"), 101, args="IP=10.88.0.1")
        assert "10.88.0.1" in answer.words

    def test_win_bridge_has_the_third_address_and_gives_it_to_nobody(self, node: SimulatedNode) -> None:
        """The peer takes the third address of the subnet, and host-local gives just that to the first pod."""
        plant(node, "l2bridge", ("10.88.0.0/29", "10.88.0.1"))
        config = joining("win-bridge", "10.88.0.0/29")
        answers = [add(node, config) for _ in range(4)]
        assert {answer.document["ips"][0]["gateway"] for answer in answers} == {"10.88.0.2"}
        assert {answer.addresses[0] for answer in answers} == {f"10.88.0.{last}/29" for last in range(3, 7)}
        refused(node, config, 101)

    @pytest.mark.parametrize("prefix", ["10.88.0.0/20", "10.88.0.16/28", "10.88.1.128/25"])
    def test_win_bridge_has_the_third_address_of_any_subnet(self, node: SimulatedNode, prefix: str) -> None:
        subnet = ip_network(prefix)
        plant(node, "l2bridge", (prefix, str(subnet.network_address + 1)))
        answer = add(node, joining("win-bridge", prefix))
        assert answer.document["ips"][0]["gateway"] == str(subnet.network_address + 2)


class TestHostAddress:
    """The address that the node itself has on an external network is no pod's."""

    @pytest.fixture
    def node(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SimulatedNode]:
        adapter = {"name": "Ethernet", "kind": "physical", "address": "10.88.0.2"}
        simulated = SimulatedNode(tmp_path / "node", adapters=[adapter], **getattr(request, "param", {}))
        yield simulated
        simulated.close()

    @pytest.mark.parametrize(
        "node",
        [
            pytest.param({"management_address_after_calls": 0}, id="there with the network"),
            pytest.param({"management_address_after_calls": 5}, id="some time after it"),
        ],
        indirect=True,
    )
    @pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "transparent", "overlay"])
    def test_no_pod_gets_it(self, node: SimulatedNode, mode: str) -> None:
        given = [add(node, configured(mode)).addresses[0] for _ in range(2)]
        assert given == ["10.88.0.3/24", "10.88.0.4/24"]

    def test_a_pod_that_asks_for_it_is_refused(self, node: SimulatedNode) -> None:
        assert "10.88.0.2" in refused(node, configured("l2bridge"), 101, args="IP=10.88.0.2").words

    @pytest.mark.parametrize("node", [{"management_address_after_calls": _NEVER}], indirect=True)
    def test_one_that_shows_up_after_the_first_pod_is_still_kept_free(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", timeout={"add": current().slowness})
        add(node, {**config, "runtimeConfig": {"ips": ["10.88.0.9"]}})
        node.simulator.set_options(management_address_after_calls=0)
        assert "10.88.0.2" in refused(node, config, 101, args="IP=10.88.0.2").words

    def test_it_is_asked_for_once(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge"))
        node.simulator.reset_journal()
        add(node, configured("l2bridge"))
        assert "HNSCall" not in node.calls()
        assert "HcnQueryNetworkProperties" not in node.calls()

    @pytest.mark.not_in("windows", reason="Wine's services and its boot are those of all tests")
    def test_a_new_run_of_hns_is_asked_again(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge"))
        node.simulator.reboot()
        node.simulator.reset_journal()
        add(node, configured("l2bridge"))
        assert "HcnQueryNetworkProperties" in node.calls()

    def test_an_hns_that_does_not_tell_it_is_no_reason_to_fail(self, node: SimulatedNode) -> None:
        node.simulator.inject(function="HNSCall", hresult=0x80004005, count=0)
        add(node, configured("l2bridge"))


class TestHnsAsIpam:
    """Without an `ipam`, HNS gives the addresses of its subnets."""

    @pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "nat", "overlay"])
    def test_the_result_has_the_address_that_hns_chose(self, node: SimulatedNode, mode: str) -> None:
        answer = add(node, configured(mode, ipam={}))
        ((address, prefix),) = last(node).addresses
        assert answer.addresses == [f"{address}/{prefix}"]
        assert ip_address(address) in ip_network("10.88.0.0/24")
        assert [(lease.address, lease.origin) for lease in node.leases()] == [(address, "hns")]

    def test_a_nat_network_without_a_subnet_gets_one_from_hns(self, node: SimulatedNode) -> None:
        config = configured("nat", ipam={}, network={"mode": "nat", "create": True})
        (given,) = add(node, config).document["ips"]
        (subnet,) = node.hcn.networks.get(node.network_id("pods"))["Ipams"][0]["Subnets"]
        assert ip_address(given["address"].partition("/")[0]) in ip_network(subnet["IpAddressPrefix"])
        assert given["gateway"] == subnet["Routes"][0]["NextHop"]

    def test_a_wanted_address_is_asked_of_hns(self, node: SimulatedNode) -> None:
        config = configured("nat", ipam={}, runtimeConfig={"ips": ["10.88.0.77/24"]})
        assert add(node, config).addresses == ["10.88.0.77/24"]

    @NEEDS_DUAL_STACK
    def test_dual_stack_gets_one_address_of_each_family(self, node: SimulatedNode) -> None:
        answer = add(node, dual(ipam={}))
        assert sorted(ip_address(one.partition("/")[0]).version for one in answer.addresses) == [4, 6]

    def test_a_lost_endpoint_is_made_again_with_its_address(self, node: SimulatedNode) -> None:
        config, container, namespace = configured("nat", ipam={}), container_id(), node.namespace()
        first = node.call("ADD", config, container, namespace)
        node.hcn.endpoints.delete(last(node).id)
        assert node.call("ADD", config, container, namespace) == first

    def test_check_passes_and_del_frees_the_address(self, node: SimulatedNode) -> None:
        config, container, namespace = configured("nat", ipam={}), container_id(), node.namespace()
        result = node.call("ADD", config, container, namespace).document
        checked = node.call("CHECK", {**config, "prevResult": result}, container, namespace)
        assert checked.exit_code == 0, checked.words
        node.call("DEL", config, container, "")
        node.assert_clean()


class TestDhcp:
    """On a transparent network without `ipam` an outside DHCP server gives the address."""

    config = configured("transparent", ipam={}, network={"mode": "transparent", "create": True})

    def test_the_endpoint_asks_for_dhcp_and_has_no_address_of_ours(self, node: SimulatedNode) -> None:
        answer = add(node, self.config)
        assert last(node).addresses == []
        assert last(node).flags & 32
        assert "ips" not in answer.document
        assert [one["name"] for one in answer.document["interfaces"]] == ["eth0"]

    def test_a_wanted_address_is_refused_before_anything_is_made(self, node: SimulatedNode) -> None:
        answer = refused(node, {**self.config, "runtimeConfig": {"ips": ["192.168.70.9"]}}, 7)
        assert "runtimeConfig.ips[0]" in answer.words
        assert "DHCP" in answer.words
        assert node.hcn.networks.ids() == []

    def test_a_given_mac_reaches_hns_so_that_the_server_can_know_the_pod(self, node: SimulatedNode) -> None:
        add(node, {**self.config, "runtimeConfig": {"mac": "02:11:22:33:44:55"}})
        assert last(node).mac == "02-11-22-33-44-55"

    @pytest.mark.in_process("HNS does not learn of an address that DHCP gave: CHECK is made to see one")
    def test_an_address_that_the_server_gave_later_is_no_fault(
        self, node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        container, namespace = container_id(), node.namespace()
        result = node.call("ADD", self.config, container, namespace).document

        class Served:
            @staticmethod
            def of(document: dict[str, Any]) -> EndpointView:
                return EndpointView.of(document)._replace(addresses=[("192.168.70.9", 24)])

        monkeypatch.setattr(endpoints, "EndpointView", Served)
        answer = node.call("CHECK", {**self.config, "prevResult": result}, container, namespace)
        assert answer.exit_code == 0, answer.words

    def test_two_pods_have_two_endpoints_and_no_lease(self, node: SimulatedNode) -> None:
        for _ in range(2):
            add(node, self.config)
        assert len(node.endpoints()) == 2
        assert node.leases() == []


class TestDualStack:
    """One address of each family, on l2bridge."""

    @NEEDS_DUAL_STACK
    def test_result_and_endpoint_have_both(self, node: SimulatedNode) -> None:
        answer = add(node, dual())
        assert answer.addresses == ["10.88.0.2/24", "fd00:88::2/112"]
        assert [one["gateway"] for one in answer.document["ips"]] == ["10.88.0.1", "fd00:88::1"]
        assert last(node).addresses == [("10.88.0.2", 24), ("fd00:88::2", 112)]
        assert last(node).routes == [("0.0.0.0/0", "10.88.0.1"), ("::/0", "fd00:88::1")]

    @NEEDS_DUAL_STACK
    def test_nat_exceptions_are_split_by_family(self, node: SimulatedNode) -> None:
        exceptions = ["10.0.0.0/8", "fd00::/16", "192.0.2.0/24"]
        add(node, dual(outboundNat={"exceptions": exceptions}))
        assert policies_of(last(node), "OutBoundNAT") == [
            {"Exceptions": ["10.0.0.0/8", "192.0.2.0/24"]},
            {"Exceptions": ["fd00::/16"], "Flags": 2},
        ]

    @NEEDS_DUAL_STACK
    def test_the_loopback_policy_names_both_addresses_each_in_its_own(self, node: SimulatedNode) -> None:
        add(node, dual(loopbackDSR=True))
        assert policies_of(last(node), "OutBoundNAT") == [
            {"Destinations": ["10.88.0.2"]},
            {"Destinations": ["fd00:88::2"], "Flags": 2},
        ]

    @NEEDS_DUAL_STACK
    @pytest.mark.parametrize(("index", "wrong"), [(0, "10.88.0.99/24"), (1, "fd00:88::99/112")])
    def test_check_finds_either_address_missing(self, node: SimulatedNode, index: int, wrong: str) -> None:
        config, container, namespace = dual(), container_id(), node.namespace()
        result = node.call("ADD", config, container, namespace).document
        result["ips"][index]["address"] = wrong
        answer = node.call("CHECK", {**config, "prevResult": result}, container, namespace)
        assert answer.document["code"] == 104
        assert f"address {wrong} is missing" in answer.words

    @NEEDS_DUAL_STACK
    def test_del_frees_both(self, node: SimulatedNode) -> None:
        container, namespace = container_id(), node.namespace()
        node.call("ADD", dual(), container, namespace)
        assert len(node.leases()) == 2
        node.call("DEL", dual(), container, "")
        node.assert_clean()

    @pytest.mark.parametrize("mode", ["l2tunnel", "nat", "overlay", "transparent"])
    def test_a_mode_that_cannot_is_told_before_anything_is_made(self, node: SimulatedNode, mode: str) -> None:
        subnets = [{"prefix": "10.88.0.0/24"}, IPV6_SUBNET]
        answer = refused(node, configured(mode, network=network(mode, *subnets)), 7)
        assert "network.subnets[1]" in answer.words
        assert f"IPv6 on l2bridge networks only, not on {mode}" in answer.words
        assert node.hcn.networks.ids() == []

    def test_ipv6_alone_is_refused(self, node: SimulatedNode) -> None:
        answer = refused(node, configured("l2bridge", network=network("l2bridge", IPV6_SUBNET)), 7)
        assert "IPv6 beside IPv4 only" in answer.words

    @NEEDS_DUAL_STACK
    def test_a_network_without_the_second_family_is_told_with_both_sides(self, node: SimulatedNode) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        answer = refused(node, dual(), 7)
        assert "10.88.0.0/24" in answer.words
        assert "fd00:88::/112" in answer.words

    @NEEDS_DUAL_STACK
    def test_with_an_older_result_version_the_addresses_say_their_family(self, node: SimulatedNode) -> None:
        answer = add(node, dual(cniVersion="0.4.0"))
        assert [one["version"] for one in answer.document["ips"]] == ["4", "6"]

    @NEEDS_DUAL_STACK
    def test_the_oldest_results_have_one_place_for_each(self, node: SimulatedNode) -> None:
        answer = add(node, dual(cniVersion="0.2.0"))
        assert answer.document["ip4"]["ip"] == "10.88.0.2/24"
        assert answer.document["ip6"]["ip"] == "fd00:88::2/112"


class TestFindingTheNetwork:
    """By the ID remembered, else by name, else made where the configuration says so."""

    def test_one_of_that_name_is_used_as_it_is(self, node: SimulatedNode) -> None:
        there = plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        before = node.hcn.networks.get(there)
        add(node, configured("l2bridge"))
        assert node.hcn.networks.ids() == [there]
        assert node.hcn.networks.get(there)["Ipams"] == before["Ipams"]
        assert last(node).network == there

    def test_its_name_may_be_another_than_the_configurations(self, node: SimulatedNode) -> None:
        there = plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"), name="External")
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
        config = configured("l2bridge", network={"name": "External", "mode": "l2bridge"}, ipam=ipam)
        container, namespace = container_id(), node.namespace()
        assert node.call("ADD", config, container, namespace).exit_code == 0
        assert (last(node).network, last(node).name) == (there, f"{container}_pods")
        assert node.call("DEL", config, container, "").exit_code == 0
        node.assert_clean()

    def test_one_that_was_made_again_meanwhile_is_found_by_name(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge"))
        new = node.simulator.swap_network("pods")
        add(node, configured("l2bridge"))
        assert last(node).network == new

    def test_one_that_is_lost_is_made_again(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge"))
        node.simulator.remove("pods")
        answer = add(node, configured("l2bridge"))
        assert last(node).network == node.network_id("pods")
        assert answer.addresses == ["10.88.0.3/24"], "the first pod's address is still its own"

    @pytest.mark.parametrize("mode", MODES)
    def test_a_missing_one_that_may_not_be_made_says_what_to_do(self, node: SimulatedNode, mode: str) -> None:
        answer = refused(node, configured(mode, network=network(mode, create=False)), 7)
        assert 'HCN network "pods" does not exist' in answer.words
        assert "network.create" in answer.words

    @pytest.mark.parametrize(
        ("mode", "there"),
        [("l2bridge", "nat"), ("l2tunnel", "l2bridge"), ("nat", "overlay"), ("overlay", "transparent")],
    )
    def test_one_of_another_type_is_told_with_both_types(
        self, node: SimulatedNode, mode: str, there: str
    ) -> None:
        network_id = plant(node, there, ("10.88.0.0/24", "10.88.0.1"))
        answer = refused(node, configured(mode), 7)
        assert f"is of type {KINDS[there]}, the configuration asks for {KINDS[mode]}" in answer.words
        assert network_id in answer.words

    def test_one_of_another_subnet_is_told_with_both_subnets(self, node: SimulatedNode) -> None:
        """An address of one subnet with the gateway of another is a pod without a route."""
        plant(node, "nat", ("172.20.48.0/20", "172.20.48.1"))
        answer = refused(node, configured("nat"), 7)
        assert "172.20.48.0/20" in answer.words
        assert "10.88.0.0/24" in answer.words

    def test_ranges_beside_its_subnets_are_told_with_both(self, node: SimulatedNode) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.77.0.0/24"}]]}
        answer = refused(node, configured("l2bridge", network={"mode": "l2bridge"}, ipam=ipam), 7)
        assert "10.77.0.0/24" in answer.words
        assert "10.88.0.0/24" in answer.words

    def test_one_without_a_subnet_for_the_address_is_told(self, node: SimulatedNode) -> None:
        plant(node, "transparent")
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
        answer = refused(node, configured("transparent", network={"mode": "transparent"}, ipam=ipam), 7)
        assert "has the subnets none" in answer.words
        assert "10.88.0.0/24" in answer.words

    def test_win_bridge_joins_an_l2tunnel_network_too(self, node: SimulatedNode) -> None:
        plant(node, "l2tunnel", ("10.88.0.0/24", "10.88.0.1"))
        add(node, joining("win-bridge"))

    @pytest.mark.parametrize("peer", ["win-bridge", "win-overlay"])
    def test_a_peer_that_joins_makes_no_network(self, node: SimulatedNode, peer: str) -> None:
        answer = refused(node, joining(peer), 7)
        assert 'HCN network "pods" does not exist' in answer.words
        assert node.hcn.networks.ids() == []

    def test_no_adapter_for_an_external_network_is_hns_own_error(self, node: SimulatedNode) -> None:
        node.simulator.adapters = []
        answer = refused(node, configured("l2bridge"), 100)
        assert "0x803B0006" in answer.words
        assert "no adapter named" in answer.words

    def test_the_adapter_that_is_not_there_is_named(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", network=network("l2bridge", adapter="Ethernet 9"))
        answer = refused(node, config, 100)
        assert 'asked for: L2Bridge, adapter "Ethernet 9", 10.88.0.0/24' in answer.words


class TestOverlay:
    """Pods of overlay networks are told by MAC addresses that follow from their IP addresses."""

    def test_the_mac_is_the_prefix_and_the_address(self, node: SimulatedNode) -> None:
        add(node, configured("overlay", macPrefix="0A-58"))
        assert last(node).addresses == [("10.88.0.2", 24)]
        assert last(node).mac == "0A-58-0A-58-00-02"

    def test_a_given_mac_goes_before_the_prefix(self, node: SimulatedNode) -> None:
        add(node, configured("overlay", runtimeConfig={"mac": "02:00:00:00:00:01"}))
        assert last(node).mac == "02-00-00-00-00-01"

    def test_the_provider_address_is_the_hosts(self, node: SimulatedNode) -> None:
        add(node, configured("overlay"))
        assert policies_of(last(node), "ProviderAddress") == [{"ProviderAddress": "192.0.2.10"}]

    def test_a_configured_one_is_used(self, node: SimulatedNode) -> None:
        policy = {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.99"}}
        add(node, configured("overlay", policies=[policy]))
        assert policies_of(last(node), "ProviderAddress") == [{"ProviderAddress": "192.0.2.99"}]

    def test_the_hosts_address_is_waited_for(self, node: SimulatedNode) -> None:
        node.simulator.set_options(management_address_after_calls=8)
        add(node, configured("overlay"))
        assert policies_of(last(node), "ProviderAddress") == [{"ProviderAddress": "192.0.2.10"}]
        assert node.calls().count("HcnQueryNetworkProperties") > 2

    def test_one_that_does_not_come_is_a_reason_to_try_again(self, node: SimulatedNode) -> None:
        node.simulator.set_options(management_address_after_calls=_NEVER)
        answer = refused(node, configured("overlay", timeout=current().slowness), 11)
        assert "no management address yet" in answer.words
        node.assert_clean()

    def test_a_later_pod_need_not_ask_for_it(self, node: SimulatedNode) -> None:
        add(node, configured("overlay"))
        node.simulator.reset_journal()
        add(node, configured("overlay"))
        assert "HcnQueryNetworkProperties" not in node.calls()
        assert policies_of(last(node), "ProviderAddress") == [{"ProviderAddress": "192.0.2.10"}]


_WFP_PROXY = {"Type": "L4WFPPROXY", "Settings": {"InboundProxyPort": "15001", "UserSID": "S-1-5-32-556"}}


class TestTooOldAnHns:
    """A feature that this HNS lacks is refused by name, with the version that has it; nothing is made."""

    @pytest.mark.parametrize(
        ("version", "changes", "words"),
        [
            pytest.param(
                "10.1", {"loopbackDSR": True}, "Destinations (needs HNS 9.3 to 9.x, 10.2", id="loopbackDSR"
            ),
            pytest.param("11.9", {"network": dual()["network"]}, "IPv6 (needs HNS 11.10", id="dual"),
            pytest.param("10.4", {"mtu": 1400}, "policy InterfaceParameters (needs HNS 11.10", id="mtu"),
            pytest.param(
                "15.0",
                {"network": network("l2bridge", flags=["DisableHostPort"])},
                "network flag DisableHostPort (needs HNS 15.1",
                id="a network flag",
            ),
            pytest.param(
                "13.1",
                {"policies": [_WFP_PROXY]},
                "policy L4WFPPROXY (needs HNS 13.2",
                id="an endpoint policy",
            ),
        ],
    )
    def test_it_is_named_with_the_version_that_has_it(
        self, node: SimulatedNode, version: str, changes: dict[str, Any], words: str
    ) -> None:
        node.simulator.set_options(hns_version=version)
        answer = refused(node, configured("l2bridge", **changes), 7)
        assert f"version {version}" in answer.words
        assert words in answer.words
        assert node.hcn.networks.ids() == []

    def test_the_same_is_done_by_an_hns_that_can(self, node: SimulatedNode) -> None:
        node.simulator.set_options(hns_version="11.10")
        add(node, dual(loopbackDSR=True, mtu=1400))
        assert policies_of(last(node), "InterfaceParameters") == [{"Mtu": 1400}]

    def test_status_says_so_beforehand(self, node: SimulatedNode) -> None:
        node.simulator.set_options(hns_version="10.1")
        answer = node.call("STATUS", configured("l2bridge", loopbackDSR=True))
        assert answer.exit_code == 1
        assert "DSR" in answer.words

    @pytest.mark.not_in("windows", reason="Wine's services and its boot are those of all tests")
    def test_the_version_is_asked_once_for_each_run_of_hns(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", loopbackDSR=True)
        add(node, config)
        node.simulator.reset_journal()
        add(node, config)
        assert "HNSCall" not in node.calls()
        node.simulator.restart_hns()
        add(node, config)
        assert node.calls().count("HNSCall") == 1

    @pytest.mark.not_in("windows", reason="the stand-in DLLs are in the System32 of every test")
    def test_a_windows_without_hcn_is_told_what_it_lacks(self, node: SimulatedNode) -> None:
        namespace = node.namespace()
        node.simulator.set_options(missing_libraries=["computenetwork"])
        answer = node.call("ADD", configured("l2bridge"), container_id(), namespace)
        assert (answer.exit_code, answer.document["code"]) == (1, 100)
        assert "Windows Server 2019 or later" in answer.words


class TestMoreAddressesThanAnEndpointHolds:
    """What cannot be applied is an error, never left out."""

    def test_two_range_sets_of_one_family_are_an_error(self, node: SimulatedNode) -> None:
        ranges = [[{"subnet": "10.88.0.0/25"}], [{"subnet": "10.88.0.128/25"}]]
        answer = refused(node, configured("l2bridge", ipam={"type": "cni-hns", "ranges": ranges}), 7)
        assert "ipam.ranges[1]" in answer.words
        assert "a second IPv4 address" in answer.words
        assert node.hcn.networks.ids() == []

    def test_two_wanted_addresses_of_one_family_are_too(self, node: SimulatedNode) -> None:
        wanted = {"ips": ["10.88.0.20", "10.88.0.21"]}
        answer = refused(node, configured("l2bridge", runtimeConfig=wanted), 7)
        assert "runtimeConfig.ips[1]" in answer.words
        assert "a second IPv4 address" in answer.words
        assert node.hcn.networks.ids() == []

    def test_a_wanted_address_that_no_range_holds_is_an_error(self, node: SimulatedNode) -> None:
        answer = refused(node, configured("l2bridge", runtimeConfig={"ips": ["10.99.0.20"]}), 101)
        assert "10.99.0.20" in answer.words
