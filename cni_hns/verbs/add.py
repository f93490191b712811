"""ADD: one more endpoint for a container (CNI SPEC, section 2, "ADD").

The order, and what undoes each step:
    1  plan and wishes are checked, the place and the HCN network are opened           nothing to undo
    2  one transaction: the attachment is `adding`, with its leases                    row and leases go
    3  the files of its addresses, where host-local shares them; or an external
       IPAM plugin's ADD                                                               they go; its DEL
    4  the endpoint is created, with the ID that the attachment has                    deleted by that ID
    5  it is put into its place and read back                                          taken out
    6  the attachment is `ready`, if it is still ours
The place is an HCN namespace, or, for Docker-style runtimes, a container (`attachment.places`). Of an
endpoint that another container shares with this one, only steps 2 and 5 are this attachment's.
A call that is killed in between leaves the row; the next DEL, repeated ADD or GC takes it from there.

A repeated ADD is an error by the specification. Runtimes retry all the same, so for the same request it gives
the stored result, and an error that changes nothing for another one.
"""

from __future__ import annotations

from cni_hns.attachment import gone, repair
from cni_hns.attachment.addition import Addition
from cni_hns.attachment.asked import Asked
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.claims import take
from cni_hns.attachment.creation import obtained, taken_away, verify
from cni_hns.attachment.outcome import result_of
from cni_hns.attachment.undo import Undo
from cni_hns.cni.errors import TRY_AGAIN, CniError
from cni_hns.cni.result import dump, merge
from cni_hns.hcn.views import EndpointView
from cni_hns.node import features, networks
from cni_hns.node.networks import NetworkVanished
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.place import Door
    from cni_hns.cni.request import Request
    from cni_hns.cni.result import Result
    from cni_hns.ledger import AttachmentRow
    from cni_hns.node.node import Node
    from cni_hns.node.resolved import ResolvedNetwork

__all__ = ["run"]

# A burst of equal ADDs: each of them may find the attachment ready only after waiting for the one before.
_ROUNDS = 4


def run(request: Request, node: Node) -> Result:
    """Our part of the result, as HNS says it is.

    Raises:
        CniError, ServiceError, RangeExhausted, AddressUnavailable, ConfigFault, LedgerFault: nothing was left
        behind, or the error carries a note that says what a later verb will take away.
    """
    attachment = Attachment.of(request, node)
    asked = Asked.of(attachment)
    asked.place.adopt(attachment)
    vanished: NetworkVanished | None = None
    for number in range(_ROUNDS):
        adding = Addition(attachment, asked)
        row = attachment.row()
        ready = row if row is not None and row.phase == "ready" else None
        known = _stored_result(adding, ready)
        if number == 0:
            # Not before: an ADD that is refused for what was added already changes nothing at all.
            repair.others(attachment)
            gone.look_around(attachment)
        if known is not None:
            return known
        try:
            made = _add(adding, remake=ready)
        except NetworkVanished as fault:
            vanished = fault  # undone; the next round finds the network's successor, or makes one
            continue
        if made is not None:
            return made
    raise vanished or CniError(
        TRY_AGAIN, f"{attachment.words} is added and deleted by others at the same time", "try again"
    )


def _stored_result(adding: Addition, ready: AttachmentRow | None) -> Result | None:
    """The answer of the ADD before, where this one repeats it and HNS still has the endpoint."""
    if ready is None:
        return None
    from cni_hns.attachment.repeated import stored_result

    return stored_result(adding, ready)


def _add(adding: Addition, remake: AttachmentRow | None) -> Result | None:
    """The result of a new endpoint; None where another ADD of this attachment was ready first."""
    attachment, node = adding.attachment, adding.node
    plan = features.fitted(adding.asked.plan, node)
    adding.asked = adding.asked._replace(plan=plan)
    attachment.reservations.prepare()
    with (
        adding.place.opened(attachment) as door,
        networks.resolve(plan, node, adding.rehearse) as network,
    ):
        if remake is None and door.adopted(attachment):
            return None
        claim = take(node.deadline, lambda: adding.claim(network, door, remake))
        if claim.kind == "ready":
            return None
        if claim.before is not None and remake is None:
            from cni_hns.attachment.retirement import clear_away

            clear_away(attachment, claim.before)
        undo = Undo(node.log)
        try:
            undo.push("the attachment's row and leases", lambda: adding.give_up(remake))
            adding.reserve(network.view)
            if remake is None:
                _ask_the_plugin(adding, network, undo)
            result = _make(adding, network, door, undo)
            if not adding.become_ready(result):
                raise taken_away(adding)
        except BaseException as cause:
            if not undo.run(cause):
                attachment.leave()
            raise
        adding.say_what_is_otherwise()
        adding.look_ahead(network.view)
    return result


def _ask_the_plugin(adding: Addition, network: ResolvedNetwork, undo: Undo) -> None:
    """Step 3, where the configuration has an external IPAM plugin."""
    if adding.asked.plan.ipam.kind != "delegate":
        return
    from cni_hns.attachment.delegated import addresses_of, plugin_of, require_plugin

    plugin = plugin_of(adding.attachment, adding.attachment.request.variables.netns)
    assert plugin is not None  # noqa: S101 - the plan says that there is one
    # One that is not there has given nothing: its DEL would only fail as well.
    require_plugin(adding.attachment)
    undo.push(f'the addresses of IPAM plugin "{plugin.type}"', plugin.delete)
    adding.take(addresses_of(plugin), network.view)


def _make(adding: Addition, network: ResolvedNetwork, door: Door, undo: Undo) -> Result:
    """Steps 4 and 5."""
    request, place = adding.attachment.request, adding.place
    if not place.is_shared:
        undo.push(f"endpoint {adding.endpoint_id}", adding.take_back_endpoint)
    with obtained(adding, network) as endpoint:
        undo.push(f"endpoint {endpoint.id} in {place.words}", adding.take_back_membership)
        door.put(endpoint.id)
        adding.seen = EndpointView.of(endpoint.query())
    verify(adding, door, adding.seen)
    result = result_of(adding.seen, request.variables.ifname, request.variables.netns)
    # Versions before 0.3.0 cannot say "no address": better known now than when everything is done.
    dump(merge(request.prev_result, result), request.version)
    return result
