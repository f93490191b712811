"""The V2 calls of other CNI plugins at ADD and DEL: win-bridge, win-overlay, Microsoft's; and flannel.

Each has its own idea of what it sends; what it reads of the answers is checked as it reads it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.conformance import shapes
from tests.conformance.documents import Document, endpoint, network, overlay, policy, subnet
from tests.conformance.program import Failed, Program, compact

ZERO = "00000000-0000-0000-0000-000000000000"
SERVICES = "10.96.0.0/12"
DNS = {"Search": ["svc.cluster.local"], "ServerList": ["10.96.0.10"]}


@pytest.fixture
def sandbox(program: Program) -> str:
    """A namespace as containerd makes it; its ID."""
    return str(program.namespaces.create({"SchemaVersion": {"Major": 0, "Minor": 0}})["ID"])


def _added(program: Program, sandbox: str, name: str, home: str, document: Document) -> dict[str, Any]:
    """An endpoint of this name is used, or deleted if it is on another network; the add is repeated."""
    found = program.endpoints.find(Name=name)
    if found and found["HostComputeNetwork"].lower() != home.lower():
        program.endpoints.delete(found["ID"])
        found = None
    found = found or program.endpoints.create(document, home)
    program.add_to_namespace(sandbox, found["ID"])
    return found


def _deleted(program: Program, name: str) -> None:
    """The endpoint leaves the namespace that it says it is in, if there is one, and is deleted."""
    found = program.endpoints.find(Name=name)
    if not found:
        return
    space = program.namespaces.find(ID=found["HostComputeNamespace"])
    if space:
        program.remove_from_namespace(space["ID"], found["ID"])
    program.endpoints.delete(found["ID"])


class TestWinBridge:
    NAME = "sandbox_cbr0"

    @pytest.fixture
    def home(self, program: Program) -> str:
        """The network that somebody else has made."""
        return str(
            program.networks.create(network("L2Bridge", "cbr0", subnet("10.9.3.0/24", "10.9.3.1")))["ID"]
        )

    def _document(self, home: str) -> Document:
        mapping = policy("PortMapping", InternalPort=80, ExternalPort=8080, Protocol=6, VIP="")
        return endpoint(
            self.NAME,
            HostComputeNetwork=home,
            Dns=DNS,
            Routes=[{"NextHop": "10.9.3.2", "DestinationPrefix": "0.0.0.0/0"}],
            IpConfigurations=[{"IpAddress": "10.9.3.17"}],
            Policies=[
                policy("OutBoundNAT", Exceptions=[SERVICES]),
                mapping,
                policy("OutBoundNAT", Destinations=["10.9.3.17"]),
            ],
        )

    def test_a_pods_life(self, program: Program, home: str, sandbox: str) -> None:
        found = program.networks.find(Name="cbr0")
        assert found is not None
        assert found["Type"] == "L2Bridge"
        document = self._document(home)
        for _ in range(2):
            made = _added(program, sandbox, self.NAME, home, document)
            assert made["Routes"][0]["NextHop"] == "10.9.3.2"
            assert made["IpConfigurations"] == [{"IpAddress": "10.9.3.17", "PrefixLength": 24}]
            assert {name: made["Dns"][name] for name in DNS} == DNS
            assert made["Policies"] == document["Policies"]
        for _ in range(2):
            _deleted(program, self.NAME)
        assert program.endpoints.all() == []
        assert program.members_of(sandbox) == []

    def test_one_of_the_name_on_another_network_is_replaced(
        self, program: Program, home: str, sandbox: str
    ) -> None:
        other = program.networks.create(network("L2Bridge", "other", subnet("10.7.0.0/24", "10.7.0.1")))["ID"]
        stale = program.endpoints.create(endpoint(self.NAME), other)
        made = _added(program, sandbox, self.NAME, home, self._document(home))
        assert made["ID"] != stale["ID"]
        assert [item["ID"] for item in program.endpoints.all(Name=self.NAME)] == [made["ID"]]

    def test_del_without_a_namespace(self, program: Program, home: str) -> None:
        """An endpoint in none says so with the zero GUID, and that is no namespace's ID."""
        made = program.endpoints.create(self._document(home), home)
        assert made["HostComputeNamespace"] == ZERO
        assert program.namespaces.find(ID=ZERO) is None
        _deleted(program, self.NAME)
        assert program.endpoints.all() == []

    def test_without_ipam_the_address_is_the_services(
        self, program: Program, home: str, sandbox: str, on_version: Callable[[str], Any]
    ) -> None:
        """It sends empty objects for what it does not know; a newer service refuses the empty hop."""
        document = endpoint(
            self.NAME,
            HostComputeNetwork=home,
            Routes=[{"DestinationPrefix": "::/0"}],
            IpConfigurations=[{}],
        )
        with pytest.raises(Failed):
            program.endpoints.create(document, home)
        on_version("13.3")
        made = _added(program, sandbox, self.NAME, home, document)
        (found,) = made["IpConfigurations"]
        assert ipaddress.ip_address(found["IpAddress"]) in ipaddress.ip_network("10.9.3.0/24")
        assert found["PrefixLength"] == 24


