"""Win32 codes wrapped in an HRESULT (0x8007xxxx) and COM codes, as the network service gives them.

https://learn.microsoft.com/windows/win32/debug/system-error-codes
https://learn.microsoft.com/windows/win32/seccrypto/common-hresult-values
"""

from __future__ import annotations

__all__ = ["WIN32_CODES"]

_FEATURE = "enable the Windows feature Containers, or update Windows: HCN needs Windows Server 2019 or later"
_SERVICE = (
    "see that the hns service runs (`Get-Service hns`), and try again; what was half done is repaired then"
)

WIN32_CODES: dict[int, tuple[str, str, str]] = {
    0x00000000: (
        "S_OK",
        "HNS gave a success code, but what it answered says otherwise",
        "read what the service says; restart the hns service if it stays so",
    ),
    0x80004001: ("E_NOTIMPL", "this Windows does not implement the operation", "update Windows on this node"),
    0x80004005: (
        "E_FAIL",
        "HNS does not say why; seen while a network or switch is being created",
        "try again after some seconds; then look into the event log Microsoft-Windows-Host-Network-Service",
    ),
    0x80070002: (
        "ERROR_FILE_NOT_FOUND",
        "a file that the service needs is missing",
        _FEATURE,
    ),
    0x80070005: (
        "ERROR_ACCESS_DENIED",
        "access denied",
        "run as administrator or SYSTEM",
    ),
    0x80070006: (
        "ERROR_INVALID_HANDLE",
        "the handle is not valid any more: the service was started again since",
        "try again",
    ),
    0x8007000D: (
        "ERROR_INVALID_DATA",
        "the service refuses the document",
        "run `cni-hns config check` on the configuration",
    ),
    0x80070020: (
        "ERROR_SHARING_VIOLATION",
        "something else uses it; older HNS says so when a host port is mapped twice",
        "choose another host port, or delete the endpoint that has it",
    ),
    0x80070032: (
        "ERROR_NOT_SUPPORTED",
        "Windows does not support this; a process-isolated container cannot be paused or resumed",
        "use Hyper-V isolation for it, or leave it out",
    ),
    0x80070034: (
        "ERROR_DUP_NAME",
        "another NAT or shared connection has this name or prefix",
        "see `Get-NetNat` and `cni-hns network list`; remove the other one or choose another subnet",
    ),
    0x80070057: (
        "ERROR_INVALID_PARAMETER",
        "a parameter is wrong; for a network often its adapter: a virtual one, or one bound to a switch",
        "name a free physical adapter in network.adapter; run `cni-hns config check` on the configuration",
    ),
    0x8007007E: ("ERROR_MOD_NOT_FOUND", "this Windows does not have the service's DLL", _FEATURE),
    0x8007007F: ("ERROR_PROC_NOT_FOUND", "this Windows does not have the function", _FEATURE),
    0x800700B7: (
        "ERROR_ALREADY_EXISTS",
        "the object exists already",
        "list the objects and delete the left-over; a WinNAT left-over shows in `Get-NetNat`",
    ),
    0x80070426: (
        "ERROR_SERVICE_NOT_ACTIVE",
        "the hns service is not started",
        "start it (`Start-Service hns`), and try again",
    ),
    0x80070490: (
        "ERROR_NOT_FOUND",
        "element not found: HNS does not have the object",
        "list what there is (`cni-hns network list`, `endpoint list`, `namespace list`)",
    ),
    0x800706BA: ("RPC_S_SERVER_UNAVAILABLE", "the service is not running", _SERVICE),
    0x800706BE: ("RPC_S_CALL_FAILED", "the service went away during the call", _SERVICE),
    0x800706BF: ("RPC_S_CALL_FAILED_DNE", "the service went away before it took the call", _SERVICE),
    0x80071392: (
        "ERROR_OBJECT_ALREADY_EXISTS",
        "another endpoint of the HCN network holds the address",
        "see `cni-hns endpoint list` for the holder; leave its address out of the IPAM ranges",
    ),
}
