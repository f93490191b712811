"""What `config check` finds beyond faults: a configuration that works, but not as its author thinks.

Rule: an error is what a verb refuses; everything found only here is a warning. Both take a whole file, a
single object or a list, as an operator has it on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netaddr import IPNetwork, IPRange, IPSet  # type: ignore[import-untyped]

from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.cni.protocol import SUPPORTED
from cni_hns.typed import Any

from . import fields
from .build import Examined, examine
from .findings import ConfigFault, Finding
from .plan import AttachmentPlan

__all__ = ["check_file_text", "findings_of"]

# kubelet's default for pods on a node.
_PODS = 110
_LIST_KEYS = (
    "cniVersion",
    "cniVersions",
    "name",
    "plugins",
    "disableCheck",
    "disableGC",
    "loadOnlyInlinedPlugins",
)
_CAPABILITIES = ("portMappings", "dns", "bandwidth", "ips", "mac", "ipRanges")
# What every CRI has data for; the others arrive only where somebody asks for them.
_ALWAYS_SENT = ("portMappings", "dns")
_NAT_MODES = ("l2bridge", "l2tunnel", "overlay")
_ONLY_FOR_CREATING = ("adapter", "vsid", "flags", "macPool", "policies")


def check_file_text(text: str | bytes) -> list[Finding]:
    """The findings of a file's content; where it is no JSON object, one that says where."""
    try:
        return findings_of(read_document(text.encode() if isinstance(text, str) else text))
    except CniError as fault:
        return [Finding("", fault.msg.replace(" on stdin", ""))]


def findings_of(document: Mapping[str, Any]) -> list[Finding]:
    """The findings of a single configuration object or of a list, with paths from the top of the file."""
    if "plugins" in document:
        return _of_list(document)
    return [*_version(document), *_of_plugin(document, "")]


def _of_list(document: Mapping[str, Any]) -> list[Finding]:
    plugins = document["plugins"]
    if not isinstance(plugins, list) or not plugins:
        return [Finding("plugins", "a list of plugins is expected")]
    found = [*_version(document), *_versions(document), *_misplaced(document)]
    if "name" not in document:
        found.append(Finding("name", "missing"))
    ours = [
        (index, each)
        for index, each in enumerate(plugins)
        if isinstance(each, Mapping) and not _is_other(each)
    ]
    if not ours:
        types = [fields.shown(each.get("type")) for each in plugins if isinstance(each, Mapping)]
        found.append(Finding("plugins", f"none is for this plugin ({', '.join(types) or 'no objects'})"))
    for index, plugin in ours:
        given = {**plugin, "name": document.get("name", "unnamed")}
        found += [*_overridden(plugin, document, index), *_of_plugin(given, f"plugins[{index}].")]
    return found


def _is_other(plugin: Mapping[str, Any]) -> bool:
    from .recognise import recognise

    try:
        recognise(plugin)
    except ConfigFault:
        return True
    return False


def _version(document: Mapping[str, Any]) -> list[Finding]:
    written = document.get("cniVersion", "")
    if written == "" or written in SUPPORTED:
        return []
    return [Finding("cniVersion", f"{fields.shown(written)} is not one of {', '.join(SUPPORTED)}")]


def _versions(document: Mapping[str, Any]) -> list[Finding]:
    """containerd 1.x knows `cniVersion` only, and no result newer than 1.0.0."""
    offered = document.get("cniVersions", [])
    if not isinstance(offered, list):
        return [Finding("cniVersions", f"a list is expected, not {fields.kind_of(offered)}")]
    found = [
        Finding(f"cniVersions[{index}]", f"{fields.shown(each)} is not one of {', '.join(SUPPORTED)}")
        for index, each in enumerate(offered)
        if each not in SUPPORTED
    ]
    if document.get("cniVersion") == "1.1.0":
        message = (
            "containerd 1.x cannot read results of 1.1.0; write 1.0.0 here and offer 1.1.0 in cniVersions"
        )
        found.append(Finding("cniVersion", message, "warning"))
    return found


