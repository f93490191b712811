"""What this one call asks for on top of the configuration: read and checked on every call, never cached.

Sources: `runtimeConfig` (CNI CONVENTIONS.md), `args.cni` and CNI_ARGS. Key case is folded at every level,
because containerd sends Go's field names (`HostPort`, `Searches`), and a null list is an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

from . import fields
from .address_ranges import family, parse_range, set_faults, sets_faults
from .findings import ConfigFault, Finding
from .plan import AttachmentPlan, RangePlan

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["ConfigFault", "Finding", "Wanted", "mapped_port", "range_sets", "read_wanted"]

_PROTOCOLS = {"": 6, "tcp": 6, "6": 6, "udp": 17, "17": 17}
_UDP = 17
_SCTP = ("sctp", "132")
_SKIP_PROTOCOLS = ("win-bridge", "win-overlay")
_ANY_HOST = ("", "0.0.0.0", "::")  # noqa: S104 - texts to compare with, nothing listens
_NOT_ON_WINDOWS = {
    "infinibandguid": "infinibandGUID",
    "deviceid": "deviceID",
    "aliases": "aliases",
}
# Bits per second; containerd allows up to a peta.
_HIGHEST_RATE = 10**15


class Wanted(NamedTuple):
    """One call's wishes, checked.

    `addresses`: IP texts without prefix length, at most one of each family unless a delegated plugin gets
    them.
    `port_mappings`: {hostPort, containerPort, protocol (6 or 17), hostIP ("" = any)}.
    `dns`: HCN names, only the parts that are given. `bandwidth`: the settings of a QOS policy.
    `ip_ranges`: range sets that go before the configured ones. `pod_namespace`: of Kubernetes, "" if
    unknown. `notes`: what is left out, as the peer leaves it out whose configuration this is.
    """

    addresses: list[str]
    mac: str | None
    port_mappings: list[dict[str, Any]]
    dns: dict[str, Any] | None
    bandwidth: dict[str, Any] | None
    ip_ranges: list[list[RangePlan]]
    pod_namespace: str = ""
    notes: tuple[str, ...] = ()


def range_sets(plan: AttachmentPlan, wanted: Wanted) -> list[list[RangePlan]]:
    """The sets to allocate from, the runtime's first; they take the place of those that nobody configured."""
    configured = [] if plan.ipam.implied and wanted.ip_ranges else plan.ipam.range_sets
    return [*wanted.ip_ranges, *configured]


def mapped_port(mapping: Mapping[str, Any]) -> str:
    """The host port of a mapping in `Wanted.port_mappings`, as "8080/tcp"."""
    return f"{mapping['hostPort']}/{'udp' if mapping['protocol'] == _UDP else 'tcp'}"


