"""ADD: one more endpoint for a container (CNI SPEC, section 2, "ADD").

The order, and what undoes each step:
    1  plan and wishes are checked, the HCN network and the namespace are opened      nothing to undo
    2  one transaction: the attachment is `adding`, with its leases                    row and leases go
    3  a delegated IPAM plugin's ADD                                                   its DEL
    4  the endpoint is created, with the ID that the attachment has                    deleted by that ID
    5  it is put into the namespace and read back                                      detached
    6  the attachment is `ready`, if it is still ours
A call that is killed in between leaves the row; the next DEL, repeated ADD or GC takes it from there.

A repeated ADD is an error by the specification. Runtimes retry all the same, so for the same request it gives
the stored result, and an error that changes nothing for another one.
"""

from __future__ import annotations

from cni_hns.binding.errors import (
    AddressRefused,
    AlreadyExists,
    NotFound,
    PolicyRefused,
    PortTaken,
    Unreachable,
)
from cni_hns.cni.errors import HNS_REFUSED, TRY_AGAIN, CniError
from cni_hns.cni.result import dump, merge
from cni_hns.hcn.documents import add_endpoint
from cni_hns.hcn.views import EndpointView
from cni_hns.typed import TYPE_CHECKING
from cni_hns.verbs import (
    addresses,
    delegated,
    endpoints,
    holders,
    networks,
    outcome,
    policies,
    repair,
    repeated,
    retire,
)
from cni_hns.verbs.addition import Addition
from cni_hns.verbs.claims import take
from cni_hns.verbs.networks import NetworkVanished
from cni_hns.verbs.undo import Undo

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.cni.result import Result
    from cni_hns.hcn.client import Opened
    from cni_hns.ledger import Attachment
    from cni_hns.verbs.node import Node
    from cni_hns.verbs.resolved import ResolvedNetwork

__all__ = ["run"]

# Each refused address is set aside; after so many it is the picture of the network that is wrong.
_ADDRESSES_TRIED = 8
# A burst of equal ADDs: each of them may find the attachment ready only after waiting for the one before.
_ROUNDS = 4


def run(request: Request, node: Node) -> Result:
    """Our part of the result, as HNS says it is.

    Raises:
        CniError, ServiceError, RangeExhausted, AddressUnavailable, ConfigFault, LedgerFault: nothing was left
        behind, or the error carries a note that says what a later verb will take away.
    """
    adding = Addition.of(request, node)
    repair.others(adding.request, node, adding.ledger, adding.key)
    vanished: NetworkVanished | None = None
    for _ in range(_ROUNDS):
        row = adding.ledger.attachment(adding.key)
        if row is not None and row.phase == "ready":
            known = repeated.stored_result(adding, row)
            if known is not None:
                return known
        try:
            made = _add(adding, remake=row if row is not None and row.phase == "ready" else None)
        except NetworkVanished as fault:
            vanished = fault  # undone; the next round finds the network's successor, or makes one
            continue
        if made is not None:
            return made
    raise vanished or CniError(
        TRY_AGAIN, f"{adding.key.words()} is added and deleted by others at the same time", "try again"
    )


def _add(adding: Addition, remake: Attachment | None) -> Result | None:
    """The result of a new endpoint; None where another ADD of this attachment was ready first."""
    node = adding.node
    adding.check_features()
    with (
        networks.resolve(adding.plan, node, adding.ledger) as network,
        _opened_namespace(adding) as namespace,
    ):
        claim = take(node, lambda: adding.claim(network, remake))
        if claim.kind == "ready":
            return None
        if claim.before is not None and remake is None:
            adding.clear_away(claim.before)
        undo = Undo(node.log)
        try:
            undo.push("the attachment's row and leases", lambda: _give_up(adding, remake))
            result = _make(adding, network, namespace, undo)
            _become_ready(adding, result)
        except BaseException as cause:
            if not undo.run(cause):
                retire.leave(node, adding.ledger, adding.key)
            raise
    return result


def _opened_namespace(adding: Addition) -> Opened:
    try:
        return adding.node.hcn.namespaces.open(adding.namespace_id)
    except NotFound as fault:
        raise CniError(
            HNS_REFUSED,
            f"HCN namespace {adding.namespace_id} of CNI_NETNS does not exist: {fault}",
            "the runtime must create it before ADD (by hand: `cni-hns namespace create`)",
        ) from fault


