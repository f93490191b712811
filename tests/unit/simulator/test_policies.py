"""Endpoint and network policies: which types there are, and what their settings must be."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code

ACL = {"Action": "Allow", "Direction": "In", "Protocols": "6"}


def _kept(caller: Caller, kind: str, settings: object, network: str = "") -> dict[str, Any]:
    endpoint = caller.endpoint(network or caller.network(), Policies=[{"Type": kind, "Settings": settings}])
    (policy,) = caller.get("Endpoint", endpoint)["Policies"]
    found: dict[str, Any] = policy["Settings"]
    return found


GOOD = [
    ("ACL", {**ACL, "LocalPorts": "80,8000-8080", "RuleType": "Switch", "Priority": 200, "Id": "rules"}),
    ("QOS", {"MaximumOutgoingBandwidthInBytes": 125000}),
    ("OutBoundNAT", {"Exceptions": ["10.0.0.0/8", "192.0.2.9"], "Destinations": [], "Flags": 1}),
    ("SDNRoute", {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}),
    ("SDNRoute", {"DestinationPrefix": "169.254.169.254/24", "NextHop": "127.10.0.34"}),
    ("ProviderAddress", {"ProviderAddress": "192.0.2.11"}),
    ("PortName", {"Name": "port"}),
    ("EncapOverhead", {"Overhead": 50}),
    ("L2Driver", {}),
    ("L4Proxy", {"IP": "192.0.2.1", "Port": "80", "OutboundNat": True}),
    ("L4WFPPROXY", {"InboundProxyPort": "15003", "FilterTuple": {"Protocols": "6"}}),
    ("VLAN", {"IsolationId": 7}),
    ("InterfaceParameters", {"Mtu": 1450}),
    ("Iov", {"IovOffloadWeight": 100}),
    ("TierAcl", {"Name": "tier", "Direction": "In", "Order": 1, "TierAclRules": []}),
    ("InterfaceConstraint", {"InterfaceAlias": "x", "InterfaceIndex": 3}),
    ("Iov", {"InterruptModeration": "IovInterruptModerationOff"}),
    ("Iov", {"InterruptModeration": 2}),
    ("TierAcl", {"Name": "tier", "TierAclRules": [{"TierAclRuleAction": "Pass", "Protocols": "6"}]}),
    ("L4WFPPROXY", {"InboundProxyPort": "80", "OutboundExceptions": {"PortExceptions": ["81"]}}),
    ("Encryption", {"EncryptionMethodType": "Ipsec", "Name": "x"}),
    ("Encryption", {"AuthenticationMethods": [{"Type": "PresharedKey", "Settings": {"Key": "k"}}]}),
]


@pytest.mark.parametrize(("kind", "settings"), GOOD)
def test_a_policy_is_kept_with_its_settings(caller: Caller, kind: str, settings: dict[str, Any]) -> None:
    assert _kept(caller, kind, settings) == settings


@pytest.mark.parametrize("kind", ["SDNROUTE", "sdnroute", "OutboundNAT"])
def test_the_type_is_read_in_any_case(caller: Caller, kind: str) -> None:
    _kept(caller, kind, {"DestinationPrefix": "10.96.0.0/12"})


def test_members_are_read_in_any_case_and_unknown_ones_dropped(caller: Caller) -> None:
    found = _kept(caller, "QOS", {"maximumoutgoingbandwidthinbytes": 1000, "Burst": 5, "Ingress": None})
    assert found == {"MaximumOutgoingBandwidthInBytes": 1000}


def test_the_v1_spelling_of_nat_exceptions_is_dropped_without_a_word(caller: Caller) -> None:
    assert _kept(caller, "OutBoundNAT", {"ExceptionList": ["10.0.0.0/8"]}) == {}


@pytest.mark.parametrize(
    ("kind", "settings", "hresult"),
    [
        pytest.param("Nat", {}, 0x803B000E, id="no such type"),
        pytest.param("ROUTE", {"DestinationPrefix": "10.96.0.0/12"}, 0x803B000E, id="a V1 type"),
        pytest.param(None, {}, 0x803B000E, id="no type"),
        pytest.param("QOS", {}, 0x803B000D, id="a member is missing"),
        pytest.param("QOS", [], 0x803B000D, id="settings that are no object"),
        pytest.param("QOS", {"MaximumOutgoingBandwidthInBytes": "1M"}, 0x803B000D, id="text for a number"),
        pytest.param("QOS", {"MaximumOutgoingBandwidthInBytes": True}, 0x803B000D, id="true for a number"),
        pytest.param("QOS", {"MaximumOutgoingBandwidthInBytes": -1}, 0x803B000D, id="below zero"),
        pytest.param("QOS", {"MaximumOutgoingBandwidthInBytes": 1 << 64}, 0x803B000D, id="too large"),
        pytest.param("InterfaceParameters", {"Mtu": 65536}, 0x803B000D, id="an MTU too large"),
        pytest.param("SDNRoute", {"NeedEncap": True}, 0x803B000D, id="a route to nowhere"),
        pytest.param("SDNRoute", {"DestinationPrefix": "serviceCIDR"}, 0x803B000D, id="a placeholder"),
        pytest.param(
            "SDNRoute", {"DestinationPrefix": "10.0.0.0/8", "NeedEncap": 1}, 0x803B000D, id="1 for true"
        ),
        pytest.param("ProviderAddress", {"ProviderAddress": ""}, 0x803B000D, id="no address"),
        pytest.param("OutBoundNAT", {"VirtualIP": "vip"}, 0x803B000D, id="no address either"),
        pytest.param("OutBoundNAT", {"Exceptions": "10.0.0.0/8"}, 0x803B000D, id="text for a list"),
        pytest.param("OutBoundNAT", {"Exceptions": [7]}, 0x803B000D, id="a number in the list"),
        pytest.param("ACL", {**ACL, "Action": "Drop"}, 0x803B000D, id="an unknown word"),
        pytest.param("ACL", {**ACL, "Protocols": "Any"}, 0x803B000D, id="any protocol by word"),
        pytest.param("ACL", {**ACL, "Protocols": "6,256"}, 0x803B000D, id="no protocol"),
        pytest.param("ACL", {**ACL, "Protocols": 6}, 0x803B000D, id="a number for the list of protocols"),
        pytest.param("L4WFPPROXY", {"FilterTuple": "6"}, 0x803B000D, id="text for an object"),
        pytest.param("L4WFPPROXY", {"FilterTuple": {"Protocols": 6}}, 0x803B000D, id="inside an object"),
        pytest.param("TierAcl", {"TierAclRules": {}}, 0x803B000D, id="an object for a list"),
        pytest.param("TierAcl", {"TierAclRules": ["x"]}, 0x803B000D, id="text for a rule"),
        pytest.param(
            "TierAcl", {"TierAclRules": [{"TierAclRuleAction": "Drop"}]}, 0x803B000D, id="a rule's word"
        ),
        pytest.param("Encryption", {"EncryptionMethodType": "WEP"}, 0x803B000D, id="encryption's word"),
        pytest.param("Iov", {"InterruptModeration": 6}, 0x803B000D, id="a number without a word"),
        pytest.param("Iov", {"InterruptModeration": "Off"}, 0x803B000D, id="a word cut short"),
        pytest.param("VLAN", {"IsolationId": 0}, 0x803B000D, id="VLAN 0"),
        pytest.param("VLAN", {"IsolationId": 4095}, 0x803B000D, id="VLAN 4095"),
    ],
)
def test_a_policy_is_refused(caller: Caller, kind: str, settings: object, hresult: int) -> None:
    with pytest.raises(Failed, match=code(hresult)):
        _kept(caller, kind, settings)


@pytest.mark.parametrize(
    ("kind", "settings", "lacks", "has"),
    [
        ("L4Proxy", {}, "13.0", "13.1"),
        ("L4Proxy", {}, "9.4", "9.5"),
        ("L4WFPPROXY", {}, "13.1", "13.2"),
        ("TierAcl", {}, "13.3", "14.0"),
        ("VLAN", {"IsolationId": 7}, "10.3", "11.10"),
        ("InterfaceParameters", {"Mtu": 1400}, "10.3", "11.10"),
        ("Encryption", {}, "9.3", "10.3"),
        ("Iov", {}, "11.10", "13.3"),
    ],
)
def test_a_type_that_is_too_new_is_refused(
    caller: Caller, simulator: Simulator, kind: str, settings: dict[str, Any], lacks: str, has: str
) -> None:
    simulator.set_options(hns_version=lacks)
    network = caller.network()
    with pytest.raises(Failed, match=code(0x803B000E)):
        _kept(caller, kind, settings, network)
    simulator.set_options(hns_version=has)
    _kept(caller, kind, settings, network)


@pytest.mark.parametrize(
    ("settings", "lacks", "has"),
    [
        pytest.param({"Action": "Pass", "Direction": "In"}, "11.10", "13.3", id="pass"),
        pytest.param({"Action": 0, "Direction": 1, "Protocols": "252"}, "10.3", "11.10", id="VXLAN"),
    ],
)
def test_words_of_an_acl_that_are_too_new(
    caller: Caller, simulator: Simulator, settings: dict[str, Any], lacks: str, has: str
) -> None:
    simulator.set_options(hns_version=lacks)
    network = caller.network()
    with pytest.raises(Failed, match=code(0x803B000D)):
        _kept(caller, "ACL", settings, network)
    simulator.set_options(hns_version=has)
    _kept(caller, "ACL", settings, network)


def test_exceptions_of_a_proxy_are_unknown_members_to_an_older_hns(
    caller: Caller, simulator: Simulator
) -> None:
    settings = {"InboundProxyPort": "15003", "InboundExceptions": {"PortExceptions": ["81"]}}
    simulator.set_options(hns_version="13.3")
    network = caller.network()
    assert _kept(caller, "L4WFPPROXY", settings, network) == {"InboundProxyPort": "15003"}
    simulator.set_options(hns_version="15.0")
    assert _kept(caller, "L4WFPPROXY", settings, network) == settings


def test_a_node_can_refuse_what_its_version_has(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(refused_policies=["QOS"])
    network = caller.network()
    with pytest.raises(Failed, match=code(0x803B000E)):
        _kept(caller, "QOS", {"MaximumOutgoingBandwidthInBytes": 1}, network)
    _kept(caller, "L2Driver", {}, network)


def test_numbers_stand_for_the_words_of_an_acl(caller: Caller) -> None:
    found = _kept(caller, "ACL", {"Action": 1, "Direction": 1, "RuleType": 0})
    assert found == {"Action": "Block", "Direction": "Out", "RuleType": "Host"}


@pytest.mark.parametrize("field", ["Exceptions", "Destinations"])
@pytest.mark.parametrize(
    "prefixes",
    [
        pytest.param(["172.17.0.1/16"], id="host bits"),
        pytest.param(["serviceCIDR"], id="a placeholder"),
        pytest.param(["<nil>"], id="an address that a Go program has not"),
        pytest.param(["10.0.0.0/8", "fd00::/8"], id="both families in one list"),
    ],
)
def test_the_prefixes_of_a_nat_are_checked_from_2022_on(
    caller: Caller, simulator: Simulator, field: str, prefixes: list[str]
) -> None:
    simulator.set_options(hns_version="9.3")
    network = caller.network()
    assert _kept(caller, "OutBoundNAT", {field: prefixes}, network) == {field: prefixes}
    simulator.set_options(hns_version="13.3")
    with pytest.raises(Failed, match=code(0x803B000D)):
        _kept(caller, "OutBoundNAT", {field: prefixes}, network)


class TestChanges:
    MTU: ClassVar[dict[str, Any]] = {"Type": "InterfaceParameters", "Settings": {"Mtu": 1400}}
    IN: ClassVar[dict[str, Any]] = {"Type": "ACL", "Settings": {**ACL, "Priority": 1}}
    OUT: ClassVar[dict[str, Any]] = {"Type": "ACL", "Settings": {**ACL, "Direction": "Out"}}
    QOS: ClassVar[dict[str, Any]] = {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1000}}

    def _change(self, caller: Caller, endpoint: str, request: object, *policies: dict[str, Any]) -> None:
        caller.modify(
            "Endpoint",
            endpoint,
            {"ResourceType": 1, "RequestType": request, "Settings": {"Policies": list(policies)}},
        )

    def _policies(self, caller: Caller, endpoint: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = caller.get("Endpoint", endpoint)["Policies"]
        return found

    def test_add_appends(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), Policies=[self.IN])
        self._change(caller, endpoint, "Add", self.OUT, self.QOS)
        assert self._policies(caller, endpoint) == [self.IN, self.OUT, self.QOS]

    def test_update_replaces_all_of_the_kind(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), Policies=[self.IN, self.QOS, self.IN])
        self._change(caller, endpoint, "Update", self.OUT)
        assert self._policies(caller, endpoint) == [self.QOS, self.OUT]

    def test_remove_removes_equal_ones(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), Policies=[self.IN, self.OUT])
        self._change(caller, endpoint, "Remove", self.IN)
        assert self._policies(caller, endpoint) == [self.OUT]
        with pytest.raises(Failed, match=code(0x803B0008)):
            self._change(caller, endpoint, "Remove", self.IN)

    def test_interface_parameters_can_be_applied_once(self, caller: Caller) -> None:
        network = caller.network()
        with pytest.raises(Failed, match=code(0x803B0036)):
            caller.endpoint(network, Policies=[self.MTU, self.MTU])
        endpoint = caller.endpoint(network, Policies=[self.MTU])
        with pytest.raises(Failed, match=code(0x803B0036)):
            self._change(caller, endpoint, "Add", self.MTU)

    def test_a_kind_that_says_one_thing_is_taken_once(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        with pytest.raises(Failed, match=code(0x803B0012)):
            caller.endpoint(network, Policies=[self.QOS, self.QOS])
        endpoint = caller.endpoint(network, Policies=[self.QOS])
        with pytest.raises(Failed, match=code(0x803B0012)):
            self._change(caller, endpoint, "Add", self.QOS)
        self._change(caller, endpoint, "Update", self.QOS)
        simulator.set_options(policy_twice_hresult=0)
        self._change(caller, endpoint, "Add", self.QOS)
        assert self._policies(caller, endpoint) == [self.QOS, self.QOS]

    @pytest.mark.parametrize(
        "request_",
        [
            {"ResourceType": "Policy", "RequestType": "Refresh"},
            {"ResourceType": "Route", "RequestType": "Add"},
            {"ResourceType": "Port", "RequestType": "Update"},
            {"ResourceType": "Policy", "RequestType": "Append"},
        ],
    )
    def test_what_an_endpoint_cannot_do(self, caller: Caller, request_: dict[str, Any]) -> None:
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.modify("Endpoint", caller.endpoint(caller.network()), {**request_, "Settings": None})

    def test_a_virtual_machines_port(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network())
        machine = "7e6c7055-f7a0-44f1-8540-6e92b9538254"
        add = {"ResourceType": "Port", "RequestType": "Add", "Settings": {"VirtualMachineId": machine}}
        remove = {"ResourceType": "Port", "RequestType": "Remove", "Settings": {}}
        with pytest.raises(Failed, match=code(0x803B0034)):
            caller.modify("Endpoint", endpoint, remove)
        caller.modify("Endpoint", endpoint, add)
        assert caller.get("Endpoint", endpoint)["State"] == 2
        with pytest.raises(Failed, match=code(0x803B0014)):
            caller.modify("Endpoint", endpoint, add)
        caller.modify("Endpoint", endpoint, remove)
        assert caller.get("Endpoint", endpoint)["State"] == 4
        with pytest.raises(Failed, match=code(0x803B0019)):
            caller.modify("Endpoint", endpoint, {**add, "Settings": {"PortId": "port"}})


def test_a_policy_of_an_unknown_resource_is_refused_for_a_bare_request(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0034)):
        caller.modify("Endpoint", caller.endpoint(caller.network()), {"RequestType": "Remove"})


NETWORK = [
    ("VxlanPort", {"Port": 4789}, "10.2", "10.3", 0x803B000E),
    ("SetPolicy", {"Id": "a", "PolicyType": 0, "Values": "10.0.0.1"}, "12.0", "13.0", 0x803B000E),
    ("SetPolicy", {"Id": "a", "PolicyType": "NESTEDIPSET", "Values": ""}, "13.0", "15.0", 0x803B000E),
    ("NetworkACL", ACL, "14.0", "15.0", 0x803B000E),
    (
        "RemoteSubnetRoute",
        {"DestinationPrefix": "10.9.4.0/24", "ProviderAddress": "192.0.2.1"},
        "9.1",
        "9.2",
        0x803B000E,
    ),
    ("HostRoute", {}, "9.1", "9.2", 0x803B000E),
]


@pytest.mark.parametrize(("kind", "settings", "lacks", "has", "hresult"), NETWORK)
def test_network_policies_by_version(
    caller: Caller, simulator: Simulator, kind: str, settings: object, lacks: str, has: str, hresult: int
) -> None:
    policies = [{"Type": kind, "Settings": settings}]
    simulator.set_options(hns_version=lacks)
    with pytest.raises(Failed, match=code(hresult)):
        caller.network("Overlay", Policies=policies)
    simulator.set_options(hns_version=has)
    caller.network("Overlay", Policies=policies)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("SourceMacAddress", {"SourceMacAddress": "mac"}),
        ("NetAdapterName", {}),
        ("VSwitchExtension", {"Enable": True}),
        ("RemoteSubnetRoute", {"DestinationPrefix": "10.9.4.0/24"}),
    ],
)
def test_a_network_policy_is_refused(caller: Caller, kind: str, settings: object) -> None:
    with pytest.raises(Failed, match=code(0x803B000D)):
        caller.network("Overlay", Policies=[{"Type": kind, "Settings": settings}])


def test_a_network_has_one_adapter(caller: Caller) -> None:
    adapter = {"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}
    with pytest.raises(Failed, match=code(0x803B0012)):
        caller.network(Policies=[adapter, adapter])


def test_a_nested_set_names_sets_that_the_new_network_has(caller: Caller) -> None:
    inner = {"Type": "SetPolicy", "Settings": {"Id": "a", "PolicyType": "IPSET", "Values": "10.0.0.1"}}
    outer = {"Type": "SetPolicy", "Settings": {"Id": "b", "PolicyType": "NESTEDIPSET", "Values": "a"}}
    with pytest.raises(Failed, match=code(0x803B000D)):
        caller.network(Policies=[outer])
    caller.network(Policies=[outer, inner])


class TestSubnets:
    """Microsoft's hns.v2.psm1 writes a VLAN, a VSID or both into a subnet, whatever the network's type."""

    VLAN: ClassVar[dict[str, Any]] = {"Type": "VLAN", "Settings": {"IsolationId": 7}}
    VSID: ClassVar[dict[str, Any]] = {"Type": "VSID", "Settings": {"IsolationId": 5000}}

    @staticmethod
    def network(caller: Caller, kind: str, *policies: dict[str, Any]) -> str:
        subnet = {
            "IpAddressPrefix": "10.9.0.0/24",
            "Routes": [{"NextHop": "10.9.0.1", "DestinationPrefix": "0.0.0.0/0"}],
            "Policies": list(policies),
        }
        return caller.network(kind, Ipams=[{"Type": "Static", "Subnets": [subnet]}])

    @pytest.mark.parametrize("kind", ["L2Bridge", "L2Tunnel", "Transparent", "NAT", "Overlay"])
    def test_keep_a_vlan_and_a_vsid_on_every_type(self, caller: Caller, kind: str) -> None:
        network = self.network(caller, kind, self.VLAN, self.VSID)
        (subnet,) = caller.get("Network", network)["Ipams"][0]["Subnets"]
        assert subnet["Policies"] == [self.VLAN, self.VSID]

    def test_can_be_without_them_on_some_types(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(isolation_refused_on=["NAT"])
        with pytest.raises(Failed, match=code(0x803B000D)):
            self.network(caller, "NAT", self.VLAN)
        self.network(caller, "L2Bridge", self.VLAN)

    @pytest.mark.parametrize(
        ("kind", "number"), [("VLAN", 0), ("VLAN", 4095), ("VSID", 0), ("VSID", 1 << 24)]
    )
    def test_have_no_number_that_no_frame_can_carry(self, caller: Caller, kind: str, number: int) -> None:
        with pytest.raises(Failed, match=code(0x803B000D)):
            self.network(caller, "L2Bridge", {"Type": kind, "Settings": {"IsolationId": number}})

    def test_have_one_of_each(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x803B0012)):
            self.network(caller, "L2Bridge", self.VLAN, self.VLAN)
