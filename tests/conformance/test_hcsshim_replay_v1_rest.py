"""HNSCall as the older half of the Go client, Docker and the plugins of that time use it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import shapes
from tests.conformance.program import Failed, Program

NETWORK = {
    "Name": "GoNat",
    "Type": "NAT",
    "Subnets": [{"AddressPrefix": "192.168.100.0/24", "GatewayAddress": "192.168.100.1"}],
}
HOST = {"SystemType": "Host"}


def _network(program: Program, document: dict[str, Any] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = program.v1(shapes.V1_NETWORK, "POST", "/networks/", document or NETWORK)
    return made


def _endpoint(program: Program, home: dict[str, Any], **more: Any) -> dict[str, Any]:
    document = {"Name": "ep", "VirtualNetwork": home["ID"], **more}
    made: dict[str, Any] = program.v1(shapes.V1_ENDPOINT, "POST", "/endpoints/", document)
    return made


def _read(program: Program, endpoint: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = program.v1(shapes.V1_ENDPOINT, "GET", f"/endpoints/{endpoint['ID']}")
    return found


class TestNetworks:
    @pytest.mark.parametrize("path", ["/networks/", "/networks", "networks"])
    def test_one_is_created_listed_and_deleted(self, program: Program, path: str) -> None:
        assert program.v1([shapes.V1_NETWORK], "GET", path) == []
        made = program.v1(shapes.V1_NETWORK, "POST", path, NETWORK)
        assert program.v1([shapes.V1_NETWORK], "GET", path) == [made]
        for spelled in (made["ID"], made["ID"].lower(), made["ID"] + "/"):
            assert program.v1(shapes.V1_NETWORK, "GET", f"/networks/{spelled}") == made
        program.v1(shapes.V1_NETWORK, "DELETE", f"/networks/{made['ID']}")
        assert program.v1([shapes.V1_NETWORK], "GET", path) == []

    @pytest.mark.parametrize("kind", ["nat", "transparent"])
    def test_docker_without_a_subnet_names_the_whole_world(self, program: Program, kind: str) -> None:
        document = {"Name": "n", "Type": kind, "Subnets": [{"AddressPrefix": "0.0.0.0/0"}]}
        made = _network(program, document)
        prefixes = [item["AddressPrefix"] for item in made["Subnets"]]
        assert prefixes == ([] if kind == "transparent" else [prefixes[0]])
        assert "0.0.0.0/0" not in prefixes

    @pytest.mark.parametrize(("kind", "number"), [("VLAN", 97), ("VSID", 4097)])
    def test_docker_isolates_the_whole_network(self, program: Program, kind: str, number: int) -> None:
        made = _network(program, {**NETWORK, "Type": "l2bridge", "Policies": [{"Type": kind, kind: number}]})
        assert made["Subnets"][0]["Policies"] == [{"Type": kind, kind: number}]
        (v2,) = program.networks.all()
        settings = {"IsolationId": number}
        assert v2["Ipams"][0]["Subnets"][0]["Policies"] == [{"Type": kind, "Settings": settings}]

    def test_the_type_may_be_written_in_any_case(self, program: Program) -> None:
        """A V2 client compares it letter by letter afterwards."""
        _network(program, {**NETWORK, "Type": "l2bridge"})
        assert program.networks.all()[0]["Type"] == "L2Bridge"


class TestEndpoints:
    def test_the_host_gets_and_gives_back_a_nic(self, program: Program) -> None:
        home = _network(program)
        made = _endpoint(program, home)
        attach, detach = (f"/endpoints/{made['ID']}/{action}" for action in ("attach", "detach"))
        program.v1({}, "POST", attach, {**HOST, "CompartmentId": 1})
        assert _read(program, made)["State"] == 2
        with pytest.raises(Failed, match="0x803B0014"):
            program.v1({}, "POST", attach, {**HOST, "CompartmentId": 1})
        program.v1({}, "POST", detach, HOST)
        program.v1(shapes.V1_ENDPOINT, "DELETE", f"/endpoints/{made['ID']}")
        program.v1(shapes.V1_NETWORK, "DELETE", f"/networks/{home['ID']}")

    def test_a_virtual_machine_gets_a_nic(self, program: Program) -> None:
        made = _endpoint(program, _network(program))
        body = {"SystemType": "VirtualMachine", "VirtualNicName": "nic"}
        program.v1({}, "POST", f"/endpoints/{made['ID']}/attach", body)
        program.v1({}, "POST", f"/endpoints/{made['ID']}/detach", {"SystemType": "VirtualMachine"})

    def test_two_containers_share_one(self, program: Program) -> None:
        """A workload joins the sandbox's endpoint: a client looks for its ID among the containers."""
        made = _endpoint(program, _network(program))
        seen = []
        for action, container in (
            ("attach", "pause"),
            ("attach", "work"),
            ("detach", "work"),
            ("detach", "pause"),
        ):
            body = {"ContainerId": container, "SystemType": "Container"}
            program.v1({}, "POST", f"/endpoints/{made['ID']}/{action}", body)
            found = _read(program, made)
            seen.append((found["State"], found["SharedContainers"]))
        assert seen == [(2, ["pause"]), (3, ["pause", "work"]), (2, ["pause"]), (4, [])]

    @pytest.mark.parametrize(
        ("before", "again", "code"),
        [
            pytest.param("pause", ("attach", "pause"), "0x803B0014", id="the same container"),
            pytest.param("", ("attach", "pause"), "0x803B0014", id="one that the host has"),
            pytest.param("pause", ("detach", "other"), "0x803B0034", id="another container"),
        ],
    )
    def test_what_cannot_be_shared(
        self, program: Program, before: str, again: tuple[str, str], code: str
    ) -> None:
        made = _endpoint(program, _network(program))
        first = {"ContainerId": before, "SystemType": "Container"} if before else HOST
        program.v1({}, "POST", f"/endpoints/{made['ID']}/attach", first)
        action, container = again
        body = {"ContainerId": container, "SystemType": "Container"}
        with pytest.raises(Failed, match=code):
            program.v1({}, "POST", f"/endpoints/{made['ID']}/{action}", body)

    def test_every_one_has_statistics(self, program: Program) -> None:
        home = _network(program)
        _endpoint(program, home)
        for found in program.v1([shapes.V1_ENDPOINT], "GET", "/endpoints/"):
            counters = program.v1(shapes.ENDPOINT_STATISTICS, "GET", f"/endpointstats/{found['ID']}")
            assert counters["EndpointId"] == found["ID"]
        program.v1(shapes.V1_NETWORK, "DELETE", f"/networks/{home['ID']}")
        assert program.v1([shapes.V1_ENDPOINT], "GET", "/endpoints/") == []

    def test_what_was_read_is_sent_again_with_one_policy_more(self, program: Program) -> None:
        made = _endpoint(program, _network(program))
        acl = {"Type": "ACL", "Protocol": 6, "Action": "Allow", "Direction": "In", "RuleType": "Switch"}
        changed = program.v1(
            shapes.V1_ENDPOINT,
            "POST",
            f"/endpoints/{made['ID']}",
            {**made, "Policies": [*made["Policies"], acl]},
        )
        assert [item["Type"] for item in changed["Policies"]] == ["ACL"]

    def test_dockers_own(self, program: Program) -> None:
        """A port without a number on the host is chosen by the service, and told."""
        policies = [
            {"Type": "NAT", "Protocol": "tcp", "InternalPort": 80, "ExternalPort": 8080},
            {"Type": "NAT", "Protocol": "udp", "InternalPort": 53},
            {"Type": "QOS", "MaximumOutgoingBandwidthInBytes": 1000000},
            {"Type": "OutBoundNAT", "ExceptionList": ["10.0.0.0/8"]},
        ]
        made = _endpoint(
            program,
            _network(program),
            MacAddress="00-15-5d-52-c0-07",
            Policies=policies,
            IPAddress="192.168.100.7",
            EnableInternalDNS=True,
        )
        assert (made["IPAddress"], made["MacAddress"]) == ("192.168.100.7", "00-15-5d-52-c0-07")
        assert made["EnableInternalDNS"] is True
        assert made["GatewayAddress"] == "192.168.100.1"
        tcp, udp = (item for item in made["Policies"] if item["Type"] == "NAT")
        assert (tcp["Protocol"], tcp["ExternalPort"]) == ("TCP", 8080)
        assert (udp["Protocol"], udp["InternalPort"]) == ("UDP", 53)
        assert udp["ExternalPort"] > 1024

    def test_chosen_ports_are_held(self, program: Program) -> None:
        home = _network(program)
        wanted = [{"Type": "NAT", "Protocol": "tcp", "InternalPort": 80}]
        ports = {_endpoint(program, home, Policies=wanted)["Policies"][0]["ExternalPort"] for _ in range(8)}
        assert len(ports) == 8


