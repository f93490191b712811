"""Namespaces and what HCS does in them."""

from __future__ import annotations

import json

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.core.errors import Refused
from tests.unit.simulator.caller import ZERO, Caller, Failed, address, code

CREATED, ATTACHED, SHARING, DETACHED = 1, 2, 3, 4


def _pod(caller: Caller) -> tuple[str, str]:
    """A namespace with an endpoint in it."""
    namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
    caller.add(namespace, endpoint)
    return namespace, endpoint


def _state(caller: Caller, endpoint: str) -> int:
    return int(caller.get("Endpoint", endpoint)["State"])


class TestTheNamespace:
    def test_a_new_one_has_no_compartment(self, caller: Caller) -> None:
        document = caller.get("Namespace", caller.namespace())
        assert (document["NamespaceId"], document["State"], document["Resources"]) == (0, 1, [])
        assert document["Type"] == "Host"

    def test_the_schema_version_is_kept_as_sent(self, caller: Caller) -> None:
        namespace = caller.create("Namespace", {"SchemaVersion": {"Major": 0, "Minor": 0}})
        assert caller.get("Namespace", namespace)["SchemaVersion"] == {"Major": 0, "Minor": 0}

    @pytest.mark.parametrize("given", ["guest", 2])
    def test_its_type_may_be_a_name_or_a_number(self, caller: Caller, given: object) -> None:
        assert caller.get("Namespace", caller.namespace(Type=given))["Type"] == "Guest"

    def test_an_unknown_type_is_refused(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x80070057)):
            caller.namespace(Type="Pod")

    def test_one_made_with_a_compartment_has_it_at_once(self, caller: Caller) -> None:
        first = caller.get("Namespace", caller.namespace(CreateWithCompartment=True))["NamespaceId"]
        second = caller.get("Namespace", caller.namespace(CreateWithCompartment=True))["NamespaceId"]
        assert first > 1
        assert second == first + 1

    def test_the_hosts_own_is_always_there(self, caller: Caller) -> None:
        (guid,) = caller.ids("Namespace")
        document = caller.get("Namespace", guid)
        assert (document["Type"], document["NamespaceId"], document["IsDefault"]) == ("HostDefault", 1, True)
        assert "SchemaVersion" not in document
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.delete("Namespace", guid)

    def test_a_second_one_of_that_type_can_be_made_and_deleted(self, caller: Caller) -> None:
        caller.delete("Namespace", caller.namespace(Type="HostDefault", NamespaceId=5))
        assert len(caller.ids("Namespace")) == 1


