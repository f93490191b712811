"""The codes of the Host Compute System, which runs the containers.

https://learn.microsoft.com/virtualization/api/hcs/Reference/HCSHResult
"""

from __future__ import annotations

__all__ = ["CODES_FROM_HCS", "HCS_CODES", "OLD_API_CODES"]

_GUEST = (
    "delete the pod so that its container is made again; look into the container's event log for the cause"
)
_DOCUMENT = "check the document that was sent, and the schema version that this Windows knows"
_OPERATION = "a fault of the calling program: give each call its own operation handle"
_GONE = "nothing, if it should be gone; else start it again"
_ELEVATE = "run as administrator or as a member of Hyper-V Administrators"
_INSTALL = "enable the Windows feature Containers (Hyper-V too for Hyper-V isolation), and restart the node"
_UPDATE = "update Windows on this node, or leave it out"
_LOOK = "see the compute system's state before trying again"
_FOLDERS = "see that the image's layers, the scratch space and the mapped folders exist"
_RETRY = (
    "see that the vmcompute service runs (`Get-Service vmcompute`), and try again: all handles are new then"
)

HCS_CODES: dict[int, tuple[str, str, str]] = {
    0x80370100: ("HCS_E_TERMINATED_DURING_START", "the compute system ended while it was starting", _GUEST),
    0x80370101: (
        "HCS_E_IMAGE_MISMATCH",
        "the image's Windows version does not fit this host",
        "use an image of the host's version, or Hyper-V isolation",
    ),
    0x80370102: (
        "HCS_E_HYPERV_NOT_INSTALLED",
        "the hypervisor is missing",
        "enable the Windows feature Hyper-V and virtualisation in the firmware",
    ),
    0x80370105: (
        "HCS_E_INVALID_STATE",
        "this is not possible in the compute system's state",
        "see its state; it must run to be changed or shut down",
    ),
    0x80370106: ("HCS_E_UNEXPECTED_EXIT", "the compute system ended unexpectedly", _GUEST),
    0x80370107: ("HCS_E_TERMINATED", "the compute system was ended by force", _GONE),
    0x80370108: ("HCS_E_CONNECT_FAILED", "the guest cannot be reached", _GUEST),
    0x80370109: ("HCS_E_CONNECTION_TIMEOUT", "the guest did not answer in time", _GUEST),
    0x8037010A: ("HCS_E_CONNECTION_CLOSED", "the guest closed the connection", _GUEST),
    0x8037010B: ("HCS_E_UNKNOWN_MESSAGE", "the guest got a message it does not know", _GUEST),
    0x8037010C: (
        "HCS_E_UNSUPPORTED_PROTOCOL_VERSION",
        "host and guest have no protocol version in common",
        "update the image or the host: they are too far apart",
    ),
    0x8037010D: ("HCS_E_INVALID_JSON", "the document is not one that the service can read", _DOCUMENT),
    0x8037010E: ("HCS_E_SYSTEM_NOT_FOUND", "there is no such compute system", _GONE),
    0x8037010F: (
        "HCS_E_SYSTEM_ALREADY_EXISTS",
        "a compute system with this ID exists",
        "choose another ID, or terminate the one that is there",
    ),
    0x80370110: ("HCS_E_SYSTEM_ALREADY_STOPPED", "the compute system does not run", _GONE),
    0x80370111: ("HCS_E_PROTOCOL_ERROR", "host and guest misunderstood each other", _GUEST),
    0x80370112: (
        "HCS_E_INVALID_LAYER",
        "a layer of the image has an unknown format",
        "pull the image again",
    ),
    0x80370113: (
        "HCS_E_WINDOWS_INSIDER_REQUIRED",
        "this needs an Insider build of Windows",
        "leave it out on this node",
    ),
    0x80370114: (
        "HCS_E_SERVICE_NOT_AVAILABLE",
        "a Windows feature that this needs is not installed",
        _INSTALL,
    ),
    0x80370115: ("HCS_E_OPERATION_NOT_STARTED", "the operation handle has not been used yet", _OPERATION),
    0x80370116: ("HCS_E_OPERATION_ALREADY_STARTED", "the operation handle is in use", _OPERATION),
    0x80370117: (
        "HCS_E_OPERATION_PENDING",
        "the operation is still running",
        "wait for its result",
    ),
    0x80370118: (
        "HCS_E_OPERATION_TIMEOUT",
        "the operation did not end in the time given",
        "see the compute system's state before trying again: the operation goes on",
    ),
    0x80370119: (
        "HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET",
        "the handle has an event callback already",
        _OPERATION,
    ),
    0x8037011A: (
        "HCS_E_OPERATION_RESULT_ALLOCATION_FAILED",
        "there was no memory for the result",
        "free memory on this node",
    ),
    0x8037011B: (
        "HCS_E_ACCESS_DENIED",
        "access denied",
        _ELEVATE,
    ),
    0x8037011C: ("HCS_E_GUEST_CRITICAL_ERROR", "the guest crashed", _GUEST),
    0x8037011D: (
        "HCS_E_PROCESS_INFO_NOT_AVAILABLE",
        "nothing is known of the process",
        "nothing: it was not started by this operation",
    ),
    0x8037011E: (
        "HCS_E_SERVICE_DISCONNECT",
        "the service vmcompute went away",
        _RETRY,
    ),
    0x8037011F: ("HCS_E_PROCESS_ALREADY_STOPPED", "the process has ended", _GONE),
}

