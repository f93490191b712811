"""kube-proxy on Windows: endpoints by their address, remote ones, and load balancers that it made before."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.conformance.documents import Document, endpoint, network, policy, subnet
from tests.conformance.program import Failed, Program

MAC = "00-11-22-33-44-55"


@pytest.fixture
def home(program: Program) -> str:
    """An overlay network; its ID."""
    isolation = policy("VSID", IsolationId=5000)
    document = network(
        "Overlay", "TestOverlay", subnet("192.168.1.0/24", "192.168.1.1", Policies=[isolation])
    )
    return str(program.networks.create(document)["ID"])


def _new(program: Program, home: str, address: str, **more: Any) -> dict[str, Any]:
    document: Document = {
        **endpoint(""),
        "HostComputeNetwork": home,
        "IpConfigurations": [{"IpAddress": address}],
        "MacAddress": MAC,
        **more,
    }
    del document["Name"]
    return program.endpoints.create(document, home)


def test_an_endpoint_is_found_by_its_address_on_the_network(program: Program, home: str) -> None:
    made = _new(program, home, "192.168.1.3")
    assert (made["MacAddress"], made["IpConfigurations"][0]["IpAddress"]) == (MAC, "192.168.1.3")
    for found in (program.endpoints.all(), program.endpoints.all(VirtualNetwork=home)):
        (same,) = [
            item
            for item in found
            if item["IpConfigurations"][0]["IpAddress"] == "192.168.1.3"
            and item["HostComputeNetwork"].lower() == home.lower()
        ]
        assert same == made


def test_a_remote_endpoint_may_have_a_local_ones_address(program: Program, home: str) -> None:
    local = _new(program, home, "192.168.1.3")
    remote = _new(program, home, "192.168.1.3", Flags=1)
    both = {item["ID"]: item["Flags"] & 1 for item in program.endpoints.all(VirtualNetwork=home)}
    assert both == {local["ID"]: 0, remote["ID"]: 1}
    program.endpoints.delete(remote["ID"])
    assert program.endpoints.find(ID=local["ID"]) is not None


def test_routes_to_other_nodes_are_read_from_the_policies(program: Program, home: str) -> None:
    settings = {
        "DestinationPrefix": "192.168.2.0/24",
        "IsolationId": 5000,
        "ProviderAddress": "10.0.0.3",
        "DistributedRouterMacAddress": "00-15-5d-01-02-03",
    }
    program.networks.policies(home, "Add", [{"Type": "RemoteSubnetRoute", "Settings": settings}])
    found = program.networks.find(Name="TestOverlay")
    assert found is not None
    assert [item["Settings"] for item in found["Policies"] if item["Type"] == "RemoteSubnetRoute"] == [
        settings
    ]


def _service(endpoint_id: str, *vips: str) -> Document:
    document: Document = {
        "HostComputeEndpoints": [endpoint_id],
        "SourceVIP": "192.168.1.2",
        "PortMappings": [{"Protocol": 6, "InternalPort": 80, "ExternalPort": 32440}],
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }
    return {**document, "FrontendVIPs": list(vips)} if vips else document


@pytest.mark.parametrize("vips", [("11.0.0.1",), ()], ids=["cluster address", "node port"])
def test_a_service_that_was_made_before_is_recognised(
    program: Program, simulator: Simulator, home: str, vips: tuple[str, ...]
) -> None:
    """It compares the back ends of the list, which it takes for upper-case, with its own made upper-case."""
    simulator.set_options(upper_case_backends=True)
    pod = _new(program, home, "192.168.1.3")
    made = program.load_balancers.create(_service(pod["ID"], *vips))
    (found,) = program.load_balancers.all()
    mapping = found["PortMappings"][0]
    assert (found["ID"], found["HostComputeEndpoints"]) == (made["ID"], [pod["ID"].upper()])
    assert (mapping["Protocol"], mapping["InternalPort"], mapping["ExternalPort"]) == (6, 80, 32440)
    assert found["FrontendVIPs"] == list(vips)


def test_a_failing_delete_is_tried_once_more(program: Program, simulator: Simulator, home: str) -> None:
    simulator.set_options(hns_version="9.3", first_lb_delete_hresult=0x80070490)
    guid = program.load_balancers.create(_service(_new(program, home, "192.168.1.3")["ID"]))["ID"]
    with pytest.raises(Failed):
        program.load_balancers.delete(guid)
    assert program.load_balancers.find(ID=guid) is not None
    program.load_balancers.delete(guid)
    assert program.load_balancers.find(ID=guid) is None
