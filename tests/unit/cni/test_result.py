from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.errors import DECODE_FAILURE, INCOMPATIBLE_VERSION, INVALID_CONFIG, CniError
from cni_hns.cni.protocol import SUPPORTED, to_text
from cni_hns.cni.result import Dns, Interface, IpConfig, Result, Route, dump, family, merge, parse

FULL = Result(
    interfaces=[
        Interface("eth0", "00:15:5d:01:02:03", "netns", mtu=1450, socket_path="/s", pci_id="1:2"),
        Interface("vSwitch"),
    ],
    ips=[
        IpConfig("10.1.2.3/24", "10.1.2.1", 0),
        IpConfig("10.1.2.4/24"),
        IpConfig("fd00::3/64", "fd00::1", 1),
        IpConfig("::ffff:10.9.9.9/120"),
    ],
    routes=[
        Route("0.0.0.0/0", "10.1.2.1"),
        Route("10.96.0.7/12", mtu=1400, advmss=1300, priority=5, table=0, scope=0),
        Route("::/0", "fd00::1"),
    ],
    dns=Dns(["10.96.0.10"], "cluster.local", ["a", "b"], ["ndots:5"]),
)
EMPTY = Result(interfaces=[], ips=[], routes=[], dns=Dns([], "", [], []))

ROUTES: list[dict[str, object]] = [
    {"dst": "0.0.0.0/0", "gw": "10.1.2.1"},
    {"dst": "10.96.0.7/12", "mtu": 1400, "advmss": 1300, "priority": 5, "table": 0, "scope": 0},
    {"dst": "::/0", "gw": "fd00::1"},
]
DNS = {"nameservers": ["10.96.0.10"], "domain": "cluster.local", "search": ["a", "b"], "options": ["ndots:5"]}


def in_order(text: str) -> Any:
    """The document as nested pairs, so that comparing compares the order of keys too."""
    return json.loads(text, object_pairs_hook=list)


class TestDump:
    @pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
    def test_1x_has_sorted_keys_and_keeps_what_is_of_1_1_only(self, version: str) -> None:
        expected = {
            "cniVersion": version,
            "dns": dict(sorted(DNS.items())),
            "interfaces": [
                {
                    "mac": "00:15:5d:01:02:03",
                    "mtu": 1450,
                    "name": "eth0",
                    "pciID": "1:2",
                    "sandbox": "netns",
                    "socketPath": "/s",
                },
                {"name": "vSwitch"},
            ],
            "ips": [
                {"address": "10.1.2.3/24", "gateway": "10.1.2.1", "interface": 0},
                {"address": "10.1.2.4/24"},
                {"address": "fd00::3/64", "gateway": "fd00::1", "interface": 1},
                {"address": "::ffff:10.9.9.9/120"},
            ],
            "routes": [dict(sorted(route.items())) for route in ROUTES],
        }
        assert in_order(to_text(dump(FULL, version))) == in_order(json.dumps(expected))

    @pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0"])
    def test_03_and_04_have_a_family_and_keep_only_the_extras_of_routes(self, version: str) -> None:
        expected = {
            "cniVersion": version,
            "interfaces": [
                {"name": "eth0", "mac": "00:15:5d:01:02:03", "sandbox": "netns"},
                {"name": "vSwitch"},
            ],
            "ips": [
                {"version": "4", "interface": 0, "address": "10.1.2.3/24", "gateway": "10.1.2.1"},
                {"version": "4", "address": "10.1.2.4/24"},
                {"version": "6", "interface": 1, "address": "fd00::3/64", "gateway": "fd00::1"},
                {"version": "4", "address": "::ffff:10.9.9.9/120"},
            ],
            "routes": ROUTES,
            "dns": DNS,
        }
        assert in_order(to_text(dump(FULL, version))) == in_order(json.dumps(expected))

    @pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
    def test_01_and_02_have_the_first_address_of_each_family_with_its_routes(self, version: str) -> None:
        expected = {
            "cniVersion": version,
            "ip4": {
                "ip": "10.1.2.3/24",
                "gateway": "10.1.2.1",
                "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.2.1"}, {"dst": "10.96.0.7/12"}],
            },
            "ip6": {"ip": "fd00::3/64", "gateway": "fd00::1", "routes": [{"dst": "::/0", "gw": "fd00::1"}]},
            "dns": DNS,
        }
        assert in_order(to_text(dump(FULL, version))) == in_order(json.dumps(expected))

    def test_02_drops_the_routes_of_a_family_without_address(self) -> None:
        document = dump(FULL._replace(ips=[IpConfig("fd00::3/64")]), "0.2.0")
        assert document == {
            "cniVersion": "0.2.0",
            "ip6": {"ip": "fd00::3/64", "routes": [{"dst": "::/0", "gw": "fd00::1"}]},
            "dns": DNS,
        }

    @pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
    def test_02_without_any_address_is_an_error_that_says_what_to_do(self, version: str) -> None:
        with pytest.raises(CniError) as caught:
            dump(EMPTY, version)
        assert caught.value.code == INVALID_CONFIG
        assert "0.3.0" in caught.value.details

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            pytest.param("0.3.1", {"cniVersion": "0.3.1", "dns": {}}, id="0.x prints an empty dns"),
            pytest.param("1.1.0", {"cniVersion": "1.1.0"}, id="1.x leaves an empty dns out"),
        ],
    )
    def test_empty_members(self, version: str, expected: dict[str, object]) -> None:
        assert dump(EMPTY, version) == expected

    def test_an_unknown_version_has_no_converter(self) -> None:
        with pytest.raises(CniError, match=r"no converter for CNI result version 1\.1\.0 to 2\.0\.0"):
            dump(FULL, "2.0.0")

    def test_the_text_is_indented_by_four_spaces_and_has_no_newline_at_the_end(self) -> None:
        text = to_text(dump(Result(ips=[IpConfig("10.0.0.2/8")]), "1.0.0"))
        assert text == (
            "{\n"
            '    "cniVersion": "1.0.0",\n'
            '    "ips": [\n'
            "        {\n"
            '            "address": "10.0.0.2/8"\n'
            "        }\n"
            "    ]\n"
            "}"
        )


