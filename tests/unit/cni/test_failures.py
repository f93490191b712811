from __future__ import annotations

import pytest

from cni_hns.binding.errors import AddressRefused, service_error
from cni_hns.cni.errors import CniError, shown
from cni_hns.cni.failures import as_cni_error, trace
from cni_hns.dialects.findings import ConfigFault, Finding
from cni_hns.dialects.placement import EndpointFault
from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted, Usage
from cni_hns.ledger.errors import LedgerBusy, LedgerFault


class Coded(Exception):
    cni_code = 42


def config_fault(*paths: str) -> ConfigFault:
    return ConfigFault([Finding(path, "is wrong") for path in paths])


TABLE = [
    pytest.param(config_fault("ipam.type"), 7, id="configuration"),
    pytest.param(config_fault("CNI_ARGS IP"), 4, id="CNI_ARGS"),
    pytest.param(config_fault("CNI_ARGS IP", "mac"), 7, id="CNI_ARGS and configuration"),
    pytest.param(EndpointFault("no subnet for 10.0.0.1"), 7, id="plan and HCN network"),
    pytest.param(service_error("HcnOpenEndpoint", "x", 0x80070005, ""), 100, id="HNS refused"),
    pytest.param(AddressRefused("HcnCreateEndpoint", "x", 0x803B002F), 100, id="a kind of refusal"),
    pytest.param(RangeExhausted("net", Usage(0, "10.0.0.0/24", 9, 9, 0, 0, 0, 0)), 101, id="no address left"),
    pytest.param(AddressUnavailable("10.0.0.9", "is held", "take another"), 101, id="wanted address taken"),
    pytest.param(LedgerFault("ledger.db", "is damaged"), 102, id="ledger damaged"),
    pytest.param(LedgerBusy("ledger.db"), 11, id="ledger busy"),
    pytest.param(Coded("own"), 42, id="a class with its own code"),
]


@pytest.mark.parametrize(("fault", "code"), TABLE)
def test_each_layer_s_failures_have_a_code_and_keep_their_words(fault: Exception, code: int) -> None:
    error = as_cni_error(fault, "ADD")
    assert error.code == code
    assert error.msg == str(fault)


def test_a_cni_error_stays_what_it_is() -> None:
    error = CniError(7, "m", "d")
    assert as_cni_error(error, "ADD") is error


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(KeyError("hunter2"), "unforeseen KeyError", id="unforeseen"),
        pytest.param(KeyboardInterrupt("hunter2"), "interrupted", id="interrupted"),
        pytest.param(SystemExit("hunter2"), "unforeseen SystemExit", id="an exit in the middle"),
        pytest.param(MemoryError("hunter2"), "unforeseen MemoryError", id="out of memory"),
    ],
)
def test_the_unforeseen_is_999_without_its_own_words(fault: BaseException, said: str) -> None:
    error = as_cni_error(fault, "ADD")
    assert error.code == 999
    assert said in error.msg
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(("fault", "code"), TABLE)
def test_status_answers_50_for_what_would_make_an_add_fail(fault: Exception, code: int) -> None:
    error = as_cni_error(fault, "STATUS")
    assert error.code == (50 if code in {11, 100, 101, 102} else code)


@pytest.mark.parametrize("code", [1, 4, 5, 6, 7, 50, 51, 999])
def test_status_keeps_the_protocol_s_own_codes(code: int) -> None:
    assert as_cni_error(CniError(code, "m"), "STATUS").code == code


@pytest.mark.parametrize(
    "words",
    [
        "endpoint not found",
        "Element Not Found.",
        "NOT FOUND",
        "open x: No such file or directory",
        "not not foundfound",
    ],
)
def test_an_error_of_del_never_reads_like_a_success(words: str) -> None:
    noted = EndpointFault(words)
    noted.add_note(words)
    for fault in (noted, CniError(105, words, words)):
        error = as_cni_error(fault, "DEL")
        for text in (error.msg.lower(), error.details.lower(), str(error).lower()):
            assert "not found" not in text
            assert "no such file or directory" not in text
        assert "absent" in error.msg
        assert "absent" in error.details


def test_other_verbs_keep_their_words() -> None:
    assert as_cni_error(EndpointFault("endpoint not found"), "ADD").msg == "endpoint not found"


def test_notes_are_details() -> None:
    fault = CniError(100, "m", "first")
    fault.add_note("the lease was not taken back")
    assert as_cni_error(fault, "ADD").details == "first; the lease was not taken back"


def test_a_trace_says_where_but_not_what() -> None:
    try:
        try:
            raise KeyError("hunter2")
        except KeyError as fault:
            raise ValueError("hunter2") from fault
    except ValueError as fault:
        lines = trace(fault)
    assert lines[0] == "ValueError"
    assert "KeyError" in lines
    assert "test_failures.py" in lines[1]
    assert "test_a_trace_says_where_but_not_what" in lines[1]
    assert not any("hunter2" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a b", '"a b"', id="plain"),
        pytest.param("a\nb\x1b", '"a\\nb\\x1b"', id="control characters"),
        pytest.param("x" * 81, '"' + "x" * 80 + '…"', id="long"),
        pytest.param("\udcff", '"\\udcff"', id="half a surrogate pair"),
    ],
)
def test_text_from_outside_is_shown_on_one_line(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_document_has_details_only_where_there_are_some() -> None:
    assert CniError(4, "m").document("1.0.0") == {"cniVersion": "1.0.0", "code": 4, "msg": "m"}
    assert CniError(4, "m", "d").document("1.0.0")["details"] == "d"
