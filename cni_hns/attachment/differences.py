"""How an attachment differs from what its ADD answered: prevResult, ledger, endpoint, namespace.

What others added is no fault: more policies than were planned, more interfaces in prevResult.
"""

from __future__ import annotations

from ipaddress import ip_address

from cni_hns.attachment.endpoints import whereabouts
from cni_hns.attachment.outcome import default_gateway, mac_of
from cni_hns.binding.errors import NotFound
from cni_hns.dialects.quoting import quoted
from cni_hns.hcn.views import ENABLE_DHCP, EndpointView, contains
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.attachment.place import Place
    from cni_hns.cni.result import Interface, IpConfig
    from cni_hns.ledger import AttachmentKey, AttachmentRow, Ledger

__all__ = ["Promised", "of_endpoint", "of_leases", "of_missing", "of_row"]

_MAC_CHARACTERS = 17


class Promised(NamedTuple):
    """Our part of prevResult: the interface called CNI_IFNAME and its addresses."""

    interface: Interface
    addresses: list[IpConfig]


def of_row(row: AttachmentRow | None) -> list[str]:
    if row is not None and row.phase != "ready":
        return [f"the ledger has it as {row.phase}, not ready (process {row.owner.pid})"]
    return []


def of_missing(attachment: Attachment, row: AttachmentRow | None) -> list[str]:
    """The endpoint is gone; whether its network went first is worth one more call."""
    from cni_hns.node.networks import configured_name

    node = attachment.node
    expected = row.endpoint_id if row is not None else attachment.endpoint_id
    found = [f"endpoint {expected} does not exist in HNS; it was not deleted by this plugin"]
    name = configured_name(attachment.request.config)
    if row is not None and row.hcn_network_id:
        try:
            node.hcn.networks.open(row.hcn_network_id).close()
        except NotFound:
            found.append(f'HCN network "{name}" ({row.hcn_network_id}) does not exist any more')
    elif not node.hcn.networks.ids(Name=name):
        found.append(f'HCN network "{name}" does not exist')
    return found


def of_endpoint(view: EndpointView, promised: Promised, row: AttachmentRow | None, place: Place) -> list[str]:
    found = []
    if row is not None and row.hcn_network_id and view.network != row.hcn_network_id:
        found.append(f"endpoint {view.id} is on HCN network {view.network}, not {row.hcn_network_id}")
    if not place.holds(view):
        found.append(f"endpoint {view.id} is in {whereabouts(view)}, not in {place.words}")
    if _is_mac(promised.interface.mac) and mac_of(view.mac) != mac_of(promised.interface.mac):
        found.append(f"its MAC is {view.mac}, prevResult has {promised.interface.mac}")
    found += _address_differences(view, promised.addresses)
    if row is not None and row.request:
        found += _dns_differences(view, row.request)
        found += _policy_differences(view, row.request)
    return found


def _is_mac(text: str | None) -> bool:
    """nat, sdnbridge and sdnoverlay put the six bytes themselves into their results, which says nothing."""
    return text is not None and len(text) == _MAC_CHARACTERS


def _address_differences(view: EndpointView, promised: list[IpConfig]) -> list[str]:
    there = {ip_address(address): prefix for address, prefix in view.addresses}
    found = []
    for one in promised:
        text, _, prefix = one.address.partition("/")
        address = ip_address(text)
        if address not in there:
            found.append(f"address {one.address} is missing; the endpoint has {_addresses_of(view)}")
            continue
        if int(prefix) != there[address]:
            found.append(f"the prefix of {address} is /{there[address]}, prevResult has /{prefix}")
        gateway = default_gateway(view, address.version)
        if one.gateway and (gateway is None or ip_address(gateway) != ip_address(one.gateway)):
            found.append(f"the gateway of {address} is {gateway or 'none'}, prevResult has {one.gateway}")
    if view.flags & ENABLE_DHCP:
        return found  # what the outside server gave, and may change
    extra = set(there) - {ip_address(one.address.partition("/")[0]) for one in promised}
    found += [
        f"address {address} is on the endpoint and not in prevResult" for address in sorted(map(str, extra))
    ]
    return found


def _addresses_of(view: EndpointView) -> str:
    return ", ".join(view.address_texts) or "none"


def _dns_differences(view: EndpointView, request: dict[str, Any]) -> list[str]:
    """Only what we set: without a DNS of ours HNS takes the host adapter's, which may change."""
    wanted = request.get("Dns") or {}
    return [
        f"DNS {part} is {view.dns.get(part) or 'not set'}, it was set to {value}"
        for part, value in wanted.items()
        if value and view.dns.get(part) != value
    ]


def _policy_differences(view: EndpointView, request: dict[str, Any]) -> list[str]:
    return [
        f"policy {policy['Type']} {quoted(policy.get('Settings', {}))} is missing"
        for policy in request.get("Policies") or []
        if not any(contains(there, policy) for there in view.policies)
    ]


def of_leases(ledger: Ledger, key: AttachmentKey, promised: Promised, *, builtin: bool) -> list[str]:
    if not builtin:
        return []
    held = {ip_address(lease.address) for lease in ledger.leases_of(key)}
    wanted = [ip_address(one.address.partition("/")[0]) for one in promised.addresses]
    return [f"address {address} has no lease in the ledger" for address in wanted if address not in held]
