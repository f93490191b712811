"""How the simulated services refuse: an HRESULT and the text that goes into the error record.

The numbers are those of Microsoft's pages "HCN HRESULTs", "HCS HRESULTs" and "COM Error Codes"; which of them
a rule uses is said at the rule. The sentences are those of `texts`.
"""

from __future__ import annotations

import json

from cni_hns.simulator.core.texts import text_of

__all__ = [
    "ACCESS_DENIED",
    "ADAPTER_NOT_FOUND",
    "ADDRESS_RESERVED",
    "ALREADY_EXISTS",
    "DEGRADED",
    "DUPLICATE_NAME",
    "ELEMENT_NOT_FOUND",
    "ENDPOINT_ALREADY_ATTACHED",
    "ENDPOINT_NOT_ATTACHED",
    "ENDPOINT_NOT_FOUND",
    "E_FAIL",
    "E_NOTIMPL",
    "E_UNEXPECTED",
    "FILE_NOT_FOUND",
    "GUID_CONVERSION",
    "HAS_REFERENCES",
    "HCS_ACCESS_DENIED",
    "HCS_ALREADY_STOPPED",
    "HCS_CALLBACK_ALREADY_SET",
    "HCS_INVALID_JSON",
    "HCS_OPERATION_NOT_STARTED",
    "HCS_OPERATION_PENDING",
    "HCS_OPERATION_STARTED",
    "HCS_OPERATION_TIMEOUT",
    "HCS_PROCESS_INFO_NOT_AVAILABLE",
    "HCS_PROCESS_STOPPED",
    "HCS_SERVICE_DISCONNECT",
    "HCS_SYSTEM_EXISTS",
    "HCS_SYSTEM_NOT_FOUND",
    "HCS_UNEXPECTED_EXIT",
    "HCS_WRONG_STATE",
    "INTERFACE_PARAMETERS_APPLIED",
    "INVALID_ENDPOINT",
    "INVALID_HANDLE",
    "INVALID_INTERNAL_PORT",
    "INVALID_IP",
    "INVALID_IP_SUBNET",
    "INVALID_JSON",
    "INVALID_JSON_REFERENCE",
    "INVALID_NETWORK",
    "INVALID_NETWORK_TYPE",
    "INVALID_POLICY",
    "INVALID_POLICY_TYPE",
    "INVALID_PREFIX",
    "INVALID_REMOTE_OPERATION",
    "INVALID_SUBNET",
    "IN_A_NAMESPACE",
    "LAYER_NOT_FOUND",
    "MAPPING_NOT_SUPPORTED",
    "NAMESPACE_ATTACH_FAILED",
    "NETWORK_ALREADY_EXISTS",
    "NETWORK_NOT_FOUND",
    "NOT_SUPPORTED",
    "OBJECT_ALREADY_EXISTS",
    "PARAMETER_INCORRECT",
    "POLICY_ALREADY_EXISTS",
    "POLICY_NOT_FOUND",
    "PORT_ALREADY_EXISTS",
    "PORT_NOT_FOUND",
    "REQUEST_UNSUPPORTED",
    "RPC_CALL_FAILED",
    "RPC_SERVER_UNAVAILABLE",
    "SUBNET_NOT_FOUND",
    "SYSTEM_NOT_FOUND",
    "Refused",
    "of_old_api",
    "record",
    "refuse_unless_zero",
    "result_error",
    "signed",
    "text_of",
]

NETWORK_NOT_FOUND = 0x803B0001
ENDPOINT_NOT_FOUND = 0x803B0002
LAYER_NOT_FOUND = 0x803B0003
SUBNET_NOT_FOUND = 0x803B0005
ADAPTER_NOT_FOUND = 0x803B0006
PORT_NOT_FOUND = 0x803B0007
POLICY_NOT_FOUND = 0x803B0008
INVALID_NETWORK = 0x803B000A
INVALID_NETWORK_TYPE = 0x803B000B
INVALID_ENDPOINT = 0x803B000C
INVALID_POLICY = 0x803B000D
INVALID_POLICY_TYPE = 0x803B000E
INVALID_REMOTE_OPERATION = 0x803B000F
NETWORK_ALREADY_EXISTS = 0x803B0010
POLICY_ALREADY_EXISTS = 0x803B0012
PORT_ALREADY_EXISTS = 0x803B0013
ENDPOINT_ALREADY_ATTACHED = 0x803B0014
REQUEST_UNSUPPORTED = 0x803B0015
MAPPING_NOT_SUPPORTED = 0x803B0016
DEGRADED = 0x803B0017
GUID_CONVERSION = 0x803B0019
INVALID_JSON = 0x803B001B
INVALID_JSON_REFERENCE = 0x803B001C
INVALID_IP = 0x803B001E
IN_A_NAMESPACE = 0x803B002B
HAS_REFERENCES = 0x803B002C
INVALID_INTERNAL_PORT = 0x803B002D
NAMESPACE_ATTACH_FAILED = 0x803B002E
ADDRESS_RESERVED = 0x803B002F
INVALID_PREFIX = 0x803B0030
INVALID_SUBNET = 0x803B0032
INVALID_IP_SUBNET = 0x803B0033
ENDPOINT_NOT_ATTACHED = 0x803B0034
INTERFACE_PARAMETERS_APPLIED = 0x803B0036

