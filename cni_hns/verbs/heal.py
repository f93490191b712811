"""Endpoints that HNS has lost while their pods run: made again as a repeated ADD would, without a runtime.

After an HNS restart or a boot HNS may have the namespace of a pod and not its endpoint. The ledger has all
that the ADD sent: the endpoint gets the same ID, addresses, MAC and policies, and goes back into its place.

Rule 1: only what is not there is made, and only what is in no place is put into one.
Rule 2: the row stays `ready` all the while: whoever is killed here leaves a row that nobody takes for
half done. The row's token is compared after the endpoint was made: one whose attachment ended meanwhile goes.
Rule 3: what cannot be healed is named with its reason, and left as it was.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints, gone, places
from cni_hns.attachment.addresses import given_before
from cni_hns.attachment.holders import by_address
from cni_hns.attachment.outcome import of_stored
from cni_hns.attachment.reservations import Reservations
from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.hcn.views import EndpointView, NetworkView
from cni_hns.ledger.errors import DamagedRow
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.attachment.place import Place
    from cni_hns.hcn.client import Opened
    from cni_hns.identity import KubernetesPod
    from cni_hns.ledger import AttachmentKey, AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["Healed", "heal"]


class Healed(NamedTuple):
    """What became of one attachment that HNS had lost something of.

    `outcome`: "made again", "put back", "would be made again", "would be put back", or "left" with a reason
    behind a colon.
    """

    key: AttachmentKey
    addresses: list[str]
    outcome: str
    pod: KubernetesPod

    @property
    def is_left(self) -> bool:
        return self.outcome.startswith("left")


class _Left(Exception):
    """It cannot be healed; `str()` says why, and what helps."""


def heal(node: Node, rows: list[AttachmentRow], *, dry_run: bool) -> Iterator[Healed]:
    """Look at each of these attachments and heal it; those that need nothing are not told of.

    Raises: LedgerFault, LedgerBusy.
    """
    # A shared endpoint is made for the container whose it is; the others get it back then.
    for row in sorted(rows, key=lambda one: one.is_shared):
        outcome = _outcome(node, row, dry_run)
        if outcome:
            addresses = [lease.address for lease in node.ledger.leases_of(row.key)]
            yield Healed(row.key, addresses, outcome, row.pod)


def _outcome(node: Node, row: AttachmentRow, dry_run: bool) -> str:
    try:
        return _healed(node, row, dry_run)
    except (_Left, ServiceError, CniError, DamagedRow) as fault:
        return f"left: {fault}"


def _healed(node: Node, row: AttachmentRow, dry_run: bool) -> str:
    if not gone.hns_has_settled(node):
        raise _Left("HNS has just started, and may not have loaded everything yet: try again in a minute")
    place = places.of_row(row)
    if place is None or row.endpoint_id is None or row.phase != "ready":
        raise _Left("the ledger does not know where its endpoint was: delete the pod, and it is made anew")
    missing = place.missing(node, row.endpoint_id)
    if missing is not None:
        raise _Left(f"{missing}: the pod is gone, and `cni-hns gc` takes away what it left")
    view = endpoints.look_at(node, row.endpoint_id, place)
    if view is not None:
        return _put_back(node, place, view, dry_run)
    document = _document(row, node)
    if not dry_run:
        _make(node, row, place, document)
    return "would be made again" if dry_run else "made again"


def _put_back(node: Node, place: Place, view: EndpointView, dry_run: bool) -> str:
    if place.holds(view):
        if not place.differences(node, view):
            return ""
    elif view.is_in_use and not place.is_shared:
        raise _Left(f"endpoint {view.id} is in {endpoints.whereabouts(view)}: whoever put it there wants it")
    if dry_run:
        return "would be put back"
    place.put_back(node, view)
    return "put back"


def _document(row: AttachmentRow, node: Node) -> dict[str, Any]:
    """What HNS is asked for; what HNS had chosen by itself, as the ADD's result tells it.

    Raises: _Left: the ledger does not know.
    """
    if row.is_shared:
        raise _Left("its endpoint is another container's: that one is healed, and this one's ADD repeated")
    if row.is_of_a_peer:
        raise _Left("another plugin made it, and only that knows how: delete the pod, and it is made anew")
    if not row.request or not row.result:
        raise _Left(
            "the ledger was rebuilt and does not know what HNS was asked for: delete the pod, and it is made "
            "anew"
        )
    given = given_before(row, node.ledger)
    addresses = [{"IpAddress": one.address, "PrefixLength": one.prefix} for one in given.addresses]
    routes = [
        {"DestinationPrefix": one.dst, "NextHop": one.gw or ""}
        for one in of_stored(row, node.ledger.path).routes
    ]
    document = {"IpConfigurations": addresses, "Routes": routes, **row.request, "ID": row.endpoint_id}
    if given.mac:
        document["MacAddress"] = given.mac
    return {name: value for name, value in document.items() if value}


def _make(node: Node, row: AttachmentRow, place: Place, document: dict[str, Any]) -> None:
    """Raises: _Left, ServiceError, CniError: nothing was made, or it was taken back."""
    files = Reservations.known(row.key.network, node)
    with _network(node, row) as network:
        view = NetworkView.of(network.query())
        wanted = _on(view, document)
        _refuse_taken(node, wanted, view)
        others = files.make(row.key, node.ledger.leases_of(row.key), in_turn=False)
        if others:
            words = ", ".join(one.words for one in others)
            raise _Left(f"host-local has given its address to {words} meanwhile: delete one of the two pods")
        made = place.family(node).create(network, wanted, row.endpoint_id or "")
    try:
        with made as endpoint:
            place.put_back(node, EndpointView.of(endpoint.query()))
        # HNS V1 may choose an ID of its own.
        is_ours = node.ledger.record(
            row.key, row.token, endpoint_id=made.id, hcn_network_id=view.id, request=wanted
        )
        if not is_ours:
            raise _Left("another verb has it now")
    except BaseException:
        _take_back(node, row, place, made.id)
        raise


def _take_back(node: Node, row: AttachmentRow, place: Place, endpoint_id: str) -> None:
    """What was made goes again, unless an ADD has the attachment by now and counts on it."""
    now = node.ledger.attachment(row.key)
    if now is not None and now.token != row.token and now.phase in {"adding", "ready"}:
        return
    try:
        endpoints.detach_and_delete(node, place, endpoint_id)
    except ServiceError as fault:
        node.log.event(f"endpoint {endpoint_id} could not be taken back: {fault}", "warning")


def _network(node: Node, row: AttachmentRow) -> Opened:
    """That of its ADD, else the one that has the name now. Raises: _Left: there is none."""
    networks = node.hcn.networks
    named = row.hcn_network_id or ""
    try:
        if named:
            return networks.open(named)
    except NotFound:
        pass
    name = node.ledger.network_name(named) or row.key.network
    for network_id in networks.ids(Name=name):
        try:
            return networks.open(network_id)
        except NotFound:
            continue
    raise _Left(
        f'HNS does not have HCN network "{name}": the next ADD makes it where the configuration says '
        "`create`, or whoever made it before"
    )


def _on(view: NetworkView, document: dict[str, Any]) -> dict[str, Any]:
    """The document for this network; on an overlay the host's address may be another one since a boot."""
    policies = [
        {**one, "Settings": {**one["Settings"], "ProviderAddress": view.management_ip}}
        if one.get("Type") == "ProviderAddress" and view.management_ip
        else one
        for one in document.get("Policies", [])
    ]
    wanted = {**document, "HostComputeNetwork": view.id}
    return {**wanted, "Policies": policies} if policies else wanted


def _refuse_taken(node: Node, document: dict[str, Any], network: NetworkView) -> None:
    """Raises: _Left: another endpoint has one of the addresses; HNS does not always object."""
    taken = by_address(node, network.id)
    for one in document.get("IpConfigurations", []):
        holder = taken.get(str(one["IpAddress"]).lower())
        if holder is not None:
            raise _Left(f"{holder} has its address {one['IpAddress']} meanwhile: delete one of the two")