class TestPolicyLists:
    @pytest.fixture
    def pods(self, program: Program) -> list[dict[str, Any]]:
        """Two endpoints that the host has: only attached ones can be balanced over."""
        home = _network(program)
        found = [_endpoint(program, home) for _ in range(2)]
        for pod in found:
            program.v1({}, "POST", f"/endpoints/{pod['ID']}/attach", HOST)
        return found

    @pytest.mark.parametrize(
        "policy",
        [
            pytest.param(
                {
                    "Type": "ELB",
                    "Protocol": 6,
                    "InternalPort": 8080,
                    "ExternalPort": 80,
                    "SourceVIP": "10.0.0.1",
                    "VIPs": ["1.1.1.2"],
                },
                id="load balancer",
            ),
            pytest.param(
                {"Type": "ELB", "Protocol": 6, "InternalPort": 80, "ExternalPort": 80, "ILB": True},
                id="internal",
            ),
            pytest.param(
                {
                    "Type": "ROUTE",
                    "DestinationPrefix": "10.5.0.0/16",
                    "NextHop": "10.0.0.9",
                    "NeedEncap": True,
                },
                id="route",
            ),
        ],
    )
    def test_an_endpoint_is_added_and_removed_by_making_it_again(
        self, program: Program, pods: list[dict[str, Any]], policy: dict[str, Any]
    ) -> None:
        references = [f"/endpoints/{pod['ID']}" for pod in pods]
        body = {"References": references[:1], "Policies": [policy]}
        made = program.v1(shapes.V1_POLICY_LIST, "POST", "/policylists/", body)
        assert made["References"] == references[:1]
        assert made["Policies"][0]["Type"] == policy["Type"]
        for wanted in (references, references[:1]):
            program.v1(shapes.V1_POLICY_LIST, "DELETE", f"/policylists/{made['ID']}")
            made = program.v1(shapes.V1_POLICY_LIST, "POST", "/policylists/", {**made, "References": wanted})
            assert made["References"] == wanted
        assert program.v1([shapes.V1_POLICY_LIST], "GET", "/policylists/") == [made]
        assert program.v1(shapes.V1_POLICY_LIST, "GET", f"/policylists/{made['ID']}") == made


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/networks/5F0B1190-63BE-4E0C-B974-BD0F55675A42", r"The network was not found\. "),
        ("/endpoints/5F0B1190-63BE-4E0C-B974-BD0F55675A42", r"The endpoint was not found\. "),
        ("/namespaces/5F0B1190-63BE-4E0C-B974-BD0F55675A42", r"Element not found\. "),
        ("/policylists/5F0B1190-63BE-4E0C-B974-BD0F55675A42", r"Element not found\. "),
        ("/endpointstats/5F0B1190-63BE-4E0C-B974-BD0F55675A42", r"The endpoint was not found\. "),
    ],
)
def test_a_missing_object_is_known_by_its_words(program: Program, path: str, words: str) -> None:
    with pytest.raises(Failed, match=words):
        program.v1({}, "GET", path)
