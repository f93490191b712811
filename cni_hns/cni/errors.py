"""What a CNI error document carries, and the codes this plugin answers with.

Codes below 100 are the protocol's (CNI SPEC, section 5, "Error"); those from 100 are this plugin's own.
"""

from __future__ import annotations

from cni_hns.log import one_line
from cni_hns.typed import Final

__all__ = [
    "BAD_VARIABLE",
    "CHECK_FAILED",
    "DEADLINE",
    "DECODE_FAILURE",
    "HNS_REFUSED",
    "INCOMPATIBLE_VERSION",
    "INTERNAL",
    "INVALID_CONFIG",
    "IO_FAILURE",
    "IPAM_FAILED",
    "LEDGER_FAULT",
    "LEFT_OVER",
    "LIMITED",
    "NOT_READY",
    "NO_ADDRESS",
    "NO_HNS",
    "TRY_AGAIN",
    "UNKNOWN_CONTAINER",
    "UNSUPPORTED_FIELD",
    "CniError",
    "shown",
]

INCOMPATIBLE_VERSION: Final = 1
UNSUPPORTED_FIELD: Final = 2
UNKNOWN_CONTAINER: Final = 3
BAD_VARIABLE: Final = 4
IO_FAILURE: Final = 5
DECODE_FAILURE: Final = 6
INVALID_CONFIG: Final = 7
TRY_AGAIN: Final = 11
# STATUS only: an ADD would fail; with 51 the pods that run may have lost connectivity too.
NOT_READY: Final = 50
LIMITED: Final = 51

HNS_REFUSED: Final = 100
NO_ADDRESS: Final = 101
LEDGER_FAULT: Final = 102
DEADLINE: Final = 103
CHECK_FAILED: Final = 104
LEFT_OVER: Final = 105
NO_HNS: Final = 106
IPAM_FAILED: Final = 107
INTERNAL: Final = 999

_SHOWN_CHARACTERS = 80


class CniError(Exception):
    """A failure that is already in the runtime's terms: nobody wraps it again.

    `msg` says what failed, on which object and why; `details`, where there is more to say, what to do next.
    """

    def __init__(self, code: int, msg: str, details: str = "") -> None:
        super().__init__(f"{msg}; {details}" if details else msg)
        self.code = code
        self.msg = msg
        self.details = details

    def document(self, version: str) -> dict[str, object]:
        """The error document for a configuration of this version; what does not print is escaped in it."""
        document: dict[str, object] = {"cniVersion": version, "code": self.code, "msg": one_line(self.msg)}
        if self.details:
            document["details"] = one_line(self.details)
        return document


def shown(text: str) -> str:
    """Text from outside, quoted for a message on one line: control characters escaped, a long one cut."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return f'"{one_line(cut)}"'