class TestWinOverlay:
    def test_a_pods_life(self, program: Program, sandbox: str) -> None:
        program.networks.create(overlay("vxlan0", vsid=4096))
        v1 = next(
            item for item in program.v1([shapes.V1_NETWORK], "GET", "/networks/") if item["Name"] == "vxlan0"
        )
        v2 = program.networks.find(Name="vxlan0")
        assert v2 is not None
        assert v2["Type"] == v1["Type"] == "Overlay"
        gateway, prefix = v1["Subnets"][0]["GatewayAddress"], v1["Subnets"][0]["AddressPrefix"]
        assert (gateway, prefix) == ("192.168.100.1", "192.168.100.0/24")
        assert v1["ManagementIP"] == "192.0.2.10"
        document = endpoint(
            "sandbox_vxlan0",
            HostComputeNetwork=v2["ID"],
            Dns=DNS,
            MacAddress="0E-2A-c0-a8-64-11",
            Routes=[{"NextHop": gateway, "DestinationPrefix": "0.0.0.0/0"}],
            IpConfigurations=[{"IpAddress": "192.168.100.17"}],
            Policies=[
                policy("ProviderAddress", ProviderAddress=v1["ManagementIP"]),
                policy("OutBoundNAT", Exceptions=[prefix]),
                policy("SDNRoute", DestinationPrefix=SERVICES, NeedEncap=True),
            ],
        )
        made = _added(program, sandbox, "sandbox_vxlan0", v2["ID"], document)
        assert made["MacAddress"] == "0E-2A-c0-a8-64-11"
        assert made["Routes"][0]["NextHop"] == gateway
        _deleted(program, "sandbox_vxlan0")
        program.networks.delete(v2["ID"])


