"""Queries and filters, and how JSON is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import ZERO, Caller, Failed, address, code, network_document

GUID = "7e6c7055-f7a0-44f1-8540-6e92b9538254"


class TestFilters:
    @pytest.fixture
    def made(self, caller: Caller) -> dict[str, str]:
        """Two networks, three endpoints, a namespace."""
        one, two = caller.network(name="one"), caller.network(name="two", prefix="10.8.0.0/24")
        made = {"one": one, "two": two}
        for name, network, value in (("a", one, "10.9.3.7"), ("b", one, "10.9.3.8"), ("c", two, "10.8.0.7")):
            made[name] = caller.endpoint(network, Name=f"{name}_pod", IpConfigurations=[address(value)])
        made["namespace"] = caller.namespace()
        caller.add(made["namespace"], made["a"])
        return made

    @pytest.mark.parametrize(
        ("filter_", "expected"),
        [
            ({}, "abc"),
            ({"Name": "b_pod"}, "b"),
            ({"name": "b_pod"}, "b"),
            ({"Name": "B_POD"}, ""),
            ({"VirtualNetworkName": "one"}, "ab"),
            ({"State": 1}, "abc"),
            ({"State": "1"}, "abc"),
            ({"State": 3}, ""),
            ({"State": [3]}, ""),
            ({"MacAddress": "00-00-00-00-00-00"}, ""),
            ({"IPAddress": "10.8.0.7"}, "c"),
            ({"Flags": 0, "VirtualNetworkName": "two"}, "c"),
            ({"NoSuchMember": 1}, ""),
        ],
    )
    def test_of_endpoints(
        self, caller: Caller, made: dict[str, str], filter_: dict[str, Any], expected: str
    ) -> None:
        assert caller.ids("Endpoint", **filter_) == [made[name] for name in expected]

    @pytest.mark.parametrize("key", ["VirtualNetwork", "HostComputeNetwork", "virtualnetwork"])
    @pytest.mark.parametrize("spelling", ["{guid}", "{GUID}", "{{{guid}}}"])
    def test_by_network_in_any_spelling(
        self, caller: Caller, made: dict[str, str], key: str, spelling: str
    ) -> None:
        written = spelling.format(guid=made["one"], GUID=made["one"].upper())
        assert caller.ids("Endpoint", **{key: written}) == [made["a"], made["b"]]

    def test_by_id_and_namespace(self, caller: Caller, made: dict[str, str]) -> None:
        assert caller.ids("Endpoint", ID=made["c"].upper()) == [made["c"]]
        assert caller.ids("Endpoint", HostComputeNamespace=made["namespace"]) == [made["a"]]
        assert caller.ids("Network", ID=made["two"]) == [made["two"]]
        assert caller.ids("Network", Name="two") == [made["two"]]
        assert caller.ids("Network", ID=GUID) == []

    def test_of_a_list_by_its_json_text(self, caller: Caller, made: dict[str, str]) -> None:
        assert caller.ids("Endpoint", Policies="[]") == [made["a"], made["b"], made["c"]]


def _asked(caller: Caller, handle: Any, query: str) -> Any:
    if "Filter" in query:
        return caller.answered("HcnEnumerateNetworks", caller.wide(query))
    return caller.query("Network", handle, query)


class TestQueries:
    @pytest.mark.parametrize(
        ("query", "hresult"),
        [
            pytest.param("{", 0x803B001B, id="no JSON"),
            pytest.param("[]", 0x803B001B, id="no object"),
            pytest.param('{"Filter": {}}', 0x803B001B, id="a filter that is no text"),
            pytest.param('{"Filter": "["}', 0x803B001B, id="a filter that holds no JSON"),
            pytest.param('{"SchemaVersion": 2}', 0x80070057, id="a version that is a number"),
            pytest.param('{"SchemaVersion": {"Major": "2"}}', 0x80070057, id="a version in text"),
            pytest.param("[" * 100_000, 0x803B001B, id="no end of brackets"),
        ],
    )
    def test_one_that_cannot_be_read(self, caller: Caller, query: str, hresult: int) -> None:
        handle = caller.open("Network", caller.network())
        try:
            with pytest.raises(Failed, match=code(hresult)):
                _ = _asked(caller, handle, query)
        finally:
            caller.close("Network", handle)

    @pytest.mark.parametrize("query", [None, "", "{}", '{"SchemaVersion":{"Major":0,"Minor":0}}'])
    def test_one_without_a_version_is_answered_in_v2(self, caller: Caller, query: str | None) -> None:
        handle = caller.open("Network", caller.network())
        assert "Ipams" in caller.query("Network", handle, query)
        caller.close("Network", handle)

    def test_an_endpoint_without_any_query_is_answered_in_v1(self, caller: Caller) -> None:
        handle = caller.open("Endpoint", caller.endpoint(caller.network()))
        assert {"IPAddress", "VirtualNetworkName"} <= set(caller.query("Endpoint", handle, None))
        assert "IpConfigurations" in caller.query("Endpoint", handle, "")
        caller.close("Endpoint", handle)

    def test_by_option_it_is_answered_in_v1(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(default_query_schema=1)
        handle = caller.open("Network", caller.network())
        assert "Subnets" in caller.query("Network", handle, "{}")
        caller.close("Network", handle)

    def test_by_option_none_is_refused(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(null_query_accepted=False)
        with pytest.raises(Failed, match=code(0x80070057)):
            caller.answered("HcnEnumerateNetworks", caller.wide(None))

    def test_every_family_has_both_shapes(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network())
        made = {
            "Network": caller.ids("Network")[0],
            "Endpoint": endpoint,
            "Namespace": caller.namespace(),
            "LoadBalancer": caller.create(
                "LoadBalancer",
                {
                    "HostComputeEndpoints": [endpoint],
                    "PortMappings": [{"Protocol": 6, "InternalPort": 80, "ExternalPort": 80}],
                },
            ),
            "SdnRoute": caller.create(
                "SdnRoute",
                {"HostComputeEndpoints": [endpoint], "Routes": [{"DestinationPrefix": "10.96.0.0/12"}]},
            ),
        }
        for family, guid in made.items():
            v2, v1 = caller.get(family, guid), caller.get(family, guid, 1)
            assert (v2["ID"], v1["ID"]) == (guid, guid.upper())
            assert "SchemaVersion" in v2
            assert "SchemaVersion" not in v1


class TestDocuments:
    @pytest.mark.parametrize(
        ("text", "hresult"),
        [
            pytest.param("", 0x803B001B, id="nothing"),
            pytest.param("net", 0x803B001B, id="no JSON"),
            pytest.param('["net"]', 0x803B001B, id="no object"),
            pytest.param('{"Name": 7}', 0x80070057, id="a number for a text"),
            pytest.param('{"Flags": "8"}', 0x80070057, id="a text for a number"),
            pytest.param('{"Flags": -1}', 0x80070057, id="below zero"),
            pytest.param('{"Flags": 4294967296}', 0x80070057, id="more than 32 bits"),
            pytest.param('{"Ipams": {}}', 0x80070057, id="an object for a list"),
            pytest.param('{"Ipams": ["Static"]}', 0x80070057, id="texts for objects"),
            pytest.param('{"Dns": []}', 0x80070057, id="a list for an object"),
            pytest.param('{"Dns": {"ServerList": [1]}}', 0x80070057, id="numbers for texts"),
            pytest.param('{"Name": "half \\ud800"}', 0x803B001B, id="half a surrogate pair"),
        ],
    )
    def test_one_that_cannot_be_read(self, caller: Caller, text: str, hresult: int) -> None:
        with pytest.raises(Failed, match=code(hresult)):
            caller.opened("HcnCreateNetwork", caller.guid(ZERO), caller.wide(text))

    def test_members_are_read_in_any_case_and_unknown_ones_ignored(self, caller: Caller) -> None:
        def shouted(value: Any) -> Any:
            if isinstance(value, dict):
                return {name.upper(): shouted(item) for name, item in value.items()}
            return [shouted(item) for item in value] if isinstance(value, list) else value

        document = {**network_document("L2Bridge", "net", "10.9.3.0/24"), "Colour": "green"}
        found = caller.get("Network", caller.create("Network", shouted(document)))
        assert found["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] == "10.9.3.1"
        assert "Colour" not in found

    def test_null_counts_as_missing(self, caller: Caller) -> None:
        endpoint = caller.endpoint(
            caller.network(), Name=None, Policies=None, IpConfigurations=None, Dns=None, Routes=None
        )
        assert caller.get("Endpoint", endpoint)["Name"] == "Ethernet"

    def test_text_beyond_the_first_plane_survives(self, caller: Caller) -> None:
        assert caller.get("Endpoint", caller.endpoint(caller.network(), Name="pod \U0001f427 ä"))["Name"] == (
            "pod \U0001f427 ä"
        )

    def test_the_error_record_of_an_old_service_has_no_code(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        simulator.set_options(hns_version="7.2")
        with pytest.raises(Failed) as failure:
            caller.delete("Network", GUID)
        assert json.loads(failure.value.record) == {"Success": False, "Error": "The network was not found. "}
