"""Families and open objects: what they send, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.binding.errors import MalformedAnswer, NotFound, ServiceError, Unreachable
from cni_hns.binding.service import Service
from cni_hns.binding.texts import UnspeakableText
from cni_hns.cni.errors import INVALID_CONFIG
from cni_hns.cni.failures import as_cni_error
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.notifications import name_of
from cni_hns.hcn.statistics import EndpointStatistics
from cni_hns.identity import ZERO_GUID
from tests.unit.binding.scripted import GUID, Script, ScriptedService

UPPER = "{" + GUID.upper() + "}"


@pytest.fixture
def hcn(service: Service) -> Hcn:
    return Hcn(service)


def _sent(scripted: ScriptedService, function: str) -> Any:
    """The JSON text of the last call of this function, decoded."""
    call = next(call for call in reversed(scripted.calls) if call[0] == function)
    return json.loads(next(one for one in call[1:] if isinstance(one, str) and one.startswith("{")))


class TestIds:
    def test_are_lower_case_without_braces(self, hcn: Hcn, scripted: ScriptedService) -> None:
        scripted.scripts["HcnEnumerateEndpoints"] = Script(text=json.dumps([UPPER]))
        assert hcn.endpoints.ids() == [GUID]

    @pytest.mark.parametrize("text", ["", "[]"])
    def test_of_nothing_are_an_empty_list(self, hcn: Hcn, scripted: ScriptedService, text: str) -> None:
        scripted.scripts["HcnEnumerateNetworks"] = Script(text=text)
        assert hcn.networks.ids() == []

    @pytest.mark.parametrize("text", ["{}", "null", "not JSON", '"text"', '["Other"]', "[7]"])
    def test_that_cannot_be_read_are_an_error_and_no_empty_list(
        self, hcn: Hcn, scripted: ScriptedService, text: str
    ) -> None:
        scripted.scripts["HcnEnumerateNetworks"] = Script(text=text)
        with pytest.raises(MalformedAnswer):
            hcn.networks.ids(Name="pods")

    def test_are_asked_for_by_a_filter_that_is_a_json_text(self, hcn: Hcn, scripted: ScriptedService) -> None:
        hcn.networks.ids(Name='p"ods')
        sent = _sent(scripted, "HcnEnumerateNetworks")
        assert json.loads(sent["Filter"]) == {"Name": 'p"ods'}
        assert sent["SchemaVersion"] == {"Major": 2, "Minor": 0}

    def test_of_all_objects_are_asked_for_without_a_filter(self, hcn: Hcn, scripted: ScriptedService) -> None:
        hcn.networks.ids()
        assert "Filter" not in _sent(scripted, "HcnEnumerateNetworks")

    @pytest.mark.parametrize("name", ["a\0b", "\\\0"])
    def test_are_not_asked_for_by_a_nul(self, hcn: Hcn, scripted: ScriptedService, name: str) -> None:
        with pytest.raises(ValueError, match="NUL"):
            hcn.networks.ids(Name=name)
        assert scripted.calls == []


class TestANul:
    @pytest.mark.parametrize(
        ("document", "place"),
        [
            ({"Name": "a\0"}, "Name"),
            ({"Dns": {"Search": ["a", "b\0"]}}, "Dns.Search[1]"),
            ({"Policies": [{"Settings": {"a\0": 1}}]}, "Policies[0].Settings"),
        ],
    )
    def test_in_a_document_is_the_askers_fault_and_its_place_is_named(
        self, hcn: Hcn, scripted: ScriptedService, document: dict[str, Any], place: str
    ) -> None:
        with pytest.raises(UnspeakableText) as caught:
            hcn.networks.create(document)
        assert as_cni_error(caught.value, "ADD").code == INVALID_CONFIG
        assert str(caught.value).startswith(f"{place} has a NUL")
        assert scripted.calls == []


class TestOpened:
    def test_is_closed_when_the_query_after_the_open_fails(self, hcn: Hcn, scripted: ScriptedService) -> None:
        scripted.scripts["HcnQueryEndpointProperties"] = Script(hresult=0x803B0002)
        with pytest.raises(NotFound):
            hcn.endpoints.get(GUID)
        assert scripted.handles == set()

    @pytest.mark.parametrize("text", ["", "[]", "not JSON", "null"])
    def test_is_closed_when_its_document_cannot_be_read(
        self, hcn: Hcn, scripted: ScriptedService, text: str
    ) -> None:
        scripted.scripts["HcnQueryNamespaceProperties"] = Script(text=text)
        with pytest.raises(MalformedAnswer, match="HcnQueryNamespaceProperties"):
            hcn.namespaces.get(GUID)
        assert scripted.handles == set()

    def test_a_close_that_fails_joins_the_error_of_the_block(
        self, hcn: Hcn, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HcnCloseNetwork"] = Script(hresult=0x800706BA)
        error = RuntimeError("the block's own")
        with pytest.raises(RuntimeError) as caught, hcn.networks.open(GUID):
            raise error
        assert caught.value is error
        assert "HcnCloseNetwork" in error.__notes__[0]

    def test_a_close_that_fails_undoes_nothing_that_was_done(
        self, hcn: Hcn, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HcnCloseNetwork"] = Script(hresult=0x800706BA)
        with hcn.networks.open(GUID):
            pass

    def test_an_explicit_close_that_fails_is_an_error(self, hcn: Hcn, scripted: ScriptedService) -> None:
        scripted.scripts["HcnCloseNetwork"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable):
            hcn.networks.open(GUID).close()

    def test_may_be_closed_inside_its_block(self, hcn: Hcn, scripted: ScriptedService) -> None:
        with hcn.networks.open(GUID) as opened:
            opened.close()
        assert [call[0] for call in scripted.calls].count("HcnCloseNetwork") == 1

    def test_asks_for_the_shape_of_a_schema_version(self, hcn: Hcn, scripted: ScriptedService) -> None:
        scripted.scripts["HcnQueryNetworkProperties"] = Script(text="{}")
        with hcn.networks.open(GUID) as opened:
            opened.query(schema_major=1)
        assert _sent(scripted, "HcnQueryNetworkProperties")["SchemaVersion"] == {"Major": 1, "Minor": 0}

    @pytest.mark.parametrize(
        ("request_", "words"),
        [
            pytest.param(
                {"ResourceType": "Endpoint", "RequestType": "Remove"}, "Remove Endpoint", id="request"
            ),
            pytest.param({"FrontendVIPs": []}, "Update settings", id="a whole load balancer"),
        ],
    )
    def test_a_failed_change_says_which(
        self, hcn: Hcn, scripted: ScriptedService, request_: dict[str, Any], words: str
    ) -> None:
        scripted.scripts["HcnModifyLoadBalancer"] = Script(hresult=0x80004001)
        with pytest.raises(ServiceError, match=words), hcn.load_balancers.open(GUID) as opened:
            opened.modify(request_)


class TestCreate:
    def test_puts_the_id_into_the_document_once(self, hcn: Hcn, scripted: ScriptedService) -> None:
        with hcn.networks.create({"Id": "other", "Name": "pods"}, GUID) as created:
            assert created.id == GUID
        assert _sent(scripted, "HcnCreateNetwork") == {"Name": "pods", "ID": GUID}

    def test_takes_the_documents_own_id(self, hcn: Hcn, scripted: ScriptedService) -> None:
        with hcn.namespaces.create({"ID": UPPER}) as created:
            assert created.id == GUID
        assert _sent(scripted, "HcnCreateNamespace") == {"ID": UPPER}

    @pytest.mark.parametrize("document", [{}, {"ID": ZERO_GUID}, {"ID": "none"}, {"ID": 7}])
    def test_without_an_id_learns_the_one_that_hns_chose(
        self, hcn: Hcn, scripted: ScriptedService, document: dict[str, Any]
    ) -> None:
        scripted.scripts["HcnQueryNamespaceProperties"] = Script(text=json.dumps({"Id": UPPER}))
        with hcn.namespaces.create(document) as created:
            assert created.id == ""
            created.query()
            assert created.id == GUID

    @pytest.mark.parametrize("answer", [{}, {"ID": 5}, {"ID": "none"}])
    def test_an_answer_without_an_id_leaves_it_unknown(
        self, hcn: Hcn, scripted: ScriptedService, answer: dict[str, Any]
    ) -> None:
        scripted.scripts["HcnQueryNamespaceProperties"] = Script(text=json.dumps(answer))
        with hcn.namespaces.create({}) as created:
            assert created.query() == answer
            assert created.id == ""

    def test_of_an_endpoint_needs_an_open_network(self, hcn: Hcn, scripted: ScriptedService) -> None:
        with hcn.networks.open(GUID) as network, hcn.endpoints.create(network, {"Name": "a_b"}, GUID) as made:
            assert made.id == GUID
        assert _sent(scripted, "HcnCreateEndpoint") == {"Name": "a_b", "ID": GUID}

    @pytest.mark.parametrize(
        ("document", "guid", "label"),
        [
            pytest.param({"Name": "pods"}, GUID, f'HCN network "pods" {GUID}', id="name and id"),
            pytest.param({"Name": "pods"}, ZERO_GUID, 'HCN network "pods"', id="name"),
            pytest.param({}, GUID, f"HCN network {GUID}", id="id"),
            pytest.param({}, ZERO_GUID, "HCN network (new)", id="neither"),
        ],
    )
    def test_that_fails_names_the_object_as_far_as_it_is_known(
        self, hcn: Hcn, scripted: ScriptedService, document: dict[str, Any], guid: str, label: str
    ) -> None:
        scripted.scripts["HcnCreateNetwork"] = Script(hresult=0x803B0006)
        with pytest.raises(ServiceError) as caught:
            hcn.networks.create(document, guid)
        assert caught.value.target == label


class TestStatistics:
    def test_are_the_endpoints_counters(self, hcn: Hcn, scripted: ScriptedService) -> None:
        answer = {"EndpointId": "ABC", "BytesReceived": 1, "bytesSent": 2, "PacketsSent": "many"}
        scripted.scripts["HcnQueryEndpointStats"] = Script(text=json.dumps(answer))
        with hcn.endpoints.open(GUID) as endpoint:
            counters = EndpointStatistics.of(endpoint.statistics())
        assert counters == EndpointStatistics("abc", 1, 2, 0, 0, 0, 0)


class TestWatch:
    @pytest.mark.parametrize(
        ("code", "name"),
        [
            (2, "NetworkCreate"),
            (9, "NetworkEndpointAttached"),
            (0x10, "NetworkEndpointDetached"),
            (0x01000000, "ServiceDisconnect"),
            pytest.param(0x80000004, "NetworkDelete", id="reserved flag bits"),
            pytest.param(0x0A, "notification 0x0000000A", id="a number in the gap"),
        ],
    )
    def test_codes_have_names(self, code: int, name: str) -> None:
        assert name_of(code) == name

    def test_hands_on_names_codes_and_documents(self, hcn: Hcn, scripted: ScriptedService) -> None:
        seen: list[tuple[str, int, dict[str, Any]]] = []
        with hcn.watch(lambda *arguments: seen.append(arguments)):
            scripted.notify(5, 0, '{"ID":"x"}')
            scripted.notify(0x01000000, 0x800706BA, None)
            scripted.notify(4, 0, "no JSON")
            scripted.notify(4, 0, "[1]")
        scripted.notify(6, 0, "{}")
        assert seen == [
            ("NamespaceCreate", 0, {"ID": "x"}),
            ("ServiceDisconnect", 0x800706BA, {}),
            ("NetworkDelete", 0, {"Data": "no JSON"}),
            ("NetworkDelete", 0, {"Data": [1]}),
        ]

    def test_ends_when_the_block_fails(self, hcn: Hcn, scripted: ScriptedService) -> None:
        with pytest.raises(RuntimeError), hcn.watch(lambda *_: None):
            raise RuntimeError
        assert scripted.registered == {}

    def test_an_end_that_fails_joins_the_error_of_the_block(
        self, hcn: Hcn, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HcnUnregisterServiceCallback"] = Script(hresult=0x800706BA)
        error = RuntimeError("the block's own")
        with pytest.raises(RuntimeError) as caught, hcn.watch(lambda *_: None):
            raise error
        assert caught.value is error
        assert "HcnUnregisterServiceCallback" in error.__notes__[0]

    def test_an_end_that_fails_alone_is_an_error(self, hcn: Hcn, scripted: ScriptedService) -> None:
        scripted.scripts["HcnUnregisterServiceCallback"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable), hcn.watch(lambda *_: None):
            pass
