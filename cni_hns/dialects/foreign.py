"""What the peers' configurations have in common: reading any key case into the native spelling.

Rule 1: a translation gives a native document, which then meets the same models and rules as any other.
Rule 2: the peer's rule is the rule, and what it passes over is passed over, unless that gives a pod a wrong
network: then it is done right. A remark says either.
Rule 3: every native place that comes from elsewhere is in `places`, so that a message names what the user
wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cni_hns.typed import Any

from . import fields
from .essentials import ipam_kind
from .findings import Finding

__all__ = ["DEFAULT_ROUTES", "Translation", "empty", "named", "ranges_of"]

_RANGE = ("subnet", "rangeStart", "rangeEnd", "gateway")
_IPAM = ("type", "delegate", "ranges", *_RANGE, "routes", "dataDir", "resolvConf")
_RANGE_KEYS = {key.lower(): key for key in _RANGE}
_IPAM_KEYS = {key.lower(): key for key in _IPAM}
DEFAULT_ROUTES = {4: "0.0.0.0/0", 6: "::/0"}
_DNS_KEYS = {"nameservers": "nameservers", "domain": "domain", "search": "search", "options": "options"}

# Keys of our own configurations that no peer has, or none uses.
_NATIVE_ONLY = ("network", "routes", "outboundNat", "mtu", "macPrefix", "gatewayFrom", "portMappingAcl")


def empty(value: object) -> bool:
    """What peers take as not given: null, and the placeholders "" and []."""
    return value is None or value in ("", [], {})


def _may_be_ours(key: str, value: object) -> bool:
    """`log` and `timeout` are words that others use too, for something of another type."""
    if key == "timeout":
        return isinstance(value, Mapping | int | float) and not isinstance(value, bool)
    return key != "log" or isinstance(value, Mapping)


def named(document: Mapping[str, Any], folded: str) -> str:
    """The key as the document spells it, the last spelling where there are several."""
    return [key for key in document if key.lower() == folded][-1]


def ranges_of(ipam: dict[str, Any]) -> list[dict[str, Any]]:
    """`ipam` itself, which may be a single range, and each range of its sets, as far as they are objects."""
    sets = ipam.get("ranges")
    listed = sets if isinstance(sets, list) else []  # the models will say what is wrong
    inner = [each for ranges in listed if isinstance(ranges, list) for each in ranges]
    return [ipam, *[each for each in inner if isinstance(each, dict)]]


class Translation:
    """A native document in the making, with remarks, faults and where each part came from.

    `peer` is the plugin in whose dialect the configuration is written. What a native document cannot say:
    `accepts`, the HCN types that a network may have (empty: any); `macs_by_hns`, that HNS chooses MAC
    addresses; `network_dns`, that a new network gets the DNS too; `dsr_if_possible`, that an HNS without it
    is no reason to fail; `spare_gateways`, next hops of last resort. `makes_network` turns false with what
    keeps it from being made: a peer never looks at that where the network is there.
    """

    def __init__(self, config: Mapping[str, Any], peer: str) -> None:
        self.written = config
        self.peer = peer
        self.source = fields.fold(config)
        self.remarks: list[str] = []
        self.findings: list[Finding] = []
        self.places: dict[str, str] = {}
        self.accepts: list[str] = []
        self.macs_by_hns = False
        self.network_dns = False
        self.dsr_if_possible = False
        self.makes_network = True
        self.spare_gateways: list[str] = []
        self.reserved: list[str] = []
        self.hns_v1 = False
        self.document: dict[str, Any] = {
            "type": "cni-hns",
            "name": config.get("name", self.source.get("name")),
        }
        self._passed_through()
        self._native_only()
        self._dns()

    def fault(self, path: str, message: str) -> None:
        self.findings.append(Finding(path, message))

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def spoil_network(self, path: str, message: str) -> None:
        self.makes_network = False
        self.remark(f"{path}: {message}; so the HCN network is not made, and must be there already")

    def get(self, folded: str, default: Any = None) -> Any:
        value = self.source.get(folded)
        return default if empty(value) else value

    def place(self, folded: str) -> str:
        """The key's own spelling, for a message."""
        return named(self.written, folded) if folded in self.source else folded

    def inner_place(self, folded: str, key: str) -> str:
        """The place of a member of the object under `folded`, as the document spells both."""
        value = self.source.get(folded)
        spelt = named(value, key) if isinstance(value, Mapping) and key in fields.fold(value) else key
        return f"{self.place(folded)}.{spelt}"

    def flag(self, path: str, value: object) -> bool:
        """A boolean of the peer; anything else than true, false or nothing is a fault."""
        if isinstance(value, bool):
            return value
        if not empty(value):
            self.fault(path, f"true or false is expected, not {fields.kind_of(value)}")
        return False

    def members(self, folded: str) -> dict[str, Any]:
        """The object under the key, its own keys folded; {} where there is none."""
        value = self.get(folded, {})
        if isinstance(value, Mapping):
            return fields.fold(value)
        self.fault(self.place(folded), f"an object is expected, not {fields.kind_of(value)}")
        return {}

    def items(self, folded: str) -> list[Any]:
        value = self.get(folded, [])
        if isinstance(value, list):
            return value
        self.fault(self.place(folded), f"a list is expected, not {fields.kind_of(value)}")
        return []

    def renamed(self, finding: Finding) -> Finding:
        """The finding with the path that the user's document has."""
        for native, source in sorted(self.places.items(), key=lambda each: -len(each[0])):
            if re.match(re.escape(native) + r"(?![\w])", finding.path):
                return finding._replace(path=source + finding.path[len(native) :])
        return finding

    def _passed_through(self) -> None:
        """Our own settings, which an operator may add to a peer's configuration."""
        for key in ("capabilities", "dataDir", "log", "timeout"):
            value = self.source.get(key.lower())
            place = self.place(key.lower())
            if empty(value):
                continue
            if _may_be_ours(key, value):
                self.document[key] = value
                self.places[key] = place
            else:
                self.remark(f"{place}: {fields.kind_of(value)} is no setting of cni-hns here, and not used")

    def _native_only(self) -> None:
        """A key of ours that this peer does not have: its author believes that it is used."""
        for key in _NATIVE_ONLY:
            if not empty(self.source.get(key.lower())):
                self.remark(
                    f"{self.place(key.lower())}: a key of cni-hns's own configurations; "
                    f"in one of {self.peer} it is not used"
                )

    def say_unread(self, *folded: str) -> None:
        """Keys that other peers read, and this one does not."""
        for key in folded:
            if self.get(key, False) is not False:
                self.remark(f"{self.place(key)}: not read, as with {self.peer}")

    def _dns(self) -> None:
        entry = self.members("dns")
        found = {
            _DNS_KEYS[key]: value for key, value in entry.items() if key in _DNS_KEYS and not empty(value)
        }
        for key in ("nameservers", "search", "options"):
            if isinstance(found.get(key), list):
                found[key] = [each for each in found[key] if not empty(each)]
        if found:
            self.document["dns"] = found
            self.places["dns"] = self.place("dns")
            self.places.update({f"dns.{key}": self.inner_place("dns", key) for key in found})
        self._ignored(self.place("dns"), entry, _DNS_KEYS)

    def _ignored(self, path: str, entry: Mapping[str, Any], known: Iterable[str]) -> None:
        unknown = sorted(key for key in entry if key not in known)
        if unknown:
            self.remark(f"{path}: {', '.join(unknown)} not known and ignored")

    def first_of_each_family(self, ipam: dict[str, Any]) -> None:
        """Of an IPAM's answer a peer takes one address of a family: further range sets are not used."""
        ranges = ipam.get("ranges")
        if not isinstance(ranges, list) or ipam_kind(ipam)[0] != "builtin":
            return
        seen = {_family(ipam.get("subnet"))}
        kept: list[Any] = []
        for index, each in enumerate(ranges):
            place = f"{self.inner_place('ipam', 'ranges')}[{index}]"
            family = _family_of_set(each)
            if family is not None and family in seen:
                self.remark(f"{place}: a second IPv{family} address is not used, as with {self.peer}")
                continue
            self.places[f"ipam.ranges[{len(kept)}]"] = place
            seen.add(family)
            kept.append(each)
        ipam["ranges"] = kept

    def ipam(self) -> dict[str, Any]:
        """The `ipam` object in native spelling, without routes and DNS: peers take nothing but addresses."""
        entry = self.members("ipam")
        self.places["ipam"] = place = self.place("ipam")
        kind, plugin = ipam_kind(entry)
        if kind == "delegate":
            self.remark(
                f"{place}: of what {plugin} answers, routes and DNS are not used, as with {self.peer}"
            )
            return {"type": plugin}
        found = {
            _IPAM_KEYS[key]: value for key, value in entry.items() if key in _IPAM_KEYS and not empty(value)
        }
        found.pop("routes", None)
        if found.pop("resolvConf", None) is not None:
            path = self.inner_place("ipam", "resolvconf")
            self.remark(f"{path}: not used, as with {self.peer}: pods' DNS is that of dns and of the runtime")
        if kind == "hns":
            if "type" in found:
                kind_of = fields.kind_of(found["type"])
                self.fault(self.inner_place("ipam", "type"), f"a string is expected, not {kind_of}")
            return {key: value for key, value in found.items() if key != "type"}
        is_pooled = plugin != "host-local" and not empty(entry.get("pool"))
        if is_pooled:
            path = self.inner_place("ipam", "pool")
            self.fault(path, 'pools are for configurations of "type": "cni-hns"; give ranges here')
        self._ignored(place, entry, [*_IPAM_KEYS, "pool"] if is_pooled else _IPAM_KEYS)
        if "ranges" in found:
            self.places["ipam.ranges"] = path = self.inner_place("ipam", "ranges")
            found["ranges"] = self._ranges(found["ranges"], path)
        return {**self._without_stray_gateway(found, place), "type": plugin}

    def _ranges(self, value: object, path: str) -> object:
        if not isinstance(value, list):
            return value
        return [
            [self._range(each, f"{path}[{outer}][{inner}]") for inner, each in enumerate(ranges)]
            if isinstance(ranges, list)
            else ranges
            for outer, ranges in enumerate(value)
        ]

    def _range(self, value: object, path: str) -> object:
        if not isinstance(value, Mapping):
            return value
        entry = fields.fold(value)
        self._ignored(path, entry, _RANGE_KEYS)
        found = {
            _RANGE_KEYS[key]: each for key, each in entry.items() if key in _RANGE_KEYS and not empty(each)
        }
        return self._without_stray_gateway(found, path)

    def _without_stray_gateway(self, found: dict[str, Any], path: str) -> dict[str, Any]:
        """host-local never looks whether a gateway lies in the subnet, and most peers never use it."""
        try:
            stray = "gateway" in found and fields.address(found["gateway"]) not in fields.network(
                found.get("subnet")
            )
        except ValueError:
            return found  # the models will say what is wrong
        if stray:
            self.remark(f"{path}: gateway {found['gateway']} is outside {found['subnet']} and not used")
            return {key: value for key, value in found.items() if key != "gateway"}
        return found

    def set_gateways_aside(self, ipam: dict[str, Any], instead: str) -> None:
        """Take the ranges' gateways out of use, as this peer does; no pod gets them nevertheless."""
        for entry in ranges_of(ipam):
            gateway = entry.pop("gateway", None)
            if gateway is None:
                continue
            try:
                self.reserved.append(str(fields.address(gateway)))
            except ValueError:
                entry["gateway"] = gateway  # the models will say what is wrong
            else:
                self.remark(f"{self.place('ipam')}: gateway {gateway} is kept free, but {instead}")

    def next_hops(self, place: str, value: object) -> list[tuple[str, str | None]]:
        """The routes of a list as (destination, next hop), "" for no destination; faulty ones are noted."""
        if not isinstance(value, list):
            if not empty(value):
                self.fault(place, f"a list is expected, not {fields.kind_of(value)}")
            return []
        found = []
        for index, each in enumerate(value):
            if not isinstance(each, Mapping):
                self.fault(f"{place}[{index}]", f"an object is expected, not {fields.kind_of(each)}")
                continue
            route = fields.fold(each)
            destination, hop = route.get("dst"), route.get("gw")
            try:
                there = "" if empty(destination) else str(fields.network_around(destination))
                found.append((there, None if empty(hop) else str(fields.address(hop))))
            except ValueError as fault:
                self.fault(f"{place}[{index}]", str(fault))
        return found


def _family_of_set(range_set: object) -> int | None:
    """4 or 6 by the first subnet; None where that cannot be seen: it is a fault then."""
    first = range_set[0] if isinstance(range_set, list) and range_set else None
    return _family(fields.fold(first).get("subnet")) if isinstance(first, Mapping) else None


def _family(subnet: object) -> int | None:
    try:
        return fields.network(subnet).version
    except ValueError:
        return None
