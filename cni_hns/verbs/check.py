"""CHECK: what ADD made is still as ADD made it (CNI SPEC, section 2, "CHECK").

prevResult, the ledger, the endpoint and the namespace are held against each other; every difference is named.
What others added is no fault: more policies than were planned, more interfaces in prevResult.
"""

from __future__ import annotations

from ipaddress import ip_address

from cni_hns.binding.errors import NotFound
from cni_hns.cni.errors import CHECK_FAILED, INVALID_CONFIG, CniError
from cni_hns.cni.namespace import namespace_guid
from cni_hns.dialects.quoting import quoted
from cni_hns.dialects.wanted import read_wanted
from cni_hns.hcn.views import ENABLE_DHCP, EndpointView, NamespaceView, contains
from cni_hns.identity import endpoint_id, endpoint_name
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple
from cni_hns.verbs import addresses, delegated, peers, plans
from cni_hns.verbs.outcome import default_gateway, mac_of

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.cni.result import Interface, IpConfig
    from cni_hns.ledger import Attachment, Ledger
    from cni_hns.verbs.node import Node

__all__ = ["run"]

_MAC_CHARACTERS = 17


class _Promised(NamedTuple):
    """Our part of prevResult: the interface called CNI_IFNAME and its addresses."""

    interface: Interface
    addresses: list[IpConfig]


def run(request: Request, node: Node) -> None:
    """Nothing, if all is as it was.

    Raises:
        CniError: code 104 with every difference; code 7 without a usable prevResult.
        ServiceError: HNS failed, so that nothing can be said.
    """
    key = AttachmentKey(*request.attachment)
    namespace_id = namespace_guid(request.variables.netns)
    ledger = node.ledger(request)
    plan = plans.plan_for(request, ledger, node.log)
    read_wanted(plan, request.config, request.arguments)
    promised = _promised(request, key)
    delegated.check(plan, request, node, key)
    row = ledger.attachment(key)
    if row is None or not ledger.leases_of(key):
        # A pod of a peer's, or one that host-local gave its address while it was delegated to.
        addresses.take_over_host_local(request, ledger, node.log)
    differences = _row_differences(row)
    view = _endpoint(request, node, ledger, key, row)
    if view is None:
        differences += _missing(request, node, key, row)
    else:
        differences += _endpoint_differences(view, promised, row, namespace_id)
        differences += _namespace_differences(node, view, namespace_id)
        differences += _lease_differences(ledger, key, promised, builtin=plan.ipam.kind == "builtin")
    if differences:
        raise CniError(
            CHECK_FAILED,
            f"{key.words()} is not as it was added: " + "; ".join(differences),
            "delete the pod so that it is set up again; the log has the HNS calls of this check",
        )


def _promised(request: Request, key: AttachmentKey) -> _Promised:
    """CNI SPEC, section 2, CHECK: "the plugin must return an error if prevResult is missing".

    Peers name no sandbox, and win-bridge and win-overlay call the interface by the endpoint's name.
    """
    result = request.prev_result
    if result is None:
        raise CniError(INVALID_CONFIG, "prevResult is missing", "CHECK needs the result of the ADD")
    named = [
        (index, interface)
        for name in (key.ifname, endpoint_name(key.network, key.container_id))
        for index, interface in enumerate(result.interfaces)
        if interface.name == name
    ]
    if named:
        index, interface = min(named, key=lambda each: not each[1].sandbox)
        return _Promised(interface, [one for one in result.ips if one.interface in (index, None)])
    raise CniError(
        CHECK_FAILED,
        f"prevResult has no interface {key.ifname}",
        "the attachment was added by something else, or its result was changed on the way",
    )


def _endpoint(
    request: Request, node: Node, ledger: Ledger, key: AttachmentKey, row: Attachment | None
) -> EndpointView | None:
    if row is None:
        return peers.find_unknown(request, node, ledger, key)
    try:
        with node.hcn.endpoints.open(row.endpoint_id or endpoint_id(*key)) as endpoint:
            return EndpointView.of(endpoint.query())
    except NotFound:
        return None


def _row_differences(row: Attachment | None) -> list[str]:
    if row is not None and row.phase != "ready":
        return [f"the ledger has it as {row.phase}, not ready (process {row.owner.pid})"]
    return []


def _missing(request: Request, node: Node, key: AttachmentKey, row: Attachment | None) -> list[str]:
    """The endpoint is gone; whether its network went first is worth one more call."""
    expected = row.endpoint_id if row is not None else endpoint_id(*key)
    found = [f"endpoint {expected} does not exist in HNS; it was not deleted by this plugin"]
    name = peers.hcn_network_name(request.config)
    if row is not None and row.hcn_network_id:
        try:
            node.hcn.networks.open(row.hcn_network_id).close()
        except NotFound:
            found.append(f'HCN network "{name}" ({row.hcn_network_id}) does not exist any more')
    elif not node.hcn.networks.ids(Name=name):
        found.append(f'HCN network "{name}" does not exist')
    return found


def _endpoint_differences(
    view: EndpointView, promised: _Promised, row: Attachment | None, namespace_id: str
) -> list[str]:
    found = []
    if row is not None and row.hcn_network_id and view.network != row.hcn_network_id:
        found.append(f"endpoint {view.id} is on HCN network {view.network}, not {row.hcn_network_id}")
    if view.namespace != namespace_id:
        found.append(f"endpoint {view.id} is in namespace {view.namespace or 'none'}, not {namespace_id}")
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
    return ", ".join(f"{address}/{prefix}" for address, prefix in view.addresses) or "none"


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


def _namespace_differences(node: Node, view: EndpointView, namespace_id: str) -> list[str]:
    """The other side: the namespace must list the endpoint as well."""
    try:
        with node.hcn.namespaces.open(namespace_id) as opened:
            namespace = NamespaceView.of(opened.query())
    except NotFound:
        return [f"namespace {namespace_id} does not exist"]
    if view.id not in namespace.endpoints:
        return [f"namespace {namespace_id} does not list endpoint {view.id}"]
    return []


def _lease_differences(
    ledger: Ledger, key: AttachmentKey, promised: _Promised, *, builtin: bool
) -> list[str]:
    if not builtin:
        return []
    held = {ip_address(lease.address) for lease in ledger.leases_of(key)}
    wanted = [ip_address(one.address.partition("/")[0]) for one in promised.addresses]
    return [f"address {address} has no lease in the ledger" for address in wanted if address not in held]