ACCESS_DENIED = 0x80070005
INVALID_HANDLE = 0x80070006
FILE_NOT_FOUND = 0x80070002
DUPLICATE_NAME = 0x80070034
PARAMETER_INCORRECT = 0x80070057
ALREADY_EXISTS = 0x800700B7
ELEMENT_NOT_FOUND = 0x80070490
OBJECT_ALREADY_EXISTS = 0x80071392
RPC_SERVER_UNAVAILABLE = 0x800706BA
RPC_CALL_FAILED = 0x800706BE
# The old API has the codes of computecore.dll, 0x8037xxxx, in another range (`of_old_api`).
SYSTEM_NOT_FOUND = 0xC037010E
# What computecore.dll answers ("HCS HRESULTs").
HCS_WRONG_STATE = 0x80370105
HCS_UNEXPECTED_EXIT = 0x80370106
HCS_INVALID_JSON = 0x8037010D
HCS_SYSTEM_NOT_FOUND = 0x8037010E
HCS_SYSTEM_EXISTS = 0x8037010F
HCS_ALREADY_STOPPED = 0x80370110
HCS_OPERATION_NOT_STARTED = 0x80370115
HCS_OPERATION_STARTED = 0x80370116
HCS_OPERATION_PENDING = 0x80370117
HCS_OPERATION_TIMEOUT = 0x80370118
HCS_CALLBACK_ALREADY_SET = 0x80370119
HCS_ACCESS_DENIED = 0x8037011B
HCS_PROCESS_INFO_NOT_AVAILABLE = 0x8037011D
HCS_SERVICE_DISCONNECT = 0x8037011E
HCS_PROCESS_STOPPED = 0x8037011F
NOT_SUPPORTED = 0x80070032
E_NOTIMPL = 0x80004001
E_FAIL = 0x80004005
E_UNEXPECTED = 0x8000FFFF


# The upper halves of their codes.
_COMPUTECORE, _VMCOMPUTE = 0x8037, 0xC037


class Refused(Exception):
    """The service says no: `hresult` (unsigned, 32 bits), and the reason in words.

    A refused call changes nothing, except for `mark`: a statement with its values that notes the refusal
    itself.
    """

    def __init__(
        self, hresult: int, reason: str = "", mark: tuple[str, tuple[object, ...]] | None = None
    ) -> None:
        super().__init__(f"0x{hresult:08X} {text_of(hresult)}{reason}")
        self.hresult = hresult
        self.reason = reason
        self.mark = mark


def of_old_api(hresult: int) -> int:
    """The code that vmcompute.dll has for one of computecore.dll; its clients know two in other places."""
    if hresult == HCS_ACCESS_DENIED:
        return ACCESS_DENIED
    if hresult == HCS_PROCESS_STOPPED or hresult >> 16 != _COMPUTECORE:
        return hresult
    return hresult & 0xFFFF | _VMCOMPUTE << 16


def record(hresult: int, text: str = "") -> str:
    """The error record: `Success`, `Error`, and `ErrorCode` as an unsigned decimal (seen in the field)."""
    document = {"Success": False, "Error": text or text_of(hresult), "ErrorCode": hresult}
    return json.dumps(document, separators=(",", ":"))


def result_error(hresult: int, reason: str = "") -> str:
    """HCS's own document for a failure (ResultError): the signed code, a sentence, the reason if given."""
    document: dict[str, object] = {"Error": signed(hresult), "ErrorMessage": text_of(hresult).strip()}
    if reason:
        document["ErrorEvents"] = [{"Message": reason}]
    return json.dumps(document, separators=(",", ":"))


def signed(hresult: int) -> int:
    """The same 32 bits as C's signed HRESULT."""
    return hresult - 0x1_0000_0000 if hresult & 0x8000_0000 else hresult


def refuse_unless_zero(hresult: int, reason: str) -> None:
    """Refuse with a code that an option gives; 0 means that this service lets it pass."""
    if hresult:
        raise Refused(hresult, reason)
