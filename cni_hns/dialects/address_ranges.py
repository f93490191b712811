"""Checking the ranges that pods' addresses come from, in host-local's spelling, whole ranges at a time.

The same rules hold for `ipam.ranges` and for what a runtime sends as `ipRanges`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from cni_hns.typed import Any

from . import fields
from .fields import Ip, Net
from .plan import RangePlan

__all__ = ["family", "parse_range", "set_faults", "sets_faults", "special_fault"]

# What a host never has as its own address, has for itself alone, or makes itself beside its other addresses.
# https://www.iana.org/assignments/iana-ipv4-special-registry, and its sister for IPv6
_SPECIAL = {
    "0.0.0.0/8": '"this host"',
    "127.0.0.0/8": "loopback",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, with the broadcast address",
    "::/8": "loopback, mapped IPv4 and reserved",
    "fe80::/10": "link-local, which every interface gives itself",
    "ff00::/8": "multicast",
}

# A subnet needs a network address, a gateway, a pod and (IPv4) a broadcast address.
_LONGEST_PREFIX = {4: 30, 6: 126}


def family(text: str) -> int:
    """4 or 6, of an address or a prefix that is known to be one."""
    return 6 if ":" in text else 4


def special_fault(found: Net) -> str | None:
    """Why no pod can have an address of this prefix; None where one can.

    Link-local IPv4 addresses pass: HNS takes them, and a network that stays on its node may use them.
    """
    for prefix, reason in _SPECIAL.items():
        special = ipaddress.ip_network(prefix)
        if special.version == found.version and special.overlaps(found):
            return f"no pod can have an address of {found}: {special} is {reason}"
    return None


def parse_range(entry: Mapping[str, Any]) -> tuple[RangePlan | None, list[tuple[str, str]]]:
    """The range with host-local's defaults filled in, or None and what is wrong, each as (key, message).

    Keys: `subnet`, `rangeStart`, `rangeEnd`, `gateway`; an empty or null optional key counts as absent.
    The network address and an IPv4 broadcast address are left out even where the bounds name them.
    """
    faults: list[tuple[str, str]] = []

    def optional(key: str) -> Ip | None:
        if entry.get(key) in (None, ""):
            return None
        try:
            return fields.address(entry[key])
        except ValueError as fault:
            faults.append((key, str(fault)))
            return None

    start, end, gateway = optional("rangeStart"), optional("rangeEnd"), optional("gateway")
    try:
        if entry.get("subnet") in (None, ""):
            raise ValueError("missing: a range needs its subnet")
        subnet = fields.network(entry["subnet"])
        if subnet.prefixlen > _LONGEST_PREFIX[subnet.version]:
            raise ValueError(f"{subnet} is too small to allocate from")
        special = special_fault(subnet)
        if special:
            raise ValueError(special)
    except ValueError as fault:
        return None, [("subnet", str(fault)), *faults]
    faults += _outside(subnet, {"rangeStart": start, "rangeEnd": end, "gateway": gateway})
    if faults:
        return None, faults
    return _bounded(subnet, start, end, gateway)


def _outside(subnet: Net, places: Mapping[str, Ip | None]) -> list[tuple[str, str]]:
    faults = []
    for key, place in places.items():
        if place is not None and place not in subnet:
            faults.append((key, f"{place} is not in the subnet {subnet}"))
        elif key == "gateway" and place is not None and place == subnet.network_address:
            faults.append((key, f"{place} is the address of the subnet {subnet} itself"))
        elif (
            key == "gateway"
            and place is not None
            and subnet.version == fields.IPV4
            and place == subnet.broadcast_address
        ):
            faults.append((key, f"{place} is the broadcast address of {subnet}"))
    return faults


def _bounded(
    subnet: Net, start: Ip | None, end: Ip | None, gateway: Ip | None
) -> tuple[RangePlan | None, list[tuple[str, str]]]:
    lowest = int(subnet.network_address) + 1
    highest = int(subnet.broadcast_address) - (1 if subnet.version == fields.IPV4 else 0)
    if start is not None and end is not None and int(start) > int(end):
        return None, [("rangeStart", f"{start} comes after rangeEnd {end}")]
    first = lowest if start is None else max(int(start), lowest)
    last = highest if end is None else min(int(end), highest)
    router = lowest if gateway is None else int(gateway)
    if first > last or first == last == router:
        return None, [("subnet", f"no address is left for pods in {subnet} between rangeStart and rangeEnd")]
    text = type(subnet.network_address)
    return RangePlan(str(subnet), str(text(first)), str(text(last)), str(text(router))), []


def _span(each: RangePlan) -> tuple[int, int]:
    return int(fields.address(each.first)), int(fields.address(each.last))


def _overlap(one: RangePlan, other: RangePlan) -> bool:
    if family(one.subnet) != family(other.subnet):
        return False
    (one_first, one_last), (other_first, other_last) = _span(one), _span(other)
    return one_first <= other_last and other_first <= one_last


def set_faults(ranges: Sequence[RangePlan | None]) -> list[tuple[int, str]]:
    """What is wrong between the ranges of one set, as (index, message); None, a faulty range, is skipped."""
    known = [(index, each) for index, each in enumerate(ranges) if each is not None]
    faults = []
    for place, (index, each) in enumerate(known):
        if family(each.subnet) != family(known[0][1].subnet):
            faults.append((index, f"{each.subnet} is of another address family than {known[0][1].subnet}"))
        faults += [
            (index, f"{each.first}-{each.last} overlaps {other.first}-{other.last} (range {number})")
            for number, other in known[:place]
            if _overlap(each, other)
        ]
    return faults


def sets_faults(range_sets: Sequence[Sequence[RangePlan | None]]) -> list[tuple[int, str]]:
    """What is wrong between range sets, as (index of the set, message): overlaps, and two sets of one family.

    Each set gives an attachment one address, and an HNS endpoint holds one per family.
    """
    known = [
        (index, [each for each in ranges if each is not None]) for index, ranges in enumerate(range_sets)
    ]
    faults: list[tuple[int, str]] = []
    for place, (index, ranges) in enumerate(known):
        if not ranges:
            continue
        for number, others in known[:place]:
            if not others:
                continue
            if any(_overlap(one, other) for one in ranges for other in others):
                faults.append((index, f"overlaps range set {number}"))
            elif family(ranges[0].subnet) == family(others[0].subnet):
                faults.append((index, _second_of_family(number, ranges[0])))
    return faults


def _second_of_family(number: int, each: RangePlan) -> str:
    return (
        f"gives a second IPv{family(each.subnet)} address beside range set {number}; "
        "an HNS endpoint holds one of each family"
    )
