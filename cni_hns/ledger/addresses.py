"""IP addresses as the ledger sorts them: whole numbers below 2**128, stored as 16 bytes.

IPv4 addresses take the numbers of ::ffff:0:0/96 (RFC 4291, 2.5.5.2), which no pod's IPv6 address has, so one
ordering holds both families and an IPv4 address and its mapped IPv6 spelling are the same address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

__all__ = ["address_key", "address_text", "as_blob", "from_blob"]

_MAPPED = 0xFFFF << 32
_V4_MASK = 0xFFFF_FFFF


def address_key(text: str) -> int:
    """The number of the address.

    Raises:
        ValueError: this is no IP address.
    """
    address = ip_address(text)
    return int(address) | _MAPPED if isinstance(address, IPv4Address) else int(address)


def address_text(key: int) -> str:
    """The address with this number, in its usual short spelling."""
    return str(IPv4Address(key & _V4_MASK)) if key >> 32 == _MAPPED >> 32 else str(IPv6Address(key))


def as_blob(key: int) -> bytes:
    return key.to_bytes(16, "big")


def from_blob(blob: bytes) -> int:
    return int.from_bytes(blob, "big")
