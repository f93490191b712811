"""What a runtime adds to one call: every source, every spelling, and all faults at once."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.dialects.wanted import Wanted, range_sets, read_wanted

from .configurations import BRIDGE, DHCP, DUAL, OVERLAY, REMOVED, plan_of

PLAN = plan_of(BRIDGE)


def wanted(
    runtime: object = None, plan: AttachmentPlan = PLAN, args: object = None, **arguments: str
) -> Wanted:
    return read_wanted(plan, {"name": "pods", "runtimeConfig": runtime, "args": args}, arguments)


def faults(
    runtime: object = None, plan: AttachmentPlan = PLAN, args: object = None, **arguments: str
) -> dict[str, str]:
    with pytest.raises(ConfigFault) as refusal:
        wanted(runtime, plan, args, **arguments)
    return {finding.path: finding.message for finding in refusal.value.findings}


def test_a_call_that_asks_for_nothing_wants_nothing() -> None:
    assert wanted() == Wanted([], None, [], None, None, [], "")
    assert wanted({}, args={"cni": {}}) == wanted(None)


CONTAINERD = {
    "PortMappings": [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}],
    "DNS": {"Servers": ["10.96.0.10"], "Searches": ["a.svc", "svc"], "Options": None},
    "Bandwidth": {"IngressRate": 0, "IngressBurst": 0, "EgressRate": 8_000_000, "EgressBurst": 4294967295},
}
CONVENTION = {
    "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
    "dns": {"servers": ["10.96.0.10"], "searches": ["a.svc", "svc"]},
    "bandwidth": {"egressRate": 8_000_000},
}


@pytest.mark.parametrize(
    "runtime", [CONTAINERD, CONVENTION], ids=["containerd's keys", "the convention's keys"]
)
def test_both_spellings_of_keys_mean_the_same(runtime: dict[str, Any]) -> None:
    found = wanted(runtime)
    assert found.port_mappings == [{"hostPort": 8080, "containerPort": 80, "protocol": 6, "hostIP": ""}]
    assert found.dns == {"ServerList": ["10.96.0.10"], "Search": ["a.svc", "svc"]}
    assert found.bandwidth == {"MaximumOutgoingBandwidthInBytes": 1_000_000}


def test_the_key_runtime_config_itself_is_read_in_any_case() -> None:
    found = read_wanted(PLAN, {"RuntimeConfig": {"mac": "0e:00:00:00:00:01"}}, {})
    assert found.mac == "0E-00-00-00-00-01"


def test_null_lists_and_objects_are_absent() -> None:
    runtime = {"portMappings": None, "dns": {"Servers": None, "Searches": None, "Options": None}, "ips": None}
    assert wanted({**runtime, "bandwidth": None, "ipRanges": None, "mac": None}) == wanted(None)


@pytest.mark.parametrize(
    ("protocol", "number"),
    [("tcp", 6), ("TCP", 6), (6, 6), ("6", 6), ("", 6), (None, 6), ("Udp", 17), (17, 17)],
    ids=str,
)
def test_protocols_are_read_in_any_case_or_as_numbers(protocol: object, number: int) -> None:
    entry = {"hostPort": 53, "containerPort": 53, "protocol": protocol}
    assert wanted({"portMappings": [entry]}).port_mappings[0]["protocol"] == number


@pytest.mark.parametrize("address", ["", None, "0.0.0.0", "::", "0:0::0"], ids=str)  # noqa: S104
def test_any_address_of_the_host_is_the_empty_one(address: object) -> None:
    entry = {"hostPort": 53, "containerPort": 53, "protocol": "udp", "hostIP": address}
    assert wanted({"portMappings": [entry]}).port_mappings[0]["hostIP"] == ""


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        pytest.param({"protocol": "sctp"}, "protocol", "not of sctp", id="sctp"),
        pytest.param({"protocol": 132}, "protocol", "not of sctp", id="sctp by number"),
        pytest.param({"protocol": "icmp"}, "protocol", "is not tcp or udp", id="another protocol"),
        pytest.param({"protocol": True}, "protocol", "is not tcp or udp", id="a boolean"),
        pytest.param({"hostPort": 0}, "hostPort", "outside 1 to 65535", id="host port 0"),
        pytest.param({"containerPort": 70000}, "containerPort", "outside", id="container port too high"),
        pytest.param({"hostPort": "80"}, "hostPort", "whole number", id="port as text"),
        pytest.param({"hostIP": "localhost"}, "hostIP", "is not an IP address", id="host name"),
    ],
)
def test_a_mapping_that_cannot_be_made_is_named(entry: dict[str, object], path: str, words: str) -> None:
    good = {"hostPort": 1, "containerPort": 1, "protocol": "tcp"}
    said = faults({"portMappings": [good, {**good, "hostPort": 2, **entry}]})
    assert list(said) == [f"runtimeConfig.portMappings[1].{path}"]
    assert words in said[f"runtimeConfig.portMappings[1].{path}"]


def test_the_same_mapping_twice_is_one_and_two_for_one_port_are_a_fault() -> None:
    entry = {"hostPort": 80, "containerPort": 8080, "protocol": "tcp"}
    assert len(wanted({"portMappings": [entry, dict(entry)]}).port_mappings) == 1
    assert len(wanted({"portMappings": [entry, {**entry, "protocol": "udp"}]}).port_mappings) == 2
    said = faults({"portMappings": [entry, {**entry, "containerPort": 1}]})
    assert "mapped already" in said["runtimeConfig.portMappings[1]"]


def test_addresses_of_all_three_sources_are_added_up() -> None:
    plan = plan_of(DUAL)
    found = wanted({"ips": ["10.1.0.9/24"]}, plan, {"cni": {"ips": ["fd00:1::9"]}}, IP="10.1.0.9")
    assert found.addresses == ["10.1.0.9", "fd00:1::9"]


def test_cni_args_may_list_addresses() -> None:
    assert wanted(None, plan_of(DUAL), IP="10.1.0.9/24,fd00:1::9").addresses == ["10.1.0.9", "fd00:1::9"]


def test_two_addresses_of_one_family_are_refused() -> None:
    said = faults({"ips": ["10.1.0.9", "10.1.0.10"]})
    assert "a second IPv4 address" in said["runtimeConfig.ips[1]"]


def test_a_delegated_plugin_decides_about_addresses_itself() -> None:
    plan = plan_of(BRIDGE, ipam={"type": "azure-vnet-ipam"})
    assert wanted({"ips": ["10.1.0.9", "10.1.0.10"]}, plan).addresses == ["10.1.0.9", "10.1.0.10"]
    assert wanted({"ipRanges": [["nonsense"]]}, plan).ip_ranges == []


def test_an_address_is_refused_where_dhcp_gives_it() -> None:
    assert "by DHCP" in faults({"ips": ["10.1.0.9"]}, plan_of(DHCP))["runtimeConfig.ips[0]"]


def test_ipv6_is_refused_on_networks_that_have_none() -> None:
    plan = plan_of(OVERLAY)
    assert "l2bridge networks only" in faults({"ips": ["fd00::5"]}, plan)["runtimeConfig.ips[0]"]


@pytest.mark.parametrize(
    ("runtime", "args", "arguments", "expected"),
    [
        pytest.param({"mac": "0e:00:00:00:00:01"}, None, {}, "0E-00-00-00-00-01", id="runtimeConfig"),
        pytest.param({}, {"cni": {"mac": "0e:00:00:00:00:02"}}, {}, "0E-00-00-00-00-02", id="args"),
        pytest.param({}, None, {"MAC": "0e-00-00-00-00-03"}, "0E-00-00-00-00-03", id="CNI_ARGS"),
        pytest.param(
            {"mac": "0e:00:00:00:00:01"},
            {"cni": {"mac": "0e:00:00:00:00:02"}},
            {"MAC": "0e-00-00-00-00-03"},
            "0E-00-00-00-00-01",
            id="runtimeConfig goes before the others",
        ),
    ],
)
def test_a_mac_address_is_taken_from_the_nearest_source(
    runtime: object, args: object, arguments: dict[str, str], expected: str
) -> None:
    assert wanted(runtime, PLAN, args, **arguments).mac == expected


def test_values_of_cni_args_and_args_are_never_repeated() -> None:
    with pytest.raises(ConfigFault) as refusal:
        wanted({}, PLAN, {"cni": {"ips": ["s3cret-b"], "mac": "s3cret-c"}}, IP="s3cret-a", MAC="s3cret-d")
    assert "s3cret" not in str(refusal.value)
    assert [finding.path for finding in refusal.value.findings] == [
        "CNI_ARGS.IP",
        "args.cni.ips[0]",
        "CNI_ARGS.MAC",
        "args.cni.mac",
    ]


@pytest.mark.parametrize(
    ("runtime", "arguments", "code"),
    [
        pytest.param({}, {"IP": "nonsense"}, 4, id="only the environment"),
        pytest.param({"mac": "nonsense"}, {}, 7, id="only the document"),
        pytest.param({"mac": "nonsense"}, {"IP": "nonsense"}, 7, id="both"),
    ],
)
def test_the_error_code_tells_the_environment_from_the_document(
    runtime: object, arguments: dict[str, str], code: int
) -> None:
    with pytest.raises(ConfigFault) as refusal:
        wanted(runtime, PLAN, None, **arguments)
    assert refusal.value.cni_code == code


def test_empty_dns_parts_are_not_given() -> None:
    assert wanted({"dns": {"servers": [], "searches": ["svc"], "options": ["ndots:5"]}}).dns == {
        "Search": ["svc"],
        "Options": ["ndots:5"],
    }
    assert wanted({"dns": {"domain": "example"}}).dns == {"Domain": "example"}


def test_dns_servers_are_addresses_and_the_rest_is_text() -> None:
    said = faults({"dns": {"servers": ["dns.example", 5], "searches": [7]}})
    assert list(said) == [
        "runtimeConfig.dns.servers[0]",
        "runtimeConfig.dns.servers[1]",
        "runtimeConfig.dns.searches[0]",
    ]


def test_egress_rates_become_whole_bytes_per_second() -> None:
    assert wanted({"bandwidth": {"egressRate": 15}}).bandwidth == {"MaximumOutgoingBandwidthInBytes": 1}
    assert wanted({"bandwidth": {"egressRate": 0, "ingressRate": 0}}).bandwidth is None


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        pytest.param({"IngressRate": 1000}, "ingressRate", "egress", id="HNS has no ingress limit"),
        pytest.param({"egressRate": 7}, "egressRate", "8 bits per second", id="less than a byte"),
        pytest.param({"egressRate": -1}, "egressRate", "outside", id="negative"),
        pytest.param({"egressRate": 10**16}, "egressRate", "outside", id="beyond the highest"),
    ],
)
def test_a_limit_that_hns_cannot_hold_is_refused(entry: dict[str, object], path: str, words: str) -> None:
    assert words in faults({"bandwidth": entry})[f"runtimeConfig.bandwidth.{path}"]


@pytest.mark.parametrize("key", ["infinibandGUID", "deviceID", "aliases"])
def test_what_no_hns_endpoint_has_is_refused(key: str) -> None:
    assert "no such thing" in faults({key: ["x"]})[f"runtimeConfig.{key}"]


def test_pod_annotations_and_the_like_are_let_pass() -> None:
    assert wanted({"io.kubernetes.cri.pod-annotations": {"a": "b"}, "cgroupPath": "/x"}) == wanted(None)


AT_RUN_TIME = plan_of(
    BRIDGE,
    ipam={"type": "cni-hns"},
    capabilities={"ipRanges": True},
    network__subnets=REMOVED,
    network__create=False,
)


def test_the_conventions_ranges_are_sets_of_ranges() -> None:
    found = wanted({"ipRanges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/120"}]]}, AT_RUN_TIME)
    assert [[each.subnet for each in ranges] for ranges in found.ip_ranges] == [
        ["10.9.0.0/24"],
        ["fd09::/120"],
    ]


def test_a_flat_list_of_ranges_is_one_set_for_each_family() -> None:
    entries = [
        {"Subnet": "10.9.0.0/24"},
        {"Subnet": "fd09::/120"},
        {"Subnet": "10.8.0.0/24", "RangeStart": "10.8.0.9"},
    ]
    found = wanted({"ipRanges": entries}, AT_RUN_TIME)
    assert [[each.first for each in ranges] for ranges in found.ip_ranges] == [
        ["10.9.0.1", "10.8.0.9"],
        ["fd09::1"],
    ]


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        pytest.param([[]], "runtimeConfig.ipRanges[0]", "empty", id="empty set"),
        pytest.param({}, "runtimeConfig.ipRanges", "a list is expected", id="no list"),
        pytest.param([5], "runtimeConfig.ipRanges[0]", "an object is expected", id="a number for a range"),
        pytest.param([[5]], "runtimeConfig.ipRanges[0][0]", "an object is expected", id="a number in a set"),
        pytest.param(
            [[{"subnet": "10.9.0.1/24"}]], "runtimeConfig.ipRanges[0][0].subnet", "host bits", id="host bits"
        ),
        pytest.param(
            [[{"subnet": "10.9.0.0/24"}, {"subnet": "10.9.0.0/25"}]],
            "runtimeConfig.ipRanges[0][1]",
            "overlaps",
            id="overlap",
        ),
        pytest.param(
            [{"subnet": "10.9.0.0/24"}, {"subnet": "10.9.0.0/25"}],
            "runtimeConfig.ipRanges",
            "overlaps",
            id="flat overlap",
        ),
        pytest.param(
            [[{"subnet": "10.9.0.0/24"}], [{"subnet": "10.8.0.0/24"}]],
            "runtimeConfig.ipRanges[1]",
            "a second IPv4 address",
            id="two sets of one family",
        ),
    ],
)
def test_ranges_of_the_runtime_meet_the_rules_of_configured_ones(
    value: object, path: str, words: str
) -> None:
    assert words in faults({"ipRanges": value}, AT_RUN_TIME)[path]


def test_ranges_of_the_runtime_beside_configured_ones_would_be_a_second_address() -> None:
    said = faults({"ipRanges": [[{"subnet": "10.9.0.0/24"}]]}, PLAN)
    assert "a second IPv4 address" in said["runtimeConfig.ipRanges"]


def test_ranges_of_the_runtime_take_the_place_of_those_that_follow_from_the_network() -> None:
    plan = plan_of(BRIDGE, ipam={"type": "cni-hns"})
    found = wanted({"ipRanges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.128"}]]}, plan)
    assert [each.first for ranges in range_sets(plan, found) for each in ranges] == ["10.1.0.128"]
    assert [each.first for ranges in range_sets(plan, wanted(None, plan)) for each in ranges] == ["10.1.0.1"]
    assert len(range_sets(PLAN, wanted())) == 1


def test_ranges_of_the_runtime_need_our_ipam() -> None:
    plan = plan_of(BRIDGE, ipam={})
    assert (
        "no IPAM of ours"
        in faults({"ipRanges": [[{"subnet": "10.9.0.0/24"}]]}, plan)["runtimeConfig.ipRanges"]
    )


@pytest.mark.parametrize(
    ("runtime", "args", "path"),
    [
        pytest.param([], None, "runtimeConfig", id="runtimeConfig is a list"),
        pytest.param(
            {"portMappings": {}}, None, "runtimeConfig.portMappings", id="portMappings is an object"
        ),
        pytest.param(
            {"portMappings": [80]}, None, "runtimeConfig.portMappings[0]", id="a mapping is a number"
        ),
        pytest.param({"dns": []}, None, "runtimeConfig.dns", id="dns is a list"),
        pytest.param({}, "text", "args", id="args is text"),
        pytest.param({}, {"cni": []}, "args.cni", id="args.cni is a list"),
    ],
)
def test_a_wrong_json_type_is_a_fault_and_never_an_exception(
    runtime: object, args: object, path: str
) -> None:
    assert "is expected" in faults(runtime, PLAN, args)[path]


def test_the_pods_namespace_comes_with_cni_args() -> None:
    assert wanted(None, PLAN, None, K8S_POD_NAMESPACE="web").pod_namespace == "web"
