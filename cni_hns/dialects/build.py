"""From a configuration of any dialect to its plan: translate, read, compare the parts, assemble."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.cni.protocol import identifier_fault
from cni_hns.typed import Any, NamedTuple

from . import fields
from .address_ranges import family
from .addressing import Addressing, read_addressing
from .findings import ConfigFault, Finding
from .foreign import DEFAULT_ROUTES, Translation
from .models import Native
from .network_policies import network_policies_alone, read_network_policies
from .networks import network_findings, network_plan, network_requires
from .plan import AttachmentPlan, IpamPlan, NetworkPlan
from .policies import EndpointPolicies, read_endpoint_policies
from .reading import Reading, read
from .recognise import NATIVE, recognise
from .toplevel import top_level

__all__ = ["Examined", "build_plan", "examine"]

_DEFAULT_MAC_PREFIX = "0E-2A"
_MTU_POLICY = "InterfaceParameters"
_LOOPBACK = "DSR"
_WCN_NAMES = {"nat": "nat", "overlay": "sdnoverlay"}


class Examined(NamedTuple):
    """A configuration with all that can be said of it. `plan` is None where there are findings.

    `native` is the document in native spelling, its faulty parts taken out, where enough is left of it.
    `source` is how a peer's configuration became that document; None for a native one.
    """

    dialect: str
    native: Native | None
    plan: AttachmentPlan | None
    findings: list[Finding]
    source: Translation | None


def build_plan(config: Mapping[str, Any], executable: str = "") -> AttachmentPlan:
    """The plan. Raises: ConfigFault with all findings."""
    examined = examine(config, executable)
    if examined.plan is None:
        raise ConfigFault(examined.findings)
    return examined.plan


def examine(config: Mapping[str, Any], executable: str = "") -> Examined:
    """Everything about the configuration. Raises: ConfigFault only where its dialect is not known."""
    dialect, mode = recognise(config, executable)
    source = _translated(config, dialect, mode)
    remarks, findings = top_level(config, native=dialect == NATIVE)
    document = source.document if source else config
    reading = read(Native, document)
    if reading.model is None:
        # Without its name a configuration is nothing; with any name the rest can be looked at too.
        named = read(Native, {**document, "name": "unnamed"})
        reading = named._replace(findings=reading.findings)
    builder = _Builder(reading, source)
    plan = builder.plan(remarks)
    if reading.model is None:
        builder.parts_alone(document)
    findings += [*reading.findings, *builder.findings]
    if source:
        findings = [*source.findings, *map(source.renamed, findings)]
    findings = list(dict.fromkeys(findings))
    return Examined(dialect, reading.model, None if findings else plan, findings, source)


def _translated(config: Mapping[str, Any], dialect: str, mode: str) -> Translation | None:
    if dialect == NATIVE:
        return None
    source = Translation(config, _peer(dialect, mode))
    if dialect == "win-bridge":
        from .win_bridge import translate as translate_win_bridge

        translate_win_bridge(source)
    elif dialect == "win-overlay":
        from .win_overlay import translate as translate_win_overlay

        translate_win_overlay(source)
    else:
        from .wcn import translate as translate_wcn

        translate_wcn(source, mode)
    return source


def _peer(dialect: str, mode: str) -> str:
    """The name that an operator knows the peer by."""
    return _WCN_NAMES.get(mode, "sdnbridge") if dialect == "wcn" else dialect


class _Builder:
    """Reads the parts of one document, collecting what is wrong between them."""

    def __init__(self, reading: Reading[Native], source: Translation | None) -> None:
        self.reading = reading
        self.source = source
        self.peer = source.peer if source else ""
        self.findings: list[Finding] = []

    def fault(self, path: str, message: str) -> None:
        self.findings.append(Finding(path, message))

    def plan(self, remarks: list[str]) -> AttachmentPlan | None:
        """The plan, or None where too little is sound; whether it may be used depends on the findings."""
        native = self.reading.model
        if native is None:
            return None
        name = self._name(native)
        network = native.network
        self.findings += network_findings(self.reading, network)
        network_policies = read_network_policies(network)
        addressing = self._addressing(native)
        policies = read_endpoint_policies(native.policies, "policies", native.outboundNat)
        self.findings += [*network_policies.findings, *addressing.findings, *policies.findings]
        self._between_parts(native, addressing, policies)
        planned = network_plan(network, network.name or name, network_policies)
        if addressing.plan is None:
            return None
        if self.source:
            planned = _of_a_peer(planned, self.source, _dns(native))
        return AttachmentPlan(
            peer=self.peer,
            network=planned,
            ipam=self._with_reserved(addressing.plan),
            policies=policies.policies,
            dns=_dns(native),
            routes=[_route(route) for route in native.routes],
            gateway_rule=native.gatewayFrom or ("ipam" if addressing.plan.kind == "delegate" else "network"),
            gateways=_gateways(native, addressing),
            spare_gateways=self.source.spare_gateways if self.source else [],
            nat_exceptions=policies.nat_exceptions,
            nat_settings=policies.nat_settings,
            nat_except_network=native.outboundNat is not None and native.outboundNat.exceptNetwork,
            loopback_dsr=native.loopbackDSR,
            port_mapping_acl=native.portMappingAcl,
            search_in_pod_namespace=native.dns.searchInPodNamespace,
            mtu=native.mtu,
            mac_prefix=None if self.source and self.source.macs_by_hns else _mac_prefix(native),
            provider_address=network.mode == "overlay" and not policies.has("ProviderAddress"),
            capabilities=sorted(key for key, declared in native.capabilities.items() if declared),
            requires=_requires(
                native,
                addressing,
                [
                    *network_requires(network, planned.subnets),
                    *network_policies.requires,
                    *policies.requires,
                    *([_LOOPBACK] if native.loopbackDSR and not self._leaves_out_loopback() else []),
                ],
            ),
            remarks=[*remarks, *(self.source.remarks if self.source else []), *policies.remarks],
            hns_v1=self.source is not None and self.source.hns_v1,
        )

    def _leaves_out_loopback(self) -> bool:
        """win-bridge and win-overlay go on without it on an HNS that is too old."""
        return self.source is not None and self.source.dsr_if_possible

    def parts_alone(self, document: Mapping[str, Any]) -> None:
        """What is wrong inside `ipam` and all policies beside a `network` too faulty to read on."""
        ipam, policies, network = document.get("ipam"), document.get("policies"), document.get("network")
        if isinstance(ipam, Mapping):
            found = read_addressing(ipam, None, peer=self.peer, bridge=False, ranges_at_run_time=True)
            self.findings += found.findings
        if isinstance(policies, list):
            self.findings += read_endpoint_policies(policies, "policies", None).findings
        if isinstance(network, Mapping):
            self.findings += network_policies_alone(network)

    def _name(self, native: Native) -> str:
        fault = identifier_fault(native.name)
        if fault:
            self.fault("name", fault)
        return native.name

    def _addressing(self, native: Native) -> Addressing:
        found = read_addressing(
            native.ipam,
            native.network,
            peer=self.peer,
            bridge=native.gatewayFrom == "bridge",
            ranges_at_run_time=native.capabilities.get("ipRanges", False),
        )
        if self.reading.whole("ipam"):
            return found
        return found._replace(plan=None)

    def _with_reserved(self, ipam: IpamPlan) -> IpamPlan:
        more = self.source.reserved if self.source else []
        return ipam._replace(reserved=list(dict.fromkeys([*ipam.reserved, *more])))

    def _between_parts(self, native: Native, addressing: Addressing, policies: EndpointPolicies) -> None:
        kind = addressing.plan.kind if addressing.plan else ""
        mode = native.network.mode
        if native.loopbackDSR and kind in ("hns", "dhcp"):
            self.fault("loopbackDSR", "needs the pod's address beforehand: name an IPAM plugin in ipam.type")
        if native.macPrefix is not None and mode != "overlay":
            self.fault(
                "macPrefix", f"MAC addresses follow from IP addresses on overlay networks only, not on {mode}"
            )
        if native.mtu is not None and policies.has(_MTU_POLICY):
            self.fault(
                "mtu", f"policies has an {_MTU_POLICY} policy already, and HNS takes one for an endpoint"
            )
        for index, route in enumerate(native.routes):
            if route.gw is not None and route.gw.version != route.dst.version:
                self.fault(f"routes[{index}].gw", f"{route.gw} is of another address family than {route.dst}")
        for destination, hop in _default_routes(native):
            if kind == "dhcp" and hop:
                self.fault("routes", f"{destination}: the gateway comes from the DHCP server on this network")
        if not self.source:
            self._hops_in_reach(native, addressing)

    def _hops_in_reach(self, native: Native, addressing: Addressing) -> None:
        """A next hop outside the HCN subnets is no pod's neighbour. (A peer's is passed over, and said.)"""
        prefixes = [each.prefix or each.subnet for each in native.network.subnets]
        inside = [prefix for prefix in prefixes if prefix]
        if not prefixes or not self.reading.whole("network.subnets"):
            return
        held = ", ".join(map(str, prefixes))
        hops = [(f"routes[{index}].gw", str(route.gw or "")) for index, route in enumerate(native.routes)]
        own = addressing.plan.routes if addressing.plan else []
        hops += [(f"ipam.routes[{index}].gw", str(each.get("gw", ""))) for index, each in enumerate(own)]
        known = {finding.path for finding in self.findings}
        for path, text in hops:
            reached = not text or any(fields.address(text) in prefix for prefix in inside)
            if not reached and path not in known:
                self.fault(path, f"{text} is in none of the network's subnets ({held}), so no pod reaches it")


def _of_a_peer(planned: NetworkPlan, source: Translation, dns: dict[str, Any]) -> NetworkPlan:
    """A peer's file names the gateway and the DNS of a network that is created, not of one that is found."""
    create = planned.create
    if create is not None and source.network_dns and dns:
        create = {**create, "Dns": dns}
    subnets = [each._replace(gateway=None) for each in planned.subnets]
    return planned._replace(accepts=source.accepts, subnets=subnets, create=create)


