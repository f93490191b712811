"""Results: their form in each version, and what their members may hold."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.configuration import CHAINED, INTERFACE, IPAM
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, Check, check
from cni_hns.conformance.results import (
    address,
    cidr,
    dns_faults,
    gateways,
    interfaces,
    ip_entries,
    is_mac,
    routes,
    shape_faults,
)
from cni_hns.conformance.versions import KNOWN

__all__ = ["CHECKS"]

_SUCCESS = "section 5, ADD Success"
_NO_INTERFACE = {IPAM: "an IPAM plugin makes no interface"}

_FORMS = {
    "0.1.0": "`ip4` and `ip6`, at least one of them",
    "0.2.0": "`ip4` and `ip6`, at least one of them",
    "0.3.0": "`interfaces`, `ips` with a `version` of their family, `routes`",
    "0.3.1": "`interfaces`, `ips` with a `version` of their family, `routes`",
    "0.4.0": "`interfaces`, `ips` with a `version` of their family, `routes`",
    "1.0.0": "`interfaces`, `ips` without `version`, `routes`",
    "1.1.0": "`interfaces`, `ips` without `version`, `routes`",
}


def _form_of(version: str) -> Check:
    @check(
        f"results.form-{version}",
        MUST,
        f"a configuration of {version} gets a result in the form of {version}",
        section=f"specification {version}, Result; 1.1.0: {_SUCCESS}",
        quote=f"the result has {_FORMS[version]}",
        since="0.1.0",
    )
    def form(bench: Bench) -> None:
        if version not in bench.subject.reported:
            raise NotApplicable(f"the plugin does not report {version}")
        outcome = bench.sample(version)
        faults = shape_faults(outcome.document or {}, version)
        bench.must(not faults, f"the result of {version} has {', '.join(faults)}", outcome)

    return form


_FORM_CHECKS = tuple(_form_of(version) for version in KNOWN)


@check(
    "results.version",
    MUST,
    "the `cniVersion` of a result is the configuration's, for every version that is supported",
    section=_SUCCESS,
    quote='"cniVersion: The same version supplied on input"',
)
def version(bench: Bench) -> None:
    for asked in bench.subject.reported:
        outcome = bench.sample(asked)
        said = (outcome.document or {}).get("cniVersion")
        # The text of 0.1.0 has no such member.
        bench.must(
            said == asked or (asked == "0.1.0" and said is None),
            f"a configuration of {asked} got a result of {said}",
            outcome,
        )


@check(
    "results.addresses",
    MUST,
    "each address is in CIDR notation",
    section=_SUCCESS,
    quote='"address (string): an IP address in CIDR notation"',
)
def addresses(bench: Bench) -> None:
    outcome = bench.sample()
    wrong = [
        entry.get("address") for entry in ip_entries(outcome.document or {}) if not cidr(entry.get("address"))
    ]
    bench.must(not wrong, f"no address with a prefix length: {wrong}", outcome)


@check(
    "results.gateways",
    MUST,
    "a gateway is an address of the same family",
    section=_SUCCESS,
    quote='"gateway (string): the default gateway for this subnet, if one exists"',
)
def gateway(bench: Bench) -> None:
    outcome = bench.sample()
    for text, said in gateways(outcome.document or {}):
        found, own = address(said), cidr(text)
        bench.must(found is not None, f"the gateway {said!r} is no address", outcome)
        if found is not None and own is not None:
            bench.must(found.version == own.version, f"the gateway of {text} is {said}", outcome)


@check(
    "results.interface-index",
    MUST,
    "`ips[].interface` points into `interfaces`",
    section=_SUCCESS,
    quote='"the index into the interfaces list … indicating which interface this IP configuration '
    "should be applied "
    'to"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def interface_index(bench: Bench) -> None:
    outcome = bench.sample()
    count = len(interfaces(outcome.document or {}))
    for entry in ip_entries(outcome.document or {}):
        index = entry.get("interface")
        fits = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count
        bench.must(index is None or fits, f"interface {index!r}, and there are {count} interfaces", outcome)


@check(
    "results.interfaces",
    MUST,
    "each interface has a name, and `sandbox` is a text",
    section=_SUCCESS,
    quote='"name (string): The name of the interface", "sandbox (string)"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def interface_members(bench: Bench) -> None:
    outcome = bench.sample()
    for one in interfaces(outcome.document or {}):
        name = one.get("name")
        bench.must(isinstance(name, str) and name, f"an interface has the name {name!r}", outcome)
        bench.must(isinstance(one.get("sandbox", ""), str), f"{name}: sandbox is no text", outcome)


@check(
    "results.mac",
    MUST,
    "`mac` is a hardware address",
    section=_SUCCESS,
    quote='"mac (string): The hardware address of the interface (if applicable)"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def mac(bench: Bench) -> None:
    outcome = bench.sample()
    wrong = [
        one["mac"] for one in interfaces(outcome.document or {}) if one.get("mac") and not is_mac(one["mac"])
    ]
    bench.must(not wrong, f"no hardware address: {wrong}", outcome)


@check(
    "results.routes",
    MUST,
    "a route's `dst` is in CIDR notation and its `gw` an address of the same family",
    section=_SUCCESS,
    quote='"dst: The destination of the route, in CIDR notation", "gw: The next hop address"',
)
def route_members(bench: Bench) -> None:
    outcome = bench.sample()
    for route in routes(outcome.document or {}):
        destination = cidr(route.get("dst"))
        bench.must(destination is not None, f"a route's dst is {route.get('dst')!r}", outcome)
        hop = route.get("gw")
        if hop and destination is not None:
            found = address(hop)
            same = found is not None and found.version == destination.version
            bench.must(same, f"the route to {route['dst']} has gw {hop!r}", outcome)


@check(
    "results.dns",
    MUST,
    "`dns` holds lists of texts, its `nameservers` addresses",
    section=_SUCCESS,
    quote='"Each entry in the list is a string containing either an IPv4 or an IPv6 address"',
)
def dns(bench: Bench) -> None:
    outcome = bench.sample()
    faults = dns_faults(outcome.document or {})
    bench.must(not faults, "; ".join(faults), outcome)


@check(
    "results.ipam",
    MUST,
    "the result of an IPAM plugin has no `interfaces` and no `ips[].interface`",
    section="section 5, Delegated plugins (IPAM)",
    quote='"it is missing the interfaces array, as well as the interface entry in ips"',
    not_for=dict.fromkeys((INTERFACE, CHAINED), "this is no IPAM plugin"),
)
def ipam(bench: Bench) -> None:
    outcome = bench.sample()
    found = outcome.document or {}
    bench.must("interfaces" not in found, "an IPAM plugin's result has `interfaces`", outcome)
    indexed = [entry for entry in ip_entries(found) if "interface" in entry]
    bench.must(not indexed, "an IPAM plugin's result has `ips[].interface`", outcome)


CHECKS = (
    *_FORM_CHECKS,
    version,
    addresses,
    gateway,
    interface_index,
    interface_members,
    mac,
    route_members,
    dns,
    ipam,
)
