"""What the service refused, as typed errors.

    ServiceError                any failing call: the whole HRESULT and the service's own error record
        NotFound                HNS says that the object does not exist
        SystemNotFound          HCS says that there is no such compute system, or that it has ended
        PolicyNotFound          HNS says that the object does not have this policy
        PolicyRefused           HNS does not take a policy; the code does not say which
        AlreadyExists           an object with this name or ID exists
        AddressRefused          another endpoint holds the address, or it is reserved
        AddressOutsideSubnets   the address lies in no subnet of the network
        PortTaken               the port (mapping) is in use
        NotSupported            this Windows cannot do it
            FunctionMissing     it does not even have the DLL or the function
        AccessDenied            not an administrator
        Unreachable             the service is stopped, or went away during the call
        MalformedAnswer         the service said success, and its answer cannot be read

Rule: only HNS's own not-found codes are `NotFound`. A look-up that fails in any other way says nothing about
whether the object exists.
"""

from __future__ import annotations

from cni_hns.binding.reading import member
from cni_hns.typed import Any

__all__ = [
    "AccessDenied",
    "AddressOutsideSubnets",
    "AddressRefused",
    "AlreadyExists",
    "FunctionMissing",
    "MalformedAnswer",
    "NotFound",
    "NotSupported",
    "PolicyNotFound",
    "PolicyRefused",
    "PortTaken",
    "ServiceError",
    "SystemNotFound",
    "Unreachable",
    "service_error",
]


class ServiceError(Exception):
    """A call to the service failed.

    `operation` is the C function (or V1 request), `target` the object in words, `hresult` unsigned, `record`
    the service's error record: decoded, or its raw text where it is not a JSON object. `source` says whose
    words those are.
    """

    source = "The service says"

    def __init__(self, operation: str, target: str, hresult: int, record: dict[str, Any] | str = "") -> None:
        super().__init__(operation, target, hresult, record)
        self.operation = operation
        self.target = target
        self.hresult = hresult
        self.record = record

    @property
    def words(self) -> str:
        """What the service itself says about the failure; empty if it says nothing."""
        if isinstance(self.record, str):
            return self.record.strip()
        text = member(self.record, "Error")
        if isinstance(text, str):
            return text.strip()
        # HCS has a number in "Error", and the words beside it.
        from cni_hns.binding.result_error import in_words

        return in_words(self.record)

    def __str__(self) -> str:
        from cni_hns.binding.codes import describe

        code = describe(self.hresult, self.operation)
        parts = [f"{self.operation} failed" + (f" on {self.target}" if self.target else "")]
        parts.append(f" (0x{self.hresult:08X} {code.name}): {code.meaning}.")
        if self.words:
            parts.append(f' {self.source}: "{self.words}"')
        parts.append(f" Next: {self._advice() or code.next_step}.")
        return "".join(parts)

    def _advice(self) -> str:
        """What follows from the record, where it says more than the code."""
        if isinstance(self.record, str) or member(self.record, "Attribution") is None:
            return ""
        from cni_hns.binding.result_error import advice

        return advice(self.record)


class NotFound(ServiceError):
    """HNS says that the object does not exist."""


class SystemNotFound(ServiceError):
    """HCS says that there is no such compute system, or that it has ended."""


class PolicyNotFound(ServiceError):
    """HNS says that the object does not have this policy; the object itself exists."""


class PolicyRefused(ServiceError):
    """HNS does not take a policy of the document; the code does not say which."""


class AlreadyExists(ServiceError):
    """An object with this name or ID exists."""


class AddressRefused(ServiceError):
    """Another endpoint holds the address, or it is reserved."""


class AddressOutsideSubnets(ServiceError):
    """The address lies in no subnet of the HCN network."""


class PortTaken(ServiceError):
    """The port, or a mapping of it, is in use."""


class NotSupported(ServiceError):
    """This Windows cannot do it."""


class FunctionMissing(NotSupported):
    """This Windows does not have the DLL, or its DLL not the function: an ordinary state of an older one."""

    source = "The loader says"

    def __init__(self, function: str, fault: Exception) -> None:
        hresult = 0x8007007E if isinstance(fault, OSError) else 0x8007007F
        super().__init__(function, "", hresult, str(fault))


class AccessDenied(ServiceError):
    """The caller is not an administrator."""


class Unreachable(ServiceError):
    """The service is stopped or went away during the call: whether the call took effect is not known."""


class MalformedAnswer(ServiceError):
    """The service said success, and what it answered cannot be read."""

    source = "It answered"


# A code that is in no list here is a plain ServiceError: an unknown code is never taken for a known one.
_CLASSES: dict[int, type[ServiceError]] = {
    0x80070490: NotFound,
    0x803B0001: NotFound,
    0x803B0002: NotFound,
    0x8037010E: SystemNotFound,
    0xC037010E: SystemNotFound,
    0x80370105: SystemNotFound,
    0xC0370105: SystemNotFound,
    0x80370110: SystemNotFound,
    0xC0370110: SystemNotFound,
    0x803B0008: PolicyNotFound,
    0x803B000D: PolicyRefused,
    0x803B000E: PolicyRefused,
    0x803B0012: PolicyRefused,
    0x803B0016: PolicyRefused,
    0x803B002D: PolicyRefused,
    0x803B0036: PolicyRefused,
    0x803B0010: AlreadyExists,
    0x800700B7: AlreadyExists,
    # HNS says "the object already exists" for an address that another endpoint of the network holds.
    0x80071392: AddressRefused,
    0x803B002F: AddressRefused,
    0x803B001E: AddressOutsideSubnets,
    0x803B0013: PortTaken,
    0x8007007E: NotSupported,
    0x8007007F: NotSupported,
    0x80004001: NotSupported,
    0x80070032: NotSupported,
    0x803B0015: NotSupported,
    0x80070005: AccessDenied,
    0x800706BA: Unreachable,
    0x800706BE: Unreachable,
    0x800706BF: Unreachable,
    0x80070426: Unreachable,
    0x803B0020: Unreachable,
    0x8037011E: Unreachable,
    0xC037011E: Unreachable,
    # Handles die with the service: one that was good and is not any more means that it was started again.
    0x80070006: Unreachable,
}


def service_error(
    operation: str, target: str, hresult: int, record: dict[str, Any] | str = ""
) -> ServiceError:
    """The error of the class that the HRESULT (unsigned) has."""
    return _CLASSES.get(hresult, ServiceError)(operation, target, hresult, record)
