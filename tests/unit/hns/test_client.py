"""The V1 call: envelopes, failures and what is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.binding.errors import MalformedAnswer, NotFound, ServiceError, Unreachable
from cni_hns.binding.service import Service
from cni_hns.hns.client import STATES, Hns
from tests.unit.binding.scripted import GUID, Script, ScriptedService


@pytest.fixture
def hns(service: Service) -> Hns:
    return Hns(service)


def _answer(scripted: ScriptedService, envelope: Any, hresult: int = 0) -> None:
    scripted.scripts["HNSCall"] = Script(hresult=hresult, text=json.dumps(envelope))


class TestVersion:
    def test_is_major_and_minor(self, hns: Hns, scripted: ScriptedService) -> None:
        _answer(scripted, {"Success": True, "Output": {"Major": 15, "Minor": 4}})
        assert hns.version() == (15, 4)
        assert scripted.calls[0][1:4] == ("GET", "/globals/version", "")

    @pytest.mark.parametrize("output", [None, {}, [15, 4], {"Major": 15}, {"Major": "15", "Minor": "4"}])
    def test_that_cannot_be_read_is_an_error(
        self, hns: Hns, scripted: ScriptedService, output: object
    ) -> None:
        _answer(scripted, {"Success": True, "Output": output})
        with pytest.raises(MalformedAnswer):
            hns.version()


class TestEndpointState:
    @pytest.mark.parametrize("state", STATES)
    def test_is_a_number_and_words(self, hns: Hns, scripted: ScriptedService, state: int) -> None:
        _answer(scripted, {"Success": True, "Output": {"state": state}})
        assert hns.endpoint_state(GUID) == (state, STATES[state])
        assert scripted.calls[0][2] == f"/endpoints/{GUID}"

    @pytest.mark.parametrize(
        ("output", "state"),
        [
            pytest.param({"State": 9}, (9, "unknown state 9"), id="a number without a name"),
            pytest.param({}, (0, STATES[0]), id="left out, being the default"),
            pytest.param([], (0, STATES[0]), id="no object"),
        ],
    )
    def test_of_other_answers(
        self, hns: Hns, scripted: ScriptedService, output: object, state: tuple[int, str]
    ) -> None:
        _answer(scripted, {"Success": True, "Output": output})
        assert hns.endpoint_state(GUID) == state


class TestManagementAddress:
    @pytest.mark.parametrize(
        ("output", "address"),
        [
            pytest.param({"managementIP": "192.0.2.7"}, "192.0.2.7", id="there"),
            pytest.param({"ManagementIP": ""}, "", id="not there yet"),
            pytest.param({}, "", id="left out"),
            pytest.param({"ManagementIP": None}, "", id="null"),
            pytest.param([], "", id="no object"),
        ],
    )
    def test_is_the_hosts_own_on_the_network(
        self, hns: Hns, scripted: ScriptedService, output: object, address: str
    ) -> None:
        _answer(scripted, {"Success": True, "Output": output})
        assert hns.management_address(GUID) == address
        assert scripted.calls[0][2] == f"/networks/{GUID}"


class TestEndpoints:
    @pytest.mark.parametrize(
        ("output", "endpoints"),
        [([{"ID": "a"}, None, {"ID": "b"}], [{"ID": "a"}, {"ID": "b"}]), (None, []), ({}, [])],
    )
    def test_are_one_list(
        self, hns: Hns, scripted: ScriptedService, output: object, endpoints: list[dict[str, str]]
    ) -> None:
        _answer(scripted, {"Success": True, "Output": output})
        assert hns.endpoints() == endpoints


class TestFailures:
    def test_a_failing_call_is_an_error(self, hns: Hns, scripted: ScriptedService) -> None:
        scripted.scripts["HNSCall"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable):
            hns.version()

    def test_an_envelope_that_says_failure_is_one_though_the_call_succeeded(
        self, hns: Hns, scripted: ScriptedService
    ) -> None:
        _answer(
            scripted, {"Success": False, "Error": "The endpoint was not found. ", "ErrorCode": 0x803B0002}
        )
        with pytest.raises(NotFound) as caught:
            hns.request("DELETE", f"/endpoints/{GUID}")
        assert caught.value.operation == f"HNSCall DELETE /endpoints/{GUID}"
        assert caught.value.words == "The endpoint was not found."

    def test_a_text_without_a_code_is_never_taken_for_not_found(
        self, hns: Hns, scripted: ScriptedService
    ) -> None:
        _answer(scripted, {"Success": False, "Error": "The endpoint was not found. "})
        with pytest.raises(ServiceError) as caught:
            hns.endpoint_state(GUID)
        assert type(caught.value) is ServiceError
        assert caught.value.hresult == 0x80004005

    @pytest.mark.parametrize("text", ["", "not JSON", "[]", "null"])
    def test_an_answer_that_is_no_envelope_is_an_error(
        self, hns: Hns, scripted: ScriptedService, text: str
    ) -> None:
        scripted.scripts["HNSCall"] = Script(text=text)
        with pytest.raises(MalformedAnswer):
            hns.request("GET", "/networks/")

    def test_the_body_is_passed_on(self, hns: Hns, scripted: ScriptedService) -> None:
        _answer(scripted, {"success": True})
        assert hns.request("POST", "/namespaces/", '{"IsDefault":false}') is None
        assert scripted.calls[0][1:4] == ("POST", "/namespaces/", '{"IsDefault":false}')
