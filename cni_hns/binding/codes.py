"""HRESULTs in words: the name, what it means, and what to do about it.

Loaded only when an error is shown. The tables are one per part of Windows: `hcn_codes` (facility 0x3B),
`hcs_codes` (0x37) and `win32_codes` (Win32 and COM codes).
"""

from __future__ import annotations

from cni_hns.binding.hcn_codes import HCN_CODES
from cni_hns.binding.hcs_codes import CODES_FROM_HCS, HCS_CODES, OLD_API_CODES
from cni_hns.binding.win32_codes import WIN32_CODES
from cni_hns.typed import NamedTuple

__all__ = ["CODES", "Code", "describe"]


class Code(NamedTuple):
    """`meaning` and `next_step` are parts of sentences."""

    name: str
    meaning: str
    next_step: str


def _twins() -> dict[int, tuple[str, str, str]]:
    """vmcompute.dll, the older API, gives the codes of facility 0x37 as 0xC037xxxx."""
    return {code & 0x0000FFFF | 0xC0370000: entry for code, entry in HCS_CODES.items()}


CODES: dict[int, Code] = {
    code: Code(*entry)
    for table in (WIN32_CODES, HCN_CODES, HCS_CODES, _twins(), OLD_API_CODES)
    for code, entry in table.items()
}

# https://learn.microsoft.com/windows/win32/com/structure-of-com-error-codes: facility 7 wraps a Win32 code.
_WIN32 = 0x80070000
_LOGS = "look into the event log Microsoft-Windows-Host-Network-Service-Admin"
_LOGS_OF_HCS = "look into the event log Microsoft-Windows-Hyper-V-Compute-Admin"


def describe(hresult: int, operation: str = "") -> Code:
    """What is known of this HRESULT (unsigned) of this C function; an unknown one is said to be so."""
    of_hcs = operation.startswith("Hcs")
    if of_hcs and hresult in CODES_FROM_HCS:
        return Code(*CODES_FROM_HCS[hresult])
    known = CODES.get(hresult)
    if known is not None:
        return known
    logs = _LOGS_OF_HCS if of_hcs else _LOGS
    if hresult & 0xFFFF0000 == _WIN32:
        return Code(f"Win32 error {hresult & 0xFFFF}", "Windows reports an error of its own", logs)
    return Code("unknown HRESULT", "a code that this program does not know", logs)