class TestFlannel:
    """It makes the networks that the plugins use."""

    def _host_gateway(self, program: Program) -> dict[str, Any]:
        """The network that is there is taken if its subnet is right, and made again if not."""
        want = {"AddressPrefix": "10.9.3.0/24", "GatewayAddress": "10.9.3.1"}
        found: dict[str, Any]
        for found in program.v1([shapes.V1_NETWORK], "GET", "/networks/"):
            if found["Name"] == "cbr0":
                same = any({name: item[name] for name in want} == want for item in found["Subnets"])
                if same:
                    return found
                program.v1(shapes.V1_NETWORK, "DELETE", f"/networks/{found['ID']}")
        document = {"Name": "cbr0", "Type": "L2Bridge", "Subnets": [want]}
        found = program.v1(shapes.V1_NETWORK, "POST", "/networks/", document)
        for _ in range(10):
            if found["ManagementIP"]:
                break
            found = program.v1(shapes.V1_NETWORK, "GET", f"/networks/{found['ID']}")
        return found

    def test_a_host_gateways_bridge(self, program: Program) -> None:
        """The second start finds everything, and knows by the words that the host has the endpoint."""
        program.networks.create(network("L2Bridge", "cbr0", subnet("10.7.0.0/24", "10.7.0.1")))
        home = self._host_gateway(program)
        assert home["ManagementIP"] == "192.0.2.10"
        document = {"Name": "cbr0_ep", "IPAddress": "10.9.3.2", "VirtualNetwork": home["ID"]}
        made = program.v1(shapes.V1_ENDPOINT, "POST", "/endpoints/", document)
        path, body = f"/endpoints/{made['ID']}/attach", {"SystemType": "Host", "CompartmentId": 1}
        program.v1({}, "POST", path, body)
        assert self._host_gateway(program)["ID"] == home["ID"]
        (found,) = program.v1([shapes.V1_ENDPOINT], "GET", "/endpoints/")
        assert (found["Name"], found["IPAddress"]) == ("cbr0_ep", "10.9.3.2")
        with pytest.raises(Failed, match=r"This endpoint is already attached to the switch\."):
            program.v1({}, "POST", path, body)

    def test_vxlan(self, program: Program) -> None:
        """The node's address appears later than the network; a route is replaced by its prefix."""
        adapter = policy("NetAdapterName", NetworkAdapterName="Ethernet")
        made = program.networks.create(overlay("flannel.4096", vsid=4096, Policies=[adapter]))
        for _ in range(10):
            made = program.networks.get(made["ID"])
            if "ProviderAddress" in [item["Type"] for item in made["Policies"]]:
                break
        kinds = {item["Type"]: item["Settings"] for item in made["Policies"]}
        assert kinds["ProviderAddress"] == {"ProviderAddress": "192.0.2.10"}
        program.networks.policies(made["ID"], "Add", [policy("HostRoute")])
        for node in ("192.0.2.20", "192.0.2.21"):
            settings = {
                "DestinationPrefix": "10.9.4.0/24",
                "IsolationId": 4096,
                "ProviderAddress": node,
                "DistributedRouterMacAddress": "00:15:5d:01:02:03",
            }
            for item in program.networks.get(made["ID"])["Policies"]:
                if item["Type"] == "RemoteSubnetRoute":
                    program.networks.policies(made["ID"], "Remove", [item])
            program.networks.policies(made["ID"], "Add", [policy("RemoteSubnetRoute", **settings)])
        found = [
            item["Settings"]["ProviderAddress"]
            for item in program.networks.get(made["ID"])["Policies"]
            if item["Type"] == "RemoteSubnetRoute"
        ]
        assert found == ["192.0.2.21"]


# A default route by this hop keeps the real one out.
NOWHERE = "0.0.0.0"  # noqa: S104 - no address to listen on
V4, V6 = subnet("10.0.0.0/16", "10.0.0.1"), subnet("fd00::/64", "fd00::1")


