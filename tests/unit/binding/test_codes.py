"""Every code that the service is known to give, in words."""

from __future__ import annotations

import pytest

from cni_hns.binding.codes import CODES, describe

# Facility 0x3B, from 0x803B0001 without a gap, in the order of Microsoft's page.
HCN = [
    "HCN_E_NETWORK_NOT_FOUND",
    "HCN_E_ENDPOINT_NOT_FOUND",
    "HCN_E_LAYER_NOT_FOUND",
    "HCN_E_SWITCH_NOT_FOUND",
    "HCN_E_SUBNET_NOT_FOUND",
    "HCN_E_ADAPTER_NOT_FOUND",
    "HCN_E_PORT_NOT_FOUND",
    "HCN_E_POLICY_NOT_FOUND",
    "HCN_E_VFP_PORTSETTING_NOT_FOUND",
    "HCN_E_INVALID_NETWORK",
    "HCN_E_INVALID_NETWORK_TYPE",
    "HCN_E_INVALID_ENDPOINT",
    "HCN_E_INVALID_POLICY",
    "HCN_E_INVALID_POLICY_TYPE",
    "HCN_E_INVALID_REMOTE_ENDPOINT_OPERATION",
    "HCN_E_NETWORK_ALREADY_EXISTS",
    "HCN_E_LAYER_ALREADY_EXISTS",
    "HCN_E_POLICY_ALREADY_EXISTS",
    "HCN_E_PORT_ALREADY_EXISTS",
    "HCN_E_ENDPOINT_ALREADY_ATTACHED",
    "HCN_E_REQUEST_UNSUPPORTED",
    "HCN_E_MAPPING_NOT_SUPPORTED",
    "HCN_E_DEGRADED_OPERATION",
    "HCN_E_SHARED_SWITCH_MODIFICATION",
    "HCN_E_GUID_CONVERSION_FAILURE",
    "HCN_E_REGKEY_FAILURE",
    "HCN_E_INVALID_JSON",
    "HCN_E_INVALID_JSON_REFERENCE",
    "HCN_E_ENDPOINT_SHARING_DISABLED",
    "HCN_E_INVALID_IP",
    "HCN_E_SWITCH_EXTENSION_NOT_FOUND",
    "HCN_E_MANAGER_STOPPED",
    "GCN_E_MODULE_NOT_FOUND",
    "GCN_E_NO_REQUEST_HANDLERS",
    "GCN_E_REQUEST_UNSUPPORTED",
    "GCN_E_RUNTIMEKEYS_FAILED",
    "GCN_E_NETADAPTER_TIMEOUT",
    "GCN_E_NETADAPTER_NOT_FOUND",
    "GCN_E_NETCOMPARTMENT_NOT_FOUND",
    "GCN_E_NETINTERFACE_NOT_FOUND",
    "GCN_E_DEFAULTNAMESPACE_EXISTS",
    "HCN_E_ICS_DISABLED",
    "HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS",
    "HCN_E_ENTITY_HAS_REFERENCES",
    "HCN_E_INVALID_INTERNAL_PORT",
    "HCN_E_NAMESPACE_ATTACH_FAILED",
    "HCN_E_ADDR_INVALID_OR_RESERVED",
    "HCN_E_INVALID_PREFIX",
    "HCN_E_OBJECT_USED_AFTER_UNLOAD",
    "HCN_E_INVALID_SUBNET",
    "HCN_E_INVALID_IP_SUBNET",
    "HCN_E_ENDPOINT_NOT_ATTACHED",
    "HCN_E_ENDPOINT_NOT_LOCAL",
    "HCN_INTERFACEPARAMETERS_ALREADY_APPLIED",
    "HCN_E_VFP_NOT_ALLOWED",
]

