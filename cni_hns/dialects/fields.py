"""Reading single values of a configuration: each function returns the canonical form or raises ValueError.

Rule 1: a message quotes the value only as far as `shown` lets it; callers never quote values of unknown keys.
Rule 2: every verb imports this module, so it needs nothing but `ipaddress`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping

from cni_hns.cni.settings import has_control_characters, path_fault
from cni_hns.typed import Any

__all__ = [
    "IPV4",
    "IPV6",
    "Ip",
    "Net",
    "absolute_path",
    "address",
    "fold",
    "host_address",
    "kind_of",
    "mac",
    "network",
    "network_around",
    "number",
    "plain",
    "shown",
]

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Net = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV4, IPV6 = 4, 6

_KINDS = {
    dict: "an object",
    list: "a list",
    tuple: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}
_MAC = r"[0-9A-F]{2}(-[0-9A-F]{2}){5}"
_ABSOLUTE = r"(?:[A-Za-z]:[\\/]|\\\\[^\\/]+[\\/]|/)"
_LONGEST_QUOTE = 60


def kind_of(value: object) -> str:
    """What JSON calls such a value, with its article."""
    return _KINDS.get(type(value), "this")


def shown(value: object) -> str:
    """The value as a message may show it: one line of JSON, cut short."""
    if not isinstance(value, (str, int, float, bool, type(None))):
        return kind_of(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"


def fold(document: Mapping[str, Any]) -> dict[str, Any]:
    """The object with lower-case keys; of two spellings of one key the later wins, as in Go's decoder."""
    return {key.lower(): value for key, value in document.items()}


def _text(value: object, wanted: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{wanted} is expected as a string, not {kind_of(value)}")
    return value.strip()


def address(value: object) -> Ip:
    """An IP address without prefix length or scope."""
    text = _text(value, "an IP address")
    try:
        if "%" not in text:
            return ipaddress.ip_address(text)
    except ValueError:
        pass
    raise ValueError(f"{shown(text)} is not an IP address")


def host_address(value: object) -> Ip:
    """An IP address that may carry a prefix length, which is dropped, as host-local drops it."""
    text = _text(value, "an IP address")
    bare, slash, length = text.partition("/")
    found = address(bare)
    if slash and not (length.isascii() and length.isdigit() and int(length) <= found.max_prefixlen):
        raise ValueError(f"{shown(text)} has no usable prefix length")
    return found


def network(value: object) -> Net:
    """A prefix in CIDR form whose host bits are zero."""
    text = _text(value, "a prefix")
    found = network_around(text)
    if str(found.network_address) != str(ipaddress.ip_address(text.partition("/")[0])):
        raise ValueError(f"{shown(text)} has host bits set; the network is {found}")
    return found


def network_around(value: object) -> Net:
    """The prefix that an address with its length lies in: 10.1.0.0/24 of 10.1.0.7/24."""
    text = _text(value, "a prefix")
    bare, slash, length = text.partition("/")
    try:
        if "%" in text:
            raise ValueError
        if not slash:
            one = ipaddress.ip_address(bare)
            raise ValueError(
                f"{shown(text)} has no prefix length; one address alone is {one}/{one.max_prefixlen}"
            )
        if not (length.isascii() and length.isdigit()):
            raise ValueError
        return ipaddress.ip_network(text, strict=False)
    except ValueError as fault:
        if "prefix length" in str(fault):
            raise
        raise ValueError(f"{shown(text)} is not a prefix in CIDR form, such as 10.1.0.0/24") from None


def mac(value: object) -> str:
    """A MAC address as HNS writes it: upper-case pairs with dashes. Colons are accepted."""
    text = _text(value, "a MAC address")
    found = text.replace(":", "-").upper()
    if not re.fullmatch(_MAC, found):
        raise ValueError(f"{shown(text)} is not a MAC address, such as 0E-2A-0A-01-00-05")
    if int(found[:2], 16) & 1:
        raise ValueError(f"{shown(text)} is a group address; an endpoint needs one with an even first byte")
    if found == "00-00-00-00-00-00":
        raise ValueError("the MAC address is all zero")
    return found


def absolute_path(value: object) -> str:
    """An absolute path of Windows or POSIX, whichever system reads the configuration."""
    text = _text(value, "a path")
    if not re.match(_ABSOLUTE, text):
        raise ValueError(f"{shown(text)} is not an absolute path; runtimes start plugins in any folder")
    fault = path_fault(text)
    if fault is not None:
        raise ValueError(f"{shown(text)} {fault}")
    return text


def plain(value: object) -> str:
    """A text without control characters: HNS would cut it off at a NUL, a resolver at a line's end."""
    if not isinstance(value, str):
        raise ValueError(f"a string is expected, not {kind_of(value)}")
    if has_control_characters(value):
        raise ValueError(f"{shown(value)} has a control character")
    return value


def number(value: object, low: int, high: int) -> int:
    """A whole JSON number within the bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a whole number is expected, not {kind_of(value)}")
    if not low <= value <= high:
        raise ValueError(f"{value} is outside {low} to {high}")
    return value
