"""The rules of the ABI: what the caller must close and free, and what happens when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator import Simulator
from cni_hns.simulator.core import networks
from tests.unit.simulator.caller import ZERO, Caller, Failed, network_document

INVALID_HANDLE, PARAMETER = 0x80070006, 0x80070057


@pytest.fixture
def sinner(tmp_path: Path) -> Iterator[Caller]:
    """A process that may break the rules."""
    node = Simulator(str(tmp_path / "node"))
    yield Caller(node)
    node.close()


def _violations(caller: Caller) -> list[str]:
    return [leak.text for leak in caller.simulator.leaks() if leak.kind == "violation"]


def _delete(caller: Caller, record: Any) -> int:
    return int(caller.function("HcnDeleteNetwork")(caller.guid(ZERO), record)) & 0xFFFFFFFF


class TestHandles:
    def test_an_open_one_is_live_and_is_written_down_at_the_end(self, sinner: Caller) -> None:
        network = sinner.network()
        sinner.open("Network", network)
        (held,) = sinner.simulator.live()
        assert (held.kind, held.what) == ("handle", f"Network {network}")
        sinner.libraries.close()
        sinner.libraries.close()  # a second time says nothing new
        assert [(leak.kind, leak.text) for leak in sinner.simulator.leaks()] == [
            ("handle", f"Network {network}")
        ]
        sinner.simulator.forget_leaks()
        assert sinner.simulator.leaks() == []

    def test_one_is_closed_once(self, sinner: Caller) -> None:
        handle = sinner.open("Network", sinner.network())
        assert sinner.close("Network", handle) == 0
        assert sinner.close("Network", handle) == INVALID_HANDLE
        assert _violations(sinner) == ["HcnCloseNetwork: a Network handle that is closed"]

    def test_one_is_not_used_after_it_is_closed(self, sinner: Caller) -> None:
        handle = sinner.open("Network", sinner.network())
        sinner.close("Network", handle)
        with pytest.raises(Failed, match="0x80070006"):
            sinner.query("Network", handle)
        assert _violations(sinner) == ["HcnQueryNetworkProperties: a Network handle that is closed"]

    def test_one_is_of_one_kind(self, sinner: Caller) -> None:
        handle = sinner.open("Network", sinner.network())
        assert sinner.close("Endpoint", handle) == INVALID_HANDLE
        assert _violations(sinner) == ["HcnCloseEndpoint: a handle of a Network in place of a Endpoint"]
        assert sinner.close("Network", handle) == 0

    @pytest.mark.parametrize(("number", "words"), [(0, "NULL"), (4711, "a number")])
    @pytest.mark.parametrize("function", ["close", "query", "modify", "create"])
    def test_what_is_none(self, sinner: Caller, number: int, words: str, function: str) -> None:
        handle = ffi.cast("void *", number)
        if function == "close":
            assert sinner.close("Network", handle) == INVALID_HANDLE
        else:
            calls: dict[str, Callable[[], Any]] = {
                "query": lambda: sinner.query("Network", handle),
                "modify": lambda: sinner.checked("HcnModifyNetwork", handle, sinner.wide("{}")),
                "create": lambda: sinner.opened(
                    "HcnCreateEndpoint", handle, sinner.guid(ZERO), sinner.wide("{}")
                ),
            }
            with pytest.raises(Failed, match="0x80070006"):
                calls[function]()
        (violation,) = _violations(sinner)
        assert f"{words} in place of a Network handle" in violation

    def test_a_failed_call_gives_none(self, sinner: Caller) -> None:
        slot = ffi.new("void **")
        with pytest.raises(Failed):
            sinner.checked("HcnOpenNetwork", sinner.guid(ZERO), slot)
        assert slot[0] == ffi.NULL
        assert sinner.simulator.live() == []

    def test_two_handles_of_one_object_are_two(self, sinner: Caller) -> None:
        network = sinner.network()
        one, other = sinner.open("Network", network), sinner.open("Network", network)
        assert one != other
        sinner.close("Network", one)
        assert sinner.query("Network", other)["ID"] == network


class TestBuffers:
    def test_an_answer_must_be_freed(self, sinner: Caller) -> None:
        slot, record = ffi.new("PWSTR *"), ffi.new("PWSTR *")
        sinner.function("HcnEnumerateNetworks")(sinner.wide("{}"), slot, record)
        assert [held.what for held in sinner.simulator.live()] == ["HcnEnumerateNetworks"]
        assert record[0] == ffi.NULL
        sinner.free(slot[0])
        assert sinner.simulator.live() == []

    def test_an_error_record_must_be_freed(self, sinner: Caller) -> None:
        record = ffi.new("PWSTR *")
        assert _delete(sinner, record) == 0x803B0001
        assert [held.what for held in sinner.simulator.live()] == ["HcnDeleteNetwork (error record)"]
        sinner.libraries.close()
        assert [leak.kind for leak in sinner.simulator.leaks()] == ["buffer"]

    def test_the_error_record_may_be_left_out(self, sinner: Caller) -> None:
        assert _delete(sinner, ffi.NULL) == 0x803B0001
        assert sinner.simulator.live() == []

    def test_a_buffer_is_freed_once(self, sinner: Caller) -> None:
        record = ffi.new("PWSTR *")
        _delete(sinner, record)
        sinner.free(record[0])
        sinner.free(record[0])
        assert _violations(sinner) == ["CoTaskMemFree: a buffer that is freed"]

    def test_only_the_services_buffers_are_freed(self, sinner: Caller) -> None:
        mine = ffi.new("char16_t[]", "mine")
        sinner.free(mine)
        assert _violations(sinner) == ["CoTaskMemFree: memory of somebody else"]

    def test_null_is_nothing(self, sinner: Caller) -> None:
        sinner.free(ffi.NULL)
        assert _violations(sinner) == []

    def test_freed_memory_holds_nonsense(self, sinner: Caller) -> None:
        record = ffi.new("PWSTR *")
        _delete(sinner, record)
        text = record[0]
        assert str(ffi.string(text)).startswith("{")
        sinner.free(text)
        assert ord(text[0]) == 0xDDDD

    def test_what_an_out_parameter_held_before_the_call_is_not_looked_at(self, sinner: Caller) -> None:
        slots = [ffi.new("PWSTR *"), ffi.new("PWSTR *")]
        for slot in slots:
            slot[0] = ffi.cast("PWSTR", 4711)
        assert sinner.function("HcnEnumerateNetworks")(sinner.wide("{}"), *slots) == 0
        assert sinner.take(slots[0]) == "[]"
        assert slots[1][0] == ffi.NULL
        assert _violations(sinner) == []

    def test_a_text_that_is_written_over_is_lost(self, sinner: Caller) -> None:
        slot, record = ffi.new("PWSTR *"), ffi.new("PWSTR *")
        for _ in range(2):
            sinner.function("HcnEnumerateNetworks")(sinner.wide("{}"), slot, record)
        sinner.free(slot[0])
        assert [held.what for held in sinner.simulator.live()] == ["HcnEnumerateNetworks"]

    def test_an_out_parameter_must_be_there(self, sinner: Caller) -> None:
        null, record = ffi.NULL, ffi.new("PWSTR *")
        calls = [
            sinner.function("HcnEnumerateNetworks")(sinner.wide("{}"), null, record),
            sinner.function("HcnOpenNetwork")(sinner.guid(ZERO), null, record),
            sinner.function("HcnCreateNetwork")(sinner.guid(ZERO), sinner.wide("{}"), null, record),
            sinner.function("HcnCreateEndpoint")(null, sinner.guid(ZERO), sinner.wide("{}"), null, record),
            sinner.function("HcnQueryNetworkProperties")(null, sinner.wide("{}"), null, record),
            sinner.function("HcnRegisterServiceCallback")(null, null, null),
        ]
        assert {answer & 0xFFFFFFFF for answer in calls} == {PARAMETER}
        assert sinner.simulator.journal() == []


class TestHnsCall:
    def test_its_answer_must_be_freed(self, sinner: Caller) -> None:
        slot = ffi.new("PWSTR *")
        texts = [sinner.wide(text) for text in ("GET", "/networks/", "")]
        assert sinner.libraries.vmcompute.HNSCall(*texts, slot) == 0
        assert [held.what for held in sinner.simulator.live()] == ["HNSCall"]
        sinner.free(slot[0])
        assert sinner.libraries.vmcompute.HNSCall(*texts, slot) == 0  # what the slot held is not looked at
        sinner.free(slot[0])
        assert _violations(sinner) == []

    def test_no_argument_may_be_null(self, sinner: Caller) -> None:
        slot = ffi.new("PWSTR *")
        for missing in range(4):
            arguments: list[Any] = [sinner.wide("GET"), sinner.wide("/networks/"), sinner.wide(""), slot]
            arguments[missing] = ffi.NULL
            assert sinner.libraries.vmcompute.HNSCall(*arguments) & 0xFFFFFFFF == PARAMETER


class TestExports:
    def test_a_function_that_windows_lacks(self, sinner: Caller) -> None:
        sinner.simulator.set_options(missing_functions=["HcnOpenSdnRoute"])
        libraries = sinner.simulator.libraries()
        with pytest.raises(AttributeError, match="HcnOpenSdnRoute"):
            _ = libraries.computenetwork.HcnOpenSdnRoute
        _ = libraries.computenetwork.HcnOpenNetwork

    @pytest.mark.parametrize("library", ["computenetwork", "vmcompute"])
    def test_a_library_that_windows_lacks(self, sinner: Caller, library: str) -> None:
        sinner.simulator.set_options(missing_libraries=[library])
        libraries = sinner.simulator.libraries()
        with pytest.raises(OSError, match=library):
            _ = getattr(libraries, library).HNSCall
        _ = libraries.ole32.CoTaskMemFree

    @pytest.mark.parametrize(
        ("library", "function"),
        [("computenetwork", "HNSCall"), ("vmcompute", "HcnOpenNetwork"), ("ole32", "HNSCall")],
    )
    def test_functions_are_where_they_belong(self, sinner: Caller, library: str, function: str) -> None:
        with pytest.raises(AttributeError, match=function):
            getattr(getattr(sinner.libraries, library), function)

    def test_every_function_that_is_declared_is_there(self, sinner: Caller) -> None:
        from cni_hns.binding import build

        declared = {
            line.split("(")[0].split()[-1]
            for line in build.DECLARATIONS.splitlines()
            if line.startswith("HRESULT Hcn")
        }
        assert len(declared) > 35
        for function in declared:
            assert ffi.typeof(getattr(sinner.libraries.computenetwork, function)).kind == "function"


def test_an_exception_inside_is_a_catastrophic_failure_and_a_violation(
    sinner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> str:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr(networks, "adapters", broken)
    slot, record = ffi.new("void **"), ffi.new("PWSTR *")
    settings = sinner.wide(json.dumps(network_document("L2Bridge", "net", "10.9.3.0/24")))
    answer = sinner.function("HcnCreateNetwork")(sinner.guid(ZERO), settings, slot, record)
    assert answer & 0xFFFFFFFF == 0x8000FFFF
    (violation,) = _violations(sinner)
    assert violation.startswith("HcnCreateNetwork: AttributeError")
    assert sinner.ids("Network") == []  # and what it had begun is undone


def test_an_exception_while_freeing_is_kept_too(sinner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr("cni_hns.simulator.abi.accounts.Accounts.free", broken)
    sinner.free(ffi.NULL)
    assert _violations(sinner) == ["CoTaskMemFree: ZeroDivisionError: broken"]