class TestParse:
    def test_02_gives_ip4_before_ip6_and_both_lists_of_routes(self) -> None:
        document = {
            "ip6": {"ip": "fd00::3/64", "routes": [{"dst": "::/0", "gw": "fd00::1"}]},
            "ip4": {"ip": "10.1.2.3/24", "gateway": "10.1.2.1", "routes": [{"dst": "0.0.0.0/0"}]},
            "dns": {"nameservers": ["10.0.0.1"]},
        }
        assert parse(document, "0.2.0") == Result(
            interfaces=[],
            ips=[IpConfig("10.1.2.3/24", "10.1.2.1"), IpConfig("fd00::3/64")],
            routes=[Route("0.0.0.0/0"), Route("::/0", "fd00::1")],
            dns=Dns(["10.0.0.1"], "", [], []),
        )

    @pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
    def test_a_body_of_1x_under_an_old_version_is_empty(self, version: str) -> None:
        assert parse(dump(FULL, "1.1.0") | {"cniVersion": version, "dns": None}, "1.1.0") == EMPTY

    def test_its_own_version_counts_before_the_configuration_s(self) -> None:
        document = {"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.2/24"}}
        assert parse(document, "1.1.0").ips == [IpConfig("10.0.0.2/24")]

    @pytest.mark.parametrize("own", [{}, {"cniVersion": ""}, {"cniVersion": None}])
    def test_without_one_it_is_the_configuration_s(self, own: dict[str, object]) -> None:
        assert parse(own | {"ip4": {"ip": "10.0.0.2/24"}}, "0.2.0").ips == [IpConfig("10.0.0.2/24")]

    def test_keys_are_matched_in_any_case_and_null_is_absent(self) -> None:
        document = {
            "CNIVersion": "1.1.0",
            "Interfaces": [{"Name": "eth0", "PCIId": "1", "mac": None}],
            "IPs": [{"Address": "10.0.0.2/24", "Gateway": None, "Interface": 0}],
            "routes": None,
            "DNS": {"NameServers": None},
        }
        assert parse(document, "1.0.0") == Result(
            interfaces=[Interface("eth0", pci_id="1")],
            ips=[IpConfig("10.0.0.2/24", interface=0)],
            routes=[],
            dns=Dns([], "", [], []),
        )

    def test_members_that_no_version_knows_are_left_aside(self) -> None:
        assert parse({"more": {"x": 1}, "interfaces": [{"name": "a", "more": 1}]}, "1.0.0").interfaces == [
            Interface("a")
        ]

    def test_an_empty_gateway_is_none(self) -> None:
        assert parse({"ips": [{"address": "10.0.0.2/24", "gateway": ""}]}, "1.0.0").ips[0].gateway is None

    def test_an_unknown_version_is_refused(self) -> None:
        with pytest.raises(CniError, match=r'unsupported CNI result version "9\.9\.9"') as caught:
            parse({"cniVersion": "9.9.9"}, "1.0.0")
        assert caught.value.code == INCOMPATIBLE_VERSION

    @pytest.mark.parametrize(
        ("document", "path"),
        [
            pytest.param([], "prevResult", id="not an object"),
            pytest.param({"cniVersion": 1}, "prevResult.cniVersion", id="version not text"),
            pytest.param({"interfaces": {}}, "prevResult.interfaces", id="interfaces not a list"),
            pytest.param({"interfaces": [1]}, "prevResult.interfaces[0]", id="interface not an object"),
            pytest.param({"interfaces": [{"name": 1}]}, "prevResult.interfaces[0].name", id="name not text"),
            pytest.param(
                {"interfaces": [{"mtu": "1"}]}, "prevResult.interfaces[0].mtu", id="mtu not a number"
            ),
            pytest.param({"interfaces": [{"mtu": True}]}, "prevResult.interfaces[0].mtu", id="mtu true"),
            pytest.param({"ips": [{}]}, "prevResult.ips[0].address", id="no address"),
            pytest.param({"ips": [{"address": "10.0.0.1"}]}, "prevResult.ips[0].address", id="no prefix"),
            pytest.param({"ips": [{"address": "10.0.0.1/33"}]}, "prevResult.ips[0].address", id="prefix 33"),
            pytest.param({"ips": [{"address": "fe80::1%a/64"}]}, "prevResult.ips[0].address", id="zone"),
            pytest.param(
                {"ips": [{"address": "10.0.0.1/8", "gateway": "10.0.0.1/8"}]},
                "prevResult.ips[0].gateway",
                id="gateway with a prefix",
            ),
            pytest.param(
                {"ips": [{"address": "10.0.0.1/8", "interface": "0"}]},
                "prevResult.ips[0].interface",
                id="index not a number",
            ),
            pytest.param({"routes": [{"gw": "10.0.0.1"}]}, "prevResult.routes[0].dst", id="route to nowhere"),
            pytest.param(
                {"routes": [{"dst": "0.0.0.0/0", "gw": "x"}]}, "prevResult.routes[0].gw", id="bad gw"
            ),
            pytest.param({"dns": []}, "prevResult.dns", id="dns not an object"),
            pytest.param({"dns": {"search": [1]}}, "prevResult.dns.search", id="search not text"),
            pytest.param(
                {"cniVersion": "0.2.0", "ip4": {"ip": "x"}}, "prevResult.ip4.ip", id="bad address of 0.2.0"
            ),
            pytest.param({"cniVersion": "0.2.0", "ip6": []}, "prevResult.ip6", id="ip6 not an object"),
        ],
    )
    def test_what_cannot_be_read_is_named_by_its_path(self, document: object, path: str) -> None:
        with pytest.raises(CniError) as caught:
            parse(document, "1.1.0")
        assert caught.value.code == DECODE_FAILURE
        assert caught.value.msg.startswith(path + " ")

    def test_all_faults_are_in_one_error(self) -> None:
        document = {"ips": [{}, {}], "dns": [], "interfaces": 1}
        with pytest.raises(CniError) as caught:
            parse(document, "1.1.0", where="answer")
        assert caught.value.msg.count("answer.") == 4


