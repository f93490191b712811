"""What `config check` says of whole files, single objects and lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.dialects.lint import check_file_text, findings_of

from .configurations import BRIDGE, DHCP, DUAL, OVERLAY, REMOVED, changed
from .test_foreign import FLANNELS_DELEGATE, SDNBRIDGE, WIN_BRIDGE

PLUGIN = {key: value for key, value in BRIDGE.items() if key not in ("cniVersion", "name")}
LIST: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "cniVersions": ["1.0.0", "1.1.0"],
    "name": "pods",
    "plugins": [PLUGIN],
}


def found(document: dict[str, Any]) -> dict[str, str]:
    """What is to be mended, without the notes."""
    return {each.path: each.message for each in findings_of(document) if each.severity != "note"}


def noted(document: dict[str, Any]) -> list[str]:
    return [str(each) for each in findings_of(document) if each.severity == "note"]


@pytest.mark.parametrize("document", [BRIDGE, LIST, DUAL], ids=["single object", "list", "dual stack"])
def test_a_sound_file_has_no_findings(document: dict[str, Any]) -> None:
    assert found(document) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('{"name": "x",\n  "type": 1 2}', "line 2, column 13", id="not JSON"),
        pytest.param("[]", "is not a JSON object", id="a list"),
        pytest.param("", "is empty", id="empty"),
    ],
)
def test_a_file_that_is_no_json_object_is_one_finding_with_its_place(text: str | bytes, words: str) -> None:
    (finding,) = check_file_text(text)
    assert words in finding.message
    assert finding.severity == "error"
    assert "stdin" not in finding.message


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        pytest.param(
            changed(BRIDGE, capabilities={"dns": True}),
            "capabilities.portMappings",
            "not declared",
            id="no portMappings",
        ),
        pytest.param(
            changed(BRIDGE, capabilities={"portMappings": True, "dns": False}),
            "capabilities.dns",
            "drops",
            id="dns off",
        ),
        pytest.param(
            changed(BRIDGE, capabilities={"portMappings": True, "dns": True, "dnsCapabilities": True}),
            "capabilities.dnsCapabilities",
            "no runtime sends it",
            id="a capability nobody serves",
        ),
        pytest.param(
            changed(SDNBRIDGE, ipam__gateway="10.99.0.1", dns={}),
            "ipam.gateway",
            "not in the subnet",
            id="gateway",
        ),
        pytest.param(
            changed(
                WIN_BRIDGE,
                ipam={"type": "host-local", "ranges": [[{"subnet": "10.50.7.0/24", "gateway": "10.9.0.1"}]]},
            ),
            "ipam.ranges[0][0].gateway",
            "not in the subnet",
            id="gateway of a range",
        ),
        pytest.param(
            changed(BRIDGE, outboundNat={"exceptions": ["10.96.0.0/12"]}),
            "outboundNat.exceptions",
            "10.1.0.0/24, the pods' own prefix, is not among the exceptions (10.96.0.0/12)",
            id="pods behind NAT",
        ),
        pytest.param(
            changed(
                BRIDGE,
                outboundNat={"exceptions": ["10.1.0.0/16"]},
                policies=[{"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12"}}],
            ),
            "outboundNat.exceptions",
            "10.96.0.0/12, the prefix of an SDNRoute policy",
            id="services behind NAT",
        ),
        pytest.param(
            changed(
                BRIDGE,
                outboundNat={"exceptions": ["10.1.0.0/16"]},
                dns={"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
            ),
            "outboundNat.exceptions",
            "10.96.0.10, the cluster's DNS server",
            id="cluster DNS behind NAT",
        ),
        pytest.param(
            changed(FLANNELS_DELEGATE, ipMasqNetwork="10.9.0.0/16", capabilities=BRIDGE["capabilities"]),
            "ipMasqNetwork",
            "the pods' own prefix",
            id="a peer's",
        ),
        pytest.param(
            changed(BRIDGE, ipam__ranges=[[{"subnet": "10.1.0.0/24", "rangeEnd": "10.1.0.110"}]]),
            "ipam.ranges[0]",
            "has 109 addresses for pods; a node runs up to 110",
            id="small range",
        ),
        pytest.param(
            changed(BRIDGE, ipam={"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.200"}),
            "ipam",
            "has 55 addresses",
            id="small single range",
        ),
        pytest.param(
            changed(BRIDGE, network__subnets=[{"prefix": "10.1.0.0/26"}], ipam={"type": "cni-hns"}),
            "network.subnets",
            "has 61 addresses",
            id="small subnet",
        ),
        pytest.param(
            changed(BRIDGE, policies=[{"Type": "ACL", "Settings": {"Action": "Block", "Direction": "Out"}}]),
            "policies",
            "only block",
            id="a lone block",
        ),
        pytest.param(
            changed(BRIDGE, network__create=False), "network.adapter", "without create", id="no effect"
        ),
        pytest.param({**BRIDGE, "cniVersion": "1.1"}, "cniVersion", "is not one of 0.1.0", id="version"),
    ],
)
def test_a_configuration_that_works_otherwise_than_meant_is_warned_of(
    document: dict[str, Any], path: str, words: str
) -> None:
    said = found(document)
    assert list(said) == [path]
    assert words in said[path]


def test_a_range_of_110_addresses_is_enough() -> None:
    assert found(changed(BRIDGE, ipam__ranges=[[{"subnet": "10.1.0.0/24", "rangeEnd": "10.1.0.111"}]])) == {}


def test_exceptions_may_cover_a_prefix_together() -> None:
    assert found(changed(BRIDGE, outboundNat={"exceptions": ["10.1.0.0/25", "10.1.0.128/25"]})) == {}
    assert found(changed(BRIDGE, outboundNat={"exceptNetwork": True})) == {}


def test_nat_is_looked_at_only_where_pods_are_reached_directly() -> None:
    nat = {"mode": "nat", "create": True, "subnets": [{"prefix": "10.1.0.0/24"}]}
    assert found(changed(BRIDGE, network=nat, outboundNat=True)) == {}


def test_an_allow_rule_beside_a_block_is_fine() -> None:
    rules = [
        {"Type": "ACL", "Settings": {"Action": action, "Direction": "Out"}} for action in ("Block", "Allow")
    ]
    assert found(changed(BRIDGE, policies=rules)) == {}


def test_no_ports_can_be_mapped_on_a_transparent_network() -> None:
    assert found({**DHCP, "cniVersion": "1.0.0", "capabilities": {"dns": True}}) == {}


def test_capabilities_of_other_kinds_are_no_findings() -> None:
    declared = {
        **BRIDGE["capabilities"],
        "io.kubernetes.cri.pod-annotations": True,
        "cgroupPath": True,
        "mac": True,
    }
    assert found(changed(BRIDGE, capabilities=declared)) == {}


def test_errors_of_every_kind_come_with_warnings_in_one_run() -> None:
    said = findings_of({**changed(OVERLAY, network__vsid=5), "netwrok": {}})
    assert {each.path: each.severity for each in said if each.severity != "note"} == {
        "netwrok": "error",
        "network.vsid": "error",
        "capabilities.portMappings": "warning",
        "capabilities.dns": "warning",
    }


@pytest.mark.parametrize("capabilities", [[], "x"], ids=["list", "text"])
def test_capabilities_of_the_wrong_type_are_one_error(capabilities: object) -> None:
    assert list(found({**BRIDGE, "capabilities": capabilities})) == ["capabilities"]


class TestLists:
    """Paths lead from the top of the file; list-level keys never reach the plugin."""

    @pytest.mark.parametrize(
        ("document", "path", "words"),
        [
            pytest.param({**LIST, "plugins": []}, "plugins", "a list of plugins", id="no plugins"),
            pytest.param({**LIST, "plugins": {}}, "plugins", "a list of plugins", id="plugins as an object"),
            pytest.param(
                {**LIST, "plugins": [{"type": "else"}]},
                "plugins",
                'none is for this plugin ("else")',
                id="not ours",
            ),
            pytest.param(
                {**LIST, "plugins": [PLUGIN, 5]}, "plugins[1]", "an object is expected", id="a number"
            ),
            pytest.param(
                {**LIST, "plugins": [PLUGIN, {"Type": ""}]}, "plugins[1].type", "missing", id="no type"
            ),
            pytest.param(
                {**LIST, "plugins": [PLUGIN, {"type": "portmap"}]},
                "plugins[1].type",
                "maps ports by itself",
                id="no build for Windows",
            ),
            pytest.param(
                {**LIST, "plugins": [PLUGIN, {"type": "bandwidht"}]},
                "plugins[1].type",
                'did you mean "bandwidth"',
                id="nearly a plugin",
            ),
            pytest.param({**LIST, "disableGC": "no"}, "disableGC", "true or false", id="no truth"),
            pytest.param({**LIST, "cniVersion": "1.1.0"}, "cniVersion", "containerd 1.x", id="1.1.0 only"),
            pytest.param(
                {**LIST, "cniVersion": "2.0.0"}, "cniVersion", "is not one of", id="unknown version"
            ),
            pytest.param(
                {**LIST, "cniVersions": ["1.0.0", "9"]}, "cniVersions[1]", "is not one of", id="unknown offer"
            ),
            pytest.param({**LIST, "cniVersions": "1.0.0"}, "cniVersions", "a list is expected", id="no list"),
            pytest.param({**LIST, "adapterName": ""}, "adapterName", "no plugin sees it", id="misplaced"),
            pytest.param(
                {**LIST, "capabilities": {}}, "capabilities", "no plugin sees it", id="capabilities"
            ),
            pytest.param(
                {key: value for key, value in LIST.items() if key != "name"}, "name", "missing", id="no name"
            ),
            pytest.param({**LIST, "name": "a/b"}, "name", "must begin", id="bad name"),
            pytest.param(
                {**LIST, "plugins": [{**PLUGIN, "name": "other"}]},
                "plugins[0].name",
                "replaces it",
                id="other name",
            ),
            pytest.param(
                {**LIST, "plugins": [{**PLUGIN, "disableCheck": True}]},
                "plugins[0].disableCheck",
                "beside plugins",
                id="list key",
            ),
            pytest.param(
                {**LIST, "plugins": [{"type": "x"}, {**PLUGIN, "mtu": 1}]},
                "plugins[1].mtu",
                "outside",
                id="the second plugin",
            ),
        ],
    )
    def test_a_finding(self, document: dict[str, Any], path: str, words: str) -> None:
        said = found(document)
        assert list(said) == [path]
        assert words in said[path]

    def test_nerdctls_own_keys_are_let_pass(self) -> None:
        assert found({**LIST, "nerdctlID": "x", "nerdctlLabels": {}}) == {}

    def test_an_unknown_dialect_in_a_single_object_is_an_error(self) -> None:
        assert "no dialect" in found({"name": "x", "type": "calico"})["type"]


class TestNotes:
    """What the plan remarks, at the place that it is about."""

    def test_a_remark_has_its_place_in_the_file(self) -> None:
        route = {"Name": "EndpointPolicy", "Value": {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12"}}
        document = changed(SDNBRIDGE, AdditionalArgs=[route])
        assert any(each.startswith("AdditionalArgs[0]: ") for each in noted(document))
        plugin = {key: value for key, value in document.items() if key not in ("name", "cniVersion")}
        said = noted({"cniVersion": "1.0.0", "name": "n", "plugins": [plugin]})
        assert any(each.startswith("plugins[0].AdditionalArgs[0]: ") for each in said)

    def test_a_route_that_a_peer_does_not_use_is_noted(self) -> None:
        ipam = {**WIN_BRIDGE["ipam"], "routes": [{"dst": "0.0.0.0/0", "gw": "10.50.7.1"}]}
        assert any("ipam.routes" in each for each in noted(changed(WIN_BRIDGE, ipam=ipam)))

    def test_faults_come_without_notes_of_a_plan_that_is_none(self) -> None:
        assert noted({**WIN_BRIDGE, "apiVersion": 1})
        assert noted({**WIN_BRIDGE, "apiVersion": 1, "loopbackDSR": 7}) == []


class TestNativeKeysInAPeersFile:
    """They have no effect; the message names what the file's own dialect has instead."""

    @pytest.mark.parametrize(
        ("base", "key", "words"),
        [
            pytest.param(WIN_BRIDGE, "network", "cni-hns network create", id="win-bridge joins a network"),
            pytest.param(WIN_BRIDGE, "outboundNat", "ipMasqNetwork", id="win-bridge's NAT"),
            pytest.param(WIN_BRIDGE, "routes", '"type": "cni-hns"', id="win-bridge's routes"),
            pytest.param(SDNBRIDGE, "routes", "ipam.routes", id="sdnbridge's routes"),
            pytest.param(SDNBRIDGE, "network", "ipam.subnet", id="sdnbridge makes its network"),
            pytest.param(SDNBRIDGE, "loopbackDSR", "optionalFlags.loopbackDSR", id="sdnbridge's flags"),
            pytest.param(SDNBRIDGE, "macPrefix", '"type": "cni-hns"', id="nothing like it"),
        ],
    )
    def test_each_is_warned_of(self, base: dict[str, Any], key: str, words: str) -> None:
        said = [each for each in findings_of({**base, key: {}}) if each.path == key]
        assert [each.severity for each in said] == ["warning"]
        assert words in said[0].message

    def test_keys_of_the_dialect_are_not(self) -> None:
        assert [each for each in findings_of(WIN_BRIDGE) if "no effect" in each.message] == []