class TestEndpointsInIt:
    def test_an_added_endpoint_is_seen_from_both_sides_and_not_yet_attached(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        document = caller.get("Endpoint", endpoint)
        assert (document["HostComputeNamespace"], document["State"]) == (namespace, CREATED)
        assert document["Health"]["Extra"]["SharedContainers"] == []
        assert caller.get("Namespace", namespace)["Resources"] == [
            {"Type": "Endpoint", "Data": {"Id": endpoint.upper()}}
        ]

    def test_an_endpoint_in_none_names_the_zero_guid(self, caller: Caller) -> None:
        assert caller.get("Endpoint", caller.endpoint(caller.network()))["HostComputeNamespace"] == ZERO

    def test_the_same_add_again_is_done_unless_told_otherwise(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        namespace, endpoint = _pod(caller)
        caller.add(namespace, endpoint)
        assert len(caller.get("Namespace", namespace)["Resources"]) == 1
        simulator.set_options(member_again_hresult=0x803B002B)
        with pytest.raises(Failed, match=code(0x803B002B)):
            caller.add(namespace, endpoint)

    def test_a_second_namespace_is_refused(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        with pytest.raises(Failed, match=code(0x803B002B)):
            caller.add(caller.namespace(), endpoint)
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == namespace

    def test_a_missing_endpoint_is_refused(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x803B0002)):
            caller.add(caller.namespace(), "7e6c7055-f7a0-44f1-8540-6e92b9538254")

    def test_a_remote_endpoint_is_refused(self, caller: Caller) -> None:
        remote = caller.endpoint(
            caller.network(), Flags=1, MacAddress="02-00-00-00-00-01", IpConfigurations=[address("10.9.9.9")]
        )
        with pytest.raises(Failed, match=code(0x803B000F)):
            caller.add(caller.namespace(), remote)

    def test_a_removed_endpoint_is_in_none(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        caller.take_out(namespace, endpoint)
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == ZERO
        assert caller.get("Namespace", namespace)["Resources"] == []

    def test_removing_what_is_not_in_it(self, caller: Caller, simulator: Simulator) -> None:
        namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
        with pytest.raises(Failed, match=code(0x80070490)):
            caller.take_out(namespace, endpoint)
        simulator.set_options(remove_absent_hresult=0)
        caller.take_out(namespace, endpoint)

    def test_a_deleted_endpoint_leaves_the_list(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        caller.delete("Endpoint", endpoint)
        assert caller.get("Namespace", namespace)["Resources"] == []

    def test_they_are_listed_in_the_order_of_adding(self, caller: Caller) -> None:
        network, namespace = caller.network(), caller.namespace()
        made = [caller.endpoint(network) for _ in range(3)]
        for endpoint in reversed(made):
            caller.add(namespace, endpoint)
        found = [item["Data"]["Id"].lower() for item in caller.get("Namespace", namespace)["Resources"]]
        assert found == made[::-1]

    def test_a_namespace_given_at_creation_is_not_taken(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), HostComputeNamespace=caller.namespace())
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == ZERO

    @pytest.mark.parametrize(
        "request_",
        [
            pytest.param({"ResourceType": "Interface", "RequestType": "Add"}, id="unknown resource"),
            pytest.param({"ResourceType": "Endpoint", "RequestType": "Refresh"}, id="unknown request"),
        ],
    )
    def test_what_a_namespace_cannot_do(self, caller: Caller, request_: dict[str, str]) -> None:
        settings = {"EndpointId": caller.endpoint(caller.network())}
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.modify("Namespace", caller.namespace(), {**request_, "Settings": settings})

    def test_numbers_stand_for_the_enums(self, caller: Caller) -> None:
        namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
        request = {"RequestType": 0, "ResourceType": 1, "Settings": {"endpointid": endpoint.upper()}}
        caller.modify("Namespace", namespace, request)
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == namespace


class TestContainersInIt:
    def test_the_start_attaches_the_endpoint(self, caller: Caller, simulator: Simulator) -> None:
        namespace, endpoint = _pod(caller)
        compartment = simulator.start_container(namespace, "c1")
        assert compartment > 1
        document = caller.get("Namespace", namespace)
        assert (document["NamespaceId"], document["Containers"]) == (compartment, ["c1"])
        assert {"Type": "Container", "Data": {"Id": "c1"}} in document["Resources"]
        found = caller.get("Endpoint", endpoint)
        assert (found["State"], found["Health"]["Extra"]["SharedContainers"]) == (SHARING, ["c1"])
        assert caller.get("Endpoint", endpoint, 1)["Namespace"]["CompartmentId"] == compartment

    def test_on_a_nested_host_the_state_is_another(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(state_of_shared=ATTACHED)
        namespace, endpoint = _pod(caller)
        simulator.start_container(namespace, "c1")
        assert _state(caller, endpoint) == ATTACHED

    def test_an_endpoint_added_while_one_runs_is_attached_at_once(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        namespace, _ = _pod(caller)
        simulator.start_container(namespace, "c1")
        second = caller.endpoint(caller.ids("Network")[0])
        caller.add(namespace, second)
        assert _state(caller, second) == SHARING

    def test_the_end_of_the_last_one_detaches(self, caller: Caller, simulator: Simulator) -> None:
        namespace, endpoint = _pod(caller)
        for container in ("c1", "c2"):
            simulator.start_container(namespace, container)
        simulator.stop_container("c1")
        assert _state(caller, endpoint) == SHARING
        simulator.stop_container("c2")
        assert _state(caller, endpoint) == DETACHED
        assert caller.get("Namespace", namespace)["NamespaceId"] == 0

    def test_an_endpoint_taken_out_while_one_runs_is_detached(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        namespace, endpoint = _pod(caller)
        simulator.start_container(namespace, "c1")
        caller.take_out(namespace, endpoint)
        assert _state(caller, endpoint) == DETACHED

    def test_an_attach_that_fails_fails_only_at_the_start(self, caller: Caller, simulator: Simulator) -> None:
        namespace, endpoint = _pod(caller)
        simulator.degrade_endpoint(endpoint)
        with pytest.raises(Refused, match=code(0x803B002E)):
            simulator.start_container(namespace, "c1")
        assert caller.get("Namespace", namespace)["NamespaceId"] == 0

    @pytest.mark.parametrize("field", ["Exceptions", "Destinations"])
    def test_a_prefix_that_is_none_passes_on_2019_and_fails_at_the_start(
        self, caller: Caller, simulator: Simulator, field: str
    ) -> None:
        simulator.set_options(hns_version="9.3")
        policy = {"Type": "OutBoundNAT", "Settings": {field: ["serviceCIDR"]}}
        endpoint, namespace = caller.endpoint(caller.network(), Policies=[policy]), caller.namespace()
        caller.add(namespace, endpoint)
        with pytest.raises(Refused, match=code(0x803B002E)):
            simulator.start_container(namespace, "c1")

    @pytest.mark.parametrize(("version", "works"), [("9.3", False), ("13.3", True)])
    def test_a_used_endpoint_cannot_be_attached_again_on_2019(
        self, caller: Caller, simulator: Simulator, version: str, works: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        namespace, endpoint = _pod(caller)
        simulator.start_container(namespace, "c1")
        simulator.stop_container("c1")
        if works:
            simulator.start_container(namespace, "c2")
            assert _state(caller, endpoint) == SHARING
        else:
            with pytest.raises(Refused, match=code(0x803B002E)):
                simulator.start_container(namespace, "c2")

    def test_a_missing_namespace_has_no_containers(self, simulator: Simulator) -> None:
        with pytest.raises(Refused, match=code(0x80070490)):
            simulator.start_container(ZERO, "c1")

    def test_a_container_can_be_registered_and_taken_off_through_the_namespace(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        request = {"ResourceType": "Container", "RequestType": "Add", "Settings": {"ContainerId": "c1"}}
        caller.modify("Namespace", namespace, request)
        assert _state(caller, endpoint) == SHARING
        caller.modify("Namespace", namespace, {**request, "RequestType": "Remove"})
        assert "Containers" not in caller.get("Namespace", namespace)
        with pytest.raises(Failed, match=code(0x80070490)):
            caller.modify("Namespace", namespace, {**request, "RequestType": "Remove"})


class TestDeletingIt:
    def test_endpoints_in_it_live_on_in_none(self, caller: Caller) -> None:
        namespace, endpoint = _pod(caller)
        caller.delete("Namespace", namespace)
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == ZERO

    def test_a_registered_container_forbids_it(self, caller: Caller, simulator: Simulator) -> None:
        namespace, _ = _pod(caller)
        simulator.start_container(namespace, "c1")
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.delete("Namespace", namespace)
        document = caller.get("Namespace", namespace)
        assert (document["State"], document["Containers"]) == (4, ["c1"])
        simulator.stop_container("c1")
        caller.delete("Namespace", namespace)

    def test_a_stuck_container_forbids_it_for_ever(self, caller: Caller, simulator: Simulator) -> None:
        namespace, _ = _pod(caller)
        simulator.start_container(namespace, "c1")
        simulator.stop_container("c1", stuck=True)
        request = {"ResourceType": "Container", "RequestType": "Remove", "Settings": {"ContainerId": "c1"}}
        caller.modify("Namespace", namespace, request)
        with pytest.raises(Failed, match=code(0x803B0015)):
            caller.delete("Namespace", namespace)
        simulator.reboot()
        assert namespace not in caller.ids("Namespace")

    def test_twice(self, caller: Caller) -> None:
        namespace = caller.namespace()
        caller.delete("Namespace", namespace)
        with pytest.raises(Failed, match=code(0x80070490)) as failure:
            caller.delete("Namespace", namespace)
        assert json.loads(failure.value.record) == {
            "Success": False,
            "Error": "Element not found. ",
            "ErrorCode": 0x80070490,
        }
