"""The C functions as other programs meet them: what they look up, what they leave NULL, what they reuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator import Simulator
from tests.conformance.documents import endpoint, overlay
from tests.conformance.program import ZERO, Failed, Program, compact, guid_pointer, wide

FAMILIES = ("Network", "Endpoint", "Namespace", "LoadBalancer", "SdnRoute")
OF_EVERY_FAMILY = [
    *(
        f"Hcn{verb}{family}"
        for verb in ("Create", "Open", "Modify", "Delete", "Close")
        for family in FAMILIES
    ),
    *(f"HcnEnumerate{family}s" for family in FAMILIES),
    *(f"HcnQuery{family}Properties" for family in FAMILIES),
]
OTHERS = [
    "HcnQueryEndpointStats",
    "HcnQueryEndpointAddresses",
    "HcnRegisterServiceCallback",
    "HcnUnregisterServiceCallback",
]
# Exports of a real system that this one does not have: the inside of virtual machines, and port reservations.
NOT_HERE = [
    "HcnOpenService",
    "HcnCloseService",
    "HcnEnumerateGuestNetworkServices",
    "HcnCreateGuestNetworkService",
    "HcnRegisterGuestNetworkServiceCallback",
    "HcnReserveGuestNetworkServicePort",
    "HcnReserveGuestNetworkServicePortRange",
    "HcnReleaseGuestNetworkServicePortReservationHandle",
    "HcnEnumerateGuestNetworkPortReservations",
    "HcnFreeGuestNetworkPortReservations",
    "HcnCreateEverything",
]
TWO_TWO = {"Minor": 2, "Major": 2}


@pytest.fixture
def network(program: Program) -> str:
    """An overlay network; its ID."""
    return str(program.networks.create(overlay())["ID"])


@pytest.fixture
def dll(program: Program) -> Any:
    """computenetwork.dll."""
    return program.libraries.computenetwork


class TestExports:
    @pytest.mark.parametrize("function", [*OF_EVERY_FAMILY, *OTHERS])
    def test_what_clients_look_up_is_there(self, dll: Any, function: str) -> None:
        assert getattr(dll, function) != ffi.NULL
        assert getattr(dll, function) == getattr(dll, function)

    @pytest.mark.parametrize("function", NOT_HERE)
    def test_what_is_not_there_says_so(self, dll: Any, function: str) -> None:
        """A client that looks a function up at its first use has its own error for this one."""
        with pytest.raises(AttributeError, match=f"'{function}' not found"):
            getattr(dll, function)

    def test_a_windows_without_some(self, simulator: Simulator, program: Program) -> None:
        simulator.set_options(missing_functions=["HcnModifyLoadBalancer"])
        older = simulator.libraries()
        with pytest.raises(AttributeError):
            _ = older.computenetwork.HcnModifyLoadBalancer


class TestNullRecords:
    def test_every_call_can_be_made_without_one(self, dll: Any, program: Program) -> None:
        none, zero = ffi.NULL, guid_pointer(ZERO)
        network, pod, answer = ffi.new("void **"), ffi.new("void **"), ffi.new("PWSTR *")
        assert dll.HcnCreateNetwork(zero, wide(compact(overlay())), network, none) == 0
        assert dll.HcnCreateEndpoint(network[0], zero, wide(compact(endpoint("ep"))), pod, none) == 0
        assert dll.HcnQueryEndpointProperties(pod[0], wide(""), answer, none) == 0
        guid = json.loads(program.take(answer))["ID"]
        request = {"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": []}}
        assert dll.HcnModifyEndpoint(pod[0], wide(compact(request)), none) == 0
        assert dll.HcnEnumerateEndpoints(wide(""), answer, none) == 0
        assert json.loads(program.take(answer)) == [guid]
        assert dll.HcnCloseEndpoint(pod[0]) == dll.HcnCloseNetwork(network[0]) == 0
        assert dll.HcnDeleteEndpoint(guid_pointer(guid), none) == 0
        assert dll.HcnDeleteEndpoint(guid_pointer(guid), none) & 0xFFFFFFFF == 0x803B0002

    @pytest.mark.parametrize("function", ["HcnEnumerateNetworks", "HcnEnumerateNamespaces"])
    def test_no_query_is_every_object(self, dll: Any, program: Program, network: str, function: str) -> None:
        answer = ffi.new("PWSTR *")
        assert getattr(dll, function)(ffi.NULL, answer, ffi.NULL) == 0
        assert len(json.loads(program.take(answer))) == 1

    def test_no_id_is_the_zero_one(self, dll: Any, program: Program) -> None:
        handle = ffi.new("void **")
        assert dll.HcnCreateNetwork(ffi.NULL, wide(compact(overlay())), handle, ffi.NULL) == 0
        assert dll.HcnCloseNetwork(handle[0]) == 0
        assert dll.HcnOpenNetwork(ffi.NULL, handle, ffi.NULL) & 0xFFFFFFFF == 0x803B0001

    def test_no_document_is_no_object(self, dll: Any) -> None:
        handle = ffi.new("void **")
        answer = dll.HcnCreateNetwork(guid_pointer(ZERO), ffi.NULL, handle, ffi.NULL)
        assert (answer & 0xFFFFFFFF, handle[0]) == (0x803B001B, ffi.NULL)


class TestReusedVariables:
    """Programs declare a record, a handle and a text once and use them for call after call."""

    def test_what_was_freed_and_closed_is_written_over(
        self, dll: Any, program: Program, network: str
    ) -> None:
        handle, answer, record = ffi.new("void **"), ffi.new("PWSTR *"), ffi.new("PWSTR *")
        for _ in range(3):
            assert dll.HcnOpenNetwork(guid_pointer(network), handle, record) == 0
            assert dll.HcnQueryNetworkProperties(handle[0], wide(""), answer, record) == 0
            program.libraries.ole32.CoTaskMemFree(answer[0])
            assert dll.HcnCloseNetwork(handle[0]) == 0
            assert dll.HcnOpenNamespace(guid_pointer(network), handle, record) & 0xFFFFFFFF == 0x80070490
            assert handle[0] == ffi.NULL
            program.libraries.ole32.CoTaskMemFree(record[0])

    def test_what_was_never_set_is_written_over(self, dll: Any, program: Program, network: str) -> None:
        answer, record = ffi.new("PWSTR *"), ffi.new("PWSTR *")
        answer[0] = record[0] = ffi.cast("PWSTR", 0xCDCDCDCD)
        assert dll.HcnEnumerateNetworks(wide("{}"), answer, record) == 0
        assert record[0] == ffi.NULL
        assert json.loads(program.take(answer)) == [network]

    def test_hnscalls_too(self, program: Program, network: str) -> None:
        response = ffi.new("PWSTR *")
        arguments = [wide("GET"), wide("/networks/"), wide("")]
        for _ in range(2):
            assert program.libraries.vmcompute.HNSCall(*arguments, response) == 0
            text = response[0]
            assert json.loads(ffi.string(text))["Success"] is True
            program.libraries.ole32.CoTaskMemFree(text)


class TestSpellings:
    """Enums by name or by number, members in any case, GUIDs in any form."""

    @pytest.mark.parametrize(
        ("add", "remove"),
        [
            pytest.param(("Endpoint", "Add"), ("Endpoint", "Remove"), id="by name"),
            pytest.param(("endpoint", "ADD"), ("ENDPOINT", "remove"), id="by name in any case"),
            pytest.param((1, 0), (1, 1), id="by number"),
        ],
    )
    @pytest.mark.parametrize(
        "spelled", [str.lower, str.upper, "{{{}}}".format], ids=["lower", "upper", "braces"]
    )
    def test_a_namespaces_requests(
        self, program: Program, network: str, add: tuple[Any, Any], remove: tuple[Any, Any], spelled: Any
    ) -> None:
        pod = program.endpoints.create(endpoint("ep"), network)["ID"]
        space = program.namespaces.create({"Type": 0, "SchemaVersion": {"Major": 2, "Minor": 0}})["ID"]
        for (resource, request), members in ((add, [pod.upper()]), (remove, [])):
            body = {
                "ResourceType": resource,
                "RequestType": request,
                "Settings": {"EndpointId": spelled(pod)},
            }
            program.namespaces.modify(space, body)
            assert program.members_of(space) == members

    @pytest.mark.parametrize(("resource", "request_"), [("Policy", "Add"), (1, 0)], ids=["names", "numbers"])
    def test_an_endpoints_requests(
        self, program: Program, network: str, resource: Any, request_: Any
    ) -> None:
        pod = program.endpoints.create(endpoint("ep"), network)["ID"]
        rule = {"action": "allow", "DIRECTION": "in", "protocols": "6"}
        body = {
            "resourcetype": resource,
            "requesttype": request_,
            "settings": {"policies": [{"type": "acl", "settings": rule}]},
        }
        (found,) = program.endpoints.modify(pod, body)["Policies"]
        wanted = {"Action": "Allow", "Direction": "In", "Protocols": "6"}
        assert found == {"Type": "ACL", "Settings": wanted}

    @pytest.mark.parametrize(
        ("resource", "request_", "settings"),
        [
            (
                "DNS",
                "Update",
                {"Domain": "pod.example", "Search": [], "ServerList": ["10.0.0.1"], "Options": []},
            ),
            (0, 2, {"Domain": "pod.example", "ServerList": ["10.0.0.1"]}),
        ],
        ids=["names", "numbers"],
    )
    def test_a_networks_requests(
        self, program: Program, network: str, resource: Any, request_: Any, settings: Any
    ) -> None:
        body = {"ResourceType": resource, "RequestType": request_, "Settings": settings}
        assert program.networks.modify(network, body)["Dns"]["ServerList"] == ["10.0.0.1"]

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_a_namespaces_type(self, program: Program, number: int) -> None:
        kinds = ("Host", "HostDefault", "Guest", "GuestDefault")
        assert program.namespaces.create({"Type": number})["Type"] == kinds[number]


class TestMicrosoftsModule:
    """What Microsoft's PowerShell module sends differs from its Go client: other versions, nulls, numbers."""

    def test_a_network(self, program: Program) -> None:
        part: dict[str, Any] = {"IpAddressPrefix": "10.2.0.0/24", "Policies": [], "IpSubnets": None}
        routes = [{"NextHop": "10.2.0.1", "DestinationPrefix": "0.0.0.0/0"}]
        document = {
            "Type": "L2Bridge",
            "Name": "module",
            "Policies": [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}],
            "Ipams": [{"Type": "Static", "Subnets": [{**part, "Routes": routes}]}],
            "Dns": {"ServerList": ["10.0.0.1"]},
            "AdditionalParams": {"ICSFlags": 0},
            "SchemaVersion": TWO_TWO,
        }
        made = program.networks.create(json.dumps(document, indent=4).replace("\n", "\r\n"))
        assert made["Policies"][0]["Settings"] == {"NetworkAdapterName": "Ethernet"}

    def test_an_endpoint_with_policies(self, program: Program, network: str) -> None:
        """Its port mapping names no protocol, and exceptions that there are none of are null."""
        mapping = {"InternalPort": 80, "ExternalPort": 8080, "Flags": 0}
        document = {
            "HostComputeNetwork": network,
            "Policies": [
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": None}},
                {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.5.0.0/16", "NeedEncap": True}},
                {"Type": "PortMapping", "Settings": mapping},
            ],
            "SchemaVersion": TWO_TWO,
            "IpConfigurations": [],
            "Routes": [],
        }
        made = program.endpoints.create(document, network)
        assert [item["Settings"] for item in made["Policies"]] == [
            {},
            {"DestinationPrefix": "10.5.0.0/16", "NeedEncap": True},
            mapping,
        ]
        for protocol in (6, 17):
            policy = {"Type": "PortMapping", "Settings": {**mapping, "Protocol": protocol}}
            with pytest.raises(Failed, match="0x803B0013"):
                program.endpoints.create(endpoint("other", Policies=[policy]), network)

    def test_a_load_balancer(self, program: Program, network: str) -> None:
        pod = program.endpoints.create(endpoint("ep"), network)["ID"]
        mapping = {"InternalPort": 80, "ExternalPort": 8080, "Protocol": 6, "DistributionType": 0, "Flags": 0}
        document = {
            "HostComputeEndpoints": [pod],
            "PortMappings": [mapping],
            "FrontendVIPs": [],
            "Flags": 0,
            "SchemaVersion": TWO_TWO,
            "SourceVIP": "192.168.100.9",
        }
        assert program.load_balancers.create(document)["PortMappings"] == [mapping]

    def test_sets_and_rules_that_name_them(self, program: Program, network: str) -> None:
        address = {"Id": "set-1", "Name": "one", "PolicyType": 0, "Values": "10.0.0.1,10.0.0.2"}
        program.networks.policies(network, "Add", [{"Type": "SetPolicy", "Settings": address}])
        changed = {**address, "Values": "10.0.0.3"}
        program.networks.policies(network, "Update", [{"Type": "SetPolicy", "Settings": changed}])
        found = [
            item["Settings"]
            for item in program.networks.get(network)["Policies"]
            if item["Type"] == "SetPolicy"
        ]
        assert found == [{**changed, "PolicyType": "IPSET"}]
        program.networks.policies(network, "Remove", [{"Type": "SetPolicy", "Settings": changed}])