class TestConversionAsLibcniDoesIt:
    @pytest.mark.parametrize("source", SUPPORTED)
    @pytest.mark.parametrize("target", SUPPORTED)
    def test_between_all_versions(self, source: str, target: str) -> None:
        """Whatever the older of the two cannot say is lost on the way, and only that."""
        converted = dump(parse(dump(FULL, source), source), target)
        older, newer = sorted((source, target))
        if newer < "0.3.0" or older >= "1.0.0" or "0.3.0" <= older <= newer < "1.0.0":
            assert converted == dump(FULL, source) | {"cniVersion": target}
        elif source == older:
            assert dump(parse(converted, target), source) == dump(FULL, source)
        else:
            assert converted == dump(FULL, target)

    def test_an_address_whose_version_is_missing_counts_as_neither_family(self) -> None:
        document = {
            "cniVersion": "0.4.0",
            "ips": [{"address": "10.0.0.2/8"}, {"version": "4", "address": "10.0.0.3/8"}],
        }
        result = parse(document, "0.4.0")
        assert dump(result, "0.2.0")["ip4"] == {"ip": "10.0.0.3/8"}
        assert dump(result, "0.3.1")["ips"] == [{"version": "", "address": "10.0.0.2/8"}, document["ips"][1]]
        assert dump(result, "1.0.0")["ips"] == [{"address": "10.0.0.2/8"}, {"address": "10.0.0.3/8"}]

    @pytest.mark.parametrize(
        ("address", "expected"),
        [("10.0.0.1/8", "4"), ("fd00::1/64", "6"), ("::ffff:10.0.0.1/120", "4"), ("::/0", "6")],
    )
    def test_family(self, address: str, expected: str) -> None:
        assert family(address) == expected


