"""CHECK: what ADD made is still as ADD made it (CNI SPEC, section 2, "CHECK").

prevResult, the ledger, the endpoint and its place are held against each other; every difference is named.
What others added is no fault: more policies than were planned, more interfaces in prevResult.
"""

from __future__ import annotations

from cni_hns.attachment import differences, places
from cni_hns.attachment.asked import plan_in
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.differences import Promised
from cni_hns.attachment.endpoints import look_at
from cni_hns.cni.errors import CHECK_FAILED, INVALID_CONFIG, CniError
from cni_hns.dialects.wanted import read_wanted
from cni_hns.identity import endpoint_name, shared_with
from cni_hns.node.plans import plan_for
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.place import Place
    from cni_hns.cni.request import Request
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import AttachmentKey, AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["run"]

_GATEWAYS_OF_THEIR_OWN = frozenset({"win-bridge", "win-overlay"})


def run(request: Request, node: Node) -> None:
    """Nothing, if all is as it was.

    Raises:
        CniError: code 104 with every difference; code 7 without a usable prevResult.
        ServiceError: HNS failed, so that nothing can be said.
    """
    attachment = Attachment.of(request, node)
    key, ledger = attachment.key, node.ledger
    configured = plan_for(request, node)
    place = places.asked(request.variables.netns, key.container_id, hns_v1=configured.hns_v1)
    plan = plan_in(place, configured)
    read_wanted(plan, request.config, request.arguments)
    promised = _promised(request, key, place)
    _ask_the_plugin(attachment, plan)
    row = attachment.row()
    if row is None or not ledger.leases_of(key):
        # A pod of a peer's, or one that host-local gave its address while it was delegated to.
        attachment.reservations.look()
    found = differences.of_row(row)
    view = _endpoint(attachment, row, place)
    if view is None:
        found += differences.of_missing(attachment, row)
    else:
        found += differences.of_endpoint(view, promised, row, place)
        found += place.differences(node, view)
        found += differences.of_leases(ledger, key, promised, builtin=plan.ipam.kind == "builtin")
        found += attachment.reservations.differences(ledger.leases_of(key))
    if found:
        raise CniError(
            CHECK_FAILED,
            f"{attachment.words} is not as it was added: " + "; ".join(found),
            "delete the pod so that it is set up again; the log has the HNS calls of this check",
        )


def _promised(request: Request, key: AttachmentKey, place: Place) -> Promised:
    """CNI SPEC, section 2, CHECK: "the plugin must return an error if prevResult is missing".

    Peers name no sandbox, and win-bridge and win-overlay call the interface by the endpoint's name.
    """
    owner = shared_with(place.v1_netns) or key.container_id
    result = request.prev_result
    if result is None:
        raise CniError(INVALID_CONFIG, "prevResult is missing", "CHECK needs the result of the ADD")
    named = [
        (index, interface)
        for name in (key.ifname, endpoint_name(key.network, owner))
        for index, interface in enumerate(result.interfaces)
        if interface.name == name
    ]
    if named:
        index, interface = min(named, key=lambda each: not each[1].sandbox)
        return Promised(interface, [one for one in result.ips if one.interface in (index, None)])
    raise CniError(
        CHECK_FAILED,
        f"prevResult has no interface {key.ifname}",
        "the attachment was added by something else, or its result was changed on the way",
    )


def _ask_the_plugin(attachment: Attachment, plan: AttachmentPlan) -> None:
    """Pass CHECK on to an external IPAM plugin. Raises: CniError, what it found.

    win-bridge and win-overlay use no gateway of an IPAM plugin's: that one would find in prevResult another
    one than it gave.
    """
    if plan.ipam.kind != "delegate" or plan.peer in _GATEWAYS_OF_THEIR_OWN:
        return
    from cni_hns.attachment.delegated import plugin_of

    plugin = plugin_of(attachment, attachment.request.variables.netns)
    if plugin is not None:
        plugin.check()


def _endpoint(attachment: Attachment, row: AttachmentRow | None, place: Place) -> EndpointView | None:
    node = attachment.node
    if row is not None:
        return look_at(node, row.endpoint_id or attachment.endpoint_id, place)
    if place.is_shared:
        shared = place.shared_endpoint(attachment)
        return None if shared is None else look_at(node, shared, place)
    from cni_hns.attachment.peers import find_unknown

    found = find_unknown(attachment)
    return found if found is None or place.v1_netns is None else look_at(node, found.id, place)
