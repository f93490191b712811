"""Load balancers and SDN routes."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code

GUID = "7e6c7055-f7a0-44f1-8540-6e92b9538254"
MAPPING = {"Protocol": 6, "InternalPort": 8080, "ExternalPort": 80}


def _balancer(*endpoints: str, **more: Any) -> dict[str, Any]:
    return {
        "HostComputeEndpoints": list(endpoints),
        "SourceVIP": "10.0.0.1",
        "FrontendVIPs": ["10.96.0.10"],
        "PortMappings": [MAPPING],
        "SchemaVersion": {"Major": 2, "Minor": 0},
        **more,
    }


@pytest.fixture
def endpoint(caller: Caller) -> str:
    """An endpoint on an overlay network, never attached."""
    return caller.endpoint(caller.network("Overlay"))


class TestCreating:
    def test_it_is_kept_as_sent(self, caller: Caller, endpoint: str) -> None:
        guid = caller.create("LoadBalancer", _balancer(endpoint.upper(), Flags=1))
        document = caller.get("LoadBalancer", guid)
        assert document["HostComputeEndpoints"] == [endpoint]
        assert document["FrontendVIPs"] == ["10.96.0.10"]
        assert document["Flags"] == 1
        assert document["PortMappings"] == [{**MAPPING, "DistributionType": 0, "Flags": 0}]

    @pytest.mark.parametrize(
        ("change", "hresult"),
        [
            pytest.param({"HostComputeEndpoints": [GUID]}, 0x803B0007, id="an endpoint that is not there"),
            pytest.param({"HostComputeEndpoints": ["x"]}, 0x803B0019, id="no GUID"),
            pytest.param({"SourceVIP": ""}, 0x803B002F, id="no source on overlay"),
            pytest.param({"SourceVIP": "10.9.3.1"}, 0x803B002F, id="the gateway as source"),
            pytest.param({"SourceVIP": "10.9.3.255"}, 0x803B002F, id="the broadcast address as source"),
            pytest.param({"SourceVIP": "vip"}, 0x803B002F, id="no address as source"),
            pytest.param({"HostComputeEndpoints": []}, 0x803B001C, id="no back ends"),
            pytest.param({"FrontendVIPs": ["abc"]}, 0x803B002F, id="no address as VIP"),
            pytest.param({"FrontendVIPs": [""]}, 0x803B002F, id="nothing as VIP"),
            pytest.param({"FrontendVIPs": ["10.96.0.10/32"]}, 0x803B002F, id="a prefix as VIP"),
            pytest.param({"PortMappings": []}, 0x803B000D, id="no ports"),
            pytest.param({"PortMappings": [{**MAPPING, "Protocol": 0}]}, 0x803B000D, id="no protocol"),
            pytest.param(
                {"PortMappings": [{**MAPPING, "Protocol": 1}]}, 0x803B000D, id="ICMP, without ports"
            ),
            pytest.param({"PortMappings": [{**MAPPING, "Protocol": 999}]}, 0x803B000D, id="no such protocol"),
            pytest.param(
                {"PortMappings": [{**MAPPING, "ExternalPort": 0}]}, 0x803B000D, id="no external port"
            ),
            pytest.param(
                {"PortMappings": [{**MAPPING, "InternalPort": 0}]}, 0x803B002D, id="no internal port"
            ),
            pytest.param(
                {"PortMappings": [{**MAPPING, "Protocol": "TCP"}]}, 0x80070057, id="text for a number"
            ),
        ],
    )
    def test_it_is_refused(self, caller: Caller, endpoint: str, change: dict[str, Any], hresult: int) -> None:
        with pytest.raises(Failed, match=code(hresult)):
            caller.create("LoadBalancer", {**_balancer(endpoint), **change})

    @pytest.mark.parametrize("protocol", [6, 17, 132])
    def test_tcp_udp_and_sctp_are_balanced(self, caller: Caller, endpoint: str, protocol: int) -> None:
        caller.create("LoadBalancer", _balancer(endpoint, PortMappings=[{**MAPPING, "Protocol": protocol}]))

    @pytest.mark.parametrize(
        ("option", "change"),
        [
            ({"no_backend_hresult": 0}, {"HostComputeEndpoints": [], "SourceVIP": ""}),
            ({"bad_vip_hresult": 0}, {"FrontendVIPs": ["abc"]}),
            ({"balanced_protocols": [6, 999]}, {"PortMappings": [{**MAPPING, "Protocol": 999}]}),
            ({"bad_mapping_hresult": 0}, {"PortMappings": [{**MAPPING, "ExternalPort": 0}]}),
        ],
        ids=lambda value: next(iter(value)),
    )
    def test_what_no_report_shows_to_be_refused_is_an_option(
        self,
        caller: Caller,
        simulator: Simulator,
        endpoint: str,
        option: dict[str, Any],
        change: dict[str, Any],
    ) -> None:
        simulator.set_options(**option)
        caller.create("LoadBalancer", {**_balancer(endpoint), **change})

    def test_without_back_ends_the_record_has_the_words_that_were_seen(self, caller: Caller) -> None:
        with pytest.raises(Failed) as failure:
            caller.create("LoadBalancer", _balancer())
        words = "The reference is invalid in the JSON document. A Reference is required"
        assert json.loads(failure.value.record) == {"Success": False, "Error": words, "ErrorCode": 2151350300}

    def test_back_ends_of_two_networks(self, caller: Caller, endpoint: str) -> None:
        other = caller.endpoint(caller.network("NAT", "nat", "172.20.0.0/24"))
        with pytest.raises(Failed, match=code(0x803B000D)):
            caller.create("LoadBalancer", _balancer(endpoint, other))

    def test_more_back_ends_than_there_may_be(self, caller: Caller, endpoint: str) -> None:
        with pytest.raises(Failed, match=code(0x803B000D)):
            caller.create("LoadBalancer", _balancer(*[endpoint] * 1025))

    def test_off_overlay_no_source_is_needed(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network("L2Bridge"))
        caller.create("LoadBalancer", _balancer(endpoint, SourceVIP=""))

    @pytest.mark.parametrize(
        ("version", "taken"), [("9.2", False), ("9.3", True), ("10.1", False), ("10.2", True)]
    )
    def test_direct_server_return_by_version(
        self, caller: Caller, simulator: Simulator, endpoint: str, version: str, taken: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        if taken:
            caller.create("LoadBalancer", _balancer(endpoint, Flags=1))
        else:
            with pytest.raises(Failed, match=code(0x803B0015)):
                caller.create("LoadBalancer", _balancer(endpoint, Flags=1))

    @pytest.mark.parametrize(("version", "taken"), [("11.9", False), ("11.10", True)])
    def test_ipv6_by_version(
        self, caller: Caller, simulator: Simulator, endpoint: str, version: str, taken: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        document = _balancer(endpoint, FrontendVIPs=["fd00::a"], Flags=2)
        if taken:
            caller.create("LoadBalancer", document)
        else:
            with pytest.raises(Failed, match=code(0x803B0015)):
                caller.create("LoadBalancer", document)

    @pytest.mark.parametrize(("version", "taken"), [("11.10", False), ("12.0", True)])
    def test_session_affinity_by_version(
        self, caller: Caller, simulator: Simulator, endpoint: str, version: str, taken: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        document = _balancer(endpoint, PortMappings=[{**MAPPING, "DistributionType": 2}])
        if taken:
            caller.create("LoadBalancer", document)
        else:
            with pytest.raises(Failed, match=code(0x803B0015)):
                caller.create("LoadBalancer", document)

    def test_unattached_back_ends_are_refused_where_the_option_says_so(
        self, caller: Caller, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.set_options(unattached_backend="always")
        with pytest.raises(Failed, match=code(0x803B0007)):
            caller.create("LoadBalancer", _balancer(endpoint))
        namespace = caller.namespace()
        caller.add(namespace, endpoint)
        simulator.start_container(namespace, "c1")
        caller.create("LoadBalancer", _balancer(endpoint))


class TestFrontends:
    def test_one_vip_port_and_protocol_has_one_balancer(self, caller: Caller, endpoint: str) -> None:
        caller.create("LoadBalancer", _balancer(endpoint))
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.create("LoadBalancer", _balancer(endpoint))
        caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=["10.96.0.11"]))
        caller.create("LoadBalancer", _balancer(endpoint, PortMappings=[{**MAPPING, "Protocol": 17}]))
        caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=[]))

    def test_one_that_was_loaded_from_disk_answers_otherwise(
        self, caller: Caller, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.plant("loadbalancer", _balancer(simulator.plant_endpoint("net")))
        simulator.restart_hns()
        with pytest.raises(Failed, match=code(0x800700B7)):
            caller.create("LoadBalancer", _balancer(endpoint))

    def test_a_node_port_is_one_for_each_family(self, caller: Caller, endpoint: str) -> None:
        """kube-proxy makes two for a dual-stack service, which differ in a flag only."""
        for flags in (0, 2):
            caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=[], Flags=flags))
            with pytest.raises(Failed, match=code(0x803B0013)):
                caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=[], Flags=flags))

    def test_one_address_in_two_spellings_is_one_front_end(self, caller: Caller, endpoint: str) -> None:
        caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=["fd00::a"], Flags=2))
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=["FD00:0::A"], Flags=2))

    def test_a_node_port_that_the_host_keeps_is_refused(
        self, caller: Caller, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.set_options(excluded_ports=[[6, 80, 80]])
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=[]))
        caller.create("LoadBalancer", _balancer(endpoint))

    def test_a_deleted_one_gives_it_back(self, caller: Caller, endpoint: str) -> None:
        caller.delete("LoadBalancer", caller.create("LoadBalancer", _balancer(endpoint)))
        caller.create("LoadBalancer", _balancer(endpoint))


class TestDeleting:
    @pytest.mark.parametrize(("version", "tries"), [("9.3", 2), ("13.3", 1)])
    def test_on_2019_the_first_try_may_fail(
        self, caller: Caller, simulator: Simulator, endpoint: str, version: str, tries: int
    ) -> None:
        simulator.set_options(hns_version=version, first_lb_delete_hresult=0x80004005)
        guid = caller.create("LoadBalancer", _balancer(endpoint))
        for _ in range(tries - 1):
            with pytest.raises(Failed, match=code(0x80004005)):
                caller.delete("LoadBalancer", guid)
        caller.delete("LoadBalancer", guid)


class TestModifying:
    def test_an_old_service_has_no_such_call(
        self, caller: Caller, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.set_options(hns_version="15.3")
        guid = caller.create("LoadBalancer", _balancer(endpoint))
        with pytest.raises(Failed, match=code(0x80004001)):
            caller.modify("LoadBalancer", guid, _balancer(endpoint))

    @pytest.mark.parametrize(("version", "applied"), [("15.4", False), ("15.5", True), ("16.0", True)])
    def test_the_first_version_takes_the_call_and_does_not_apply_it(
        self, caller: Caller, simulator: Simulator, endpoint: str, version: str, applied: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        guid = caller.create("LoadBalancer", _balancer(endpoint))
        second = caller.endpoint(caller.ids("Network")[0])
        caller.modify("LoadBalancer", guid, _balancer(endpoint, second))
        expected = [endpoint, second] if applied else [endpoint]
        assert caller.get("LoadBalancer", guid)["HostComputeEndpoints"] == expected

    def test_a_request_with_settings(self, caller: Caller, simulator: Simulator, endpoint: str) -> None:
        simulator.set_options(hns_version="15.5")
        guid = caller.create("LoadBalancer", _balancer(endpoint))
        second = caller.endpoint(caller.ids("Network")[0])
        for request, expected in ((0, [endpoint, second]), ("Remove", [endpoint]), ("Update", [second])):
            settings = {"HostComputeEndpoints": [second]}
            caller.modify("LoadBalancer", guid, {"RequestType": request, "Settings": settings})
            assert caller.get("LoadBalancer", guid)["HostComputeEndpoints"] == expected
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.modify("LoadBalancer", guid, {"RequestType": "Reset", "Settings": {}})

    def test_a_refused_change_changes_nothing(
        self, caller: Caller, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.set_options(hns_version="15.5")
        caller.create("LoadBalancer", _balancer(endpoint, FrontendVIPs=["10.96.0.11"]))
        guid = caller.create("LoadBalancer", _balancer(endpoint))
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.modify("LoadBalancer", guid, _balancer(endpoint, FrontendVIPs=["10.96.0.11"]))
        assert caller.get("LoadBalancer", guid)["FrontendVIPs"] == ["10.96.0.10"]


class TestSdnRoutes:
    ROUTE: ClassVar[dict[str, Any]] = {
        "DestinationPrefix": "10.96.0.0/12",
        "NextHop": "10.9.3.1",
        "NeedEncap": False,
    }

    @pytest.mark.parametrize("name", ["Routes", "Setting"])
    def test_both_names_of_the_list_are_read_and_given(
        self, caller: Caller, endpoint: str, name: str
    ) -> None:
        guid = caller.create("SdnRoute", {"HostComputeEndpoints": [endpoint], name: [self.ROUTE]})
        document = caller.get("SdnRoute", guid)
        assert document["Routes"] == document["Setting"] == [self.ROUTE]
        assert document["HostComputeEndpoints"] == [endpoint]

    @pytest.mark.parametrize(
        ("change", "hresult"),
        [
            ({"HostComputeEndpoints": [GUID]}, 0x803B0002),
            ({"Routes": []}, 0x803B000D),
            ({"Routes": [{"DestinationPrefix": "service"}]}, 0x803B000D),
        ],
    )
    def test_one_is_refused(
        self, caller: Caller, endpoint: str, change: dict[str, Any], hresult: int
    ) -> None:
        with pytest.raises(Failed, match=code(hresult)):
            caller.create("SdnRoute", {"HostComputeEndpoints": [endpoint], "Routes": [self.ROUTE], **change})

    def test_one_is_changed_in_both_ways(self, caller: Caller, endpoint: str) -> None:
        guid = caller.create("SdnRoute", {"HostComputeEndpoints": [endpoint], "Routes": [self.ROUTE]})
        other = {**self.ROUTE, "NextHop": "10.9.3.2"}
        caller.modify("SdnRoute", guid, {"Routes": [other]})
        assert caller.get("SdnRoute", guid)["Routes"] == [other]
        caller.modify("SdnRoute", guid, {"RequestType": "Update", "Settings": {"Setting": [self.ROUTE]}})
        document = caller.get("SdnRoute", guid)
        assert (document["Routes"], document["HostComputeEndpoints"]) == ([self.ROUTE], [endpoint])

    def test_one_is_deleted(self, caller: Caller, endpoint: str) -> None:
        guid = caller.create("SdnRoute", {"HostComputeEndpoints": [endpoint], "Routes": [self.ROUTE]})
        assert caller.ids("SdnRoute") == [guid]
        caller.delete("SdnRoute", guid)
        assert caller.ids("SdnRoute") == []
