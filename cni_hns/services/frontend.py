"""Where clients reach a service: address, port and protocol, as people and kube-proxy write them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

__all__ = ["PROTOCOLS", "Asked", "Frontend", "asked", "protocol_number", "protocol_word"]

PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}
"""IP protocol numbers that kube-proxy balances."""

_LAST_PORT = 0xFFFF


class Frontend(NamedTuple):
    """`vip` is "" for a node port, which every address of the node has; `port` 0 where there is none.

    `is_ipv6` tells the two node ports of a dual-stack service apart.
    """

    vip: str
    port: int
    protocol: int
    is_ipv6: bool

    @classmethod
    def at(cls, vip: str, port: int, protocol: int, is_ipv6: bool) -> Frontend:
        """With the address in its usual short spelling, and the family that the address has."""
        if not vip:
            return cls("", port, protocol, is_ipv6)
        address = ip_address(vip)
        return cls(str(address), port, protocol, address.version == 6)  # noqa: PLR2004 - IP's own number

    @property
    def words(self) -> str:
        """ "10.96.0.10:80/tcp", "[fd00::a]:80/tcp", "*:30080/tcp"."""
        host = f"[{self.vip}]" if ":" in self.vip else self.vip or "*"
        return f"{host}:{self.port or '?'}/{protocol_word(self.protocol)}"

    @property
    def family(self) -> str:
        return "IPv6" if self.is_ipv6 else "IPv4"


def protocol_word(number: int) -> str:
    """ "tcp" for 6; a number without a word stays a number."""
    return PROTOCOLS.get(number, str(number))


def protocol_number(word: str) -> int | None:
    """6 for "TCP" in any case; None for what kube-proxy does not balance."""
    return next((number for number, known in PROTOCOLS.items() if known == word.lower()), None)


class Asked(NamedTuple):
    """What somebody typed for a front end: None where they left it open."""

    vip: str
    port: int
    protocol: int | None

    def fits(self, frontend: Frontend) -> bool:
        same = frontend.vip == self.vip and frontend.port == self.port
        return same and self.protocol in (None, frontend.protocol)


def asked(text: str) -> Asked | None:
    """Read "10.96.0.10:80", "[fd00::a]:53/udp", "30080/tcp" or "*:30080"; None for anything else."""
    place, slash, word = text.strip().partition("/")
    protocol = protocol_number(word) if slash else None
    if slash and protocol is None:
        return None
    host, _, port = place.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        return None
    if host in ("", "*"):
        return Asked("", int(port), protocol)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    is_bracketed = bare != host
    return Asked(str(address), int(port), protocol) if is_bracketed == (":" in bare) else None
