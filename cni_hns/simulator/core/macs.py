"""MAC addresses: a network's pool, and the one an endpoint gets.

Without a pool HNS makes one of 4096 addresses under 00-15-5D, seen as 00-15-5D-xx-x0-00 to
00-15-5D-xx-xF-FF; what it gives is upper-case with dashes, and what a caller gives is echoed as it was sent
(dumps of ovn-kubernetes).
"""

from __future__ import annotations

import os

from cni_hns.simulator.core.documents import Document, folded, list_of, object_of, text_member
from cni_hns.simulator.core.errors import INVALID_ENDPOINT, INVALID_NETWORK, Refused, refuse_unless_zero
from cni_hns.simulator.core.prefixes import mac_digits
from cni_hns.simulator.core.store import State

__all__ = ["below", "choose", "dashed", "read_pool"]

_TRIES = 64


def below(limit: int) -> int:
    """A random number from 0 up to but without the limit."""
    return int.from_bytes(os.urandom(20), "big") % limit


def dashed(number: int) -> str:
    """The number as a MAC in Windows' spelling."""
    text = f"{number:012X}"
    return "-".join(text[at : at + 2] for at in range(0, 12, 2))


def read_pool(document: Document) -> Document:
    """The network's MacPool; one of HNS's own where none is given."""
    pool = folded(object_of(document, "MacPool"), ("Ranges",))
    ranges = []
    for item in list_of(pool, "Ranges"):
        read = folded(item, ("StartMacAddress", "EndMacAddress"))
        start = mac_digits(text_member(read, "StartMacAddress"))
        end = mac_digits(text_member(read, "EndMacAddress"))
        if start is None or end is None or start > end:
            raise Refused(INVALID_NETWORK, f"MAC range {item}")
        ranges.append({"StartMacAddress": dashed(int(start, 16)), "EndMacAddress": dashed(int(end, 16))})
    return {"Ranges": ranges or [_own_range()]}


def _own_range() -> Document:
    start = 0x00155D000000 | below(0x1000) << 12
    return {"StartMacAddress": dashed(start), "EndMacAddress": dashed(start | 0xFFF)}


def choose(state: State, network: Document, given: str, remote: bool) -> str:
    """The MAC of a new endpoint: the one given, as it was sent, or one of the pool.

    Raises:
        Refused: not a MAC, the pool is used up, or (by option) a MAC that another local endpoint has.
    """
    if not given:
        return _free(state, network)
    digits = mac_digits(given)
    if digits is None:
        raise Refused(INVALID_ENDPOINT, f"MAC {given!r}")
    if not remote and state.options.duplicate_mac_hresult and _taken(state, network, digits):
        refuse_unless_zero(state.options.duplicate_mac_hresult, f"MAC {given}")
    return given


def _taken(state: State, network: Document, digits: str) -> bool:
    row = state.row(
        "SELECT 1 FROM endpoints WHERE mac = ? AND network = ? AND remote = 0 LIMIT 1", digits, network["ID"]
    )
    return row is not None


def _free(state: State, network: Document) -> str:
    """A random address of a random range first; the first free one where the pool is nearly used up."""
    pools = [_bounds(item) for item in network["MacPool"]["Ranges"]]
    for _ in range(_TRIES):
        start, end = pools[below(len(pools))]
        number = start + below(end - start + 1)
        if not _taken(state, network, f"{number:012x}"):
            return dashed(number)
    for start, end in pools:
        for number in range(start, end + 1):
            if not _taken(state, network, f"{number:012x}"):
                return dashed(number)
    raise Refused(state.options.mac_pool_exhausted_hresult, "the MAC pool is used up")


def _bounds(item: Document) -> tuple[int, int]:
    return int(item["StartMacAddress"].replace("-", ""), 16), int(item["EndMacAddress"].replace("-", ""), 16)
