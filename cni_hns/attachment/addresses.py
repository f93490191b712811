"""An attachment's addresses: held in the ledger out of range sets, given by HNS, or as they were before.

A plain allocation is `cni_hns.ipam.allocate`; here is what an attachment's life adds to it.
"""

from __future__ import annotations

from ipaddress import ip_address

from cni_hns.attachment.outcome import default_gateway, of_stored
from cni_hns.ipam import allocate, held
from cni_hns.ipam.held import Allocated
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cni_hns.cni.result import Result
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ipam.pools import Subnet
    from cni_hns.ipam.ranges import RangeLike
    from cni_hns.ledger import AttachmentKey, AttachmentRow, Ledger
    from cni_hns.log import Log

__all__ = [
    "Given",
    "addresses_in",
    "given_before",
    "hold_what_hns_gave",
    "warn_if_pools_are_used_up",
    "warn_if_used_up",
]


class Given(NamedTuple):
    """What an IPAM gave one attachment. Without `routes` or `dns` those of the configuration hold."""

    addresses: list[Allocated]
    routes: list[dict[str, Any]] | None = None
    dns: dict[str, Any] | None = None
    mac: str | None = None


def addresses_in(result: Result) -> list[Allocated]:
    """The addresses of a result, of whichever IPAM they are."""
    return [
        Allocated(address, int(prefix), one.gateway, "")
        for one in result.ips
        for address, _, prefix in [one.address.partition("/")]
    ]


def hold_what_hns_gave(ledger: Ledger, key: AttachmentKey, view: EndpointView) -> None:
    """Write down the addresses that HNS chose, so that the operator sees them; part of a transaction."""
    given = [
        Allocated(address, prefix, default_gateway(view, ip_address(address).version), "")
        for address, prefix in view.addresses
    ]
    held.hold_given(ledger, key, given)


def given_before(row: AttachmentRow, ledger: Ledger) -> Given:
    """What a finished ADD answered, and what HNS was asked for: an external plugin's routes and DNS too."""
    result = of_stored(row, ledger.path)
    # The result has HNS's prefix lengths; where a gateway is counted from those of IPAM, these are needed.
    prefixes = {lease.address: lease.prefix for lease in ledger.leases_of(row.key)}
    addresses = [one._replace(prefix=prefixes.get(one.address, one.prefix)) for one in addresses_in(result)]
    document: dict[str, Any] = row.request or {}
    dns = document.get("Dns", {})
    mac = result.interfaces[0].mac if result.interfaces else ""
    return Given(
        addresses=addresses,
        routes=[
            {"dst": one["DestinationPrefix"], "gw": one["NextHop"], "priority": one.get("Metric")}
            for one in document.get("Routes", [])
        ],
        dns={
            "nameservers": dns.get("ServerList"),
            "domain": dns.get("Domain"),
            "search": dns.get("Search"),
            "options": dns.get("Options"),
        },
        mac=mac.upper().replace(":", "-") or None,
    )


def warn_if_used_up(
    ledger: Ledger, network: str, range_sets: Sequence[Sequence[RangeLike]], reserved: list[str], log: Log
) -> None:
    """Say in the log that the next ADD will find no address."""
    for usage in allocate.used_up(ledger, network, range_sets, reserved):
        log.event(f"range set {usage.number} ({usage.ranges}) is used up: {usage.words()}", "warning")


def warn_if_pools_are_used_up(
    ledger: Ledger | None, network: str, plan: AttachmentPlan, subnets: Sequence[Subnet], log: Log
) -> None:
    """The same of blocks, and more of them may come. Raises: PoolExhausted: there is no block of a pool."""
    from cni_hns.ipam import pools

    names = plan.ipam.pools
    sets = pools.range_sets(ledger, network, names, subnets)
    if ledger is None:
        return
    for usage in allocate.used_up(ledger, network, sets, plan.ipam.reserved, in_order=True):
        pool = names[usage.number]
        log.event(f'the blocks of pool "{pool}" that this node has are used up: {usage.words()}', "warning")
