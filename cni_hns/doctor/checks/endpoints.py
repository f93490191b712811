"""Endpoints by themselves: of no pod, of no network, and two with one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import listed, name_of
from cni_hns.hcn.views import REMOTE
from cni_hns.identity import attachment_of
from cni_hns.ledger import AttachmentKey
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.survey.containers import is_container_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView

__all__ = ["AREA"]

_KINDS: dict[str, Kind] = {
    "endpoint-left": Kind(
        "warning",
        "no pod uses it; HNS gives its address to nobody else",
        "cni-hns gc",
        "gc",
    ),
    "endpoint-left-by-peer": Kind(
        "warning",
        "no pod uses it; HNS gives its address to nobody else",
        "cni-hns endpoint delete {endpoint}",
    ),
    "endpoint-without-network": Kind(
        "ill",
        "nothing is sent through it; a pod that has it has no network",
        "`cni-hns endpoint delete {endpoint} --force`; a pod that had it: delete the pod",
    ),
    "address-twice": Kind(
        "ill",
        "both have the address, and packets reach one or the other: connections break at random",
        "`cni-hns endpoint show {endpoint}`; delete one of the two pods, and its runtime makes it anew",
    ),
    "address-of-unused-endpoint": Kind(
        "ill",
        "the pod's packets may go to an endpoint that no pod uses",
        "cni-hns endpoint delete {endpoint}",
    ),
    "address-of-remote-endpoint": Kind(
        "ill",
        "this node sends the pod's packets to another node",
        "`cni-hns endpoint delete {endpoint}`; kube-proxy makes it again if the other pod still runs",
    ),
}


def _left(picture: Picture) -> Iterator[Seen]:
    """Local endpoints that a pod had, by their name, and that are in no namespace and no container."""
    if picture.seen.rows is None or picture.seen.namespaces is None or picture.hns_is_starting:
        return
    for one in picture.lookup.endpoints.values():
        owner = _owner(one, picture)
        if owner is None or one.flags & REMOTE or one.id in picture.lookup.recorded or _lives(one, picture):
            continue
        is_ours = attachment_of(one.id, one.name) is not None
        if picture.is_at_work(owner) or (not is_ours and picture.runs(owner.container_id)):
            continue
        if not is_ours and picture.seen.systems is None:
            continue
        where = f"in namespace {one.namespace}, which does not exist" if one.namespace else "in no namespace"
        record = "the ledger has no row for it" if is_ours else "another plugin made it"
        words = f"it is {where} and in no container, and {record}; container {owner.container_id} had it"
        yield Seen(
            "endpoint-left" if is_ours else "endpoint-left-by-peer",
            f"endpoint {one.id} ({listed(one.address_texts)})",
            words,
            names={"endpoint": one.id},
        )


def _owner(one: EndpointView, picture: Picture) -> AttachmentKey | None:
    """Whose it was by its name; None for endpoints of other programs."""
    ours = attachment_of(one.id, one.name)
    if ours is not None:
        return AttachmentKey(*ours)
    network = picture.lookup.networks.get(one.network)
    container, separator, rest = one.name.rpartition(f"_{network.name if network else ''}")
    if network is None or not separator or rest or not is_container_id(container):
        return None
    return AttachmentKey(network.name, container, "")


def _lives(one: EndpointView, picture: Picture) -> bool:
    return one.namespace in picture.lookup.rooms if one.namespace else bool(one.containers)


def _without_network(picture: Picture) -> Iterator[Seen]:
    """Those that no row names: of a row's the vanished network is told."""
    if picture.seen.networks is None or picture.hns_is_starting:
        return
    for one in picture.lookup.endpoints.values():
        if one.network not in picture.lookup.networks and one.id not in picture.lookup.recorded:
            words = f'HNS does not have its network {one.network}; it is called "{one.name}"'
            yield Seen(
                "endpoint-without-network",
                f"endpoint {one.id}",
                words,
                _pods_with(one, picture),
                {"endpoint": one.id},
            )


def _twice(picture: Picture) -> Iterator[Seen]:
    """Each address of a network that a local endpoint has together with others, once."""
    told = set()
    for one in picture.lookup.endpoints.values():
        for address, _ in one.addresses:
            place = one.network, address_key(address)
            found = picture.lookup.at(one.network, address)
            if place not in told and len(found) > 1 and any(not each.flags & REMOTE for each in found):
                told.add(place)
                yield from _shared(*place, found, picture)


def _shared(network: str, address: int, found: list[EndpointView], picture: Picture) -> Iterator[Seen]:
    if any((owner := _owner(one, picture)) is not None and picture.is_at_work(owner) for one in found):
        return
    known = picture.lookup.networks.get(network)
    subject = f'address {address_text(address)} on HCN network "{known.name if known else network}"'
    pods = tuple(dict.fromkeys(name for one in found for name in _pods_with(one, picture)))
    remote = [one for one in found if one.flags & REMOTE]
    unused = [one for one in found if not one.flags & REMOTE and not _lives(one, picture)]
    words = "two endpoints have it: " if len(found) == 2 else f"{len(found)} endpoints have it: "  # noqa: PLR2004
    words += ", ".join(_described(one, picture) for one in found)
    if remote:
        why = "; the remote one is likely left from a pod of another node that had the address before"
        yield Seen("address-of-remote-endpoint", subject, words + why, pods, {"endpoint": remote[0].id})
    elif unused and picture.seen.namespaces is not None:
        yield Seen("address-of-unused-endpoint", subject, words, pods, {"endpoint": unused[0].id})
    else:
        yield Seen("address-twice", subject, words, pods, {"endpoint": found[0].id})


def _described(one: EndpointView, picture: Picture) -> str:
    if one.flags & REMOTE:
        return f"remote endpoint {one.id}"
    pods = _pods_with(one, picture)
    return f"endpoint {one.id} of {f'pod {pods[0]}' if pods else 'no pod'}"


def _pods_with(one: EndpointView, picture: Picture) -> tuple[str, ...]:
    if one.flags & REMOTE:
        return ()
    return tuple(name_of(pod) for pod in picture.pods if any(each.id == one.id for each in pod.endpoints))


AREA = Area(_KINDS, (_left, _without_network, _twice))
