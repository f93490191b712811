"""Short ways to say what the tests of addresses say often."""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.ipam.allocate import allocate
from cni_hns.ledger import AttachmentKey, Ledger

NOW = 1_000_000.0


class Span(NamedTuple):
    """A range as a plan has it."""

    subnet: str
    first: str
    last: str
    gateway: str | None = None


SMALL = [[Span("10.0.0.0/29", "10.0.0.1", "10.0.0.6", "10.0.0.1")]]
"""Five addresses: 10.0.0.2 to 10.0.0.6."""

DUAL = [*SMALL, [Span("fd00::/64", "fd00::1", "fd00::ff", "fd00::1")]]


def pod(number: int | str, ifname: str = "eth0") -> AttachmentKey:
    return AttachmentKey("net", f"pod{number}", ifname)


def give(
    ledger: Ledger, key: AttachmentKey, range_sets: list[list[Span]] = SMALL, **asked: object
) -> list[str]:
    """The addresses that the attachment gets."""
    allocated = allocate(ledger, key, range_sets, **{"now": NOW, **asked})  # type: ignore[arg-type]
    return [one.address for one in allocated]


def held(ledger: Ledger) -> dict[str, str]:
    """Who holds what."""
    return {lease.address: lease.container_id for lease in ledger.leases()}
