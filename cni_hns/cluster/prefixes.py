"""Prefixes of both IP families, compared by their values."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

__all__ = ["Network", "is_within", "network", "overlap", "same_spelling"]

Network = IPv4Network | IPv6Network


def network(text: object) -> Network | None:
    """The prefix, without the bits of a host; None for what is none."""
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


def same_spelling(text: object) -> str:
    """The prefix in its usual spelling, empty for what is none."""
    found = network(text)
    return "" if found is None else str(found)


def is_within(inner: Network, outer: Network) -> bool:
    """Whether all of `inner` lies in `outer`; both families may meet here."""
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and inner.network_address in outer
    )


def overlap(one: Network, other: Network) -> bool:
    """Whether they have an address in common."""
    return is_within(one, other) or is_within(other, one)
