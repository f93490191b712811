"""Where an attachment's addresses come from: the ranges and the ledger, or a delegated IPAM plugin.

HNS itself and DHCP need nothing from here: HNS gives the address, and the read-back shows it.
"""

from __future__ import annotations

import json
from ipaddress import ip_address

from cni_hns.cni.result import parse
from cni_hns.dialects.endpoint import reserved_addresses
from cni_hns.dialects.essentials import ipam_source
from cni_hns.dialects.wanted import range_sets
from cni_hns.ipam import allocate, hostlocal, resolvconf
from cni_hns.ipam.allocate import Allocated
from cni_hns.typed import TYPE_CHECKING, Any
from cni_hns.verbs import holders
from cni_hns.verbs.outcome import default_gateway

if TYPE_CHECKING:
    from cni_hns.binding.errors import AddressRefused
    from cni_hns.cni.request import Request
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.ledger import Attachment, AttachmentKey, Ledger
    from cni_hns.log import Log
    from cni_hns.verbs.addition import Addition
    from cni_hns.verbs.node import Node

__all__ = [
    "RESULT_VERSION",
    "asked_before",
    "hold_what_hns_gave",
    "of_result",
    "replace_refused",
    "reserve",
    "take_over_host_local",
    "warn_if_used_up",
]

# A refused address is in use by something that no ledger knows; after this it is worth another try.
_QUARANTINE_S = 600.0

RESULT_VERSION = "1.1.0"
"""The version in which results are kept in the ledger."""


def reserve(adding: Addition, network: NetworkView) -> None:
    """Hold one address of each range set for the attachment; part of a transaction.

    What the row holds already it keeps: an ADD that was killed gets its own addresses again.

    Raises:
        RangeExhausted, AddressUnavailable: nothing is held.
    """
    plan = adding.plan
    if plan.ipam.kind != "builtin":
        return
    adding.allocated = allocate.allocate(
        adding.ledger,
        adding.key,
        range_sets(plan, adding.wanted),
        wanted=adding.wanted.addresses,
        excluded=reserved_addresses(plan, network),
    )
    if plan.ipam.resolv_conf:
        adding.ipam_dns = resolvconf.read(plan.ipam.resolv_conf)


def hold_what_hns_gave(ledger: Ledger, key: AttachmentKey, view: EndpointView) -> None:
    """Write down the addresses that HNS chose, so that the operator sees them; part of a transaction."""
    given = [
        Allocated(address, prefix, default_gateway(view, ip_address(address).version), "")
        for address, prefix in view.addresses
    ]
    allocate.hold_given(ledger, key, given)


def replace_refused(adding: Addition, network: NetworkView, fault: AddressRefused) -> None:
    """Set the addresses that HNS refused aside and hold the next ones.

    Raises:
        AddressRefused: the address was asked for, or is a delegated plugin's: taking another is not for us.
    """
    refused = [one.address for one in adding.allocated]
    holding = holders.of_addresses(adding.node, network.id, refused)
    words = (
        ", ".join(f"{address} by {holder}" for address, holder in holding.items()) or "nobody that HNS lists"
    )
    if adding.plan.ipam.kind != "builtin" or adding.wanted.addresses or not refused:
        fault.add_note(f"held: {words}")
        raise fault
    blamed = [address for address in refused if address in holding] or refused
    adding.node.log.event(f"HNS refused {', '.join(refused)}; held: {words}; the next is taken", "warning")
    until = adding.node.now() + _QUARANTINE_S
    with adding.ledger.transaction():
        for address in blamed:
            allocate.quarantine(adding.ledger, adding.key, address, until)
        reserve(adding, network)
        adding.record_document(network)


def take_over_host_local(request: Request, ledger: Ledger, log: Log) -> None:
    """Take over what host-local has reserved for this network, if its folder changed since the last look."""
    source = ipam_source(request.config)
    if source.kind != "builtin":
        return
    taken = hostlocal.take_over(ledger, request.name, source.host_local_folder)
    for conflict in taken.conflicts:
        log.event(f"a reservation of host-local was not taken over: {conflict}", "warning")


def of_result(row: Attachment) -> tuple[list[Allocated], str | None]:
    """The addresses and the MAC that a finished ADD answered."""
    document: dict[str, Any] = json.loads(row.result or "{}")
    result = parse(document, RESULT_VERSION)
    allocated = [
        Allocated(address, int(prefix), one.gateway, "")
        for one in result.ips
        for address, _, prefix in [one.address.partition("/")]
    ]
    mac = result.interfaces[0].mac if result.interfaces else ""
    return allocated, mac.upper().replace(":", "-") or None


def asked_before(row: Attachment) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Routes and DNS that HNS was asked for: what a delegated plugin once answered is among them."""
    document: dict[str, Any] = row.request or {}
    dns = document.get("Dns", {})
    routes = [
        {"dst": one["DestinationPrefix"], "gw": one["NextHop"], "priority": one.get("Metric")}
        for one in document.get("Routes", [])
    ]
    return routes, {
        "nameservers": dns.get("ServerList"),
        "domain": dns.get("Domain"),
        "search": dns.get("Search"),
        "options": dns.get("Options"),
    }


def warn_if_used_up(plan: AttachmentPlan, request: Request, node: Node, ledger: Ledger) -> None:
    """Say in the log that the next ADD will find no address."""
    for usage in allocate.used_up(ledger, request.name, plan.ipam.range_sets, plan.ipam.reserved):
        node.log.event(f"range set {usage.number} ({usage.ranges}) is used up: {usage.words()}", "warning")
