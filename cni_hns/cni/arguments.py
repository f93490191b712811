"""CNI_ARGS: `KEY=VALUE` pieces between semicolons.

Rule: no message holds a value, only key names and lengths. Runtimes pass what users wrote, secrets too. The
names of the pod alone are shown, where they are words as Kubernetes has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cni_hns.cni.errors import BAD_VARIABLE, CniError, shown
from cni_hns.identity import KubernetesPod, is_pod_word

__all__ = [
    "argument_faults",
    "is_of_the_pod",
    "loggable_arguments",
    "meaningless_pieces",
    "pod_of",
    "read_arguments",
    "value_faults",
]

_FREE_TEXT = ("K8S_POD_NAME", "K8S_POD_INFRA_CONTAINER_ID", "K8S_POD_UID")
# As containerd and CRI-O write them, in the order of `KubernetesPod`.
_OF_THE_POD = ("K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID", "K8S_POD_INFRA_CONTAINER_ID")
_TRUE = ("1", "true")
_FALSE = ("0", "false")
_DNS_LABEL = r"[0-9a-zA-Z_]([0-9a-zA-Z_-]{0,61}[0-9a-zA-Z_])?"
_LONGEST_DNS_NAME = 253
_MAC = r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}|[0-9a-fA-F]{2}(-[0-9a-fA-F]{2}){5}"


def read_arguments(text: str, *, lenient: bool = False) -> dict[str, str]:
    """The known keys with their values; a known key without a value counts as absent.

    `lenient`: pieces that mean nothing are passed over.
    Raises: CniError (code 4) naming every fault.
    """
    faults = value_faults(text) if lenient else argument_faults(text)
    if faults:
        raise CniError(BAD_VARIABLE, "; ".join(faults))
    return {key: value for key, value in _pairs(text).items() if key in _CHECKS and value}


def argument_faults(text: str) -> list[str]:
    """Everything that is wrong with this CNI_ARGS, each naming the variable.

    IgnoreUnknown excuses unknown keys and nothing else, as in every Go plugin: an address that was asked
    for and cannot be read must not be dropped in silence.
    """
    return [*meaningless_pieces(text), *value_faults(text)]


def meaningless_pieces(text: str) -> list[str]:
    """What is no KEY=VALUE, or has a key that nobody knows and IgnoreUnknown does not excuse."""
    faults: list[str] = []
    for number, piece in enumerate(_pieces(text), start=1):
        key, separator, value = piece.partition("=")
        if not separator:
            faults.append(f"CNI_ARGS: piece {number} ({len(piece)} characters) is not KEY=VALUE")
        elif "=" in value:
            faults.append(f"CNI_ARGS: piece {number}, key {shown(key)}, has more than one '='")
    pairs = _pairs(text)
    tolerant = pairs.get("IgnoreUnknown", "").lower() in _TRUE
    return faults + [
        f"CNI_ARGS: key {shown(key)} is not known (IgnoreUnknown=1 lets it pass)"
        for key in pairs
        if key not in _CHECKS and not tolerant
    ]


def value_faults(text: str) -> list[str]:
    """The known keys whose values cannot be what they are for."""
    given = {key: value for key, value in _pairs(text).items() if key in _CHECKS and value}
    wrong = {key: expected for key, value in given.items() if (expected := _CHECKS[key](value)) is not None}
    return [
        f"CNI_ARGS: the value of {key} ({len(given[key])} characters) is not {expected}"
        for key, expected in wrong.items()
    ]


def pod_of(text: str) -> KubernetesPod:
    """The pod that this CNI_ARGS names, whatever else is in it; a value that is no such word is no name."""
    given = _pairs(text)
    return KubernetesPod(*(word if is_pod_word(word := given.get(key, "")) else "" for key in _OF_THE_POD))


def is_of_the_pod(piece: str) -> bool:
    """Whether this piece is one of the pod's names, which is no secret."""
    key, _, value = piece.partition("=")
    return key in _OF_THE_POD and is_pod_word(value)


def loggable_arguments(text: str) -> dict[str, str]:
    """Each key with what the log may have of its value: the pod's names, and of all else the length.

    What has no key is counted under its position.
    """
    shown_values: dict[str, str] = {}
    for number, piece in enumerate(_pieces(text), start=1):
        key, separator, value = piece.partition("=")
        closed = value if separator else piece
        words = value if is_of_the_pod(piece) else f"({len(closed)} characters)"
        shown_values[key if separator else f"piece {number}"] = words
    return shown_values


def _pairs(text: str) -> dict[str, str]:
    """The pieces that are KEY=VALUE; of one key the last."""
    found = (piece.partition("=") for piece in _pieces(text))
    return {key: value for key, separator, value in found if separator and "=" not in value}


def _pieces(text: str) -> list[str]:
    return text.split(";") if text else []


def _not_an_address(value: str) -> str | None:
    """Accepts `address` and `address/length`; the length is not used (host-local ignores it as well)."""
    import ipaddress

    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return "an IP address"
    return "an IP address without a zone" if "%" in value else None


def _not_a_mac(value: str) -> str | None:
    return None if re.fullmatch(_MAC, value) else "a MAC address of six bytes"


def _not_a_switch(value: str) -> str | None:
    return None if value.lower() in _TRUE + _FALSE else "1, true, 0 or false"


def _not_a_dns_name(value: str) -> str | None:
    """It becomes part of the pod's DNS search list, where a space or a comma would begin another name."""
    fits = len(value) <= _LONGEST_DNS_NAME and re.fullmatch(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*", value)
    return None if fits else "a DNS name"


def _anything(_value: str) -> str | None:
    return None


# Each known key with the rule for its value: what the value should have been, None where it is that.
_CHECKS: dict[str, Callable[[str], str | None]] = {
    "IP": _not_an_address,
    "MAC": _not_a_mac,
    "IgnoreUnknown": _not_a_switch,
    "K8S_POD_NAMESPACE": _not_a_dns_name,
    **dict.fromkeys(_FREE_TEXT, _anything),
}
