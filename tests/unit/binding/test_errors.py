"""Which error a code is, and what the error says."""

from __future__ import annotations

import pickle

import pytest

from cni_hns.binding import errors
from cni_hns.binding.errors import FunctionMissing, MalformedAnswer, ServiceError, service_error

CLASSES = [
    pytest.param(0x80070490, errors.NotFound, id="element not found"),
    pytest.param(0x803B0001, errors.NotFound, id="network not found"),
    pytest.param(0x803B0002, errors.NotFound, id="endpoint not found"),
    pytest.param(0x803B0008, errors.PolicyNotFound, id="policy not found"),
    pytest.param(0x803B000D, errors.PolicyRefused, id="policy invalid"),
    pytest.param(0x803B000E, errors.PolicyRefused, id="policy type invalid"),
    pytest.param(0x803B0012, errors.PolicyRefused, id="policy there already"),
    pytest.param(0x803B0016, errors.PolicyRefused, id="no port mapping here"),
    pytest.param(0x803B002D, errors.PolicyRefused, id="no internal port"),
    pytest.param(0x803B0036, errors.PolicyRefused, id="interface parameters twice"),
    pytest.param(0x803B0010, errors.AlreadyExists, id="network name taken"),
    pytest.param(0x800700B7, errors.AlreadyExists, id="object exists"),
    pytest.param(0x80071392, errors.AddressRefused, id="address held by another endpoint"),
    pytest.param(0x803B002F, errors.AddressRefused, id="address reserved"),
    pytest.param(0x803B001E, errors.AddressOutsideSubnets, id="address in no subnet"),
    pytest.param(0x803B0013, errors.PortTaken, id="port mapped twice"),
    pytest.param(0x8007007E, errors.NotSupported, id="no DLL"),
    pytest.param(0x8007007F, errors.NotSupported, id="no function"),
    pytest.param(0x80004001, errors.NotSupported, id="not implemented"),
    pytest.param(0x80070032, errors.NotSupported, id="not supported"),
    pytest.param(0x803B0015, errors.NotSupported, id="request unsupported"),
    pytest.param(0x80070005, errors.AccessDenied, id="access denied"),
    pytest.param(0x800706BA, errors.Unreachable, id="server unavailable"),
    pytest.param(0x800706BE, errors.Unreachable, id="call failed"),
    pytest.param(0x800706BF, errors.Unreachable, id="call not executed"),
    pytest.param(0x80070426, errors.Unreachable, id="service not started"),
    pytest.param(0x803B0020, errors.Unreachable, id="service stopping"),
    pytest.param(0x80070006, errors.Unreachable, id="handle died with the service"),
]


@pytest.mark.parametrize(("hresult", "kind"), CLASSES)
def test_each_code_is_its_own_class(hresult: int, kind: type[ServiceError]) -> None:
    assert type(service_error("HcnOpenEndpoint", "endpoint x", hresult)) is kind


@pytest.mark.parametrize("hresult", [0x80004005, 0x80070057, 0x803B0005, 0x803B0017, 0xDEADBEEF, 0x490])
def test_any_other_code_says_nothing_about_whether_the_object_exists(hresult: int) -> None:
    assert type(service_error("HcnOpenEndpoint", "endpoint x", hresult)) is ServiceError


def test_only_codes_with_these_words_are_not_found() -> None:
    not_found = {param.values[0] for param in CLASSES if param.values[1] is errors.NotFound}
    assert not_found == {0x80070490, 0x803B0001, 0x803B0002}


def test_an_endpoint_without_a_policy_is_not_a_missing_endpoint() -> None:
    assert not issubclass(errors.PolicyNotFound, errors.NotFound)


def test_the_message_says_what_on_what_why_and_what_next() -> None:
    record = {"Success": False, "Error": "Element not found. ", "ErrorCode": 0x80070490}
    fault = service_error("HcnOpenNamespace", "namespace b90e", 0x80070490, record)
    assert str(fault) == (
        "HcnOpenNamespace failed on namespace b90e (0x80070490 ERROR_NOT_FOUND): "
        "element not found: HNS does not have the object. "
        'The service says: "Element not found." '
        "Next: list what there is (`cni-hns network list`, `endpoint list`, `namespace list`)."
    )


def test_the_message_keeps_all_bits_of_a_code_it_does_not_know() -> None:
    text = str(service_error("HcnOpenNetwork", "HCN network x", 0xC0DE0001))
    assert "0xC0DE0001 unknown HRESULT" in text
    assert "says" not in text


def test_a_missing_function_is_told_from_a_missing_dll() -> None:
    function = FunctionMissing("HcnModifyLoadBalancer", AttributeError("symbol not found"))
    dll = FunctionMissing("HcnModifyLoadBalancer", OSError("cannot be loaded"))
    assert (function.hresult, dll.hresult) == (0x8007007F, 0x8007007E)
    assert str(function).startswith("HcnModifyLoadBalancer failed (0x8007007F ERROR_PROC_NOT_FOUND)")
    assert 'The loader says: "cannot be loaded"' in str(dll)


def test_an_answer_that_cannot_be_read_is_quoted_as_one() -> None:
    assert 'It answered: "<html>"' in str(MalformedAnswer("HcnEnumerateNetworks", "", 0, "<html>"))


def test_an_error_survives_being_passed_between_processes() -> None:
    fault = service_error("HcnOpenNetwork", "HCN network x", 0x803B0001, {"Error": "gone"})
    copy = pickle.loads(pickle.dumps(fault))  # noqa: S301
    assert (type(copy), str(copy)) == (type(fault), str(fault))