def _misplaced(document: Mapping[str, Any]) -> list[Finding]:
    return [
        Finding(
            key,
            "stands beside plugins, where no plugin sees it; it belongs into the plugin's object",
            "warning",
        )
        for key in document
        if key not in _LIST_KEYS and not key.startswith("nerdctl")
    ]


def _overridden(plugin: Mapping[str, Any], document: Mapping[str, Any], index: int) -> list[Finding]:
    return [
        Finding(f"plugins[{index}].{key}", "the runtime replaces it by the list's own", "warning")
        for key in ("name", "cniVersion")
        if key in plugin and plugin[key] != document.get(key)
    ] + [
        Finding(
            f"plugins[{index}].{key}",
            "has its meaning beside plugins only, not in a plugin's object",
            "warning",
        )
        for key in (*_LIST_KEYS[3:], "cniVersions")
        if key in plugin
    ]


def _of_plugin(config: Mapping[str, Any], prefix: str) -> list[Finding]:
    try:
        examined = examine(config)
    except ConfigFault as fault:
        return _moved(fault.findings, prefix)
    found = [
        *examined.findings,
        *_stray_gateways(config),
        *_capabilities(config, examined),
        *_of_network(examined),
    ]
    if examined.plan is not None:
        plan = examined.plan
        found += [*_nat(plan, config), *_small_ranges(plan, config), *_lone_block(plan)]
    known = {finding.path for finding in examined.findings}
    return _moved((each for each in found if each.severity == "error" or each.path not in known), prefix)


def _moved(findings: Iterable[Finding], prefix: str) -> list[Finding]:
    return [
        each if each.path == "name" else each._replace(path=f"{prefix}{each.path}".rstrip("."))
        for each in dict.fromkeys(findings)
    ]


def _capabilities(config: Mapping[str, Any], examined: Examined) -> list[Finding]:
    declared = fields.fold(config).get("capabilities", {})
    if not isinstance(declared, Mapping):
        return []
    found = [
        Finding(
            f"capabilities.{key}", "this plugin takes nothing of that name, or no runtime sends it", "warning"
        )
        for key in declared
        if key not in _CAPABILITIES and not key.startswith("io.kubernetes.") and key != "cgroupPath"
    ]
    network = examined.native.network if examined.native else None
    # A transparent network has no host address whose ports could be mapped.
    bridged = network is not None and network.mode == "transparent"
    return found + [
        Finding(f"capabilities.{key}", f"not declared: the runtime drops {key} without a word", "warning")
        for key in _ALWAYS_SENT
        if declared.get(key) is not True and not (bridged and key == "portMappings")
    ]


def _stray_gateways(config: Mapping[str, Any]) -> list[Finding]:
    """host-local hands out a gateway that lies outside the subnet; the pod then has no way out."""
    ipam = fields.fold(config).get("ipam")
    if not isinstance(ipam, Mapping):
        return []
    folded = fields.fold(ipam)
    entries = [("ipam", folded)]
    sets = folded.get("ranges")
    for outer, ranges in enumerate(sets if isinstance(sets, list) else []):
        for inner, each in enumerate(ranges if isinstance(ranges, list) else []):
            if isinstance(each, Mapping):
                entries.append((f"ipam.ranges[{outer}][{inner}]", fields.fold(each)))
    return [finding for path, entry in entries for finding in _stray_gateway(path, entry)]


def _stray_gateway(path: str, entry: Mapping[str, Any]) -> list[Finding]:
    try:
        gateway, subnet = fields.address(entry.get("gateway")), fields.network(entry.get("subnet"))
    except ValueError:
        return []
    if gateway in subnet:
        return []
    return [Finding(f"{path}.gateway", f"{gateway} is not in the subnet {subnet}", "warning")]


