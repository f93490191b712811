"""What `config check` finds beyond faults: a configuration that works, but not as its author thinks.

Rule: an error is what a verb or the runtime before it refuses, a warning what works otherwise than its author
thinks, a note what the plan remarks. All are of a whole file, a single object or a list, as an operator has
it on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netaddr import IPNetwork, IPRange, IPSet  # type: ignore[import-untyped]

from cni_hns.cni.protocol import SUPPORTED
from cni_hns.typed import Any

from . import fields
from .build import Examined, examine
from .endpoint import EndpointFault
from .essentials import BUILT_IN, ipam_kind
from .example import Example
from .file_plugins import FilePlugin, plugins_of
from .file_text import read_file
from .findings import ConfigFault, Finding
from .libcni import refusals_of_list, refusals_of_name
from .native_keys import native_keys
from .other_plugins import for_linux_only, of_the_chain, without_windows_build
from .plan import AttachmentPlan
from .recognise import NAMES, NATIVE, dialect_of, recognise
from .spelling import near

__all__ = ["check_file_text", "findings_of", "remark_finding"]

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
_DIALECTS = {"wcn": "nat, sdnbridge or sdnoverlay", "cni-hns": "this plugin"}
_NAT_MODES = ("l2bridge", "l2tunnel", "overlay")
# Where a configuration may have its policies, and its outbound NAT, in any dialect.
_POLICIES = ("policies", "additionalargs", "hcnpolicyargs")
_MASQUERADING = (*_POLICIES, "ipmasqnetwork", "ipmasq")
_ONLY_FOR_CREATING = ("adapter", "vsid", "flags", "macPool", "policies")


def check_file_text(text: str | bytes, name: str = "") -> list[Finding]:
    """The findings of a file's content; `name` is the file's, by whose suffix a runtime goes."""
    document, findings = read_file(text.encode() if isinstance(text, str) else text)
    if document is None:
        return findings
    return [*findings, *refusals_of_name(document, name), *findings_of(document)]


def findings_of(document: Mapping[str, Any]) -> list[Finding]:
    """The findings of a single configuration object or of a list, with paths from the top of the file."""
    if "plugins" in document:
        return _of_list(document)
    return [*_version(document), *_of_plugins(document)]


def remark_finding(remark: str, plugin: FilePlugin) -> Finding:
    """A remark of the plan as a note, at the place that it begins with, if it begins with one."""
    first, _, rest = remark.partition(": ")
    key = first.partition(".")[0].partition("[")[0].lower()
    if rest and key in fields.fold(plugin.config):
        return Finding(plugin.place(first), rest, "note")
    return Finding(plugin.prefix, remark, "note")


def _of_list(document: Mapping[str, Any]) -> list[Finding]:
    plugins = document["plugins"]
    refused = refusals_of_list(document)
    found = [*refused, *_version(document), *_versions(document), *_misplaced(document)]
    if not isinstance(plugins, list) or not plugins:
        return found
    found += of_the_chain(document)
    ours = plugins_of(document)
    if not ours:
        types = [fields.shown(each.get("type")) for each in plugins if isinstance(each, Mapping)]
        found.append(Finding("plugins", f"none is for this plugin ({', '.join(types) or 'no objects'})"))
    for plugin in ours:
        found += _overridden(plugin, document)
    return [*found, *_of_plugins(document)]


def _of_plugins(document: Mapping[str, Any]) -> list[Finding]:
    return [finding for plugin in plugins_of(document) for finding in _of_plugin(plugin)]


def _version(document: Mapping[str, Any]) -> list[Finding]:
    written = document.get("cniVersion", "")
    if written == "" and not document.get("cniVersions"):
        return [
            Finding(
                "cniVersion",
                "missing: runtimes take 0.1.0 then, in which nothing calls CHECK, GC and STATUS",
                "warning",
            )
        ]
    if written == "1.1.0" and "plugins" not in document:
        message = (
            "containerd 1.x cannot read results of 1.1.0, and a file of one plugin offers one version only"
        )
        return [Finding("cniVersion", message, "note")]
    if written == "" or written in SUPPORTED or not isinstance(written, str):
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


def _overridden(plugin: FilePlugin, document: Mapping[str, Any]) -> list[Finding]:
    return [
        Finding(f"{plugin.prefix}.{key}", "the runtime replaces it by the list's own", "warning")
        for key in ("name", "cniVersion")
        if key in plugin.written and plugin.written[key] != document.get(key)
    ] + [
        Finding(
            f"{plugin.prefix}.{key}",
            "has its meaning beside plugins only, not in a plugin's object",
            "warning",
        )
        for key in (*_LIST_KEYS[3:], "cniVersions")
        if key in plugin.written
    ]


def _of_plugin(plugin: FilePlugin) -> list[Finding]:
    handed = plugin.flannel.findings if plugin.flannel else []
    found = [each._replace(path=plugin.place_in_object(each.path)) for each in handed]
    config = plugin.config
    try:
        examined = examine(config)
    except ConfigFault as fault:
        return [*found, *_moved(fault.findings, plugin)]
    errors = examined.findings
    warnings = [*_stray_gateways(config), *_capabilities(config, examined), *_of_network(examined)]
    strangers = native_keys(examined.dialect, config)
    warnings += [*strangers, *_type(config), *_ipam_type(config)]
    if examined.plan is not None:
        plan = examined.plan
        warnings += [*_nat(plan, config), *_small_ranges(plan, config), *_lone_block(plan, config)]
        warnings += _endpoint(plan)
    known = {finding.path for finding in errors}
    found += _moved([*errors, *(each for each in warnings if each.path not in known)], plugin)
    notes = [remark_finding(remark, plugin) for remark in (examined.plan.remarks if examined.plan else [])]
    # A key that is warned of with what to write instead needs no note that it has no effect.
    warned = {plugin.place(each.path) for each in strangers}
    return list(dict.fromkeys([*found, *(each for each in notes if each.path not in warned)]))


def _moved(findings: Iterable[Finding], plugin: FilePlugin) -> list[Finding]:
    return [each._replace(path=plugin.place(each.path)) for each in findings]


def _type(config: Mapping[str, Any]) -> list[Finding]:
    """The dialect may be told by keys; which program a runtime starts is told by this name alone."""
    written = config.get("type")
    if not isinstance(written, str) or not written:
        return [
            Finding("type", "missing: a runtime does not know which program to start, and loads no such file")
        ]
    if dialect_of({"type": written}) is None:
        dialect, _ = recognise(config)
        if for_linux_only(written):
            message = f'{without_windows_build(written)}; for this plugin write "type": "{NATIVE}"'
            return [Finding("type", message)]
        if guess := near(written, NAMES):
            message = f'{fields.shown(written)} is another program; did you mean "{guess}"?'
            return [Finding("type", message, "warning")]
        message = (
            f"{fields.shown(written)} is a name of neither this plugin nor a peer; its keys are those of "
            f"{_DIALECTS.get(dialect, dialect)}, and this program must have that name to be started"
        )
        return [Finding("type", message, "note")]
    return []


def _ipam_type(config: Mapping[str, Any]) -> list[Finding]:
    """A name that is nearly ours is looked for as another program."""
    ipam = fields.fold(config).get("ipam")
    kind, name = ipam_kind(fields.fold(ipam)) if isinstance(ipam, Mapping) else ("", "")
    if for_linux_only(name):
        return [Finding("ipam.type", without_windows_build(name), "warning")]
    guess = (
        near(name, BUILT_IN) if kind == "delegate" and ipam_kind({"type": name})[0] == "delegate" else None
    )
    if guess is None:
        return []
    message = f'{fields.shown(name)} is another program, which CNI_PATH must have; did you mean "{guess}"?'
    return [Finding("ipam.type", message, "warning")]


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
    place = "outboundNat.exceptions" if "outboundNat" in config else _place_of(config, _MASQUERADING)
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


def _endpoint(plan: AttachmentPlan) -> list[Finding]:
    """What no ADD could be done with, whatever the node is like."""
    try:
        Example(plan)
    except EndpointFault as fault:
        return [Finding("", f"every ADD would fail: {fault}")]
    return []


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


def _lone_block(plan: AttachmentPlan, config: Mapping[str, Any]) -> list[Finding]:
    """From Windows Server 2025 an endpoint with any ACL drops what no ACL allows."""
    rules = [policy["Settings"] for policy in plan.policies if policy["Type"] == "ACL"]
    found = []
    for direction in ("In", "Out"):
        actions = {rule.get("Action") for rule in rules if rule.get("Direction") == direction}
        if actions == {"Block"}:
            message = f"the ACL policies ({direction}) only block; newer Windows then blocks all else too"
            found.append(Finding(_place_of(config, _POLICIES), message, "warning"))
    return found


def _place_of(config: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The first of these keys that the configuration has, in its spelling."""
    return next((key for each in keys for key in config if key.lower() == each), "policies")
