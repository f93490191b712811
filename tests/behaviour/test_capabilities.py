"""What a runtime asks for beside the configuration: each wish reaches the endpoint, or is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import (
    MODES,
    NEEDS_DUAL_STACK,
    NEEDS_SCHEMA_2_4,
    add,
    configured,
    dual,
    last,
    plant,
    policies_of,
    refused,
)
from tests.harness import SimulatedNode, container_id
from tests.packaging import current

HTTP = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}


def mapped(*mappings: dict[str, Any]) -> dict[str, Any]:
    return {"portMappings": list(mappings)}


class TestPortMappings:
    """A mapped port is served in every mode, or the ADD says why it is not."""

    @pytest.mark.parametrize("mode", MODES)
    def test_it_is_a_policy_of_the_endpoint_in_every_mode(self, node: SimulatedNode, mode: str) -> None:
        add(node, configured(mode, runtimeConfig=mapped(HTTP)))
        assert policies_of(last(node), "PortMapping") == [
            {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080, "VIP": "", "Flags": 1}
        ]

    def test_win_overlay_maps_ports_too(self, node: SimulatedNode) -> None:
        """The peer drops them in silence, though its own sample declares the capability."""
        plant(node, "overlay", ("10.88.0.0/24", "10.88.0.1"))
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24"}
        config = {"cniVersion": "1.0.0", "name": "pods", "type": "win-overlay", "ipam": ipam}
        add(node, {**config, "runtimeConfig": mapped(HTTP)})
        assert [one["ExternalPort"] for one in policies_of(last(node), "PortMapping")] == [8080]

    @pytest.mark.parametrize(
        ("protocol", "number"),
        [("tcp", 6), ("TCP", 6), ("", 6), (None, 6), ("udp", 17), ("UDP", 17), ("17", 17)],
    )
    def test_protocols_are_known_in_every_spelling(
        self, node: SimulatedNode, protocol: str | None, number: int
    ) -> None:
        add(node, configured("l2bridge", runtimeConfig=mapped({**HTTP, "protocol": protocol})))
        assert [one["Protocol"] for one in policies_of(last(node), "PortMapping")] == [number]

    @pytest.mark.parametrize("protocol", ["sctp", "SCTP", "132"])
    def test_sctp_is_refused_by_name_before_anything_is_made(
        self, node: SimulatedNode, protocol: str
    ) -> None:
        answer = refused(
            node, configured("l2bridge", runtimeConfig=mapped({**HTTP, "protocol": protocol})), 7
        )
        assert "runtimeConfig.portMappings[0].protocol" in answer.words
        assert "sctp" in answer.words
        assert node.hcn.networks.ids() == []

    def test_one_port_may_serve_both_protocols(self, node: SimulatedNode) -> None:
        dns = [{"hostPort": 53, "containerPort": 5353, "protocol": protocol} for protocol in ("tcp", "udp")]
        add(node, configured("l2bridge", runtimeConfig=mapped(*dns)))
        found = [(one["Protocol"], one["ExternalPort"]) for one in policies_of(last(node), "PortMapping")]
        assert found == [(6, 53), (17, 53)]

    def test_a_host_address_is_the_policys_vip(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", runtimeConfig=mapped({**HTTP, "hostIP": "192.0.2.10"})))
        assert [one["VIP"] for one in policies_of(last(node), "PortMapping")] == ["192.0.2.10"]

    @NEEDS_DUAL_STACK
    @pytest.mark.parametrize("anywhere", ["", "0.0.0.0", "::", None])  # noqa: S104 - a text in a wish
    def test_any_host_address_is_a_mapping_for_each_family(
        self, node: SimulatedNode, anywhere: str | None
    ) -> None:
        add(node, dual(runtimeConfig=mapped({**HTTP, "hostIP": anywhere})))
        found = [(one["VIP"], one["Flags"]) for one in policies_of(last(node), "PortMapping")]
        assert found == [("", 1), ("", 3)]

    @NEEDS_DUAL_STACK
    @pytest.mark.parametrize(("host", "flags"), [("192.0.2.10", 1), ("fd00::10", 3)])
    def test_one_host_address_is_a_mapping_for_its_own_family(
        self, node: SimulatedNode, host: str, flags: int
    ) -> None:
        add(node, dual(runtimeConfig=mapped({**HTTP, "hostIP": host})))
        found = [(one["VIP"], one["Flags"]) for one in policies_of(last(node), "PortMapping")]
        assert found == [(host, flags)]

    def test_a_host_address_of_a_family_that_the_pod_lacks_is_refused(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", runtimeConfig=mapped({**HTTP, "hostIP": "fd00::10"}))
        answer = refused(node, config, 7)
        assert "8080/tcp" in answer.words
        assert "no IPv6 address" in answer.words

    def test_a_port_that_another_pod_has_is_told_with_that_pod(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", runtimeConfig=mapped(HTTP))
        add(node, config)
        holder = last(node)
        answer = refused(node, config, 100)
        assert "0x803B0013" in answer.words
        assert f'8080/tcp by endpoint "{holder.name}" ({holder.id})' in answer.words

    def test_the_holder_of_the_other_protocol_is_not_blamed(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", runtimeConfig=mapped({**HTTP, "protocol": "udp"})))
        node.simulator.set_options(excluded_ports=[[6, 8080, 8080]])
        answer = refused(node, configured("l2bridge", runtimeConfig=mapped(HTTP)), 100)
        assert last(node).id not in answer.words

    def test_a_port_that_the_host_itself_has_says_where_to_look(self, node: SimulatedNode) -> None:
        node.simulator.set_options(excluded_ports=[[6, 8000, 8999]])
        answer = refused(node, configured("l2bridge", runtimeConfig=mapped(HTTP)), 100)
        assert "no endpoint maps host port 8080/tcp" in answer.words
        assert "excludedportrange" in answer.words

    def test_where_the_holder_cannot_be_looked_up_the_refusal_is_told_all_the_same(
        self, node: SimulatedNode
    ) -> None:
        config = configured("l2bridge", runtimeConfig=mapped(HTTP))
        add(node, config)
        fault = node.simulator.inject(function="HNSCall", hresult=0x80004005)
        assert "0x803B0013" in refused(node, config, 100).words
        assert node.simulator.fired(fault) == 1

    def test_the_port_is_free_again_after_del(self, node: SimulatedNode) -> None:
        config, container, namespace = configured("nat", runtimeConfig=mapped(HTTP)), container_id(), ""
        namespace = node.namespace()
        assert node.call("ADD", config, container, namespace).exit_code == 0
        assert node.call("DEL", config, container, "").exit_code == 0
        add(node, config)

    def test_all_that_is_wrong_is_told_at_once_with_its_place(self, node: SimulatedNode) -> None:
        wrong = {"hostPort": 0, "containerPort": 70000, "protocol": "icmp", "hostIP": "localhost"}
        answer = refused(node, configured("l2bridge", runtimeConfig=mapped(HTTP, wrong)), 7)
        for key in wrong:
            assert f"runtimeConfig.portMappings[1].{key}" in answer.words
        assert "runtimeConfig.portMappings[0]" not in answer.words

    def test_two_container_ports_for_one_host_port_are_refused(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", runtimeConfig=mapped(HTTP, {**HTTP, "containerPort": 81}))
        assert "host port 8080 is mapped already" in refused(node, config, 7).words

    def test_a_network_that_maps_no_ports_is_told_with_the_mapping(self, node: SimulatedNode) -> None:
        node.simulator.set_options(mapping_refused_on=["L2Bridge"])
        config = configured("l2bridge", outboundNat=True, runtimeConfig=mapped(HTTP))
        answer = refused(node, config, 100)
        assert "0x803B0016" in answer.words
        assert "refused: PortMapping" in answer.words
        assert "OutBoundNAT" not in answer.words


class TestSpellingOfTheRuntime:
    """containerd sends Go's field names, and null for an empty list."""

    def test_capitalised_port_mappings(self, node: SimulatedNode) -> None:
        mapping = {"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}
        add(node, configured("l2bridge", runtimeConfig={"portMappings": [mapping]}))
        assert [one["ExternalPort"] for one in policies_of(last(node), "PortMapping")] == [8080]

    def test_capitalised_dns(self, node: SimulatedNode) -> None:
        dns = {
            "Servers": ["10.0.0.53", "10.0.0.54"],
            "Searches": ["a.example", "b.example"],
            "Options": ["x:1"],
        }
        answer = add(node, configured("l2bridge", runtimeConfig={"dns": dns}))
        assert last(node).dns == {
            "ServerList": ["10.0.0.53", "10.0.0.54"],
            "Search": ["a.example", "b.example"],
            "Options": ["x:1"],
        }
        assert answer.document["dns"] == {
            "nameservers": ["10.0.0.53", "10.0.0.54"],
            "search": ["a.example", "b.example"],
            "options": ["x:1"],
        }

    def test_a_null_part_of_dns_leaves_the_configurations(self, node: SimulatedNode) -> None:
        dns = {"Servers": ["10.0.0.53"], "Searches": None, "Options": None}
        add(node, configured("l2bridge", runtimeConfig={"dns": dns}))
        assert last(node).dns == {"ServerList": ["10.0.0.53"], "Search": ["svc.cluster.local"]}

    @pytest.mark.parametrize(
        "nothing",
        [
            {
                "portMappings": None,
                "dns": None,
                "bandwidth": None,
                "ips": None,
                "ipRanges": None,
                "mac": None,
            },
            {"dns": {"Servers": None, "Searches": None, "Options": None}, "portMappings": []},
            {"mac": "", "ips": [], "bandwidth": {}},
            {},
        ],
    )
    def test_nothing_asked_is_nothing_done(self, node: SimulatedNode, nothing: dict[str, Any]) -> None:
        add(node, configured("l2bridge", runtimeConfig=nothing))
        assert last(node).policies == []
        assert last(node).dns == {"ServerList": ["10.96.0.10"], "Search": ["svc.cluster.local"]}

    def test_the_pods_annotations_are_nothing_to_us(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", runtimeConfig={"io.kubernetes.cri.pod-annotations": {"a": "b"}}))

    @pytest.mark.parametrize("key", ["infinibandGUID", "deviceID", "aliases"])
    def test_what_windows_has_not_is_refused_by_name(self, node: SimulatedNode, key: str) -> None:
        answer = refused(node, configured("l2bridge", runtimeConfig={key: ["x"]}), 7)
        assert f"runtimeConfig.{key}" in answer.words


class TestDns:
    """Part by part: the runtime's, else the configuration's."""

    def test_a_server_that_is_no_address_is_refused_with_its_place(self, node: SimulatedNode) -> None:
        answer = refused(
            node, configured("l2bridge", runtimeConfig={"dns": {"servers": ["10.0.0.53", "x"]}}), 7
        )
        assert "runtimeConfig.dns.servers[1]" in answer.words

    def test_resolv_conf_gives_what_nobody_else_does(self, node: SimulatedNode, tmp_path: Path) -> None:
        file = tmp_path / "resolv.conf"
        file.write_text("nameserver 198.51.100.1\nsearch node.test\noptions ndots:5\n")
        ipam = {"type": "cni-hns", "subnet": "10.88.0.0/24", "resolvConf": current().path(file)}
        config = configured("l2bridge", ipam=ipam, dns={"search": ["svc.test"]})
        container, namespace = container_id(), node.namespace()
        first = node.call("ADD", config, container, namespace)
        assert first.document["dns"] == {
            "nameservers": ["198.51.100.1"],
            "search": ["svc.test"],
            "options": ["ndots:5"],
        }
        node.hcn.endpoints.delete(last(node).id)
        assert node.call("ADD", config, container, namespace) == first, "made again with its DNS"

    def test_check_finds_a_server_that_was_changed(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", runtimeConfig={"dns": {"servers": ["10.0.0.53"]}})
        container, namespace = container_id(), node.namespace()
        result = node.call("ADD", config, container, namespace).document
        view = last(node)
        node.hcn.endpoints.delete(view.id)
        document = {
            "Name": view.name,
            "ID": view.id,
            "MacAddress": view.mac,
            "Dns": {"ServerList": ["10.9.9.9"]},
        }
        addresses = [{"IpAddress": address, "PrefixLength": prefix} for address, prefix in view.addresses]
        node.simulator.plant_endpoint("pods", **document, IpConfigurations=addresses)
        node.attach(namespace, view.id)
        answer = node.call("CHECK", {**config, "prevResult": result}, container, namespace)
        assert answer.document["code"] == 104
        assert "DNS ServerList is ['10.9.9.9'], it was set to ['10.0.0.53']" in answer.words

    def test_the_pods_namespace_goes_before_the_search_of_a_wcn_configuration(
        self, node: SimulatedNode
    ) -> None:
        config = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "type": "nat",
            "ipam": {"type": "", "subnet": "172.28.0.0/20"},
            "dns": {"Nameservers": ["10.96.0.10"], "Search": ["svc.cluster.local", "cluster.local"]},
        }
        add(node, config, args="K8S_POD_NAMESPACE=team;IgnoreUnknown=1")
        assert last(node).dns["Search"] == ["team.svc.cluster.local", "cluster.local"]


class TestAddresses:
    """runtimeConfig.ips, args.cni.ips and CNI_ARGS are added up, as host-local does."""

    @pytest.mark.parametrize(
        ("changes", "args"),
        [
            pytest.param({"runtimeConfig": {"ips": ["10.88.0.40"]}}, "", id="runtimeConfig"),
            pytest.param({"runtimeConfig": {"IPs": ["10.88.0.40/24"]}}, "", id="capitalised, with a prefix"),
            pytest.param({"args": {"cni": {"ips": ["10.88.0.40"]}}}, "", id="args"),
            pytest.param({}, "IP=10.88.0.40", id="CNI_ARGS"),
            pytest.param({}, "IP=10.88.0.40/24;K8S_POD_NAME=x;IgnoreUnknown=1", id="CNI_ARGS with others"),
            pytest.param({"runtimeConfig": {"ips": ["10.88.0.40"]}}, "IP=10.88.0.40", id="twice the same"),
        ],
    )
    def test_each_source_is_heard(self, node: SimulatedNode, changes: dict[str, Any], args: str) -> None:
        assert add(node, configured("l2bridge", **changes), args=args).addresses == ["10.88.0.40/24"]
        assert last(node).addresses == [("10.88.0.40", 24)]

    @NEEDS_DUAL_STACK
    def test_sources_for_two_families_add_up(self, node: SimulatedNode) -> None:
        answer = add(node, dual(runtimeConfig={"ips": ["fd00:88::40"]}), args="IP=10.88.0.40")
        assert answer.addresses == ["10.88.0.40/24", "fd00:88::40/112"]

    def test_one_that_another_pod_has_is_told_with_the_pod(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge"), args="IP=10.88.0.40")
        answer = refused(node, configured("l2bridge"), 101, args="IP=10.88.0.40")
        assert last(node).name.partition("_")[0] in answer.words

    def test_a_bad_one_in_cni_args_is_a_bad_variable_and_is_not_quoted(self, node: SimulatedNode) -> None:
        answer = refused(node, configured("l2bridge"), 4, args="IP=a-secret")
        assert "a-secret" not in answer.stdout

    @pytest.mark.parametrize("address", ["10.88.0.0", "10.88.0.255"])
    def test_network_and_broadcast_address_are_refused(self, node: SimulatedNode, address: str) -> None:
        assert address in refused(node, configured("l2bridge"), 101, args=f"IP={address}").words


class TestMac:
    """runtimeConfig goes before args, args before CNI_ARGS."""

    @pytest.mark.parametrize(
        ("changes", "args", "last_byte"),
        [
            pytest.param({"runtimeConfig": {"mac": "02:00:00:00:00:01"}}, "", "01", id="runtimeConfig"),
            pytest.param({"args": {"cni": {"mac": "02-00-00-00-00-02"}}}, "", "02", id="args"),
            pytest.param({}, "MAC=02:00:00:00:00:03", "03", id="CNI_ARGS"),
            pytest.param(
                {"runtimeConfig": {"mac": "02:00:00:00:00:01"}},
                "MAC=02:00:00:00:00:03",
                "01",
                id="two sources",
            ),
        ],
    )
    def test_it_reaches_endpoint_and_result(
        self, node: SimulatedNode, changes: dict[str, Any], args: str, last_byte: str
    ) -> None:
        answer = add(node, configured("l2bridge", **changes), args=args)
        assert last(node).mac == f"02-00-00-00-00-{last_byte}"
        assert answer.document["interfaces"][0]["mac"] == f"02:00:00:00:00:{last_byte}"

    @pytest.mark.parametrize("mac", ["01:00:00:00:00:01", "00:00:00:00:00:00", "02:00:00:00:00"])
    def test_one_that_no_endpoint_can_have_is_refused(self, node: SimulatedNode, mac: str) -> None:
        answer = refused(node, configured("l2bridge", runtimeConfig={"mac": mac}), 7)
        assert "runtimeConfig.mac" in answer.words


class TestIpRanges:
    """The runtime's ranges go before the configured ones, and take the place of those nobody configured."""

    def test_the_conventions_list_of_lists(self, node: SimulatedNode) -> None:
        ranges = [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.50", "rangeEnd": "10.88.0.59"}]]
        answer = add(node, configured("l2bridge", runtimeConfig={"ipRanges": ranges}))
        assert answer.addresses == ["10.88.0.50/24"]

    @NEEDS_DUAL_STACK
    def test_go_cnis_flat_list_is_one_set_for_each_family(self, node: SimulatedNode) -> None:
        ranges = [
            {"Subnet": "10.88.0.0/24", "RangeStart": "10.88.0.50", "RangeEnd": "10.88.0.50", "Gateway": ""},
            {"Subnet": "10.88.0.0/24", "RangeStart": "10.88.0.60", "RangeEnd": "10.88.0.60"},
            {"Subnet": "fd00:88::/112", "RangeStart": "fd00:88::50", "RangeEnd": None},
        ]
        config = dual(runtimeConfig={"ipRanges": ranges})
        answers = [add(node, config) for _ in range(2)]
        assert [answer.addresses for answer in answers] == [
            ["10.88.0.50/24", "fd00:88::50/112"],
            ["10.88.0.60/24", "fd00:88::51/112"],
        ]
        assert "10.88.0.50-10.88.0.50" in refused(node, config, 101).words

    def test_a_set_beside_a_configured_one_of_the_same_family_is_refused(self, node: SimulatedNode) -> None:
        ipam = {"type": "cni-hns", "subnet": "10.88.0.128/25"}
        runtime = {"ipRanges": [[{"subnet": "10.88.0.0/25"}]]}
        answer = refused(node, configured("l2bridge", ipam=ipam, runtimeConfig=runtime), 7)
        assert "a second IPv4 address" in answer.words

    def test_one_beside_the_networks_subnets_is_refused_with_both(self, node: SimulatedNode) -> None:
        runtime = {"ipRanges": [[{"subnet": "10.77.0.0/24"}]]}
        answer = refused(node, configured("l2bridge", runtimeConfig=runtime), 7)
        assert "10.77.0" in answer.words
        assert "10.88.0.0/24" in answer.words

    def test_a_range_with_faults_is_refused_with_their_places(self, node: SimulatedNode) -> None:
        runtime = {"ipRanges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.99.0.1"}]]}
        answer = refused(node, configured("l2bridge", runtimeConfig=runtime), 7)
        assert "runtimeConfig.ipRanges[0][0].rangeStart" in answer.words

    def test_without_an_ipam_of_ours_they_are_refused(self, node: SimulatedNode) -> None:
        runtime = {"ipRanges": [[{"subnet": "10.88.0.0/24"}]]}
        assert (
            "runtimeConfig.ipRanges"
            in refused(node, configured("nat", ipam={}, runtimeConfig=runtime), 7).words
        )


class TestBandwidth:
    """HNS limits what a pod sends, in whole bytes per second."""

    @pytest.mark.parametrize(
        ("bandwidth", "octets"),
        [
            pytest.param(
                {"egressRate": 8_000_000, "egressBurst": 1}, 1_000_000, id="the convention's spelling"
            ),
            pytest.param(
                {"IngressRate": 0, "IngressBurst": 0, "EgressRate": 1000, "EgressBurst": 4294967295},
                125,
                id="containerd's spelling",
            ),
            pytest.param({"egressRate": 8}, 1, id="the smallest"),
        ],
    )
    def test_egress_is_a_qos_policy(
        self, node: SimulatedNode, bandwidth: dict[str, int], octets: int
    ) -> None:
        add(node, configured("l2bridge", runtimeConfig={"bandwidth": bandwidth}))
        assert policies_of(last(node), "QOS") == [{"MaximumOutgoingBandwidthInBytes": octets}]

    @pytest.mark.parametrize(
        ("bandwidth", "place"),
        [
            pytest.param({"ingressRate": 1000}, "ingressRate", id="ingress"),
            pytest.param({"IngressRate": 1000, "EgressRate": 1000}, "ingressRate", id="both"),
            pytest.param({"egressRate": 7}, "egressRate", id="less than a byte"),
            pytest.param({"egressRate": -1}, "egressRate", id="negative"),
        ],
    )
    def test_what_hns_cannot_do_is_refused(
        self, node: SimulatedNode, bandwidth: dict[str, int], place: str
    ) -> None:
        answer = refused(node, configured("l2bridge", runtimeConfig={"bandwidth": bandwidth}), 7)
        assert f"runtimeConfig.bandwidth.{place}" in answer.words

    def test_check_finds_a_limit_that_is_gone(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", runtimeConfig={"bandwidth": {"egressRate": 8000}})
        container, namespace = container_id(), node.namespace()
        result = node.call("ADD", config, container, namespace).document
        with node.hcn.endpoints.open(last(node).id) as endpoint:
            policies = {"Policies": last(node).policies}
            endpoint.modify({"ResourceType": "Policy", "RequestType": "Remove", "Settings": policies})
        answer = node.call("CHECK", {**config, "prevResult": result}, container, namespace)
        assert "policy QOS" in answer.words


class TestRangeSets:
    """Each range set gives one address; the ranges of a set are used up in their order."""

    def test_the_second_range_of_a_set_follows_the_first(self, node: SimulatedNode) -> None:
        ranges = [
            {"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.10", "rangeEnd": "10.88.0.11"},
            {"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.30", "rangeEnd": "10.88.0.30"},
        ]
        config = configured("l2bridge", ipam={"type": "cni-hns", "ranges": [ranges]})
        given = [add(node, config).addresses[0] for _ in range(3)]
        assert given == ["10.88.0.10/24", "10.88.0.11/24", "10.88.0.30/24"]
        assert "3 usable, 3 held" in refused(node, config, 101).words

    @NEEDS_DUAL_STACK
    def test_a_set_for_each_family_gives_an_address_of_each(self, node: SimulatedNode) -> None:
        ranges = [[{"subnet": "10.88.0.0/24"}], [{"subnet": "fd00:88::/112"}]]
        answer = add(node, dual(ipam={"type": "cni-hns", "ranges": ranges}))
        assert answer.addresses == ["10.88.0.2/24", "fd00:88::2/112"]

    @NEEDS_DUAL_STACK
    def test_a_used_up_set_gives_back_what_the_other_had_given(self, node: SimulatedNode) -> None:
        small = {"subnet": "fd00:88::/112", "rangeStart": "fd00:88::10", "rangeEnd": "fd00:88::10"}
        config = dual(ipam={"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}], [small]]})
        add(node, config)
        refused(node, config, 101)
        assert sorted(lease.address for lease in node.leases(all_of_them=True)) == [
            "10.88.0.2",
            "fd00:88::10",
        ]


class TestRoutes:
    """Routes of the configuration and of its ipam reach the endpoint, and the result repeats them."""

    def test_both_are_applied_and_told(self, node: SimulatedNode) -> None:
        ipam = {"type": "cni-hns", "routes": [{"dst": "203.0.113.0/24", "gw": "10.88.0.7"}]}
        routes = [{"dst": "198.51.100.0/24", "gw": "10.88.0.9"}, {"dst": "192.0.2.0/24"}]
        answer = add(node, configured("l2bridge", ipam=ipam, routes=routes))
        expected = [
            ("0.0.0.0/0", "10.88.0.1"),
            ("192.0.2.0/24", "10.88.0.1"),
            ("198.51.100.0/24", "10.88.0.9"),
            ("203.0.113.0/24", "10.88.0.7"),
        ]
        assert sorted(last(node).routes) == expected
        assert sorted((one["dst"], one["gw"]) for one in answer.document["routes"]) == expected

    def test_an_own_default_route_is_the_gateway_and_no_pods_address(self, node: SimulatedNode) -> None:
        config = configured("l2bridge", routes=[{"dst": "0.0.0.0/0", "gw": "10.88.0.2"}])
        answer = add(node, config)
        assert answer.document["ips"][0]["gateway"] == "10.88.0.2"
        assert answer.addresses == ["10.88.0.3/24"]

    @NEEDS_DUAL_STACK
    def test_each_family_keeps_its_own_default_route(self, node: SimulatedNode) -> None:
        add(node, dual(routes=[{"dst": "::/0", "gw": "fd00:88::9"}]))
        assert sorted(last(node).routes) == [("0.0.0.0/0", "10.88.0.1"), ("::/0", "fd00:88::9")]

    def test_a_next_hop_of_the_other_family_is_refused(self, node: SimulatedNode) -> None:
        answer = refused(node, dual(routes=[{"dst": "192.0.2.0/24", "gw": "fd00:88::9"}]), 7)
        assert "routes[0].gw" in answer.words


class TestPolicies:
    """What the configuration says of the endpoint's policies is there, or the ADD fails and names it."""

    def test_outbound_nat_without_exceptions(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", outboundNat=True))
        assert policies_of(last(node), "OutBoundNAT") == [{}]

    def test_a_loopback_policy_names_the_pods_own_address(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", loopbackDSR=True, runtimeConfig={"ips": ["10.88.0.40"]}))
        assert policies_of(last(node), "OutBoundNAT") == [{"Destinations": ["10.88.0.40"]}]

    def test_a_loopback_policy_without_an_address_beforehand_is_refused(self, node: SimulatedNode) -> None:
        assert "loopbackDSR" in refused(node, configured("nat", ipam={}, loopbackDSR=True), 7).words

    @NEEDS_SCHEMA_2_4
    def test_mtu_is_an_interface_parameter(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", mtu=1400))
        assert policies_of(last(node), "InterfaceParameters") == [{"Mtu": 1400}]

    def test_a_second_mtu_is_refused(self, node: SimulatedNode) -> None:
        policy = {"Type": "InterfaceParameters", "Settings": {"Mtu": 1300}}
        assert "mtu" in refused(node, configured("l2bridge", mtu=1400, policies=[policy]), 7).words

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            ("OutBoundNAT", {"Exceptions": ["SERVICE_CIDR"]}),
            ("OutBoundNAT", {"Exceptions": ["10.0.0.1/8"]}),
            ("SDNRoute", {"DestinationPrefix": "<service cidr>"}),
            ("ProviderAddress", {"ProviderAddress": "<node ip>"}),
            ("Nonsense", {}),
        ],
    )
    def test_a_placeholder_is_refused_before_anything_is_made(
        self, node: SimulatedNode, kind: str, settings: dict[str, Any]
    ) -> None:
        policy = {"Type": kind, "Settings": settings}
        assert "policies[0]" in refused(node, configured("l2bridge", policies=[policy]), 7).words
        assert node.hcn.networks.ids() == []

    @NEEDS_SCHEMA_2_4
    def test_one_that_only_hns_refuses_is_named_alone(self, node: SimulatedNode) -> None:
        node.simulator.set_options(refused_policies=["VLAN"])
        policies = [
            {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}},
            {"Type": "VLAN", "Settings": {"IsolationId": 5}},
        ]
        answer = refused(node, configured("l2bridge", policies=policies), 100)
        assert "0x803B000E" in answer.words
        assert 'refused: VLAN {"IsolationId": 5}' in answer.words
        assert "SDNRoute" not in answer.words

    @NEEDS_SCHEMA_2_4
    def test_where_each_is_taken_alone_all_are_named(self, node: SimulatedNode) -> None:
        node.simulator.inject(function="HcnCreateEndpoint", hresult=0x803B000D)
        answer = refused(node, configured("l2bridge", outboundNat=True, mtu=1400), 100)
        assert "each is taken alone" in answer.words
        assert "OutBoundNAT" in answer.words
        assert "InterfaceParameters" in answer.words

    def test_where_that_cannot_be_found_out_the_error_says_so(self, node: SimulatedNode) -> None:
        node.simulator.inject(function="HcnCreateEndpoint", hresult=0x803B000D, count=2)
        answer = refused(node, configured("l2bridge", outboundNat=True), 100)
        assert "which one was not found out" in answer.words
        assert "sent: OutBoundNAT" in answer.words

    def test_policies_in_the_old_spelling_arrive_whole(self, node: SimulatedNode) -> None:
        """Peers keep only the type of such a policy, and the exceptions are lost in silence."""
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        config = {
            "cniVersion": "0.3.0",
            "name": "pods",
            "type": "win-bridge",
            "ipam": {"type": "host-local", "subnet": "10.88.0.0/24"},
            "Policies": [
                {
                    "Name": "EndpointPolicy",
                    "Value": {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]},
                },
                {
                    "Name": "EndpointPolicy",
                    "Value": {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
                },
            ],
        }
        add(node, config)
        assert policies_of(last(node), "OutBoundNAT") == [{"Exceptions": ["10.96.0.0/12"]}]
        assert policies_of(last(node), "SDNRoute") == [
            {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
        ]
