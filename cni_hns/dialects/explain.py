"""A configuration file in plain words: what becomes of a pod, where each part of that stands in the file.

Facts come from the compiled plan and from the document that ADD would send, not from the file: what is told
is what is done. Only the operator's commands load this.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from cni_hns.hcn.gates import minimum
from cni_hns.typed import Any, NamedTuple

from .address_ranges import family
from .build import Examined, examine
from .differences import differences
from .endpoint import EndpointFault
from .example import IPAM_GATEWAY, NETWORK_GATEWAY, THIRD_ADDRESS, Example
from .file_plugins import FilePlugin, plugins_of
from .findings import ConfigFault, Finding
from .lint import remark_finding
from .origins import Origins
from .plan import AttachmentPlan, RangePlan

__all__ = ["Explained", "Fact", "Policy", "Section", "explain"]

_FAMILIES = {4: "IPv4", 6: "IPv6"}
_HNS_GATEWAYS = {
    NETWORK_GATEWAY: "that of the HCN network",
    IPAM_GATEWAY: "what the IPAM plugin answers, if it lies in the HCN subnet; else that of the HCN network",
}
_DNS = (
    ("servers", "ServerList", "dns.nameservers"),
    ("search", "Search", "dns.search"),
    ("domain", "Domain", "dns.domain"),
    ("options", "Options", "dns.options"),
)
# What is asked for to see which policies each wish becomes.
_WISHES: dict[str, dict[str, Any]] = {
    "portMappings": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]},
    "bandwidth": {"bandwidth": {"egressRate": 8_000_000, "egressBurst": 8_000_000}},
}
_EXAMPLES = {"portMappings": "8080 to 80/tcp as an example", "bandwidth": "8 Mbit/s as an example"}
_CAPABILITIES = {
    "portMappings": "ports of the node for ports of the pod, each a policy",
    "dns": "servers, search suffixes, options; each that it sends replaces the configuration's",
    "bandwidth": "a limit on what the pod sends (egress), a policy",
    "ips": "an address that it wants for the pod",
    "mac": "the MAC address, in place of any other",
    "ipRanges": "ranges, which go before the configured ones",
}


class Fact(NamedTuple):
    """One line: what, how it is, and the places in the file that say so, none where it is so by itself."""

    label: str
    value: str
    places: list[str]


class Policy(NamedTuple):
    """A policy as HNS gets it, and the places in the file that it comes from."""

    document: dict[str, Any]
    places: list[str]
    why: str


class Section(NamedTuple):
    """Facts of one kind; `policies` where the kind has such documents."""

    title: str
    facts: list[Fact]
    policies: list[Policy]


class Explained(NamedTuple):
    """One plugin of the file. `network` is the HostComputeNetwork that would be created, None where none is;
    `endpoint` the HostComputeEndpoint of a pod, with words in angle brackets for what only the node knows.
    """

    place: str
    dialect: str
    type: str
    name: str
    by_flannel: bool
    sections: list[Section]
    network: dict[str, Any] | None
    endpoint: dict[str, Any]
    notes: list[Finding]


def explain(document: Mapping[str, Any], file: str = "FILE") -> list[Explained]:
    """Each plugin of ours in the file that has no faults; what is wrong with the others, the lint says.

    `file` is its path, for commands to type next.
    """
    return [found for plugin in plugins_of(document) if (found := _explained(plugin, file)) is not None]


def _explained(plugin: FilePlugin, file: str) -> Explained | None:
    try:
        examined = examine(plugin.config)
        if examined.plan is None:
            return None
        telling = _Telling(plugin, examined, examined.plan, file)
    except (ConfigFault, EndpointFault):
        return None
    handed = plugin.flannel.findings if plugin.flannel else []
    notes = [each._replace(path=plugin.place_in_object(each.path)) for each in handed]
    notes += [remark_finding(remark, plugin) for remark in examined.plan.remarks]
    notes += [Finding("", words, "note") for words in differences(examined.dialect, examined.plan)]
    return Explained(
        place=plugin.prefix,
        dialect=examined.dialect,
        type=str(plugin.config.get("type", "")),
        name=str(plugin.config.get("name", "")),
        by_flannel=plugin.flannel is not None,
        sections=[section for section in telling.sections() if section.facts or section.policies],
        network=examined.plan.network.create,
        endpoint=telling.example.document,
        notes=[each for each in notes if each.severity == "note"],
    )


class _Telling:
    """The sections of one plugin. Raises: EndpointFault where no pod could have an endpoint."""

    def __init__(self, plugin: FilePlugin, examined: Examined, plan: AttachmentPlan, file: str) -> None:
        self._file = file
        self._plan = plan
        self._has_nat_key = examined.native is not None and examined.native.outboundNat is not None
        self._origins = Origins(plugin, examined)
        # With a peer's configuration nothing but the addresses of an answer may count.
        self._has_answers = plan.ipam.kind == "delegate" and not plan.peer
        self.example = Example(plan)

    def sections(self) -> list[Section]:
        plan = self._plan
        return [
            Section("HCN network", [*self._network(), *self._subnets()], self._network_policies()),
            Section("Addresses", [*self._giver(), *self._ranges(), *self._left_out()], []),
            Section("Gateway and routes", [*self._gateways(), *self._routes()], []),
            Section("DNS", list(self._dns()), []),
            Section("Interface", list(self._interface()), []),
            Section("Policies, as HNS gets them", [], self._policies()),
            self._from_the_runtime(),
            Section("HNS must have", [Fact(name, f"HNS {minimum(name)}", []) for name in plan.requires], []),
        ]

    def _network(self) -> Iterator[Fact]:
        network, key = self._plan.network, self._origins.key
        yield Fact("name", network.name, key("network.name", "name"))
        accepted = " or ".join(network.accepts) or f"any; a new one is {network.hcn_type}"
        yield Fact("type", accepted, key("network.mode", "type"))
        if network.create is None:
            yield Fact("found", "by its name; it must be there, no ADD creates it", key("network.create"))
            yield Fact("to make it", f"cni-hns network create --config {self._file}", [])
            return
        yield Fact(
            "found", "by its name; the first ADD creates it where it is missing", key("network.create")
        )
        for policy in network.create.get("Policies", []):
            if policy["Type"] == "NetAdapterName":
                yield Fact("adapter", policy["Settings"]["NetworkAdapterName"], key("network.adapter"))
        if "Flags" in network.create:
            yield Fact("flags", f"Flags {network.create['Flags']}", key("network.flags"))
        for pool in (network.create.get("MacPool") or {}).get("Ranges", []):
            words = f"{pool['StartMacAddress']} to {pool['EndMacAddress']}"
            yield Fact("MAC pool", words, key("network.macPool"))

    def _subnets(self) -> Iterator[Fact]:
        created = self._plan.network.create or {}
        made = [subnet for ipam in created.get("Ipams", []) for subnet in ipam.get("Subnets", [])]
        for index, subnet in enumerate(made):
            prefix = subnet["IpAddressPrefix"]
            hops = [route["NextHop"] for route in subnet.get("Routes", [])]
            words = f"{prefix}, gateway {', '.join(hops)}" if hops else prefix
            yield Fact("subnet", words, self._origins.value(prefix, "network", "ipam"))
            for policy in subnet.get("Policies", []):
                identifier = str(policy["Settings"].get("IsolationId", ""))
                key = "network.vsid" if policy["Type"] == "VSID" else f"network.subnets[{index}].policies"
                places = self._origins.key(key) or self._origins.network_policy(policy["Type"])
                yield Fact(policy["Type"], identifier, places)
        if self._plan.network.create is not None and not made:
            yield Fact("subnet", "HNS chooses" if self._plan.network.mode == "nat" else "by DHCP", [])
        if self._plan.network.create is None:
            for prefix in self._expected():
                words = f"{prefix} must lie in one of its subnets"
                yield Fact("subnet", words, self._origins.value(prefix, "network", "ipam"))

    def _expected(self) -> list[str]:
        plan = self._plan
        ranges = [each.subnet for found in plan.ipam.range_sets for each in found]
        return list(dict.fromkeys([*(subnet.prefix for subnet in plan.network.subnets), *ranges]))

    def _network_policies(self) -> list[Policy]:
        created = self._plan.network.create or {}
        return [
            Policy(policy, self._origins.network_policy(policy["Type"]), "of the network")
            for policy in created.get("Policies", [])
            if policy["Type"] != "NetAdapterName"
        ]

    def _giver(self) -> Iterator[Fact]:
        ipam, key = self._plan.ipam, self._origins.key
        if ipam.kind == "builtin":
            yield Fact("given by", f'this plugin, as "{ipam.type}"', key("ipam.type"))
            if ipam.data_dir:
                words = f"addresses that have a file in {ipam.data_dir} are taken"
                yield Fact("host-local", words, key("ipam.dataDir", "ipam.type"))
        elif ipam.kind == "delegate":
            yield Fact("given by", f'the IPAM plugin "{ipam.type}" of CNI_PATH', key("ipam.type"))
        elif ipam.kind == "dhcp":
            words = "a DHCP server outside: HNS gets an endpoint without an address"
            yield Fact("given by", words, key("network.mode", "type"))
        else:
            yield Fact("given by", "HNS, out of the HCN network's subnet", key("ipam.type", "ipam"))

    def _ranges(self) -> Iterator[Fact]:
        sets = self._plan.ipam.range_sets
        for number, ranges in enumerate(sets):
            label = f"set {number + 1}" if len(sets) > 1 else "range"
            for each in ranges:
                words = f"{each.first} to {each.last} of {each.subnet}"
                yield Fact(label, words, self._origins.value(each.subnet, "ipam", "network"))
        if len(sets) > 1:
            yield Fact("of these", "each pod gets one address from each set", [])
        for pool in self._plan.ipam.pools:
            words = f'"{pool}", out of the blocks that this node\'s agent has claimed (cni-hns pool list)'
            yield Fact("pool", words, self._origins.key("ipam.pool"))
        free = [_free(ranges, self._excluded()) for ranges in sets]
        if free:
            yield Fact("enough for", f"{min(free)} pods", [])
        elif self._plan.ipam.kind == "builtin" and not self._plan.ipam.pools:
            yield Fact(
                "ranges", "come from the runtime or the HCN network", self._origins.key("capabilities")
            )

    def _excluded(self) -> dict[str, str]:
        """Addresses that no pod gets, with the reason."""
        plan = self._plan
        found = dict.fromkeys(plan.ipam.reserved, "kept free")
        found.update({each.gateway: "the gateway" for each in _all_ranges(plan) if each.gateway})
        found.update(dict.fromkeys(plan.gateways, "a configured gateway"))
        return found

    def _left_out(self) -> Iterator[Fact]:
        if self._plan.ipam.kind != "builtin":
            return
        for address, why in self._excluded().items():
            yield Fact("left out", f"{address}, {why}", self._origins.value(address, *_ADDRESSES))
        yield Fact("left out", "each gateway of the HCN network, and the node's own address on it", [])

    def _gateways(self) -> Iterator[Fact]:
        plan = self._plan
        hops = self._default_hops()
        for hop in hops:
            label = (
                f"gateway {_FAMILIES[family(hop)]}"
                if len(hops) > 1 and not hop.startswith("<")
                else "gateway"
            )
            yield Fact(label, *self._gateway(hop))
        if not hops:
            words = {"dhcp": "that of the DHCP server", "hns": "HNS gives that of the HCN network"}
            yield Fact("gateway", words.get(plan.ipam.kind, "none"), [])

    def _default_hops(self) -> list[str]:
        routes = self.example.document.get("Routes", [])
        return [route["NextHop"] for route in routes if route["DestinationPrefix"] in ("0.0.0.0/0", "::/0")]

    def _gateway(self, hop: str) -> tuple[str, list[str]]:
        plan = self._plan
        rule = self._origins.key("gatewayFrom")
        if hop in _HNS_GATEWAYS:
            return _HNS_GATEWAYS[hop], rule
        if hop == THIRD_ADDRESS:
            guesses = [f"{_third(prefix)} if that is {prefix}" for prefix in self._expected()]
            return f"the third address of the HCN subnet ({', '.join(guesses)})", rule
        if plan.gateway_rule == "bridge" and hop not in plan.gateways:
            return f"{hop}, the third address of the HCN subnet", rule
        written = self._origins.value(hop, "routes", "ipam", "additionalRoutes", "network")
        return (hop, written) if written or rule else (f"{hop}, that of the HCN network", [])

    def _routes(self) -> Iterator[Fact]:
        for route in self.example.document.get("Routes", []):
            destination, hop = route["DestinationPrefix"], route["NextHop"]
            is_default = destination in ("0.0.0.0/0", "::/0")
            known = hop if not hop.startswith("<") else None
            metric = f", metric {route['Metric']}" if "Metric" in route else ""
            over = "the gateway" if is_default or known is None else hop
            places = self._origins.route(destination, None if is_default else known)
            yield Fact("route", f"{destination} over {over}{metric}", [] if is_default else places)
        if self._has_answers:
            yield Fact("more routes", "what the IPAM plugin answers", self._origins.key("ipam.type"))

    def _dns(self) -> Iterator[Fact]:
        plan = self._plan
        for label, name, key in _DNS:
            value = plan.dns.get(name)
            if value:
                words = value if isinstance(value, str) else ", ".join(value)
                yield Fact(label, words, self._origins.key(key))
        if plan.search_in_pod_namespace and plan.dns.get("Search"):
            words = "the pod's namespace and a dot go before the first suffix"
            yield Fact("search", words, self._origins.key("dns.searchInPodNamespace", "type"))
        if plan.ipam.resolv_conf:
            words = f"{plan.ipam.resolv_conf} says what is not said here"
            yield Fact("else", words, self._origins.key("ipam.resolvConf"))
        elif self._has_answers:
            yield Fact("else", "what the IPAM plugin answers", self._origins.key("ipam.type"))
        elif not plan.dns:
            yield Fact("servers", "none is named: HNS takes those of the node", [])

    def _interface(self) -> Iterator[Fact]:
        plan, key = self._plan, self._origins.key
        if plan.mac_prefix:
            words = f"{plan.mac_prefix} and the four bytes of the IPv4 address"
            yield Fact("MAC", words, key("macPrefix", "network.mode", "type"))
        else:
            yield Fact("MAC", "HNS chooses", [])
        if plan.mtu:
            yield Fact("MTU", str(plan.mtu), key("mtu"))
        yield Fact("endpoint", self.example.document["Name"], [])

    def _policies(self) -> list[Policy]:
        sent, merged = self._origins.endpoint_policies()
        key = self._origins.key
        found = []
        for index, document in enumerate(self.example.policies):
            kind, settings = document["Type"], document["Settings"]
            if index < len(self._plan.policies):
                found.append(Policy(document, sent[index : index + 1], ""))
            elif kind == "OutBoundNAT" and "Destinations" in settings:
                found.append(
                    Policy(document, key("loopbackDSR"), "a pod reaches itself by a service address")
                )
            elif kind == "OutBoundNAT":
                places = [*merged, *(key("outboundNat") if self._has_nat_key else [])]
                found.append(Policy(document, places, "one for each address family"))
            elif kind == "InterfaceParameters":
                found.append(Policy(document, key("mtu"), ""))
            else:
                found.append(
                    Policy(document, key("network.mode", "type"), "every endpoint of such a network")
                )
        return found

    def _from_the_runtime(self) -> Section:
        declared = [name for name in _CAPABILITIES if name in self._plan.capabilities]
        facts = [
            Fact(name, _CAPABILITIES[name], self._origins.key(f"capabilities.{name}")) for name in declared
        ]
        policies = [
            Policy(policy, [], _EXAMPLES[name])
            for name in declared
            for policy in self.example.policies_for(_WISHES.get(name, {}))
        ]
        absent = [name for name in ("portMappings", "dns") if name not in declared]
        facts += [Fact(name, "never: not declared, so no runtime sends it", []) for name in absent]
        return Section("What the runtime may add", facts, policies)


_ADDRESSES = ("ipam", "network", "routes", "additionalRoutes")


def _all_ranges(plan: AttachmentPlan) -> list[RangePlan]:
    return [each for ranges in plan.ipam.range_sets for each in ranges]


def _free(ranges: list[RangePlan], excluded: Mapping[str, str]) -> int:
    """How many addresses of these ranges a pod can have."""
    spans = [(int(ipaddress.ip_address(each.first)), int(ipaddress.ip_address(each.last))) for each in ranges]
    left_out = [
        int(ipaddress.ip_address(text)) for text in excluded if family(text) == family(ranges[0].subnet)
    ]
    taken = sum(1 for one in left_out if any(first <= one <= last for first, last in spans))
    return sum(last - first + 1 for first, last in spans) - taken


def _third(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False).network_address + 2)
