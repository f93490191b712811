"""HNSCall, and V1 documents through the V2 functions: two views of the same objects."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code

NETWORK = {
    "Type": "nat",
    "Name": "net",
    "MacPools": [{"StartMacAddress": "00-15-5D-52-C0-00", "EndMacAddress": "00-15-5D-52-CF-FF"}],
    "Subnets": [{"AddressPrefix": "192.168.100.0/24", "GatewayAddress": "192.168.100.1"}],
    "DNSServerList": "10.0.0.1, 10.0.0.2",
    "DNSSuffix": "pod.example",
}
GUID = "7e6c7055-f7a0-44f1-8540-6e92b9538254"


def _post_endpoint(caller: Caller, **members: Any) -> dict[str, Any]:
    network = caller.rest("POST", "/networks/", NETWORK)
    found: dict[str, Any] = caller.rest(
        "POST", "/endpoints/", {"Name": "pod", "VirtualNetwork": network["ID"], **members}
    )
    return found


class TestVersion:
    @pytest.mark.parametrize("path", ["/globals/version", "/globals/version/", "globals/VERSION"])
    def test_it_is_two_numbers(self, caller: Caller, simulator: Simulator, path: str) -> None:
        simulator.set_options(hns_version="13.3")
        assert caller.rest("GET", path) == {"Major": 13, "Minor": 3}

    def test_an_old_service_has_no_such_path(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(hns_version="5.1")
        with pytest.raises(Failed, match="parameter is incorrect"):
            caller.rest("GET", "/globals/version")


class TestNetworks:
    def test_one_is_made_and_seen_in_both_shapes(self, caller: Caller) -> None:
        made = caller.rest("POST", "/networks/", NETWORK)
        guid = made["ID"]
        assert guid == guid.upper()
        assert made["Subnets"][0]["GatewayAddress"] == "192.168.100.1"
        assert made["DNSServerList"] == "10.0.0.1,10.0.0.2"
        v2 = caller.get("Network", guid.lower())
        assert v2["Ipams"][0]["Subnets"][0]["Routes"] == [
            {"NextHop": "192.168.100.1", "DestinationPrefix": "0.0.0.0/0"}
        ]
        assert v2["MacPool"]["Ranges"] == NETWORK["MacPools"]
        assert v2["Dns"] == {"Domain": "pod.example", "ServerList": ["10.0.0.1", "10.0.0.2"]}
        assert v2["SchemaVersion"] == {"Major": 2, "Minor": 0}

    def test_they_are_listed_and_read_and_deleted(self, caller: Caller) -> None:
        guid = caller.rest("POST", "/networks", NETWORK)["ID"]
        assert [item["ID"] for item in caller.rest("GET", "/networks/")] == [guid]
        assert caller.rest("GET", f"/networks/{guid}")["Name"] == "net"
        assert caller.rest("DELETE", f"/networks/{guid}") is None
        with pytest.raises(Failed, match=code(0x803B0001)):
            caller.rest("GET", f"/networks/{guid}")

    def test_an_extension_is_turned_on(self, caller: Caller) -> None:
        made = caller.rest("POST", "/networks/", NETWORK)
        wanted = [{"Id": made["Extensions"][1]["Id"], "IsEnabled": True}]
        changed = caller.rest("POST", f"/networks/{made['ID']}", {"Extensions": wanted})
        assert changed["Extensions"][1]["IsEnabled"] is True

    def test_its_policies_and_members_become_v2_policies(self, caller: Caller) -> None:
        document = {
            **NETWORK,
            "Type": "Overlay",
            "NetworkAdapterName": "Ethernet",
            "SourceMac": "00-11-22-33-44-55",
            "AutomaticDNS": True,
            "Policies": [
                {"Type": "PA", "PA": "192.0.2.10"},
                {"Type": "VxlanPort", "Port": 4789},
                {"Type": "HostRoute", "Settings": {}},
            ],
        }
        document["Subnets"] = [{**NETWORK["Subnets"][0], "Policies": [{"Type": "VSID", "VSID": 5000}]}]  # type: ignore[dict-item]
        made = caller.rest("POST", "/networks/", document)
        assert made["Subnets"][0]["Policies"] == [{"Type": "VSID", "VSID": 5000}]
        assert made["AutomaticDNS"] is True
        kinds = {policy["Type"] for policy in caller.get("Network", made["ID"].lower())["Policies"]}
        assert kinds >= {
            "NetAdapterName",
            "SourceMacAddress",
            "AutomaticDNS",
            "ProviderAddress",
            "VxlanPort",
            "HostRoute",
        }

    def test_transparent_without_subnets_uses_dhcp(self, caller: Caller) -> None:
        made = caller.rest("POST", "/networks/", {"Type": "transparent", "Name": "net"})
        assert caller.get("Network", made["ID"].lower())["Ipams"] == [{"Type": "Dhcp", "Subnets": []}]


class TestEndpoints:
    def test_one_gets_what_it_lacks(self, caller: Caller) -> None:
        made = _post_endpoint(caller)
        assert made["IPAddress"].startswith("192.168.100.")
        assert (made["PrefixLength"], made["GatewayAddress"]) == (24, "192.168.100.1")
        assert (made["VirtualNetworkName"], made["State"]) == ("net", 1)
        assert made["MacAddress"].startswith("00-15-5D-52-C")

    def test_what_is_given_is_kept(self, caller: Caller) -> None:
        made = _post_endpoint(
            caller,
            ID=GUID,
            IPAddress="192.168.100.7",
            PrefixLength=24,
            MacAddress="02-00-00-00-00-01",
            GatewayAddress="192.168.100.2",
            DNSServerList="10.96.0.10",
            EncapOverhead=50,
            EnableInternalDNS=True,
        )
        assert (made["ID"], made["IPAddress"], made["MacAddress"]) == (
            GUID.upper(),
            "192.168.100.7",
            "02-00-00-00-00-01",
        )
        assert (made["GatewayAddress"], made["DNSServerList"]) == ("192.168.100.2", "10.96.0.10")
        assert (made["EncapOverhead"], made["EnableInternalDNS"]) == (50, True)

    def test_one_can_name_its_network_by_name(self, caller: Caller) -> None:
        caller.rest("POST", "/networks/", NETWORK)
        made = caller.rest("POST", "/endpoints/", {"VirtualNetworkName": "net"})
        assert made["VirtualNetworkName"] == "net"

    @pytest.mark.parametrize("members", [{"VirtualNetwork": GUID}, {"VirtualNetworkName": "gone"}])
    def test_a_network_that_is_gone_is_an_element_not_found(
        self, caller: Caller, members: dict[str, str]
    ) -> None:
        with pytest.raises(Failed, match=code(0x80070490)):
            caller.rest("POST", "/endpoints/", {"Name": "pod", **members})

    def test_an_address_in_use(self, caller: Caller) -> None:
        made = _post_endpoint(caller, IPAddress="192.168.100.7")
        again = {"VirtualNetwork": made["VirtualNetwork"], "IPAddress": "192.168.100.7"}
        with pytest.raises(Failed, match=code(0x80071392)) as failure:
            caller.rest("POST", "/endpoints/", again)
        assert "The object already exists. " in failure.value.record

    def test_it_is_seen_through_v2_without_saying_whether_it_is_local(self, caller: Caller) -> None:
        guid = _post_endpoint(caller)["ID"].lower()
        document = caller.get("Endpoint", guid)
        assert document["Name"] == "pod"
        assert "IsLocal" not in document["Health"]["Extra"]["Resources"]["Allocators"][0]

    def test_they_are_listed_read_updated_and_deleted(self, caller: Caller) -> None:
        made = _post_endpoint(caller)
        guid = made["ID"]
        assert [item["ID"] for item in caller.rest("GET", "/endpoints/")] == [guid]
        assert caller.rest("GET", f"/endpoints/{guid}/detailed")["ID"] == guid
        policy = {"Type": "QOS", "MaximumOutgoingBandwidthInBytes": 1000}
        assert caller.rest("POST", f"/endpoints/{guid}", {**made, "Policies": [policy]})["Policies"] == [
            policy
        ]
        caller.rest("DELETE", f"/endpoints/{guid}")
        with pytest.raises(Failed, match=code(0x803B0002)):
            caller.rest("DELETE", f"/endpoints/{guid}")

    def test_a_remote_one(self, caller: Caller) -> None:
        made = _post_endpoint(
            caller, IsRemoteEndpoint=True, IPAddress="10.200.0.1", MacAddress="02-00-00-00-00-01"
        )
        assert made["IsRemoteEndpoint"] is True
        assert caller.get("Endpoint", made["ID"].lower())["Flags"] == 1

    @pytest.mark.parametrize(
        ("v1", "v2"),
        [
            (
                {"Type": "NAT", "Protocol": "TCP", "InternalPort": 80, "ExternalPort": 8080},
                {
                    "Type": "PortMapping",
                    "Settings": {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080},
                },
            ),
            (
                {
                    "Type": "NAT",
                    "Protocol": "UDP",
                    "InternalPort": 53,
                    "ExternalPort": 53,
                    "ExternalPortReserved": True,
                },
                {
                    "Type": "PortMapping",
                    "Settings": {"Protocol": 17, "InternalPort": 53, "ExternalPort": 53, "Flags": 4},
                },
            ),
            (
                {"Type": "OutBoundNAT", "ExceptionList": ["10.0.0.0/8"], "VIP": "192.0.2.9"},
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.0.0.0/8"], "VirtualIP": "192.0.2.9"}},
            ),
            (
                {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
                {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}},
            ),
            (
                {"Type": "PA", "PA": "192.0.2.10"},
                {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.10"}},
            ),
            (
                {"Type": "ACL", "Protocol": 6, "Action": "Block", "Direction": "In", "LocalPort": 80},
                {
                    "Type": "ACL",
                    "Settings": {"Protocols": "6", "Action": "Block", "Direction": "In", "LocalPorts": "80"},
                },
            ),
            (
                {"Type": "PROXY", "IP": "192.0.2.1", "Port": "80", "OutboundNat": True},
                {"Type": "L4Proxy", "Settings": {"IP": "192.0.2.1", "Port": "80", "OutboundNat": True}},
            ),
            (
                {"Type": "L2Driver"},
                {"Type": "L2Driver", "Settings": {}},
            ),
            (
                {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 5}},
                {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 5}},
            ),
        ],
    )
    def test_policies_in_both_shapes(self, caller: Caller, v1: dict[str, Any], v2: dict[str, Any]) -> None:
        made = _post_endpoint(caller, Policies=[v1])
        assert caller.get("Endpoint", made["ID"].lower())["Policies"] == [v2]
        assert made["Policies"][0]["Type"] == v1["Type"]

    @pytest.mark.parametrize(
        ("policy", "hresult"),
        [
            ({"Type": "NAT", "Protocol": "SCTP", "InternalPort": 80, "ExternalPort": 80}, 0x803B000D),
            ({"Type": 7}, 0x803B000E),
            ({"Type": "Nonsense"}, 0x803B000E),
            ({"Type": "OutBoundNAT", "ExceptionList": ["172.17.0.1/16"]}, 0x803B000D),
        ],
    )
    def test_a_policy_is_refused(self, caller: Caller, policy: dict[str, Any], hresult: int) -> None:
        with pytest.raises(Failed, match=code(hresult)):
            _post_endpoint(caller, Policies=[policy])


class TestHostAttach:
    BODY: ClassVar[dict[str, Any]] = {"SystemType": "Host", "CompartmentId": 1}

    def test_attached_once_and_detached(self, caller: Caller) -> None:
        guid = _post_endpoint(caller)["ID"]
        assert caller.rest("POST", f"/endpoints/{guid}/attach", self.BODY) == {}
        assert caller.rest("GET", f"/endpoints/{guid}")["State"] == 2
        with pytest.raises(Failed, match=code(0x803B0014)):
            caller.rest("POST", f"/endpoints/{guid}/attach", self.BODY)
        caller.rest("POST", f"/endpoints/{guid}/detach", self.BODY)
        assert caller.rest("GET", f"/endpoints/{guid}")["State"] == 4
        with pytest.raises(Failed, match=code(0x803B0034)):
            caller.rest("POST", f"/endpoints/{guid}/detach")

    def test_the_gateway_endpoints_address_is_taken(self, caller: Caller) -> None:
        made = _post_endpoint(caller, IPAddress="192.168.100.2")
        caller.rest("POST", f"/endpoints/{made['ID']}/attach", self.BODY)
        with pytest.raises(Failed, match=code(0x80071392)):
            caller.endpoint(made["VirtualNetwork"].lower(), IpConfigurations=[{"IpAddress": "192.168.100.2"}])

    def test_a_remote_endpoint_has_no_port(self, caller: Caller) -> None:
        made = _post_endpoint(
            caller, IsRemoteEndpoint=True, IPAddress="10.200.0.1", MacAddress="02-00-00-00-00-01"
        )
        with pytest.raises(Failed, match=code(0x803B000F)):
            caller.rest("POST", f"/endpoints/{made['ID']}/attach", self.BODY)


class TestNamespaces:
    def test_one_is_made_filled_emptied_and_deleted(self, caller: Caller) -> None:
        endpoint = _post_endpoint(caller)["ID"]
        guid = caller.rest("POST", "/namespaces/", {"IsDefault": False})["ID"]
        body = {"Type": "Endpoint", "Data": {"Id": endpoint}}
        filled = caller.rest("POST", f"/namespaces/{guid}/addresource", body)
        assert filled["ResourceList"] == [{"Type": "Endpoint", "Data": {"Id": endpoint}}]
        assert caller.rest("GET", f"/endpoints/{endpoint}")["Namespace"] == {
            "ID": guid,
            "CompartmentId": 0,
            "IsDefault": False,
            "ResourceList": filled["ResourceList"],
        }
        assert caller.rest("POST", f"/namespaces/{guid}/removeresource", body)["ResourceList"] == []
        caller.rest("DELETE", f"/namespaces/{guid}")
        with pytest.raises(Failed, match=code(0x80070490)):
            caller.rest("GET", f"/namespaces/{guid}")

    def test_containers_are_registered_in_the_same_way(self, caller: Caller) -> None:
        guid = caller.rest("POST", "/namespaces/")["ID"]
        body = {"Type": "Container", "Data": {"Id": "c1"}}
        assert caller.rest("POST", f"/namespaces/{guid}/addresource", body)["Containers"] == ["c1"]
        caller.rest("POST", f"/namespaces/{guid}/removeresource", body)

    def test_one_may_be_called_the_default(self, caller: Caller) -> None:
        made = caller.rest("POST", "/namespaces/", {"IsDefault": True})
        assert made["IsDefault"] is True
        assert caller.get("Namespace", made["ID"].lower())["Type"] == "HostDefault"

    def test_the_hosts_own_is_among_them(self, caller: Caller) -> None:
        (found,) = caller.rest("GET", "/namespaces/")
        assert (found["IsDefault"], found["CompartmentId"], found["Containers"]) == (True, 1, [])


class TestPolicyLists:
    ELB: ClassVar[dict[str, Any]] = {
        "Type": "ELB",
        "Protocol": 6,
        "InternalPort": 80,
        "ExternalPort": 8080,
        "VIPs": ["10.96.0.10"],
        "ILB": True,
    }

    def test_a_load_balancer_needs_attached_endpoints(self, caller: Caller) -> None:
        endpoint = _post_endpoint(caller)["ID"]
        body = {"References": [f"/endpoints/{endpoint}"], "Policies": [self.ELB]}
        with pytest.raises(Failed, match=code(0x803B0007)):
            caller.rest("POST", "/policylists/", body)
        caller.rest("POST", f"/endpoints/{endpoint}/attach", {"SystemType": "Host"})
        made = caller.rest("POST", "/policylists/", body)
        assert made["References"] == body["References"]
        assert made["Policies"][0]["VIPs"] == ["10.96.0.10"]
        assert made["Policies"][0]["ILB"] is True
        assert caller.get("LoadBalancer", made["ID"].lower())["FrontendVIPs"] == ["10.96.0.10"]
        assert [item["ID"] for item in caller.rest("GET", "/policylists/")] == [made["ID"]]
        caller.rest("DELETE", f"/policylists/{made['ID']}")
        assert caller.rest("GET", "/policylists/") == []

    def test_a_route(self, caller: Caller) -> None:
        endpoint = _post_endpoint(caller)["ID"]
        route = {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
        made = caller.rest(
            "POST", "/policylists", {"References": [f"/endpoints/{endpoint}"], "Policies": [route]}
        )
        assert caller.rest("GET", f"/policylists/{made['ID']}")["Policies"] == [route]
        assert caller.ids("SdnRoute") == [made["ID"].lower()]
        caller.rest("DELETE", f"/policylists/{made['ID']}")
        assert caller.ids("SdnRoute") == []

    def test_a_route_on_a_build_without_them(self, caller: Caller, simulator: Simulator) -> None:
        endpoint = _post_endpoint(caller)["ID"]
        simulator.set_options(hns_version="7.2")
        body = {"References": [f"/endpoints/{endpoint}"], "Policies": [{"Type": "ROUTE"}]}
        with pytest.raises(Failed, match="Invalid policy type"):
            caller.rest("POST", "/policylists", body)


class TestStatistics:
    def test_through_both_doors(self, caller: Caller) -> None:
        guid = _post_endpoint(caller, IPAddress="192.168.100.7")["ID"]
        through_v1 = caller.rest("GET", f"/endpointstats/{guid}")
        assert through_v1["EndpointId"] == guid
        assert through_v1["BytesReceived"] == 0
        handle = caller.open("Endpoint", guid.lower())
        assert caller.answered("HcnQueryEndpointStats", handle, caller.wide("")) == through_v1
        (found,) = caller.answered("HcnQueryEndpointAddresses", handle, caller.wide(""))
        caller.close("Endpoint", handle)
        assert found["IPAddress"] == "192.168.100.7"
        assert (
            caller.rest("GET", f"/endpointaddresses/{guid}")
            == caller.rest("GET", "/endpointaddresses/")
            == [found]
        )

    def test_of_an_endpoint_that_is_gone(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x803B0002)):
            caller.rest("GET", f"/endpointstats/{GUID}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/nonsense"),
        ("PATCH", "/networks/"),
        ("PATCH", f"/networks/{GUID}"),
        ("PATCH", "/endpoints/"),
        ("GET", f"/endpoints/{GUID}/attach"),
        ("PATCH", f"/endpoints/{GUID}"),
        ("PATCH", "/namespaces/"),
        ("PATCH", f"/namespaces/{GUID}"),
        ("PATCH", "/policylists/"),
        ("POST", "/policylists/a/b"),
        ("POST", "/endpointstats/"),
        ("POST", "/endpointaddresses"),
        ("GET", "/globals"),
        ("POST", "/portpools"),
    ],
)
def test_what_the_service_does_not_know(caller: Caller, method: str, path: str) -> None:
    with pytest.raises(Failed, match=code(0x80070057)):
        caller.rest(method, path)


def test_an_id_that_is_none(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0019)):
        caller.rest("GET", "/endpoints/pod")


@pytest.mark.parametrize(("version", "hresult"), [("7.2", 0), ("9.3", 0x803B0002)])
def test_a_failure_is_in_the_envelope_and_from_2019_on_in_the_code(
    caller: Caller, simulator: Simulator, version: str, hresult: int
) -> None:
    simulator.set_options(hns_version=version)
    with pytest.raises(Failed) as failure:
        caller.rest("GET", f"/endpoints/{GUID}")
    assert failure.value.hresult == hresult
    assert '"Success":false' in failure.value.record


class TestV1DocumentsThroughV2:
    def test_a_network_and_an_endpoint(self, caller: Caller) -> None:
        network = caller.create("Network", NETWORK)
        assert (
            caller.get("Network", network)["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] == "192.168.100.0/24"
        )
        endpoint = caller.create("Endpoint", {"Name": "pod", "VirtualNetwork": network}, network)
        assert caller.get("Endpoint", endpoint)["Name"] == "pod"

    @pytest.mark.parametrize(("major", "subnets"), [(1, 1), (2, 0)])
    def test_the_schema_version_decides_before_the_shape(
        self, caller: Caller, major: int, subnets: int
    ) -> None:
        document = {**NETWORK, "Type": "Internal", "SchemaVersion": {"Major": major, "Minor": 0}}
        network = caller.get("Network", caller.create("Network", document))
        assert len(network["Ipams"]) == subnets


def test_a_path_that_is_no_text(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0019)):
        caller.rest("GET", "/endpoints/half \ud800")
    assert caller.simulator.journal()[-1].object == "GET /endpoints/half ?"


class TestAccelnet:
    MACS: ClassVar[list[dict[str, str]]] = [
        {"MacAddress": "00-15-5D-0A-B7-C6"},
        {"MacAddress": "00-15-5D-38-01-00"},
    ]

    def test_the_list_is_set_read_and_emptied(self, caller: Caller) -> None:
        kept = {"MacAddressList": self.MACS}
        assert caller.rest("POST", "/accelnet/", kept) == kept
        assert caller.rest("GET", "/accelnet/") == kept
        assert (
            caller.rest("DELETE", "/accelnet/") == caller.rest("GET", "/accelnet/") == {"MacAddressList": []}
        )

    def test_an_older_service_has_none(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(hns_version="15.3")
        with pytest.raises(Failed, match=code(0x80070057)):
            caller.rest("GET", "/accelnet/")