def _dns(native: Native) -> dict[str, Any]:
    dns = native.dns
    parts = {
        "Domain": dns.domain,
        "Search": dns.search,
        "ServerList": [str(server) for server in dns.nameservers],
        "Options": dns.options,
    }
    return {key: value for key, value in parts.items() if value}


def _route(route: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"DestinationPrefix": str(route.dst)}
    if route.gw is not None:
        found["NextHop"] = str(route.gw)
    if route.metric is not None:
        found["Metric"] = route.metric
    return found


def _default_routes(native: Native) -> list[tuple[str, str | None]]:
    return [
        (str(route.dst), str(route.gw) if route.gw else None)
        for route in native.routes
        if str(route.dst) in DEFAULT_ROUTES.values()
    ]


def _gateways(native: Native, addressing: Addressing) -> list[str]:
    """Every next hop that the configuration chooses for pods, the default route's own first.

    The gateways of `network.subnets` are HNS's, which the HCN network itself tells.
    """
    routes = [hop for _, hop in _default_routes(native) if hop]
    ipam = addressing.plan.routes if addressing.plan else []
    routes += [route["gw"] for route in ipam if route["dst"] in DEFAULT_ROUTES.values() and "gw" in route]
    return list(dict.fromkeys([*routes, *addressing.gateways]))


def _mac_prefix(native: Native) -> str | None:
    if native.network.mode != "overlay":
        return None
    return native.macPrefix or _DEFAULT_MAC_PREFIX


def _requires(native: Native, addressing: Addressing, of_the_parts: list[str]) -> list[str]:
    found = list(of_the_parts)
    sets = addressing.plan.range_sets if addressing.plan else []
    if any(family(each.subnet) == fields.IPV6 for ranges in sets for each in ranges):
        found.append("IPv6DualStack")
    if native.mtu is not None:
        found.append(_MTU_POLICY)
    return list(dict.fromkeys(found))
