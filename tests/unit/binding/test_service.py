"""Memory, handles and failures at the C functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.binding import service as module
from cni_hns.binding.errors import (
    AccessDenied,
    FunctionMissing,
    MalformedAnswer,
    NotFound,
    NotSupported,
    ServiceError,
    Unreachable,
)
from cni_hns.binding.libraries import Libraries
from cni_hns.binding.service import (
    ENDPOINT,
    LOAD_BALANCER,
    NAMESPACE,
    NETWORK,
    SDN_ROUTE,
    Handle,
    ObjectKind,
    Service,
)
from cni_hns.log import Log
from tests.unit.binding.scripted import E_FAIL, GUID, Script, ScriptedService

KINDS = [
    pytest.param(kind, id=kind.singular) for kind in (NETWORK, ENDPOINT, NAMESPACE, LOAD_BALANCER, SDN_ROUTE)
]

RECORD = '{"Success":false,"Error":"Element not found. ","ErrorCode":2147943568}'
NOT_FOUND = 0x80070490


def _created(service: Service, kind: ObjectKind) -> Handle:
    if kind is not ENDPOINT:
        return service.create(kind, "{}", "new")
    network = service.open(NETWORK, GUID)
    try:
        return service.create(kind, "{}", "new", network)
    finally:
        service.close(network)


# Each call that a family has, and the function whose answer a test scripts.
CALLS: list[tuple[str, Callable[[Service, ObjectKind], object]]] = [
    ("HcnEnumerate{plural}", lambda service, kind: service.enumerate(kind, "{}")),
    ("HcnCreate{singular}", _created),
    ("HcnOpen{singular}", lambda service, kind: service.open(kind, GUID)),
    (
        "HcnModify{singular}",
        lambda service, kind: _with_open(service, kind, lambda h: service.modify(h, "{}")),
    ),
    (
        "HcnQuery{singular}Properties",
        lambda service, kind: _with_open(service, kind, lambda h: service.query(h, "{}")),
    ),
    ("HcnDelete{singular}", lambda service, kind: service.delete(kind, GUID)),
]
EACH_CALL = [
    pytest.param(name, call, id=name.replace("{singular}", "").replace("{plural}", ""))
    for name, call in CALLS
]


def _with_open(service: Service, kind: ObjectKind, use: Callable[[Handle], object]) -> object:
    handle = service.open(kind, GUID)
    try:
        return use(handle)
    finally:
        service.close(handle)


def _name(name: str, kind: ObjectKind) -> str:
    return name.format(singular=kind.singular, plural=kind.plural)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "call"), EACH_CALL)
class TestEveryFunctionOfEveryFamily:
    def test_is_called_and_what_it_gives_is_given_back(
        self,
        service: Service,
        scripted: ScriptedService,
        kind: ObjectKind,
        name: str,
        call: Callable[[Service, ObjectKind], object],
    ) -> None:
        scripted.scripts[_name(name, kind)] = Script(text='["x"]')
        result = call(service, kind)
        assert _name(name, kind) in scripted.called
        if isinstance(result, Handle):
            service.close(result)

    def test_fails_by_its_hresult_with_the_record(
        self,
        service: Service,
        scripted: ScriptedService,
        kind: ObjectKind,
        name: str,
        call: Callable[[Service, ObjectKind], object],
    ) -> None:
        scripted.scripts[_name(name, kind)] = Script(hresult=NOT_FOUND, record=RECORD, text="left over")
        with pytest.raises(NotFound) as caught:
            call(service, kind)
        assert caught.value.operation == _name(name, kind)
        assert caught.value.hresult == NOT_FOUND
        assert caught.value.words == "Element not found."
        assert kind.words in caught.value.target

    def test_fails_by_a_record_beside_a_success_code(
        self,
        service: Service,
        scripted: ScriptedService,
        kind: ObjectKind,
        name: str,
        call: Callable[[Service, ObjectKind], object],
    ) -> None:
        scripted.scripts[_name(name, kind)] = Script(record=RECORD, text="{}")
        with pytest.raises(NotFound) as caught:
            call(service, kind)
        assert caught.value.hresult == NOT_FOUND

    def test_says_so_when_this_windows_does_not_have_it(
        self,
        service: Service,
        scripted: ScriptedService,
        kind: ObjectKind,
        name: str,
        call: Callable[[Service, ObjectKind], object],
    ) -> None:
        scripted.missing.add(_name(name, kind))
        with pytest.raises(FunctionMissing, match=_name(name, kind)):
            call(service, kind)


class TestErrorRecords:
    @pytest.mark.parametrize(
        ("record", "words"),
        [
            pytest.param("Access is denied. ", "Access is denied.", id="no JSON"),
            pytest.param('["a list"]', '["a list"]', id="no object"),
            pytest.param("[" * 100_000, "[" * 100_000, id="nested too deep to read"),
            pytest.param('{"error":"In any case. "}', "In any case.", id="other case"),
            pytest.param('{"Success":false}', "", id="without words"),
            pytest.param('{"Error":null}', "", id="null words"),
            pytest.param("", "", id="none"),
        ],
    )
    def test_whatever_the_record_is_it_does_not_hide_the_code(
        self, service: Service, scripted: ScriptedService, record: str, words: str
    ) -> None:
        scripted.scripts["HcnDeleteNetwork"] = Script(hresult=0x80070005, record=record)
        with pytest.raises(AccessDenied) as caught:
            service.delete(NETWORK, GUID)
        assert caught.value.words == words
        assert "0x80070005" in str(caught.value)

    @pytest.mark.parametrize(
        ("record", "hresult"),
        [
            pytest.param("just words", 0, id="no JSON"),
            pytest.param('{"Error":"old"}', 0, id="no code, as an old HNS writes it"),
            pytest.param('{"ErrorCode":"0x1"}', 0, id="a code that is no number"),
            pytest.param('{"errorcode":2151350274}', 0x803B0002, id="code in another case"),
            pytest.param('{"ErrorCode":-2143617022}', 0x803B0002, id="a negative code"),
        ],
    )
    def test_a_record_beside_a_success_code_gives_the_code_it_has(
        self, service: Service, scripted: ScriptedService, record: str, hresult: int
    ) -> None:
        scripted.scripts["HcnDeleteEndpoint"] = Script(record=record)
        with pytest.raises(ServiceError) as caught:
            service.delete(ENDPOINT, GUID)
        assert caught.value.hresult == hresult

    def test_a_failure_with_a_record_and_a_text_frees_both(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HcnEnumerateEndpoints"] = Script(hresult=E_FAIL, text="[]", record=RECORD)
        with pytest.raises(ServiceError):
            service.enumerate(ENDPOINT, "{}")
        assert scripted.buffers == {}


class TestHandles:
    def test_a_handle_beside_a_failing_record_is_closed(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HcnOpenEndpoint"] = Script(record=RECORD)
        with pytest.raises(NotFound):
            service.open(ENDPOINT, GUID)
        assert [call[0] for call in scripted.calls] == ["HcnOpenEndpoint", "HcnCloseEndpoint"]

    def test_success_without_a_handle_is_a_failure(self, service: Service, scripted: ScriptedService) -> None:
        scripted.scripts["HcnOpenEndpoint"] = Script(handle=False)
        with pytest.raises(MalformedAnswer, match="no handle"):
            service.open(ENDPOINT, GUID)

    def test_nothing_is_opened_that_could_not_be_closed(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.missing.add("HcnCloseNetwork")
        with pytest.raises(FunctionMissing, match="HcnCloseNetwork"):
            service.open(NETWORK, GUID)
        assert scripted.calls == []

    def test_nothing_is_asked_for_that_could_not_be_freed(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.missing.add("CoTaskMemFree")
        with pytest.raises(FunctionMissing, match="CoTaskMemFree"):
            service.enumerate(NETWORK, "{}")
        assert scripted.calls == []

    def test_closing_twice_closes_once(self, service: Service, scripted: ScriptedService) -> None:
        handle = service.open(NETWORK, GUID)
        service.close(handle)
        service.close(handle)
        assert [call[0] for call in scripted.calls].count("HcnCloseNetwork") == 1

    def test_a_failed_close_is_an_error_and_is_not_repeated(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        handle = service.open(NETWORK, GUID)
        scripted.scripts["HcnCloseNetwork"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable) as caught:
            service.close(handle)
        assert caught.value.operation == "HcnCloseNetwork"
        service.close(handle)
        assert scripted.violations == []

    @pytest.mark.parametrize(
        "use",
        [
            pytest.param(lambda service, handle: service.query(handle, "{}"), id="query"),
            pytest.param(lambda service, handle: service.modify(handle, "{}"), id="modify"),
            pytest.param(lambda service, handle: service.statistics(handle, "{}"), id="statistics"),
            pytest.param(
                lambda service, handle: service.create(ENDPOINT, "{}", "new", handle), id="create on it"
            ),
        ],
    )
    def test_a_closed_handle_cannot_be_used(
        self, service: Service, scripted: ScriptedService, use: Callable[[Service, Handle], object]
    ) -> None:
        handle = service.open(ENDPOINT, GUID)
        service.close(handle)
        before = len(scripted.calls)
        with pytest.raises(ValueError, match="is closed"):
            use(service, handle)
        assert len(scripted.calls) == before


class TestArguments:
    def test_guids_are_passed_with_their_numbers_in_memory_order(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        service.delete(ENDPOINT, "00112233-4455-6677-8899-AABBCCDDEEFF")
        assert scripted.calls[0][1] == "33221100554477668899aabbccddeeff"

    def test_braces_around_a_guid_are_read(self, service: Service, scripted: ScriptedService) -> None:
        service.delete(ENDPOINT, "{" + GUID + "}")
        assert scripted.calls[0][1] == "33221100554477668899aabbccddeeff"

    @pytest.mark.parametrize("text", ["", "eth0", GUID + "0", GUID[:-1], "{" + GUID])
    def test_what_is_no_guid_never_reaches_the_service(
        self, service: Service, scripted: ScriptedService, text: str
    ) -> None:
        with pytest.raises(ValueError, match="is not a GUID"):
            service.open(ENDPOINT, text)
        assert scripted.calls == []

    def test_the_id_argument_of_a_create_is_the_zero_guid(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        service.close(service.create(NAMESPACE, '{"ID":"x"}', "new"))
        assert scripted.calls[0][1:3] == ("00" * 16, '{"ID":"x"}')

    @pytest.mark.parametrize(
        "call",
        [
            pytest.param(lambda service: service.enumerate(NETWORK, '{"a\0b"}'), id="query"),
            pytest.param(lambda service: service.create(NETWORK, "\0", "new"), id="settings"),
            pytest.param(lambda service: service.hns_call("GET", "/networks/\0", ""), id="path"),
        ],
    )
    def test_a_nul_is_refused_before_it_cuts_the_text_short(
        self, service: Service, scripted: ScriptedService, call: Callable[[Service], object]
    ) -> None:
        with pytest.raises(ValueError, match="NUL"):
            call(service)
        assert scripted.calls == []

    @given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=200))
    def test_every_other_text_arrives_and_comes_back_whole(self, text: str) -> None:
        scripted = ScriptedService()
        scripted.scripts["HcnEnumerateNetworks"] = Script(text=text)
        service = Service(scripted.libraries(), Log(stderr=False))
        answer = service.enumerate(NETWORK, text)
        # Python may hold a pair of surrogates as two characters; UTF-16 does not know the difference.
        assert _utf16(scripted.calls[0][1]) == _utf16(text)
        assert _utf16(answer) == _utf16(text)
        scripted.assert_clean()


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


class TestHnsCall:
    def test_gives_the_answers_text(self, service: Service, scripted: ScriptedService) -> None:
        scripted.scripts["HNSCall"] = Script(text='{"Success":true}')
        assert service.hns_call("GET", "/globals/version", "") == '{"Success":true}'
        assert scripted.calls[0][1:4] == ("GET", "/globals/version", "")

    def test_fails_by_its_hresult_with_the_answer_as_record(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.scripts["HNSCall"] = Script(
            hresult=0x803B0002, text='{"Error":"The endpoint was not found. "}'
        )
        with pytest.raises(NotFound, match=r"HNSCall GET /endpoints/x failed .*The endpoint was not found\."):
            service.hns_call("GET", "/endpoints/x", "")

    def test_fails_without_an_answer_too(self, service: Service, scripted: ScriptedService) -> None:
        scripted.scripts["HNSCall"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable):
            service.hns_call("GET", "/globals/version", "")

    def test_says_so_where_the_dll_is_missing(self, log: Log) -> None:
        class NoDll:
            def __getattr__(self, name: str) -> object:
                raise OSError("C:\\Windows\\System32\\vmcompute.dll cannot be loaded (Win32 error 126)")

        service = Service(Libraries(NoDll(), NoDll(), NoDll(), NoDll()), log)
        with pytest.raises(NotSupported) as caught:
            service.hns_call("GET", "/globals/version", "")
        assert caught.value.hresult == 0x8007007E
        assert "vmcompute.dll cannot be loaded" in str(caught.value)


class TestNotifications:
    def test_a_copy_of_each_notification_is_handed_on(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        seen: list[tuple[int, int, str]] = []
        registration = service.register(lambda *arguments: seen.append(arguments))
        scripted.notify(2, 0, '{"ID":"ä"}')
        scripted.notify(0x01000000, 0x800706BA, None)
        service.unregister(registration)
        assert seen == [(2, 0, '{"ID":"ä"}'), (0x01000000, 0x800706BA, "")]

    def test_an_exception_of_the_handler_stays_out_of_the_service(
        self, service: Service, scripted: ScriptedService, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def fails(*_: object) -> None:
            raise KeyError("secret")

        registration = service.register(fails)
        scripted.notify(2, 0, "{}")
        service.unregister(registration)
        assert capfd.readouterr().err == ""

    def test_a_failed_registration_keeps_nothing(self, service: Service, scripted: ScriptedService) -> None:
        scripted.scripts["HcnRegisterServiceCallback"] = Script(hresult=0x80070005)
        with pytest.raises(AccessDenied):
            service.register(lambda *_: None)

    def test_what_cannot_be_unregistered_cannot_be_registered(
        self, service: Service, scripted: ScriptedService
    ) -> None:
        scripted.missing.add("HcnUnregisterServiceCallback")
        with pytest.raises(FunctionMissing, match="HcnUnregisterServiceCallback"):
            service.register(lambda *_: None)
        assert scripted.calls == []

    def test_a_callback_that_the_service_may_still_call_is_kept_alive(
        self, service: Service, scripted: ScriptedService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[object] = []
        monkeypatch.setattr(module, "_still_registered", kept)
        seen: list[int] = []
        registration = service.register(lambda code, *_: seen.append(code))
        scripted.scripts["HcnUnregisterServiceCallback"] = Script(hresult=0x800706BA)
        with pytest.raises(Unreachable):
            service.unregister(registration)
        assert kept == [registration]
        scripted.notify(4, 0, "{}")
        assert seen == [4]


class TestTheLog:
    def test_counts_each_call_but_closing_and_freeing(
        self, service: Service, scripted: ScriptedService, log: Log
    ) -> None:
        scripted.scripts["HcnQueryEndpointProperties"] = Script(text="{}")
        handle = service.open(ENDPOINT, GUID)
        service.query(handle, "{}")
        service.close(handle)
        service.delete(ENDPOINT, GUID)
        assert log.calls == 3

    def test_names_the_call_in_progress(
        self, scripted: ScriptedService, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_progress: list[str] = []
        original = scripted.pointer

        def pointer(name: str) -> Callable[..., object]:
            function = original(name)

            def observed(*arguments: object) -> object:
                in_progress.append(log.current_call)
                return function(*arguments)

            return observed

        monkeypatch.setattr(scripted, "pointer", pointer)
        service = Service(scripted.libraries(), log)
        service.delete(ENDPOINT, GUID)
        service.hns_call("GET", "/endpoints/", "")
        assert in_progress[:2] == [f"HcnDeleteEndpoint {GUID}", "HNSCall GET /endpoints/"]
        assert log.current_call == ""

    def test_takes_a_warning(self, service: Service, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        events: list[tuple[str, str]] = []
        monkeypatch.setattr(log, "event", lambda message, level: events.append((message, level)))
        service.warn("something")
        assert events == [("something", "warning")]


class TestModify:
    def test_says_on_what_and_what_was_to_change(self, service: Service, scripted: ScriptedService) -> None:
        scripted.scripts["HcnModifyNamespace"] = Script(hresult=0x803B002B)
        with pytest.raises(ServiceError) as caught:
            _with_open(service, NAMESPACE, lambda handle: service.modify(handle, "{}", "Add Endpoint"))
        assert caught.value.target == f"namespace {GUID} (Add Endpoint)"