class TestFileNames:
    """libcni goes by the suffix."""

    @pytest.mark.parametrize(
        ("document", "name", "words"),
        [
            (LIST, "10.conf", "call it .conflist"),
            (LIST, "10.json", "call it .conflist"),
            (BRIDGE, "10.conflist", "holds a list"),
        ],
        ids=["a list in .conf", "a list in .json", "one plugin in .conflist"],
    )
    def test_content_of_the_other_kind_is_an_error(
        self, document: dict[str, Any], name: str, words: str
    ) -> None:
        (finding,) = [each for each in check_file_text(json.dumps(document), name) if each.path == "plugins"]
        assert finding.severity == "error"
        assert words in finding.message

    @pytest.mark.parametrize(
        ("document", "name"),
        [(LIST, "10.conflist"), (BRIDGE, "10.conf"), (BRIDGE, "10.json"), (BRIDGE, "")],
    )
    def test_the_right_kind_is_not(self, document: dict[str, Any], name: str) -> None:
        said = check_file_text(json.dumps(document), name)
        assert {each.path for each in said if each.severity != "note"} == set()

    @pytest.mark.parametrize("name", ["10.CONF", "10.yaml", "10.conflist.bak", "10"])
    def test_a_file_that_no_runtime_loads_is_warned_of(self, name: str) -> None:
        said = check_file_text(json.dumps(BRIDGE), name)
        assert [each.severity for each in said if "pass over" in each.message] == ["warning"]


