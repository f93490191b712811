"""Every policy type of HCN at every place of every dialect: sent as it is written, or refused and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cni_hns.dialects.build import examine
from cni_hns.dialects.lint import findings_of
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.hcn.gates import minimum, supported
from cni_hns.hcn.models.objects import HostComputeNetwork
from cni_hns.hcn.models.policies import ENDPOINT_POLICIES, NETWORK_POLICIES, SUBNET_POLICIES
from cni_hns.schema import Document

from .configurations import BRIDGE, OVERLAY, REMOVED, changed, faults_of, plan_of
from .hcn_documents import hold
from .policy_inventory import INVENTORY, LEVELS, Row, at

TABLES = {"endpoint": ENDPOINT_POLICIES, "network": NETWORK_POLICIES, "subnet": SUBNET_POLICIES}
REFERENCE = Path(__file__).parents[3] / "docs" / "configuration.md"
EACH = [pytest.param(row, id=row.kind) for row in INVENTORY]
MISPLACED = [
    pytest.param(row, level, id=f"{row.kind} {level}")
    for level in LEVELS
    for row in INVENTORY
    if level not in row.levels
]
WRITABLE = [pytest.param(row, level, id=f"{row.kind} {level}") for level in LEVELS for row in at(level)]
OF_NETWORKS_BY_LEVEL = [
    pytest.param(row, level, id=f"{row.kind} {level}") for level in ("network", "subnet") for row in at(level)
]
OF_NETWORKS = [pytest.param(row, id=row.kind) for row in INVENTORY if row.levels != ("endpoint",)]
PATHS = {
    "endpoint": "policies[0]",
    "network": "network.policies[0]",
    "subnet": "network.subnets[0].policies[0]",
}


def model_of(row: Row) -> type[Document]:
    return TABLES[row.levels[0]][row.kind]


def native(row: Row, level: str, **settings: Any) -> dict[str, Any]:
    """A configuration with this policy at this place, some settings exchanged."""
    sample = {name: value for name, value in {**row.sample, **settings}.items() if value is not REMOVED}
    policy = {"Type": row.kind, "Settings": sample}
    config = changed(OVERLAY if row.mode == "overlay" else BRIDGE, network__adapter=REMOVED)
    subnet = config["network"]["subnets"][0]
    if level == "endpoint":
        return changed(config, policies=[policy])
    if level == "network":
        return changed(config, network__policies=[policy])
    return changed(config, network__subnets=[{**subnet, "policies": [policy]}])


def sent(plan: AttachmentPlan, level: str) -> list[dict[str, Any]]:
    """The policies of this level as HNS gets them."""
    if level == "endpoint":
        return plan.policies
    create = plan.network.create
    assert create is not None
    hold(HostComputeNetwork, create)
    own: list[dict[str, Any]] = create.get("Policies", [])
    of_subnet: list[dict[str, Any]] = create["Ipams"][0]["Subnets"][0].get("Policies", [])
    return own if level == "network" else of_subnet


class TestTheInventory:
    """What the other tests stand on."""

    @pytest.mark.parametrize("level", LEVELS)
    def test_has_every_type_that_is_typed(self, level: str) -> None:
        assert {row.kind for row in at(level)} == set(TABLES[level])

    @pytest.mark.parametrize("row", EACH)
    def test_has_every_setting_of_the_type(self, row: Row) -> None:
        assert set(row.sample) == set(model_of(row).member_names())
        assert {TABLES[level][row.kind] for level in row.levels} == {model_of(row)}


class TestNative:
    """`policies`, `network.policies`, `network.subnets[i].policies`."""

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_a_policy_is_sent_as_it_is_written(self, row: Row, level: str) -> None:
        assert row.policy in sent(plan_of(native(row, level)), level)

    @pytest.mark.parametrize(("row", "level"), MISPLACED)
    def test_anywhere_else_the_refusal_says_where_it_belongs(self, row: Row, level: str) -> None:
        found = faults_of(native(row, level))
        assert set(found) == {f"{PATHS[level]}.Type"}
        for right in row.levels:
            where = PATHS[right].replace("subnets[0]", "subnets[i]").removesuffix("[0]")
            assert f"in {where})" in found[f"{PATHS[level]}.Type"]

    @pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "transparent", "nat"])
    @pytest.mark.parametrize("row", [pytest.param(row, id=row.kind) for row in at("subnet")])
    def test_a_subnet_of_any_mode_can_have_a_vlan_or_a_virtual_subnet(self, row: Row, mode: str) -> None:
        config = changed(native(row, "subnet"), network__mode=mode)
        assert sent(plan_of(config), "subnet") == [row.policy]

    def test_each_subnet_has_its_own(self) -> None:
        subnets = [
            {
                "prefix": f"10.{number}.0.0/24",
                "policies": [{"Type": "VLAN", "Settings": {"IsolationId": number}}],
            }
            for number in (1, 2)
        ]
        create = plan_of(BRIDGE, network__subnets=subnets).network.create
        assert create is not None
        given = [subnet["Policies"][0]["Settings"] for subnet in create["Ipams"][0]["Subnets"]]
        assert given == [{"IsolationId": 1}, {"IsolationId": 2}]

    def test_policies_of_a_network_that_is_not_made_here_are_warned_of(self) -> None:
        (row,) = [row for row in at("subnet") if row.kind == "VLAN"]
        config = changed(native(row, "subnet"), network__create=False)
        found = [each.path for each in findings_of(config) if each.severity == "warning"]
        assert found == ["network.subnets[0].policies"]


class TestFaults:
    """Each setting has its type, needed ones are there, unknown ones are named: all of them at once."""

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_every_setting_of_a_wrong_type_is_named(self, row: Row, level: str) -> None:
        wrong = {name: "yes" if value is True else True for name, value in row.sample.items()}
        expected = {f"{PATHS[level]}.Settings.{name}" for name in wrong}
        assert set(faults_of(native(row, level, **wrong))) == expected

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_every_setting_that_is_needed_is_named(self, row: Row, level: str) -> None:
        found = faults_of(native(row, level, **dict.fromkeys(row.needed, REMOVED)))
        assert found == {f"{PATHS[level]}.Settings.{name}": "missing" for name in row.needed}
        # An empty text is as good as none.
        texts = {name: "" for name in row.needed if isinstance(row.sample[name], str)}
        assert faults_of(native(row, level, **texts)).keys() == {
            f"{PATHS[level]}.Settings.{name}" for name in texts
        }

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_no_other_setting_is_needed(self, row: Row, level: str) -> None:
        rest = {name: REMOVED for name in row.sample if name not in row.needed}
        expected = {
            # Any of their settings will do, but one has to be there.
            "L4WFPPROXY": {f"{PATHS[level]}.Settings"},
            "InterfaceConstraint": {f"{PATHS[level]}.Settings"},
        }
        assert set(faults_of(native(row, level, **rest))) == expected.get(row.kind, set())

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_a_setting_that_hns_would_drop_is_named(self, row: Row, level: str) -> None:
        found = faults_of(native(row, level, Zzz=1))
        assert list(found) == [f"{PATHS[level]}.Settings.Zzz"]
        assert "unknown key" in found[f"{PATHS[level]}.Settings.Zzz"]

    @pytest.mark.parametrize(
        ("kind", "settings", "faults"),
        [
            pytest.param(
                "TierAcl",
                {"TierAclRules": [{"TierAclRuleAction": "Deny", "Zzz": 1}, {"Protocols": "999"}]},
                {
                    "TierAclRules[0].TierAclRuleAction": "not one of Allow, Block, Pass",
                    "TierAclRules[0].Zzz": "unknown key",
                    "TierAclRules[1].TierAclRuleAction": "missing",
                    "TierAclRules[1].Protocols": "not a protocol number",
                },
                id="rules of a tier",
            ),
            pytest.param(
                "L4WFPPROXY",
                {
                    "OutboundProxyPort": "0",
                    "FilterTuple": {"LocalPort": "80", "RemoteAddresses": "<ip>"},
                    "InboundExceptions": {"PortExceptions": [80, "x"]},
                },
                {
                    "OutboundProxyPort": "not a port",
                    "FilterTuple.LocalPort": "did you mean LocalPorts?",
                    "FilterTuple.RemoteAddresses": "neither an address",
                    "InboundExceptions.PortExceptions[0]": "a string is expected",
                },
                id="parts of a proxy",
            ),
            pytest.param(
                "L4WFPPROXY",
                {"InboundProxyPort": "", "OutboundProxyPort": ""},
                {"": "InboundProxyPort or OutboundProxyPort is missing"},
                id="a proxy for nothing",
            ),
            pytest.param(
                "L4Proxy",
                {
                    "IP": "10.0.0.1/8",
                    "Port": "http",
                    "Destination": "proxy:80",
                    "ExceptionList": ["10.0.0.0"],
                    "Exceptions": ["x"],
                },
                {
                    "IP": "host bits",
                    "Port": "not a port",
                    "Destination": "with a port",
                    "Exceptions[0]": "is not",
                },
                id="a proxy's values",
            ),
            pytest.param(
                "Encryption",
                {
                    "EncryptionMethodType": "Wep",
                    "AuthenticationMethods": [
                        {"Type": "PresharedKey", "Settings": {"CertificateName": "x"}},
                        {"Type": "Certificate"},
                        {"Type": "Password"},
                        {},
                    ],
                    "Endpoints2": ["site b"],
                    "Endpoint1Ports": ["https"],
                },
                {
                    "EncryptionMethodType": "not one of Ipsec",
                    "AuthenticationMethods[0].Settings.Key": "missing",
                    "AuthenticationMethods[1].Settings.CertificateName": "missing",
                    "AuthenticationMethods[2].Type": "not one of PresharedKey, Certificate",
                    "AuthenticationMethods[3].Type": "missing",
                    "Endpoints2[0]": "is not an IP address",
                    "Endpoint1Ports[0]": "port number",
                },
                id="encryption",
            ),
            pytest.param(
                "InterfaceConstraint",
                dict.fromkeys(("InterfaceGuid", "InterfaceLuid", "InterfaceMediaType"), REMOVED)
                | {"InterfaceIndex": 0, "InterfaceAlias": "", "InterfaceDescription": ""},
                {"": "names no interface"},
                id="a constraint to nothing",
            ),
            pytest.param(
                "Iov", {"InterruptModeration": 6}, {"InterruptModeration": "from 0 to 5"}, id="no such number"
            ),
            pytest.param(
                "NetworkACL",
                {"Direction": "Both", "LocalPorts": "80-"},
                {"Direction": "In, Out", "LocalPorts": "range"},
                id="rule of a network",
            ),
            pytest.param(
                "SetPolicy",
                {"Id": "a,b", "PolicyType": "HASH"},
                {"Id": "identifier", "PolicyType": "IPSET"},
                id="set",
            ),
            pytest.param(
                "SetPolicy",
                {"PolicyType": "NESTEDIPSET", "Values": "pods-1,gone"},
                {"Values": "no SetPolicy here has the Id"},
                id="a nested set of what is not there",
            ),
            pytest.param(
                "NetAdapterName",
                {"NetworkAdapterName": "vEthernet (Ethernet)"},
                {"NetworkAdapterName": "virtual adapter"},
                id="a virtual adapter",
            ),
            pytest.param("VxlanPort", {"Port": 0}, {"Port": "from 1 to 65535"}, id="port 0"),
            pytest.param("VSID", {"IsolationId": 2**24}, {"IsolationId": "from 1 to 16777215"}, id="25 bits"),
        ],
    )
    def test_values_are_checked_at_every_depth(
        self, kind: str, settings: dict[str, Any], faults: dict[str, str]
    ) -> None:
        (row,) = [row for row in INVENTORY if row.kind == kind]
        level = row.levels[0]
        found = faults_of(native(row, level, **settings))
        expected = {f"{PATHS[level]}.Settings.{place}".rstrip("."): words for place, words in faults.items()}
        assert set(found) == set(expected)
        assert [path for path, words in expected.items() if words not in found[path]] == []

    def test_no_secret_is_shown(self) -> None:
        (row,) = [row for row in INVENTORY if row.kind == "Encryption"]
        method = {"Type": "s3cret", "Settings": {"Key": "s3cret", "Kye": "s3cret"}}
        found = faults_of(native(row, "endpoint", AuthenticationMethods=[method], Name=5))
        assert len(found) == 3
        assert "s3cret" not in str(found)

    @pytest.mark.parametrize(
        ("level", "kind"),
        [
            *(("endpoint", kind) for kind in ("QOS", "EncapOverhead", "PortName", "VLAN", "Iov")),
            *(("network", kind) for kind in ("NetAdapterName", "VxlanPort", "SourceMacAddress")),
            *(("network", kind) for kind in ("SetPolicy", "RemoteSubnetRoute")),
            *(("subnet", kind) for kind in ("VLAN", "VSID")),
        ],
    )
    def test_a_second_one_that_says_the_same_thing_is_named(self, level: str, kind: str) -> None:
        (row,) = [row for row in INVENTORY if row.kind == kind]
        config = native(row, level)
        policies = {
            "endpoint": lambda: config["policies"],
            "network": lambda: config["network"]["policies"],
            "subnet": lambda: config["network"]["subnets"][0]["policies"],
        }[level]()
        policies.append(row.policy)
        (found,) = faults_of(config).items()
        assert found[0] == PATHS[level].removesuffix("[0]") + "[1]"
        assert f"a second {kind} policy" in found[1]

    @pytest.mark.parametrize(
        ("changes", "path", "words"),
        [
            pytest.param(
                {
                    "network__adapter": "Ethernet",
                    "network__policies": [("NetAdapterName", {"NetworkAdapterName": "x"})],
                },
                "network.policies[0]",
                "network.adapter names",
                id="two adapters",
            ),
            pytest.param(
                {
                    "network__mode": "nat",
                    "network__policies": [("NetAdapterName", {"NetworkAdapterName": "x"})],
                },
                "network.policies[0]",
                "bound to no adapter",
                id="an adapter for nat",
            ),
            pytest.param(
                {"network__vsid": 5000},
                "network.vsid",
                "VSID policy in network.subnets[i].policies",
                id="vsid off overlay",
            ),
        ],
    )
    def test_what_does_not_fit_the_rest_of_the_network_is_named(
        self, changes: dict[str, Any], path: str, words: str
    ) -> None:
        spelt = {
            key: [{"Type": kind, "Settings": settings} for kind, settings in value]
            if isinstance(value, list)
            else value
            for key, value in changes.items()
        }
        found = faults_of(changed(BRIDGE, **{"network__adapter": REMOVED, **spelt}))
        assert list(found) == [path]
        assert words in found[path]

    def test_a_route_to_another_node_is_an_overlays(self) -> None:
        (row,) = [row for row in INVENTORY if row.kind == "RemoteSubnetRoute"]
        found = faults_of(changed(BRIDGE, network__policies=[row.policy]))
        assert "only overlay networks" in found["network.policies[0]"]

    def test_policies_of_a_network_without_a_mode_are_checked_too(self) -> None:
        (row,) = [row for row in INVENTORY if row.kind == "VSID"]
        config = changed(native(row, "subnet", IsolationId=0), network__mode=REMOVED, network__policies=[{}])
        assert set(faults_of(config)) == {
            "network.mode",
            "network.policies[0].Type",
            "network.subnets[0].policies[0].Settings.IsolationId",
        }


class TestVsid:
    """On overlay every subnet has one: `network.vsid` for all, or a policy of each."""

    @staticmethod
    def overlay(*vsids: int | None, **changes: Any) -> dict[str, Any]:
        subnets = [
            {
                "prefix": f"10.2.{index}.0/24",
                "policies": [{"Type": "VSID", "Settings": {"IsolationId": vsid}}] if vsid is not None else [],
            }
            for index, vsid in enumerate(vsids)
        ]
        return changed(OVERLAY, network__subnets=subnets, network__vsid=REMOVED, **changes)

    def test_can_be_another_for_each_subnet(self) -> None:
        create = plan_of(self.overlay(4096, 4097)).network.create
        assert create is not None
        given = [subnet["Policies"] for subnet in create["Ipams"][0]["Subnets"]]
        assert [policies[0]["Settings"]["IsolationId"] for policies in given] == [4096, 4097]

    def test_of_the_network_goes_before_a_subnets_vlan(self) -> None:
        config = changed(OVERLAY)
        config["network"]["subnets"][0]["policies"] = [{"Type": "VLAN", "Settings": {"IsolationId": 7}}]
        assert [policy["Type"] for policy in sent(plan_of(config), "subnet")] == ["VSID", "VLAN"]

    @pytest.mark.parametrize(
        ("config", "path", "words"),
        [
            pytest.param(overlay(4096, None), "network.subnets[1].policies", "has no VSID", id="not all"),
            pytest.param(overlay(None, None), "network.vsid", "missing", id="none"),
            pytest.param(
                overlay(4095),
                "network.subnets[0].policies[0].Settings.IsolationId",
                "4096 or more",
                id="a VLAN's number",
            ),
            pytest.param(
                changed(overlay(4097), network__vsid=4096),
                "network.subnets[0].policies[0]",
                "every subnet already",
                id="said twice",
            ),
        ],
    )
    def test_is_there_once(self, config: dict[str, Any], path: str, words: str) -> None:
        found = faults_of(config)
        assert list(found) == [path]
        assert words in found[path]


class TestGates:
    """What an older HNS does not have is named with the versions that do."""

    @pytest.mark.parametrize(("row", "level"), WRITABLE)
    def test_a_policy_needs_the_versions_of_the_inventory(self, row: Row, level: str) -> None:
        needs = row.needs if level != "subnet" else ""
        requires = plan_of(native(row, level)).requires
        assert needs in {minimum(feature) for feature in requires} | ({""} if not requires else set())
        if needs:
            major, minor = map(int, row.too_old.split("."))
            assert not all(supported(feature, major, minor) for feature in requires)

    @pytest.mark.parametrize(
        ("kind", "settings", "features"),
        [
            pytest.param("OutBoundNAT", {"Destinations": REMOVED}, [], id="NAT without destinations"),
            pytest.param("ACL", {"Action": "Pass"}, ["AclPass"], id="pass"),
            pytest.param("ACL", {"Protocols": "6,252"}, ["AclSupportForProtocol252"], id="VXLAN"),
            pytest.param(
                "L4WFPPROXY",
                {"InboundExceptions": REMOVED, "OutboundExceptions": REMOVED},
                ["L4WfpProxy"],
                id="a proxy without exceptions",
            ),
            pytest.param(
                "SetPolicy", {"PolicyType": 1, "Values": ""}, ["SetPolicy", "NestedIpSet"], id="nested"
            ),
        ],
    )
    def test_some_settings_are_newer_than_their_policy(
        self, kind: str, settings: dict[str, Any], features: list[str]
    ) -> None:
        (row,) = [row for row in INVENTORY if row.kind == kind]
        assert plan_of(native(row, row.levels[0], **settings)).requires == features

    def test_policies_of_a_network_that_is_not_made_here_need_nothing(self) -> None:
        (row,) = [row for row in INVENTORY if row.kind == "NetworkACL"]
        assert plan_of(native(row, "network"), network__create=False).requires == []


_IPAM = {"type": "host-local", "subnet": "10.1.0.0/24"}
PEERS: dict[str, dict[str, Any]] = {
    "win-bridge": {"name": "pods", "type": "win-bridge", "apiVersion": 2, "ipam": _IPAM},
    "win-overlay": {"name": "pods", "type": "win-overlay", "apiVersion": 2, "ipam": _IPAM},
    "sdnbridge": {"name": "pods", "type": "sdnbridge", "ipam": _IPAM},
    "sdnoverlay": {"name": "pods", "type": "sdnoverlay", "ipam": _IPAM},
    "nat": {"name": "pods", "type": "nat", "ipam": _IPAM},
}
# win-bridge and win-overlay make no network, whose policies would have no effect.
MAKERS = ("sdnbridge", "sdnoverlay", "nat")
VSID = {"Name": "NetworkPolicy", "Value": {"Type": "VSID", "Settings": {"IsolationId": 5000}}}


def of_peer(peer: str, *entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The peer's configuration with these (EndpointPolicy or NetworkPolicy, policy)."""
    written = [{"Name": name, "Value": policy} for name, policy in entries]
    has_vsid = any(policy["Type"] == "VSID" for _, policy in entries)
    if peer == "sdnoverlay" and not has_vsid:
        written.append(VSID)
    return {**PEERS[peer], "AdditionalArgs" if peer in MAKERS else "policies": written}