class TestMicrosofts:
    """Its tests compare a policy's settings byte by byte, and look for the upper-case ID in the namespace."""

    NATIVE = '{"Exceptions":["10.0.0.0/16","192.0.2.10/32"]}'
    POLICIES = (
        '[{"Type":"OutBoundNAT","Settings":' + NATIVE + "},"
        '{"Type":"SDNRoute","Settings":{"DestinationPrefix":"11.0.0.0/8","NeedEncap":true}},'
        '{"Type":"ProviderAddress","Settings":{"ProviderAddress":"192.0.2.10"}}]'
    )

    def _network(self, program: Program, kind: str, dual: bool) -> str:
        """Ipams without a type, one for each family."""
        isolation = [policy("VSID", IsolationId=4096)] if kind == "Overlay" else []
        ipams = [{"Subnets": [{**V4, "Policies": isolation}]}] + ([{"Subnets": [V6]}] if dual else [])
        document = network(kind, f"{kind}Net", Ipams=ipams)
        return str(program.networks.create(document)["ID"])

    def _gateway(self, program: Program, home: str, dual: bool) -> None:
        """An endpoint that keeps every default route out, made with V2 and attached with V1."""
        document = endpoint(
            "GwEp",
            HostComputeNetwork=home,
            IpConfigurations=[{"IpAddress": "10.0.0.2"}] + ([{"IpAddress": "fd00::101"}] if dual else []),
            Routes=[{"NextHop": NOWHERE, "DestinationPrefix": "0.0.0.0/0"}]
            + ([{"NextHop": "::", "DestinationPrefix": "::/0"}] if dual else []),
        )
        made = program.endpoints.create(document, home)
        assert [item["NextHop"] for item in made["Routes"]] == ([NOWHERE, "::"] if dual else [NOWHERE])
        found = next(
            item for item in program.v1([shapes.V1_ENDPOINT], "GET", "/endpoints/") if item["Name"] == "GwEp"
        )
        body = {"SystemType": "Host", "CompartmentId": 1}
        program.v1({}, "POST", f"/endpoints/{found['ID']}/attach", body)

    @pytest.mark.parametrize(
        ("kind", "dual"),
        [
            pytest.param("NAT", False, id="nat"),
            pytest.param("Overlay", False, id="sdnoverlay"),
            pytest.param("L2Bridge", False, id="sdnbridge"),
            pytest.param("L2Bridge", True, id="sdnbridge, dual stack"),
        ],
    )
    def test_a_pod_whose_container_runs_already(
        self, program: Program, simulator: Simulator, sandbox: str, kind: str, dual: bool
    ) -> None:
        home = self._network(program, kind, dual)
        if kind == "L2Bridge":
            self._gateway(program, home, dual)
        simulator.start_container(sandbox, "container")
        routes = [
            {"NextHop": "10.0.0.2" if kind == "L2Bridge" else "10.0.0.1", "DestinationPrefix": "0.0.0.0/0"}
        ]
        if dual:
            routes.append({"NextHop": "fd00::101", "DestinationPrefix": "::/0"})
        name = f"container_{kind}Net"
        document = endpoint(name, HostComputeNetwork=home, Dns=DNS, Routes=routes)
        text = compact(document)[:-1] + ',"Policies":' + self.POLICIES + "}"
        made = program.endpoints.create(text, home)
        program.add_to_namespace(sandbox, made["ID"])

        found = program.endpoints.find(Name=name)
        assert found is not None
        assert found["HostComputeNamespace"] == sandbox
        assert found["HostComputeNetwork"] == home
        assert f'"Policies":{self.POLICIES}' in program.endpoints.last_answer
        program.namespaces.find(ID=sandbox)
        assert made["ID"].upper() in program.namespaces.last_answer
        families = [
            ipaddress.ip_interface(f"{i['IpAddress']}/{i['PrefixLength']}").version
            for i in found["IpConfigurations"]
        ]
        assert families == ([4, 6] if dual else [4])

        _deleted(program, name)
        assert program.endpoints.find(Name=name) is None
        program.namespaces.find(ID=sandbox)
        assert made["ID"].upper() not in program.namespaces.last_answer
        simulator.stop_container("container")
        program.namespaces.delete(sandbox)
        program.networks.delete(home)

    def test_a_mac_with_colons(self, program: Program) -> None:
        home = self._network(program, "NAT", False)
        given = endpoint("ep", MacAddress="00:15:5d:52:c0:07")
        assert program.endpoints.create(given, home)["MacAddress"] == "00:15:5d:52:c0:07"

    def test_port_mappings_of_both_families_with_their_rule(self, program: Program) -> None:
        home = self._network(program, "L2Bridge", True)
        given = [
            policy("PortMapping", Protocol=6, InternalPort=80, ExternalPort=8080, Flags=1),
            policy("PortMapping", Protocol=6, InternalPort=80, ExternalPort=8080, Flags=3),
            policy("ACL", Protocols="6", Action="Allow", Direction="In", LocalPorts="80", Priority=1000),
        ]
        made = program.endpoints.create(endpoint("ep", Policies=given), home)
        assert made["Policies"] == given
