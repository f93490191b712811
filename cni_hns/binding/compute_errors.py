"""What computecore.dll refused, as typed errors. They add to those of `errors`, of which these are used too:

    ServiceError
        SystemNotFound          no compute system has this ID
        AlreadyExists           a compute system has this ID already, a leaked one too
        SystemStopped           it has ended: a handle of it gives its exit status, and nothing else
        WrongState              it is not in the state that this needs
        ProcessStopped          the process has ended
        OutcomeUnknown          the time given ran out; the service goes on, and how it ends is not known
        NotSupported            this Windows cannot do it, or not for such a compute system
            FunctionMissing     it does not even have the DLL or the function
            FeatureMissing      a Windows feature or the service is not installed
            DocumentRefused     the service cannot read the document: it is wrong, or newer than this Windows
        AccessDenied            neither an administrator nor a Hyper-V administrator, or not elevated
        Unreachable             the service is stopped, or was started again: every handle is dead, open anew
        MalformedAnswer         the service said success, and its answer cannot be read

vmcompute.dll is older and answers some of it with other codes: `errors.service_error` knows those.
"""

from __future__ import annotations

from cni_hns.binding.errors import (
    AccessDenied,
    AlreadyExists,
    NotSupported,
    ServiceError,
    SystemNotFound,
    Unreachable,
)
from cni_hns.typed import Any

__all__ = [
    "DocumentRefused",
    "FeatureMissing",
    "OutcomeUnknown",
    "ProcessStopped",
    "SystemStopped",
    "WrongState",
    "compute_error",
]


class SystemStopped(ServiceError):
    """The compute system has ended."""


class WrongState(ServiceError):
    """The compute system is not in the state that this needs."""


class ProcessStopped(ServiceError):
    """The process has ended."""


class OutcomeUnknown(ServiceError):
    """The time given ran out. The work goes on in the service: whoever needs the outcome reads the state."""


class FeatureMissing(NotSupported):
    """A Windows feature, or the service itself, is not installed."""


class DocumentRefused(NotSupported):
    """The service cannot read the document: it is wrong, or newer than this Windows."""


_CLASSES: dict[int, type[ServiceError]] = {
    0x8037010E: SystemNotFound,
    0x8037010F: AlreadyExists,
    0x800700B7: AlreadyExists,
    0x80370110: SystemStopped,
    0x80370105: WrongState,
    0x8037011F: ProcessStopped,
    0x80370117: OutcomeUnknown,
    0x80370118: OutcomeUnknown,
    # The waits for an exit are not documented to have a code of their own.
    0x80070102: OutcomeUnknown,
    0x800705B4: OutcomeUnknown,
    0xC0370103: OutcomeUnknown,
    0x80370102: FeatureMissing,
    0x80370114: FeatureMissing,
    0x80070424: FeatureMissing,
    0x8037010D: DocumentRefused,
    0x8007000D: DocumentRefused,
    0x8037010B: NotSupported,
    0x80370113: NotSupported,
    0x80004001: NotSupported,
    0x80070032: NotSupported,
    0x8007007E: NotSupported,
    0x8007007F: NotSupported,
    0x8037011B: AccessDenied,
    0x80070005: AccessDenied,
    0x800702E4: AccessDenied,
    0x8037011E: Unreachable,
    0x80070006: Unreachable,
    0x80070426: Unreachable,
    0x800706BA: Unreachable,
    0x800706BE: Unreachable,
    0x800706BF: Unreachable,
}

_OLDER_API = 0xC037


def compute_error(
    operation: str, target: str, hresult: int, record: dict[str, Any] | str = ""
) -> ServiceError:
    """The error of the class that the HRESULT (unsigned) has; the older API gives twins of the codes."""
    twin = hresult & 0xFFFF | 0x80370000 if hresult >> 16 == _OLDER_API else hresult
    kind = _CLASSES.get(hresult) or _CLASSES.get(twin, ServiceError)
    return kind(operation, target, hresult, record)