def _of_network(examined: Examined) -> list[Finding]:
    network = examined.native.network if examined.native else None
    if network is None or network.create or examined.dialect != "cni-hns":
        return []
    return [
        Finding(f"network.{key}", "has no effect without create: true", "warning")
        for key in _ONLY_FOR_CREATING
        if getattr(network, key) not in (None, [])
    ] + [
        Finding(f"network.subnets[{index}].policies", "has no effect without create: true", "warning")
        for index, subnet in enumerate(network.subnets)
        if subnet.policies
    ]


def _nat(plan: AttachmentPlan, config: Mapping[str, Any]) -> list[Finding]:
    """Traffic inside the cluster that outbound NAT would hide behind the node's address."""
    if plan.nat_exceptions is None or plan.network.mode not in _NAT_MODES:
        return []
    place = "outboundNat.exceptions" if "outboundNat" in config else "policies"
    pods = _pod_prefixes(plan)
    excepted = IPSet(plan.nat_exceptions) | (IPSet(pods) if plan.nat_except_network else IPSet())
    listed = ", ".join(plan.nat_exceptions) or "none"
    wanted = [(prefix, "the pods' own prefix") for prefix in pods]
    wanted += [
        (policy["Settings"]["DestinationPrefix"], "the prefix of an SDNRoute policy")
        for policy in plan.policies
        if policy["Type"] == "SDNRoute"
    ]
    wanted += [(str(server), "the cluster's DNS server") for server in _cluster_dns(plan)]
    return [
        Finding(place, f"{prefix}, {what}, is not among the exceptions ({listed})", "warning")
        for prefix, what in dict(wanted).items()
        if not IPSet([IPNetwork(prefix)]).issubset(excepted)
    ]


def _pod_prefixes(plan: AttachmentPlan) -> list[str]:
    ranges = [each.subnet for ranges in plan.ipam.range_sets for each in ranges]
    return list(dict.fromkeys(ranges or [subnet.prefix for subnet in plan.network.subnets]))


def _cluster_dns(plan: AttachmentPlan) -> list[str]:
    """The DNS servers where the search suffixes are those of a Kubernetes cluster."""
    searched = any(suffix.startswith("svc.") or ".svc." in suffix for suffix in plan.dns.get("Search", []))
    return plan.dns.get("ServerList", []) if searched else []


def _small_ranges(plan: AttachmentPlan, config: Mapping[str, Any]) -> list[Finding]:
    ipam = fields.fold(config).get("ipam")
    # host-local's single range, written directly into ipam, goes before the others.
    single = isinstance(ipam, Mapping) and bool(fields.fold(ipam).get("subnet"))
    found = []
    for index, ranges in enumerate(plan.ipam.range_sets):
        free = IPSet()
        for each in ranges:
            free |= IPSet(IPRange(each.first, each.last))
        free -= IPSet(
            [*(each.gateway for each in ranges if each.gateway), *plan.gateways, *plan.ipam.reserved]
        )
        if free.size < _PODS:
            subnets = ", ".join(dict.fromkeys(each.subnet for each in ranges))
            message = f"{subnets} has {free.size} addresses for pods; a node runs up to {_PODS}"
            place = "ipam" if single and index == 0 else f"ipam.ranges[{index - single}]"
            found.append(Finding("network.subnets" if plan.ipam.implied else place, message, "warning"))
    return found


def _lone_block(plan: AttachmentPlan) -> list[Finding]:
    """From Windows Server 2025 an endpoint with any ACL drops what no ACL allows."""
    rules = [policy["Settings"] for policy in plan.policies if policy["Type"] == "ACL"]
    found = []
    for direction in ("In", "Out"):
        actions = {rule.get("Action") for rule in rules if rule.get("Direction") == direction}
        if actions == {"Block"}:
            message = f"the ACL policies ({direction}) only block; newer Windows then blocks all else too"
            found.append(Finding("policies", message, "warning"))
    return found
