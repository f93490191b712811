"""What the Host Compute System says beside a code: its ResultError, in words, and what follows from it.

Loaded only when an error is shown. Members of newer schemas are read where they are there.
https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ResultError
"""

from __future__ import annotations

from cni_hns.binding.reading import member
from cni_hns.typed import Any

__all__ = ["advice", "in_words"]

# Of a long chain of events the first ones have the cause.
_MOST_EVENTS = 3

_GUEST = "look into the guest's event log; then delete the pod so that its container is made again"

# One record of an attribution has exactly one of these members: what happened, and what to do then.
_ATTRIBUTIONS = {
    "GuestCrash": ("the guest crashed", _GUEST),
    "TripleFault": ("the guest's processor stopped (triple fault)", _GUEST),
    "InjectNonMaskableInterrupt": ("the guest was stopped by an interrupt from outside", _GUEST),
    "WorkerExit": (
        "the virtual machine's worker process ended",
        "look into the event log Microsoft-Windows-Hyper-V-Worker-Admin",
    ),
    "OperationFailure": ("the service failed in a step of its own", ""),
    "SystemExit": ("the compute system ended", ""),
    "VirtualDeviceFailure": (
        "a virtual device failed",
        "see that what the device stands for exists: its file, share or adapter",
    ),
}

# Where the detail says more than the kind.
_SERVICE = "see that the vmcompute service runs (`Get-Service vmcompute`)"
_ON_PURPOSE = "nothing, if it was ended on purpose; its owner is the program that made it"
_DETAILS = {
    "RuntimeOsTypeMismatch": "use an image of this node's Windows version, or Hyper-V isolation",
    "ServiceStop": f"{_SERVICE}, and start the system again",
    "HcsApiFatalError": f"{_SERVICE}, and try again",
    "Terminate": _ON_PURPOSE,
    "Shutdown": _ON_PURPOSE,
}


def in_words(record: dict[str, Any]) -> str:
    """The message, the events behind it and what HCS holds responsible; empty where it says nothing."""
    parts: list[str] = []
    for text in (member(record, "ErrorMessage"), *_events(record), *_causes(record)):
        bare = text.strip() if isinstance(text, str) else ""
        if bare and bare not in parts:
            parts.append(bare)
    return "; ".join(part.rstrip(".") if part is not parts[-1] else part for part in parts)


def advice(record: dict[str, Any]) -> str:
    """What to do about it by what HCS holds responsible; empty where that says nothing."""
    for kind, settings in _attributions(record):
        step = _DETAILS.get(str(member(settings, "Detail"))) or _ATTRIBUTIONS.get(kind, ("", ""))[1]
        if step:
            return step
    return ""


def _events(record: dict[str, Any]) -> list[Any]:
    found = [each for each in _list(record, "ErrorEvents") if isinstance(each, dict)]
    return [member(each, "Message") for each in found[:_MOST_EVENTS]]


def _causes(record: dict[str, Any]) -> list[str]:
    return [_cause(kind, settings) for kind, settings in _attributions(record)]


def _cause(kind: str, settings: dict[str, Any]) -> str:
    told = [member(settings, name) for name in ("Name", "Detail", "Initiator")]
    details = ", ".join(str(each) for each in told if each)
    what = _ATTRIBUTIONS.get(kind, (kind, ""))[0]
    return f"{what} ({details})" if details else what


def _attributions(record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [each for each in _list(record, "Attribution") if isinstance(each, dict)]
    return [
        (kind, settings if isinstance(settings, dict) else {})
        for each in found
        for kind, settings in each.items()
        if settings is not None
    ]


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = member(record, name)
    return value if isinstance(value, list) else []
