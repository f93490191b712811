"""Results as they are written, read without any library: what is in them, and what is wrong with their form.

Source: CNI SPEC, section 5, "ADD Success", and the same place in each earlier version.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cni_hns.conformance.versions import at_least

__all__ = [
    "address",
    "addresses",
    "cidr",
    "dns_faults",
    "essence",
    "gateways",
    "interfaces",
    "ip_entries",
    "is_mac",
    "mac_digits",
    "made_up",
    "routes",
    "shape_faults",
]

_EXTENDED = "0.3.0"
_WITHOUT_FAMILY = "1.0.0"
_MAC = re.compile(r"([0-9a-fA-F]{2}([:-]))(?:[0-9a-fA-F]{2}\2){4,18}[0-9a-fA-F]{2}")


def interfaces(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`interfaces`, without what is no object."""
    return _objects(result.get("interfaces"))


def ip_entries(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each address with its `address` and `gateway`, in the form of 0.3.0 and later, whatever the version."""
    old = [result.get(key) for key in ("ip4", "ip6")]
    from_old = [{**one, "address": one.get("ip")} for one in old if isinstance(one, dict)]
    return [*from_old, *_objects(result.get("ips"))]


def addresses(result: Mapping[str, Any]) -> list[str]:
    """The addresses without their prefix lengths, in one spelling; what is none is left out."""
    return [str(one.ip) for one in map(cidr, (entry.get("address") for entry in ip_entries(result))) if one]


def gateways(result: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The address as it is written, and its gateway, where it has one."""
    for entry in ip_entries(result):
        if entry.get("gateway") not in (None, ""):
            yield str(entry.get("address")), entry["gateway"]


def routes(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All routes, wherever the version has them."""
    old = [result.get(key) for key in ("ip4", "ip6")]
    inside = [route for one in old if isinstance(one, dict) for route in _objects(one.get("routes"))]
    return [*inside, *_objects(result.get("routes"))]


def essence(result: Mapping[str, Any]) -> dict[str, Any]:
    """What two results have in common when they tell of the same attachment."""
    return {
        "addresses": sorted(str(entry.get("address")) for entry in ip_entries(result)),
        "interfaces": sorted(
            (str(one.get("name")), mac_digits(one.get("mac")), str(one.get("sandbox") or ""))
            for one in interfaces(result)
        ),
    }


def mac_digits(mac: object) -> str:
    """A hardware address without separators and case."""
    return re.sub("[^0-9a-f]", "", str(mac or "").lower())


def is_mac(mac: object) -> bool:
    return isinstance(mac, str) and _MAC.fullmatch(mac) is not None


def cidr(text: object) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    """An address with its prefix length; None where the text is none."""
    if not (isinstance(text, str) and "/" in text):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


def address(text: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None


def shape_faults(result: Mapping[str, Any], version: str) -> list[str]:
    """What the members of the result have that this version has not, or lack that it has."""
    if not at_least(version, _EXTENDED):
        return _old_faults(result)
    faults = [f"`{key}`, which ended with 0.2.0" for key in ("ip4", "ip6") if key in result]
    lists = ("interfaces", "ips", "routes")
    faults += [f"`{key}` is no list of objects" for key in lists if not _is_list_of_objects(result.get(key))]
    entries = _objects(result.get("ips"))
    if at_least(version, _WITHOUT_FAMILY):
        return [*faults, *("`ips[].version`, which ended with 0.4.0" for one in entries if "version" in one)]
    return [*faults, *(fault for one in entries for fault in _family_faults(one))]


def _old_faults(result: Mapping[str, Any]) -> list[str]:
    faults = [f"`{key}`, which began with 0.3.0" for key in ("interfaces", "ips") if key in result]
    found = {key: result[key] for key in ("ip4", "ip6") if result.get(key) is not None}
    if not found:
        faults.append("neither `ip4` nor `ip6`")
    for key, one in found.items():
        if not (isinstance(one, dict) and isinstance(one.get("ip"), str)):
            faults.append(f"`{key}.ip` is no text")
        elif (parsed := cidr(one["ip"])) is not None and f"ip{parsed.version}" != key:
            faults.append(f"`{key}` holds {one['ip']}")
    return faults


def _family_faults(entry: Mapping[str, Any]) -> list[str]:
    family = entry.get("version")
    if family not in ("4", "6"):
        return [f'`ips[].version` is {family!r}, neither "4" nor "6"']
    parsed = cidr(entry.get("address"))
    mapped = isinstance(parsed, ipaddress.IPv6Interface) and parsed.ip.ipv4_mapped is not None
    if parsed is not None and not mapped and str(parsed.version) != family:
        return [f'`ips[].version` is "{family}" for {entry["address"]}']
    return []


def dns_faults(result: Mapping[str, Any]) -> list[str]:
    """What in `dns` is not as the specification has it."""
    dns = result.get("dns")
    if dns is None:
        return []
    if not isinstance(dns, dict):
        return ["`dns` is no object"]
    faults = []
    for key in ("nameservers", "search", "options"):
        value = dns.get(key, [])
        if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            faults.append(f"`dns.{key}` is no list of texts")
    servers = dns.get("nameservers")
    texts = [one for one in servers if isinstance(one, str)] if isinstance(servers, list) else []
    faults += [
        f"`dns.nameservers` holds {one!r}, which is no address" for one in texts if address(one) is None
    ]
    if not isinstance(dns.get("domain", ""), str):
        faults.append("`dns.domain` is no text")
    return faults


def made_up(version: str, ifname: str, netns: str, mac: str = "") -> dict[str, Any]:
    """What an earlier plugin of a chain might have given: one interface in the container, one address.

    The address is of a network for documentation (RFC 5737), the MAC address, where the interface has none, a
    locally administered one.
    """
    if not at_least(version, _EXTENDED):
        return {"cniVersion": version, "ip4": {"ip": "192.0.2.10/24", "gateway": "192.0.2.1"}}
    entry: dict[str, Any] = {"address": "192.0.2.10/24", "gateway": "192.0.2.1", "interface": 0}
    if not at_least(version, _WITHOUT_FAMILY):
        entry["version"] = "4"
    return {
        "cniVersion": version,
        "interfaces": [{"name": ifname, "mac": mac or "02:00:00:00:00:0a", "sandbox": netns}],
        "ips": [entry],
    }


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_list_of_objects(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, dict) for one in value))
