"""Documents of the V1 shape through the V2 functions, and either shape as the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.binding._generated_ffi import ffi
from tests.conformance import shapes
from tests.conformance.documents import MAC_POOL, endpoint, load_balancer, overlay
from tests.conformance.program import Program, compact, guid_pointer, wide

NETWORK = {
    "Name": "GoNat",
    "Type": "NAT",
    "MacPools": MAC_POOL["Ranges"],
    "Subnets": [{"AddressPrefix": "192.168.100.0/24", "GatewayAddress": "192.168.100.1"}],
}


def test_a_network_is_created_and_deleted(program: Program) -> None:
    made = program.networks.create(NETWORK)
    assert made["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] == "192.168.100.1"
    assert made["MacPool"] == MAC_POOL
    program.networks.delete(made["ID"])


def test_an_endpoint_is_created_and_deleted(program: Program) -> None:
    home = program.networks.create(NETWORK)["ID"]
    made = program.endpoints.create({"Name": "ep", "VirtualNetwork": home}, home)
    assert made["HostComputeNetwork"] == home
    assert made["IpConfigurations"]
    program.endpoints.delete(made["ID"])
    program.networks.delete(home)


@pytest.mark.parametrize(
    "version",
    [
        pytest.param({}, id="none"),
        pytest.param({"SchemaVersion": {"Major": 1, "Minor": 0}}, id="1.0"),
        pytest.param({"SchemaVersion": {"Major": 0, "Minor": 0}}, id="0.0"),
        pytest.param({"schemaversion": None}, id="null"),
    ],
)
def test_the_shape_decides_where_the_version_says_nothing(program: Program, version: dict[str, Any]) -> None:
    made = program.networks.create({**NETWORK, **version})
    assert made["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] == "192.168.100.0/24"


def test_a_v2_document_without_a_version(program: Program) -> None:
    document = {key: value for key, value in overlay().items() if key != "SchemaVersion"}
    made = program.networks.create(document)
    assert made["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] == "192.168.100.0/24"
    assert made["SchemaVersion"] == {"Major": 2, "Minor": 0}


def _asked(program: Program, family: str, guid: str, query: str) -> Any:
    handle, answer = ffi.new("void **"), ffi.new("PWSTR *")
    program.call(f"HcnOpen{family}", guid_pointer(guid), handle)
    program.call(f"HcnQuery{family}Properties", handle[0], wide(query), answer)
    assert getattr(program.libraries.computenetwork, f"HcnClose{family}")(handle[0]) == 0
    return json.loads(program.take(answer))


class TestQueriesInSchema1:
    """Microsoft's module reads everything that it made in the V1 shape."""

    QUERY = '{"SchemaVersion": { "Major": 1, "Minor": 0 }}'

    def test_of_each_kind(self, program: Program) -> None:
        home = program.networks.create(overlay())["ID"]
        pod = program.endpoints.create(endpoint("ep"), home)["ID"]
        space = program.namespaces.create({"SchemaVersion": {"Major": 2, "Minor": 2}})["ID"]
        balancer = program.load_balancers.create(load_balancer(pod))["ID"]
        program.add_to_namespace(space, pod)
        found = shapes.read(shapes.V1_NETWORK, _asked(program, "Network", home, self.QUERY))
        assert (found["ID"].lower(), found["Type"]) == (home, "Overlay")
        assert found["Subnets"][0]["Policies"] == [{"Type": "VSID", "VSID": 5000}]
        found = shapes.read(shapes.V1_ENDPOINT, _asked(program, "Endpoint", pod, self.QUERY))
        assert (found["ID"].lower(), found["VirtualNetwork"].lower()) == (pod, home)
        assert found["Namespace"]["ID"].lower() == space
        found = shapes.read(shapes.V1_NAMESPACE, _asked(program, "Namespace", space, self.QUERY))
        assert found["ResourceList"] == [{"Type": "Endpoint", "Data": {"Id": pod.upper()}}]
        found = shapes.read(shapes.V1_POLICY_LIST, _asked(program, "LoadBalancer", balancer, self.QUERY))
        assert found["References"] == [f"/endpoints/{pod.upper()}"]

    @pytest.mark.parametrize(
        "query", ["", "{}", '{"Flags":1}', '{"SchemaVersion":{"Major":2,"Minor":0},"Flags":1}']
    )
    def test_every_other_query_is_answered_in_the_newer_shape(self, program: Program, query: str) -> None:
        home = program.networks.create(overlay())["ID"]
        assert "Ipams" in _asked(program, "Network", home, query)


class TestFilters:
    def test_an_endpoint_by_all_that_clients_know_of_it(self, program: Program) -> None:
        home = program.networks.create(overlay())["ID"]
        pod = program.endpoints.create(endpoint("ep"), home)["ID"]
        filters: list[dict[str, object]] = [
            {"ID": pod},
            {"ID": pod.upper()},
            {"Id": f"{{{pod}}}"},
            {"Name": "ep"},
            {"VirtualNetwork": home},
            {"VirtualNetwork": home.upper()},
            {"virtualnetwork": f"{{{home}}}"},
            {"VirtualNetworkName": "GoOverlay"},
            {"State": 1},
            {"Name": "ep", "VirtualNetwork": home, "State": 1},
        ]
        for filter_ in filters:
            assert [item["ID"] for item in program.endpoints.all(**filter_)] == [pod], filter_
        others: list[dict[str, object]] = [
            {"State": 3},
            {"State": 2},
            {"Name": "EP"},
            {"VirtualNetworkName": "other"},
        ]
        for filter_ in others:
            assert program.endpoints.all(**filter_) == [], filter_

    def test_an_empty_one_selects_all(self, program: Program) -> None:
        """Microsoft's module always sends a filter, over two lines where it is empty."""
        program.networks.create(overlay())
        query = compact({"SchemaVersion": {"Major": 2, "Minor": 0}, "Filter": "{\r\n\r\n}"})
        answer = ffi.new("PWSTR *")
        program.call("HcnEnumerateNetworks", wide(query), answer)
        assert len(json.loads(program.take(answer))) == 1


@pytest.mark.parametrize(
    "spelling", [str.upper, str.lower, "{{{}}}".format], ids=["upper", "lower", "braces"]
)
def test_the_document_names_the_new_objects_id(program: Program, spelling: Any) -> None:
    wanted = "5f0b1190-63be-4e0c-b974-bd0f55675a42"
    made = program.networks.create({**overlay(), "ID": spelling(wanted)})
    assert made["ID"].lower() == wanted
