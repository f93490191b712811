"""What the peers' configurations have in common: reading any key case into the native spelling.

Rule 1: a translation gives a native document, which then meets the same models and rules as any other.
Rule 2: what a peer ignores by mistake is used, what it gets wrong is done right, and a remark says so.
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
from .old_policies import translate_policy

__all__ = ["DEFAULT_ROUTES", "Translation", "empty", "named"]

_RANGE = ("subnet", "rangeStart", "rangeEnd", "gateway")
_IPAM = ("type", "delegate", "ranges", *_RANGE, "routes", "dataDir", "resolvConf")
_RANGE_KEYS = {key.lower(): key for key in _RANGE}
_IPAM_KEYS = {key.lower(): key for key in _IPAM}
_NEXT_HOPS = ("gw", "gateway", "nexthop")
_LEVELS = {"endpointpolicy": "endpoint", "networkpolicy": "network"}
DEFAULT_ROUTES = {4: "0.0.0.0/0", 6: "::/0"}
_DNS_KEYS = {"nameservers": "nameservers", "domain": "domain", "search": "search", "options": "options"}


def empty(value: object) -> bool:
    """What peers take as not given: null, and the placeholders "" and []."""
    return value is None or value in ("", [], {})


def named(document: Mapping[str, Any], folded: str) -> str:
    """The key as the document spells it, the last spelling where there are several."""
    return [key for key in document if key.lower() == folded][-1]


class Translation:
    """A native document in the making, with remarks, faults and where each part came from."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.written = config
        self.source = fields.fold(config)
        self.remarks: list[str] = []
        self.findings: list[Finding] = []
        self.places: dict[str, str] = {}
        self.accepts: list[str] = []
        self.reserved: list[str] = []
        self.hns_v1 = False
        self.document: dict[str, Any] = {
            "type": "cni-hns",
            "name": config.get("name", self.source.get("name")),
        }
        self._passed_through({"capabilities", "dataDir", "log", "timeout"})
        self._dns()

    def fault(self, path: str, message: str) -> None:
        self.findings.append(Finding(path, message))

    def remark(self, text: str) -> None:
        self.remarks.append(text)

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

    def _passed_through(self, keys: Iterable[str]) -> None:
        """Our own settings, which an operator may add to a peer's configuration."""
        for key in sorted(keys):
            value = self.source.get(key.lower())
            if not empty(value):
                self.document[key] = value
                self.places[key] = self.place(key.lower())

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

    def ipam(self) -> dict[str, Any]:
        """The `ipam` object in native spelling, without routes, which each dialect reads its own way."""
        entry = self.members("ipam")
        self.places["ipam"] = place = self.place("ipam")
        kind, plugin = ipam_kind(entry)
        if kind == "delegate":
            return {"type": plugin}
        found = {
            _IPAM_KEYS[key]: value for key, value in entry.items() if key in _IPAM_KEYS and not empty(value)
        }
        found.pop("routes", None)
        if kind == "hns":
            return {key: value for key, value in found.items() if key != "type"}
        self._ignored(place, entry, _IPAM_KEYS)
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
        sets = ipam.get("ranges")
        listed = sets if isinstance(sets, list) else []  # the models will say what is wrong
        inner = [each for ranges in listed if isinstance(ranges, list) for each in ranges]
        for entry in [ipam, *[each for each in inner if isinstance(each, dict)]]:
            gateway = entry.pop("gateway", None)
            if gateway is None:
                continue
            try:
                self.reserved.append(str(fields.address(gateway)))
            except ValueError:
                entry["gateway"] = gateway  # the models will say what is wrong
            else:
                self.remark(f"{self.place('ipam')}: gateway {gateway} is kept free, but {instead}")

    def routes(self) -> list[tuple[str, str | None]]:
        """IPAM's routes as (destination, next hop); a route without a destination is the default one."""
        found = []
        path = self.inner_place("ipam", "routes")
        value = self.members("ipam").get("routes")
        for index, each in enumerate(value if isinstance(value, list) else []):
            if not isinstance(each, Mapping):
                self.fault(f"{path}[{index}]", f"an object is expected, not {fields.kind_of(each)}")
                continue
            route = fields.fold(each)
            hop = next((route[key] for key in _NEXT_HOPS if not empty(route.get(key))), None)
            found += self.route(route.get("dst"), hop, f"{path}[{index}]")
        return found

    def route(self, destination: object, hop: object, path: str) -> list[tuple[str, str | None]]:
        """[(destination, next hop)], or [] after noting what is wrong with them."""
        try:
            gateway = None if empty(hop) else fields.address(hop)
            if not empty(destination):
                return [(str(fields.network(destination)), str(gateway) if gateway else None)]
            version = gateway.version if gateway else 4
            return [(DEFAULT_ROUTES[version], str(gateway) if gateway else None)]
        except ValueError as fault:
            self.fault(path, str(fault))
            return []

    def set_routes(self, routes: Iterable[tuple[str, str | None]]) -> None:
        """Into the native `routes`; the default route without a next hop is there anyway."""
        found = [
            {"dst": destination, **({"gw": hop} if hop else {})}
            for destination, hop in dict(routes).items()
            if hop or destination not in DEFAULT_ROUTES.values()
        ]
        if found:
            self.document["routes"] = found
            self.places["routes"] = self.inner_place("ipam", "routes")

    def policies(self, network_policies: bool) -> list[dict[str, Any]]:
        """Put the endpoint policies into the document; the result are those of the HCN network.

        `network_policies`: whether this peer creates the network, so that they have an effect.
        """
        own: list[dict[str, Any]] = []
        found: list[dict[str, Any]] = []
        for container in ("policies", "additionalargs", "hcnpolicyargs"):
            for index, each in enumerate(self.items(container)):
                path = f"{self.place(container)}[{index}]"
                level, policy = self._policy(each, path)
                if policy is None:
                    continue
                if level == "endpoint":
                    self.places[f"policies[{len(own)}]"] = path
                    own.append(policy)
                elif network_policies:
                    self.places[f"network.policies[{len(found)}]"] = path
                    found.append(policy)
                else:
                    self.remark(f"{path}: the HCN network is not created here, so its policy has no effect")
        if own:
            self.document["policies"] = own
        return found

    def _policy(self, each: object, path: str) -> tuple[str, dict[str, Any] | None]:
        """(level, policy) of one element: a pair of name and value, or a bare policy."""
        if not isinstance(each, Mapping):
            self.fault(path, f"a policy is an object, not {fields.kind_of(each)}")
            return "", None
        entry = fields.fold(each)
        bare = "value" not in entry and "type" in entry
        level = "endpoint" if bare else _LEVELS.get(str(entry.get("name", "")).lower(), "")
        value = each if bare else entry.get("value")
        if not level:
            self.fault(f"{path}.name", "neither EndpointPolicy nor NetworkPolicy, so it would have no effect")
        elif not isinstance(value, Mapping):
            self.fault(f"{path}.value", f"a policy is an object, not {fields.kind_of(value)}")
        else:
            try:
                policy, remarks = translate_policy(value, level)
            except ValueError as fault:
                self.fault(path, str(fault))
            else:
                self.remarks += [f"{path}: {remark}" for remark in remarks]
                return level, policy
        return level, None
