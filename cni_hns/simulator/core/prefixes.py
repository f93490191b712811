"""Addresses, prefixes and MACs as text: what they mean and whether they are well formed."""

from __future__ import annotations

import ipaddress
import re

__all__ = [
    "IPV4",
    "IPV6",
    "Address",
    "Network",
    "address",
    "has_host_bits",
    "mac_digits",
    "network",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV4, IPV6 = 4, 6

_MAC = re.compile(r"[0-9a-f]{12}")


def address(text: str) -> Address | None:
    """The address that the text is, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def network(text: str) -> Network | None:
    """The prefix that the text is, host bits dropped; None for anything else, and for an address alone."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def has_host_bits(text: str) -> bool:
    """Whether a prefix names a host inside it (172.17.0.1/16)."""
    parsed = network(text)
    return parsed is not None and address(text.partition("/")[0]) != parsed.network_address


def mac_digits(text: str) -> str | None:
    """The twelve digits, lower-case, of a MAC with dashes, colons or none; None for anything else."""
    digits = text.replace("-", "").replace(":", "").lower()
    return digits if _MAC.fullmatch(digits) else None