def flat(policy: dict[str, Any]) -> dict[str, Any]:
    return {"Type": policy["Type"], **policy["Settings"]}


def hindrances(config: dict[str, Any]) -> dict[str, str]:
    """{place: why} of what keeps the peer's network from being made, in a configuration without faults."""
    plan = plan_of(config)
    assert plan.network.create is None
    words = "; so the HCN network is not made"
    found = [remark.partition(words)[0].partition(": ") for remark in plan.remarks if words in remark]
    return {place: why for place, _, why in found}


class TestPeers:
    """EndpointPolicy and NetworkPolicy of the five, in HCN's form and in HNS V1's flat one."""

    @pytest.mark.parametrize("form", [dict, flat], ids=["HCN", "flat"])
    @pytest.mark.parametrize("row", [pytest.param(row, id=row.kind) for row in at("endpoint")])
    @pytest.mark.parametrize("peer", PEERS)
    def test_an_endpoint_policy_is_sent(self, peer: str, row: Row, form: Any) -> None:
        plan = plan_of(of_peer(peer, ("EndpointPolicy", form(row.policy))))
        assert row.policy in plan.policies

    @pytest.mark.parametrize("form", [dict, flat], ids=["HCN", "flat"])
    @pytest.mark.parametrize(("row", "level"), OF_NETWORKS_BY_LEVEL)
    @pytest.mark.parametrize("peer", MAKERS)
    def test_a_network_policy_is_sent_with_the_network_to_make(
        self, peer: str, row: Row, level: str, form: Any
    ) -> None:
        config = of_peer(peer, ("NetworkPolicy", form(row.policy)))
        if row.mode == "overlay" and peer != "sdnoverlay" and row.kind == "RemoteSubnetRoute":
            assert "only overlay networks" in hindrances(config)["AdditionalArgs[0]"]
        elif row.kind == "NetAdapterName" and peer == "nat":
            assert "bound to no adapter" in hindrances(config)["AdditionalArgs[0]"]
        else:
            assert row.policy in sent(plan_of(config), level)

    @pytest.mark.parametrize("row", OF_NETWORKS)
    @pytest.mark.parametrize("peer", ["win-bridge", "win-overlay"])
    def test_who_makes_no_network_says_that_its_policy_has_no_effect(self, peer: str, row: Row) -> None:
        plan = plan_of(of_peer(peer, ("NetworkPolicy", row.policy)))
        assert plan.network.create is None
        assert [remark for remark in plan.remarks if remark.startswith("policies[0]")]

    @pytest.mark.parametrize(
        ("row", "name", "right"),
        [
            *(
                pytest.param(row, "EndpointPolicy", "NetworkPolicy", id=f"{row.kind} EndpointPolicy")
                for row in INVENTORY
                if "endpoint" not in row.levels
            ),
            *(
                pytest.param(row, "NetworkPolicy", "EndpointPolicy", id=f"{row.kind} NetworkPolicy")
                for row in INVENTORY
                if row.levels == ("endpoint",)
            ),
        ],
    )
    @pytest.mark.parametrize("peer", MAKERS)
    def test_under_the_wrong_name_it_is_refused_with_the_right_one(
        self, peer: str, row: Row, name: str, right: str
    ) -> None:
        config = of_peer(peer, (name, row.policy))
        found = faults_of(config) if name == "EndpointPolicy" else hindrances(config)
        assert list(found) == ["AdditionalArgs[0]"]
        assert f"call it {right}" in found["AdditionalArgs[0]"]

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            pytest.param(
                "EndpointPolicy",
                {"Type": "PROXY", "IP": "169.254.169.254", "Port": "80", "Destination": "10.64.1.1:988"},
                ("L4Proxy", {"IP": "169.254.169.254", "Port": "80", "Destination": "10.64.1.1:988"}),
                id="PROXY",
            ),
            pytest.param(
                "NetworkPolicy",
                {
                    "Type": "Proxy",
                    "IP": "10.0.0.0/8",
                    "Port": 80,
                    "Destination": "10.64.1.1",
                    "ExceptionList": ["10.1.0.0/16", ""],
                    "OutboundNat": True,
                },
                (
                    "L4Proxy",
                    {
                        "IP": "10.0.0.0/8",
                        "Port": "80",
                        "Destination": "10.64.1.1",
                        "ExceptionList": ["10.1.0.0/16"],
                        "OutboundNat": True,
                    },
                ),
                id="PROXY of a network, its port a number",
            ),
            pytest.param(
                "EndpointPolicy",
                {
                    "Type": "NAT",
                    "Protocol": "UDP",
                    "InternalPort": 53,
                    "ExternalPort": 5353,
                    "ExternalPortReserved": True,
                },
                ("PortMapping", {"Protocol": 17, "InternalPort": 53, "ExternalPort": 5353, "Flags": 4}),
                id="NAT with a reserved port",
            ),
            pytest.param(
                "EndpointPolicy",
                {
                    "Type": "NAT",
                    "Protocol": "TCP",
                    "InternalPort": 80,
                    "ExternalPort": 80,
                    "ExternalPortReserved": False,
                },
                ("PortMapping", {"Protocol": 6, "InternalPort": 80, "ExternalPort": 80}),
                id="NAT without",
            ),
            pytest.param(
                "EndpointPolicy",
                {
                    "Type": "OutBoundNAT",
                    "VIP": "192.0.2.9",
                    "Destinations": ["10.1.0.9"],
                    "MaxPortPoolUsage": 64,
                },
                (
                    "OutBoundNAT",
                    {"VirtualIP": "192.0.2.9", "Destinations": ["10.1.0.9"], "MaxPortPoolUsage": 64},
                ),
                id="OutBoundNAT",
            ),
            pytest.param(
                "EndpointPolicy",
                {
                    "Type": "ACL",
                    "Id": "x",
                    "Protocol": 17,
                    "Action": "Block",
                    "Direction": "In",
                    "LocalPort": 53,
                    "RemotePort": 53,
                },
                (
                    "ACL",
                    {
                        "Id": "x",
                        "Protocols": "17",
                        "Action": "Block",
                        "Direction": "In",
                        "LocalPorts": "53",
                        "RemotePorts": "53",
                    },
                ),
                id="ACL",
            ),
            pytest.param(
                "EndpointPolicy",
                {
                    "Type": "ROUTE",
                    "DestinationPrefix": "10.96.0.0/12",
                    "NextHop": "10.1.0.1",
                    "NeedEncap": True,
                },
                ("SDNRoute", {"DestinationPrefix": "10.96.0.0/12", "NextHop": "10.1.0.1", "NeedEncap": True}),
                id="ROUTE",
            ),
            pytest.param(
                "EndpointPolicy",
                {"Type": "PA", "PA": "192.0.2.9"},
                ("ProviderAddress", {"ProviderAddress": "192.0.2.9"}),
                id="PA",
            ),
            pytest.param(
                "NetworkPolicy",
                {"Type": "PA", "PA": "192.0.2.9"},
                ("ProviderAddress", {"ProviderAddress": "192.0.2.9"}),
                id="PA of a network",
            ),
            pytest.param(
                "EndpointPolicy",
                {"Type": "QOS", "MaximumOutgoingBandwidthInBytes": 1000},
                ("QOS", {"MaximumOutgoingBandwidthInBytes": 1000}),
                id="QOS",
            ),
            pytest.param(
                "EndpointPolicy", {"Type": "VLAN", "VLAN": 7}, ("VLAN", {"IsolationId": 7}), id="VLAN"
            ),
            pytest.param(
                "NetworkPolicy",
                {"Type": "VLAN", "VLAN": 7},
                ("VLAN", {"IsolationId": 7}),
                id="VLAN of a network",
            ),
            pytest.param(
                "NetworkPolicy", {"Type": "VSID", "VSID": 5000}, ("VSID", {"IsolationId": 5000}), id="VSID"
            ),
            pytest.param(
                "NetworkPolicy",
                {"Type": "Isolation", "VLAN": 7, "VSID": 0, "InDefaultIsolation": False},
                ("VLAN", {"IsolationId": 7}),
                id="Isolation by VLAN",
            ),
            pytest.param(
                "NetworkPolicy",
                {"Type": "ISOLATION", "VSID": 5000},
                ("VSID", {"IsolationId": 5000}),
                id="Isolation by VSID",
            ),
            pytest.param("EndpointPolicy", {"Type": "l2driver"}, ("L2Driver", {}), id="L2Driver"),
        ],
    )
    def test_what_v1_called_otherwise(
        self, name: str, old: dict[str, Any], new: tuple[str, dict[str, Any]]
    ) -> None:
        plan = plan_of(of_peer("sdnbridge", (name, old)))
        level = (
            "endpoint" if name == "EndpointPolicy" else "subnet" if new[0] in SUBNET_POLICIES else "network"
        )
        assert sent(plan, level) == [{"Type": new[0], "Settings": new[1]}]

    @pytest.mark.parametrize(
        ("old", "words"),
        [
            pytest.param({"Type": "ELB", "VIPs": ["10.0.0.1"]}, "kube-proxy makes them", id="ELB"),
            pytest.param({"Type": "VNET"}, "ProviderAddress", id="VNET"),
            pytest.param(
                {"Type": "Isolation", "VLAN": 7, "VSID": 5000}, "one policy for each", id="Isolation by both"
            ),
            pytest.param(
                {"Type": "Isolation", "VSID": 5000}, "call it NetworkPolicy", id="VSID of an endpoint"
            ),
            pytest.param({"Type": "Zzz"}, "known are PortMapping", id="nothing known"),
        ],
    )
    def test_what_hcn_has_not_is_refused_with_what_it_has(self, old: dict[str, Any], words: str) -> None:
        found = faults_of(of_peer("sdnbridge", ("EndpointPolicy", old)))
        assert words in found["AdditionalArgs[0]"]

    def test_unknown_settings_are_passed_over_at_every_depth_and_said(self) -> None:
        policy = {
            "Type": "L4WFPPROXY",
            "inboundproxyport": 80,
            "FilterTuple": {"protocols": "6", "zzz": "s3cret"},
        }
        plan = plan_of(of_peer("sdnbridge", ("EndpointPolicy", policy)))
        assert plan.policies == [
            {"Type": "L4WFPPROXY", "Settings": {"InboundProxyPort": "80", "FilterTuple": {"Protocols": "6"}}}
        ]
        assert any("FilterTuple.zzz; passed over" in remark for remark in plan.remarks)
        assert "s3cret" not in str(plan)

    def test_a_subnets_policy_is_for_every_subnet_of_the_network(self) -> None:
        ranges = [[{"subnet": "10.1.0.0/24"}, {"subnet": "10.2.0.0/24"}]]
        config = of_peer("sdnbridge", ("NetworkPolicy", {"Type": "VLAN", "VLAN": 7}))
        create = plan_of(config, ipam={"type": "host-local", "ranges": ranges}).network.create
        assert create is not None
        given = [subnet["Policies"] for subnet in create["Ipams"][0]["Subnets"]]
        assert given == [[{"Type": "VLAN", "Settings": {"IsolationId": 7}}]] * 2

    def test_a_faulty_one_is_named_where_it_is_written(self) -> None:
        entries: list[tuple[str, dict[str, Any]]] = [
            ("NetworkPolicy", {"Type": "VLAN", "VLAN": 4095}),
            ("EndpointPolicy", {"Type": "QOS"}),
            ("NetworkPolicy", {"Type": "VxlanPort", "Port": 0}),
        ]
        assert set(faults_of(of_peer("sdnbridge", *entries))) == {
            "AdditionalArgs[1].Settings.MaximumOutgoingBandwidthInBytes",
        }
        del entries[1]
        assert set(hindrances(of_peer("sdnbridge", *entries))) == {
            "AdditionalArgs[0].Settings.IsolationId",
            "AdditionalArgs[1].Settings.Port",
        }

    @pytest.mark.parametrize("peer", ["nat", "transparent"])
    def test_a_network_without_a_subnet_has_no_place_for_it(self, peer: str) -> None:
        written = [{"Name": "NetworkPolicy", "Value": {"Type": "VLAN", "VLAN": 7}}]
        found = hindrances({"name": "pods", "type": peer, "AdditionalArgs": written})
        assert "ipam.subnet" in found["AdditionalArgs[0]"]

    def test_the_dialect_is_the_peers(self) -> None:
        assert {examine(config).dialect for config in PEERS.values()} == {"win-bridge", "win-overlay", "wcn"}


class TestTheReference:
    """docs/configuration.md says where each policy may stand, and since which HNS."""

    ROWS = re.findall(
        r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE
    )
    MARKS: ClassVar = {
        "endpoint": "`policies`",
        "network": "`network.policies`",
        "subnet": "`subnets[].policies`",
    }

    @pytest.mark.parametrize("row", EACH)
    def test_has_the_policy(self, row: Row) -> None:
        told = {kind: (places, since) for kind, places, since in self.ROWS}
        places, since = told[row.kind]
        assert set(places.split(", ")) == {self.MARKS[level] for level in row.levels}
        assert (row.needs in since) if row.needs else since.startswith("any")
