"""Namespaces as Microsoft's Go client, its tests and container runtimes handle them."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.conformance import shapes
from tests.conformance.documents import TESTS_SUBNET, endpoint, nat, subnet
from tests.conformance.program import Failed, Program

TWO = {"Major": 2, "Minor": 0}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        pytest.param(
            {"NamespaceId": 5, "Type": "HostDefault", "SchemaVersion": TWO}, "HostDefault", id="HostDefault"
        ),
        pytest.param({"NamespaceId": 5, "Type": "Host", "SchemaVersion": TWO}, "Host", id="Host"),
        pytest.param({"NamespaceId": 5, "Type": "Guest", "SchemaVersion": TWO}, "Guest", id="Guest"),
        pytest.param({"Type": "GuestDefault", "SchemaVersion": TWO}, "GuestDefault", id="GuestDefault"),
        pytest.param({"SchemaVersion": TWO}, "Host", id="no type"),
        pytest.param({"SchemaVersion": {"Major": 0, "Minor": 0}}, "Host", id="containerd's"),
        pytest.param(
            {"CreateWithCompartment": False, "SchemaVersion": {"Minor": 2, "Major": 2}}, "Host", id="2.2"
        ),
    ],
)
def test_one_is_created_found_and_deleted(program: Program, document: dict[str, Any], kind: str) -> None:
    made = program.namespaces.create(document)
    assert made["Type"] == kind
    assert made["SchemaVersion"] == document["SchemaVersion"]
    assert program.namespaces.find(ID=made["ID"]) == made
    assert made["ID"] in [item["ID"] for item in program.namespaces.all()]
    assert program.members_of(made["ID"], "Container") == []
    program.namespaces.delete(made["ID"])
    assert program.namespaces.find(ID=made["ID"]) is None


@pytest.fixture
def pod(program: Program) -> str:
    """An endpoint on a dual-stack NAT network; its ID."""
    document = nat("nat", subnet(*TESTS_SUBNET), subnet("2001:db8:abcd:0012::0/64", "2001:db8:abcd:0012::1"))
    home = program.networks.create(document)["ID"]
    return str(program.endpoints.create(endpoint("ep", HostComputeNetwork=home), home)["ID"])


class TestEndpoints:
    @pytest.mark.parametrize("kind", ["Host", "HostDefault", "Guest"])
    def test_one_is_added_listed_and_removed(self, program: Program, pod: str, kind: str) -> None:
        space = program.namespaces.create({"NamespaceId": 5, "Type": kind, "SchemaVersion": TWO})["ID"]
        program.add_to_namespace(space, pod)
        # The tests look for the upper-case ID, in the resource's text and in the list.
        assert program.members_of(space) == [pod.upper()]
        assert program.endpoints.get(pod)["HostComputeNamespace"] == space
        program.remove_from_namespace(space, pod)
        assert program.members_of(space) == []
        program.namespaces.delete(space)
        program.endpoints.delete(pod)

    def test_the_hosts_own_namespace_takes_one(self, program: Program, pod: str) -> None:
        """It is found by its type: nothing else in the list says so."""
        host = next(item for item in program.namespaces.all() if item["Type"] == "HostDefault")
        program.add_to_namespace(host["ID"], pod)
        assert pod.upper() in program.members_of(host["ID"])
        program.endpoints.delete(pod)
        assert program.members_of(host["ID"]) == []

    def test_the_namespace_goes_before_its_endpoint(self, program: Program, pod: str) -> None:
        space = program.namespaces.create({"SchemaVersion": TWO})["ID"]
        program.add_to_namespace(space, pod)
        program.namespaces.delete(space)
        assert program.endpoints.get(pod)["HostComputeNamespace"] == "00000000-0000-0000-0000-000000000000"

    def test_a_missing_namespace_fails_at_its_opening(self, program: Program, pod: str) -> None:
        """The code is the one that clients look for."""
        with pytest.raises(Failed) as caught:
            program.add_to_namespace("5f0b1190-63be-4e0c-b974-bd0f55675a42", pod)
        assert (caught.value.function, caught.value.code) == ("HcnOpenNamespace", 0x490)

    def test_an_upper_case_id_is_the_same_endpoint(self, program: Program, pod: str) -> None:
        """A runtime takes the IDs out of the resources and asks for the endpoints by them."""
        space = program.namespaces.create({"SchemaVersion": TWO})["ID"]
        program.add_to_namespace(space, pod.upper())
        (listed,) = program.members_of(space)
        found = program.endpoints.find(ID=listed)
        assert found is not None
        assert found["ID"] == pod


def test_a_pod_that_is_running(program: Program, simulator: Simulator, pod: str) -> None:
    """The container is made in an empty namespace, and the endpoint is added while it runs."""
    space = program.namespaces.create({"SchemaVersion": {"Major": 0, "Minor": 0}})["ID"]
    simulator.start_container(space, "TestUnitContainer")
    program.add_to_namespace(space, pod)
    assert program.members_of(space, "Container") == ["TestUnitContainer"]
    program.remove_from_namespace(space, pod)
    program.endpoints.delete(pod)
    simulator.stop_container("TestUnitContainer")
    program.namespaces.delete(space)


class TestThroughV1:
    """The older client joins its paths: no slash at the end, and a body for some requests only."""

    def test_one_is_created_filled_and_removed(self, program: Program, pod: str) -> None:
        space = program.v1(shapes.V1_NAMESPACE, "POST", "/namespaces", {})["ID"]
        member = {"Type": "Endpoint", "Data": {"Id": pod}}
        program.v1(shapes.V1_NAMESPACE, "POST", f"/namespaces/{space}/addresource", member)
        found = program.v1(shapes.V1_NAMESPACE, "GET", f"/namespaces/{space}")
        assert found["ResourceList"] == [{"Type": "Endpoint", "Data": {"Id": pod.upper()}}]
        program.v1(shapes.V1_NAMESPACE, "POST", f"/namespaces/{space}/removeresource", member)
        assert program.v1(shapes.V1_NAMESPACE, "GET", f"/namespaces/{space}")["ResourceList"] == []
        program.v1(shapes.V1_NAMESPACE, "DELETE", f"/namespaces/{space}")
        with pytest.raises(Failed, match=r"Element not found\. "):
            program.v1(shapes.V1_NAMESPACE, "GET", f"/namespaces/{space}")