# Facility 0x37, from 0x80370100; "-" where the page has no code.
HCS = [
    "HCS_E_TERMINATED_DURING_START",
    "HCS_E_IMAGE_MISMATCH",
    "HCS_E_HYPERV_NOT_INSTALLED",
    "-",
    "-",
    "HCS_E_INVALID_STATE",
    "HCS_E_UNEXPECTED_EXIT",
    "HCS_E_TERMINATED",
    "HCS_E_CONNECT_FAILED",
    "HCS_E_CONNECTION_TIMEOUT",
    "HCS_E_CONNECTION_CLOSED",
    "HCS_E_UNKNOWN_MESSAGE",
    "HCS_E_UNSUPPORTED_PROTOCOL_VERSION",
    "HCS_E_INVALID_JSON",
    "HCS_E_SYSTEM_NOT_FOUND",
    "HCS_E_SYSTEM_ALREADY_EXISTS",
    "HCS_E_SYSTEM_ALREADY_STOPPED",
    "HCS_E_PROTOCOL_ERROR",
    "HCS_E_INVALID_LAYER",
    "HCS_E_WINDOWS_INSIDER_REQUIRED",
    "HCS_E_SERVICE_NOT_AVAILABLE",
    "HCS_E_OPERATION_NOT_STARTED",
    "HCS_E_OPERATION_ALREADY_STARTED",
    "HCS_E_OPERATION_PENDING",
    "HCS_E_OPERATION_TIMEOUT",
    "HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET",
    "HCS_E_OPERATION_RESULT_ALLOCATION_FAILED",
    "HCS_E_ACCESS_DENIED",
    "HCS_E_GUEST_CRITICAL_ERROR",
    "HCS_E_PROCESS_INFO_NOT_AVAILABLE",
    "HCS_E_SERVICE_DISCONNECT",
    "HCS_E_PROCESS_ALREADY_STOPPED",
]

WIN32 = {
    0x80004001: "E_NOTIMPL",
    0x80004005: "E_FAIL",
    0x80070002: "ERROR_FILE_NOT_FOUND",
    0x80070005: "ERROR_ACCESS_DENIED",
    0x80070006: "ERROR_INVALID_HANDLE",
    0x8007000D: "ERROR_INVALID_DATA",
    0x80070020: "ERROR_SHARING_VIOLATION",
    0x80070032: "ERROR_NOT_SUPPORTED",
    0x80070034: "ERROR_DUP_NAME",
    0x80070057: "ERROR_INVALID_PARAMETER",
    0x8007007E: "ERROR_MOD_NOT_FOUND",
    0x8007007F: "ERROR_PROC_NOT_FOUND",
    0x800700B7: "ERROR_ALREADY_EXISTS",
    0x80070426: "ERROR_SERVICE_NOT_ACTIVE",
    0x80070490: "ERROR_NOT_FOUND",
    0x800706BA: "RPC_S_SERVER_UNAVAILABLE",
    0x800706BE: "RPC_S_CALL_FAILED",
    0x800706BF: "RPC_S_CALL_FAILED_DNE",
    0x80071392: "ERROR_OBJECT_ALREADY_EXISTS",
}

EXPECTED = {
    **{0x803B0001 + index: name for index, name in enumerate(HCN)},
    **{0x80370100 + index: name for index, name in enumerate(HCS) if name != "-"},
    **{0xC0370100 + index: name for index, name in enumerate(HCS) if name != "-"},
    0xC0370103: "HCS_E_OPERATION_PENDING",
    **WIN32,
    0: "S_OK",
}


def test_the_list_is_the_one_of_the_pages() -> None:
    assert len(HCN) == 0x37
    assert HCS[0x1F] == "HCS_E_PROCESS_ALREADY_STOPPED"


def test_every_code_has_its_name_and_no_other_is_listed() -> None:
    assert {code: entry.name for code, entry in CODES.items()} == EXPECTED


@pytest.mark.parametrize("code", [pytest.param(code, id=f"0x{code:08X}") for code in EXPECTED])
def test_every_code_has_a_meaning_in_words_and_a_next_step(code: int) -> None:
    entry = describe(code)
    for text in (entry.meaning, entry.next_step):
        assert len(text) > 3
        assert not text.endswith(".")
        assert "_E_" not in text


def test_a_wrapped_win32_code_is_said_to_be_one() -> None:
    assert describe(0x80070015).name == "Win32 error 21"


def test_an_unknown_code_is_said_to_be_unknown() -> None:
    assert describe(0x803B0999).name == "unknown HRESULT"
