"""The endpoint of an ADD, made in HNS: what HNS refuses is said in words, or, for an address, gone round."""

from __future__ import annotations

from cni_hns.attachment.endpoints import look_at, whereabouts
from cni_hns.binding.errors import (
    AddressRefused,
    AlreadyExists,
    NotFound,
    PolicyRefused,
    PortTaken,
    Unreachable,
)
from cni_hns.cni.errors import HNS_REFUSED, TRY_AGAIN, CniError
from cni_hns.dialects.wanted import mapped_port
from cni_hns.ledger import LedgerFault
from cni_hns.node.networks import NetworkVanished
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.addition import Addition
    from cni_hns.attachment.place import Door, Endpoint
    from cni_hns.hcn.views import EndpointView
    from cni_hns.node.resolved import ResolvedNetwork

__all__ = ["created", "obtained", "taken_away", "verify"]

# Each refused address is set aside; after so many it is the picture of the network that is wrong.
_ADDRESSES_TRIED = 8
# A refused address is in use by something that no ledger knows; after this it is worth another try.
_QUARANTINE_S = 600.0


def obtained(adding: Addition, network: ResolvedNetwork) -> Endpoint:
    """The endpoint to put into its place: a new one, or another container's that is to be shared.

    Raises: as `created`; ServiceError, the other container's could not be opened.
    """
    if adding.place.is_shared:
        return adding.place.family(adding.node).open(adding.endpoint_id)
    endpoint = created(adding, network)
    adding.is_known_as(endpoint.id)
    return endpoint


def created(adding: Addition, network: ResolvedNetwork) -> Endpoint:
    """The new endpoint; an address that HNS refuses is set aside and the next one taken, a host port that the
    container's other attachment has is left out.

    Raises:
        ServiceError: HNS refused, with a note on who holds what was refused, as far as HNS tells.
        NetworkVanished: the network went meanwhile.
        CniError: too many addresses were refused, or another ADD of this attachment came first.
        LedgerFault: the pod is there, and the ledger knows nothing of it.
    """
    for _ in range(_ADDRESSES_TRIED):
        try:
            return _created_once(adding, network)
        except AddressRefused as fault:
            _go_round(adding, network, fault)
        except PortTaken as fault:
            _leave_out_ports(adding, network, fault)
        except PolicyRefused as fault:
            from cni_hns.attachment.refused_policies import refused_words

            words = refused_words(adding.node, network.opened, adding.document, adding.endpoint_id)
            fault.add_note(words)
            raise
    raise CniError(
        HNS_REFUSED,
        f"HNS refused {_ADDRESSES_TRIED} addresses in a row on HCN network "
        f'"{network.view.name}" ({network.view.id}), the last ones {adding.address_words}',
        "other programs hold addresses of these ranges: the log names the holders; leave them out of ipam",
    )


def verify(adding: Addition, door: Door, view: EndpointView) -> None:
    """Hold what HNS made against what was asked. Raises: CniError, for an endpoint that HNS made by half."""
    wrong = []
    if not door.has(view):
        wrong.append(f"it is in {whereabouts(view)}, not in {adding.place.words}")
    there = {address for address, _ in view.addresses}
    missing = [one.address for one in adding.given.addresses if one.address not in there]
    if missing:
        wrong.append(f"it has {', '.join(sorted(there)) or 'no address'}, not {', '.join(missing)}")
    if wrong:
        raise CniError(
            HNS_REFUSED,
            f"endpoint {view.id} is not what HNS was asked for: {'; '.join(wrong)}",
            "everything was taken back; try again, and if it stays so restart the hns service",
        )


def taken_away(adding: Addition) -> CniError:
    """What an ADD answers that finds its attachment in other hands."""
    return CniError(
        TRY_AGAIN,
        f"{adding.attachment.words} was taken away by another verb while it was being added",
        "nothing that this call made is left; try again",
    )


def _created_once(adding: Addition, network: ResolvedNetwork) -> Endpoint:
    """The endpoint; one with our ID that is there already is what a killed ADD left, and makes way once."""
    node, endpoint_id = adding.node, adding.endpoint_id
    endpoints = adding.place.family(node)
    try:
        return endpoints.create(network.opened, adding.document, endpoint_id)
    except Unreachable:
        adding.may_arrive_late = True
        raise
    except NotFound as fault:
        raise NetworkVanished(network.view) from fault
    except AlreadyExists as fault:
        if adding.attachment.is_superseded():
            raise taken_away(adding) from fault
        _refuse_a_living_one(adding)
        node.log.event(f"a late or left-over endpoint makes way: {fault}", "warning")
        adding.delete_endpoint()
        return endpoints.create(network.opened, adding.document, endpoint_id)


def _refuse_a_living_one(adding: Addition) -> None:
    """What an ADD leaves has a row, and what arrives late is in no namespace and no container.

    Raises: LedgerFault: the ledger has lost the row of a pod that lives.
    """
    view = look_at(adding.node, adding.endpoint_id, adding.place) if adding.is_new else None
    if view is not None and view.is_in_use:
        adding.is_of_a_living_pod = True
        raise LedgerFault(
            adding.node.ledger.path,
            f"has lost {adding.attachment.words}: endpoint {view.id} is in {whereabouts(view)}",
        )


def _leave_out_ports(adding: Addition, network: ResolvedNetwork, fault: PortTaken) -> None:
    """Go on without the host ports that the container's other attachment has: runtimes send one list to each.

    Raises:
        PortTaken: somebody else has one of them, which the note names.
    """
    from cni_hns.attachment.holders import port_words, ports_of_its_container

    node, key = adding.node, adding.attachment.key
    ports = ports_of_its_container(node, key, adding.document)
    asked = {mapped_port(one) for one in adding.wanted.port_mappings}
    if not ports or not asked >= ports.keys():
        fault.add_note(port_words(node, adding.document))
        raise fault
    adding.leave_out(ports, network.view)


def _go_round(adding: Addition, network: ResolvedNetwork, fault: AddressRefused) -> None:
    """Set the addresses that HNS refused aside and hold the next ones.

    Raises:
        AddressRefused: the address was asked for, or is an external plugin's: taking another is not for us.
    """
    from cni_hns.attachment.holders import known_by_address

    node, asked = adding.node, adding.asked
    refused = [one.address for one in adding.given.addresses]
    holders = known_by_address(node, network.view.id)
    holding = [f"{address} by {holders[address]}" for address in refused if address in holders]
    words = ", ".join(holding) or "nobody that HNS lists"
    if asked.plan.ipam.kind != "builtin" or asked.wanted.addresses or not refused:
        fault.add_note(f"held: {words}")
        raise fault
    node.log.event(f"HNS refused {', '.join(refused)}; held: {words}; the next is taken", "warning")
    blamed = [address for address in refused if address in holders] or refused
    # Where one address is somebody else's, others may be: all that HNS lists are gone round at once.
    adding.take_others(blamed, list(holders), network.view, node.now() + _QUARANTINE_S)