class _Reader:
    """Collects what is wrong while values are read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.notes: list[str] = []

    def fault(self, path: str, message: str) -> None:
        self.findings.append(Finding(path, message))

    def parsed(self, path: str, value: object, parse: Callable[[object], T]) -> T | None:
        """What `parse` makes of the value, or None after noting its ValueError."""
        try:
            return parse(value)
        except ValueError as fault:
            self.fault(path, str(fault))
            return None

    def hidden(self, path: str, value: object, parse: Callable[[object], T]) -> T | None:
        """As `parsed`, for sources whose values must not be repeated."""
        try:
            return parse(value)
        except ValueError:
            length = len(value) if isinstance(value, str) else 0
            self.fault(path, f"the value ({length} characters) is not usable here")
            return None

    def members(self, path: str, value: object) -> dict[str, Any]:
        """The object with folded keys; {} for null and for anything else, which is a fault."""
        if isinstance(value, Mapping):
            return fields.fold(value)
        if value is not None:
            self.fault(path, "an object is expected")
        return {}

    def items(self, path: str, value: object) -> list[Any]:
        if isinstance(value, list):
            return value
        if value is not None:
            self.fault(path, "a list is expected")
        return []


def read_wanted(plan: AttachmentPlan, config: Mapping[str, Any], arguments: Mapping[str, str]) -> Wanted:
    """What the runtime wants of this ADD.

    `arguments` are the pairs of CNI_ARGS. Raises: ConfigFault with all findings.
    """
    reader = _Reader()
    document = fields.fold(config)
    runtime = reader.members("runtimeConfig", document.get("runtimeconfig"))
    conventional = reader.members("args.cni", reader.members("args", document.get("args")).get("cni"))
    for key, name in _NOT_ON_WINDOWS.items():
        if runtime.get(key):
            reader.fault(
                f"runtimeConfig.{name}", "HNS endpoints have no such thing; remove it from capabilities"
            )
    wanted = Wanted(
        addresses=_addresses(reader, plan, runtime, conventional, arguments),
        mac=_mac(reader, runtime, conventional, arguments),
        port_mappings=_port_mappings(reader, plan, runtime.get("portmappings")),
        dns=_dns(reader, runtime.get("dns")),
        bandwidth=_bandwidth(reader, runtime.get("bandwidth")),
        ip_ranges=_ip_ranges(reader, plan, runtime.get("ipranges")),
        pod_namespace=arguments.get("K8S_POD_NAMESPACE", ""),
    )
    if reader.findings:
        raise ConfigFault(reader.findings)
    return wanted._replace(notes=tuple(reader.notes))


def _addresses(
    reader: _Reader,
    plan: AttachmentPlan,
    runtime: dict[str, Any],
    conventional: dict[str, Any],
    arguments: Mapping[str, str],
) -> list[str]:
    """The three sources are added up, as host-local does; the same address twice is one wish."""
    found: dict[str, str] = {}
    for text in filter(None, arguments.get("IP", "").split(",")):
        one = reader.hidden("CNI_ARGS.IP", text, fields.host_address)
        if one is not None:
            found.setdefault(str(one), "CNI_ARGS.IP")
    for index, value in enumerate(reader.items("args.cni.ips", conventional.get("ips"))):
        one = reader.hidden(f"args.cni.ips[{index}]", value, fields.host_address)
        if one is not None:
            found.setdefault(str(one), f"args.cni.ips[{index}]")
    for index, value in enumerate(reader.items("runtimeConfig.ips", runtime.get("ips"))):
        path = f"runtimeConfig.ips[{index}]"
        one = reader.parsed(path, value, fields.host_address)
        if one is not None:
            found.setdefault(str(one), path)
    _refuse_what_no_endpoint_can_have(reader, plan, found)
    return list(found)


def _refuse_what_no_endpoint_can_have(reader: _Reader, plan: AttachmentPlan, found: dict[str, str]) -> None:
    if plan.ipam.kind == "delegate":
        return  # the delegated plugin gets the same wishes and decides
    held: dict[int, str] = {}
    for text, path in found.items():
        version = family(text)
        if plan.ipam.kind == "dhcp":
            reader.fault(path, "an address is wanted, but this network's endpoints get theirs by DHCP")
        elif version in held:
            reader.fault(
                path, f"a second IPv{version} address is wanted ({held[version]} has one); HNS takes one"
            )
        held.setdefault(version, path)
        _refuse_family(reader, plan, path, [text])


def _mac(
    reader: _Reader, runtime: dict[str, Any], conventional: dict[str, Any], arguments: Mapping[str, str]
) -> str | None:
    """runtimeConfig goes before args, args before CNI_ARGS; whatever is given must be a MAC address."""
    chosen: str | None = None
    if arguments.get("MAC"):
        chosen = reader.hidden("CNI_ARGS.MAC", arguments["MAC"], fields.mac)
    if conventional.get("mac"):
        chosen = reader.hidden("args.cni.mac", conventional["mac"], fields.mac) or chosen
    if runtime.get("mac"):
        chosen = reader.parsed("runtimeConfig.mac", runtime["mac"], fields.mac) or chosen
    return chosen


def _port_mappings(reader: _Reader, plan: AttachmentPlan, value: object) -> list[dict[str, Any]]:
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for index, entry in enumerate(reader.items("runtimeConfig.portMappings", value)):
        path = f"runtimeConfig.portMappings[{index}]"
        members = reader.members(path, entry)
        if plan.peer in _SKIP_PROTOCOLS and _is_skipped(members.get("protocol")):
            protocol = fields.shown(members["protocol"])
            reader.notes.append(f"{path}: a port of protocol {protocol} is not mapped, as with {plan.peer}")
            continue
        mapping = _port_mapping(reader, path, members)
        if mapping is None:
            continue
        key = (mapping["hostPort"], mapping["protocol"], mapping["hostIP"])
        if found.setdefault(key, mapping) != mapping:
            reader.fault(path, f"host port {key[0]} is mapped already, to another container port")
    return list(found.values())


def _is_skipped(protocol: object) -> bool:
    """Whether these peers skip a mapping for its protocol: they know four words, and any number."""
    text = protocol.strip().lower() if isinstance(protocol, str) else ""
    return text not in (*_PROTOCOLS, "icmpv4", "icmpv6", "igmp") and not text[:1].isdigit()


def _port_mapping(reader: _Reader, path: str, entry: dict[str, Any]) -> dict[str, Any] | None:
    before = len(reader.findings)
    ports = {
        name: reader.parsed(f"{path}.{name}", entry.get(name.lower()), _port)
        for name in ("hostPort", "containerPort")
    }
    protocol = reader.parsed(f"{path}.protocol", entry.get("protocol"), _protocol)
    host = reader.parsed(f"{path}.hostIP", entry.get("hostip"), _host)
    if len(reader.findings) > before:
        return None
    return {**ports, "protocol": protocol, "hostIP": host}


def _port(value: object) -> int:
    return fields.number(value, 1, 65535)


def _protocol(value: object) -> int:
    text = str(value if value is not None else "").strip().lower()
    if text in _SCTP:
        raise ValueError("HNS maps ports of tcp and udp only, not of sctp")
    if text not in _PROTOCOLS or isinstance(value, bool):
        raise ValueError(f"{fields.shown(value)} is not tcp or udp")
    return _PROTOCOLS[text]


def _host(value: object) -> str:
    """ "" for any address of the host, which HNS wants as an empty VIP."""
    if value is None or value in _ANY_HOST:
        return ""
    found = str(fields.address(value))
    return "" if found in _ANY_HOST else found


def _dns(reader: _Reader, value: object) -> dict[str, Any] | None:
    """An empty part counts as not given: containerd sends all three parts, null where there is nothing."""
    entry = reader.members("runtimeConfig.dns", value)
    parts: dict[str, Any] = {}
    for source, target in (("servers", "ServerList"), ("searches", "Search"), ("options", "Options")):
        path = f"runtimeConfig.dns.{source}"
        texts = []
        for index, text in enumerate(reader.items(path, entry.get(source))):
            if not isinstance(text, str):
                reader.fault(f"{path}[{index}]", "a string is expected")
            elif source == "servers":
                server = reader.parsed(f"{path}[{index}]", text, fields.address)
                texts += [] if server is None else [str(server)]
            else:
                texts += [one] if (one := reader.parsed(f"{path}[{index}]", text, fields.plain)) else []
        if texts:
            parts[target] = texts
    if entry.get("domain") and (
        domain := reader.parsed("runtimeConfig.dns.domain", entry["domain"], fields.plain)
    ):
        parts["Domain"] = domain
    return parts or None


def _bandwidth(reader: _Reader, value: object) -> dict[str, Any] | None:
    """Bits per second to HNS's bytes per second.

    Bursts are not refused: the convention asks for one with every rate, and containerd fills in the highest
    number.
    """
    entry = reader.members("runtimeConfig.bandwidth", value)
    rates = {
        name: reader.parsed(f"runtimeConfig.bandwidth.{name}", entry.get(name.lower()) or 0, _rate) or 0
        for name in ("ingressRate", "egressRate")
    }
    if rates["ingressRate"]:
        message = "HNS limits what a pod sends (egress), not what it receives"
        reader.fault("runtimeConfig.bandwidth.ingressRate", message)
    if not rates["egressRate"]:
        return None
    octets = rates["egressRate"] // 8
    if not octets:
        message = "HNS counts whole bytes, so the smallest limit is 8 bits per second"
        reader.fault("runtimeConfig.bandwidth.egressRate", message)
    return {"MaximumOutgoingBandwidthInBytes": octets}


def _rate(value: object) -> int:
    return fields.number(value, 0, _HIGHEST_RATE)


def _ip_ranges(reader: _Reader, plan: AttachmentPlan, value: object) -> list[list[RangePlan]]:
    """The convention's list of lists, or go-cni's flat list, whose ranges form one set for each family."""
    outer = reader.items("runtimeConfig.ipRanges", value)
    flat = bool(outer) and not any(isinstance(inner, list) for inner in outer)
    if not outer or plan.ipam.kind == "delegate":
        return []  # a delegated plugin reads them itself
    if plan.ipam.pools:
        reader.fault("runtimeConfig.ipRanges", "ranges are given, but addresses come from a pool")
        return []
    if plan.ipam.kind != "builtin":
        reader.fault("runtimeConfig.ipRanges", "ranges are given, but the configuration has no IPAM of ours")
        return []
    sets = _flat_ranges(reader, outer) if flat else _nested_ranges(reader, outer)
    for index, message in sets_faults([*sets, *([] if plan.ipam.implied else plan.ipam.range_sets)]):
        if index < len(sets):
            reader.fault(f"runtimeConfig.ipRanges[{index}]", message)
        else:
            reader.fault(
                "runtimeConfig.ipRanges", f"beside the configured range set {index - len(sets)}: {message}"
            )
    for ranges in sets:
        _refuse_family(reader, plan, "runtimeConfig.ipRanges", [each.subnet for each in ranges])
    return sets


def _refuse_family(reader: _Reader, plan: AttachmentPlan, path: str, texts: list[str]) -> None:
    if plan.network.mode != "l2bridge" and any(family(text) == fields.IPV6 for text in texts):
        reader.fault(path, f"HNS has IPv6 on l2bridge networks only, not on {plan.network.mode}")


def _flat_ranges(reader: _Reader, entries: list[Any]) -> list[list[RangePlan]]:
    by_family: dict[int, list[RangePlan]] = {}
    for index, entry in enumerate(entries):
        each = _range(reader, f"runtimeConfig.ipRanges[{index}]", entry)
        if each is not None:
            by_family.setdefault(family(each.subnet), []).append(each)
    for ranges in by_family.values():
        for _, message in set_faults(ranges):
            reader.fault("runtimeConfig.ipRanges", message)
    return list(by_family.values())


def _nested_ranges(reader: _Reader, outer: list[Any]) -> list[list[RangePlan]]:
    sets = []
    for index, inner in enumerate(outer):
        path = f"runtimeConfig.ipRanges[{index}]"
        entries = reader.items(path, inner)
        if not entries:
            reader.fault(path, "the range set is empty")
        ranges = [_range(reader, f"{path}[{number}]", entry) for number, entry in enumerate(entries)]
        for number, message in set_faults(ranges):
            reader.fault(f"{path}[{number}]", message)
        sets.append([each for each in ranges if each is not None])
    return sets


def _range(reader: _Reader, path: str, entry: object) -> RangePlan | None:
    folded = reader.members(path, entry)
    spelled = {key: folded.get(key.lower()) for key in ("subnet", "rangeStart", "rangeEnd", "gateway")}
    found, faults = parse_range(spelled)
    for key, message in faults:
        reader.fault(f"{path}.{key}", message)
    return found