# Only the older API of vmcompute.dll has this one; its other codes are twins of the ones above.
OLD_API_CODES: dict[int, tuple[str, str, str]] = {
    0xC0370103: (
        "HCS_E_OPERATION_PENDING",
        "the operation was accepted and is still running; this is no failure",
        "wait for the notification that it has ended",
    ),
}

# Codes of Windows itself, where HCS gives them: `win32_codes` says what HNS means by them.
CODES_FROM_HCS: dict[int, tuple[str, str, str]] = {
    0x00000000: (
        "S_OK",
        "HCS gave a success code, but what it answered cannot be used",
        "try again; restart the vmcompute service if it stays so",
    ),
    0x80004001: ("E_NOTIMPL", "this Windows does not implement the operation", _UPDATE),
    0x80004005: (
        "E_FAIL",
        "HCS does not say why",
        "look into the event log Microsoft-Windows-Hyper-V-Compute-Operational",
    ),
    0x80070002: (
        "ERROR_FILE_NOT_FOUND",
        "a file or folder that the document names is missing",
        _FOLDERS,
    ),
    0x80070003: (
        "ERROR_PATH_NOT_FOUND",
        "a folder that the document names is missing",
        _FOLDERS,
    ),
    0x80070005: ("ERROR_ACCESS_DENIED", "access denied", _ELEVATE),
    0x80070006: (
        "ERROR_INVALID_HANDLE",
        "the handle is not valid any more: the service was started again since",
        _RETRY,
    ),
    0x8007000D: ("ERROR_INVALID_DATA", "the service refuses the document", _DOCUMENT),
    0x80070032: (
        "ERROR_NOT_SUPPORTED",
        "Windows does not support this for such a compute system",
        "see its isolation: only Hyper-V isolation can be paused, resumed or saved",
    ),
    0x80070057: ("ERROR_INVALID_PARAMETER", "a parameter is wrong", _DOCUMENT),
    0x8007007E: ("ERROR_MOD_NOT_FOUND", "this Windows does not have the service's DLL", _INSTALL),
    0x8007007F: ("ERROR_PROC_NOT_FOUND", "this Windows does not have the function", _UPDATE),
    0x800700B7: (
        "ERROR_ALREADY_EXISTS",
        "a compute system with this ID exists",
        "choose another ID, or terminate the one that is there",
    ),
    0x80070102: (
        "WAIT_TIMEOUT",
        "it did not happen in the time given",
        _LOOK,
    ),
    0x80070424: (
        "ERROR_SERVICE_DOES_NOT_EXIST",
        "the vmcompute service is not installed",
        _INSTALL,
    ),
    0x80070426: (
        "ERROR_SERVICE_NOT_ACTIVE",
        "the vmcompute service is not started",
        "start it (`Start-Service vmcompute`), and try again",
    ),
    0x80070490: (
        "ERROR_NOT_FOUND",
        "element not found: HCS does not have what was asked for",
        "see that the compute system runs; what its document names must exist",
    ),
    0x800702E4: ("ERROR_ELEVATION_REQUIRED", "the caller is not elevated", _ELEVATE),
    0x800705B4: (
        "ERROR_TIMEOUT",
        "it did not happen in the time given",
        _LOOK,
    ),
    0x800706BA: ("RPC_S_SERVER_UNAVAILABLE", "the vmcompute service is not running", _RETRY),
    0x800706BE: ("RPC_S_CALL_FAILED", "the vmcompute service went away during the call", _RETRY),
    0x800706BF: ("RPC_S_CALL_FAILED_DNE", "the vmcompute service went away before it took the call", _RETRY),
}
