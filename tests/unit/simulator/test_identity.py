"""IDs and names: what is unique, what is chosen, what finds what."""

from __future__ import annotations

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import ZERO, Caller, Failed, code, network_document

GUID = "7e6c7055-f7a0-44f1-8540-6e92b9538254"
OTHER = "aaaaaaaa-f7a0-44f1-8540-6e92b9538254"

MISSING = [
    pytest.param("Network", 0x803B0001, id="network"),
    pytest.param("Endpoint", 0x803B0002, id="endpoint"),
    pytest.param("Namespace", 0x80070490, id="namespace"),
    pytest.param("LoadBalancer", 0x80070490, id="load balancer"),
    pytest.param("SdnRoute", 0x80070490, id="SDN route"),
]


def test_an_endpoint_name_may_be_used_twice_in_one_network(caller: Caller) -> None:
    network = caller.network()
    for _ in range(2):
        caller.endpoint(network, Name="same")
    assert len(caller.ids("Endpoint", Name="same")) == 2


def test_an_endpoint_without_a_name_is_called_ethernet(caller: Caller) -> None:
    assert caller.get("Endpoint", caller.endpoint(caller.network()))["Name"] == "Ethernet"


def test_a_network_name_is_unique(caller: Caller) -> None:
    caller.network(name="pods")
    with pytest.raises(Failed, match=code(0x803B0010)):
        caller.network(name="pods", prefix="10.8.0.0/24")
    caller.network(name="PODS", prefix="10.8.0.0/24")  # names are compared as they are written


@pytest.mark.parametrize("written", [GUID, GUID.upper(), "{" + GUID + "}"])
def test_the_documents_id_is_used_whatever_its_spelling(caller: Caller, written: str) -> None:
    assert caller.create("Network", {**network_document("NAT", "net"), "ID": written}) == GUID


def test_the_id_may_be_spelt_id(caller: Caller) -> None:
    assert caller.create("Network", {**network_document("NAT", "net"), "Id": GUID}) == GUID


def test_without_an_id_one_is_made(caller: Caller) -> None:
    assert caller.namespace() != caller.namespace()


def test_the_argument_names_the_object_where_the_document_does_not(caller: Caller) -> None:
    assert caller.create("Namespace", {}, guid=GUID) == GUID


@pytest.mark.parametrize(("wins", "expected"), [(False, GUID), (True, OTHER)])
def test_which_of_two_ids_wins_is_an_option(
    caller: Caller, simulator: Simulator, wins: bool, expected: str
) -> None:
    simulator.set_options(id_argument_wins=wins)
    assert caller.create("Namespace", {"ID": GUID}, guid=OTHER) == expected


def test_an_id_in_use_is_refused(caller: Caller) -> None:
    caller.namespace(ID=GUID)
    with pytest.raises(Failed, match=code(0x800700B7)):
        caller.namespace(ID=GUID)


def test_text_that_is_no_guid_is_refused(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0019)):
        caller.namespace(ID="pods")


@pytest.mark.parametrize(("family", "hresult"), MISSING)
@pytest.mark.parametrize("guid", [GUID, ZERO])
def test_opening_what_is_not_there(caller: Caller, family: str, hresult: int, guid: str) -> None:
    with pytest.raises(Failed, match=code(hresult)):
        caller.open(family, guid)


@pytest.mark.parametrize(("family", "hresult"), MISSING)
def test_deleting_what_is_not_there(caller: Caller, family: str, hresult: int) -> None:
    with pytest.raises(Failed, match=code(hresult)):
        caller.delete(family, GUID)


def test_guids_are_lower_case_in_v2_and_upper_case_in_v1_and_in_a_namespaces_resources(
    caller: Caller,
) -> None:
    network = caller.network()
    endpoint = caller.endpoint(network, ID=GUID)
    namespace = caller.namespace()
    caller.add(namespace, endpoint)
    assert caller.get("Endpoint", endpoint)["ID"] == GUID
    assert caller.get("Endpoint", endpoint, 1)["ID"] == GUID.upper()
    resources = caller.get("Namespace", namespace)["Resources"]
    assert resources == [{"Type": "Endpoint", "Data": {"Id": GUID.upper()}}]