def _make(adding: Addition, network: ResolvedNetwork, namespace: Opened, undo: Undo) -> Result:
    """Steps 3 to 5."""
    if adding.asks_a_plugin:
        delegated.add(adding, undo)
        adding.note_document(network.view)
    endpoint_id = adding.endpoint_id
    undo.push(f"endpoint {endpoint_id}", adding.take_back_endpoint)
    with _created(adding, network) as endpoint:
        undo.push(
            f"endpoint {endpoint_id} in namespace {adding.namespace_id}",
            adding.take_back_membership,
        )
        namespace.modify(add_endpoint(endpoint_id))
        view = EndpointView.of(endpoint.query())
    _verify(adding, view)
    adding.seen = view
    result = outcome.result_of(view, adding.key.ifname, adding.request.variables.netns)
    # Versions before 0.3.0 cannot say "no address": better known now than when everything is done.
    dump(merge(adding.request.prev_result, result), adding.request.version)
    return result


def _created(adding: Addition, network: ResolvedNetwork) -> Opened:
    """The new endpoint; an address that HNS refuses is set aside and the next one taken."""
    for _ in range(_ADDRESSES_TRIED):
        try:
            return _created_once(adding, network)
        except AddressRefused as fault:
            addresses.replace_refused(adding, network.view, fault)
        except PortTaken as fault:
            fault.add_note(holders.port_words(adding.node, adding.document))
            raise
        except PolicyRefused as fault:
            node, document = adding.node, adding.document
            fault.add_note(policies.refused_words(node, network.opened, document, adding.endpoint_id))
            raise
    raise CniError(
        HNS_REFUSED,
        f"HNS refused {_ADDRESSES_TRIED} addresses in a row on HCN network "
        f'"{network.view.name}" ({network.view.id}), the last ones {adding.address_words()}',
        "other programs hold addresses of these ranges: the log names the holders; leave them out of ipam",
    )


def _created_once(adding: Addition, network: ResolvedNetwork) -> Opened:
    """The endpoint; one with our ID that is there already is what a killed ADD left, and makes way once."""
    family = adding.node.hcn.endpoints
    try:
        return family.create(network.opened, adding.document, adding.endpoint_id)
    except Unreachable:
        adding.may_arrive_late = True
        raise
    except NotFound as fault:
        raise NetworkVanished(network.view) from fault
    except AlreadyExists as fault:
        if adding.is_superseded():
            raise _taken_away(adding) from fault
        adding.node.log.event(f"a late or left-over endpoint makes way: {fault}", "warning")
        endpoints.delete(adding.node, adding.endpoint_id)
        return family.create(network.opened, adding.document, adding.endpoint_id)


def _verify(adding: Addition, view: EndpointView) -> None:
    """Hold what HNS made against what was asked: an ADD that HNS did half is a failed ADD."""
    wrong = []
    if view.namespace != adding.namespace_id:
        wrong.append(f"it is in namespace {view.namespace or 'none'}, not {adding.namespace_id}")
    there = {address for address, _ in view.addresses}
    missing = [one.address for one in adding.allocated if one.address not in there]
    if missing:
        wrong.append(f"it has {', '.join(sorted(there)) or 'no address'}, not {', '.join(missing)}")
    if wrong:
        raise CniError(
            HNS_REFUSED,
            f"endpoint {view.id} is not what HNS was asked for: {'; '.join(wrong)}",
            "everything was taken back; try again, and if it stays so restart the hns service",
        )


def _become_ready(adding: Addition, result: Result) -> None:
    if not adding.make_ready(result):
        raise _taken_away(adding)


def _taken_away(adding: Addition) -> CniError:
    return CniError(
        TRY_AGAIN,
        f"{adding.key.words()} was taken away by another verb while it was being added",
        "nothing that this call made is left; try again",
    )


def _give_up(adding: Addition, remake: Attachment | None) -> None:
    """The row's end after a failed ADD: a remade one keeps its lease and result, for its pod still lives."""
    if remake is not None:
        adding.restore(remake)
    else:
        adding.remove()