class TestMerge:
    """CNI SPEC, section 2, "ADD": "If a plugin is supplied a prevResult, it MUST pass it through"."""

    def test_without_a_previous_result_it_is_ours(self) -> None:
        assert merge(None, FULL) is FULL

    def test_ours_comes_behind_and_its_indices_move(self) -> None:
        previous = Result(
            [Interface("host")], [IpConfig("10.0.0.9/8", interface=0)], [Route("0.0.0.0/0", "10.0.0.1")]
        )
        ours = Result(
            [Interface("eth0"), Interface("eth1")],
            [IpConfig("10.1.0.2/16", interface=1), IpConfig("10.1.0.3/16")],
            [Route("0.0.0.0/0", "10.0.0.1"), Route("0.0.0.0/0", "10.1.0.1")],
        )
        merged = merge(previous, ours)
        assert list(merged.interfaces) == [Interface("host"), Interface("eth0"), Interface("eth1")]
        assert list(merged.ips) == [
            IpConfig("10.0.0.9/8", interface=0),
            IpConfig("10.1.0.2/16", interface=2),
            IpConfig("10.1.0.3/16"),
        ]
        assert list(merged.routes) == [Route("0.0.0.0/0", "10.0.0.1"), Route("0.0.0.0/0", "10.1.0.1")]

    @pytest.mark.parametrize(
        ("ours", "expected"),
        [
            pytest.param(Dns(), Dns(["1.1.1.1"]), id="ours is empty"),
            pytest.param(Dns([], "", [], []), Dns(["1.1.1.1"]), id="ours has empty lists"),
            pytest.param(Dns(domain="d"), Dns(domain="d"), id="ours is set"),
        ],
    )
    def test_dns(self, ours: Dns, expected: Dns) -> None:
        assert merge(Result(dns=Dns(["1.1.1.1"])), Result(dns=ours)).dns == expected


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
prefixed = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: f"{pair[0]}/{pair[1]}")
addresses = st.none() | st.ip_addresses().map(str)
numbers = st.integers(0, 2**32)
interfaces = st.builds(Interface, texts, texts, texts, numbers, texts, texts)
ips = st.builds(IpConfig, prefixed, addresses, st.none() | st.integers(0, 9), st.none())
routes = st.builds(
    Route, prefixed, addresses, numbers, numbers, numbers, st.none() | numbers, st.none() | numbers
)
dns = st.builds(Dns, st.lists(texts), texts, st.lists(texts), st.lists(texts))
results = st.builds(Result, st.lists(interfaces), st.lists(ips), st.lists(routes), dns)


class TestProperties:
    @given(results, st.sampled_from(["1.0.0", "1.1.0"]))
    def test_parse_is_the_inverse_of_dump(self, result: Result, version: str) -> None:
        assert parse(json.loads(to_text(dump(result, version))), "0.1.0") == result

    @given(results, st.sampled_from(SUPPORTED))
    def test_dump_is_the_inverse_of_parse(self, result: Result, version: str) -> None:
        try:
            document = dump(result, version)
        except CniError:
            assert not result.ips
            assert version in ("0.1.0", "0.2.0")
            return
        assert in_order(to_text(dump(parse(document, version), version))) == in_order(to_text(document))

    @given(results, results)
    def test_merging_loses_nothing(self, previous: Result, ours: Result) -> None:
        merged = merge(previous, ours)
        assert len(merged.interfaces) == len(previous.interfaces) + len(ours.interfaces)
        assert list(merged.ips[: len(previous.ips)]) == list(previous.ips)
        assert len(merged.ips) == len(previous.ips) + len(ours.ips)
        assert set(merged.routes) == {*previous.routes, *ours.routes}