class TestTypes:
    """A runtime starts the program of that name, whatever the keys say."""

    def test_a_missing_one_is_an_error(self) -> None:
        (finding,) = findings_of(changed(BRIDGE, type=REMOVED, cniVersion="1.0.0"))
        assert (finding.path, finding.severity) == ("type", "error")

    def test_one_that_only_the_keys_explain_is_noted(self) -> None:
        (finding,) = findings_of({**BRIDGE, "type": "azure-vnet", "cniVersion": "1.0.0"})
        assert (finding.path, finding.severity) == ("type", "note")
        assert "must have that name" in finding.message

    @pytest.mark.parametrize(
        ("name", "severity", "words"),
        [
            ("bridge", "error", "no build for Windows"),
            ("win-bridgee", "warning", 'did you mean "win-bridge"'),
            ("cnihns", "warning", 'did you mean "cni-hns"'),
        ],
    )
    def test_one_that_names_another_program_is_a_fault(self, name: str, severity: str, words: str) -> None:
        (finding,) = findings_of({**BRIDGE, "type": name, "cniVersion": "1.0.0"})
        assert (finding.path, finding.severity) == ("type", severity)
        assert words in finding.message


class TestVersions:
    def test_a_missing_version_is_warned_of(self) -> None:
        assert "0.1.0" in found(changed(BRIDGE, cniVersion=REMOVED))["cniVersion"]

    def test_the_newest_version_in_a_file_of_one_plugin_is_noted(self) -> None:
        assert "containerd 1.x" in noted(BRIDGE)[0]
        assert noted(changed(BRIDGE, cniVersion="1.0.0")) == []


def test_an_ipam_plugin_whose_name_is_nearly_ours_is_warned_of() -> None:
    said = found(changed(BRIDGE, ipam={"type": "host-locl"}))
    assert list(said) == ["ipam.type"]
    assert 'did you mean "host-local"' in said["ipam.type"]
    assert found(changed(BRIDGE, ipam={"type": "host-local", "delegate": True})) == {}
    assert found(changed(BRIDGE, ipam={"type": "azure-vnet-ipam"})) == {}
